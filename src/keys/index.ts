export { MAX_BACKUP_BYTES } from "./limits.ts";
export {
	besideKey,
	createKey,
	type KeyAccess,
	openKey,
	openKeyStore,
	removeKey,
} from "./location.ts";
export { isLockHeld, makeLockFile } from "./lock-file.ts";
export { readOwnerFile, syncDirectory, writeOwnerFile } from "./owner-file.ts";
export {
	keyFromPassphrase,
	OWNER_SALT_BYTES,
	requireBearable,
} from "./passphrase-key.ts";
export { Pkcs11KeyStore, type Pkcs11StoreOptions } from "./pkcs11-store.ts";
export {
	type Pkcs11Uri,
	parsePkcs11Uri,
	printPkcs11Uri,
	type TokenSelector,
} from "./pkcs11-uri.ts";
export {
	DEFAULT_COST,
	type PassphraseCost,
	SEAL_BYTES,
	sealBackup,
	unsealBackup,
} from "./sealed.ts";
export {
	type SecretRequest,
	type SecretSource,
	secretFromEnvironment,
	secretFromFile,
	secretFromPrompt,
	type Terminal,
} from "./secret.ts";
export { createSecretFile, readSecretFile } from "./secret-file.ts";
export {
	generateSoftwareKey,
	readSoftwareKey,
	type SoftwareKey,
	writeSoftwareKey,
} from "./software.ts";
export {
	SoftwareKeyStore,
	type SoftwareStoreOptions,
} from "./software-store.ts";
export type {
	KeyLocation,
	KeyOperationOptions,
	KeyStore,
	StoredKey,
} from "./store.ts";
export type { KeySelector } from "./token-messages.ts";
export { waitForLock } from "./waited-lock.ts";
