/* A primary and two standbys, as docs/stores.md has it: what was acknowledged outlives the primary. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { TetradError } from "../../src/errors.ts";
import { schema } from "../../src/machine/index.ts";
import { LEDGER_SCHEMA, type Store } from "../../src/money/index.ts";
import {
	examinePostgres,
	openPostgresStore,
	type PostgresPrimary,
	type PrimaryMemory,
} from "../../src/store/index.ts";
import { openStore } from "../../src/store/postgres.ts";
import { hex } from "../../src/wire/index.ts";
import { makeLedger } from "../money/ledger-world.ts";
import {
	deposit,
	noteIn,
	pay,
	piece,
	requestId,
	withdraw,
} from "../money/mint.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { assertFailed } from "./contract.ts";
import { Script } from "./script.ts";
import {
	both,
	increment,
	openAt,
	type Place,
	TABLES,
	wholeNumbers,
} from "./support.ts";

const skip = NO_POSTGRES;
const SCHEMA = schema("test", TABLES);
const failed = { code: "store-failed" };

/** After so long something is broken that no test here is about. */
const PATIENCE_MS = 60_000;

/** Looks again until it is so. */
async function until(look: () => Promise<boolean>): Promise<void> {
	const since = performance.now();
	while (!(await look())) {
		assert.ok(performance.now() - since < PATIENCE_MS, `never: ${look}`);
		await delay(20);
	}
}

async function names(server: PostgresServer, value: string): Promise<void> {
	await server.sql(`ALTER SYSTEM SET synchronous_standby_names = '${value}'`);
	await server.sql("SELECT pg_reload_conf()");
	await until(
		async () => (await server.sql("SHOW synchronous_standby_names")) === value,
	);
}

/** Waits until so many standbys are there for commits to wait for. */
function awaited(server: PostgresServer, count: number): Promise<void> {
	return until(
		async () =>
			(await server.sql(
				"SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')",
			)) === String(count),
	);
}

/** Waits until a commit waits for a standby; answers with its process. */
async function waitingCommit(server: PostgresServer): Promise<string> {
	let pid = "";
	await until(async () => {
		pid = await server.sql(
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'tetrad' AND wait_event = 'SyncRep'",
		);
		return pid !== "";
	});
	return pid;
}

/** Settles within the time in which an answer would have come, if nobody waited for anything. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
	const settled = await Promise.race([
		promise.then(
			() => true,
			() => true,
		),
		delay(300, false),
	]);
	return !settled;
}

class Remembering implements PrimaryMemory {
	seen: PostgresPrimary | undefined;

	async recall(): Promise<PostgresPrimary | undefined> {
		return this.seen;
	}

	async remember(primary: PostgresPrimary): Promise<void> {
		this.seen = primary;
	}
}

describe("PostgreSQL store: standbys", { skip }, () => {
	let primary: PostgresServer;
	let one: PostgresServer;
	let two: PostgresServer;
	const all = () => [primary, one, two];
	before(async () => {
		if (skip !== false) return;
		primary = await PostgresServer.start({ name: "zero" });
	});
	after(async () => {
		for (const server of [two, one, primary])
			await server?.[Symbol.asyncDispose]();
	});

	const open = (url: string, namespace: string, more = {}): Promise<Store> =>
		openStore({ url, namespace, schema: SCHEMA, synchronous: true, ...more });

	test("a server that names no standby is refused, and taken by those who ask for none", async () => {
		await assert.rejects(open(primary.url(), "alone"), {
			...failed,
			message: /wait for no standby.*synchronous_standby_names is empty/,
		});
		await using store = await open(primary.url(), "alone", {
			synchronous: false,
		});
		await store.transact(increment("n"));
	});

	test("one whose standbys are not there is refused, and at once", async () => {
		await names(primary, "ANY 1 (zero, one, two)");
		await assert.rejects(open(primary.url(), "alone"), {
			...failed,
			message: /none is connected/,
		});
	});

	test("a role that may not see standbys is told what it needs, and then needs no more", async () => {
		one = await PostgresServer.startStandby(primary, { name: "one" });
		two = await PostgresServer.startStandby(primary, { name: "two" });
		await awaited(primary, 2);
		await primary.sql("CREATE ROLE plain LOGIN");
		await primary.sql("CREATE SCHEMA plain AUTHORIZATION plain");
		const url = primary.url("postgres", "plain");
		const memory = new Remembering();
		await assert.rejects(open(url, "plain", { memory }), {
			...failed,
			message: /role plain .*GRANT pg_read_all_stats/,
		});
		await primary.sql("GRANT pg_read_all_stats TO plain");
		await using store = await open(url, "plain", { memory });
		await store.transact(increment("n"));
		assert.equal(memory.seen?.timeline, 1);
	});

	test("of several servers the one is taken that can be written to, wherever it stands", async () => {
		const gone = "postgres://postgres@127.0.0.1:1,127.0.0.1:2/postgres";
		await assert.rejects(open(gone, "several"), {
			...failed,
			message: /none of 2 .*127\.0\.0\.1:1 .*127\.0\.0\.1:2 /,
		});
		const standbys = PostgresServer.urlOfAll([one, two]);
		await assert.rejects(open(standbys, "several"), {
			...failed,
			message: /none of 2 .*is a standby.*is a standby/,
		});
		for (const [at, url] of [
			PostgresServer.urlOfAll([one, two, primary]),
			PostgresServer.urlOfAll([two, primary, one]),
		].entries()) {
			await using store = await open(url, "several");
			await store.transact(both(at));
			assert.equal((await wholeNumbers(store)).size, at + 1);
		}
		const examined = await examinePostgres({
			url: PostgresServer.urlOfAll(all()),
			synchronous: true,
		});
		assert.deepEqual(
			examined.map(({ kind }) => kind),
			["taken", "standby", "standby"],
		);
	});

	test("while no standby confirms nothing is acknowledged, and when one is back the store goes on", async () => {
		await using store = await open(primary.url(), "waits");
		await store.transact(both(1));
		await Promise.all([one.stop("SIGQUIT"), two.stop("SIGQUIT")]);
		const waiting = store.transact(both(2));
		await waitingCommit(primary);
		assert.ok(await isOpen(waiting));
		await one.restart();
		assert.equal(await waiting, 2);
		await store.transact(both(3));
		await two.restart();
		await awaited(primary, 2);
	});

	test("a store that has waited long enough fails with why, is not opened without a standby, and has everything with one", async () => {
		const url = primary.url();
		{
			await using store = await open(url, "late", { batchMs: 1_000 });
			await store.transact(both(1));
			await Promise.all([one.stop("SIGQUIT"), two.stop("SIGQUIT")]);
			await assert.rejects(store.transact(both(2)), {
				...failed,
				message: /COMMIT within 1 seconds.*waits for a standby/,
			});
			await assertFailed(store);
		}
		await assert.rejects(open(url, "late"), {
			...failed,
			message: /none is connected/,
		});
		await Promise.all([one.restart(), two.restart()]);
		await awaited(primary, 2);
		await using store = await open(url, "late");
		assert.deepEqual([...(await wholeNumbers(store))], [1, 2]);
	});

	for (const [what, stopWaiting, synchronous] of [
		[
			"a commit that somebody makes stop waiting",
			(pid: string) => primary.sql(`SELECT pg_cancel_backend(${pid})`),
			true,
		],
		[
			"the same where no standby was asked for",
			(pid: string) => primary.sql(`SELECT pg_cancel_backend(${pid})`),
			false,
		],
		[
			"a commit whose session is ended while it waits",
			(pid: string) => primary.sql(`SELECT pg_terminate_backend(${pid})`),
			true,
		],
		[
			"a commit that waits for nobody any more because nobody is named",
			() => names(primary, ""),
			true,
		],
	] as const)
		test(`${what} is not acknowledged, and fails the store`, async () => {
			await using store = await open(primary.url(), "cancelled", {
				synchronous,
			});
			await store.transact(increment("n"));
			await Promise.all([one, two].map((server) => server.follow(undefined)));
			try {
				await awaited(primary, 0);
				const waiting = store.transact(increment("n"));
				const outcome = assert.rejects(waiting, failed);
				await stopWaiting(await waitingCommit(primary));
				await outcome;
				await assertFailed(store);
			} finally {
				await names(primary, "ANY 1 (zero, one, two)");
				await Promise.all([one, two].map((server) => server.follow(primary)));
				await awaited(primary, 2);
			}
		});

	test("what an opener finds is confirmed before it is seen, though nobody waited for it when it was written", async () => {
		const url = primary.url();
		{
			await using store = await open(url, "unseen");
			await store.transact(both(1));
		}
		const receivers = await Promise.all(
			[one, two].map((server) =>
				server.sql("SELECT pid FROM pg_stat_wal_receiver"),
			),
		);
		const tell = (signal: NodeJS.Signals) => {
			for (const pid of receivers) process.kill(Number(pid), signal);
		};
		let opening: Promise<Store>;
		tell("SIGSTOP");
		try {
			await primary.sql(
				`SET synchronous_commit = local; INSERT INTO unseen.left_half VALUES (2);
					INSERT INTO unseen.right_half VALUES (2, ''); UPDATE unseen.counters SET count = 2`,
			);
			opening = open(url, "unseen");
			await waitingCommit(primary);
			assert.ok(await isOpen(opening));
		} finally {
			tell("SIGCONT");
		}
		await using store = await opening;
		assert.equal((await wholeNumbers(store)).size, 2);
	});

	test("when the primary dies, what was acknowledged is on the standby that is promoted, and writers and an issuer go on there", async () => {
		const url = PostgresServer.urlOfAll(all());
		const memory = new Remembering();
		const at: Place = {
			kind: "postgres",
			url,
			namespace: "stream",
			synchronous: true,
		};
		await using ledger = await makeLedger({
			open: () =>
				openPostgresStore({
					url,
					namespace: "ledger",
					schema: LEDGER_SCHEMA,
					synchronous: true,
					memory,
				}),
		});
		const { payer, payee, issuer } = ledger;
		const note = await ledger.note(1_000n);
		await ledger.fund(payer, 10n);
		const paid = await pay(payer, payee, [piece(note, 0n, 100n)], issuer);
		const deposited = deposit(requestId(), paid, [note], issuer);
		const booked = await ledger.mint.once(payee, deposited);
		await using script = new Script(at, WRITER);
		await script.said(50);
		// From here on one of the standbys lags behind, and the other confirms all.
		await two.follow(undefined);
		await awaited(primary, 1);
		await script.said(script.lines.length + 200);
		const asked = withdraw(requestId(), 10n);
		const answered = await ledger.mint.once(payer, asked);
		await primary.killAll();
		const lost = await ledger.store().failed;
		assert.equal((lost as TetradError).code, "store-failed");
		const acknowledged = script.lines.length;

		const [received, lagging] = await Promise.all(
			[one, two].map((server) =>
				server.sql(
					"SELECT GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'",
				),
			),
		);
		assert.ok(Number(received) > Number(lagging), `${received} ${lagging}`);
		await one.sql("SELECT pg_promote()");
		await two.follow(one);
		await awaited(one, 1);

		// The writer has found it by itself.
		await script.said(acknowledged + 200);
		await script.kill();
		assert.ok(script.lines.filter((line) => line === "opened").length > 1);
		{
			await using store = await openAt(at);
			const there = await wholeNumbers(store);
			const numbers = script.lines.filter((line) => line !== "opened");
			for (const number of numbers)
				assert.ok(there.has(Number(number)), `${number} is missing`);
		}
		const mint = await ledger.restart();
		assert.equal(memory.seen?.timeline, 2);
		const [bookedAgain, answeredAgain] = await Promise.all([
			mint.once(payee, deposited),
			mint.once(payer, asked),
		]);
		assert.equal(hex(bookedAgain), hex(booked));
		assert.equal(hex(answeredAgain), hex(answered));
		noteIn(answeredAgain);
		const again = await pay(payer, payee, [piece(note, 100n, 100n)], issuer);
		await mint.once(payee, deposit(requestId(), again, [note], issuer));
		assert.equal(await ledger.balanceOf(payee), 200n);
		await ledger.sound();

		// The first primary comes back, as if nothing had happened.
		await primary.restart();
		const old = primary.url();
		await assert.rejects(open(old, "stream"), {
			...failed,
			message: /none is connected/,
		});
		await assert.rejects(open(old, "stream", { synchronous: false, memory }), {
			...failed,
			message: /timeline 1, .*timeline 2 already/,
		});
		memory.seen = { system: "1", timeline: 1 };
		await assert.rejects(open(one.url(), "stream", { memory }), {
			...failed,
			message: /belongs to the cluster/,
		});
		await using store = await open(url, "stream");
		await store.transact(both(1_000_000));
	});
});

/** Says each number that is durable. When the store fails it opens it again, until that is possible. */
const WRITER = `
	let next = 0;
	const write = async (store) => {
		for (;;) say(await store.transact(support.both(next++)));
	};
	for (;;)
		try {
			await using store = await support.openAt(place);
			say("opened");
			await Promise.all(Array.from({ length: 8 }, () => write(store)));
		} catch (why) {
			if (why.code !== "store-failed" && why.code !== "busy") throw why;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}`;
