/* The store of an agent in PostgreSQL, which its processes share. */
import assert from "node:assert/strict";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
	AgentStore,
	agentStorePlace,
	hasAgentStore,
	moveAgentStore,
	requireSharedStore,
	viewAgentStore,
	viewLog,
} from "../../src/device/purse/index.ts";
import { viewSales } from "../../src/device/trade/index.ts";
import { readSale, recordSale } from "../../src/trade/records/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";

const skip = NO_POSTGRES;
let server: PostgresServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
	if (skip !== false) return;
	server = await PostgresServer.start();
	folder = await temporaryFolder();
	await writeFile(join(folder.path, "url"), `${server.url()}\n`, {
		mode: 0o600,
	});
});
after(async () => {
	await folder?.[Symbol.asyncDispose]();
	await server?.[Symbol.asyncDispose]();
});

const module = new Uint8Array(41).fill(3);
const head = (number: number) => ({
	number: BigInt(number),
	hash: new Uint8Array(32).fill(number),
});

function sale(number: number): Parameters<typeof recordSale>[0] {
	return {
		contract: new Uint8Array(32).fill(number),
		time: BigInt(number),
		buyer: "alice",
		buyer_agent: new Uint8Array(41),
		item: "photo.jpg",
		issuer: new Uint8Array(41),
		currency: "EUR",
		exponent: 2n,
		play: 0n,
		amount: 420n,
		receipt: new Uint8Array(20),
		receipt_chain: new Uint8Array(30),
		rail: "own-notes",
		mint: "",
		unit: "",
	};
}

let made = 0;
/** An agent of its own, since each has a namespace of its own. */
async function agentHome(): Promise<string> {
	const all = await Homes.make(join(folder.path, `agents-${++made}`));
	return all.of("B");
}

const toPostgres = () => ({ file: join(folder.path, "url") });
const shared = { isShared: true };

describe("the store of an agent that moves to PostgreSQL", { skip }, () => {
	test("has all that was in the home, and goes on there; what was in the home stands aside", async () => {
		const home = await agentHome();
		{
			await using store = await AgentStore.open(home);
			await store.keep(module, head(5));
			for (let number = 1; number <= 3; number++)
				await store.transact(recordSale(sale(number)));
		}
		const log = await viewLog(home, 100);
		const { namespace } = await moveAgentStore(home, toPostgres());
		assert.match(namespace, /^agent_[a-z]{20}$/);
		assert.deepEqual(await viewLog(home, 100), log);
		assert.equal((await viewSales(home, 100)).length, 3);
		const names = await readdir(home);
		assert.ok(names.includes("agent.db.moved") && !names.includes("agent.db"));
		await using store = await AgentStore.open(home);
		assert.deepEqual(store.head(module), head(5));
		await store.transact(recordSale(sale(4)));
		assert.equal((await viewLog(home, 100)).length, log.length + 1);
		assert.equal((await agentStorePlace(home)).kind, "postgres");
		// The address is nowhere in the home.
		const file = await readFile(join(home, "store.json"), "utf8");
		assert.ok(!file.includes("postgres://"), file);
	});

	test("may be moved before there is anything in it", async () => {
		const home = await agentHome();
		assert.equal(await hasAgentStore(home), false);
		await moveAgentStore(home, toPostgres());
		assert.equal(await hasAgentStore(home), true);
		assert.deepEqual(await viewSales(home, 100), []);
	});

	test("is moved once, and not over the rows of a move that came to nothing", async () => {
		const home = await agentHome();
		const copy = join(folder.path, "copy");
		{
			await using store = await AgentStore.open(home);
			await store.transact(recordSale(sale(1)));
		}
		await cp(home, copy, { recursive: true });
		await moveAgentStore(home, toPostgres());
		await assert.rejects(moveAgentStore(home, toPostgres()), {
			code: "home-unusable",
			message: /already/,
		});
		await assert.rejects(moveAgentStore(copy, toPostgres()), {
			code: "store-failed",
			message: /DROP SCHEMA/,
		});
		await using store = await AgentStore.open(copy);
		assert.ok(await store.transact(readSale(sale(1).contract)));
	});

	test("is not moved while somebody has it open", async () => {
		const home = await agentHome();
		await using store = await AgentStore.open(home);
		await store.transact(recordSale(sale(1)));
		await assert.rejects(moveAgentStore(home, toPostgres()), { code: "busy" });
	});
});

describe("the store of an agent of several processes", { skip }, () => {
	test("is none in the home, which says what to do", async () => {
		const home = await agentHome();
		for (const opening of [
			() => AgentStore.open(home, shared),
			() => requireSharedStore(home),
		])
			await assert.rejects(opening, {
				code: "invalid-argument",
				message: /tetrad store --home .* --database-file/,
			});
		assert.equal(await hasAgentStore(home), false);
	});

	test("knows before each tetrad what the others have heard of their module's purse, and never goes back", async () => {
		const home = await agentHome();
		await moveAgentStore(home, toPostgres());
		await using one = await AgentStore.open(home, shared);
		await using other = await AgentStore.open(home, shared);
		await one.keep(module, head(7));
		assert.equal(other.head(module), undefined);
		await other.catchUp(module);
		assert.deepEqual(other.head(module), head(7));
		// What one is told late is older than what another was told.
		await other.keep(module, head(9));
		await one.keep(module, head(8));
		assert.deepEqual(one.head(module), head(9));
		await using third = await AgentStore.open(home, shared);
		assert.deepEqual(third.head(module), head(9));
	});

	test("has one log, whoever writes", async () => {
		const home = await agentHome();
		await moveAgentStore(home, toPostgres());
		await using one = await AgentStore.open(home, shared);
		await using other = await AgentStore.open(home, shared);
		await Promise.all(
			Array.from({ length: 60 }, (_, number) =>
				(number % 2 === 0 ? one : other).transact(recordSale(sale(number))),
			),
		);
		const rows = await viewLog(home, 100);
		assert.equal(rows.length, 60);
		assert.equal(new Set(rows.map(({ number }) => number)).size, 60);
	});

	test("of the same sale told to two of them keeps one", async () => {
		const home = await agentHome();
		await moveAgentStore(home, toPostgres());
		await using one = await AgentStore.open(home, shared);
		await using other = await AgentStore.open(home, shared);
		await Promise.all(
			[one, other, one, other].map((store) =>
				store.transact(recordSale(sale(1))),
			),
		);
		await using view = await viewAgentStore(home);
		assert.ok(view);
		assert.equal((await viewSales(home, 100)).length, 1);
		assert.equal((await viewLog(home, 100)).length, 1);
	});

	test("keeps others out who would have it alone, and says nothing was found when the server is gone, until it is back", async () => {
		const home = await agentHome();
		await moveAgentStore(home, toPostgres());
		await using one = await AgentStore.open(home, shared);
		await one.keep(module, head(1));
		await assert.rejects(AgentStore.open(home), { code: "busy" });
		await server.stop("SIGKILL");
		await assert.rejects(async () => one.catchUp(module), {
			code: "store-failed",
		});
		await assert.rejects(one.keep(module, head(2)), { code: "store-failed" });
		await assert.rejects(viewSales(home, 1), { code: "store-failed" });
		await server.restart();
		await one.catchUp(module);
		assert.deepEqual(one.head(module), head(1));
		await one.keep(module, head(2));
		assert.deepEqual(one.head(module), head(2));
	});
});

test("the store of several processes outlives its primary, and all of them go on at the standby that was promoted", {
	skip,
}, async () => {
	await using stack = new AsyncDisposableStack();
	const primary = stack.use(await PostgresServer.start({ name: "zero" }));
	// Before there are any: they have the same settings, and one of them needs them.
	await primary.sql(
		"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (zero, one, two)'",
	);
	await primary.sql("SELECT pg_reload_conf()");
	// One after another: of two at once the second would outlive a failure of the first, and the test.
	const standby = async (name: string) =>
		stack.use(await PostgresServer.startStandby(primary, { name }));
	const one = await standby("one");
	const two = await standby("two");
	const awaited = async (server: PostgresServer, count: string) => {
		for (let looked = 0; looked < 500; looked++) {
			const seen = await server.sql(
				"SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')",
			);
			if (seen === count) return;
			await delay(20);
		}
		assert.fail(`${count} standbys were to be there`);
	};
	await awaited(primary, "2");
	const home = await agentHome();
	const url = join(home, "url");
	const all = PostgresServer.urlOfAll([primary, one, two]);
	await writeFile(url, `${all}\n`, { mode: 0o600 });
	await moveAgentStore(home, { file: url, synchronous: true });
	const stores = [
		stack.use(await AgentStore.open(home, shared)),
		stack.use(await AgentStore.open(home, shared)),
	];
	const acknowledged: number[] = [];
	const until = async (count: number) => {
		for (let looked = 0; acknowledged.length < count; looked++) {
			assert.ok(looked < 1500, `${count} are acknowledged`);
			await delay(20);
		}
	};
	let number = 0;
	let isOver = false;
	const selling = stores.map(async (store) => {
		while (!isOver) {
			const next = ++number;
			const contract = new Uint8Array(32);
			new DataView(contract.buffer).setUint32(0, next);
			const row = { ...sale(0), contract, time: BigInt(next) };
			await store.transact(recordSale(row)).then(
				() => acknowledged.push(next),
				() => delay(50),
			);
		}
	});
	await until(40);
	await primary.killAll();
	const received = await Promise.all(
		[one, two].map((server) =>
			server.sql(
				"SELECT GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'",
			),
		),
	);
	const [next, other] =
		Number(received[0]) >= Number(received[1]) ? [one, two] : [two, one];
	await next.sql("SELECT pg_promote()");
	await other.follow(next);
	await awaited(next, "1");
	await until(acknowledged.length + 40).finally(() => {
		isOver = true;
	});
	await Promise.all(selling);
	const there = new Set(
		(await viewSales(home, 100_000)).map(({ time }) => Number(time)),
	);
	assert.deepEqual(
		acknowledged.filter((one) => !there.has(one)),
		[],
	);
	const memory = JSON.parse(
		await readFile(join(home, "store.primary.json"), "utf8"),
	);
	assert.equal(memory.timeline, 2);
});
