import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	MAX_AMOUNT,
	MAX_GRACE_DAYS,
	MAX_NOTE_DAYS,
} from "../../src/money/documents/index.ts";
import {
	ANSWERS,
	done,
	evidenceOf,
	listConflicts,
	type MoneyEvent,
	messages,
	noteStatus,
	openEvidence,
	parseNote,
	parseTransfer,
	reading,
	type Transaction,
} from "../../src/money/index.ts";
import { lifeOfNotes } from "../../src/money/issuer/issuer-parameters.ts";
import { enc, hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { makeLedger } from "./ledger-world.ts";
import {
	claim,
	credited,
	deposit,
	exchange,
	giveBack,
	type Module,
	noteIn,
	pay,
	piece,
	readAnswer,
	requestId,
	resolve,
	withdraw,
} from "./mint.ts";

const { WITH_ISSUER, message } = messages;

function declinedWith(code: string, reason: RegExp, bytes: Uint8Array): void {
	const answer = readAnswer(bytes);
	assert.ok(answer.kind === "declined", answer.kind);
	assert.equal(answer.code, code);
	assert.match(answer.reason, reason);
}

/** How many rows there are, up to 100. */
function rowsOf(of: typeof ANSWERS): Transaction<number> {
	return reading([{ table: of, limit: 100 }], ([rows]) =>
		done([], rows.length),
	);
}

describe("withdraw", () => {
	test("money leaves the account and comes as a note of the holder", async () => {
		await using ledger = await makeLedger();
		await ledger.fund(ledger.payer, 10_000n);
		const asked = withdraw(requestId(), 2_500n);
		const note = noteIn(await ledger.mint.once(ledger.payer, asked));
		assert.equal(note.value, 2_500n);
		assert.equal(hex(note.holder), hex(ledger.payer.device.deviceId));
		assert.equal(note.issued, ledger.mint.now);
		assert.equal(note.expires, ledger.payer.device.notAfter);
		assert.equal(await ledger.balanceOf(ledger.payer), 7_500n);
		const { issued, outstanding } = await ledger.sound();
		assert.deepEqual([issued, outstanding], [2_500n, 2_500n]);
	});

	test("asked again, also at the same time, it debits once and answers the same bytes", async () => {
		await using ledger = await makeLedger();
		await ledger.fund(ledger.payer, 10_000n);
		const asked = withdraw(requestId(), 100n);
		const answers = await Promise.all(
			Array.from({ length: 20 }, () => ledger.mint.once(ledger.payer, asked)),
		);
		assert.equal(new Set(answers.map(hex)).size, 1);
		const { signatures } = ledger.mint;
		const again = await ledger.mint.once(ledger.payer, asked);
		assert.equal(hex(again), hex(answers[0] as Uint8Array));
		assert.equal(ledger.mint.signatures, signatures, "no signature for it");
		assert.equal(await ledger.balanceOf(ledger.payer), 9_900n);
		await ledger.sound();
	});

	test("too little money is declined, and no signature is made, until there is enough", async () => {
		await using ledger = await makeLedger();
		const asked = withdraw(requestId(), 100n);
		const first = await ledger.mint.once(ledger.payer, asked);
		declinedWith("insufficient-funds", /holds 0\.00 PLAY and not 1\.00/, first);
		assert.equal(ledger.mint.signatures, 0);
		await ledger.fund(ledger.payer, 99n);
		const other = await ledger.mint.once(
			ledger.payer,
			withdraw(requestId(), 100n),
		);
		declinedWith("insufficient-funds", /holds 0\.99 PLAY/, other);
		await ledger.fund(ledger.payer, 1n);
		const note = noteIn(await ledger.mint.once(ledger.payer, asked));
		assert.equal(note.value, 100n);
		assert.equal(await ledger.transact(rowsOf(ANSWERS)), 1);
		await ledger.sound();
	});

	test("a request id stands for one request", async () => {
		await using ledger = await makeLedger();
		await ledger.fund(ledger.payer, 10_000n);
		const request = requestId();
		noteIn(await ledger.mint.once(ledger.payer, withdraw(request, 100n)));
		declinedWith(
			"issuer-refused",
			/something else was asked before/,
			await ledger.mint.once(ledger.payer, withdraw(request, 101n)),
		);
		assert.equal(await ledger.balanceOf(ledger.payer), 9_900n);
		// Another module may happen to use the same one.
		await ledger.fund(ledger.payee, 10_000n);
		noteIn(await ledger.mint.once(ledger.payee, withdraw(request, 100n)));
		await ledger.sound();
	});

	test("a note does not outlive the certificates, nor the days of a note", async () => {
		await using ledger = await makeLedger({ parameters: { noteDays: 10 } });
		const note = await ledger.note(100n);
		assert.equal(note.expires, ledger.mint.now + 10 * DAY);
		ledger.mint.now = ledger.payer.device.notAfter - DAY + 1;
		await ledger.fund(ledger.payer, 100n);
		declinedWith(
			"recertification-due",
			/tetrad recertify/,
			await ledger.mint.once(ledger.payer, withdraw(requestId(), 100n)),
		);
		await ledger.sound();
	});
});

describe("deposit", () => {
	test("a transfer is credited to its payee, whose account opens with it", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const pieces = [piece(note, 100n, 50n), piece(note, 700n, 300n)];
		const transfer = await pay(payer, payee, pieces, issuer);
		const asked = deposit(requestId(), transfer, [note], issuer);
		const answer = await mint.once(payee, asked);
		assert.equal(credited(answer), 350n);
		assert.deepEqual(await mint.once(payee, asked), answer);
		assert.equal(await ledger.balanceOf(payee), 350n);
		const { outstanding, returned } = await ledger.sound();
		assert.deepEqual([outstanding, returned], [650n, 350n]);
	});

	test("the same transfer under other requests, also with r and n - s, credits nothing more and accuses nobody", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		const reencoded = parseTransfer(nodeCrypto, mirrored(transfer.document));
		assert.equal(hex(reencoded.id), hex(transfer.id));
		assert.notEqual(hex(reencoded.document), hex(transfer.document));
		const amounts = await Promise.all(
			Array.from({ length: 100 }, (_, i) =>
				mint.once(
					payee,
					deposit(
						requestId(),
						i % 2 === 0 ? transfer : reencoded,
						[note],
						issuer,
					),
				),
			),
		);
		assert.deepEqual(new Set(amounts.map(credited)), new Set([400n]));
		assert.equal(await ledger.balanceOf(payee), 400n);
		assert.deepEqual(await ledger.transact(listConflicts()), []);
		await ledger.sound();
	});

	test("an overlapping piece is booked for whoever came first, and the rest of the transfer is booked", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const other = await ledger.module("carol-till");
		const note = await ledger.note(1_000n);
		const first = await pay(payer, payee, [piece(note, 100n, 100n)], issuer);
		const pieces = [
			piece(note, 0n, 100n),
			piece(note, 150n, 100n),
			piece(note, 500n, 7n),
		];
		const second = await pay(payer, other, pieces, issuer);
		assert.equal(
			credited(
				await mint.once(payee, deposit(requestId(), first, [note], issuer)),
			),
			100n,
		);
		const asked = deposit(requestId(), second, [note], issuer);
		const answer = readAnswer(await mint.once(other, asked));
		assert.ok(answer.kind === "booked");
		assert.equal(answer.credited, 107n);
		assert.deepEqual(answer.conflicts, [hex(first.id)]);
		assert.deepEqual(readAnswer(await mint.once(other, asked)), answer);
		const told = mint.reports.filter(({ kind }) => kind === "double-spending");
		assert.equal(told.length, 1);
		const { returned } = await ledger.sound();
		assert.equal(returned, 207n);
		const status = await ledger.transact(noteStatus(note.id));
		assert.equal(status?.booked, 207n);
		assert.equal(status.bookings, 3);
	});

	test("a module that is copied and pays from both copies to five payees is proved to have done it", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, issuer, world } = ledger;
		const note = await ledger.note(1_000n);
		const payees = await Promise.all(
			[1, 2, 3, 4, 5].map((n) => ledger.module(`till-${n}`)),
		);
		// Two copies, which each begin with the first free unit.
		let [one, two] = [0n, 0n];
		let accepted = 0n;
		for (const [i, payee] of payees.entries()) {
			const amount = 150n + BigInt(i) * 30n;
			const offset = i % 2 === 0 ? one : two;
			if (i % 2 === 0) one += amount;
			else two += amount;
			const pieces = [piece(note, offset, amount)];
			const transfer = await pay(payer, payee, pieces, issuer);
			accepted += amount;
			const asked = deposit(requestId(), transfer, [note], issuer);
			await mint.once(payee, asked);
		}
		const { returned } = await ledger.sound();
		assert.ok(returned <= note.value);
		assert.ok(returned < accepted);
		const conflicts = await ledger.transact(listConflicts());
		assert.ok(conflicts.length > 0);
		const of = (holder: Uint8Array, above?: Uint8Array) =>
			ledger.transact(listConflicts(above, 10, holder));
		const { deviceId } = ledger.payer.device;
		assert.deepEqual(await of(deviceId), conflicts);
		assert.deepEqual(await of(deviceId, conflicts.at(-1)?.id), []);
		assert.deepEqual(await of(ledger.payee.device.deviceId), []);
		for (const { id, first, second } of conflicts) {
			const bytes = await ledger.transact(evidenceOf(nodeCrypto, id));
			assert.ok(bytes);
			const proved = openEvidence(nodeCrypto, bytes, world.policy.banks);
			assert.equal(hex(proved.holder), hex(payer.device.deviceId));
			assert.deepEqual(
				[proved.first.id, proved.second.id].map(hex).toSorted(),
				[first, second].map(hex).toSorted(),
			);
		}
	});

	test("what is forged, foreign, expired or paid to somebody else changes nothing", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const thief = await ledger.module("thief");
		const note = await ledger.note(1_000n);
		const half = [piece(note, 0n, 500n)];
		const good = await pay(payer, payee, half, issuer);
		const ask = (by: Module, transfer = good, notes = [note]) =>
			mint.once(by, deposit(requestId(), transfer, notes, issuer));
		declinedWith("payment-refused", /pays somebody else/, await ask(thief));
		const forged = await pay(
			{ ...payer, signer: thief.signer },
			payee,
			half,
			issuer,
		);
		declinedWith("authentication-failed", /./, await ask(payee, forged));
		const beyond = await pay(payer, payee, [piece(note, 600n, 401n)], issuer);
		declinedWith(
			"payment-refused",
			/not within its note/,
			await ask(payee, beyond),
		);
		const notOwn = await pay(thief, payee, half, issuer);
		declinedWith("payment-refused", /somebody else/, await ask(payee, notOwn));
		const currency = await pay(payer, payee, half, issuer, {
			currency: "GOLD",
		});
		declinedWith("payment-refused", /currency/, await ask(payee, currency));
		const elsewhere = await makeLedger();
		await using _ = elsewhere;
		const foreign = await elsewhere.note(1_000n);
		const paid = await pay(payer, payee, [piece(foreign, 0n, 500n)], issuer);
		declinedWith(
			"payment-refused",
			/issued by somebody else/,
			await ask(payee, paid, [foreign]),
		);
		mint.now = note.expires + 7 * DAY;
		const late = await pay(payer, payee, half, issuer);
		declinedWith("payment-refused", /expired on/, await ask(payee, late));
		assert.equal(await ledger.balanceOf(payee), 0n);
		assert.equal(await ledger.balanceOf(thief), 0n);
		const { returned } = await ledger.sound();
		assert.equal(returned, 0n);
	});

	test("is booked until the note's expiry and the grace are over, and then no more", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const ask = async (offset: bigint) => {
			const pieces = [piece(note, offset, 100n)];
			const transfer = await pay(payer, payee, pieces, issuer);
			return mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		};
		mint.now = note.expires;
		assert.equal(credited(await ask(0n)), 100n);
		mint.now = note.expires + 3 * DAY - 1;
		assert.equal(credited(await ask(100n)), 100n);
		const request = requestId();
		const own = [piece(note, 200n, 50n)];
		const back = await giveBack(payer, own, issuer, request, 1);
		const asked = exchange(request, 1, back, [note], issuer);
		assert.equal(credited(await mint.once(payer, asked)), 50n);
		mint.now++;
		declinedWith("payment-refused", /expired on/, await ask(300n));
		const rest = await mint.once(payer, claim(requestId(), note, issuer));
		assert.equal(credited(rest), 750n);
		await ledger.sound();
	});

	test("notes from before the issuer was certified anew stay good, and the audit knows both certificates", async () => {
		await using ledger = await makeLedger();
		const { payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const renewed = await ledger.module("mint");
		const mint = await ledger.restart({ issuer: renewed });
		const fresh = await ledger.note(10n);
		assert.notDeepEqual(fresh.issuerCertificate, note.issuerCertificate);
		const transfer = await pay(payer, payee, [piece(note, 0n, 9n)], issuer);
		const without = deposit(requestId(), transfer, [note], renewed);
		declinedWith(
			"payment-refused",
			/the chain .* is missing/,
			await mint.once(payee, without),
		);
		const asked = deposit(requestId(), transfer, [note], issuer);
		assert.equal(credited(await mint.once(payee, asked)), 9n);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 1_001n);
	});

	test("a note that the issuer signed and never kept is not taken", async () => {
		await using lost = await makeLedger();
		await using ledger = await makeLedger();
		const { payer, payee, issuer } = lost;
		const note = await lost.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 1n)], issuer);
		const asked = deposit(requestId(), transfer, [note], issuer);
		const restored = await ledger.restart({ issuer });
		// The same issuer with an empty ledger; the chain leads to a bank that it does not trust, so only its own is believed.
		declinedWith(
			"note-unknown",
			/was not issued here, or this ledger was put back .* credit by hand/,
			await restored.once(payee, asked),
		);
	});
});

describe("exchange", () => {
	test("own notes become a new one that lives longer", async () => {
		await using ledger = await makeLedger({ parameters: { noteDays: 10 } });
		const { mint, payer, issuer } = ledger;
		const notes = [await ledger.note(300n), await ledger.note(40n)] as const;
		mint.now += 5 * DAY;
		const request = requestId();
		const pieces = [piece(notes[0], 100n, 200n), piece(notes[1], 0n, 40n)];
		const transfer = await giveBack(payer, pieces, issuer, request, 0);
		const asked = exchange(request, 0, transfer, notes, issuer);
		const answer = await mint.once(payer, asked);
		const fresh = noteIn(answer);
		assert.equal(fresh.value, 240n);
		assert.equal(fresh.expires, mint.now + 10 * DAY);
		assert.deepEqual(await mint.once(payer, asked), answer);
		const { issued, outstanding, returned } = await ledger.sound();
		assert.deepEqual([issued, outstanding, returned], [580n, 340n, 240n]);
	});

	test("own notes go into the account", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, issuer } = ledger;
		const note = await ledger.note(300n);
		const request = requestId();
		const pieces = [piece(note, 0n, 300n)];
		const transfer = await giveBack(payer, pieces, issuer, request, 1);
		const asked = exchange(request, 1, transfer, [note], issuer);
		assert.equal(credited(await mint.once(payer, asked)), 300n);
		assert.equal(credited(await mint.once(payer, asked)), 300n);
		assert.equal(await ledger.balanceOf(payer), 300n);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 0n);
	});

	test("with one piece booked for somebody else it is declined as a whole, and recorded", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(300n);
		const paid = await pay(payer, payee, [piece(note, 0n, 10n)], issuer);
		await mint.once(payee, deposit(requestId(), paid, [note], issuer));
		for (const into of [0, 1] as const) {
			const request = requestId();
			const pieces = [piece(note, 5n, 100n), piece(note, 200n, 100n)];
			const transfer = await giveBack(payer, pieces, issuer, request, into);
			const asked = exchange(request, into, transfer, [note], issuer);
			const answer = await mint.once(payer, asked);
			declinedWith("double-spent", /booked for somebody else/, answer);
			assert.deepEqual(await mint.once(payer, asked), answer);
		}
		assert.equal((await ledger.transact(listConflicts())).length, 2);
		assert.equal(mint.signatures, 1, "only the first note was signed");
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 290n);
	});

	test("a transfer for another request, or by somebody else, is refused", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(300n);
		const request = requestId();
		const pieces = [piece(note, 0n, 300n)];
		const transfer = await giveBack(payer, pieces, issuer, request, 1);
		for (const [by, id, into, why] of [
			[payer, requestId(), 1, /another request/],
			[payer, request, 0, /another request/],
			[payee, request, 1, /only the module that holds/],
		] as const)
			declinedWith(
				"payment-refused",
				why,
				await mint.once(by, exchange(id, into, transfer, [note], issuer)),
			);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 300n);
	});
});

describe("claim", () => {
	test("what was never booked comes back after expiry and grace, once, to the holder alone", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const pieces = [piece(note, 100n, 100n), piece(note, 999n, 1n)];
		const transfer = await pay(payer, payee, pieces, issuer);
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		const ask = (by: Module) => mint.once(by, claim(requestId(), note, issuer));
		mint.now = note.expires + 3 * DAY - 1;
		declinedWith("issuer-refused", /not yet: .* from \d{4}-/, await ask(payer));
		mint.now++;
		declinedWith(
			"issuer-refused",
			/only the module that holds/,
			await ask(payee),
		);
		const asked = claim(requestId(), note, issuer);
		const answer = await mint.once(payer, asked);
		assert.equal(credited(answer), 899n);
		assert.deepEqual(await mint.once(payer, asked), answer);
		assert.equal(credited(await ask(payer)), 0n);
		assert.equal(await ledger.balanceOf(payer), 899n);
		const { outstanding, returned, expired } = await ledger.sound();
		assert.deepEqual([outstanding, returned, expired], [0n, 101n, 899n]);
	});

	test("it takes nothing that lies below its offset, nor what is booked across it", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 350n, 100n)], issuer);
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		mint.now = note.expires + 3 * DAY;
		const asked = claim(requestId(), note, issuer, 400n);
		assert.equal(credited(await mint.once(payer, asked)), 550n);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 350n);
	});
});

describe("resolve", () => {
	const outcomeIn = (bytes: Uint8Array) => {
		const answer = readAnswer(bytes);
		assert.ok(
			answer.kind === "outcome",
			answer.kind === "declined" ? answer.reason : answer.kind,
		);
		return [answer.state, answer.credited];
	};

	test("within the grace it is booked for its payee, who hears of it when it deposits", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		const ask = () =>
			mint.once(payer, resolve(requestId(), transfer, [note], issuer));
		mint.now = note.expires + 3 * DAY - 1;
		assert.deepEqual(outcomeIn(await ask()), [1, 400n]);
		mint.now += 1;
		assert.deepEqual(outcomeIn(await ask()), [1, 400n]);
		assert.equal(await ledger.balanceOf(payee), 400n);
		const asked = deposit(requestId(), transfer, [note], issuer);
		assert.equal(credited(await mint.once(payee, asked)), 400n);
		assert.equal(await ledger.balanceOf(payee), 400n);
		const { returned } = await ledger.sound();
		assert.equal(returned, 400n);
	});

	test("after the grace it is void for ever, and its payer is credited once", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		mint.now = note.expires + 3 * DAY;
		const asked = resolve(requestId(), transfer, [note], issuer);
		const answer = await mint.once(payer, asked);
		assert.deepEqual(outcomeIn(answer), [2, 400n]);
		assert.deepEqual(await mint.once(payer, asked), answer);
		const again = resolve(requestId(), transfer, [note], issuer);
		assert.deepEqual(outcomeIn(await mint.once(payer, again)), [2, 400n]);
		// Also when the issuer's clock is set back.
		mint.now = note.expires - DAY;
		const late = deposit(requestId(), transfer, [note], issuer);
		declinedWith("payment-refused", /is void/, await mint.once(payee, late));
		assert.equal(await ledger.balanceOf(payer), 400n);
		assert.equal(await ledger.balanceOf(payee), 0n);
		const { outstanding, expired } = await ledger.sound();
		assert.deepEqual([outstanding, expired], [600n, 400n]);
	});

	test("what was deposited before is told, and nothing changes", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		mint.now = note.expires + 7 * DAY;
		const asked = resolve(requestId(), transfer, [note], issuer);
		assert.deepEqual(outcomeIn(await mint.once(payer, asked)), [1, 400n]);
		assert.equal(await ledger.balanceOf(payer), 0n);
		await ledger.sound();
	});

	test("what is free of a transfer that overlaps another goes the same way, with evidence", async () => {
		for (const isLate of [false, true]) {
			await using ledger = await makeLedger({
				parameters: { noteDays: 5, graceDays: 3 },
			});
			const { mint, payer, payee, issuer } = ledger;
			const note = await ledger.note(1_000n);
			const first = await pay(payer, payee, [piece(note, 0n, 100n)], issuer);
			await mint.once(payee, deposit(requestId(), first, [note], issuer));
			const pieces = [piece(note, 50n, 100n), piece(note, 500n, 7n)];
			const other = await pay(payer, payee, pieces, issuer);
			if (isLate) mint.now = note.expires + 3 * DAY;
			const asked = resolve(requestId(), other, [note], issuer);
			const answer = outcomeIn(await mint.once(payer, asked));
			assert.deepEqual(answer, [isLate ? 2 : 1, 7n]);
			assert.equal(
				await ledger.balanceOf(isLate ? payer : payee),
				isLate ? 7n : 107n,
			);
			assert.equal((await ledger.transact(listConflicts())).length, 1);
			await ledger.sound();
		}
	});

	test("an exchange that was never carried out is void at once", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const paid = await pay(payer, payee, [piece(note, 0n, 10n)], issuer);
		await mint.once(payee, deposit(requestId(), paid, [note], issuer));
		for (const [from, free] of [
			[5n, 100n],
			[300n, 200n],
		] as const) {
			const request = requestId();
			const pieces = [piece(note, from, 100n), piece(note, from + 100n, 100n)];
			const transfer = await giveBack(payer, pieces, issuer, request, 1);
			const asked = exchange(request, 1, transfer, [note], issuer);
			if (from === 5n)
				declinedWith("double-spent", /./, await mint.once(payer, asked));
			const resolved = resolve(requestId(), transfer, [note], issuer);
			const answer = outcomeIn(await mint.once(payer, resolved));
			assert.deepEqual(answer, [2, free]);
			const again = await mint.once(payer, asked);
			assert.equal(readAnswer(again).kind, "declined");
		}
		const request = requestId();
		const own = [piece(note, 600n, 50n)];
		const done = await giveBack(payer, own, issuer, request, 0);
		noteIn(await mint.once(payer, exchange(request, 0, done, [note], issuer)));
		const resolved = resolve(requestId(), done, [note], issuer);
		assert.deepEqual(outcomeIn(await mint.once(payer, resolved)), [1, 50n]);
		assert.equal(await ledger.balanceOf(payer), 300n);
		await ledger.sound();
	});

	test("only its payer can ask, and a note that outlived the issuer's certificate is known", async () => {
		await using ledger = await makeLedger();
		const { payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		const asked = resolve(requestId(), transfer, [note], issuer);
		declinedWith(
			"payment-refused",
			/only the module that signed/,
			await ledger.mint.once(payee, asked),
		);
		const renewed = await ledger.module("mint");
		const mint = await ledger.restart({
			issuer: renewed,
			now: issuer.device.notAfter + 8 * DAY,
		});
		assert.deepEqual(outcomeIn(await mint.once(payer, asked)), [2, 400n]);
	});
});

describe("a note whose issuer's signature was encoded anew", () => {
	test("is the same note, for its payee and for its holder", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const other = parseNote(nodeCrypto, mirrored(note.document));
		assert.equal(hex(other.id), hex(note.id));
		const transfer = await pay(payer, payee, [piece(note, 0n, 400n)], issuer);
		const asked = deposit(requestId(), transfer, [other], issuer);
		assert.equal(credited(await mint.once(payee, asked)), 400n);
		const twice = await pay(payer, payee, [piece(note, 0n, 500n)], issuer);
		const again = deposit(requestId(), twice, [other], issuer);
		assert.equal(credited(await mint.once(payee, again)), 0n);
		assert.equal((await ledger.transact(listConflicts())).length, 1);
		mint.now = note.expires + 3 * DAY;
		const claimed = await mint.once(payer, claim(requestId(), other, issuer));
		assert.equal(credited(claimed), 600n);
		await ledger.sound();
	});
});

describe("a module that asks for what cannot be done", () => {
	test("leaves no row behind, and is told that it is busy after a while, while others are served", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const answers = await ledger.transact(rowsOf(ANSWERS));
		const thief = await ledger.module("thief");
		const transfer = await pay(payer, payee, [piece(note, 0n, 1n)], issuer);
		const codeOf = async (asked: Uint8Array) => {
			const answer = readAnswer(await mint.once(thief, asked));
			assert.ok(answer.kind === "declined");
			return answer.code;
		};
		const codes = new Map<string, number>();
		const kinds = [
			() => withdraw(requestId(), 1n),
			() => deposit(requestId(), transfer, [note], issuer),
			() => claim(requestId(), note, issuer),
		];
		for (let i = 0; i < 300; i++) {
			const code = await codeOf((kinds[i % 3] as () => Uint8Array)());
			codes.set(code, (codes.get(code) ?? 0) + 1);
		}
		assert.equal(codes.get("busy"), 300 - 256);
		assert.equal(await ledger.transact(rowsOf(ANSWERS)), answers);
		const { writes } = mint;
		assert.equal(await codeOf(withdraw(requestId(), 1n)), "busy");
		assert.equal(mint.writes, writes, "and nothing is looked at");
		mint.now += 1000;
		for (let i = 0; i < 4; i++)
			assert.equal(
				await codeOf(withdraw(requestId(), 1n)),
				"insufficient-funds",
			);
		assert.equal(await codeOf(withdraw(requestId(), 1n)), "busy");
		mint.now -= DAY;
		assert.equal(await codeOf(withdraw(requestId(), 1n)), "busy");
		mint.now += DAY;
		// Whoever asks for what can be done is not counted.
		await ledger.fund(payer, 1_000n);
		for (let i = 0; i < 300; i++)
			noteIn(await mint.once(payer, withdraw(requestId(), 1n)));
		await ledger.sound();
	});
});

function isBusy(bytes: Uint8Array): boolean {
	const answer = readAnswer(bytes);
	return answer.kind === "declined" && answer.code === "busy";
}

describe("a module that repeats what was answered", () => {
	/** Asks 300 times, and later again. `make` makes the same request each time, or one like it. */
	async function repeat(
		{ mint, ...ledger }: Awaited<ReturnType<typeof makeLedger>>,
		module: Module,
		make: () => Uint8Array,
	): Promise<number> {
		let answered = 0;
		for (let i = 0; i < 300; i++)
			if (!isBusy(await mint.once(module, make()))) answered++;
		mint.now += 1000;
		for (let i = 0; i < 4; i++)
			assert.ok(!isBusy(await mint.once(module, make())));
		assert.ok(isBusy(await mint.once(module, make())));
		const other = await ledger.module("somebody");
		assert.ok(!isBusy(await mint.once(other, withdraw(requestId(), 1n))));
		return answered;
	}

	const start = () => makeLedger({ parameters: { noteDays: 5, graceDays: 3 } });

	test("a withdrawal: it is told that it is busy after a while, and answered again later", async () => {
		await using ledger = await start();
		await ledger.fund(ledger.payer, 1_000n);
		const asked = withdraw(requestId(), 1n);
		assert.equal(await repeat(ledger, ledger.payer, () => asked), 257);
		await ledger.sound();
	});

	test("a deposit, also under another id each time", async () => {
		for (const isNew of [false, true]) {
			await using ledger = await start();
			const { payer, payee, issuer } = ledger;
			const note = await ledger.note(1_000n);
			const transfer = await pay(payer, payee, [piece(note, 0n, 1n)], issuer);
			const request = requestId();
			const make = () =>
				deposit(isNew ? requestId() : request, transfer, [note], issuer);
			assert.equal(await repeat(ledger, payee, make), 257);
			await ledger.sound();
		}
	});

	test("an exchange", async () => {
		await using ledger = await start();
		const { payer, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const request = requestId();
		const pieces = [piece(note, 0n, 1n)];
		const given = await giveBack(payer, pieces, issuer, request, 1);
		const asked = exchange(request, 1, given, [note], issuer);
		assert.equal(await repeat(ledger, payer, () => asked), 257);
		await ledger.sound();
	});

	test("a claim", async () => {
		await using ledger = await start();
		const { mint, payer, issuer } = ledger;
		const note = await ledger.note(1_000n);
		mint.now = note.expires + 3 * DAY;
		const asked = claim(requestId(), note, issuer);
		assert.equal(await repeat(ledger, payer, () => asked), 257);
		await ledger.sound();
	});

	test("a resolution", async () => {
		await using ledger = await start();
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const transfer = await pay(payer, payee, [piece(note, 0n, 1n)], issuer);
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		const asked = resolve(requestId(), transfer, [note], issuer);
		assert.equal(await repeat(ledger, payer, () => asked), 256);
		await ledger.sound();
	});

	test("a request that is declined, sent many times at once", async () => {
		await using ledger = await start();
		const { mint, payer } = ledger;
		const asked = withdraw(requestId(), 1n);
		for (let i = 0; i < 4; i++) {
			const tetrad = mint.meet(payer);
			await Promise.all(
				Array.from({ length: 64 }, () => mint.ask(tetrad, asked)),
			);
		}
		const { writes } = mint;
		const answer = readAnswer(
			await mint.once(payer, withdraw(requestId(), 1n)),
		);
		assert.ok(answer.kind === "declined");
		assert.match(answer.reason, /too often/);
		assert.equal(mint.writes, writes, "and nothing is looked at");
	});

	test("a question: many more are answered, and then it is told that it is busy", async () => {
		await using ledger = await start();
		const { mint, payer } = ledger;
		let answered = 0;
		const make = () =>
			message(WITH_ISSUER.inquire, {
				request: requestId(),
				transfer: new Uint8Array(32),
			});
		for (let i = 0; i < 2_100; i++)
			if (!isBusy(await mint.once(payer, make()))) answered++;
		assert.equal(answered, 2_048);
		mint.now += 1000;
		for (let i = 0; i < 10; i++)
			assert.ok(!isBusy(await mint.once(payer, make())));
		assert.ok(isBusy(await mint.once(payer, make())));
		// Requests are counted apart.
		await ledger.fund(payer, 1_000n);
		noteIn(await mint.once(payer, withdraw(requestId(), 1n)));
	});
});

describe("bad messages", () => {
	test("a request that can be told apart is declined, and anything else ends its tetrad", async () => {
		await using ledger = await makeLedger();
		const { mint, payer } = ledger;
		const tetrad = mint.meet(payer);
		const request = requestId();
		const cut = enc(request, new Uint8Array(7));
		const [answer] = await mint.ask(
			tetrad,
			Uint8Array.of(WITH_ISSUER.withdraw.type, ...cut),
		);
		declinedWith("malformed", /wrong length/, answer as Uint8Array);
		const nothing = enc(request, new Uint8Array(8));
		const zero = await mint.ask(
			tetrad,
			Uint8Array.of(WITH_ISSUER.withdraw.type, ...nothing),
		);
		declinedWith("malformed", /zero/, zero[0] as Uint8Array);
		assert.deepEqual(mint.ended, []);
		for (const bytes of [
			new Uint8Array(),
			Uint8Array.of(0x99),
			Uint8Array.of(WITH_ISSUER.withdraw.type),
			Uint8Array.of(WITH_ISSUER.hello.type, 1, 2, 3),
			Uint8Array.of(WITH_ISSUER.issued.type, ...enc(request)),
			new Uint8Array(10_000_000).fill(WITH_ISSUER.deposit.type),
		]) {
			const before: number = mint.ended.length;
			assert.deepEqual(await mint.ask(mint.meet(payer), bytes), []);
			assert.equal(mint.ended.length, before + 1);
		}
		await ledger.sound();
	});

	test("more requests at once than allowed are told that it is busy", async () => {
		await using ledger = await makeLedger();
		const { mint, payer } = ledger;
		const tetrad = mint.meet(payer);
		await ledger.fund(payer, 1_000n);
		const asked = Array.from({ length: 80 }, () => withdraw(requestId(), 1n));
		const answers = (
			await Promise.all(asked.map((bytes) => mint.ask(tetrad, bytes)))
		).flat();
		assert.equal(answers.length, 80);
		const busy = answers
			.map(readAnswer)
			.filter((answer) => answer.kind === "declined" && answer.code === "busy");
		assert.equal(busy.length, 16);
		// And it goes on when they are answered.
		noteIn(
			(await mint.ask(tetrad, asked.at(-1) as Uint8Array))[0] as Uint8Array,
		);
		await ledger.sound();
	});
});

test("notes and grace last for whole days, as many as any issuer may give", () => {
	const money = { currency: { code: "EUR", exponent: 2 }, isPlay: true };
	assert.deepEqual(lifeOfNotes({ ...money, noteDays: 1, graceDays: 0 }), {
		noteMs: DAY,
		graceMs: 0,
	});
	const most = { noteDays: MAX_NOTE_DAYS, graceDays: MAX_GRACE_DAYS };
	assert.deepEqual(lifeOfNotes({ ...money, ...most }), {
		noteMs: MAX_NOTE_DAYS * DAY,
		graceMs: MAX_GRACE_DAYS * DAY,
	});
	for (const wrong of [
		{ noteDays: 0 },
		{ noteDays: 1.5 },
		{ noteDays: MAX_NOTE_DAYS + 1 },
		{ graceDays: -1 },
		{ graceDays: 0.5 },
		{ graceDays: MAX_GRACE_DAYS + 1 },
	])
		assert.throws(() => lifeOfNotes({ ...money, ...wrong }), {
			code: "invalid-argument",
		});
});

describe("an issuer's machine", () => {
	test("does nothing for agents and owners, and nothing when time passes", async () => {
		await using ledger = await makeLedger();
		const { machine, now } = ledger.mint;
		const document = new Uint8Array(100);
		const events: readonly MoneyEvent[] = [
			{ kind: "from-agent", tetrad: 1, bytes: document },
			{ kind: "order", document },
			{ kind: "override", document },
			{ kind: "cancel", document },
			{ kind: "limits", document },
			{ kind: "approval", document },
			{ kind: "give-back", request: requestId(), issuer: document },
			{ kind: "time" },
		];
		for (const event of events) {
			assert.deepEqual(machine.handle(event, now), [], event.kind);
			assert.equal(machine.pending.size, 0, event.kind);
		}
	});
});

describe("heads", () => {
	const hello = (number: bigint, hash: number) =>
		new Uint8Array(
			message(WITH_ISSUER.hello, {
				number,
				hash: new Uint8Array(32).fill(hash),
			}),
		);

	test("the newest head is kept and told, and a fork is reported", async () => {
		await using ledger = await makeLedger();
		const { mint, payer } = ledger;
		const meet = async (number: bigint, hash: number) => {
			const [bytes] = await mint.ask(mint.meet(payer), hello(number, hash));
			const told = messages.body(WITH_ISSUER.welcome, bytes as Uint8Array);
			return [Number(told.number), told.hash[0], told.grace];
		};
		assert.deepEqual(await meet(5n, 1), [5, 1, 7]);
		assert.deepEqual(await meet(7n, 2), [7, 2, 7]);
		assert.deepEqual(await meet(6n, 3), [7, 2, 7], "it never goes back");
		assert.equal(mint.reports.length, 0);
		assert.deepEqual(await meet(7n, 9), [7, 2, 7], "the first one stays");
		assert.deepEqual(
			mint.reports.map(({ kind }) => kind),
			["forked"],
		);
	});

	test("a purse has come no further than any can", async () => {
		await using ledger = await makeLedger();
		const { mint, payer } = ledger;
		const told = async (number: bigint) => {
			const [bytes] = await mint.ask(mint.meet(payer), hello(number, 1));
			return bytes === undefined
				? undefined
				: messages.body(WITH_ISSUER.welcome, bytes).number;
		};
		assert.equal(await told(MAX_AMOUNT + 1n), undefined);
		assert.equal(await told(MAX_AMOUNT), MAX_AMOUNT);
	});
});

/** The other signature that fits: r and n - s. */
function mirrored(document: Uint8Array): Uint8Array {
	const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
	const bytes = new Uint8Array(document);
	const s = BigInt(`0x${hex(bytes.subarray(-32))}`);
	const other = (n - s).toString(16).padStart(64, "0");
	bytes.set(Buffer.from(other, "hex"), bytes.length - 32);
	return bytes;
}
