/* What proves that an invoice was paid: the preimage of the hash that it names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bech32 } from "@scure/base";
import { nodeCrypto } from "../../../src/crypto/index.ts";
import { paymentHash, whyNoProof } from "../../../src/money/cashu/index.ts";
import { hex } from "../../../src/wire/index.ts";
import { bolt11 } from "./bolt11.ts";

const PREIMAGE = new Uint8Array(32).fill(7);
const HASH = nodeCrypto.sha256(PREIMAGE);

/** The first example of BOLT 11. */
const EXAMPLE =
	"lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";

test("the hash of a payment is read off an invoice, whatever stands before it, in either case", () => {
	const hash =
		"0001020304050607080900010203040506070809000102030405060708090102";
	for (const invoice of [EXAMPLE, EXAMPLE.toUpperCase()])
		assert.equal(hex(paymentHash(invoice) ?? new Uint8Array()), hash);
	assert.deepEqual(paymentHash(bolt11(HASH)), HASH);
});

test("a text that is no invoice, or names no hash, has none", () => {
	const { words } = bech32.decode(bolt11(HASH) as never, false);
	const without = bech32.encode("lnbc1u", words.slice(0, 7), false);
	const short = bech32.encode("lnbc1u", words.slice(0, 100), false);
	const changed = `${EXAMPLE.slice(0, -1)}q`;
	for (const text of ["", "lnbc1", "lnplaysat10n1qqq", without, short, changed])
		assert.equal(paymentHash(text), undefined, text);
});

test("the preimage proves it, no other text does, and where nothing is said nothing is wrong", () => {
	const why = (preimage: string, invoice = bolt11(HASH)) =>
		whyNoProof(nodeCrypto, invoice, preimage)?.code;
	assert.equal(why(hex(PREIMAGE)), undefined);
	assert.equal(why(hex(PREIMAGE).toUpperCase()), undefined);
	assert.equal(why(""), undefined);
	assert.equal(why("00".repeat(32), "lnplaysat10n1qqq"), undefined);
	for (const wrong of ["00".repeat(32), hex(HASH), "no proof", "07"])
		assert.equal(why(wrong), "authentication-failed", wrong);
});
