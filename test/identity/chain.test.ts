import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	deviceId,
	encodeChain,
	isCertifiedName,
	MAX_CERTIFICATE_BYTES,
	MAX_CHAIN_BYTES,
	parseChain,
	parsePem,
	printPem,
} from "../../src/identity/index.ts";
import { enc, utf8 } from "../../src/wire/index.ts";
import { refusal } from "./forge.ts";

const certificates = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), {
	minLength: 1,
	maxLength: 4,
});

suite("an encoded chain", () => {
	test("reads back as it was written", () => {
		fc.assert(
			fc.property(certificates, (chain) => {
				assert.deepEqual(parseChain(encodeChain(chain)), chain);
			}),
			{ seed: 1 },
		);
	});

	test("may be as long as the limit and no longer", () => {
		const largest = encodeChain(
			Array.from({ length: 4 }, () => new Uint8Array(MAX_CERTIFICATE_BYTES)),
		);
		assert.equal(largest.length, MAX_CHAIN_BYTES);
		assert.equal(parseChain(largest).length, 4);
	});

	test("is not made from what would be refused", () => {
		const one = Uint8Array.of(1);
		const wrong = [
			[],
			[one, one, one, one, one],
			[new Uint8Array()],
			[new Uint8Array(4097)],
		];
		for (const chain of wrong)
			assert.throws(() => encodeChain(chain), { code: "invalid-argument" });
	});
});

test("a device id is enc(SHA-256 of the anchor's SPKI, name)", () => {
	const spki = utf8("spki");
	assert.deepEqual(
		deviceId(nodeCrypto, spki, "shop"),
		enc(nodeCrypto.sha256(spki), utf8("shop")),
	);
});

test("a certified name has 1 to 64 characters and starts with a letter or a digit", () => {
	for (const name of ["a", "0", "shop.example", "a-b", "a".repeat(64)])
		assert.ok(isCertifiedName(name), name);
	for (const name of [
		"",
		"-a",
		".a",
		"A",
		"a b",
		"a\n",
		"\u00e9",
		"a_b",
		"a".repeat(65),
	])
		assert.ok(!isCertifiedName(name), name);
});

suite("a chain in PEM", () => {
	const der = Uint8Array.from({ length: 100 }, (_, i) => i);

	test("reads back as it was written", () => {
		fc.assert(
			fc.property(certificates, (chain) => {
				assert.deepEqual(parsePem(printPem(chain)), chain);
			}),
			{ seed: 1 },
		);
	});

	test("may be as large as the largest chain, with CRLF", () => {
		const chain = Array.from({ length: 4 }, () =>
			new Uint8Array(4096).fill(255),
		);
		const text = printPem(chain).replaceAll("\n", "\r\n");
		assert.deepEqual(parsePem(text), chain);
	});

	test("may lack its last line end", () => {
		assert.deepEqual(parsePem(printPem([der]).trimEnd()), [der]);
	});

	const text = printPem([der]);
	const refuses = (name: string, wrong: string, gist: RegExp) =>
		test(`is refused ${name}`, () => {
			assert.throws(() => parsePem(wrong), refusal("malformed", gist));
		});
	refuses("when there is none", "", /no certificate/);
	refuses(
		"with five certificates",
		printPem([der, der, der, der, der]),
		/5 certificates, and 4/,
	);
	refuses("when it is far too long", "A".repeat(30_000), /too long/);
	refuses(
		"with text before it",
		`subject=shop\n${text}`,
		/line 1 .* should be/,
	);
	refuses("with text after it", `${text}shop\n`, /line 6 .* should be/);
	refuses("with an empty line after it", `${text}\n`, /line 6 .* should be/);
	refuses(
		"with another label",
		text.replaceAll("CERTIFICATE", "PRIVATE KEY"),
		/line 1 .* should be/,
	);
	refuses(
		"without an end",
		text.replace(/-----END.*/s, ""),
		/line 1 has no end/,
	);
	refuses(
		"with nothing inside",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		/not canonical/,
	);
	refuses(
		"with lines of another length",
		text.replace(/\n(.{60})/, "\n$1\n"),
		/line 2 .* not base64/,
	);
	refuses(
		"with a space in a line",
		text.replace(/\n(.{20})./, "\n$1 "),
		/line 2 .* not base64/,
	);
	refuses(
		"with padding in the middle",
		text.replace(/\n(.{62})../, "\n$1=="),
		/line 2 .* not base64/,
	);
	refuses(
		"with bits set in its padding",
		text.replace(/.==\n/, "B==\n"),
		/not canonical/,
	);

	test("only ever throws a TetradError", () => {
		fc.assert(
			fc.property(fc.nat({ max: text.length }), fc.string(), (at, insert) => {
				try {
					parsePem(text.slice(0, at) + insert + text.slice(at));
				} catch (thrown) {
					assert.ok(thrown instanceof TetradError, String(thrown));
				}
			}),
			{ seed: 1, numRuns: 1000 },
		);
	});
});
