import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { messages } from "../../src/money/index.ts";
import { copy } from "../../src/wire/index.ts";
import { contractOf, type Module, Town } from "./town.ts";

/* What a purse takes of an issuer that answers something else than it was asked: nothing, and the true answer later. */

const { body, message, WITH_ISSUER } = messages;
const DAY = 86_400_000;

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

async function scene(): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 2 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	return { town, mint, ann, bob };
}

/** Ann's purse meets its issuer, whose answers are changed on the way; what it says of that. */
async function settle(
	{ town, mint, ann }: Scene,
	change: (bytes: Uint8Array) => Uint8Array,
): Promise<string> {
	const tetrad = await town.meet(ann, mint);
	town.settle(ann, tetrad, mint);
	await town.work();
	while (town.wire.length > 0) {
		const [first] = town.wire;
		if (first?.to === ann && first.bytes !== undefined)
			town.wire[0] = { ...first, bytes: change(first.bytes) };
		await town.deliver();
	}
	town.part(ann, tetrad);
	await town.quiet();
	return ann.last("settled").code;
}

const isIssued = (bytes: Uint8Array) => bytes[0] === WITH_ISSUER.issued.type;

/** Notes that come are those that `choose` makes of those that should. */
function issuing(choose: (notes: readonly Uint8Array[]) => Uint8Array[]) {
	return (bytes: Uint8Array): Uint8Array => {
		if (!isIssued(bytes)) return bytes;
		const { notes, ...fields } = body(WITH_ISSUER.issued, bytes);
		return message(WITH_ISSUER.issued, { ...fields, notes: choose(notes) });
	};
}

/** What is credited is so much more. */
function crediting(more: bigint) {
	return (bytes: Uint8Array): Uint8Array => {
		if (bytes[0] !== WITH_ISSUER.booked.type) return bytes;
		const fields = body(WITH_ISSUER.booked, bytes);
		const credited = fields.credited + more;
		return message(WITH_ISSUER.booked, { ...fields, credited });
	};
}

/** Notes are said to be in the account, and money in the account to be this note. */
function otherKind(mint: Module, note: Uint8Array) {
	return (bytes: Uint8Array): Uint8Array => {
		if (isIssued(bytes)) {
			const { request } = body(WITH_ISSUER.issued, bytes);
			return message(WITH_ISSUER.booked, {
				request,
				credited: 500n,
				conflicts: [],
			});
		}
		if (bytes[0] !== WITH_ISSUER.booked.type) return bytes;
		const { request } = body(WITH_ISSUER.booked, bytes);
		return message(WITH_ISSUER.issued, {
			request,
			notes: [note],
			chain: mint.device.encodedChain,
		});
	};
}

/** Meets the issuer again, which is honest now. */
async function comesRight({ town, mint, ann }: Scene): Promise<void> {
	assert.equal((await town.visit(ann, mint)).code, "");
	town.requireConserved(mint);
}

/** Ann has withdrawn 300 of 1100, in a note that is kept here. */
async function withdrawing(): Promise<Scene & { readonly had: Uint8Array }> {
	const here = await scene();
	const { town, mint, ann } = here;
	let had: Uint8Array | undefined;
	const keep = issuing((notes) => {
		had = notes[0] && copy(notes[0]);
		return notes.map(copy);
	});
	town.fund(mint, ann, 1100n);
	await town.order(ann, mint, 300n);
	assert.equal(await settle(here, keep), "");
	assert.ok(had);
	return { ...here, had };
}

describe("notes that are withdrawn are not taken", () => {
	const lies: Record<string, [bigint, (had: Uint8Array) => Uint8Array[]]> = {
		"that are worth less": [500n, (had) => [had]],
		"of which one comes twice": [600n, (had) => [had, had]],
		"that the purse has had before": [300n, (had) => [had]],
	};
	for (const [what, [amount, notes]] of Object.entries(lies))
		test(what, async () => {
			const here = await withdrawing();
			const { town, mint, ann, had } = here;
			await town.order(ann, mint, amount);
			const lie = issuing(() => notes(had));
			assert.equal(await settle(here, lie), "issuer-refused");
			assert.equal(town.balance(ann, mint).spendable, 300n);
			await comesRight(here);
			assert.equal(town.balance(ann, mint).spendable, 300n + amount);
		});

	test("that are said to be in the account", async () => {
		const here = await withdrawing();
		const { town, mint, ann, had } = here;
		await town.order(ann, mint, 500n);
		assert.equal(await settle(here, otherKind(mint, had)), "issuer-refused");
		await comesRight(here);
		assert.equal(town.balance(ann, mint).spendable, 800n);
	});
});

describe("what was received is not done with", () => {
	/** Bob has paid 300 to Ann. */
	async function received() {
		const here = await withdrawing();
		const { town, mint, ann, bob } = here;
		await town.withdraw(bob, mint, 1000n);
		const tetrad = await town.meet(bob, ann);
		town.expect(ann, tetrad, contractOf(1), 300n, mint);
		await town.quiet();
		town.pay(bob, tetrad, contractOf(1), 300n, mint);
		await town.quiet();
		town.part(bob, tetrad);
		await town.quiet();
		return here;
	}

	test("when more is credited than was paid", async () => {
		const here = await received();
		const { town, mint, ann } = here;
		assert.equal(await settle(here, crediting(1n)), "issuer-refused");
		assert.equal(town.balance(ann, mint).toDeposit, 300n);
		await comesRight(here);
		assert.equal(town.balance(ann, mint).toDeposit, 0n);
	});

	test("when notes come for it", async () => {
		const here = await received();
		const { town, mint, ann, had } = here;
		assert.equal(await settle(here, otherKind(mint, had)), "issuer-refused");
		assert.equal(town.balance(ann, mint).toDeposit, 300n);
		await comesRight(here);
		assert.equal(town.balance(ann, mint).toDeposit, 0n);
	});
});

describe("own notes are not given up", () => {
	test("when other than their value is credited as they are given back", async () => {
		for (const more of [-1n, 1n]) {
			const here = await scene();
			const { town, mint, ann } = here;
			await town.withdraw(ann, mint, 500n);
			town.giveBack(ann, mint);
			assert.equal(await settle(here, crediting(more)), "issuer-refused");
			const given = () =>
				ann.reports.filter(({ kind }) => kind === "exchanged");
			assert.deepEqual(given(), []);
			await comesRight(here);
			assert.deepEqual(given(), [
				{
					kind: "exchanged",
					issuer: mint.device.deviceId,
					into: "account",
					amount: 500n,
				},
			]);
			assert.equal(town.account(mint, ann), 500n);
			assert.equal(town.total(ann, mint), 0n);
		}
	});

	test("when more than was left is credited as they are claimed", async () => {
		const here = await scene();
		const { town, mint, ann } = here;
		await town.withdraw(ann, mint, 500n);
		town.now += 23 * DAY;
		assert.equal(await settle(here, crediting(1n)), "issuer-refused");
		assert.equal(town.total(ann, mint), 500n);
		await comesRight(here);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 500n);
	});
});

describe("a payment stays in doubt", () => {
	const lies: readonly [string, { state: 0 | 1 | 2; credited: bigint }][] = [
		["when more was credited than was paid", { state: 1, credited: 301n }],
		["when more is given back than was paid", { state: 2, credited: 301n }],
		[
			"when something was credited of it and nobody has it",
			{ state: 0, credited: 1n },
		],
	];
	for (const [what, lie] of lies)
		test(what, async () => {
			const here = await scene();
			const { town, mint, ann, bob } = here;
			await town.withdraw(ann, mint, 1000n);
			await town.withdraw(bob, mint, 100n);
			const back = await town.meet(bob, ann);
			town.expect(ann, back, contractOf(2), 100n, mint);
			await town.quiet();
			town.pay(bob, back, contractOf(2), 100n, mint);
			await town.quiet();
			town.part(bob, back);
			await town.quiet();
			const tetrad = await town.meet(ann, bob);
			town.expect(bob, tetrad, contractOf(1), 300n, mint);
			await town.quiet();
			town.pay(ann, tetrad, contractOf(1), 300n, mint);
			// Its receipt is lost.
			await town.work();
			while (bob.heard.at(-1)?.kind !== "received") await town.deliver();
			town.wire.length = 0;
			town.part(ann, tetrad);
			await town.quiet();
			await town.visit(bob, mint);
			const said = await settle(here, (bytes) => {
				if (bytes[0] !== WITH_ISSUER.outcome.type) return bytes;
				const fields = body(WITH_ISSUER.outcome, bytes);
				return message(WITH_ISSUER.outcome, { ...fields, ...lie });
			});
			assert.equal(said, "issuer-refused");
			assert.equal(town.balance(ann, mint).inDoubt, 300n);
			// It keeps nothing else from being settled.
			assert.equal(town.balance(ann, mint).toDeposit, 0n);
			await comesRight(here);
			assert.equal(town.balance(ann, mint).inDoubt, 0n);
			assert.equal(town.total(ann, mint), 700n);
		});
});

test("what was claimed of a note is not paid with when all clocks are set back", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await town.withdraw(ann, mint, 500n);
	town.now += 23 * DAY;
	const visit = await town.meet(ann, mint);
	town.settle(ann, visit, mint);
	await town.work();
	const isClaimed = () => ann.reports.some(({ kind }) => kind === "claimed");
	while (!isClaimed()) {
		const [first] = town.wire;
		if (first?.to === ann && first.bytes !== undefined)
			town.wire[0] = { ...first, bytes: crediting(-100n)(first.bytes) };
		await town.deliver();
	}
	town.wire.length = 0;
	town.part(ann, visit);
	await town.quiet();
	town.now -= 23 * DAY;
	const pay = async (contract: number, amount: bigint) => {
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(contract), amount, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(contract), amount, mint);
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		return ann.heard.at(-1)?.kind;
	};
	assert.equal(await pay(1, 101n), "failed");
	assert.equal(await pay(2, 100n), "paid");
});
