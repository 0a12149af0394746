import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { validateChain } from "../../src/identity/index.ts";
import {
	draftNote,
	MAX_AMOUNT,
	MAX_NOTE_BYTES,
	type NoteBody,
	parseNote,
	type VerifiedNote,
	verifyNote,
} from "../../src/money/index.ts";
import { concat, dec, enc, hex, utf8, Verified } from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";
import { MALFORMED, onlyTetradErrors } from "../wire/only-tetrad-errors.ts";
import {
	ALGORITHMS,
	ALL_ROLES,
	bitChanges,
	certified,
	encodedAnew,
	FIXED,
	FIXED_NOTE,
	filled,
	inPlaceOf,
	lengthChanges,
	MoneyWorld,
	refused,
	refusesTenMegabytes,
	signNote,
} from "./documents.ts";
import * as golden from "./golden.ts";

const parse = (bytes: Uint8Array) => parseNote(nodeCrypto, bytes);

test("golden bytes of a note", async () => {
	const { toSign } = draftNote(FIXED_NOTE);
	assert.equal(hex(toSign), hex(golden.NOTE_TO_SIGN));
	const note = await signNote(FIXED_NOTE, FIXED.issuer);
	assert.equal(hex(note.id), hex(golden.NOTE_ID));
	const body = toSign.subarray("tetrad/1 NO\0".length);
	assert.equal(
		hex(note.document),
		hex(concat(body, enc(golden.NOTE_SIGNATURE))),
	);
});

const anyBody: fc.Arbitrary<NoteBody> = fc
	.record({
		code: fc.stringMatching(/^[A-Z0-9]{1,8}$/),
		exponent: fc.integer({ min: 0, max: 8 }),
		isPlay: fc.boolean(),
		value: fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
		issued: fc.integer({ min: 0, max: 8_639_999_999_999_999 }),
		lasts: fc.integer({ min: 1, max: 1e13 }),
		issuer: fc.uint8Array({ minLength: 41, maxLength: 104 }),
		holder: fc.uint8Array({ minLength: 41, maxLength: 104 }),
		issuerCertificate: fc.uint8Array({ minLength: 32, maxLength: 32 }),
		serial: fc.uint8Array({ minLength: 32, maxLength: 32 }),
		isP256: fc.boolean(),
	})
	.map(({ code, exponent, lasts, isP256, ...body }) => ({
		...body,
		currency: { code, exponent },
		expires: Math.min(body.issued + lasts, 8_640_000_000_000_000),
		holderKey: isP256
			? { algorithm: "P-256", publicKey: filled(65, 4) }
			: { algorithm: "Ed25519", publicKey: filled(32, 9) },
	}));

test("round trip: a note says what was drafted, in at most MAX_NOTE_BYTES", () => {
	fc.assert(
		fc.property(anyBody, (body) => {
			const note = draftNote(body).sign(nodeCrypto, filled(64, 1));
			const { id, document, ...said } = note;
			assert.deepEqual(said, body);
			assert.ok(document.length <= MAX_NOTE_BYTES);
			assert.deepEqual(parse(document), note);
			assert.deepEqual(
				draftNote(said).sign(nodeCrypto, filled(64, 2)).id,
				id,
				"the signature is no part of the id",
			);
		}),
	);
});

test("a note that could not be is not drafted", () => {
	const wrong: Record<string, Partial<NoteBody>> = {
		"no value": { value: 0n },
		"a negative value": { value: -1n },
		"a value beyond 2^63 - 1": { value: MAX_AMOUNT + 1n },
		"a value that 64 bits would cut": { value: 2n ** 64n + 5n },
		"a currency in small letters": { currency: { code: "eur", exponent: 2 } },
		"nine decimals": { currency: { code: "EUR", exponent: 9 } },
		"no time to expire": { expires: FIXED_NOTE.issued },
		"no time at all": { issued: Number.NaN },
		"a time before all times": { issued: -5 },
		"half a millisecond": { expires: FIXED_NOTE.expires + 0.5 },
		"a serial that is short": { serial: filled(31, 1) },
		"an issuer that is nobody": { issuer: filled(40, 1) },
		"a key that is cut": {
			holderKey: { algorithm: "P-256", publicKey: filled(64, 4) },
		},
		"a key of another kind": {
			holderKey: { algorithm: "P-256", publicKey: filled(32, 4) },
		},
	};
	for (const [what, changes] of Object.entries(wrong))
		assert.throws(
			() => draftNote({ ...FIXED_NOTE, ...changes }),
			{ name: "TetradError", code: /^(invalid-argument|malformed)$/ },
			what,
		);
});

describe("what is no note is malformed", () => {
	/** A document with one field of the body in another form. */
	const withField = (at: number, value: Uint8Array): Uint8Array => {
		const note = draftNote(FIXED_NOTE).sign(nodeCrypto, filled(64, 1));
		const [body = filled(0, 0), signature = filled(0, 0)] = dec(
			note.document,
			2,
		);
		return enc(enc(...dec(body, 10).with(at, value)), signature);
	};

	test("the form that is changed below is one", () => {
		assert.equal(parse(withField(2, utf8("USD"))).currency.code, "USD");
	});

	const fields: Record<string, readonly [number, Uint8Array]> = {
		"a currency in small letters": [2, utf8("eur")],
		"a currency with a zero byte": [2, utf8("EUR\0")],
		"a currency with a line end": [2, utf8("EUR\n")],
		"a currency in Cyrillic letters": [2, utf8("ЕUR")],
		"a currency with a byte order mark": [2, utf8("\uFEFFEUR")],
		"a currency that is not UTF-8": [2, filled(3, 0xff)],
		"a currency of no letters": [2, filled(0, 0)],
		"nine decimals": [3, Uint8Array.of(9, 1)],
		"neither play money nor not": [3, Uint8Array.of(2, 2)],
		"a value of zero": [4, filled(8, 0)],
		"a value of 2^63": [4, Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0)],
		"a value in seven bytes": [4, filled(7, 1)],
		"a value in nine bytes": [4, filled(9, 1)],
		"issued after all times": [5, filled(8, 0xff)],
		"expired before it was issued": [6, filled(8, 0)],
		"no kind of key": [8, filled(33, 0)],
		"a third kind of key": [8, Uint8Array.of(3, ...filled(32, 9))],
		"P-256 with a short key": [8, Uint8Array.of(1, ...filled(32, 4))],
		"P-256 in compressed form": [8, Uint8Array.of(1, 2, ...filled(32, 4))],
		"Ed25519 with a long key": [8, Uint8Array.of(2, ...filled(65, 4))],
		"a device id that is short": [7, filled(40, 1)],
		"a device id that is long": [0, filled(105, 1)],
	};
	for (const [what, [at, value]] of Object.entries(fields))
		test(what, () =>
			assert.throws(() => parse(withField(at, value)), MALFORMED),
		);

	test("a field more, a field less, fields the other way round", () => {
		const note = draftNote(FIXED_NOTE).sign(nodeCrypto, filled(64, 1));
		const [body = filled(0, 0), signature = filled(0, 0)] = dec(
			note.document,
			2,
		);
		const parts = dec(body, 10);
		for (const changed of [
			[...parts, filled(0, 0)],
			parts.toSpliced(9, 1),
			parts.toReversed(),
		])
			refused(() => parse(enc(enc(...changed), signature)));
		refused(() => parse(enc(signature, body)));
	});

	test("bytes after a note, and every beginning of one", () => {
		const note = draftNote(FIXED_NOTE).sign(nodeCrypto, filled(64, 1));
		for (const changed of lengthChanges(note.document))
			refused(() => parse(changed));
	});

	test("any bytes are refused as a peer's fault, or are a note that encodes to them", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
				const note = onlyTetradErrors(() => parse(bytes));
				if (note !== undefined) assert.deepEqual(note.document, bytes);
			}),
		);
	});

	test("10 MB of nested encoding, at once", () => {
		refusesTenMegabytes(parse);
	});
});

test("a note is a copy: whoever lent the bytes changes nothing in it", () => {
	const { document } = draftNote(FIXED_NOTE).sign(nodeCrypto, filled(64, 1));
	const lent = Buffer.from(document);
	const note = parse(lent);
	lent.fill(0xff);
	assert.deepEqual(note, parse(document));
	const body = { ...FIXED_NOTE, serial: filled(32, 7) };
	const { toSign, sign } = draftNote(body);
	const before = hex(toSign);
	body.serial.fill(8);
	assert.equal(hex(toSign), before);
	assert.deepEqual(sign(nodeCrypto, filled(64, 1)).serial, filled(32, 7));
});

for (const algorithm of ALGORITHMS)
	describe(`verifying notes, ${algorithm}`, () => {
		let world: MoneyWorld;
		before(async () => {
			world = await MoneyWorld.make(algorithm);
		});

		test("its issuer's signature makes it one", async () => {
			const note = await world.note();
			assert.equal(world.verify(note).value, note);
		});

		test("a signature for any other place does not", async () => {
			const { toSign, sign } = draftNote(world.noteBody());
			const { signer, device } = world.issuer;
			for (const role of ALL_ROLES) {
				const signature = await signer.sign(inPlaceOf(toSign, role));
				const note = sign(nodeCrypto, signature);
				const check = () => verifyNote(nodeCrypto, note, device);
				if (role === "NO") check();
				else assert.throws(check, { code: "authentication-failed" }, role);
			}
		});

		test("a signature by anyone else does not, and all such failures are alike", async () => {
			const messages = new Set<string>();
			for (const { signer } of [world.payer, world.stranger]) {
				const note = await world.note({}, signer);
				assert.throws(
					() => world.verify(note),
					({ code, message }: { code?: string; message: string } & Error) => {
						messages.add(message);
						return code === "authentication-failed";
					},
				);
			}
			assert.equal(messages.size, 1);
		});

		test("another issuer, or another certificate of the same, is refused", async () => {
			const note = await world.note();
			const renewed = await certified(world.bank, "issuer.example");
			for (const { device } of [world.stranger, renewed])
				assert.throws(() => verifyNote(nodeCrypto, note, device), {
					code: "payment-refused",
				});
		});

		test("a stranger's own note in the issuer's name is refused", async () => {
			const { signer, device } = world.stranger;
			const note = await world.note(
				{ issuerCertificate: device.certificateId },
				signer,
			);
			for (const issuer of [device, world.issuer.device])
				assert.throws(() => verifyNote(nodeCrypto, note, issuer), {
					code: "payment-refused",
				});
		});

		test("no bit of it can be changed", async () => {
			const { document } = await world.note();
			for (const changed of bitChanges(document))
				refused(() => world.verify(parse(changed)));
		});

		test("is the only way to a verified note", async () => {
			const note = await world.note();
			const Forged = Verified as unknown as new (
				...args: unknown[]
			) => VerifiedNote;
			assert.throws(() => new Forged(Symbol(), note), { code: "internal" });
		});
	});

test("an agent issues no notes", async () => {
	const world = await MoneyWorld.make("Ed25519");
	const others = await makeWorld({ algorithm: "Ed25519" });
	const { chain, signer } = await others.agent("agent");
	const agent = validateChain(
		nodeCrypto,
		chain,
		"agent",
		[others.agency.anchor],
		others.now,
	);
	const note = await world.note(
		{ issuer: agent.deviceId, issuerCertificate: agent.certificateId },
		signer,
	);
	assert.throws(() => verifyNote(nodeCrypto, note, agent), {
		code: "payment-refused",
	});
});

test("a signature that was encoded anew makes no second note", async () => {
	const world = await MoneyWorld.make("P-256");
	const note = await world.note();
	const again = parse(encodedAnew(note.document));
	assert.notDeepEqual(again.document, note.document);
	world.verify(again);
	assert.deepEqual(again.id, note.id);
});
