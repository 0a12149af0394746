/* The audit passes on what an issuer did, and fails after each change behind its back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runAudit } from "../../src/device/issuer/audit-run.ts";
import type { Row, Store } from "../../src/machine/index.ts";
import { DAY } from "../support/authority.ts";
import { type Ledgers, makeLedger } from "./ledger-world.ts";
import {
	claim,
	deposit,
	exchange,
	giveBack,
	pay,
	piece,
	requestId,
	resolve,
} from "./mint.ts";

/** A bit of everything: two notes, two deposits that conflict, two exchanges, a claim. */
async function busyLedger(): Promise<Ledgers> {
	const ledger = await makeLedger({
		onDisk: true,
		parameters: { noteDays: 20, graceDays: 2 },
	});
	const { mint, payer, payee, issuer } = ledger;
	const note = await ledger.note(1_000n);
	const other = await ledger.note(500n);
	for (const offset of [0n, 50n]) {
		const pieces = [piece(note, offset, 100n), piece(other, offset, 10n)];
		const transfer = await pay(payer, payee, pieces, issuer);
		const notes = [note, other];
		await mint.once(payee, deposit(requestId(), transfer, notes, issuer));
		mint.now += 1000;
	}
	for (const into of [0, 1] as const) {
		const request = requestId();
		const pieces = [piece(note, 800n + 100n * BigInt(into), 100n)];
		const transfer = await giveBack(payer, pieces, issuer, request, into);
		await mint.once(payer, exchange(request, into, transfer, [note], issuer));
	}
	const late = await pay(payer, payee, [piece(note, 0n, 20n)], issuer);
	await mint.once(payee, deposit(requestId(), late, [note], issuer));
	await ledger.note(3n);
	mint.now = note.expires + 2 * DAY;
	await mint.once(payer, claim(requestId(), note, issuer));
	const never = await pay(payer, payee, [piece(other, 400n, 31n)], issuer);
	await mint.once(payer, resolve(requestId(), never, [other], issuer));
	await ledger.fund(payee, 7n);
	return ledger;
}

test("a ledger of another issuer, or of another money, is told to be that", async () => {
	await using ledger = await makeLedger();
	await ledger.note(100n);
	const { terms } = ledger.mint.machine;
	const problemsOf = async (changes: Partial<typeof terms>) => {
		const { policy } = ledger.world;
		const store = ledger.store();
		const { problems } = await runAudit(
			{ ...terms, ...changes },
			policy,
			store,
		);
		return problems.filter((one) =>
			/another issuer or another money/.test(one),
		);
	};
	assert.equal((await problemsOf({})).length, 0);
	for (const changes of [
		{ issuer: ledger.payer.device.deviceId },
		{ currency: { ...terms.currency, exponent: 3 } },
		{ currency: { ...terms.currency, code: "EUR" } },
		{ isPlay: !terms.isPlay },
	])
		assert.equal((await problemsOf(changes)).length, 1);
});

test("the sums are exact", async () => {
	await using ledger = await busyLedger();
	const { problems, ...sums } = await ledger.sound();
	assert.deepEqual(problems, []);
	assert.deepEqual(sums, {
		issued: 1_603n,
		outstanding: 552n,
		returned: 320n,
		expired: 731n,
		owed: 0n,
		balanced: true,
	});
});

describe("an honest ledger balances", () => {
	test("when a transfer comes of which its holder has claimed a range, the clock having been set back", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		const pieces = [piece(note, 0n, 100n), piece(note, 100n, 50n)];
		const transfer = await pay(payer, payee, pieces, issuer);
		const { now } = mint;
		mint.now = note.expires + 3 * DAY;
		await mint.once(payer, claim(requestId(), note, issuer, 50n));
		mint.now = now;
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		const request = requestId();
		const own = [piece(note, 500n, 500n)];
		const back = await giveBack(payer, own, issuer, request, 1);
		await mint.once(payer, exchange(request, 1, back, [note], issuer));
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 50n);
		await mint.once(payer, resolve(requestId(), transfer, [note], issuer));
		await mint.once(payer, resolve(requestId(), back, [note], issuer));
		await ledger.sound();
	});

	test("when a note that an exchange could not take back is spent later, the exchange having been refused for another note", async () => {
		await using ledger = await makeLedger();
		const { mint, payer, payee, issuer } = ledger;
		const [spent, free] = [await ledger.note(100n), await ledger.note(50n)];
		const first = await pay(payer, payee, [piece(spent, 0n, 10n)], issuer);
		await mint.once(payee, deposit(requestId(), first, [spent], issuer));
		const request = requestId();
		const both = [piece(spent, 0n, 100n), piece(free, 0n, 50n)];
		const back = await giveBack(payer, both, issuer, request, 1);
		await mint.once(payer, exchange(request, 1, back, [spent, free], issuer));
		await ledger.sound();
		const later = await pay(payer, payee, [piece(free, 0n, 20n)], issuer);
		await mint.once(payee, deposit(requestId(), later, [free], issuer));
		const { returned } = await ledger.sound();
		assert.equal(returned, 30n);
	});

	test("with a grace of 0, when a note is claimed while its exchange is being signed", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 0 },
		});
		const { payer, issuer } = ledger;
		const note = await ledger.note(1_000n);
		let isClaimed = false;
		const mint = await ledger.restart({
			now: note.expires - 1,
			issuer: {
				...issuer,
				signer: {
					...issuer.signer,
					async sign(content) {
						mint.now = note.expires;
						await mint.once(payer, claim(requestId(), note, issuer));
						isClaimed = true;
						return issuer.signer.sign(content);
					},
				},
			},
		});
		const request = requestId();
		const own = [piece(note, 0n, 1_000n)];
		const back = await giveBack(payer, own, issuer, request, 0);
		await mint.once(payer, exchange(request, 0, back, [note], issuer));
		assert.ok(isClaimed);
		const { expired } = await ledger.sound();
		assert.equal(expired, 1_000n);
	});
});

test("an empty ledger balances", async () => {
	await using ledger = await makeLedger();
	const { issued } = await ledger.sound();
	assert.equal(issued, 0n);
});

/** A store in which some rows of a table come twice, as those of a broken database could. */
function doubling(
	store: Store,
	table: string,
	isDoubled: (row: Row) => boolean,
): Pick<Store, "snapshot"> {
	return {
		snapshot: (look) =>
			store.snapshot((scan) =>
				look(async function* (read) {
					for await (const row of scan(read)) {
						yield row;
						if (read.table.name === table && isDoubled(row)) yield row;
					}
				}),
			),
	};
}

/** In SQL, a column with another last byte, whichever it has. */
function otherLastByte(column: string): string {
	const last = `substr(${column}, -1)`;
	return `CAST(substr(${column}, 1, length(${column}) - 1) || iif(${last} = x'ff', x'fe', x'ff') AS BLOB)`;
}

const TAMPERINGS: readonly (readonly [
	what: string,
	problem: RegExp,
	...sql: string[],
])[] = [
	[
		"a balance edited",
		/^accounts .* it holds 128, and its entries sum to 127/m,
		`UPDATE accounts SET balance = balance + 1 WHERE name = 'bob-till'`,
	],
	[
		"an account that is made up",
		/^accounts .* has no entries/m,
		`INSERT INTO accounts (id, name, balance, opened) SELECT CAST(id || x'61' AS BLOB), name, 5, opened FROM accounts LIMIT 1`,
	],
	[
		"an account deleted",
		/^accounts .* it has entries and is not there/m,
		`DELETE FROM accounts WHERE name = 'bob-till'`,
	],
	[
		"a booked range of a deposit deleted",
		/^transfers .* of it is booked, and not/m,
		`DELETE FROM bookings WHERE "offset" = 0 AND amount = 100 AND kind = 'deposit'`,
	],
	[
		"a booked range of a claim deleted",
		/^entries .* of "expired": its cause is not there/m,
		`DELETE FROM bookings WHERE "offset" = 100 AND kind = 'claim'`,
	],
	[
		"a booked range made shorter",
		/^bookings .* it is no piece of its transfer/m,
		`UPDATE bookings SET amount = 99 WHERE "offset" = 0 AND amount = 100`,
	],
	[
		"a booked range made longer",
		/^bookings .* it overlaps the booking before it/m,
		`UPDATE bookings SET amount = 101 WHERE "offset" = 0 AND amount = 100`,
	],
	[
		"a booking moved to another note",
		/^bookings .* it is no piece of its transfer/m,
		`UPDATE bookings SET note = (SELECT id FROM notes WHERE value = 500), "offset" = 300 WHERE kind = 'exchange' AND "offset" = 800`,
	],
	[
		"a booking of a note that never was",
		/^bookings .* there is no such note/m,
		`UPDATE bookings SET note = zeroblob(32) WHERE kind = 'exchange' AND "offset" = 800`,
	],
	[
		"one line of an entry deleted",
		/^entries .* its lines do not sum to zero/m,
		`DELETE FROM entries WHERE kind = 'credit' AND amount > 0 AND amount = 7`,
	],
	[
		"an entry deleted",
		/^credits .* its entries are not there/m,
		`DELETE FROM entries WHERE kind = 'credit' AND abs(amount) = 7`,
	],
	[
		"the entry of a withdrawal deleted",
		/^notes .* its entries are not there/m,
		`DELETE FROM entries WHERE kind = 'withdraw' AND abs(amount) = 500`,
		`UPDATE accounts SET balance = balance + 500 WHERE name = 'alice-purse'`,
	],
	[
		"the entry of a deposit deleted",
		/^transfers .* its entries are not there/m,
		`DELETE FROM entries WHERE kind = 'deposit' AND abs(amount) = 110`,
		`UPDATE accounts SET balance = balance - 110 WHERE name = 'bob-till'`,
	],
	[
		"an entry that credits more, with its other line and the balance",
		/^(transfers .* its entries|entries .* its cause)/m,
		`UPDATE entries SET amount = amount * 2 WHERE kind = 'deposit'`,
		`UPDATE accounts SET balance = balance + 110 WHERE name = 'bob-till'`,
	],
	[
		"an entry that credits somebody else",
		/^transfers .* its entries are not there, or say something else/m,
		`UPDATE entries SET account = (SELECT id FROM accounts WHERE name = 'alice-purse') WHERE kind = 'deposit' AND amount > 0`,
		`UPDATE accounts SET balance = balance + 110 WHERE name = 'alice-purse'`,
		`UPDATE accounts SET balance = balance - 110 WHERE name = 'bob-till'`,
	],
	[
		"a credit that nobody gave, with its entries",
		/^entries .* of "backing": its cause is not there/m,
		`INSERT INTO entries (at, "transaction", account, amount, kind, reference) SELECT at, zeroblob(32), account, amount, kind, x'616161' FROM entries WHERE kind = 'credit' AND abs(amount) = 7`,
		`UPDATE accounts SET balance = balance + 7 WHERE name = 'bob-till'`,
	],
	[
		"a transfer's bytes changed",
		/^transfers .*/m,
		`UPDATE transfers SET document = ${otherLastByte("document")} WHERE booked = 110`,
	],
	[
		"a transfer's body changed",
		/^transfers .* its document is another one/m,
		`UPDATE transfers SET document = (SELECT document FROM transfers WHERE booked = 10) WHERE booked = 110`,
	],
	[
		"a transfer deleted",
		/^bookings .* its transfer is not there/m,
		`DELETE FROM transfers WHERE booked = 110`,
	],
	[
		"a conflict deleted",
		/^transfers .* no conflict is recorded/m,
		`DELETE FROM conflicts`,
	],
	[
		"the kind of a deposit's entry changed to that of an exchange",
		/^transfers .* its entries are of another kind/m,
		`UPDATE entries SET kind = 'exchange' WHERE kind = 'deposit'`,
	],
	[
		"the kind of an exchange's entry changed to that of a deposit",
		/^transfers .* its entries are of another kind/m,
		`UPDATE entries SET kind = 'deposit' WHERE kind = 'exchange' AND reference IN (SELECT id FROM transfers)`,
	],
	[
		"a byte of the issuer's chain changed in the answer that brought a note",
		/^notes .* the answer that brought it has another chain/m,
		`UPDATE answers SET answer = ${otherLastByte("answer")} WHERE request = (SELECT request FROM notes WHERE value = 500)`,
	],
	[
		"the time of an answer changed that entered nothing",
		/^transfers .* its request was answered at another time/m,
		`UPDATE answers SET at = at + 1 WHERE request = (SELECT request FROM transfers WHERE booked = 0 AND resolved = 0)`,
	],
	[
		"a void transfer forgotten, and its money with it",
		/^bookings .* its transfer is not void/m,
		`DELETE FROM voids`,
	],
	[
		"what came back of a void transfer changed",
		/^voids .* no answer to its payer says that it is void/m,
		`UPDATE voids SET returned = returned + 1`,
	],
	[
		"the range of a void transfer deleted",
		/^transfers .* of it is void, and not/m,
		`DELETE FROM bookings WHERE kind = 'void'`,
	],
	[
		"a void transfer made a booked one",
		/^bookings .* it is not of the kind or the time of its transfer/m,
		`UPDATE bookings SET kind = 'exchange' WHERE kind = 'void'`,
	],
	[
		"what came back of a void transfer credited to somebody else, with both balances",
		/^voids .* its entries are not there, or say something else/m,
		`UPDATE entries SET account = (SELECT id FROM accounts WHERE name = 'bob-till') WHERE kind = 'void' AND amount > 0`,
		`UPDATE accounts SET balance = balance - 31 WHERE name = 'alice-purse'`,
		`UPDATE accounts SET balance = balance + 31 WHERE name = 'bob-till'`,
	],
	[
		"a transfer that its payer handed in said to be its payee's",
		/^transfers .* its request was not answered/m,
		`UPDATE transfers SET resolved = 0 WHERE resolved = 1`,
	],
	[
		"a note's value changed",
		/^notes .* its row says something else than was signed/m,
		`UPDATE notes SET value = value + 1 WHERE value = 500`,
	],
	[
		"a note's bytes changed",
		/^notes .*/m,
		`UPDATE notes SET document = ${otherLastByte("document")} WHERE value = 500`,
	],
	[
		"a note duplicated under another id",
		/^notes .* its document is another one/m,
		`INSERT INTO notes (id, holder, holder_certificate, request, value, issued, expires, document) SELECT randomblob(32), holder, holder_certificate, request, value, issued, expires, document FROM notes WHERE value = 500`,
	],
	[
		"a note deleted",
		/^entries .* of "issued": its cause is not there/m,
		`DELETE FROM notes WHERE value = 500`,
	],
	[
		"a note moved to another request",
		/^notes .* no answer to a request holds it/m,
		`UPDATE notes SET request = zeroblob(16) WHERE value = 500`,
	],
	[
		"the answer of a withdrawal deleted",
		/^notes .* no answer to a request holds it/m,
		`DELETE FROM answers WHERE request = (SELECT request FROM notes WHERE value = 500)`,
	],
	[
		"the answer of a deposit changed",
		/^transfers .* its request was answered with something else/m,
		`UPDATE answers SET answer = (SELECT answer FROM answers WHERE request = (SELECT request FROM transfers WHERE booked = 10)) WHERE request = (SELECT request FROM transfers WHERE booked = 110)`,
	],
	[
		"the notes of a withdrawal deleted, with their entries, and the balance put back",
		/^answers .* a note in it is not there/m,
		`UPDATE accounts SET balance = balance + 3 WHERE name = 'alice-purse'`,
		`DELETE FROM entries WHERE kind = 'withdraw' AND abs(amount) = 3`,
		`DELETE FROM notes WHERE value = 3`,
	],
	[
		"a deposit deleted, with its bookings, conflicts and entries, and the balance put back",
		/^answers .* its entries are not there/m,
		`DELETE FROM conflicts`,
		`DELETE FROM bookings WHERE reference = (SELECT id FROM transfers WHERE booked = 10)`,
		`DELETE FROM entries WHERE reference = (SELECT id FROM transfers WHERE booked = 10)`,
		`DELETE FROM transfers WHERE booked = 10`,
		`UPDATE accounts SET balance = balance - 10 WHERE name = 'bob-till'`,
	],
	[
		"a transfer deleted that came too late, with its conflicts: evidence",
		/^answers: 2 say that a transfer came after another, and 1 such/m,
		`DELETE FROM conflicts WHERE second = (SELECT id FROM transfers WHERE booked = 0)`,
		`DELETE FROM transfers WHERE booked = 0`,
	],
	[
		"a claim credited to somebody else, with both balances",
		/^answers .* its entries are not there, or say something else/m,
		`UPDATE entries SET account = (SELECT id FROM accounts WHERE name = 'bob-till') WHERE kind = 'claim' AND amount > 0`,
		`UPDATE accounts SET balance = balance - 700 WHERE name = 'alice-purse'`,
		`UPDATE accounts SET balance = balance + 700 WHERE name = 'bob-till'`,
	],
	[
		"the answer of a claim changed",
		/^answers .* its entries are not there, or say something else/m,
		`UPDATE answers SET answer = CAST(substr(answer, 1, length(answer) - 6) || x'ff' || substr(answer, length(answer) - 4) AS BLOB) WHERE request NOT IN (SELECT request FROM transfers) AND request NOT IN (SELECT request FROM notes)`,
	],
	[
		"the answer of a claim deleted",
		/^entries: those of "expired" sum to -731, and the answers to claims to -31/m,
		`DELETE FROM answers WHERE request NOT IN (SELECT request FROM transfers) AND request NOT IN (SELECT request FROM notes)`,
	],
	[
		"the conflicts that a payee was told of forgotten",
		/^transfers .* its payee was told of other conflicts/m,
		`UPDATE answers SET answer = CAST(substr(answer, 1, length(answer) - 36) || zeroblob(4) AS BLOB) WHERE request = (SELECT request FROM transfers WHERE booked = 10)`,
	],
	[
		"an answer that is none",
		/^answers .* it is no answer of an issuer/m,
		`INSERT INTO answers SELECT device, zeroblob(16), asked, x'00', at FROM answers LIMIT 1`,
	],
	[
		"the kind of an entry changed",
		/^entries .* it is of another kind than its accounts say/m,
		`UPDATE entries SET kind = 'deposit' WHERE kind = 'withdraw'`,
	],
	[
		"a holder's chain replaced by the issuer's, so that evidence proves nothing",
		/^notes .* the chain of its holder is another one/m,
		`UPDATE chains SET chain = (SELECT chain FROM chains WHERE certificate NOT IN (SELECT holder_certificate FROM notes)) WHERE certificate IN (SELECT holder_certificate FROM notes)`,
	],
	[
		"the time of a conflict changed",
		/^conflicts .* it is of another time than its later transfer/m,
		`UPDATE conflicts SET at = at - 1`,
	],
	[
		"an account opened at a time that is none",
		/^accounts .* it was opened at no time/m,
		`UPDATE accounts SET opened = -9223372036854775808`,
	],
	[
		"the store given to another issuer",
		/^meta terms: it names another issuer/m,
		`UPDATE meta SET value = CAST(value || x'00' AS BLOB)`,
	],
	[
		"whose it is deleted, so that another could take it",
		/^meta: it does not say whose it is/m,
		`DELETE FROM meta`,
	],
	[
		"the issuer's chain deleted",
		/^notes .* the chain that it was signed under is gone/m,
		`DELETE FROM chains`,
	],
];

describe("the audit fails after", () => {
	for (const [what, problem, ...sql] of TAMPERINGS)
		test(what, async () => {
			await using ledger = await busyLedger();
			await ledger.tamper((database) => {
				for (const statement of sql) {
					const { changes } = database.prepare(statement).run();
					assert.ok(Number(changes) > 0, statement);
				}
			});
			const { balanced, problems } = await ledger.audit();
			assert.equal(balanced, false);
			assert.match(problems.join("\n"), problem);
		});

	for (const [table, isDoubled] of [
		["notes", ({ value }) => value === 500n],
		["bookings", ({ offset, amount }) => offset === 0n && amount === 100n],
		["transfers", ({ booked }) => booked === 110n],
	] as const satisfies [string, (row: Row) => boolean][])
		test(`a row of ${table} is doubled, without the key's constraint`, async () => {
			await using ledger = await busyLedger();
			const store = doubling(ledger.store(), table, isDoubled);
			const { balanced, problems } = await ledger.audit(store);
			assert.equal(balanced, false);
			assert.match(
				problems.join("\n"),
				table === "bookings"
					? /^bookings .* it overlaps the booking before it/m
					: /it is there twice/,
			);
		});
});

test("the audit fails where a range of one holder's note is booked for what another one has signed", async () => {
	await using ledger = await makeLedger({ onDisk: true });
	const { mint, payer, payee, issuer } = ledger;
	const [own, more] = [await ledger.note(500n), await ledger.note(100n)];
	const theirs = await ledger.note(100n, await ledger.module("carol-purse"));
	const pieces = (of: typeof more) => [piece(own, 0n, 1n), piece(of, 0n, 50n)];
	const honest = await pay(payer, payee, pieces(more), issuer);
	await mint.once(payee, deposit(requestId(), honest, [own, more], issuer));
	await ledger.sound();
	// Whoever has the database and that payer's key at once can make such rows.
	const forged = await pay(payer, payee, pieces(theirs), issuer);
	await ledger.tamper((database) => {
		const sets = [
			["transfers", "id", forged.id, honest.id],
			["bookings", "reference", forged.id, honest.id],
			["entries", "reference", forged.id, honest.id],
			["bookings", "note", theirs.id, more.id],
		] as const;
		for (const [table, column, to, from] of sets)
			database
				.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ?`)
				.run(to, from);
		database.prepare("UPDATE transfers SET document = ?").run(forged.document);
	});
	const { problems } = await ledger.audit();
	assert.equal(problems.length, 1);
	assert.match(
		problems[0] ?? "",
		/^bookings .* its transfer was signed by another holder/,
	);
});

test("no more problems are told than the limit", async () => {
	await using ledger = await makeLedger({ onDisk: true });
	await ledger.fund(ledger.payer, 10_000n);
	await ledger.tamper((database) => {
		database.exec(
			`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			 INSERT INTO bookings (note, "offset", amount, kind, reference, at) SELECT randomblob(32), i, 1, 'deposit', randomblob(32), 1 FROM n`,
		);
	});
	const { balanced, problems } = await ledger.audit();
	assert.equal(balanced, false);
	assert.equal(problems.length, 100);
});
