export { MAX_OWN_MODULES } from "../runtime/index.ts";
export {
	makeCarriedFolder,
	readCarried,
	readCarriedPem,
	writeCarried,
} from "./carried-file.ts";
export {
	type DatabaseLocation,
	databaseLocation,
	databaseUrl,
	serverDemands,
} from "./database-location.ts";
export { type DeviceLook, lookAtDevice } from "./device-look.ts";
export {
	isThere,
	makeFolder,
	makePrivateFolder,
	parseJson,
	readBytes,
	readCertificates,
	readText,
	reason,
	replaceFile,
	requireHome,
	requirePrivate,
	unusable,
} from "./files.ts";
export {
	createHome,
	createHomeKey,
	type DeviceSettings,
	demandAccepted,
	type Home,
	keyLocation,
	readDeviceFile,
	readHome,
	requireNoDevice,
	writeDeviceFile,
} from "./home.ts";
export {
	askOnce,
	discardKey,
	ensureKey,
	type HomeSecrets,
	keyExists,
	keyName,
	requireNoKey,
} from "./home-key.ts";
export { importList, type ListStatus, listStatus } from "./home-lists.ts";
export { HomeLock, type OneOfSeveral } from "./home-lock.ts";
export { readPairingTries, writePairingTries } from "./pairing-tries.ts";
export {
	type PairedWith,
	pairedInPlace,
	requirePairingNumber,
	viewPairings,
	writePairing,
} from "./pairings.ts";
export { type DevicePolicySettings, readPolicy } from "./policy-file.ts";
export {
	type KeyAndChain,
	keyAndChain,
	previousPath,
	previousSigners,
	readPrevious,
	writePrevious,
} from "./previous-keys.ts";
export { lockHome } from "./work-lock.ts";
