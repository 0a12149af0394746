import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { schema } from "../../src/machine/index.ts";
import { byKey, done, put, reading } from "../../src/money/index.ts";
import { openPostgresStore } from "../../src/store/index.ts";
import { MAX_CONFLICTS } from "../../src/store/limits.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";
import { assertFailed, assertThere, storeContract } from "./contract.ts";
import { processesContract } from "./contract-of-processes.ts";
import { Script, STREAM } from "./script.ts";
import {
	both,
	counters,
	increment,
	left,
	openAt,
	type Place,
	TABLES,
	wholeNumbers,
} from "./support.ts";

const skip = NO_POSTGRES;
let disk: TroubledDisk;
let server: PostgresServer;
before(async () => {
	if (skip !== false) return;
	disk = await TroubledDisk.make();
	server = await PostgresServer.start({
		env: disk.env("/base/"),
		isOverTcp: true,
	});
});
after(async () => {
	await server?.[Symbol.asyncDispose]();
	await disk?.[Symbol.asyncDispose]();
});

let schemas = 0;
function place(): Extract<Place, { kind: "postgres" }> {
	const namespace = `s${"_".repeat(++schemas % 28)}${schemas < 28 ? "a" : "b"}`;
	return { kind: "postgres", url: server.url(), namespace };
}

storeContract("PostgreSQL", { make: place, skip });
processesContract("PostgreSQL", { make: place, skip });

const failed = { code: "store-failed" };

describe("PostgreSQL store: a server that fails", { skip }, () => {
	for (const [signal, what] of [
		["SIGKILL", "is killed"],
		["SIGQUIT", "is stopped at once"],
	] as const)
		test(`when it ${what} in the middle of a stream the store has failed, and nothing acknowledged is lost`, async () => {
			const at = place();
			await using script = new Script(at, STREAM);
			await script.said(50);
			await server.stop(signal);
			await script.exited;
			assert.equal(script.lines.at(-1), "store-failed", script.stderr);
			await assert.rejects(openAt(at), failed);
			await server.restart();
			await using store = await openAt(at);
			await assertThere(store, script.lines.slice(0, -1));
			await store.transact(both(1_000_000));
		});

	test("a connection that is cut fails the store and frees its lock", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		const waiting = [2, 3].map((number) => store.transact(both(number)));
		const settled = Promise.allSettled(waiting);
		await cutWriters();
		await assertFailed(store);
		await settled;
		await using again = await openAt(at);
		const numbers = await wholeNumbers(again);
		assert.ok(numbers.has(1));
		for (const [at, outcome] of (await settled).entries())
			if (outcome.status === "fulfilled") assert.ok(numbers.has(at + 2));
		await again.transact(both(4));
	});

	test("a connection that is cut within a transaction rejects it, and nothing of it is there", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		const cut = reading([byKey(counters, { name: "both" })], () => {
			server.sqlNow(
				"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tetrad'",
			);
			return both(2);
		});
		const outcomes = await Promise.allSettled([
			store.transact(both(3)),
			store.transact(cut),
			store.transact(both(4)),
		]);
		for (const outcome of outcomes) {
			assert.equal(outcome.status, "rejected");
			assert.equal(outcome.reason.code, "store-failed");
		}
		await assertFailed(store);
		await using again = await openAt(at);
		assert.deepEqual([...(await wholeNumbers(again))], [1]);
	});

	test("a snapshot whose connection is cut fails alone", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		await assert.rejects(
			store.snapshot(async (scan) => {
				server.sqlNow(
					"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tetrad' AND query NOT LIKE '%COMMIT%'",
				);
				for await (const _ of scan({ table: left }));
			}),
			failed,
		);
		assert.equal(await store.transact(both(2)), 2);
	});

	test("a full disk is store-full, and the store goes on when there is room", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		const big = (number: number) => store.transact(both(number, 100_000));
		await disk.make("full");
		try {
			const outcomes = await Promise.allSettled([2, 3, 4].map(big));
			for (const outcome of outcomes) {
				assert.equal(outcome.status, "rejected");
				assert.equal(outcome.reason.code, "store-full", inspect(outcome));
			}
			await assert.rejects(big(5), { code: "store-full" });
		} finally {
			await disk.end("full");
		}
		await big(6);
		assert.deepEqual([...(await wholeNumbers(store))], [1, 6]);
	});
});

async function cutWriters(): Promise<void> {
	await server.sql(
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tetrad'",
	);
}

describe("PostgreSQL store: other writers", { skip }, () => {
	test("a row that somebody else wrote meanwhile is read again, and the result is right", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(increment("n"));
		let tries = 0;
		const interfered = reading([byKey(counters, { name: "n" })], ([[row]]) => {
			if (++tries === 1)
				server.sqlNow(
					`UPDATE "${at.namespace}".counters SET count = count + 100`,
				);
			const count = (row?.count ?? 0n) + 1n;
			return done([put(counters, { name: "n", count })], count);
		});
		const counts = await Promise.all([
			store.transact(interfered),
			store.transact(increment("n")),
			store.transact(increment("n")),
		]);
		assert.deepEqual(counts, [102n, 103n, 104n]);
		assert.equal(tries, 2);
	});

	test("one who never stops makes the store busy, and it goes on", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(increment("n"));
		let tries = 0;
		const interfered = reading([byKey(counters, { name: "n" })], ([[row]]) => {
			tries++;
			server.sqlNow(`UPDATE "${at.namespace}".counters SET count = count + 1`);
			const count = row?.count ?? 0n;
			return done([put(counters, { name: "n", count })], count);
		});
		await assert.rejects(store.transact(interfered), { code: "busy" });
		assert.equal(tries, MAX_CONFLICTS + 1);
		assert.equal(await store.transact(increment("n")), BigInt(tries) + 2n);
	});

	test("tables that somebody takes away fail the store", async () => {
		const at = place();
		await using store = await openAt(at);
		server.sqlNow(`DROP TABLE "${at.namespace}".counters`);
		await assert.rejects(store.transact(increment("n")), failed);
		await assertFailed(store);
	});
});

describe("PostgreSQL store: opening", { skip }, () => {
	const SECRET = "hunter-2-geheim";
	const open = (url: string) =>
		openPostgresStore({ url, schema: schema("test", TABLES) });

	async function refusal(url: string): Promise<Error & { code: string }> {
		const why = await open(url).then(
			() => assert.fail("opened"),
			(thrown) => thrown,
		);
		const all = inspect(why, { depth: 10, showHidden: true });
		for (const secret of [SECRET, encodeURIComponent(SECRET)])
			assert.ok(!all.includes(secret), all);
		return why;
	}

	test("an address that is none is refused, and the password in it is not repeated", async () => {
		for (const url of [
			"",
			SECRET,
			`mysql://a:${SECRET}@localhost/x`,
			`postgres://a:${SECRET}@[::1/x`,
			`postgres://a:${SECRET}@host:port/x`,
			`postgres://a:${SECRET}%@host/x`,
			`postgres://a:${SECRET}@one,/x`,
			`postgres://a:${SECRET}@one,two:port/x`,
			`postgres://a:${SECRET}@one/x?port=1,2`,
			`postgres://a:${SECRET}@one/x?target_session_attrs=any`,
			`postgres://a:${SECRET}@host/x?sslmode=require`,
			`postgres://a:${SECRET}@host/x?password=${SECRET}`,
		])
			assert.equal((await refusal(url)).code, "invalid-argument", url);
	});

	test("a server that is not there is named within seconds", async () => {
		const refused = await refusal(`postgres://a:${SECRET}@127.0.0.1:1/x`);
		assert.equal(refused.code, "store-failed");
		assert.match(refused.message, /127\.0\.0\.1:1 .*ECONNREFUSED.*check/);
		const unknown = await refusal(`postgres://a:${SECRET}@nobody.invalid/x`);
		assert.equal(unknown.code, "store-failed");
		assert.match(unknown.message, /nobody\.invalid:5432/);
		const noSocket = await refusal(
			`postgres://a:${SECRET}@localhost/x?host=/nowhere`,
		);
		assert.match(noSocket.message, /\/nowhere/);
	});

	/** What an opener is told of somebody who says only this, or nothing and waits. */
	async function refusalOfStranger(said?: string): Promise<string> {
		const stranger = createServer((socket) => {
			socket.on("error", () => {});
			if (said !== undefined) socket.end(said);
		});
		await new Promise<void>((resolve) =>
			stranger.listen(0, "127.0.0.1", resolve),
		);
		const { port } = stranger.address() as { port: number };
		const why = await refusal(`postgres://a:${SECRET}@127.0.0.1:${port}/x`);
		stranger.close();
		return why.code;
	}

	// It takes seconds, in which the other tests run.
	let ofSilence: Promise<string>;
	before(() => {
		ofSilence = refusalOfStranger();
		ofSilence.catch(() => {});
	});

	test("somebody else who listens there is given up", async () => {
		for (const said of ["", "HTTP/1.1 400 Bad Request\r\n\r\n"])
			assert.equal(await refusalOfStranger(said), "store-failed", said);
	});

	test("a wrong password, user or database is refused, and a right one opens", async () => {
		await server.sql(`CREATE ROLE locked LOGIN PASSWORD '${SECRET}'`);
		await server.sql("CREATE DATABASE locked OWNER locked");
		await server.demandPassword("locked");
		const url = server.url("locked", `locked:${SECRET}`);
		for (const wrong of [
			url.replace(SECRET, `${SECRET}x`),
			url.replace(`:${SECRET}`, ""),
			url.replace("/locked", "/missing"),
			url.replace("locked:", "missing:"),
		])
			assert.equal((await refusal(wrong)).code, "store-failed", wrong);
		await using store = await open(url);
		await store.transact(increment("n"));
		assert.doesNotMatch(
			inspect(store, { depth: 10, showHidden: true }),
			new RegExp(SECRET),
		);
	});

	test("a schema of somebody else is refused, and an empty one taken", async () => {
		const at = place();
		server.sqlNow(
			`CREATE SCHEMA "${at.namespace}"; CREATE TABLE "${at.namespace}".x ()`,
		);
		await assert.rejects(openAt(at), {
			...failed,
			message: /another program/,
		});
		server.sqlNow(`DROP TABLE "${at.namespace}".x`);
		await using store = await openAt(at);
		await store.transact(increment("n"));
	});

	test("another version is refused with a sentence that says both", async () => {
		const at = place();
		await (await openAt(at))[Symbol.asyncDispose]();
		server.sqlNow(
			`UPDATE "${at.namespace}"."store:meta" SET value = '7' WHERE name = 'version'`,
		);
		await assert.rejects(openAt(at), {
			...failed,
			message: /version 7 .*version 1/,
		});
	});

	test("a server that syncs nothing is refused, unless that is asked for", async () => {
		for (const setting of ["fsync", "full_page_writes"]) {
			await server.set(setting, "off");
			const at = place();
			await assert.rejects(openAt(at), {
				...failed,
				message: new RegExp(`${setting} = off`),
			});
			await using store = await openPostgresStore({
				...at,
				schema: schema("test", TABLES),
				unsafeServerWithoutFsync: true,
			});
			await store.transact(increment("n"));
			await server.set(setting, "on");
		}
	});

	test("a server whose commits do not wait for the disk is told to wait", async () => {
		await server.set("synchronous_commit", "off");
		await using store = await openAt(place());
		await store.transact(increment("n"));
		await server.set("synchronous_commit", "on");
	});

	test("a server across a network shows a certificate for its name, or is refused", async () => {
		const certificate = await server.offerTls();
		const right = `${server.tcpUrl("localhost")}?sslmode=verify-full`;
		const otherName = `${server.tcpUrl("127.0.0.1")}?sslmode=verify-full`;
		// Whom a process trusts is settled when it starts.
		const script = `
			await support.openAt({ ...place, url: ${JSON.stringify(otherName)} })
				.then(() => say("opened"), (why) => say(why.code + ": " + why.message));
			const store = await support.openAt({ ...place, url: ${JSON.stringify(right)} });
			await store.snapshot(async () => {});
			say(await store.transact(support.both(1, 300_000)));
			say((await store.failed).code);`;
		const at = place();
		const trusting = { NODE_EXTRA_CA_CERTS: certificate };
		await using child = new Script(at, script, trusting);
		await child.said(2);
		assert.match(child.lines[0] ?? "", /^store-failed: .*altnames/);
		assert.equal(child.lines[1], "1");
		await cutWriters();
		await child.exited;
		assert.equal(child.lines[2], "store-failed", child.stderr);
		await assert.rejects(openAt({ ...at, url: right }), {
			...failed,
			message: /certificate/,
		});
		await server.set("ssl", "off");
		await assert.rejects(openAt({ ...at, url: right }), failed);
		await using store = await openAt({
			...at,
			url: server.tcpUrl("127.0.0.1"),
		});
		await assertThere(store, ["1"]);
	});

	test("two schemas of one database are two stores", async () => {
		await using one = await openAt(place());
		await using two = await openAt(place());
		await Promise.all([one, two].map((store) => store.transact(both(1))));
		assert.equal((await wholeNumbers(two)).size, 1);
	});

	test("names of schemas that would need care are refused", async () => {
		for (const namespace of ["", "A", 'a"b', "a b", "x".repeat(31)])
			await assert.rejects(openAt({ ...place(), namespace }), {
				code: "invalid-argument",
			});
	});

	test("somebody who listens and says nothing is given up within seconds", async () => {
		assert.equal(await ofSilence, "store-failed");
	});
});
