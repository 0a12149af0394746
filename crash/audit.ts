/*
 * What must be so when a world is at rest, looked up in what is on its disks: not a minor unit more
 * or less, goods where they are paid for and nowhere else, and nothing told that is not so.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readPolicy } from "../src/device/home/index.ts";
import {
	readIssuerSettings,
	runAudit,
	termsOf,
	viewLedger,
} from "../src/device/issuer/index.ts";
import { viewAgentStore } from "../src/device/purse/agent-store-place.ts";
import {
	balancesOf,
	moduleIdOf,
	verifyLog,
	viewPurse,
} from "../src/device/purse/index.ts";
import {
	type PurchaseView,
	viewPurchases,
	viewSales,
} from "../src/device/trade/records-view.ts";
import type { Row } from "../src/machine/index.ts";
import { WITNESSED } from "../src/money/agent/index.ts";
import { LOG, purseTables } from "../src/money/index.ts";
import { ACCOUNTS, TRANSFERS } from "../src/money/issuer/index.ts";
import { hex, sameBytes } from "../src/wire/index.ts";
import type { Bought, Work } from "./work.ts";
import { BUYERS, type MachineName, MONEY, type World } from "./world.ts";

const PURSES = ["shop", ...BUYERS] as const;
type PurseName = (typeof PURSES)[number];

const MAX_ROWS = 1_000_000;

type PaymentRow = Row<typeof purseTables.PAYMENTS.columns>;
type ReceiptRow = Row<typeof purseTables.RECEIPTS.columns>;

/** What is in a purse. */
interface PurseContent {
	readonly device: string;
	readonly spendable: bigint;
	/** Everything that is not at rest. */
	readonly open: readonly string[];
	readonly payments: ReadonlyMap<string, PaymentRow>;
	readonly receipts: ReadonlyMap<string, ReceiptRow>;
}

/** What is not over yet, in words; nothing of a world at rest. */
export async function openIn(world: World): Promise<readonly string[]> {
	const open: string[] = [];
	for (const name of PURSES)
		open.push(
			...(await notAtRest(world, name)).map((what) => `${name} ${what}`),
		);
	for (const name of BUYERS)
		for (const { row } of await purchasesOf(world, name))
			if (row.state === "provisional")
				open.push(`${name} has not got ${row.target}`);
	return open;
}

async function notAtRest(world: World, name: PurseName): Promise<string[]> {
	const [balance] = await balancesOf(world.home(name, "module"));
	if (balance === undefined) return ["has no balance"];
	const { held, inDoubt, toDeposit, toBook, toClaim, ordered } = balance;
	const sums = { held, inDoubt, toDeposit, toBook, toClaim, ordered };
	return Object.entries(sums).flatMap(([sum, amount]) =>
		amount === 0n ? [] : [`has ${amount} ${sum}`],
	);
}

function purchasesOf(world: World, name: MachineName): Promise<PurchaseView[]> {
	return viewPurchases(world.home(name, "agent"), MAX_ROWS);
}

/** Fails unless all holds that must, of a world at rest. Resolves with how many purchases were bought. */
export async function audit(world: World, work: Work): Promise<number> {
	await requireSound(world);
	const purses = new Map<PurseName, PurseContent>();
	for (const name of PURSES) purses.set(name, await contentOf(world, name));
	const of = (name: PurseName): PurseContent => {
		const content = purses.get(name);
		assert.ok(content);
		return content;
	};
	const { accounts, booked } = await ledgerOf(world);
	requireReceiptsAgree(of, booked);
	const shop = of("shop");
	let sold = 0n;
	const spent = new Map<PurseName, bigint>();
	const contracts = new Set<string>();
	for (const name of BUYERS) {
		let paid = 0n;
		const views = await purchasesOf(world, name);
		for (const view of views) {
			const contract = hex(view.row.contract);
			const isFinal = view.row.state === "final";
			const transfer = of(name).payments.get(contract)?.transfer_id;
			const isBooked = transfer !== undefined && booked.has(hex(transfer));
			assert.equal(
				shop.receipts.has(contract) || isBooked,
				isFinal,
				`the shop has the money of ${view.row.target}, which is ${view.row.state}`,
			);
			if (!isFinal) continue;
			contracts.add(contract);
			paid += view.contract.amount;
		}
		spent.set(name, paid);
		sold += paid;
		await requireTold(work, name, views);
	}
	assert.deepEqual(
		[...shop.receipts.keys()].filter((contract) => !contracts.has(contract)),
		[],
		"the shop was paid for what nobody bought",
	);
	for (const { contract } of await viewSales(
		world.home("shop", "agent"),
		MAX_ROWS,
	))
		assert.ok(shop.receipts.has(hex(contract)), "a sale that was not paid");
	let given = 0n;
	for (const { contract, amount, isTold } of work.payments) {
		const isPaid = of("buyer").receipts.has(contract);
		if (isTold) assert.ok(isPaid, `paid, as was told, under ${contract}`);
		if (isPaid) given += amount;
	}
	const worth = (name: PurseName) =>
		of(name).spendable + (accounts.get(of(name).device) ?? 0n);
	assert.deepEqual(
		{ shop: worth("shop"), buyer: worth("buyer"), guest: worth("guest") },
		{
			shop: sold,
			buyer: MONEY - (spent.get("buyer") ?? 0n) + given,
			guest: MONEY - (spent.get("guest") ?? 0n) - given,
		},
		"who has how much",
	);
	return contracts.size;
}

async function contentOf(world: World, name: PurseName): Promise<PurseContent> {
	const home = world.home(name, "module");
	const [balance] = await balancesOf(home);
	await using view = await viewPurse(home);
	const { PAYMENTS, RECEIPTS } = purseTables;
	return await view.store.snapshot(async (scan) => {
		const payments = new Map<string, PaymentRow>();
		for await (const row of scan({ table: PAYMENTS }))
			payments.set(hex(row.contract), row);
		const receipts = new Map<string, ReceiptRow>();
		for await (const row of scan({ table: RECEIPTS }))
			receipts.set(hex(row.contract), row);
		return {
			device: hex(await moduleIdOf(home)),
			spendable: balance?.spendable ?? 0n,
			open: await notAtRest(world, name),
			...{ payments, receipts },
		};
	});
}

/** What one has paid the other has, for the same, with the same receipt, and once; or, of a sale, has in its account without knowing of it. */
function requireReceiptsAgree(
	of: (name: PurseName) => PurseContent,
	booked: ReadonlyMap<string, bigint>,
): void {
	const devices = new Map(PURSES.map((name) => [of(name).device, name]));
	const paid = new Set<string>();
	for (const payer of PURSES)
		for (const [contract, payment] of of(payer).payments) {
			const payee = devices.get(hex(payment.payee));
			// Of an exchange the payee is the issuer.
			if (payee === undefined) continue;
			const what = `${payer} to ${payee} under ${contract}`;
			assert.ok(!paid.has(contract), `${what}: paid twice`);
			const received = of(payee).receipts.get(contract);
			const isPaid = payment.state === "settled" || payment.state === "keyed";
			const isSale = payment.terms.length > 0;
			const amount = booked.get(hex(payment.transfer_id));
			if (received === undefined && isPaid && isSale)
				assert.equal(amount, payment.amount, `${what}: not booked`);
			else
				assert.equal(
					received !== undefined,
					isPaid,
					`${what}: ${payment.state}`,
				);
			if (received === undefined) continue;
			paid.add(contract);
			assert.ok(
				sameBytes(received.transfer_id, payment.transfer_id) &&
					received.amount === payment.amount,
				`${what}: another transfer`,
			);
			if (payment.receipt.length > 0)
				assert.ok(
					sameBytes(received.receipt, payment.receipt),
					`${what}: another receipt`,
				);
		}
	for (const payee of PURSES)
		for (const contract of of(payee).receipts.keys())
			assert.ok(paid.has(contract), `${payee} has what nobody paid`);
}

/** What is bought is where it belongs, nothing else is, and the owner heard nothing else. */
async function requireTold(
	work: Work,
	buyer: MachineName,
	views: readonly PurchaseView[],
): Promise<void> {
	const states = new Map(views.map(({ row }) => [row.target, row.state]));
	const finals = new Map<string, number>();
	for (const { row } of views)
		if (row.state === "final")
			finals.set(row.target, (finals.get(row.target) ?? 0) + 1);
	for (const bought of work.purchases) {
		if (bought.buyer !== buyer) continue;
		const { target, told } = bought;
		const count = finals.get(target) ?? 0;
		const what = () =>
			`${target} (${states.get(target) ?? "not known"}): ${told.map(({ said }) => said).join("\n")}`;
		assert.ok(count <= 1, `bought twice: ${what()}`);
		for (const { claims, said } of told) {
			assert.doesNotMatch(said, /"code":"internal"/);
			for (const claim of claims)
				assert.equal(claim === "bought", count === 1, `told: ${what()}`);
		}
		const goods = await readFile(target).catch(() => undefined);
		assert.equal(goods !== undefined, count === 1, `goods: ${what()}`);
		if (goods !== undefined) requireGoods(bought, goods);
	}
}

function requireGoods({ item, order, target }: Bought, goods: Buffer): void {
	assert.ok(goods.equals(item.goods(order)), `${target} is something else`);
}

interface LedgerContent {
	/** What is in the account of a module, by its device id. */
	readonly accounts: ReadonlyMap<string, bigint>;
	/** What of a transfer was booked, by its id. */
	readonly booked: ReadonlyMap<string, bigint>;
}

/** What is in the issuer's books, which balance. */
async function ledgerOf(world: World): Promise<LedgerContent> {
	const home = world.home("issuer", "module");
	const settings = await readIssuerSettings(home);
	const view = await viewLedger(home, settings);
	assert.ok(view);
	await using _ = view;
	const terms = await termsOf(home, settings);
	const roots = await readPolicy(home);
	const { problems } = await runAudit(terms, roots, view);
	assert.deepEqual(problems, [], "the audit of the issuer");
	const accounts = new Map<string, bigint>();
	const booked = new Map<string, bigint>();
	await view.snapshot(async (scan) => {
		for await (const { id, balance } of scan({ table: ACCOUNTS }))
			accounts.set(hex(id), balance);
		for await (const { id, booked: of } of scan({ table: TRANSFERS }))
			if (of > 0n) booked.set(hex(id), of);
	});
	return { accounts, booked };
}

/** Every store is sound, every log is the chain of its heads, and what agents have seen of it is in it. */
async function requireSound(world: World): Promise<void> {
	for (const name of ["issuer", ...PURSES] as const) {
		const stores: [role: "agent" | "module", file: string][] =
			name === "issuer"
				? [["module", "ledger.db"]]
				: [
						["module", "purse.db"],
						["agent", "agent.db"],
					];
		for (const [role, file] of stores) {
			const path = join(world.home(name, role), file);
			using database = new DatabaseSync(path, { readOnly: true });
			const sound = database.prepare("PRAGMA integrity_check").all();
			assert.deepEqual(
				sound.map((row) => ({ ...row })),
				[{ integrity_check: "ok" }],
				path,
			);
		}
		if (name === "issuer") continue;
		const [agent, module] = [
			world.home(name, "agent"),
			world.home(name, "module"),
		];
		for (const home of [agent, module])
			await verifyLog(home, { receipts: [], agents: [] });
		await requireWitnessed(agent, module);
	}
}

async function requireWitnessed(agent: string, module: string): Promise<void> {
	await using store = await viewAgentStore(agent);
	const own = await moduleIdOf(module);
	const seen = await store.snapshot(async (scan) => {
		const equals = { module: own };
		for await (const row of scan({ table: WITNESSED, equals })) return row;
		return undefined;
	});
	if (seen === undefined || seen.number === 0n) return;
	await using view = await viewPurse(module);
	const is = await view.store.snapshot(async (scan) => {
		const equals = { number: seen.number };
		for await (const { hash } of scan({ table: LOG, equals }))
			return sameBytes(hash, seen.hash);
		return false;
	});
	assert.ok(is, `${module} has forgotten change ${seen.number}`);
}
