/* Whole tetrads whose devices sign with keys that never leave their tokens. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	MoneyModule,
	makePolicy,
	memoryCarriers,
	pairInProcess,
	SoftwareAuthority,
	type Tetrad,
	TrustedAgent,
} from "../../src/entry/index.ts";
import type { Signer } from "../../src/identity/index.ts";
import {
	createKey,
	generateSoftwareKey,
	type StoredKey,
} from "../../src/keys/index.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import {
	SoftHsm,
	SoftwareTpm,
	skipUnless,
	type TestToken,
} from "../support/tokens.ts";

const ALGORITHMS = ["P-256", "Ed25519"] as const;

/** Four devices with these keys meet, and each end of the four sessions hears the other. */
async function meet(keys: Readonly<Record<Place, Signer>>): Promise<void> {
	const agency = await SoftwareAuthority.create("agency", "Agency");
	const bank = await SoftwareAuthority.create("bank", "Bank");
	const policy = makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
	});
	const identity = async (authority: SoftwareAuthority, place: Place) => ({
		signer: keys[place],
		chain: await authority.issue(`device-${place.toLowerCase()}`, keys[place]),
	});
	const agent = async (place: Place) =>
		new TrustedAgent({ identity: await identity(agency, place), policy });
	const module = async (place: Place) =>
		new MoneyModule({ identity: await identity(bank, place), policy });
	const [A, B] = [await agent("A"), await agent("B")];
	const [X, Y] = [await module("X"), await module("Y")];
	await pairInProcess(A, X);
	await pairInProcess(B, Y);
	const [left, right] = memoryCarriers();
	const [a, b] = await Promise.all([A.connect(left), B.accept(right)]);
	const [x, y] = [await X.accept(), await Y.accept()];
	const tetrads: readonly Tetrad[] = [a, b, x, y];
	assert.equal(new Set(tetrads.map(({ safetyCode }) => safetyCode)).size, 1);
	for (const [from, to] of [
		[a.agent, b.agent],
		[x.module, y.module],
		[a.module, x.agent],
		[b.module, y.agent],
	] as const) {
		await from.send(Uint8Array.of(7));
		assert.deepEqual(await to.receive(), Uint8Array.of(7));
	}
	await a.close();
	for (const device of [A, B, X, Y]) await device.close();
}

/** A new key for this place in a token. */
function keyIn(
	token: TestToken,
	place: string,
	algorithm: SignatureAlgorithm,
	label?: string,
): Promise<StoredKey> {
	const uri = token.uri(label === undefined ? {} : { token: label });
	const pkcs11 = uri.replace("?", `;object=${place}-${algorithm}?`);
	return createKey({ pkcs11 }, algorithm, { folder: "/" });
}

describe("a tetrad", () => {
	const skipSoftHsm = { skip: skipUnless("softhsm") };
	for (const algorithm of ALGORITHMS)
		test(
			`with four ${algorithm} keys in SoftHSM, agents in one token and modules in another`,
			skipSoftHsm,
			async () => {
				await using hsm = await SoftHsm.make("agents", "modules");
				await using stack = new AsyncDisposableStack();
				const keys: Partial<Record<Place, Signer>> = {};
				for (const place of PLACES) {
					const label = place === "A" || place === "B" ? "agents" : "modules";
					keys[place] = stack.use(await keyIn(hsm, place, algorithm, label));
				}
				await meet(keys as Record<Place, Signer>);
				await meet(keys as Record<Place, Signer>);
			},
		);

	const skipTpm = { skip: skipUnless("tpm") };
	test("with a module whose key is in a TPM", skipTpm, async () => {
		await using tpm = await SoftwareTpm.make();
		await using key = await keyIn(tpm, "X", "P-256");
		await meet({
			A: generateSoftwareKey("P-256"),
			X: key,
			B: generateSoftwareKey("Ed25519"),
			Y: generateSoftwareKey("P-256"),
		});
	});
});
