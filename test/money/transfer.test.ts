import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	draftTransfer,
	MAX_AMOUNT,
	MAX_PIECES,
	MAX_TRANSFER_BYTES,
	overlap,
	type Piece,
	parseTransfer,
	type Transfer,
	type TransferBody,
	type VerifiedNote,
	type VerifiedTransfer,
	verifyTransfer,
} from "../../src/money/index.ts";
import { concat, dec, enc, hex, utf8, Verified } from "../../src/wire/index.ts";
import { MALFORMED, onlyTetradErrors } from "../wire/only-tetrad-errors.ts";
import {
	ALGORITHMS,
	ALL_ROLES,
	bitChanges,
	encodedAnew,
	FIXED,
	FIXED_TRANSFER,
	filled,
	inPlaceOf,
	lengthChanges,
	MoneyWorld,
	piece,
	refused,
	refusesTenMegabytes,
	signTransfer,
} from "./documents.ts";
import * as golden from "./golden.ts";

const parse = (bytes: Uint8Array) => parseTransfer(nodeCrypto, bytes);
const unsigned = (body: TransferBody) =>
	draftTransfer(body).sign(nodeCrypto, filled(64, 1));

test("golden bytes of a transfer", async () => {
	const { toSign } = draftTransfer(FIXED_TRANSFER);
	assert.equal(hex(toSign), hex(golden.TRANSFER_TO_SIGN));
	const transfer = await signTransfer(FIXED_TRANSFER, FIXED.holder);
	assert.equal(hex(transfer.id), hex(golden.TRANSFER_ID));
	const body = toSign.subarray("tetrad/1 TR\0".length);
	assert.equal(
		hex(transfer.document),
		hex(concat(body, enc(golden.TRANSFER_SIGNATURE))),
	);
});

test("golden bytes of a sale: those of a payment, and one field more", () => {
	const sale = { ...FIXED_TRANSFER, purpose: "sale" } as const;
	const role = "tetrad/1 TR\0".length;
	const body = concat(
		golden.TRANSFER_TO_SIGN.subarray(role + 4),
		golden.SALE_FIELD,
	);
	assert.equal(
		hex(draftTransfer(sale).toSign),
		hex(concat(golden.TRANSFER_TO_SIGN.subarray(0, role), enc(body))),
	);
	const transfer = unsigned(sale);
	assert.equal(transfer.purpose, "sale");
	assert.notEqual(hex(transfer.id), hex(golden.TRANSFER_ID));
});

test("there is no other purpose, and nothing after it", () => {
	const body = golden.TRANSFER_TO_SIGN.subarray("tetrad/1 TR\0".length + 4);
	const read = (...more: readonly Uint8Array[]) =>
		parse(enc(concat(body, enc(...more)), filled(64, 1)));
	assert.equal(read().purpose, "payment");
	assert.equal(read(utf8("sale")).purpose, "sale");
	for (const more of [
		[utf8("gift")],
		[utf8("Sale")],
		[utf8("")],
		[utf8("sales")],
		[utf8("sale"), utf8("")],
		[utf8("sale"), utf8("sale")],
	])
		refused(() => read(...more));
});

/** Pieces of up to 64 notes, which are disjoint whatever was drawn. */
const anyPieces: fc.Arbitrary<Piece[]> = fc
	.array(
		fc.record(
			{
				noteId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
				offset: fc.bigInt({ min: 0n, max: 2n ** 56n }),
				amount: fc.bigInt({ min: 1n, max: 2n ** 56n }),
			},
			{ noNullPrototype: true },
		),
		{ minLength: 1, maxLength: MAX_PIECES },
	)
	.filter((pieces) => {
		const ids = pieces.map(({ noteId }) => hex(noteId));
		return new Set(ids).size === ids.length;
	});

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const deviceId = fc.uint8Array({ minLength: 41, maxLength: 104 });
const anyBody: fc.Arbitrary<TransferBody> = fc
	.record({
		payer: deviceId,
		payee: deviceId,
		issuer: deviceId,
		currency: fc.stringMatching(/^[A-Z0-9]{1,8}$/),
		contract: hash,
		binding: hash,
		parties: hash,
		pieces: anyPieces,
		purpose: fc.constantFrom("payment" as const, "sale" as const),
	})
	.map((body) => ({
		...body,
		amount: body.pieces.reduce((sum, { amount }) => sum + amount, 0n),
	}));

test("round trip: a transfer says what was drafted, in at most MAX_TRANSFER_BYTES", () => {
	fc.assert(
		fc.property(anyBody, (body) => {
			const transfer = unsigned(body);
			const { id, document, ...said } = transfer;
			assert.deepEqual(said, body);
			assert.ok(document.length <= MAX_TRANSFER_BYTES);
			assert.deepEqual(parse(document), transfer);
			assert.deepEqual(
				draftTransfer(said).sign(nodeCrypto, filled(64, 2)).id,
				id,
				"the signature is no part of the id",
			);
		}),
	);
});

const NOTE_ID = filled(32, 0x11);
const of = (offset: bigint, amount: bigint, noteId = NOTE_ID): Piece => ({
	noteId,
	offset,
	amount,
});

describe("a transfer that could not be is neither drafted nor read", () => {
	const wrong: Record<string, Partial<TransferBody>> = {
		"no pieces": { pieces: [], amount: 0n },
		"no pieces, and an amount": { pieces: [] },
		"a forged amount": { amount: 1251n },
		"an amount less than its pieces": { amount: 1n },
		"a negative amount": { amount: -1250n },
		"a piece of nothing": { pieces: [of(0n, 0n)], amount: 0n },
		"a piece of nothing beside one of all": {
			pieces: [of(0n, 0n), of(0n, 1250n)],
		},
		"a negative piece": { pieces: [of(0n, 1251n), of(2000n, -1n)] },
		"a negative offset": { pieces: [of(-1n, 1250n)] },
		"a piece that goes beyond 2^63 - 1": {
			pieces: [of(MAX_AMOUNT, 1250n)],
		},
		"a piece that would come round again at 2^64": {
			pieces: [of(2n ** 64n - 1n, 1250n)],
		},
		"a sum that overflows 63 bits": {
			pieces: [of(0n, MAX_AMOUNT), of(0n, 1250n, filled(32, 2))],
			amount: MAX_AMOUNT + 1250n,
		},
		"a sum that comes round to the amount at 2^64": {
			pieces: [
				of(0n, MAX_AMOUNT),
				of(0n, MAX_AMOUNT, filled(32, 2)),
				of(0n, 1252n, filled(32, 3)),
			],
		},
		"the same range twice": { pieces: [of(0n, 625n), of(0n, 625n)] },
		"ranges that overlap by one": { pieces: [of(0n, 626n), of(625n, 624n)] },
		"a range within another": { pieces: [of(0n, 1000n), of(400n, 250n)] },
		"overlapping ranges far apart in the list": {
			pieces: [
				of(0n, 10n),
				of(500n, 615n, filled(32, 2)),
				of(20n, 615n),
				of(9n, 10n),
			],
		},
		"a piece more than there may be": {
			pieces: Array.from({ length: MAX_PIECES + 1 }, (_, i) =>
				of(BigInt(i), 1n),
			),
			amount: BigInt(MAX_PIECES + 1),
		},
		"a note id that is short": { pieces: [of(0n, 1250n, filled(31, 1))] },
		"a note id that is long": { pieces: [of(0n, 1250n, filled(33, 1))] },
		"no currency": { currency: "" },
		"a currency in small letters": { currency: "eur" },
		"a currency with a line end": { currency: "EUR\n" },
		"a currency in Cyrillic letters": { currency: "ЕUR" },
		"a contract that is short": { contract: filled(31, 1) },
		"a payee that is nobody": { payee: filled(40, 1) },
	};
	for (const [what, changes] of Object.entries(wrong))
		test(what, () => {
			const body = { ...FIXED_TRANSFER, ...changes };
			assert.throws(() => draftTransfer(body), {
				name: "TetradError",
				code: /^(malformed|invalid-argument)$/,
			});
			refused(() => parse(written(body)));
		});

	test("numbers that 64 bits would cut are not drafted", () => {
		for (const changes of [
			{ amount: 1250n + 2n ** 64n },
			{ pieces: [of(2n ** 64n, 1250n)] },
			{ pieces: [of(0n, 1250n + 2n ** 64n)] },
		])
			assert.throws(() => draftTransfer({ ...FIXED_TRANSFER, ...changes }), {
				code: "invalid-argument",
			});
	});

	test("what is written below without checks is read when it is right", () => {
		assert.deepEqual(parse(written(FIXED_TRANSFER)), unsigned(FIXED_TRANSFER));
	});

	test("a piece that is cut short", () => {
		for (const length of [0, 1, 47, 49, 95])
			refused(() => parse(written(FIXED_TRANSFER, filled(length, 1))));
	});

	test("bytes after a transfer, and every beginning of one", () => {
		for (const changed of lengthChanges(unsigned(FIXED_TRANSFER).document))
			refused(() => parse(changed));
	});

	test("a field more, a field less, fields the other way round", () => {
		const { document } = unsigned(FIXED_TRANSFER);
		const [body = NOTE_ID, signature = NOTE_ID] = dec(document, 2);
		const parts = dec(body, 9);
		for (const changed of [
			[...parts, filled(0, 0)],
			parts.toSpliced(7, 1),
			parts.toReversed(),
		])
			refused(() => parse(enc(enc(...changed), signature)));
		refused(() => parse(enc(signature, body)));
	});

	test("any bytes", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
				const transfer = onlyTetradErrors(() => parse(bytes));
				if (transfer !== undefined) assert.deepEqual(transfer.document, bytes);
			}),
		);
	});

	test("10 MB of nested encoding, at once", () => {
		refusesTenMegabytes(parse);
	});
});

/** A transfer's document without any check; numbers are cut to 64 bits, as careless code would. */
function written(body: TransferBody, rawPieces?: Uint8Array): Uint8Array {
	const cut = (value: bigint) => {
		const bytes = new Uint8Array(8);
		new DataView(bytes.buffer).setBigUint64(0, value);
		return bytes;
	};
	const pieces = body.pieces.map(({ noteId, offset, amount }) =>
		concat(noteId, cut(offset), cut(amount)),
	);
	const bytes = enc(
		body.payer,
		body.payee,
		body.issuer,
		utf8(body.currency),
		cut(body.amount),
		body.contract,
		body.binding,
		body.parties,
		rawPieces ?? concat(...pieces),
	);
	return enc(bytes, filled(64, 1));
}

test("ranges that touch do not overlap", () => {
	for (const pieces of [
		[of(0n, 625n), of(625n, 625n)],
		[of(625n, 625n), of(0n, 625n)],
		[of(0n, 625n), of(0n, 625n, filled(32, 2))],
	])
		assert.deepEqual(unsigned({ ...FIXED_TRANSFER, pieces }).pieces, pieces);
});

test("overlap is what a count of minor units says", () => {
	const small = fc.bigInt({ min: 0n, max: 12n });
	const units = ({ offset, amount }: Piece) =>
		Array.from({ length: Number(amount) }, (_, i) => Number(offset) + i);
	fc.assert(
		fc.property(small, small, small, small, (a, n, b, m) => {
			const [one, other] = [of(a, n + 1n), of(b, m + 1n)];
			const shared = new Set(units(one)).intersection(new Set(units(other)));
			assert.equal(overlap(one, other), shared.size > 0);
			assert.equal(overlap(other, one), shared.size > 0);
			assert.ok(!overlap(one, { ...other, noteId: filled(32, 2) }));
			const pieces = [one, other];
			const body = { ...FIXED_TRANSFER, pieces, amount: n + m + 2n };
			if (shared.size > 0) assert.throws(() => unsigned(body), MALFORMED);
			else assert.deepEqual(unsigned(body).pieces, pieces);
		}),
	);
});

test("a transfer is a copy: whoever lent the bytes changes nothing in it", () => {
	const { document } = unsigned(FIXED_TRANSFER);
	const lent = Buffer.from(document);
	const transfer = parse(lent);
	lent.fill(0xff);
	assert.deepEqual(transfer, parse(document));
	const noteId = filled(32, 7);
	const body = { ...FIXED_TRANSFER, pieces: [of(0n, 1250n, noteId)] };
	const { toSign, sign } = draftTransfer(body);
	const before = hex(toSign);
	noteId.fill(8);
	assert.equal(hex(toSign), before);
	const [first] = sign(nodeCrypto, filled(64, 1)).pieces;
	assert.deepEqual(first?.noteId, filled(32, 7));
});

for (const algorithm of ALGORITHMS)
	describe(`verifying transfers, ${algorithm}`, () => {
		let world: MoneyWorld;
		let note: VerifiedNote;
		let other: VerifiedNote;
		before(async () => {
			world = await MoneyWorld.make(algorithm);
			note = await world.verified();
			other = await world.verified({ value: 50n });
		});
		const verify = (transfer: Transfer, ...notes: readonly VerifiedNote[]) =>
			verifyTransfer(nodeCrypto, transfer, notes);
		const refuses = (
			transfer: Transfer,
			notes: readonly VerifiedNote[],
			code = "payment-refused",
		) => assert.throws(() => verify(transfer, ...notes), { code });

		test("one whose holder signed it is verified, with the note of each piece", async () => {
			const pieces = [
				piece(note.value, 900n, 100n),
				piece(other.value, 0n, 50n),
				piece(note.value, 0n, 1n),
			];
			const transfer = await world.transfer(pieces);
			for (const notes of [
				[note, other],
				[other, note],
			]) {
				const verified = verify(transfer, ...notes);
				assert.equal(verified.value.transfer, transfer);
				assert.deepEqual(verified.value.notes, [
					note.value,
					other.value,
					note.value,
				]);
			}
		});

		test("as many pieces as there may be, of as many notes", async () => {
			const notes: VerifiedNote[] = [];
			for (let i = 0; i < MAX_PIECES; i++) notes.push(await world.verified());
			const pieces = notes.map((each) => piece(each.value, 3n, 7n));
			const transfer = await world.transfer(pieces);
			const { value } = verify(transfer, ...notes);
			assert.equal(value.notes.length, MAX_PIECES);
		});

		test("a signature for any other place is none", async () => {
			const { toSign, sign } = draftTransfer(
				world.transferBody([piece(note.value, 0n, 5n)]),
			);
			for (const role of ALL_ROLES) {
				const signature = await world.payer.signer.sign(
					inPlaceOf(toSign, role),
				);
				const transfer = sign(nodeCrypto, signature);
				if (role === "TR") verify(transfer, note);
				else refuses(transfer, [note], "authentication-failed");
			}
		});

		test("a second hop: the payee of a transfer pays on with it", async () => {
			const { payee, stranger } = world;
			const pieces = [piece(note.value, 0n, 5n)];
			const onward = {
				payer: payee.device.deviceId,
				payee: stranger.device.deviceId,
			};
			refuses(await world.transfer(pieces, onward, payee.signer), [note]);
			const inTheNameOfTheHolder = await world.transfer(
				pieces,
				{ payee: stranger.device.deviceId },
				payee.signer,
			);
			refuses(inTheNameOfTheHolder, [note], "authentication-failed");
		});

		test("ranges beyond the note", async () => {
			for (const [offset, amount] of [
				[0n, 1001n],
				[1000n, 1n],
				[999n, 2n],
				[MAX_AMOUNT - 1n, 1n],
			] as const) {
				const pieces = [piece(note.value, offset, amount)];
				refuses(await world.transfer(pieces), [note]);
			}
			verify(await world.transfer([piece(note.value, 0n, 1000n)]), note);
		});

		test("a note that is missing, one too many, and one twice", async () => {
			const both = await world.transfer([
				piece(note.value, 0n, 5n),
				piece(other.value, 0n, 5n),
			]);
			const one = await world.transfer([piece(note.value, 0n, 5n)]);
			refuses(both, []);
			refuses(both, [note]);
			refuses(both, [note, note]);
			refuses(one, [other]);
			refuses(one, [note, other]);
			refuses(one, [note, note]);
		});

		test("a payer who pays itself", async () => {
			const payee = world.payer.device.deviceId;
			refuses(await world.transfer([piece(note.value, 0n, 5n)], { payee }), [
				note,
			]);
		});

		test("another issuer or currency than that of the note", async () => {
			const pieces = [piece(note.value, 0n, 5n)];
			const issuer = world.stranger.device.deviceId;
			refuses(await world.transfer(pieces, { issuer }), [note]);
			refuses(await world.transfer(pieces, { currency: "USD" }), [note]);
		});

		test("notes that do not belong together", async () => {
			const { stranger } = world;
			const apart: Record<string, VerifiedNote> = {
				"of two holders": await world.verified({
					holder: stranger.device.deviceId,
					holderKey: stranger.signer,
				}),
				"of two keys of one holder": await world.verified({
					holderKey: stranger.signer,
				}),
				"of two currencies": await world.verified({
					currency: { code: "USD", exponent: 2 },
				}),
				"with two numbers of decimals": await world.verified({
					currency: { code: "EUR", exponent: 3 },
				}),
				"play money and other": await world.verified({ isPlay: false }),
			};
			for (const [what, alien] of Object.entries(apart)) {
				const pieces = [piece(note.value, 0n, 5n), piece(alien.value, 0n, 5n)];
				for (const ordered of [pieces, pieces.toReversed()]) {
					const transfer = await world.transfer(ordered);
					assert.throws(
						() => verify(transfer, note, alien),
						{ code: "payment-refused" },
						what,
					);
				}
			}
		});

		test("notes of two issuers", async () => {
			const second = await MoneyWorld.make(algorithm);
			const alien = second.verify(
				await second.note({
					holder: world.payer.device.deviceId,
					holderKey: world.payer.signer,
				}),
			);
			const transfer = await world.transfer([
				piece(note.value, 0n, 5n),
				piece(alien.value, 0n, 5n),
			]);
			refuses(transfer, [note, alien]);
		});

		test("no bit of it can be changed", async () => {
			const { document } = await world.transfer([piece(note.value, 0n, 5n)]);
			for (const changed of bitChanges(document))
				refused(() => verify(parse(changed), note));
		});

		test("is the only way to a verified transfer", async () => {
			const transfer = await world.transfer([piece(note.value, 0n, 5n)]);
			const Forged = Verified as unknown as new (
				...args: unknown[]
			) => VerifiedTransfer;
			assert.throws(() => new Forged(Symbol(), transfer, [note.value]), {
				code: "internal",
			});
		});
	});

test("a signature that was encoded anew makes no second transfer", async () => {
	const world = await MoneyWorld.make("P-256");
	const note = await world.verified();
	const transfer = await world.transfer([piece(note.value, 0n, 5n)]);
	const again = parse(encodedAnew(transfer.document));
	assert.notDeepEqual(again.document, transfer.document);
	verifyTransfer(nodeCrypto, again, [note]);
	assert.deepEqual(again.id, transfer.id);
});
