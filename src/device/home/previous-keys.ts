import { join } from "node:path";
import { z } from "zod";
import { TetradError } from "../../errors.ts";
import { parseCertificate, type Signer } from "../../identity/index.ts";
import { openKey } from "../../keys/index.ts";
import {
	isThere,
	parseJson,
	readCertificates,
	readText,
	replaceFile,
} from "./files.ts";
import { chainFile, keyLocation, readDeviceFile } from "./home.ts";
import type { HomeSecrets } from "./home-key.ts";

/* previous.json: keys and chains of a device that were replaced, until they are forgotten. */

/** A key, and the file that its chain is in. */
export const keyAndChain: z.ZodObject<{
	key: typeof keyLocation;
	chain: typeof chainFile;
}> = z.strictObject({ key: keyLocation, chain: chainFile });

export type KeyAndChain = z.infer<typeof keyAndChain>;

const previousFile = z.strictObject({
	version: z.literal(1),
	replaced: z.array(keyAndChain).max(64),
});

export function previousPath(home: string): string {
	return join(home, "previous.json");
}

export async function readPrevious(home: string): Promise<KeyAndChain[]> {
	const path = previousPath(home);
	if (!(await isThere(path))) return [];
	return parseJson(previousFile, await readText(path), path).replaced;
}

export async function writePrevious(
	home: string,
	replaced: readonly KeyAndChain[],
): Promise<void> {
	await replaceFile(
		previousPath(home),
		`${JSON.stringify({ version: 1, replaced }, null, "\t")}\n`,
	);
}

/**
 * Signers with the keys that a device had before and that are still kept. Each key is opened when
 * it is first asked to sign, which then throws as `openKey` does. Throws `home-unusable`.
 */
export async function previousSigners(
	home: string,
	secrets: HomeSecrets,
): Promise<{ readonly signers: readonly Signer[] } & AsyncDisposable> {
	const { chain: current } = await readDeviceFile(home);
	const opened = new AsyncDisposableStack();
	const signers: Signer[] = [];
	for (const { key, chain } of await readPrevious(home)) {
		// Written down before the change, which may not have come; or forgotten in part.
		if (chain === current || !(await isThere(join(home, chain)))) continue;
		const [der = new Uint8Array()] = await readCertificates(join(home, chain));
		const { algorithm, publicKey } = parseCertificate(der);
		let opening: Promise<Signer> | undefined;
		const open = async (): Promise<Signer> => {
			const signer = await openKey(key, { folder: home, ...secrets });
			if (!opened.disposed) return opened.use(signer);
			await signer[Symbol.asyncDispose]();
			throw new TetradError("key-store-failed", "the device has stopped");
		};
		signers.push({
			algorithm,
			publicKey,
			sign: async (content) => {
				opening ??= open().catch((thrown: unknown) => {
					// What is asked later may be answered.
					opening = undefined;
					throw thrown;
				});
				return (await opening).sign(content);
			},
		});
	}
	return {
		signers,
		[Symbol.asyncDispose]: () => opened.disposeAsync(),
	};
}
