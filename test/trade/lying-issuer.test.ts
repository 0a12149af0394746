import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { messages } from "../../src/money/index.ts";
import { LOG } from "../../src/money/purse/purse-tables.ts";
import type { Contract } from "../../src/trade/documents/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { Market, PRICE } from "./market.ts";

/* What the modules of a purchase take of an issuer that says of it what is not so: nothing, and the truth later. */

const { BETWEEN_MODULES, body, message, WITH_ISSUER } = messages;
const world = await makeWorld({ algorithm: "Ed25519" });

type Change = (bytes: Uint8Array) => Uint8Array;

/** Everything is delivered; what goes to a module is changed on the way. */
async function deliverAll(
	market: Market,
	to: Module,
	change: Change,
): Promise<void> {
	const { town } = market;
	await town.work();
	while (town.wire.length > 0) {
		const [first] = town.wire;
		if (first?.to === to && first.bytes !== undefined)
			town.wire[0] = { ...first, bytes: change(first.bytes) };
		await town.deliver();
	}
	market.listen();
}

/** A module meets the issuer and hears it changed; what its agent is told of that. */
async function settle(
	market: Market,
	module: Module,
	change: Change,
): Promise<string> {
	const { town, mint } = market;
	const tetrad = await town.meet(module, mint);
	town.settle(module, tetrad, mint);
	await deliverAll(market, module, change);
	town.part(module, tetrad);
	await market.quiet();
	return module.last("settled").code;
}

/** A purchase that is paid; a merchant that lies keeps the key for itself. */
async function paid(
	isHonest: boolean,
): Promise<{ readonly market: Market; readonly contract: Contract }> {
	const market = await Market.make({ world });
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.buy(visit, contract);
	await deliverAll(market, market.ann, (bytes) =>
		isHonest || bytes[0] !== BETWEEN_MODULES.accepted.type
			? bytes
			: message(BETWEEN_MODULES.accepted, {
					...body(BETWEEN_MODULES.accepted, bytes),
					key: undefined,
				}),
	);
	market.town.part(market.ann, visit.tetrad);
	await market.quiet();
	return { market, contract };
}

/** That it was paid is in the buyer's history and among what its owner is told, once. */
function requirePaidOnce({ ann }: Market): void {
	const logged = ann.store.rows(LOG).filter(({ what }) => what === "paid");
	const told = ann.reports.filter(({ kind }) => kind === "paid");
	assert.deepEqual([logged.length, told.length], [1, 1]);
}

type Outcome = ReturnType<typeof bodyOfOutcome>;
const bodyOfOutcome = (bytes: Uint8Array) => body(WITH_ISSUER.outcome, bytes);

describe("a buyer's module that asks for the key of what it has paid is not content", () => {
	const lies: Readonly<Record<string, (truth: Outcome) => Outcome>> = {
		"with another key": (outcome) => ({ ...outcome, key: filled(32, 0xee) }),
		"without a key": (outcome) => ({ ...outcome, key: undefined }),
		"when less was credited": (outcome) => ({
			...outcome,
			credited: PRICE - 1n,
		}),
		"when more was credited": (outcome) => ({
			...outcome,
			credited: PRICE + 1n,
		}),
		"with less than it has paid": (outcome) => ({
			...outcome,
			state: 2,
			credited: PRICE - 1n,
			key: undefined,
		}),
	};
	for (const [what, lie] of Object.entries(lies))
		test(what, async () => {
			const { market, contract } = await paid(false);
			const { ann } = market;
			assert.equal(market.paymentOf(contract), "committed");
			const said = await settle(market, ann, (bytes) =>
				bytes[0] === WITH_ISSUER.outcome.type
					? message(WITH_ISSUER.outcome, lie(bodyOfOutcome(bytes)))
					: bytes,
			);
			assert.equal(said, "issuer-refused");
			assert.equal(market.paymentOf(contract), "committed");
			assert.equal(market.town.balance(ann, market.mint).inDoubt, PRICE);
			await market.settle();
			assert.ok(market.isKeyed(contract) && market.isPaid(contract));
			requirePaidOnce(market);
			market.requireConserved();
		});
});

test("a merchant's module does not take less for a sale than it was paid", async () => {
	for (const less of [1n, PRICE]) {
		const { market, contract } = await paid(true);
		const { bob, mint } = market;
		const said = await settle(market, bob, (bytes) => {
			if (bytes[0] !== WITH_ISSUER.booked.type) return bytes;
			const booked = body(WITH_ISSUER.booked, bytes);
			const credited = booked.credited - less;
			return message(WITH_ISSUER.booked, { ...booked, credited });
		});
		assert.equal(said, "issuer-refused");
		assert.notEqual(market.receiptOf(contract), "deposited");
		assert.equal(market.town.balance(bob, mint).toDeposit, PRICE);
		await market.settle();
		assert.equal(market.receiptOf(contract), "deposited");
		requirePaidOnce(market);
		market.requireConserved();
	}
});
