/* A store in PostgreSQL that several processes have open at once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { schema, table } from "../../src/machine/index.ts";
import { openPostgresSnapshot } from "../../src/store/index.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { Script, STREAM } from "./script.ts";
import {
	both,
	type counters,
	increment,
	openAt,
	openSchema,
	type Place,
	TABLES,
	wholeNumbers,
} from "./support.ts";

const skip = NO_POSTGRES;
let server: PostgresServer;
before(async () => {
	if (skip === false) server = await PostgresServer.start();
});
after(async () => {
	await server?.[Symbol.asyncDispose]();
});

type Shared = Extract<Place, { kind: "postgres" }>;

let namespaces = 0;
function place(): Shared {
	const namespace = `shared_${String.fromCharCode(97 + namespaces++)}`;
	return { kind: "postgres", url: server.url(), namespace, isShared: true };
}

const alone = (at: Shared): Shared => ({ ...at, isShared: false });
const busy = { code: "busy" };

/** A table of the next version, and how that is come to. */
const more = table("more", { name: "text" }, ["name"]);
const addsMore = {
	to: 2,
	steps: [{ kind: "add-table", table: more as unknown as typeof counters }],
} as const;

/** Adds one to a counter so many times, eight at once, and says when it is done. */
const COUNT = (times: number) => `
	const store = await support.openAt(place);
	say("open");
	await Promise.all(Array.from({ length: 8 }, async () => {
		for (let n = 0; n < ${times / 8}; n++) await store.transact(support.increment("n"));
	}));
	await store[Symbol.asyncDispose]();
	say("done");`;

describe("PostgreSQL store that is shared", { skip }, () => {
	test("processes that open one at the same moment make it once, and lose no step of each other", async () => {
		const at = place();
		const times = 400;
		const scripts = [1, 2, 3].map(() => new Script(at, COUNT(times)));
		for (const script of scripts) {
			await script.exited;
			assert.deepEqual(script.lines, ["open", "done"], script.stderr);
		}
		await using store = await openAt(at);
		assert.equal(
			await store.transact(increment("n")),
			BigInt(times * scripts.length + 1),
		);
	});

	test("one sees at once what another has had acknowledged", async () => {
		const at = place();
		await using one = await openAt(at);
		await using other = await openAt(at);
		for (let count = 1n; count <= 20n; count++)
			assert.equal(
				await (count % 2n === 0n ? one : other).transact(increment("n")),
				count,
			);
	});

	test("whoever wants it alone waits until nobody shares it, and nobody shares what somebody has alone", async () => {
		const at = place();
		{
			await using _ = await openAt(at);
			await using __ = await openAt(at);
			await assert.rejects(openAt(alone(at)), busy);
		}
		await using _ = await openAt(alone(at));
		await assert.rejects(openAt(at), {
			...busy,
			message: /shares it with nobody/,
		});
	});

	test("when one is killed in the middle of a stream, nothing acknowledged is lost, nothing is half there, and the other goes on", async () => {
		const at = place();
		const from = (next: number) => STREAM.replace("next = 0", `next = ${next}`);
		await using survivor = new Script(at, from(1_000_000));
		await survivor.said(20);
		const said: string[] = [];
		for (let round = 0; round < 5; round++) {
			await using script = new Script(at, from(round * 10_000));
			await script.said(20 + 17 * round);
			await script.kill();
			said.push(...script.lines);
			await survivor.said(survivor.lines.length + 20);
		}
		await survivor.kill();
		said.push(...survivor.lines);
		await using store = await openAt(at);
		const numbers = await wholeNumbers(store);
		assert.deepEqual(
			said.filter((number) => !numbers.has(Number(number))),
			[],
		);
	});

	test("one that stands still in the middle of a step holds others up for seconds, and not for good", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		await using holder = new Script(
			at,
			`const { done, reading, byKey } = await import(${JSON.stringify(new URL("../../src/money/index.ts", import.meta.url).href)});
			const store = await support.openAt(place);
			await store.transact(reading([byKey(support.counters, { name: "n" })], () => {
				say("inside");
				Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
				return done([], undefined);
			}));`,
		);
		await holder.said(1);
		await assert.rejects(store.transact(both(2)), busy);
		await holder.kill();
		assert.equal(await store.transact(both(3)), 3);
		assert.deepEqual([...(await wholeNumbers(store))], [1, 3]);
	});

	test("while processes of an older version have it open a newer one is refused, and brings it over once they are gone", async () => {
		const at = place();
		const newer = schema("test", [...TABLES, more], addsMore);
		{
			await using store = await openAt(at);
			await store.transact(increment("n"));
			await assert.rejects(openSchema(at, newer), {
				...busy,
				message: /version 1/,
			});
		}
		await using one = await openSchema(at, newer);
		await using _ = await openSchema(at, newer);
		assert.equal(await one.transact(increment("n")), 2n);
	});

	test("while one that shares it brings it to the newest version another is told that, and what to do", async () => {
		const at = place();
		const { namespace } = at;
		const newer = schema("test", [...TABLES, more], addsMore);
		{
			await using _ = await openAt(at);
		}
		// A reader keeps the migration from its tables.
		const read = server
			.sql(`BEGIN; TABLE ${namespace}.counters; SELECT pg_sleep(600)`)
			.catch(() => {});
		const count = (of: string) =>
			server.sql(`SELECT count(*) FROM ${of} AND pid <> pg_backend_pid()`);
		const sleeping = "pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'";
		while ((await count(sleeping)) === "0");
		const bringing = openSchema(at, newer);
		bringing.catch(() => {});
		while ((await count("pg_locks WHERE NOT granted")) === "0");
		await assert.rejects(openSchema(at, newer), {
			...busy,
			message: /is making its tables, or bringing them to the newest version/,
		});
		await server.sql(
			`SELECT pg_terminate_backend(pid) FROM ${sleeping} AND pid <> pg_backend_pid()`,
		);
		await read;
		await using one = await bringing;
		await using _ = await openSchema(at, newer);
		assert.equal(await one.transact(increment("n")), 1n);
		// Nothing of the making is left: whoever has it alone now is told as that.
		await one[Symbol.asyncDispose]();
		await _[Symbol.asyncDispose]();
		await using __ = await openSchema(alone(at), newer);
		await assert.rejects(openSchema(at, newer), {
			...busy,
			message: /shares it with nobody/,
		});
	});

	test("whoever only looks sees what is acknowledged, and is refused before there is a store", async () => {
		const at = place();
		const look = () =>
			openPostgresSnapshot({ ...at, schema: schema("test", TABLES) });
		await assert.rejects(look(), {
			code: "store-failed",
			message: /no store yet/,
		});
		await using store = await openAt(at);
		await store.transact(both(1));
		await using view = await look();
		assert.deepEqual([...(await wholeNumbers(view))], [1]);
		await store.transact(both(2));
		assert.deepEqual([...(await wholeNumbers(view))], [1, 2]);
	});
});
