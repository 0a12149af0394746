/* The audit passes on what an issuer did with sales, and fails after each change behind its back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runAudit } from "../../src/device/issuer/index.ts";
import { DAY } from "../support/authority.ts";
import { PRICE, SaleWorld } from "./issuer-world.ts";

/** Two sales that are booked, one that is declined, and four that are void: owed, credited later, credited at once, too late. */
async function busyWorld(): Promise<SaleWorld> {
	const world = await SaleWorld.make({ onDisk: true });
	const tick = () => {
		world.mint.now += 1000;
	};
	for (const ask of ["deposit", "resolve"] as const) {
		await world[ask](await world.sale());
		tick();
	}
	const note = await world.ledger.note(PRICE, world.buyer);
	await world.deposit(await world.sale({}, { notes: [note] }));
	tick();
	await world.resolve(await world.sale({}, { notes: [note] }));
	tick();
	for (const asks of [
		["deposit"],
		["deposit", "resolve"],
		["resolve"],
	] as const) {
		const wrong = await world.wrong();
		for (const ask of asks) {
			await world[ask](wrong);
			tick();
		}
	}
	const late = await world.sale();
	world.mint.now += 2 * DAY;
	await world.resolve(late);
	return world;
}

test("the sums are exact", async () => {
	await using world = await busyWorld();
	const { problems, ...sums } = await world.ledger.sound();
	assert.deepEqual(problems, []);
	assert.deepEqual(sums, {
		issued: 7n * PRICE,
		outstanding: 0n,
		returned: 3n * PRICE,
		expired: 4n * PRICE,
		owed: PRICE,
		balanced: true,
	});
});

const OWED = `(SELECT transfer FROM sales WHERE state = 'void' AND transfer NOT IN (SELECT transfer FROM voids))`;
const CREDITED = `(SELECT transfer FROM sales WHERE state = 'void' AND transfer IN (SELECT reference FROM entries WHERE account = CAST('owed' AS BLOB) AND amount < 0))`;

/** What somebody could do to the tables, and what the audit says then. */
const TAMPERINGS: readonly (readonly [
	what: string,
	problem: RegExp,
	...sql: string[],
])[] = [
	[
		"a sale deleted",
		/^transfers .* it is marked as a sale and none is there/m,
		`DELETE FROM sales WHERE state = 'booked'`,
	],
	[
		"a key that was sold changed",
		/^sales .* its key is another one/m,
		`UPDATE sales SET key = randomblob(32) WHERE state = 'booked'`,
	],
	[
		"the key of a sale that is booked taken away",
		/^sales .* its key is another one/m,
		`UPDATE sales SET key = x'' WHERE state = 'booked'`,
	],
	[
		"a key put to a sale that is void",
		/^sales .* its key is another one/m,
		`UPDATE sales SET key = (SELECT key FROM sales WHERE state = 'booked') WHERE state = 'void'`,
	],
	[
		"the terms of a sale replaced by those of another",
		/^sales .* its terms are those of another transfer/m,
		`UPDATE sales SET terms = (SELECT terms FROM sales WHERE state = 'void') WHERE state = 'booked'`,
	],
	[
		"the contract of a sale changed",
		/^sales .* its terms are those of another transfer/m,
		`UPDATE sales SET contract = randomblob(32) WHERE state = 'booked'`,
	],
	[
		"the terms of a sale made unreadable",
		/^sales /m,
		`UPDATE sales SET terms = x'00'`,
	],
	[
		"a state that there is not",
		/^sales .* a sale is in no state that there is/m,
		`UPDATE sales SET state = 'sold' WHERE state = 'booked'`,
	],
	[
		"a sale that is booked called void",
		/^sales .* it is not booked as a whole, or is booked against what it says/m,
		`UPDATE sales SET state = 'void', key = x'' WHERE state = 'booked'`,
	],
	[
		"a sale that is booked called declined",
		/^sales .* it is not booked as a whole/m,
		`UPDATE sales SET state = 'declined', key = x'' WHERE state = 'booked'`,
	],
	[
		"a sale that is void called declined",
		/^bookings .* its sale is not void/m,
		`UPDATE sales SET state = 'declined' WHERE state = 'void'`,
	],
	[
		"a sale that is declined called void",
		/^transfers .* 0 of it is void, and not 100/m,
		`UPDATE sales SET state = 'void' WHERE state = 'declined'`,
	],
	[
		"the credit of a void sale forgotten, to be paid again",
		/^entries .* of "owed": its cause is not there/m,
		`DELETE FROM voids WHERE transfer IN ${CREDITED}`,
	],
	[
		"a credit that nobody has asked for",
		/^voids .* no answer to its payer says that it is void/m,
		`INSERT INTO voids (transfer, request, returned, at) SELECT transfer, randomblob(16), 100, 1 FROM sales WHERE transfer IN ${OWED}`,
	],
	[
		"a void sale credited with more",
		/^sales .* its payer was credited with something else than it says/m,
		`UPDATE voids SET returned = 101 WHERE transfer IN ${CREDITED}`,
	],
	[
		"what is owed taken out of the books",
		/^entries: those of "owed" sum to /m,
		`DELETE FROM entries WHERE reference IN ${OWED}`,
	],
	[
		"what is owed made more",
		/its lines do not sum to zero|its entries are not there/m,
		`UPDATE entries SET amount = 150 WHERE account = CAST('owed' AS BLOB) AND reference IN ${OWED}`,
	],
	[
		"the range of a void sale freed",
		/^transfers .* is booked as a whole, or not at all|^transfers .* of it is void, and not/m,
		`DELETE FROM bookings WHERE reference IN ${OWED}`,
	],
	[
		"the conflict of a declined sale deleted",
		/^transfers .* what overlaps it is booked, and no conflict is recorded/m,
		`DELETE FROM conflicts`,
	],
	[
		"the hash of the master secret cut",
		/^meta selling: it is no hash/m,
		`INSERT INTO meta (name, value) VALUES ('selling', x'00')`,
	],
];

test("the audit finds every bit of a sale's terms that has changed", async () => {
	await using world = await SaleWorld.make({ onDisk: true });
	const sale = await world.sale();
	await world.deposit(sale);
	await world.ledger.sound();
	const bits = Array.from({ length: 8 * sale.terms.length }, (_, bit) => bit);
	// All of them are some ten thousand audits: a prime step comes by every part.
	for (const bit of bits.filter((bit) => bit % 61 === 0)) {
		const terms = Uint8Array.from(sale.terms);
		terms[bit >> 3] = (terms[bit >> 3] ?? 0) ^ (1 << (bit & 7));
		await world.ledger.tamper((database) => {
			database.prepare("UPDATE sales SET terms = ?").run(terms);
		});
		const { balanced } = await world.ledger.audit();
		assert.equal(balanced, false, `bit ${bit}`);
	}
});

test("the sales of agents whose agency is trusted no more are audited without their chains", async () => {
	await using world = await SaleWorld.make({ onDisk: true });
	await world.deposit(await world.sale());
	const { banks } = world.ledger.world.policy;
	const { terms } = world.mint.machine;
	const { problems } = await runAudit(
		terms,
		{ banks, agencies: [] },
		world.ledger.store(),
	);
	assert.deepEqual(problems, []);
});

describe("the audit fails after", () => {
	for (const [what, problem, ...sql] of TAMPERINGS)
		test(what, async () => {
			await using world = await busyWorld();
			await world.ledger.tamper((database) => {
				for (const statement of sql) {
					const { changes } = database.prepare(statement).run();
					assert.ok(Number(changes) > 0, statement);
				}
			});
			const { balanced, problems } = await world.ledger.audit();
			assert.equal(balanced, false);
			assert.match(problems.join("\n"), problem);
		});
});
