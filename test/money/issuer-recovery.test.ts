/* The issuer is killed before and after each durable write that a request takes, and asked again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { type Ledgers, makeLedger } from "./ledger-world.ts";
import {
	claim,
	deposit,
	exchange,
	giveBack,
	Killed,
	type Module,
	pay,
	piece,
	requestId,
	resolve,
	withdraw,
} from "./mint.ts";

interface Case {
	readonly name: string;
	/** Writes that it takes. */
	readonly writes: number;
	/** What moves nothing is not kept: it is told again each time. */
	readonly movesNothing?: true;
	/** Who asks what. */
	prepare(ledger: Ledgers): Promise<{ by: Module; asked: Uint8Array }>;
	/** What the two accounts hold at the end, however often it was asked. */
	readonly balances: readonly [payer: bigint, payee: bigint];
	readonly outstanding: bigint;
}

const CASES: readonly Case[] = [
	{
		name: "withdraw",
		writes: 2,
		async prepare(ledger) {
			await ledger.fund(ledger.payer, 1_000n);
			return { by: ledger.payer, asked: withdraw(requestId(), 300n) };
		},
		balances: [700n, 0n],
		outstanding: 300n,
	},
	{
		name: "withdraw, too much",
		movesNothing: true,
		writes: 1,
		async prepare(ledger) {
			await ledger.fund(ledger.payer, 1_000n);
			return { by: ledger.payer, asked: withdraw(requestId(), 1_001n) };
		},
		balances: [1_000n, 0n],
		outstanding: 0n,
	},
	{
		name: "deposit",
		writes: 1,
		async prepare({ note, payer, payee, issuer }) {
			const own = await note(1_000n);
			const transfer = await pay(payer, payee, [piece(own, 5n, 95n)], issuer);
			const asked = deposit(requestId(), transfer, [own], issuer);
			return { by: payee, asked };
		},
		balances: [0n, 95n],
		outstanding: 905n,
	},
	{
		name: "exchange into a note",
		writes: 2,
		async prepare({ note, payer, issuer }) {
			const own = await note(1_000n);
			const request = requestId();
			const pieces = [piece(own, 1n, 999n)];
			const transfer = await giveBack(payer, pieces, issuer, request, 0);
			const asked = exchange(request, 0, transfer, [own], issuer);
			return { by: payer, asked };
		},
		balances: [0n, 0n],
		outstanding: 1_000n,
	},
	{
		name: "exchange into the account",
		writes: 1,
		async prepare({ note, payer, issuer }) {
			const own = await note(1_000n);
			const request = requestId();
			const pieces = [piece(own, 1n, 999n)];
			const transfer = await giveBack(payer, pieces, issuer, request, 1);
			const asked = exchange(request, 1, transfer, [own], issuer);
			return { by: payer, asked };
		},
		balances: [999n, 0n],
		outstanding: 1n,
	},
	{
		name: "resolve, of what is void",
		writes: 1,
		async prepare(ledger) {
			const { payer, payee, issuer } = ledger;
			const own = await ledger.note(1_000n);
			const transfer = await pay(payer, payee, [piece(own, 5n, 95n)], issuer);
			ledger.mint.now = own.expires + 7 * DAY;
			const asked = resolve(requestId(), transfer, [own], issuer);
			return { by: payer, asked };
		},
		balances: [95n, 0n],
		outstanding: 905n,
	},
	{
		name: "resolve, of what is booked",
		writes: 1,
		async prepare({ note, payer, payee, issuer }) {
			const own = await note(1_000n);
			const transfer = await pay(payer, payee, [piece(own, 5n, 95n)], issuer);
			const asked = resolve(requestId(), transfer, [own], issuer);
			return { by: payer, asked };
		},
		balances: [0n, 95n],
		outstanding: 905n,
	},
	{
		name: "claim",
		writes: 1,
		async prepare(ledger) {
			const { payer, payee, issuer } = ledger;
			const own = await ledger.note(1_000n);
			const transfer = await pay(payer, payee, [piece(own, 5n, 5n)], issuer);
			const paid = deposit(requestId(), transfer, [own], issuer);
			await ledger.mint.once(payee, paid);
			ledger.mint.now = own.expires + 7 * DAY;
			return { by: payer, asked: claim(requestId(), own, issuer) };
		},
		balances: [995n, 5n],
		outstanding: 0n,
	},
];

for (const {
	name,
	writes,
	movesNothing = false,
	prepare,
	balances,
	outstanding,
} of CASES)
	describe(`${name}, with the issuer killed`, () => {
		for (let write = 1; write <= writes; write++)
			for (const when of ["before", "after"] as const)
				test(`${when} durable write ${write} of ${writes}`, async () => {
					await using ledger = await makeLedger({ onDisk: true });
					const { by, asked } = await prepare(ledger);
					const doomed = await ledger.restart({ kill: { write, when } });
					await assert.rejects(doomed.once(by, asked), Killed);
					await ledger.sound();
					const mint = await ledger.restart();
					const answer = await mint.once(by, asked);
					const isThere = when === "after" && write === writes && !movesNothing;
					assert.equal(mint.reports.length, isThere ? 0 : 1);
					const again = await (await ledger.restart()).once(by, asked);
					assert.equal(hex(again), hex(answer));
					const { payer, payee, balanceOf } = ledger;
					assert.deepEqual(
						[await balanceOf(payer), await balanceOf(payee)],
						balances,
					);
					const result = await ledger.sound();
					assert.equal(result.outstanding, outstanding);
				});

		test("takes no more durable writes than these", async () => {
			await using ledger = await makeLedger();
			const { by, asked } = await prepare(ledger);
			const mint = await ledger.restart();
			await mint.once(by, asked);
			assert.equal(mint.writes, writes);
		});
	});
