import type { TestContext } from "node:test";
import {
	type CryptoProvider,
	nodeCrypto,
	sodiumCrypto,
	type X25519Key,
} from "../../src/crypto/index.ts";
import { x25519FromPrivate } from "../../src/crypto/node.ts";
import { sodiumX25519FromPrivate } from "../../src/crypto/sodium.ts";
import { loadSodium } from "../../src/provider/choose.ts";

/** A provider that is held to the contract of all. */
export interface TriedProvider {
	readonly name: string;
	readonly crypto: CryptoProvider;
	readonly x25519FromPrivate: (secret: Uint8Array) => X25519Key;
}

const NODE: TriedProvider = {
	name: "node:crypto",
	crypto: nodeCrypto,
	x25519FromPrivate,
};

/** Calls `hold` for each provider. Without sodium-native its tests skip and say so; under `CI=true` they fail. */
export function forEachProvider(
	hold: (provider: TriedProvider) => void,
	skip: (name: string, why: (t: Pick<TestContext, "skip">) => void) => void,
): void {
	hold(NODE);
	let provider: TriedProvider;
	try {
		const { sodium } = loadSodium();
		provider = {
			name: "sodium-native",
			crypto: sodiumCrypto(sodium),
			x25519FromPrivate: (secret) => sodiumX25519FromPrivate(sodium, secret),
		};
	} catch (cause) {
		return skip("sodium-native", (t) => {
			const { CI } = process.env;
			if (CI === "true") throw cause;
			t.skip("NO SODIUM: sodium-native does not load here");
		});
	}
	hold(provider);
}
