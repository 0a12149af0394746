import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import {
	createSecretFile,
	readSecretFile,
	type SecretSource,
} from "../../keys/index.ts";
import type { Store } from "../../machine/index.ts";
import {
	claimSellingMaster,
	masterHash,
	sellingMasterOf,
} from "../../money/index.ts";
import { isThere, readDeviceFile, unusable } from "../home/index.ts";

const FILE = "selling.secret";

/**
 * The master secret that all selling secrets of an issuer are derived from, 32 bytes. It is made
 * once, in the home and not in the ledger, sealed with the passphrase of the home's key if that
 * has one; the ledger keeps its hash. Throws `home-unusable` when it is gone, or is not that of the
 * ledger: the issuer would declare every sale void. Throws as `readSecretFile` does.
 */
export async function openSellingMaster(
	home: string,
	ledger: Pick<Store, "transact">,
	passphrase: SecretSource | undefined,
): Promise<Uint8Array> {
	const path = join(home, FILE);
	const known = await ledger.transact(sellingMasterOf());
	const found = await isThere(path);
	if (!found && known !== undefined)
		throw unusable(
			`${path} is gone, from which this issuer derives what merchants sell with; without it every sale would be void: put it back from a backup, or from the home of another process of this issuer`,
		);
	const master = found
		? await readSecretFile(path, passphrase)
		: await makeMaster(home, path, passphrase);
	await ledger.transact(claimSellingMaster(masterHash(nodeCrypto, master)));
	return master;
}

async function makeMaster(
	home: string,
	path: string,
	passphrase: SecretSource | undefined,
): Promise<Uint8Array> {
	const { key } = await readDeviceFile(home, "module");
	// A PIN is not enough to seal with: whoever has the file could try all of them.
	return createSecretFile(path, "file" in key ? passphrase : undefined);
}
