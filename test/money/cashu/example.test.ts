import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
	lockSecret,
	lockSeed,
	makeLockOutputs,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	refundPrivateKey,
} from "../../../src/money/cashu/index.ts";
import { mintId } from "../../../src/money/documents/index.ts";
import { enc, hex, utf8 } from "../../../src/wire/index.ts";
import { NUT02_IDS } from "./nut-vectors.ts";
import { bytesOf, crypto, ecash } from "./test-mint.ts";

const DOCUMENT: string = readFileSync(
	new URL("../../../docs/cashu.md", import.meta.url),
	"utf8",
);

/** Bytes that are all the same, as the example has them. */
const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);

/** What the document says that follows from its example, by names of its table. */
function example(): Record<string, string> {
	const seed = filled(1, 64);
	const agent = enc(filled(2), utf8("shop.example"));
	const termsHash = filled(3);
	const contract = filled(4);
	const base = payeeBaseKey(crypto, seed, agent);
	const shown = ecash.publicKey(base);
	const payee = payeeKey(crypto, ecash, shown, termsHash);
	const payer = refundPrivateKey(crypto, filled(5, 64), contract);
	const terms = {
		keyHash: crypto.sha256(filled(6)),
		payee,
		deadline: 1_800_000_000,
		refund: ecash.publicKey(payer),
		contract,
		binding: filled(7),
	};
	const outputs = lockSeed(crypto, filled(5, 64), contract);
	const [output] = makeLockOutputs(
		ecash,
		{ seed: outputs, keyset: bytesOf(NUT02_IDS.fourLong), counter: 2 },
		[4n],
		terms,
	);
	assert.ok(output);
	const { secret } = output;
	const nonce = secret.slice(18, 18 + 64);
	assert.equal(secret, lockSecret(terms, nonce));
	return {
		"of the mint": hex(mintId(crypto, "https://mint.example")),
		p: hex(base),
		P: hex(shown),
		"the payee's key": hex(payee),
		"the payee's private key": hex(
			payeePrivateKey(crypto, ecash, base, termsHash),
		),
		"the payer's private key": hex(payer),
		"the payer's key": hex(terms.refund),
		"the seed of the lock's outputs": hex(outputs),
		nonce,
		secret,
		r: hex(output.factor),
		B_: hex(output.blinded),
		Y: hex(ecash.hashToCurve(utf8(secret))),
	};
}

test("the example of the document is what comes out", () => {
	const [, text = ""] = DOCUMENT.split("\n## An example\n");
	const rows = [...text.matchAll(/^\| (.+) \| `(.+)` \|$/gm)].map(
		([, name = "", value = ""]) => [name, value],
	);
	const expected = Object.entries(example());
	assert.deepEqual(
		rows,
		expected,
		expected.map(([name, value]) => `| ${name} | \`${value}\` |`).join("\n"),
	);
});
