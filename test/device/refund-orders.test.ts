/* Refunds that a command asks an agent for that runs. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/carrier/index.ts";
import { HomeLock } from "../../src/device/home/index.ts";
import {
	answerRefund,
	hearAnswer,
	numberRefund,
	placeRefund,
	recoverRefunds,
	takeRefunds,
	withdrawRefund,
} from "../../src/device/process/refund-orders.ts";
import { askRunning } from "../../src/device/process/refunding.ts";
import { AgentStore } from "../../src/device/purse/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	oweRefund,
	payRefund,
	type SaleRow,
} from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { MemoryStore } from "../support/memory-store.ts";

const SALE = new Uint8Array(32).fill(7);
const OF = { sale: SALE, amount: 150n };
const ASKED = {
	...OF,
	connect: parseAddress("127.0.0.1:7200"),
	routing: "direct",
	root: "transcript",
} as const;
const NAME = `${hex(SALE)}-150`;
const BUSY = { code: "busy", message: /has not taken this refund/ } as const;

const filesOf = (home: string) => readdir(join(home, "refunds"));

/** A command's wait for the agent that has a home, which does something after so many looks. */
function asking(
	home: string,
	looks: Record<number, () => unknown>,
	signal: AbortSignal = new AbortController().signal,
) {
	const sale = { contract: SALE } as SaleRow;
	let look = 0;
	const options = { ...ASKED, home, sale, signal };
	return askRunning(options, async () => looks[look++]?.());
}

const take = async (home: string) => {
	const [taken] = await takeRefunds(home, 1);
	assert.ok(taken);
	return taken;
};

describe("a refund that is asked for", () => {
	test("is taken once, and its answer is heard once", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		using _ = await HomeLock.take(home);
		const answer = await asking(home, {
			1: async () => {
				const taken = await take(home);
				assert.deepEqual(taken, { ...OF, kind: "asked", asked: ASKED });
				assert.deepEqual(await takeRefunds(home, 1), []);
				assert.equal(await withdrawRefund(home, OF), false);
			},
			300: () => answerRefund(home, OF, { kind: "paid", number: 1 }),
		});
		assert.deepEqual(answer, { kind: "paid", number: 1 });
		assert.deepEqual(await filesOf(home), []);
	});

	test("is not asked for where no agent runs, nor waited for when it has ended", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		assert.equal(await asking(home, {}), undefined);
		assert.ok(!(await readdir(home)).includes("refunds"));
		using lock = await HomeLock.take(home);
		const ended = asking(home, {
			0: () => take(home),
			1: () => lock[Symbol.dispose](),
		});
		assert.equal(await ended, undefined);
		assert.deepEqual(await filesOf(home), [`${NAME}.taken`]);
	});

	test("is taken back when the agent does not take it, or the command is stopped", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		using _ = await HomeLock.take(home);
		await assert.rejects(asking(home, {}), BUSY);
		assert.deepEqual(await filesOf(home), []);
		const stop = new AbortController();
		const stopped = asking(home, { 1: () => stop.abort() }, stop.signal);
		await assert.rejects(stopped, { code: "aborted" });
		assert.deepEqual(await filesOf(home), []);
	});

	test("asked for again while the agent is at it, or after it was paid unheard, is the same", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		using _ = await HomeLock.take(home);
		const stop = new AbortController();
		const looks = { 0: () => take(home), 1: () => stop.abort() };
		await assert.rejects(asking(home, looks, stop.signal), { code: "aborted" });
		const paid = { kind: "paid", number: 3 } as const;
		const second = asking(home, { 1: () => answerRefund(home, OF, paid) });
		assert.deepEqual(await second, paid);
		await placeRefund(home, ASKED);
		await take(home);
		await answerRefund(home, OF, paid);
		assert.deepEqual(await asking(home, {}), paid);
		assert.deepEqual(await filesOf(home), []);
	});

	test("that failed unheard is asked for anew", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		using _ = await HomeLock.take(home);
		await placeRefund(home, ASKED);
		await take(home);
		const failed = {
			number: 1,
			code: "timed-out",
			reason: "too slow",
		} as const;
		await answerRefund(home, OF, { kind: "not-paid", ...failed });
		const doubt = { kind: "in-doubt", ...failed } as const;
		const answer = asking(home, {
			0: () => take(home),
			1: () => answerRefund(home, OF, doubt),
		});
		assert.deepEqual(await answer, doubt);
	});

	test("by a command that was killed is not taken later", async (context) => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		await placeRefund(home, ASKED);
		context.mock.timers.enable({ apis: ["Date"], now: Date.now() + 11_000 });
		assert.deepEqual(await takeRefunds(home, 1), []);
		assert.deepEqual(await filesOf(home), []);
	});

	test("that cannot be read is answered, and hides no other", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		await placeRefund(home, ASKED);
		await writeFile(join(home, "refunds", `${NAME}.asked`), "{}");
		await placeRefund(home, { ...ASKED, amount: 20n });
		const taken = await takeRefunds(home, 8);
		assert.deepEqual(
			taken.map(({ kind, amount }) => [kind, amount]).toSorted(),
			[
				["asked", 20n],
				["unreadable", 150n],
			],
		);
		const [bad] = taken.filter((one) => one.kind === "unreadable");
		assert.ok(bad?.error instanceof TetradError);
	});
});

describe("a refund that an agent was at when it died", () => {
	/** The store of an agent that owes a refund, or has paid it, and which that is. */
	async function owing(isPaid: boolean) {
		const store = await AgentStore.over(new MemoryStore());
		const refund = await store.transact(
			oweRefund({
				...{ sale: SALE, paid: 900n, amount: OF.amount, now: 100 },
				contractOf: () => new Uint8Array(32),
			}),
		);
		if (isPaid) await store.transact(payRefund(refund));
		return { store, number: Number(refund.number) };
	}

	test("is told as paid when it was", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		const { store, number } = await owing(true);
		await placeRefund(home, ASKED);
		await take(home);
		await numberRefund(home, OF, number);
		await recoverRefunds(home, store);
		assert.deepEqual(await hearAnswer(home, OF), { kind: "paid", number });
		assert.deepEqual(await filesOf(home), []);
	});

	test("is forgotten when it was not, to be asked for again", async () => {
		await using folder = await temporaryFolder();
		const { path: home } = folder;
		const { store, number } = await owing(false);
		for (const isNumbered of [false, true]) {
			await placeRefund(home, ASKED);
			await take(home);
			if (isNumbered) await numberRefund(home, OF, number);
			// It died while it wrote, too.
			for (const kind of ["taken", "told"])
				await writeFile(join(home, "refunds", `${NAME}.${kind}.new`), "{");
			await recoverRefunds(home, store);
			assert.deepEqual(await filesOf(home), []);
		}
	});
});
