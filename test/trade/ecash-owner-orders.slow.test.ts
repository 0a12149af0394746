/* What an owner orders of a mint: tokens, new ecash, invoices to be paid, and what follows from the seed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	parseMeltQuote,
	pointsOf,
	sumOf,
} from "../../src/money/cashu/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { bolt11 } from "../money/cashu/bolt11.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { MINT_ISSUER } from "./ecash-market.ts";
import { type Ordered, Owner, REQUEST } from "./ecash-owner-orders.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const SEND: Ordered = { kind: "send", amount: 300n };
const MINT: Ordered = { kind: "mint", amount: 50n };

/** Makes its mint one that has one quote for all that it is asked to pay, whatever has become of it. */
function oneQuoteFor({ ecash: { mint } }: Owner): void {
	const path = "/v1/melt/quote/bolt11";
	const handle = mint.handle.bind(mint);
	let quote: string | undefined;
	mint.handle = (request, now) => {
		if (request.path !== path) return handle(request, now);
		if (quote !== undefined) {
			const asked = { method: "GET", path: `${path}/${quote}` } as const;
			return handle({ ...asked, body: new Uint8Array() }, now);
		}
		const reply = handle(request, now);
		if (reply.kind === "answer") ({ quote } = parseMeltQuote(reply.body));
		return reply;
	};
}

describe("a token that an owner sends", () => {
	test("is worth what was ordered, out of the purse, and redeemed by whoever has it", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		assert.deepEqual(owner.told, ["swapping", "sent"]);
		assert.equal(sumOf(owner.token()), 300n);
		owner.requireBalance(700n);
		owner.redeem(owner.token());
		await owner.pass();
		assert.equal(owner.state, "redeemed");
		owner.requireBalance(700n);
	});

	test("is taken back while nobody has redeemed it, and nobody can after that", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		const token = owner.token();
		await owner.takeBack();
		assert.equal(owner.state, "taken-back");
		owner.requireBalance(1000n);
		assert.throws(() => owner.redeem(token));
		// Said again it changes nothing.
		await owner.takeBack();
		assert.deepEqual(owner.errors, []);
	});

	test("that was redeemed is not taken back, and its owner hears so", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		owner.redeem(owner.token());
		await owner.takeBack();
		await owner.pass();
		assert.equal(owner.state, "redeemed");
		owner.requireBalance(700n);
		await owner.takeBack();
		assert.deepEqual(owner.errors, ["invalid-argument"]);
	});

	test("of which a part was redeemed is taken back as far as it is there", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		const [first] = owner.token();
		assert.ok(first);
		owner.redeem([first]);
		await owner.pass();
		assert.equal(owner.state, "sent");
		await owner.takeBack();
		await owner.pass();
		assert.equal(owner.state, "taken-back");
		assert.equal(owner.row()?.returned, 300n - first.amount);
		owner.requireBalance(1000n - first.amount);
	});

	test("of which no more is left than it costs to take back is over", async () => {
		const owner = await Owner.make(world, { inputFeePpk: 1000 });
		await owner.order({ kind: "send", amount: 35n });
		owner.redeem(owner.token().slice(1));
		await owner.takeBack();
		await owner.pass();
		assert.equal(owner.token()[0]?.amount, 1n);
		assert.equal(owner.state, "taken-back");
		assert.equal(owner.row()?.returned, 0n);
	});

	test("of more than there is is refused, and that is kept", async () => {
		const owner = await Owner.make(world);
		await owner.order({ kind: "send", amount: 1001n });
		assert.deepEqual(owner.errors, ["insufficient-funds"]);
		assert.equal(owner.state, "refused");
		owner.requireBalance(1000n);
		await owner.order({ kind: "send", amount: 1001n });
		assert.deepEqual(owner.errors, [
			"insufficient-funds",
			"insufficient-funds",
		]);
	});

	test("costs what its mint asks for, and says so", async () => {
		const owner = await Owner.make(world, { inputFeePpk: 1000 });
		await owner.order(SEND);
		const { fee } = owner.row() ?? { fee: 0n };
		assert.ok(fee > 0n);
		owner.requireBalance(700n - fee);
		await owner.takeBack();
		const { returned } = owner.row() ?? { returned: 0n };
		assert.ok(returned > 0n && returned < 300n);
		owner.requireBalance(700n - fee + returned);
	});

	test("whose inputs another copy of the purse had spent is declined, and the rest stays", async () => {
		const owner = await Owner.make(world);
		owner.ecash.spendBefore(owner.ann, 512n);
		await owner.order({ kind: "send", amount: 900n });
		await owner.pass();
		assert.equal(owner.state, "declined");
		owner.requireBalance(488n);
	});

	test("that is ordered again while it is out is told of again", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		const { reports } = owner.ann;
		const before = reports.length;
		await owner.order(SEND);
		assert.deepEqual(
			reports.slice(before).map(({ kind }) => kind),
			["ecash-ordered", "ecash"],
		);
		assert.deepEqual(owner.errors, []);
		owner.requireBalance(700n);
	});

	test("of a mint that its owner has not named is refused", async () => {
		const owner = await Owner.make(world);
		const { market } = owner.ecash;
		market.ann.events.push({
			kind: "ecash-order",
			order: {
				kind: "send",
				request: REQUEST,
				mint: filled(44, 9),
				amount: 1n,
			},
		});
		await market.quiet();
		assert.deepEqual(owner.errors, ["payment-refused"]);
	});
});

describe("new ecash that an owner orders", () => {
	test("is there once its invoice is paid", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT);
		assert.equal(owner.state, "unpaid");
		const row = owner.row();
		assert.ok(row?.invoice);
		await owner.pass();
		assert.equal(owner.state, "unpaid");
		owner.ecash.mint.mint.pay(row.quote);
		await owner.pass();
		assert.deepEqual(owner.told, ["unpaid", "minting", "minted"]);
		owner.requireBalance(1050n);
	});

	test("for an invoice that nobody pays is given up when its time is long over", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT);
		await owner.passDays();
		assert.equal(owner.state, "unpaid");
		await owner.passHours(30);
		assert.equal(owner.state, "lapsed");
		owner.requireBalance(1000n);
	});

	test("for an invoice without an end is waited for for a year", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		const { mint, market } = owner.ecash;
		const handle = mint.handle.bind(mint);
		mint.handle = (request, now) => {
			const reply = handle(request, now);
			if (request.path !== "/v1/mint/quote/bolt11" || reply.kind !== "answer")
				return reply;
			const said = JSON.parse(Buffer.from(reply.body).toString());
			return {
				...reply,
				body: utf8(JSON.stringify({ ...said, expiry: null })),
			};
		};
		await owner.order(MINT);
		assert.equal(owner.row()?.expires, 0n);
		await market.town.pass(364 * 86_400_000);
		await owner.pass();
		assert.equal(owner.row()?.over_heard, 0n);
		await market.town.pass(86_400_000);
		await owner.pass();
		assert.ok(owner.row()?.over_heard);
		assert.equal(owner.state, "unpaid");
		await owner.passHours(30);
		assert.equal(owner.state, "lapsed");
	});

	test("for an invoice that nobody pays is given up by a purse that is started again and again, too, and its owner is told nothing meanwhile", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		const { town } = owner.ecash.market;
		await owner.order(MINT);
		await owner.passDays();
		for (let start = 0; start < 23; start++) {
			await owner.passHours(1);
			await town.pass(60_000);
			town.restart(owner.ann);
		}
		const told = owner.ann.reports.filter(({ kind }) => kind === "ecash");
		assert.equal(told.length, 1);
		assert.equal(owner.state, "unpaid");
		for (let start = 0; start < 3; start++) {
			await owner.passHours(1);
			town.restart(owner.ann);
		}
		assert.equal(owner.state, "lapsed");
		owner.requireBalance(1000n);
	});

	test("is not given up by a clock that a purse finds ahead at its start, nor by asking often", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		const { town } = owner.ecash.market;
		await owner.order(MINT);
		await owner.passDays();
		for (let start = 0; start < 20; start++) {
			town.die(owner.ann);
			town.now += 30 * 86_400_000;
			town.restart(owner.ann);
			await owner.pass();
			town.now -= 30 * 86_400_000;
			await owner.pass();
		}
		for (let often = 0; often < 30; often++) await town.pass(60_000);
		assert.equal(owner.state, "unpaid");
		owner.ecash.mint.mint.pay(owner.row()?.quote ?? "");
		await owner.pass();
		assert.equal(owner.state, "minted");
	});

	test("is not given up since a clock goes ahead, and is there when the invoice is paid", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		const { town } = owner.ecash.market;
		await owner.order(MINT);
		await owner.passDays();
		assert.equal(owner.state, "unpaid");
		town.now -= 3 * 86_400_000;
		await owner.pass();
		owner.ecash.mint.mint.pay(owner.row()?.quote ?? "");
		await owner.pass();
		assert.equal(owner.state, "minted");
		owner.requireBalance(1050n);
	});

	test("is not given up under a clock that was years ahead when it was ordered, nor when it goes further", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		const { town } = owner.ecash.market;
		town.die(owner.ann);
		town.now += 400 * 86_400_000;
		town.restart(owner.ann);
		await owner.order(MINT);
		await owner.pass();
		town.now += 400 * 86_400_000;
		await owner.pass();
		assert.equal(owner.state, "unpaid");
		owner.ecash.mint.mint.pay(owner.row()?.quote ?? "");
		await owner.pass();
		assert.equal(owner.state, "minted");
	});

	test("goes on after a start, and is minted once", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT);
		owner.ecash.market.town.restart(owner.ann);
		await owner.order(MINT);
		owner.ecash.mint.mint.pay(owner.row()?.quote ?? "");
		await owner.pass();
		owner.ecash.market.town.restart(owner.ann);
		await owner.order(MINT);
		await owner.pass();
		owner.requireBalance(1050n);
	});
});

describe("an invoice that an owner has paid with ecash", () => {
	test("is paid, and what the mint did not need comes back", async () => {
		const owner = await Owner.make(world);
		const invoice = owner.invoice(200n);
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		assert.deepEqual(owner.told, ["melting", "paid"]);
		const row = owner.row();
		assert.equal(row?.fee, 0n);
		assert.ok(row?.preimage);
		owner.requireBalance(800n);
	});

	test("that may cost more than its owner allows is not paid", async () => {
		const owner = await Owner.make(world);
		const invoice = owner.invoice(200n);
		await owner.order({ kind: "melt", invoice, maxFee: 1n });
		assert.deepEqual(owner.errors, ["payment-refused"]);
		owner.requireBalance(1000n);
	});

	test("for which the mint wants more than it names is not paid, whatever it calls a fee", async () => {
		const owner = await Owner.make(world);
		const invoice = owner.invoice(200n);
		const { mint } = owner.ecash;
		const handle = mint.handle.bind(mint);
		mint.handle = (request, now) => {
			const reply = handle(request, now);
			if (request.path !== "/v1/melt/quote/bolt11" || reply.kind !== "answer")
				return reply;
			const said = JSON.parse(new TextDecoder().decode(reply.body));
			const dear = { ...said, amount: 201, fee_reserve: 0 };
			return { ...reply, body: utf8(JSON.stringify(dear)) };
		};
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		assert.equal(owner.state, "refused");
		assert.deepEqual(owner.errors, ["issuer-refused"]);
		owner.requireBalance(1000n);
	});

	test("with a proof that is that of another invoice is told so, and nothing else changes", async () => {
		const owner = await Owner.make(world);
		const [other, invoice] = [owner.invoice(200n), bolt11(filled(32, 1))];
		const { mint } = owner.ecash;
		const handle = mint.handle.bind(mint);
		const inPlaceOf = (body: Uint8Array, one: string, by: string) =>
			utf8(new TextDecoder().decode(body).replace(one, by));
		mint.handle = (request, now) => {
			const body = inPlaceOf(request.body, invoice, other);
			const reply = handle({ ...request, body }, now);
			return reply.kind === "answer"
				? { ...reply, body: inPlaceOf(reply.body, other, invoice) }
				: reply;
		};
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		assert.deepEqual(owner.told, ["melting", "paid"]);
		const row = owner.row();
		assert.ok(row?.preimage);
		assert.equal(row.code, "authentication-failed");
		assert.match(row.reason, /ask whoever was to be paid/);
		owner.requireBalance(800n);
	});

	test("that the mint is long about is waited for, and paid once", async () => {
		const owner = await Owner.make(world, { melting: "by-hand" });
		const invoice = owner.invoice(200n);
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		await owner.pass();
		assert.equal(owner.state, "melting");
		owner.ecash.mint.mint.settleMelt(owner.row()?.quote ?? "", true);
		await owner.pass();
		assert.equal(owner.state, "paid");
		owner.requireBalance(800n);
	});

	test("that could not be paid gives all of it back", async () => {
		const owner = await Owner.make(world, { melting: "by-hand" });
		const invoice = owner.invoice(200n);
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		owner.ecash.mint.mint.settleMelt(owner.row()?.quote ?? "", false);
		await owner.pass();
		assert.deepEqual(owner.told, ["melting", "taking-back", "failed"]);
		assert.equal(owner.row()?.returned, owner.row()?.spends);
		owner.requireBalance(1000n);
	});

	test("that was paid by somebody else meanwhile is not paid twice", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT, filled(16, 0x61));
		const { invoice, quote } = owner.row(filled(16, 0x61)) ?? {};
		owner.ecash.mint.add({ kind: "down", at: "melt" });
		await owner.order({ kind: "melt", invoice: invoice ?? "", maxFee: 5n });
		assert.equal(owner.state, "melting");
		owner.ecash.mint.mint.pay(quote ?? "");
		owner.ecash.mint.clear();
		await owner.pass();
		assert.equal(owner.state, "failed");
		assert.equal(owner.row()?.code, "issuer-refused");
		owner.requireBalance(1050n);
	});

	test("that its mint has paid before is refused, and nothing is spent for it", async () => {
		const owner = await Owner.make(world);
		const invoice = owner.invoice(200n);
		oneQuoteFor(owner);
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		const again = filled(16, 0x61);
		await owner.order({ kind: "melt", invoice, maxFee: 5n }, again);
		await owner.pass();
		assert.equal(owner.row(again)?.state, "refused");
		assert.deepEqual(owner.errors, ["issuer-refused"]);
		owner.requireBalance(800n);
	});

	test("twice at a mint that has one quote for it is paid once, and the rest comes back", async () => {
		const owner = await Owner.make(world);
		const invoice = owner.invoice(200n);
		oneQuoteFor(owner);
		const again = filled(16, 0x61);
		owner.ecash.mint.add({ kind: "down", at: "melt" });
		await owner.order({ kind: "melt", invoice, maxFee: 5n });
		await owner.order({ kind: "melt", invoice, maxFee: 5n }, again);
		assert.equal(owner.row(again)?.state, "melting");
		owner.ecash.mint.clear();
		await owner.pass();
		assert.deepEqual([owner.state, owner.row(again)?.state].toSorted(), [
			"failed",
			"paid",
		]);
		owner.requireBalance(800n);
	});

	test("of the same mint pays for ecash of the own purse", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT, filled(16, 0x61));
		const { invoice } = owner.row(filled(16, 0x61)) ?? {};
		await owner.order({ kind: "melt", invoice: invoice ?? "", maxFee: 5n });
		await owner.pass();
		assert.equal(owner.state, "paid");
		owner.requireBalance(1000n);
	});
});

describe("ecash that is restored from the seed", () => {
	test("is all that was not spent, and no counter is used again", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		await owner.order({ kind: "mint", amount: 50n }, filled(16, 0x61));
		await owner.pass();
		owner.redeem(owner.token());
		owner.requireBalance(750n);
		const counters = owner.counters();
		owner.forget();
		owner.requireBalance(0n);
		await owner.order({ kind: "restore" });
		assert.deepEqual(owner.told.slice(-2), ["restoring", "restored"]);
		assert.equal(owner.row()?.amount, 750n);
		owner.requireBalance(750n);
		assert.deepEqual(owner.counters(), counters);
		await owner.order(SEND, filled(16, 0x62));
		owner.requireBalance(450n);
	});

	test("is not counted twice where the purse has it, or has sent it", async () => {
		const owner = await Owner.make(world);
		await owner.order(SEND);
		await owner.order({ kind: "restore" }, filled(16, 0x62));
		assert.equal(owner.row(filled(16, 0x62))?.amount, 0n);
		owner.requireBalance(700n);
		await owner.takeBack();
		owner.requireBalance(1000n);
	});

	test("by two orders at once is counted once, and so is what is taken out", async () => {
		const owner = await Owner.make(world);
		const before = owner.ann.store.copy();
		await owner.order(SEND);
		owner.redeem(owner.token());
		const { market } = owner.ecash;
		market.town.die(owner.ann);
		owner.ann.store = before;
		market.town.restart(owner.ann);
		const names = [filled(16, 0x71), filled(16, 0x72)];
		for (const request of names)
			owner.ann.events.push({
				kind: "ecash-order",
				order: { kind: "restore", request, mint: MINT_ISSUER },
			});
		await market.quiet();
		owner.requireBalance(700n);
		const rows = names.map((request) => owner.row(request));
		const sum = (of: "amount" | "spends") =>
			rows.reduce((all, row) => all + (row?.[of] ?? 0n), 0n);
		assert.deepEqual(
			rows.map((row) => row?.state),
			["restored", "restored"],
		);
		assert.equal(1000n - sum("spends") + sum("amount"), 700n);
	});

	test("in a purse that was put back is what was made since, without what was spent since", async () => {
		const owner = await Owner.make(world);
		const { market } = owner.ecash;
		const before = owner.ann.store.copy();
		await owner.order(SEND);
		owner.redeem(owner.token());
		market.town.die(owner.ann);
		owner.ann.store = before;
		market.town.restart(owner.ann);
		await owner.order({ kind: "restore" }, filled(16, 0x62));
		owner.requireBalance(700n);
		const { amount, spends } = owner.row(filled(16, 0x62)) ?? {};
		assert.ok(amount !== undefined && spends !== undefined);
		assert.equal(1000n - spends + amount, 700n);
	});

	test("is nothing that was under way when it began, and is spent since", async () => {
		const owner = await Owner.make(world);
		const { mint } = owner.ecash;
		const handle = mint.handle.bind(mint);
		const away = new Set(["/v1/melt/bolt11"]);
		let restores = 0;
		mint.handle = (request, now) => {
			// What is asked about the change of one payment is far less.
			const isOfAll =
				request.path === "/v1/restore" && request.body.length > 5_000;
			const isLater = isOfAll && ++restores > 1;
			return away.has(request.path) || (isLater && away.has("later"))
				? { kind: "silence" }
				: handle(request, now);
		};
		const invoice = owner.invoice(300n);
		await owner.order({ kind: "melt", invoice, maxFee: 10n });
		away.add("later");
		// By now the mint has said that what is to pay the invoice is unspent.
		await owner.order({ kind: "restore" }, filled(16, 0x62));
		away.delete("/v1/melt/bolt11");
		await owner.pass();
		assert.equal(owner.state, "paid");
		away.delete("later");
		await owner.pass();
		const { state, amount } = owner.row(filled(16, 0x62)) ?? {};
		assert.equal(state, "restored");
		owner.requireBalance(700n);
		assert.equal(amount, 0n);
	});

	test("is all the rest where the mint once signed with other keys, and its owner hears of that", async () => {
		const owner = await Owner.make(world, { payment: "by-hand" });
		await owner.order(MINT);
		owner.ecash.mint.mint.pay(owner.row()?.quote ?? "");
		owner.ecash.mint.add({ kind: "keys-swapped", at: "keys" });
		await owner.pass();
		owner.ecash.mint.clear();
		await owner.pass();
		assert.equal(owner.state, "minting");
		const troubles = () =>
			owner.ann.reports.flatMap((report) =>
				report.kind === "trouble" ? [report.error.code] : [],
			);
		assert.deepEqual(troubles(), ["payment-in-doubt"]);
		owner.forget();
		await owner.order({ kind: "restore" }, filled(16, 0x62));
		assert.equal(owner.row(filled(16, 0x62))?.state, "restored");
		assert.deepEqual(troubles(), ["payment-in-doubt", "payment-in-doubt"]);
		owner.requireBalance(1000n);
	});

	for (const end of ["UNSPENT", "SPENT"] as const)
		test(`that its mint is working on is kept until it is ${end.toLowerCase()}`, async () => {
			const owner = await Owner.make(world);
			const { market, mint } = owner.ecash;
			await owner.order(SEND, filled(16, 0x63));
			const sent = owner.proofsOf(filled(16, 0x63));
			const ys = new Set(pointsOf(owner.ecash.crypto, sent).map(hex));
			owner.forget();
			const working = { state: "PENDING" as string };
			const handle = mint.handle.bind(mint);
			mint.handle = (request, now) => {
				const reply = handle(request, now);
				if (request.path !== "/v1/checkstate" || reply.kind !== "answer")
					return reply;
				const said = JSON.parse(parseUtf8(reply.body)) as {
					states: { Y: string; state: string }[];
				};
				for (const one of said.states)
					if (ys.has(one.Y) && one.state === "UNSPENT")
						one.state = working.state;
				return { ...reply, body: utf8(JSON.stringify(said)) };
			};
			await owner.order({ kind: "restore" });
			assert.deepEqual(owner.told.slice(-2), ["restoring", "pending"]);
			assert.equal(owner.row()?.amount, 700n);
			assert.equal(owner.balance, 700n);
			assert.equal(owner.ecash.told(owner.ann).inDoubt, 300n);
			// Its counters are used meanwhile, a further restore adds none of it, and no start forgets it.
			await owner.order({ kind: "mint", amount: 50n }, filled(16, 0x64));
			await owner.order({ kind: "restore" }, filled(16, 0x65));
			await owner.pass();
			market.town.restart(owner.ann);
			await owner.pass();
			assert.equal(owner.row(filled(16, 0x65))?.state, "restored");
			assert.equal(owner.balance, 750n);
			assert.equal(owner.state, "pending");
			if (end === "SPENT") owner.redeem(sent);
			working.state = "UNSPENT";
			await owner.pass();
			assert.equal(owner.state, "restored");
			const came = end === "SPENT" ? 0n : 300n;
			assert.equal(owner.row()?.amount, 700n + came);
			assert.equal(owner.row()?.token.length, 0);
			owner.requireBalance(750n + came);
		});

	test("goes on after a start, when its mint was away", async () => {
		const owner = await Owner.make(world);
		owner.forget();
		owner.ecash.mint.add({ kind: "down", at: "restore" });
		await owner.order({ kind: "restore" });
		assert.equal(owner.state, "restoring");
		await owner.order(SEND, filled(16, 0x63));
		assert.equal(owner.state, "restoring");
		owner.ecash.market.town.restart(owner.ann);
		owner.ecash.mint.clear();
		await owner.pass();
		assert.equal(owner.state, "restored");
		owner.requireBalance(1000n);
	});

	test("of several keysets is found in each", async () => {
		const owner = await Owner.make(world);
		owner.ecash.mint.mint.rotateAll();
		await owner.order({ kind: "mint", amount: 50n }, filled(16, 0x61));
		await owner.pass();
		owner.requireBalance(1050n);
		owner.forget();
		await owner.order({ kind: "restore" });
		owner.requireBalance(1050n);
	});
});

/** What is ordered, and what the purse has when all is over, with what was taken back. */
const WALKED: Readonly<
	Record<string, (owner: Owner) => { order(): Promise<void>; has: bigint }>
> = {
	"sends a token": (owner) => ({ order: () => owner.order(SEND), has: 700n }),
	"takes a token back": (owner) => ({
		order: async () => {
			await owner.order(SEND, filled(16, 0x61));
			await owner.takeBack(filled(16, 0x61));
		},
		has: 1000n,
	}),
	mints: (owner) => ({ order: () => owner.order(MINT), has: 1050n }),
	"has an invoice paid": (owner) => {
		const invoice = owner.invoice(200n);
		return {
			order: () => owner.order({ kind: "melt", invoice, maxFee: 5n }),
			has: 800n,
		};
	},
	restores: (owner) => {
		owner.forget();
		return { order: () => owner.order({ kind: "restore" }), has: 1000n };
	},
};

describe("a purse that dies with any of its effects, and starts again,", () => {
	for (const [name, begin] of Object.entries(WALKED))
		test(`${name} once`, async () => {
			for (let at = 1; ; at++) {
				const owner = await Owner.make(world);
				const { order, has } = begin(owner);
				const isDead = await owner.dieAt(at, order);
				// Whoever has ordered it orders it again, as the file in its home does.
				await order();
				await owner.pass();
				await order();
				await owner.pass();
				owner.requireBalance(has);
				if (!isDead) return assert.ok(at > 5, `only ${at} effects`);
			}
		});
});
