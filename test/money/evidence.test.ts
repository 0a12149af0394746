import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	conflictOf,
	DoubleSpending,
	type EvidenceParts,
	encodeEvidence,
	type Note,
	openEvidence,
	type Piece,
	type Transfer,
} from "../../src/money/index.ts";
import { concat, dec, enc, utf8 } from "../../src/wire/index.ts";
import { DAY, makeAuthority, TEST_NOW } from "../support/authority.ts";
import {
	ALGORITHMS,
	certified,
	encodedAnew,
	filled,
	lengthChanges,
	MoneyWorld,
	piece,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";

const NOBODY = { name: "TetradError", code: "invalid-argument" } as const;

for (const algorithm of ALGORITHMS)
	describe(`evidence of double spending, ${algorithm}`, () => {
		let world: MoneyWorld;
		let note: Note;
		let first: Transfer;
		let second: Transfer;
		before(async () => {
			world = await MoneyWorld.make(algorithm);
			note = await world.note();
			first = await world.transfer([piece(note, 0n, 500n)]);
			second = await pay([piece(note, 499n, 501n)]);
		});

		/** Another payment by the payer, to somebody else and for something else. */
		const pay = (pieces: readonly Piece[]) =>
			world.transfer(pieces, {
				payee: world.stranger.device.deviceId,
				contract: filled(32, 9),
			});
		const encoded = (changes: Partial<EvidenceParts> = {}) =>
			encodeEvidence({
				issuerChain: world.issuer.chain,
				holderChain: world.payer.chain,
				note: note.document,
				first: first.document,
				second: second.document,
				...changes,
			});
		const open = (changes: Partial<EvidenceParts> = {}) =>
			openEvidence(nodeCrypto, encoded(changes), [world.bank.anchor]);

		test("names the holder and the pieces, in either order of the transfers", () => {
			const found = open();
			assert.deepEqual(found.holder, world.payer.device.deviceId);
			assert.deepEqual(found.note, note);
			assert.deepEqual(found.pieces, [first.pieces[0], second.pieces[0]]);
			const turned = open({ first: second.document, second: first.document });
			assert.deepEqual(turned.holder, found.holder);
			assert.deepEqual(turned.pieces, found.pieces.toReversed());
		});

		test("is found among other pieces of other notes, by one minor unit", async () => {
			const other = await world.note();
			const many = await world.transfer([
				piece(other, 0n, 10n),
				piece(note, 0n, 10n),
				piece(note, 500n, 1n),
			]);
			const more = await pay([
				piece(other, 10n, 10n),
				piece(note, 490n, 11n),
				piece(note, 10n, 10n),
			]);
			const found = open({ first: many.document, second: more.document });
			assert.deepEqual(found.pieces, [many.pieces[2], more.pieces[1]]);
		});

		test("still proves when note and certificates have expired since", async () => {
			const bank = await makeAuthority("bank", algorithm);
			const [issuer, payer] = [
				await certified(bank, "issuer.example"),
				await certified(bank, "payer"),
			];
			const old = await world.note(
				{
					issuer: issuer.device.deviceId,
					issuerCertificate: issuer.device.certificateId,
					holder: payer.device.deviceId,
					holderKey: payer.signer,
					issued: TEST_NOW - 80 * DAY,
					expires: TEST_NOW - 79 * DAY,
				},
				issuer.signer,
			);
			const by = (contract: Uint8Array) =>
				world.transfer(
					[piece(old, 0n, 5n)],
					{
						payer: payer.device.deviceId,
						issuer: issuer.device.deviceId,
						contract,
					},
					payer.signer,
				);
			const parts = {
				issuerChain: issuer.chain,
				holderChain: payer.chain,
				note: old.document,
				first: (await by(filled(32, 1))).document,
				second: (await by(filled(32, 2))).document,
			};
			const found = openEvidence(nodeCrypto, encodeEvidence(parts), [
				bank.anchor,
			]);
			assert.deepEqual(found.holder, payer.device.deviceId);
		});

		test("a note from before or after its certificates proves nothing", async () => {
			for (const issued of [TEST_NOW - 100 * DAY, TEST_NOW + 100 * DAY]) {
				const early = await world.note({ issued, expires: issued + DAY });
				const [one, two] = [
					await world.transfer([piece(early, 0n, 5n)]),
					await pay([piece(early, 0n, 5n)]),
				];
				assert.throws(
					() =>
						open({
							note: early.document,
							first: one.document,
							second: two.document,
						}),
					{ code: "chain-refused" },
				);
			}
		});

		test("one transfer twice accuses nobody", () => {
			assert.throws(() => open({ second: first.document }), NOBODY);
		});

		test("transfers that do not overlap accuse nobody", async () => {
			const beside = await pay([piece(note, 500n, 500n)]);
			assert.throws(() => open({ second: beside.document }), NOBODY);
		});

		test("the same range of two notes accuses nobody", async () => {
			const other = await world.note();
			const elsewhere = await pay([piece(other, 0n, 500n)]);
			assert.throws(() => open({ second: elsewhere.document }), NOBODY);
		});

		test("an overlap on another note than that of the evidence accuses nobody", async () => {
			const other = await world.note();
			const pieces = [piece(other, 0n, 500n)];
			const [one, two] = [
				await world.transfer([...pieces, piece(note, 0n, 1n)]),
				await pay([...pieces, piece(note, 1n, 1n)]),
			];
			const parts = { first: one.document, second: two.document };
			assert.throws(() => open(parts), NOBODY);
			assert.ok(open({ ...parts, note: other.document }));
		});

		test("a holder's transfer beside a stranger's accuses nobody", async () => {
			const { stranger } = world;
			const inOwnName = await world.transfer(
				[piece(note, 0n, 500n)],
				{ payer: stranger.device.deviceId },
				stranger.signer,
			);
			const inTheHoldersName = await world.transfer(
				[piece(note, 0n, 500n)],
				{ contract: filled(32, 9) },
				stranger.signer,
			);
			for (const [transfer, code] of [
				[inOwnName, "payment-refused"],
				[inTheHoldersName, "authentication-failed"],
			] as const)
				for (const parts of [
					{ second: transfer.document },
					{ first: transfer.document, second: first.document },
				])
					assert.throws(() => open(parts), { code });
		});

		test("two transfers by somebody who only received the note accuse nobody", async () => {
			const { payee } = world;
			const onward = async (contract: Uint8Array) => {
				const transfer = await world.transfer(
					[piece(note, 0n, 500n)],
					{
						payer: payee.device.deviceId,
						payee: world.stranger.device.deviceId,
						contract,
					},
					payee.signer,
				);
				return transfer.document;
			};
			const parts = {
				first: await onward(filled(32, 1)),
				second: await onward(filled(32, 2)),
			};
			for (const holderChain of [world.payer.chain, payee.chain])
				assert.throws(() => open({ ...parts, holderChain }), {
					code: /^(payment-refused|invalid-argument)$/,
				});
		});

		test("no certified module can make a note that puts another's name to its own key", async () => {
			const { stranger, payer } = world;
			const framed = await world.note(
				{
					issuer: stranger.device.deviceId,
					issuerCertificate: stranger.device.certificateId,
					holder: payer.device.deviceId,
					holderKey: stranger.signer,
				},
				stranger.signer,
			);
			const sign = (contract: Uint8Array) =>
				world.transfer(
					[piece(framed, 0n, 5n)],
					{ issuer: stranger.device.deviceId, contract },
					stranger.signer,
				);
			const parts = {
				issuerChain: stranger.chain,
				note: framed.document,
				first: (await sign(filled(32, 1))).document,
				second: (await sign(filled(32, 2))).document,
			};
			for (const holderChain of [payer.chain, stranger.chain])
				assert.throws(() => open({ ...parts, holderChain }), NOBODY);
		});

		test("a bank that is not trusted certifies neither issuer nor holder", async () => {
			const other = await MoneyWorld.make(algorithm);
			const alien = { code: "chain-refused" } as const;
			assert.throws(
				() => openEvidence(nodeCrypto, encoded(), [other.bank.anchor]),
				alien,
			);
			assert.throws(() => open({ issuerChain: other.issuer.chain }), alien);
			assert.throws(() => open({ holderChain: other.payer.chain }), alien);
			assert.throws(() => openEvidence(nodeCrypto, encoded(), []), alien);
		});

		test("another module's chain in the place of the issuer's", () => {
			assert.throws(() => open({ issuerChain: world.stranger.chain }), {
				code: "payment-refused",
			});
		});

		test("a signature for another place accuses nobody", async () => {
			const [body = filled(0, 0)] = dec(second.document, 2);
			for (const role of ["NO", "RE", "X", "Y"]) {
				const signature = await world.payer.signer.sign(
					concat(utf8(`tetrad/1 ${role}\0`), enc(body)),
				);
				assert.throws(() => open({ second: enc(body, signature) }), {
					code: "authentication-failed",
				});
			}
		});

		test("no bit of note or transfers can be changed", () => {
			// The certificates are tests of their own; here each changed bit would cost several signatures.
			for (const name of ["note", "first", "second"] as const) {
				const document = { note, first, second }[name].document;
				for (let at = 0; at < document.length; at++) {
					const changed = new Uint8Array(document);
					changed[at] = (changed[at] as number) ^ (1 << (at & 7));
					assert.throws(() => open({ [name]: changed }), {
						name: "TetradError",
					});
				}
			}
		});

		test("bytes after it, every beginning, and another label", () => {
			const whole = encoded();
			for (const changed of lengthChanges(whole))
				refused(() => openEvidence(nodeCrypto, changed, [world.bank.anchor]));
			const relabelled = new Uint8Array(whole);
			relabelled[4 + "tetrad/1 ".length] = 0x45;
			refused(() => openEvidence(nodeCrypto, relabelled, [world.bank.anchor]));
		});

		test("any bytes, and 10 MB of nested encoding, at once", () => {
			const parse = (bytes: Uint8Array) =>
				openEvidence(nodeCrypto, bytes, [world.bank.anchor]);
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
					refused(() => parse(bytes)),
				),
			);
			refusesTenMegabytes(parse);
		});

		test("is the only way to the proof", () => {
			const Forged = DoubleSpending as unknown as new (
				...args: unknown[]
			) => DoubleSpending;
			assert.throws(() => new Forged(Symbol(), note, first, second, []), {
				code: "internal",
			});
		});
	});

test("an honest payer whose signature was encoded anew is not accused", async () => {
	const world = await MoneyWorld.make("P-256");
	const note = await world.note();
	const transfer = await world.transfer([piece(note, 0n, 500n)]);
	const parts = {
		issuerChain: world.issuer.chain,
		holderChain: world.payer.chain,
		note: note.document,
	};
	const open = (first: Uint8Array, second: Uint8Array) => () =>
		openEvidence(nodeCrypto, encodeEvidence({ ...parts, first, second }), [
			world.bank.anchor,
		]);
	const anew = encodedAnew(transfer.document);
	assert.throws(open(transfer.document, anew), NOBODY);
	assert.throws(open(anew, transfer.document), NOBODY);
	// A second body is one, however it is signed.
	const other = await world.transfer([piece(note, 0n, 500n)], {
		contract: filled(32, 9),
	});
	assert.ok(open(anew, encodedAnew(other.document))());
});

test("a conflict is found, or not, alike in both orders, and within bounds", async () => {
	const noteId = filled(32, 1);
	const transferOf = (id: number, pieces: readonly Piece[]) =>
		({ id: filled(32, id), pieces }) as unknown as Transfer;
	const small = fc.bigInt({ min: 0n, max: 9n });
	const pieces = fc.array(
		fc
			.tuple(small, small)
			.map(([offset, more]) => ({ noteId, offset, amount: more + 1n })),
		{ maxLength: 4 },
	);
	fc.assert(
		fc.property(pieces, pieces, (one, other) => {
			const [a, b] = [transferOf(1, one), transferOf(2, other)];
			const units = (all: readonly Piece[]) =>
				new Set(
					all.flatMap(({ offset, amount }) =>
						Array.from(
							{ length: Number(amount) },
							(_, i) => Number(offset) + i,
						),
					),
				);
			const overlaps = units(one).intersection(units(other)).size > 0;
			assert.equal(conflictOf(a, b) !== undefined, overlaps);
			assert.equal(conflictOf(b, a) !== undefined, overlaps);
			assert.equal(conflictOf(a, transferOf(1, other)), undefined);
		}),
	);
});
