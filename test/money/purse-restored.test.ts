import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { done, put } from "../../src/machine/index.ts";
import { encodeHead } from "../../src/money/documents/index.ts";
import {
	FIRST_HEAD,
	type Head,
	markRestored,
	messages,
} from "../../src/money/index.ts";
import { HEADS } from "../../src/money/issuer/ledger-tables.ts";
import type { PurseCore } from "../../src/money/purse/purse-core.ts";
import {
	BEHIND_NAME,
	LOG,
	META,
	NOTES,
	PAYMENTS,
	RECEIPTS,
	REQUESTS,
} from "../../src/money/purse/purse-tables.ts";
import { abort } from "../../src/money/purse/sale-cancelling.ts";
import { hex } from "../../src/wire/index.ts";
import { contractOf, type Module, Town, type TownOptions } from "./town.ts";

/* A purse that was put back to an old backup, or that was copied, pays nobody once a witness knows better. */

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has 1000 and paid 100 of it. */
async function scene(options?: TownOptions): Promise<Scene> {
	const town = await Town.make(options);
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 1000n);
	await pay({ town, mint, ann, bob }, 1);
	return { town, mint, ann, bob };
}

/** Whether Ann paid, by what her agent heard last. */
async function pay(
	{ town, mint, ann, bob }: Scene,
	contract: number,
): Promise<string> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
	const { kind, code } = ann.heard.at(-1) ?? assert.fail();
	return kind === "failed" ? code : kind;
}

describe("a purse that was put back to an old backup", () => {
	test("pays when it is as new as its agent's record", async () => {
		const here = await scene();
		here.ann.store = here.ann.store.copy();
		here.town.restart(here.ann);
		assert.equal(await pay(here, 2), "paid");
	});

	test("refuses while its agent knows a newer state", async () => {
		const here = await scene();
		const { ann, bob, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		const newest = ann.store;
		ann.store = backup;
		town.restart(ann);
		// Of all that it keeps, only that it is behind changes, and that once.
		const kept = () => [
			...[NOTES, PAYMENTS, RECEIPTS, REQUESTS].map((table) =>
				ann.store.rows(table as never),
			),
			bob.store.dump(),
		];
		const before = kept();
		assert.equal(await pay(here, 3), "purse-behind");
		assert.deepEqual(kept(), before);
		const dump = ann.store.dump();
		assert.equal(await pay(here, 3), "purse-behind");
		assert.deepEqual(kept(), before);
		assert.deepEqual(ann.store.dump(), dump);
		assert.equal(ann.reports.filter(({ kind }) => kind === "behind").length, 1);
		// Paid before the backup was made: there is a receipt for it.
		assert.equal(await pay(here, 1), "paid");
		ann.store = newest;
		town.restart(ann);
		assert.equal(await pay(here, 3), "paid");
		town.requireConserved(mint);
	});

	test("exchanges nothing that it has exchanged since, although its answer was lost", async () => {
		const here = await scene();
		const { town, mint, ann } = here;
		town.giveBack(ann, mint);
		const tetrad = await town.meet(ann, mint);
		await town.quiet();
		const backup = ann.store.copy();
		const before = town.account(mint, ann);
		// The issuer books what the purse gives back, and the purse dies before it can write down that it did.
		town.killAt(ann, { write: 2, when: "before" });
		town.settle(ann, tetrad, mint);
		await town.quiet();
		assert.equal(ann.machine, undefined);
		assert.notEqual(town.account(mint, ann), before);
		ann.store = backup;
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
	});

	test("refuses when its issuer knows a newer state, and its agent none", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		ann.store = backup;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		for (let i = 0; i < 2; i++)
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
	});

	test("does not wipe out what its witnesses know by going on", async () => {
		const here = await scene();
		const { ann, bob, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		const { head } = ann;
		ann.store = backup;
		town.restart(ann);
		// It is paid, more often than it had paid: its number passes that of the record.
		await town.withdraw(bob, mint, 1000n);
		for (let contract = 10; contract < 20; contract++)
			assert.equal(
				await pay({ ...here, ann: bob, bob: ann }, contract),
				"paid",
			);
		assert.deepEqual(ann.head, head);
		for (let i = 0; i < 2; i++) {
			town.restart(ann);
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
			town.restart(ann);
			assert.equal(await pay(here, 3), "purse-behind");
		}
		// What it received is deposited all the same.
		assert.equal(town.balance(ann, mint).toDeposit, 0n);
	});
});

test("an issuer's record outlasts a purse that has gone on past it", async () => {
	const here = await scene();
	const { ann, bob, town, mint } = here;
	const backup = ann.store.copy();
	assert.equal(await pay(here, 2), "paid");
	assert.equal((await town.visit(ann, mint)).code, "");
	ann.store = backup;
	ann.head = FIRST_HEAD;
	town.restart(ann);
	await town.withdraw(bob, mint, 1000n);
	for (let contract = 10; contract < 20; contract++)
		assert.equal(await pay({ ...here, ann: bob, bob: ann }, contract), "paid");
	for (let i = 0; i < 2; i++) {
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
		ann.head = FIRST_HEAD;
		town.restart(ann);
	}
});

/** Ann has paid since her backup, and was restored from it, with her agent. */
async function restored(
	open: (scene: Scene) => Promise<void> = () => Promise.resolve(),
): Promise<Scene> {
	const here = await scene({ noteDays: 30, graceDays: 7 });
	const { ann, town } = here;
	await open(here);
	const [backup, head] = [ann.store.copy(), ann.head];
	assert.equal(await pay(here, 2), "paid");
	backup.run(markRestored(nodeCrypto, town.now, ann.device.deviceId));
	ann.store = backup;
	ann.head = head;
	return here;
}

describe("a purse that was restored from a backup, with its agent", () => {
	test("pays with nothing that it had, although nobody knows more than it does", async () => {
		const here = await restored();
		const { ann, bob, town, mint } = here;
		const { spendable, held, heldBecause } = town.balance(ann, mint);
		assert.deepEqual([spendable, held, heldBecause], [0n, 900n, "behind"]);
		town.restart(ann);
		for (let i = 3; i < 6; i++) {
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
			assert.equal(await pay(here, i), "purse-behind");
			town.restart(ann);
		}
		// What is left is claimed, and the purse pays with what it withdraws then.
		await town.order(ann, mint, 50n);
		await town.visit(bob, mint);
		await town.pass(41 * 86_400_000);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 6), "purse-behind");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 750n);
		assert.equal(await pay(here, 7), "insufficient-funds");
		await town.order(ann, mint, 70n);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(await pay(here, 8), "paid");
		town.requireConserved(mint);
	});

	test("is held while a withdrawal is open that may have been sent since", async () => {
		const here = await restored(async ({ town, ann, mint }) => {
			await town.order(ann, mint, 5n);
			await town.quiet();
		});
		const { ann, town, mint } = here;
		town.restart(ann);
		await town.pass(41 * 86_400_000);
		for (let i = 0; i < 3; i++)
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(town.balance(ann, mint).toClaim, 0n);
		assert.equal(await pay(here, 3), "purse-behind");
	});

	test("pays again once its owner overrides the restore", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		ann.store = ann.store.copy();
		ann.store.run(markRestored(nodeCrypto, town.now, ann.device.deviceId));
		town.restart(ann);
		assert.equal(await pay(here, 2), "purse-behind");
		const entries = ann.store.rows(LOG).filter(({ what }) => what === "behind");
		const [{ number, amount, peer } = assert.fail()] = entries;
		// It is behind on its own, and by no amount that is known.
		assert.deepEqual(
			[entries.length, amount, peer],
			[1, 0n, ann.device.deviceId],
		);
		await town.override(ann, { ...FIRST_HEAD, number: number - 1n });
		assert.equal(await pay(here, 3), "paid");
		town.requireConserved(mint);
	});
});

describe("a purse that was restored from a backup, without its agent", () => {
	/** The agent knows of a payment that the backup does not have. */
	async function alone(): Promise<Scene & { readonly lacked: Head }> {
		const here = await restored();
		const { ann } = here;
		const lacked = { number: 900n, hash: nodeCrypto.random(32) };
		ann.head = lacked;
		return { ...here, lacked };
	}
	const restoredTo = ({ store }: Module): Head => {
		const [{ number } = assert.fail()] = store
			.rows(LOG)
			.filter(({ what }) => what === "behind");
		return { ...FIRST_HEAD, number: number - 1n };
	};
	const behind = ({ store }: Module) =>
		store.rows(META).filter(({ name }) => name === BEHIND_NAME);
	/** Whether it says that a contract is never paid which it may have paid. */
	const callsOff = ({ store }: Module, { now }: Town) => {
		const options = { context: { crypto: nodeCrypto }, issuers: [] };
		const core = { options, now } as unknown as PurseCore;
		return store.run(abort(core, contractOf(2), "ever"));
	};

	test("is behind its agent's record when the restore is over, in that very meeting", async () => {
		const here = await alone();
		const { ann, town, mint, lacked } = here;
		town.restart(ann);
		await town.pass(41 * 86_400_000);
		for (let i = 0; i < 3; i++)
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(town.balance(ann, mint).toClaim, 0n);
		assert.deepEqual(
			behind(ann).map(({ value }) => value),
			[encodeHead(lacked)],
		);
		assert.throws(() => callsOff(ann, town), { code: "purse-behind" });
		town.restart(ann);
		assert.equal(await pay(here, 3), "purse-behind");
		assert.throws(() => callsOff(ann, town), { code: "purse-behind" });
		await town.override(ann, lacked);
		assert.deepEqual(behind(ann), []);
	});

	test("is behind its agent's record when its owner overrides the restore", async () => {
		const here = await alone();
		const { ann, town, mint, lacked } = here;
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		ann.head = { ...lacked, number: 800n };
		assert.equal(await pay(here, 3), "purse-behind");
		ann.head = lacked;
		await town.override(ann, restoredTo(ann));
		assert.deepEqual(
			behind(ann).map(({ value }) => value),
			[encodeHead(lacked)],
		);
		assert.equal(ann.reports.filter(({ kind }) => kind === "behind").length, 1);
		assert.throws(() => callsOff(ann, town), { code: "purse-behind" });
		assert.equal(await pay(here, 4), "purse-behind");
		await town.override(ann, lacked);
		assert.equal(await pay(here, 5), "paid");
	});
});

describe("a purse that was copied", () => {
	test("refuses when a witness knows another state of the same number", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		const copied = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		const { head } = ann;
		// The copy pays as often, with an agent that knows nothing.
		ann.store = copied;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		assert.equal(await pay(here, 3), "paid");
		ann.head = head;
		assert.equal(await pay(here, 4), "purse-behind");
		town.restart(ann);
		ann.head = FIRST_HEAD;
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
	});
});

test("a purse pays nobody before its agent has said what it knows", async () => {
	const { town, mint, ann, bob } = await scene();
	town.restart(ann);
	const tetrad = await town.meetInSilence(ann, bob);
	town.pay(ann, tetrad, contractOf(2), 100n, mint);
	await town.quiet();
	assert.equal(ann.last("failed").code, "purse-behind");
	assert.equal(ann.last("failed").isInDoubt, false);
});

/** Ann has paid, told her issuer so, and was put back to before that, with her agent. */
async function putBack(): Promise<Scene & { readonly newest: Head }> {
	const here = await scene();
	const { ann, town, mint } = here;
	const [backup, head] = [ann.store.copy(), ann.head];
	assert.equal(await pay(here, 2), "paid");
	assert.equal((await town.visit(ann, mint)).code, "");
	const newest = ann.head;
	ann.store = backup;
	ann.head = head;
	return { ...here, newest };
}

describe("a purse that has been found to be behind", () => {
	test("is behind after every restart, whatever its agent knows", async () => {
		const here = await putBack();
		const { ann, town, mint } = here;
		const agents = ann.head;
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		const { spendable, held, heldBecause } = town.balance(ann, mint);
		assert.deepEqual([spendable, held, heldBecause], [0n, 900n, "behind"]);
		for (let i = 0; i < 3; i++) {
			town.restart(ann);
			ann.head = i === 2 ? FIRST_HEAD : agents;
			assert.equal(await pay(here, 3 + i), "purse-behind");
		}
		assert.equal(
			ann.store.rows(LOG).filter(({ what }) => what === "behind").length,
			1,
		);
	});

	test("hands the issuer's newer head to its agent, which keeps it", async () => {
		const { ann, town, mint, newest } = await putBack();
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(ann.head.number, newest.number);
		assert.deepEqual(ann.head.hash, newest.hash);
	});

	test("asks its issuer for no new notes", async () => {
		const { ann, town, mint } = await putBack();
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		town.fund(mint, ann, 70n);
		await town.order(ann, mint, 70n);
		await town.work();
		assert.deepEqual(
			ann.store
				.rows(REQUESTS)
				.filter(({ state }) => state === "ordered")
				.map(({ kind }) => kind),
			["withdraw"],
		);
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(town.account(mint, ann), 70n);
	});
});

describe("an owner who overrides a witness", () => {
	const lie = { number: 5000n, hash: nodeCrypto.random(32) };

	/** The issuer makes up a head of Ann's purse. */
	async function liedTo(): Promise<Scene> {
		const here = await scene();
		const { ann, town, mint } = here;
		const [row] = mint.store
			.rows(HEADS)
			.filter(({ device }) => hex(device) === hex(ann.device.deviceId));
		assert.ok(row);
		mint.store.run(done([put(HEADS, { ...row, ...lie })], undefined));
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		return here;
	}

	test("lets the purse pay again, also after restarts and when the lie is told again", async () => {
		const here = await liedTo();
		const { ann, town, mint } = here;
		town.restart(ann);
		assert.equal(await pay(here, 3), "purse-behind");
		await town.override(ann, lie);
		assert.deepEqual(
			ann.reports.findLast(({ kind }) => kind === "overridden"),
			{ ...ann.reports.at(-1), kind: "overridden", isDone: true },
		);
		assert.equal(await pay(here, 3), "paid");
		town.restart(ann);
		assert.equal(await pay(here, 4), "paid");
		// Both witnesses take what it tells from then on for newer than the lie.
		assert.ok(ann.head.number > lie.number);
		assert.equal((await town.visit(ann, mint)).code, "");
		const [row] = mint.store
			.rows(HEADS)
			.filter(({ device }) => hex(device) === hex(ann.device.deviceId));
		assert.ok(row !== undefined && row.number > lie.number);
		town.requireConserved(mint);
	});

	test("overrides that one word, and no other", async () => {
		const here = await liedTo();
		const { ann, town, mint } = here;
		await town.override(ann, { ...lie, number: 5001n });
		await town.override(ann, { ...lie, hash: nodeCrypto.random(32) });
		assert.equal(await pay(here, 3), "purse-behind");
		await town.override(ann, lie);
		ann.head = { number: 6000n, hash: nodeCrypto.random(32) };
		assert.equal(await pay(here, 3), "purse-behind");
		await town.override(ann, lie);
		town.restart(ann);
		assert.equal(await pay(here, 3), "purse-behind");
		town.requireConserved(mint);
	});

	test("has to be the owner", async () => {
		const here = await liedTo();
		const { ann, town } = here;
		await town.override(ann, lie, generateSoftwareKey("P-256"));
		const [said] = ann.reports.slice(-1);
		assert.ok(said?.kind === "trouble");
		assert.equal(said.error.code, "authentication-failed");
		assert.equal(await pay(here, 3), "purse-behind");
	});

	const NOBODYS = [
		{ what: "a number that no purse comes to", number: 2n ** 64n - 1n },
		{ what: "a head of zeros, as of a restore", hash: FIRST_HEAD.hash },
	];
	for (const { what, ...made } of NOBODYS)
		test(`is not needed against ${what}`, async () => {
			const here = await scene();
			const { ann, town, mint, bob } = here;
			const tetrad = await town.meet(ann, bob);
			const head = { ...lie, ...made };
			ann.events.push({
				kind: "from-agent",
				tetrad,
				bytes: messages.message(messages.WITH_AGENT.witness, head),
			});
			await town.quiet();
			assert.deepEqual(ann.ended, ["malformed"]);
			assert.equal(await pay(here, 3), "paid");
			town.requireConserved(mint);
		});
});

describe("a purse whose store was put back or copied", () => {
	test("pays nobody before it has met its issuer, though its agent agrees", async () => {
		const here = await putBack();
		const { ann, town, mint } = here;
		ann.wasPutBack = true;
		town.restart(ann);
		const before = ann.store.rows(PAYMENTS);
		assert.equal(await pay(here, 3), "purse-behind");
		// Nor after another start, at which nothing looks wrong.
		town.restart(ann);
		assert.equal(await pay(here, 3), "purse-behind");
		assert.deepEqual(ann.store.rows(PAYMENTS), before);
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
		assert.deepEqual(ann.store.rows(PAYMENTS), before);
	});

	test("pays once its issuer agrees, and after restarts too", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		ann.store = ann.store.copy();
		ann.wasPutBack = true;
		town.restart(ann);
		const shown = () => {
			const { spendable, held, heldBecause } = town.balance(ann, mint);
			return [spendable, held, heldBecause];
		};
		assert.deepEqual(shown(), [0n, 900n, "issuer-not-met"]);
		assert.equal(await pay(here, 2), "purse-behind");
		// Paid before it was put back: there is a receipt for it.
		assert.equal(await pay(here, 1), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.deepEqual(shown(), [900n, 0n, undefined]);
		assert.equal(await pay(here, 2), "paid");
		town.restart(ann);
		assert.equal(await pay(here, 3), "paid");
		ann.wasPutBack = true;
		town.restart(ann);
		assert.equal(await pay(here, 4), "purse-behind");
		town.requireConserved(mint);
	});

	test("pays with the notes of those issuers that it has met", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		const other = await town.issuer("other");
		for (const purse of [ann, here.bob]) town.restart(purse);
		await town.withdraw(ann, other, 500n);
		ann.wasPutBack = true;
		town.restart(ann);
		assert.equal((await town.visit(ann, other)).code, "");
		assert.equal(await pay(here, 2), "purse-behind");
		assert.equal(await pay({ ...here, mint: other }, 3), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(await pay(here, 2), "paid");
	});

	test("is not held up when nothing has happened to it yet", async () => {
		const here = await scene();
		const { town, mint } = here;
		const cyd = await town.purse("cyd");
		cyd.wasPutBack = true;
		town.restart(cyd);
		await town.withdraw(cyd, mint, 500n);
		assert.equal(await pay({ ...here, ann: cyd }, 7), "paid");
	});
});
