import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LOG, messages } from "../../src/money/index.ts";
import { contractOf, type Module, type Town } from "./town.ts";
import { two } from "./two-purses.ts";

/*
 * An agent that does not know of a transfer cannot tell a purse that was put back to before it: so
 * it is told of its head before the transfer leaves, also when that is delivered again.
 */

const { BETWEEN_MODULES, WITH_ISSUER } = messages;
const CONTRACT = contractOf(5);

/** What the agent of a module knew each time a transfer left it, and what there was to know. */
function deliveriesOf(
	town: Town,
	{ store, name }: Module,
	known: () => bigint,
	{ type }: { readonly type: number } = BETWEEN_MODULES.deliver,
): { readonly known: bigint; readonly committed: bigint }[] {
	const deliveries: { known: bigint; committed: bigint }[] = [];
	town.sent = (bytes) => {
		if (bytes[0] !== type) return;
		const entry = store.rows(LOG).find(({ what }) => what === "committed");
		assert.ok(entry, `${name} delivers what it has not committed`);
		deliveries.push({ known: known(), committed: entry.number });
	};
	return deliveries;
}

describe("an agent knows of a transfer before it is delivered", () => {
	test("when the tetrad ended while the payment was committed, and another one begins", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		const deliveries = deliveriesOf(town, ann, () => ann.head.number);
		town.expect(bob, tetrad, CONTRACT, 250n, mint);
		await town.quiet();
		ann.isSlowToSign = true;
		town.pay(ann, tetrad, CONTRACT, 250n, mint);
		await town.quiet();
		ann.isSlowToSign = false;
		// Its write is under way when the tetrad ends.
		ann.events.push(...ann.unsigned.splice(0));
		town.part(ann, tetrad);
		await town.quiet();
		await town.meet(ann, bob);
		await town.quiet();
		requireKnown(deliveries);
	});

	test("when the module died as the payment was committed, and was started again", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		const deliveries = deliveriesOf(town, ann, () => ann.head.number);
		town.expect(bob, tetrad, CONTRACT, 250n, mint);
		await town.quiet();
		town.killAt(ann, { write: 1, when: "after" });
		town.pay(ann, tetrad, CONTRACT, 250n, mint);
		await town.quiet();
		town.restart(ann);
		await town.quiet();
		await town.meet(ann, bob);
		await town.quiet();
		requireKnown(deliveries);
	});

	test("when it goes to the issuer, in an exchange", async () => {
		const { town, mint, ann } = await two();
		const exchanges = deliveriesOf(
			town,
			ann,
			() => ann.head.number,
			WITH_ISSUER.exchange,
		);
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		requireKnown(exchanges);
	});

	test("when the tetrad ended while the exchange was committed, and it goes to the issuer in another that there was", async () => {
		const { town, mint, ann } = await two();
		const exchanges = deliveriesOf(
			town,
			ann,
			() => ann.head.number,
			WITH_ISSUER.exchange,
		);
		town.giveBack(ann, mint);
		const [first, second] = [
			await town.meet(ann, mint),
			await town.meet(ann, mint),
		];
		await town.quiet();
		ann.isSlowToSign = true;
		town.settle(ann, first, mint);
		await town.quiet();
		ann.isSlowToSign = false;
		ann.events.push(...ann.unsigned.splice(0));
		town.part(ann, first);
		await town.quiet();
		assert.equal(exchanges.length, 0);
		town.settle(ann, second, mint);
		await town.quiet();
		requireKnown(exchanges);
	});
});

function requireKnown(
	deliveries: readonly { readonly known: bigint; readonly committed: bigint }[],
): void {
	assert.equal(deliveries.length, 1);
	for (const { known, committed } of deliveries)
		assert.ok(known >= committed, `it knew ${known} of ${committed}`);
}
