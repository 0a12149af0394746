/* Devices that run inside the program that opened them, beside the processes of others. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { HomeLock } from "../../../src/device/home/index.ts";
import type { ProcessEvent } from "../../../src/device/process/index.ts";
import {
	type IssuerService,
	type LimitChanges,
	openAgent,
	openIssuer,
	openModule,
} from "../../../src/device/service/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { Command, failureIn, run } from "../../support/processes.ts";
import { makeWorld } from "../../support/sandbox.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

const side = (name: string) => join(folder.path, "world", name);
const moduleOf = (name: string) => join(side(name), "module");
const inside = { moduleRuns: "inside-agent" } as const;

before(async () => {
	folder = await temporaryFolder();
	await makeWorld(join(folder.path, "world"));
});
after(() => folder?.[Symbol.asyncDispose]());

/** The issuer in this program, once its agent can reach it. */
async function runHere(issuer: IssuerService): Promise<AsyncDisposable> {
	const listening = Promise.withResolvers<void>();
	const stop = new AbortController();
	const said: ProcessEvent["event"][] = [];
	const running = issuer.run({
		signal: stop.signal,
		step: ({ event }) => {
			said.push(event);
			if (event === "listening") listening.resolve();
		},
	});
	running.catch(listening.reject);
	await listening.promise;
	return {
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
			assert.deepEqual(
				[said.includes("serving"), said.at(-1)],
				[true, "stopped"],
			);
		},
	};
}

async function balanceAt(issuer: IssuerService): Promise<bigint | undefined> {
	return (await issuer.account("buyer-purse"))?.balance;
}

async function inPurse() {
	await using module = await openModule(side("buyer"));
	const [balance] = await module.balance();
	assert.ok(balance);
	const { spendable, ordered } = balance;
	return { spendable, ordered };
}

describe("an issuer and a module in the program that opened them", () => {
	test("do the business of their sides, and are gone with it", async () => {
		await using issuer = await openIssuer(side("issuer"));
		{
			await using _ = await runHere(issuer);
			assert.equal(await HomeLock.holder(moduleOf("issuer")), process.pid);
			await assert.rejects(issuer.run(), { code: "busy" });
			await using clerk = new Command([
				...["serve", "--home", side("issuer"), "--no-module", "--json"],
			]);
			await clerk.expect("answering");
			assert.equal(await balanceAt(issuer), 10_000n);

			{
				await using agent = await openAgent(side("buyer"), inside);
				assert.equal(await HomeLock.holder(moduleOf("buyer")), process.pid);
				assert.equal((await agent.status()).isLinked, true);
				await agent.settle();
				assert.equal(await balanceAt(issuer), 0n);
				assert.equal((await inPurse()).spendable, 10_000n);

				await using module = await openModule(side("buyer"));
				const [ordered, ...more] = await module.giveBack();
				assert.match(ordered?.request ?? "", /^[0-9a-f]{32}$/);
				assert.deepEqual([ordered?.issuer, more], ["play-issuer", []]);
				await agent.settle();
				assert.deepEqual(await inPurse(), { spendable: 0n, ordered: 0n });
				assert.equal(await balanceAt(issuer), 10_000n);
			}
			assert.equal(await HomeLock.holder(moduleOf("buyer")), undefined);
		}
		assert.equal(await HomeLock.holder(moduleOf("issuer")), undefined);
		// At the ledger itself, now that nothing has it.
		assert.equal(await balanceAt(issuer), 10_000n);
		const audit = await issuer.audit();
		assert.deepEqual([audit.isBalanced, audit.outstanding], [true, 0n]);
	});

	test("answer other programs as long as they are open, and tell them of the end", async () => {
		const socket = join(side("buyer"), "run", "agent.sock");
		await using here = await openAgent(side("buyer"), inside);
		assert.equal((await lstat(socket)).mode & 0o777, 0o600);
		const shown = await run(["settle", "--home", side("buyer"), "--json"]);
		// The issuer's agent does not run; whoever has the buyer's says so.
		assert.deepEqual(
			[shown.code, failureIn(shown).code],
			[1, "carrier-failed"],
			shown.stderr,
		);
		await using other = await openAgent(side("buyer"), inside);
		assert.equal((await other.status()).process, process.pid);
		const [balance] = await other.balance();
		assert.equal(balance?.spendable, 0n);
		const events = other.events()[Symbol.asyncIterator]();
		const next = events.next();
		assert.equal((await other.status()).isLinked, true);
		await here.close();
		for (let { done } = await next; !done; ) ({ done } = await events.next());
		assert.equal(existsSync(socket), false);
		assert.equal(
			await HomeLock.holder(join(side("buyer"), "agent")),
			undefined,
		);
		await assert.rejects(other.status(), { code: "carrier-failed" });
	});

	test("give back what is of one issuer alone, and of none that is not known", async () => {
		await using module = await openModule(side("buyer"));
		assert.deepEqual(
			module.money.map(({ issuer }) => issuer),
			["play-issuer"],
		);
		await assert.rejects(module.giveBack({ issuer: "nobody" }), {
			code: "invalid-argument",
		});
		const [ordered] = await module.giveBack({ issuer: "play-issuer" });
		assert.equal(ordered?.issuer, "play-issuer");
	});
});

describe("owners and operators of what does not run", () => {
	const owner = async (): Promise<Uint8Array> => new Uint8Array();

	test("an order waits, and is taken back by the beginning of its name", async () => {
		await using module = await openModule(side("buyer"));
		const { request, issuer } = await module.withdraw(100n, { owner });
		assert.equal(issuer, "play-issuer");
		const waits = async () =>
			(await module.orders()).map(({ amount, state, isCancelled }) => ({
				...{ amount, state, isCancelled },
			}));
		const order = { amount: 100n, state: "waiting" as const };
		assert.deepEqual(await waits(), [{ ...order, isCancelled: false }]);
		await assert.rejects(module.cancel("q", { owner }), {
			code: "invalid-argument",
		});
		const cancelled = await module.cancel(request.slice(0, 12), { owner });
		assert.equal(cancelled.request, request);
		assert.deepEqual(await waits(), [{ ...order, isCancelled: true }]);
	});

	test("merchants are named one by one, beside what is limited", async () => {
		await using module = await openModule(side("buyer"));
		const before = await module.limits();
		const set = async (changes: LimitChanges) => {
			assert.equal((await module.setLimits(changes, { owner })).inForce, false);
			const { merchants, number } = await module.limits();
			return [merchants?.length, number];
		};
		const number = before.number ?? 0n;
		assert.deepEqual(await set({ forgetMerchants: ["shop-till"] }), [
			undefined,
			number + 1n,
		]);
		assert.deepEqual(await set({ addMerchants: ["shop-till", "inn-till"] }), [
			2,
			number + 2n,
		]);
		assert.deepEqual(await set({ forgetMerchants: ["shop-till"] }), [
			1,
			number + 3n,
		]);
		const { money, merchants } = await module.limits();
		assert.deepEqual(money, before.money);
		assert.deepEqual(await set({ addMerchants: merchants ?? [] }), [
			1,
			number + 4n,
		]);
		assert.deepEqual(await set({ merchants: null }), [undefined, number + 5n]);
	});

	test("limits that are set at once are all set", async () => {
		await using module = await openModule(side("buyer"));
		await Promise.all([
			module.setLimits({ perPayment: 101n }, { owner }),
			module.setLimits({ perDay: 102n }, { owner }),
			module.setLimits({ inAll: 103n }, { owner }),
		]);
		const [limits] = (await module.limits()).money;
		assert.deepEqual(
			[limits?.perPayment, limits?.perDay, limits?.inAll],
			[101n, 102n, 103n],
		);
	});

	test("nothing is archived while nothing is over, and nothing overridden while nothing is behind", async () => {
		await using module = await openModule(side("buyer"));
		const { payments } = await module.archive({ expiredForDays: 30 });
		assert.equal(payments, 0);
		assert.equal(await module.behind(), undefined);
		const head = { changes: 1n, hash: "00".repeat(32), isRestored: false };
		await assert.rejects(module.unsafeOverrideBehind(head, { owner }), {
			code: "invalid-argument",
		});
	});

	test("an operator is told of no conflict, no sale and no account that there is not", async () => {
		await using issuer = await openIssuer(side("issuer"));
		for await (const conflict of issuer.conflicts()) assert.fail(conflict.id);
		for await (const { contract } of issuer.sales()) assert.fail(contract);
		assert.equal(await issuer.account("nobody"), undefined);
		assert.equal(await issuer.account("No Name"), undefined);
		const asked = await Promise.allSettled([
			issuer.evidence("00".repeat(32)),
			issuer.evidence("00"),
			issuer.open("No Name"),
			issuer.credit("nobody", 1n, { reference: "none" }),
		]);
		for (const one of asked)
			assert.equal(
				one.status === "rejected" && one.reason.code,
				"invalid-argument",
			);
	});
});
