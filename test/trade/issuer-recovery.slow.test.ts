/* The issuer is killed before and after the durable write of each thing that it does with a sale. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	claimSellingMaster,
	masterHash,
	sellingMasterOf,
} from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { Killed } from "../money/mint.ts";
import { DAY } from "../support/authority.ts";
import {
	booked,
	bought,
	isVoid,
	MASTER,
	outcome,
	PRICE,
	refused,
	type Said,
	type Sale,
	SaleWorld,
	said,
	spentTwice,
} from "./issuer-world.ts";

interface Step {
	readonly name: string;
	readonly sale: (world: SaleWorld) => Promise<Sale>;
	readonly by: "merchant" | "buyer";
	readonly answer: (sale: Sale) => Said;
	readonly movesNothing?: true;
	/** Then at the accounts, and owed. */
	readonly held: readonly [buyer: bigint, merchant: bigint, owed: bigint];
}

const right = (world: SaleWorld) => world.sale();
const wrong = (world: SaleWorld) => world.wrong();
/** After the other side has had its answer. */
const after =
	(make: typeof right, ask: "deposit" | "resolve") =>
	async (world: SaleWorld) => {
		const sale = await make(world);
		await world[ask](sale);
		return sale;
	};
const late = async (world: SaleWorld) => {
	const sale = await world.sale();
	world.mint.now += 2 * DAY;
	return sale;
};
const second = async (world: SaleWorld) => {
	const note = await world.ledger.note(PRICE, world.buyer);
	await world.deposit(await world.sale({}, { notes: [note] }));
	return world.sale({}, { notes: [note] });
};

const STEPS: readonly Step[] = [
	{
		name: "a deposit that books",
		sale: right,
		by: "merchant",
		answer: () => booked(PRICE),
		held: [0n, PRICE, 0n],
	},
	{
		name: "a resolve that books",
		sale: right,
		by: "buyer",
		answer: bought,
		held: [0n, PRICE, 0n],
	},
	{
		name: "a deposit of what was resolved",
		sale: after(right, "resolve"),
		by: "merchant",
		answer: () => booked(PRICE),
		movesNothing: true,
		held: [0n, PRICE, 0n],
	},
	{
		name: "a resolve of what was deposited",
		sale: after(right, "deposit"),
		by: "buyer",
		answer: bought,
		movesNothing: true,
		held: [0n, PRICE, 0n],
	},
	{
		name: "a deposit of what is void",
		sale: wrong,
		by: "merchant",
		answer: () => isVoid,
		held: [0n, 0n, PRICE],
	},
	{
		name: "the credit of what is void",
		sale: after(wrong, "deposit"),
		by: "buyer",
		answer: () => outcome(2, PRICE),
		held: [PRICE, 0n, 0n],
	},
	{
		name: "a resolve of what is void",
		sale: wrong,
		by: "buyer",
		answer: () => outcome(2, PRICE),
		held: [PRICE, 0n, 0n],
	},
	{
		name: "a deposit of what is void and was credited",
		sale: after(wrong, "resolve"),
		by: "merchant",
		answer: () => isVoid,
		movesNothing: true,
		held: [PRICE, 0n, 0n],
	},
	{
		name: "a deposit that is too late",
		sale: late,
		by: "merchant",
		answer: () => refused,
		movesNothing: true,
		held: [0n, 0n, 0n],
	},
	{
		name: "a resolve that is too late",
		sale: late,
		by: "buyer",
		answer: () => outcome(2, PRICE),
		held: [PRICE, 0n, 0n],
	},
	{
		name: "a deposit of what was spent twice",
		sale: second,
		by: "merchant",
		answer: () => spentTwice,
		held: [0n, PRICE, 0n],
	},
	{
		name: "a resolve of what was spent twice",
		sale: second,
		by: "buyer",
		answer: () => spentTwice,
		held: [0n, PRICE, 0n],
	},
];

for (const { name, sale: make, by, answer, movesNothing, held } of STEPS)
	describe(`${name}, with the issuer killed`, () => {
		for (const when of ["before", "after"] as const)
			test(`${when} its one durable write`, async () => {
				await using world = await SaleWorld.make({ onDisk: true });
				const { ledger } = world;
				const sale = await make(world);
				const asked =
					by === "buyer" ? world.resolving(sale) : world.depositing(sale);
				const doomed = await ledger.restart({ kill: { write: 1, when } });
				await assert.rejects(doomed.once(world[by], asked), Killed);
				await ledger.sound();
				const mint = await ledger.restart();
				const bytes = await mint.once(world[by], asked);
				assert.deepEqual(said(bytes), answer(sale));
				assert.equal(mint.writes, 1);
				// What was written is not told again as done now.
				if (when === "after" && movesNothing !== true)
					assert.deepEqual(mint.reports, []);
				const again = await (await ledger.restart()).once(world[by], asked);
				assert.equal(hex(again), hex(bytes));
				const { buyer, merchant, owed } = await world.held();
				assert.deepEqual([buyer, merchant, owed], held);
			});
	});

test("an issuer that is started between all messages of a sale goes on", async () => {
	await using world = await SaleWorld.make({ onDisk: true });
	const sales = [await world.sale(), await world.wrong()];
	for (const sale of sales)
		for (const ask of ["deposit", "resolve", "inquire"] as const) {
			await world.ledger.restart();
			await world[ask](sale);
		}
	await world.ledger.restart();
	assert.deepEqual(await world.held(), {
		buyer: PRICE,
		merchant: PRICE,
		owed: 0n,
	});
});

describe("the master secret of a ledger", () => {
	test("is named by its hash, and another one is refused", async () => {
		await using world = await SaleWorld.make();
		const { ledger } = world;
		assert.equal(await ledger.transact(sellingMasterOf()), undefined);
		const known = masterHash(nodeCrypto, MASTER);
		await ledger.transact(claimSellingMaster(known));
		await ledger.transact(claimSellingMaster(known));
		assert.deepEqual(await ledger.transact(sellingMasterOf()), known);
		const other = masterHash(nodeCrypto, filled(32, 1));
		await assert.rejects(ledger.transact(claimSellingMaster(other)), {
			code: "home-unusable",
		});
		await ledger.sound();
	});
});
