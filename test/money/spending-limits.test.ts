/* What an owner lets a purse pay, at the edge of each limit and when others try to get past it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import type { MoneyLimits, PurseReport } from "../../src/money/index.ts";
import { MAX_APPROVALS_OF_MERCHANT } from "../../src/money/purse/purse-limits.ts";
import { PAYMENTS } from "../../src/money/purse/purse-tables.ts";
import {
	APPROVALS,
	SPENT,
	SPENT_IN_ALL,
} from "../../src/money/purse/spending-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { contractOf, type Module, Town } from "./town.ts";

const MINUTE = 60_000;

interface Here {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly shops: readonly Module[];
	contracts: number;
}

/** Ann has money, and may meet a few shops. */
async function here(value = 1000n, shops = 1): Promise<Here> {
	const town = await Town.make();
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const all: Module[] = [];
	for (let i = 0; i < shops; i++) all.push(await town.purse(`shop${i}`));
	await town.withdraw(ann, mint, value);
	return { town, mint, ann, shops: all, contracts: 0 };
}

function limitsOf(
	{ mint }: Here,
	limits: Partial<Omit<MoneyLimits, "issuer">>,
): { readonly money: readonly MoneyLimits[] } {
	return {
		money: [
			{
				issuer: mint.device.deviceId,
				perPayment: undefined,
				perDay: undefined,
				perMerchantDay: undefined,
				inAll: undefined,
				approvalAbove: undefined,
				...limits,
			},
		],
	};
}

interface Ask {
	readonly shop?: number;
	readonly contract?: number;
}

/** Ann's agent asks for a payment, and everything that follows happens. Answers with the code, or `paid`. */
async function pay(
	all: Here,
	amount: bigint,
	{ shop = 0, contract = ++all.contracts }: Ask = {},
): Promise<string> {
	const { town, ann, mint, shops } = all;
	const payee = shops[shop];
	assert.ok(payee);
	const tetrad = await town.meet(ann, payee);
	town.expect(payee, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	const before = ann.heard.length;
	town.pay(ann, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
	const [heard, ...more] = ann.heard.slice(before);
	assert.ok(heard);
	assert.equal(more.length, 0);
	return heard.kind === "paid" ? "paid" : heard.code;
}

function reports<Kind extends PurseReport["kind"]>(
	{ reports }: Module,
	kind: Kind,
): Extract<PurseReport, { readonly kind: Kind }>[] {
	return reports.filter((report) => report.kind === kind) as never;
}

describe("each limit, at its edge", () => {
	test("without any, everything passes and nothing is counted", async () => {
		const all = await here();
		assert.equal(await pay(all, 1000n), "paid");
		assert.equal(all.ann.store.rows(SPENT).length, 0);
		assert.equal(all.ann.store.rows(PAYMENTS)[0]?.counted, 0n);
	});

	test("per payment", async () => {
		const all = await here();
		await all.town.limits(all.ann, limitsOf(all, { perPayment: 50n }));
		assert.equal(await pay(all, 51n), "payment-refused");
		assert.match(
			all.ann.last("failed").reason,
			/0\.50 COIN at once.*--per-payment/,
		);
		for (let i = 0; i < 3; i++) assert.equal(await pay(all, 50n), "paid");
	});

	test("per day, which slides", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		assert.equal(await pay(all, 60n), "paid");
		await town.pass(12 * 60 * MINUTE);
		assert.equal(await pay(all, 41n), "payment-refused");
		assert.match(
			ann.last("failed").reason,
			/1\.00 COIN in 24 hours, of which 0\.60 COIN are paid.*--per-day/,
		);
		assert.equal(await pay(all, 40n), "paid");
		await town.pass(12 * 60 * MINUTE - 1);
		assert.equal(await pay(all, 1n), "payment-refused");
		await town.pass(MINUTE + 1);
		assert.equal(await pay(all, 61n), "payment-refused");
		assert.equal(await pay(all, 60n), "paid");
	});

	test("to one merchant per day", async () => {
		const all = await here(1000n, 2);
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perMerchantDay: 100n }));
		assert.equal(await pay(all, 100n), "paid");
		assert.equal(await pay(all, 1n), "payment-refused");
		assert.match(ann.last("failed").reason, /--per-merchant-per-day/);
		assert.equal(await pay(all, 100n, { shop: 1 }), "paid");
		await town.pass(DAY + MINUTE);
		assert.equal(await pay(all, 100n), "paid");
	});

	test("in all, from when it was set until it is raised", async () => {
		const all = await here();
		const { town, ann } = all;
		assert.equal(await pay(all, 300n), "paid");
		await town.limits(ann, limitsOf(all, { inAll: 100n }));
		assert.equal(await pay(all, 100n), "paid");
		await town.pass(3 * DAY);
		town.restart(ann);
		assert.equal(await pay(all, 1n), "payment-refused");
		assert.match(ann.last("failed").reason, /--in-all/);
		await town.limits(ann, limitsOf(all, { inAll: 101n }));
		assert.equal(await pay(all, 2n), "payment-refused");
		assert.equal(await pay(all, 1n), "paid");
		await town.limits(ann, limitsOf(all, {}));
		assert.equal(ann.store.rows(SPENT_IN_ALL).length, 0);
		assert.equal(await pay(all, 10n), "paid");
		await town.limits(ann, limitsOf(all, { inAll: 5n }));
		assert.equal(await pay(all, 5n), "paid");
	});

	test("zero makes a purse that is only paid", async () => {
		const all = await here();
		const { town, ann, mint, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		await town.limits(ann, limitsOf(all, { perPayment: 0n }));
		assert.equal(await pay(all, 1n), "payment-refused");
		await town.withdraw(shop, mint, 70n);
		const tetrad = await town.meet(shop, ann);
		town.expect(ann, tetrad, contractOf(99), 70n, mint);
		await town.quiet();
		town.pay(shop, tetrad, contractOf(99), 70n, mint);
		await town.quiet();
		assert.equal(shop.last("paid").amount, 70n);
		assert.equal((await town.visit(ann, mint)).code, "");
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 1070n);
	});

	test("merchants that the owner named", async () => {
		const all = await here(1000n, 2);
		const { town, ann, shops } = all;
		const merchants = [shops[1]?.device.deviceId ?? new Uint8Array()];
		await town.limits(ann, { merchants });
		assert.equal(await pay(all, 1n), "payment-refused");
		assert.match(ann.last("failed").reason, /--merchant/);
		assert.equal(await pay(all, 1n, { shop: 1 }), "paid");
		await town.limits(ann, { merchants: [] });
		assert.equal(await pay(all, 1n, { shop: 1 }), "payment-refused");
	});

	test("what was paid before is answered with its receipt, whatever is limited since", async () => {
		const all = await here();
		assert.equal(await pay(all, 10n, { contract: 77 }), "paid");
		await all.town.limits(all.ann, limitsOf(all, { perPayment: 0n }));
		assert.equal(await pay(all, 10n, { contract: 77 }), "paid");
	});
});

describe("the owner's orders", () => {
	test("only the owner gives them", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perPayment: 5n }));
		const agent = generateSoftwareKey("P-256");
		await town.limits(ann, {}, { owner: agent });
		assert.equal(
			reports(ann, "trouble").at(-1)?.error.code,
			"authentication-failed",
		);
		assert.equal(await pay(all, 6n), "payment-refused");
	});

	test("an order that is handed in again, or is older, changes nothing", async () => {
		const all = await here();
		const { town, ann } = all;
		const wide = await town.limits(ann, limitsOf(all, { perPayment: 500n }));
		await town.limits(ann, limitsOf(all, { perPayment: 5n }));
		for (const again of [false, true]) {
			if (again) town.restart(ann);
			ann.events.push({ kind: "limits", document: wide });
			await town.quiet();
			assert.deepEqual(
				reports(ann, "limits").map(({ isDone }) => isDone),
				again ? [true, true, false, false] : [true, true, false],
			);
			assert.equal(await pay(all, 6n), "payment-refused");
		}
	});

	test("no message of an agent is one", async () => {
		const all = await here();
		const { town, ann, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		const document = await town.limits(ann, {});
		const tetrad = await town.meet(ann, shop);
		ann.events.push({ kind: "from-agent", tetrad, bytes: document });
		await town.quiet();
		assert.deepEqual(ann.ended, ["unexpected-message"]);
	});

	test("limits are a change of the purse that witnesses know", async () => {
		const all = await here();
		const { town, ann, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		const backup = ann.store.copy();
		await town.meet(ann, shop);
		await town.limits(ann, limitsOf(all, { perPayment: 5n }));
		await town.pass(100);
		ann.store = backup;
		town.restart(ann);
		assert.equal(await pay(all, 600n), "purse-behind");
	});

	test("what cannot be kept is not in force, and is taken when it comes again", async () => {
		const all = await here();
		const { town, ann } = all;
		ann.store.refuse = 1;
		const document = await town.limits(ann, limitsOf(all, { perPayment: 5n }));
		assert.equal(reports(ann, "trouble").length, 1);
		assert.equal(await pay(all, 6n), "paid");
		ann.events.push({ kind: "limits", document });
		await town.quiet();
		assert.equal(reports(ann, "limits").at(-1)?.isDone, true);
		assert.equal(await pay(all, 6n), "payment-refused");
	});

	test("what cannot be kept has changed no sum, nor has what came after it", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { inAll: 100n }));
		assert.equal(await pay(all, 60n), "paid");
		ann.store.isFull = true;
		await town.limits(ann, limitsOf(all, { perPayment: 500n }));
		await town.limits(ann, limitsOf(all, { inAll: 500n }));
		ann.store.isFull = false;
		assert.equal(reports(ann, "trouble").length, 2);
		assert.equal(await pay(all, 41n), "payment-refused");
		assert.equal(await pay(all, 40n), "paid");
	});

	test("of two that cannot be kept neither is in force", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perPayment: 5n }));
		ann.store.refuse = 2;
		const documents = [
			await town.limits(ann, limitsOf(all, { perPayment: 50n })),
			await town.limits(ann, limitsOf(all, { perPayment: 60n })),
		];
		ann.store.refuse = 2;
		for (const document of documents)
			ann.events.push({ kind: "limits", document });
		await town.quiet();
		assert.equal(reports(ann, "trouble").length, 4);
		assert.equal(await pay(all, 6n), "payment-refused");
		assert.equal(await pay(all, 5n), "paid");
	});
});

describe("the clock", () => {
	const limited = async (): Promise<Here> => {
		const all = await here();
		await all.town.limits(all.ann, limitsOf(all, { perDay: 100n }));
		assert.equal(await pay(all, 60n), "paid");
		return all;
	};

	test("set back, it frees nothing, nor when it is right again", async () => {
		const all = await limited();
		const { town, ann } = all;
		await town.pass(6 * 60 * MINUTE);
		for (const isRestarted of [false, true]) {
			ann.clockAhead = -2 * DAY;
			if (isRestarted) town.restart(ann);
			assert.equal(await pay(all, 41n), "payment-refused");
			if (!isRestarted) assert.equal(await pay(all, 40n), "paid");
			ann.clockAhead = 0;
			assert.equal(await pay(all, 1n), "payment-refused");
		}
		// What was paid with the clock set back counts from when the clock was last seen, and no earlier.
		await town.pass(18 * 60 * MINUTE + MINUTE);
		assert.equal(await pay(all, 61n), "payment-refused");
		assert.equal(await pay(all, 60n), "paid");
	});

	test("set ahead, it frees a day, and what is paid then counts until the owner orders anew", async () => {
		const all = await limited();
		const { town, ann } = all;
		for (const module of [ann, ...all.shops]) module.clockAhead = 30 * DAY;
		assert.equal(await pay(all, 50n), "paid");
		for (const module of [ann, ...all.shops]) module.clockAhead = 0;
		town.restart(ann);
		await town.pass(2 * DAY);
		assert.equal(await pay(all, 51n), "payment-refused");
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		for (const isRestarted of [false, true]) {
			if (isRestarted) town.restart(ann);
			assert.equal(await pay(all, 51n), "payment-refused");
		}
		await town.pass(DAY + MINUTE);
		assert.equal(await pay(all, 100n), "paid");
	});
});

describe("what counts", () => {
	test("a restart forgets nothing", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perDay: 100n, inAll: 500n }));
		assert.equal(await pay(all, 60n), "paid");
		town.restart(ann);
		assert.equal(await pay(all, 41n), "payment-refused");
		assert.equal(await pay(all, 40n), "paid");
	});

	test("a thousand small payments at once get no further than one after the other", async () => {
		const all = await here(10_000n);
		const { town, ann, mint, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		for (let round = 0; round < 4; round++) {
			const tetrad = await town.meet(ann, shop);
			for (let i = 0; i < 250; i++) {
				const contract = contractOf(1000 * round + i);
				town.expect(shop, tetrad, contract, 1n, mint);
				town.pay(ann, tetrad, contract, 1n, mint);
			}
		}
		await town.quiet();
		const paid = ann.heard.filter(({ kind }) => kind === "paid");
		const failed = ann.heard.filter(({ kind }) => kind === "failed");
		assert.deepEqual([paid.length, failed.length], [100, 900]);
		assert.ok(failed.every(({ code }) => code === "payment-refused"));
		assert.equal(ann.store.rows(PAYMENTS).length, 100);
	});

	test("two agents of one module share its limits", async () => {
		const all = await here(1000n, 2);
		const { town, ann, mint, shops } = all;
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		const contracts = [contractOf(1), contractOf(2)];
		const tetrads = await Promise.all(
			shops.map((shop) => town.meet(ann, shop)),
		);
		for (const [i, shop] of shops.entries()) {
			const [tetrad = 0, contract = contractOf(0)] = [tetrads[i], contracts[i]];
			town.expect(shop, tetrad, contract, 60n, mint);
			town.pay(ann, tetrad, contract, 60n, mint);
		}
		await town.quiet();
		assert.deepEqual(ann.heard.map(({ kind }) => kind).toSorted(), [
			"failed",
			"paid",
			"settled",
		]);
	});

	test("what comes to nothing counts no more", async () => {
		const all = await here();
		const { town, ann, mint, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		const tetrad = await town.meet(ann, shop);
		// Nobody expects it.
		town.pay(ann, tetrad, contractOf(5), 100n, mint);
		await town.quiet();
		assert.equal(ann.last("failed").code, "payment-refused");
		town.part(ann, tetrad);
		await town.quiet();
		assert.equal(await pay(all, 100n), "paid");
	});

	test("limits that are lowered while it is on its way count", async () => {
		const all = await here();
		const { town, ann, mint, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		await town.limits(ann, limitsOf(all, { perPayment: 100n }));
		const tetrad = await town.meet(ann, shop);
		town.expect(shop, tetrad, contractOf(1), 100n, mint);
		await town.quiet();
		ann.isSlowToSign = true;
		town.pay(ann, tetrad, contractOf(1), 100n, mint);
		await town.quiet();
		assert.equal(ann.unsigned.length, 1);
		await town.limits(ann, limitsOf(all, { perPayment: 99n }));
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.last("failed").code, "payment-refused");
		assert.equal(ann.store.rows(PAYMENTS).length, 0);
		ann.isSlowToSign = false;
		// Its ranges are free again.
		await town.limits(ann, {});
		assert.equal(await pay(all, 1000n, { contract: 2 }), "paid");
	});

	test("void gives back, in memory and in the store", async () => {
		const town = await Town.make({ noteDays: 2, graceDays: 1 });
		const mint = await town.issuer();
		const ann = await town.purse("ann");
		const shop = await town.purse("shop");
		await town.withdraw(ann, mint, 1000n);
		const all: Here = { town, mint, ann, shops: [shop], contracts: 0 };
		await town.limits(ann, limitsOf(all, { inAll: 100n }));
		const tetrad = await town.meet(ann, shop);
		town.expect(shop, tetrad, contractOf(1), 70n, mint);
		await town.quiet();
		town.killAt(ann, { write: 1, when: "after" });
		town.pay(ann, tetrad, contractOf(1), 70n, mint);
		await town.quiet();
		assert.equal(ann.machine, undefined);
		assert.equal(ann.store.rows(SPENT_IN_ALL)[0]?.amount, 70n);
		town.restart(ann);
		await town.pass(4 * DAY);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(ann.store.rows(PAYMENTS)[0]?.state, "lapsed");
		assert.equal(ann.store.rows(SPENT_IN_ALL)[0]?.amount, 0n);
		await town.withdraw(ann, mint, 500n);
		assert.equal(await pay(all, 101n, { contract: 2 }), "payment-refused");
		assert.equal(await pay(all, 100n, { contract: 3 }), "paid");
		town.restart(ann);
		assert.equal(await pay(all, 1n, { contract: 4 }), "payment-refused");
	});

	test("what was paid in a minute that comes again is not forgotten with what was freed", async () => {
		const all = await here(1000n, 18);
		const { town, ann, shops } = all;
		const set = (ahead: number) => {
			for (const module of [ann, ...shops]) module.clockAhead = ahead;
		};
		const limits = limitsOf(all, { perDay: 100n });
		await town.limits(ann, limits);
		for (let shop = 0; shop < 18; shop++)
			assert.equal(await pay(all, 1n, { shop }), "paid");
		// A look at a wrong clock frees all of it, until the owner has put it right.
		set(2 * DAY);
		ann.events.push({ kind: "time" });
		await town.quiet();
		set(0);
		await town.limits(ann, limits);
		assert.equal(await pay(all, 50n, { shop: 17 }), "paid");
		assert.equal(await pay(all, 1n), "paid");
		for (const isRestarted of [false, true]) {
			if (isRestarted) town.restart(ann);
			assert.equal(await pay(all, 50n), "payment-refused");
		}
		assert.equal(await pay(all, 49n), "paid");
	});

	test("rows that count no more are forgotten as new ones come", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { perDay: 100n }));
		for (let i = 0; i < 30; i++) {
			assert.equal(await pay(all, 1n), "paid");
			await town.pass(12 * 60 * MINUTE);
		}
		assert.ok(ann.store.rows(SPENT).length <= 4);
	});
});

describe("what the owner has to approve", () => {
	const above = async (): Promise<Here> => {
		const all = await here();
		await all.town.limits(all.ann, limitsOf(all, { approvalAbove: 50n }));
		return all;
	};
	const what = ({ shops, mint }: Here, contract: number, amount: bigint) => {
		const [payee] = shops;
		assert.ok(payee);
		return { contract: contractOf(contract), payee, issuer: mint, amount };
	};

	test("waits, also after a restart, and passes once it is approved", async () => {
		const all = await above();
		const { town, ann } = all;
		assert.equal(await pay(all, 50n), "paid");
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		assert.equal(reports(ann, "approval-needed").length, 1);
		assert.equal(reports(ann, "approval-needed")[0]?.why, "amount");
		town.restart(ann);
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		await town.decide(ann, what(all, 8, 51n), true);
		town.restart(ann);
		assert.equal(await pay(all, 51n, { contract: 8 }), "paid");
		assert.equal(ann.store.rows(APPROVALS).length, 0);
		assert.equal(await pay(all, 51n, { contract: 9 }), "approval-needed");
		assert.equal(reports(ann, "refused").length, 0);
	});

	test("gives way to more of the same merchant: what was denied, or else what was asked first and a day ago", async () => {
		const all = await above();
		const { town, ann } = all;
		const waits = (contract: number) =>
			ann.store
				.rows(APPROVALS)
				.some((row) => hex(row.contract) === hex(contractOf(contract)));
		const ask = (contract: number) => pay(all, 51n, { contract });
		// The first one comes while the clock is ahead.
		await town.pass(60 * MINUTE);
		assert.equal(await ask(100), "approval-needed");
		town.now -= 60 * MINUTE;
		for (let n = 1; n < MAX_APPROVALS_OF_MERCHANT; n++)
			assert.equal(await ask(100 + n), "approval-needed");
		assert.equal(await ask(200), "busy");
		await town.pass(DAY + 120 * MINUTE);
		assert.equal(await ask(200), "approval-needed");
		assert.deepEqual([100, 101, 102, 200].map(waits), [
			true,
			false,
			true,
			true,
		]);
		await town.decide(ann, what(all, 110, 51n), false);
		assert.equal(await ask(201), "approval-needed");
		assert.deepEqual([100, 102, 110, 201].map(waits), [
			true,
			true,
			false,
			true,
		]);
	});

	for (const before of ["waiting", "denied"] as const)
		test(`does not give way while the owner's yes is written to what is ${before}`, async () => {
			const all = await above();
			const { town, ann, mint } = all;
			const [shop] = all.shops;
			assert.ok(shop);
			const isThere = (n: number) =>
				ann.store
					.rows(APPROVALS)
					.some(({ contract }) => hex(contract) === hex(contractOf(n)));
			for (let n = 0; n < MAX_APPROVALS_OF_MERCHANT; n++)
				await pay(all, 51n, { contract: 100 + n });
			if (before === "denied")
				await town.decide(ann, what(all, 100, 51n), false);
			await town.pass(before === "denied" ? 1000 : DAY);
			const tetrad = await town.meet(ann, shop);
			town.expect(shop, tetrad, contractOf(200), 51n, mint);
			await town.quiet();
			town.pay(ann, tetrad, contractOf(200), 51n, mint);
			// It looks for a place when the yes is known and not yet durable.
			await town.decide(ann, what(all, 100, 51n), true);
			assert.equal(reports(ann, "decided").at(-1)?.isDone, true);
			assert.equal(isThere(100), true);
			assert.equal(await pay(all, 51n, { contract: 100 }), "paid");
		});

	test("denied, it is refused until the owner changes that", async () => {
		const all = await above();
		const { town, ann } = all;
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		await town.decide(ann, what(all, 8, 51n), false);
		assert.equal(await pay(all, 51n, { contract: 8 }), "payment-refused");
		await town.pass(1000);
		await town.decide(ann, what(all, 8, 51n), true);
		assert.equal(await pay(all, 51n, { contract: 8 }), "paid");
	});

	test("for another amount or payee it does not pass, and approving another is nothing", async () => {
		const all = await here(1000n, 2);
		const { town, ann, mint, shops } = all;
		await town.limits(ann, limitsOf(all, { approvalAbove: 50n }));
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		const right = what(all, 8, 51n);
		const other = shops[1];
		assert.ok(other);
		for (const wrong of [
			{ ...right, amount: 52n },
			{ ...right, payee: other },
			{ ...right, issuer: other },
			{ ...right, contract: contractOf(9) },
		]) {
			await town.decide(ann, wrong, true);
			assert.equal(reports(ann, "decided").at(-1)?.isDone, false);
		}
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		await town.decide(ann, { ...right, issuer: mint }, true);
		for (const ask of [
			{ amount: 52n, shop: 0 },
			{ amount: 51n, shop: 1 },
			{ amount: 10n, shop: 0 },
		])
			assert.equal(
				await pay(all, ask.amount, { contract: 8, shop: ask.shop }),
				"payment-refused",
			);
		assert.equal(await pay(all, 51n, { contract: 8 }), "paid");
	});

	test("forged or handed in again, an approval is nothing", async () => {
		const all = await above();
		const { town, ann } = all;
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		const owner = generateSoftwareKey("P-256");
		await town.decide(ann, what(all, 8, 51n), true, { owner });
		assert.equal(
			reports(ann, "trouble").at(-1)?.error.code,
			"authentication-failed",
		);
		assert.equal(await pay(all, 51n, { contract: 8 }), "approval-needed");
		const approval = await town.decide(ann, what(all, 8, 51n), true);
		await town.pass(1000);
		await town.decide(ann, what(all, 8, 51n), false);
		ann.events.push({ kind: "approval", document: approval });
		await town.quiet();
		assert.equal(reports(ann, "decided").at(-1)?.isDone, false);
		assert.equal(await pay(all, 51n, { contract: 8 }), "payment-refused");
	});

	test("what is approved keeps to the other limits", async () => {
		const all = await here();
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { approvalAbove: 50n, perDay: 100n }));
		assert.equal(await pay(all, 90n, { contract: 8 }), "approval-needed");
		await town.decide(ann, what(all, 8, 90n), true);
		assert.equal(await pay(all, 50n), "paid");
		assert.equal(await pay(all, 90n, { contract: 8 }), "payment-refused");
		await town.pass(DAY + MINUTE);
		assert.equal(await pay(all, 90n, { contract: 8 }), "paid");
	});

	test("the first payment to a merchant, and no later one", async () => {
		const all = await here(1000n, 2);
		const { town, ann } = all;
		assert.equal(await pay(all, 1n, { shop: 1 }), "paid");
		await town.limits(ann, { approveNewMerchants: true });
		assert.equal(await pay(all, 1n, { shop: 1 }), "paid");
		assert.equal(await pay(all, 1n, { contract: 8 }), "approval-needed");
		assert.equal(reports(ann, "approval-needed")[0]?.why, "new-merchant");
		await town.decide(ann, what(all, 8, 1n), true);
		assert.equal(await pay(all, 1n, { contract: 8 }), "paid");
		assert.equal(await pay(all, 1n), "paid");
	});

	test("limits that come to ask for approval while it is on its way make it wait", async () => {
		const all = await here();
		const { town, ann, mint, shops } = all;
		const [shop] = shops;
		assert.ok(shop);
		const tetrad = await town.meet(ann, shop);
		town.expect(shop, tetrad, contractOf(8), 100n, mint);
		await town.quiet();
		ann.isSlowToSign = true;
		town.pay(ann, tetrad, contractOf(8), 100n, mint);
		await town.quiet();
		await town.limits(ann, limitsOf(all, { approvalAbove: 50n }));
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.last("failed").code, "approval-needed");
		ann.isSlowToSign = false;
		await town.decide(ann, what(all, 8, 100n), true);
		assert.equal(await pay(all, 100n, { contract: 8 }), "paid");
	});

	test("killed at each of its writes, it waits or has not been asked for", async () => {
		for (const when of ["before", "after"] as const)
			for (const write of [1, 2]) {
				const all = await above();
				const { town, ann, mint, shops } = all;
				const [shop] = shops;
				assert.ok(shop);
				const tetrad = await town.meet(ann, shop);
				town.expect(shop, tetrad, contractOf(8), 60n, mint);
				await town.quiet();
				town.killAt(ann, { write, when });
				town.pay(ann, tetrad, contractOf(8), 60n, mint);
				await town.quiet();
				await town.decide(ann, what(all, 8, 60n), true);
				town.restart(ann);
				const first = await pay(all, 60n, { contract: 8 });
				if (first === "approval-needed") {
					await town.pass(1);
					await town.decide(ann, what(all, 8, 60n), true);
					assert.equal(await pay(all, 60n, { contract: 8 }), "paid");
				} else assert.equal(first, "paid");
				assert.equal(ann.store.rows(PAYMENTS).length, 1);
			}
	});

	test("what cannot be kept is not asked, and what gave way to it still waits", async () => {
		const all = await above();
		const { town, ann } = all;
		for (let i = 0; i < 32; i++)
			assert.equal(
				await pay(all, 60n, { contract: 100 + i }),
				"approval-needed",
			);
		await town.pass(DAY);
		ann.store.refuse = 1;
		assert.equal(await pay(all, 60n, { contract: 200 }), "store-full");
		assert.equal(reports(ann, "approval-needed").length, 32);
		await town.decide(ann, what(all, 100, 60n), true);
		assert.equal(await pay(all, 60n, { contract: 100 }), "paid");
	});

	test("nobody floods it: what is new gives way to what waits, for a day", async () => {
		const all = await here(1000n, 9);
		const { town, ann } = all;
		await town.limits(ann, limitsOf(all, { approvalAbove: 0n }));
		for (let i = 0; i < 32; i++)
			assert.equal(
				await pay(all, 1n, { contract: 100 + i }),
				"approval-needed",
			);
		assert.equal(await pay(all, 1n, { contract: 200 }), "busy");
		assert.equal(
			await pay(all, 1n, { contract: 100 }),
			"approval-needed",
			"what waits is still known",
		);
		for (let shop = 1; shop < 8; shop++)
			for (let i = 0; i < 32; i++)
				await pay(all, 1n, { shop, contract: 1000 * shop + i });
		assert.equal(ann.store.rows(APPROVALS).length, 256);
		assert.equal(await pay(all, 1n, { shop: 8, contract: 9000 }), "busy");
		await town.decide(ann, what(all, 101, 1n), true);
		await town.decide(ann, what(all, 102, 1n), false);
		assert.equal(
			await pay(all, 1n, { shop: 8, contract: 9000 }),
			"approval-needed",
			"what was denied gives way at once",
		);
		await town.pass(DAY);
		for (let i = 0; i < 40; i++)
			assert.equal(
				await pay(all, 1n, { shop: 8, contract: 9100 + i }),
				i < 32 ? "approval-needed" : "busy",
			);
		town.restart(ann);
		assert.equal(ann.store.rows(APPROVALS).length, 256);
		assert.equal(await pay(all, 1n, { contract: 101 }), "paid");
	});
});
