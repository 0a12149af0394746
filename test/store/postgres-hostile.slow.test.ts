/* Servers of PostgreSQL that hang, say nonsense, or are the wrong ones: nobody waits for them for ever, and nothing is taken for theirs. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { schema } from "../../src/machine/index.ts";
import type { PostgresPrimary, PrimaryMemory } from "../../src/store/index.ts";
import { openStore } from "../../src/store/postgres.ts";
import { examineServers } from "../../src/store/postgres-examine.ts";
import {
	FalsePostgres,
	int32,
	type Lie,
	message,
	type Said,
} from "../support/false-postgres.ts";
import { TABLES } from "./support.ts";

const SCHEMA = schema("test", TABLES);
const failed = { name: "TetradError", code: "store-failed" };

/** What is asked before a server is taken, in order, by what only that question has in it. */
const BEFORE_TAKING = [
	"pg_is_in_recovery",
	"pg_settings",
	"SHOW",
	"pg_stat_replication",
	"pg_control_system",
];

/** And then, until a store is open there. */
const BEFORE_OPEN = [
	"pg_try_advisory_lock",
	"pg_logical_emit_message",
	"to_regnamespace",
];

const lieAbout =
	(what: string, said: Said): Lie =>
	(text) =>
		text.includes(what) ? said : undefined;

/** One server for each question, to which it says this. */
async function serversThatSay(
	said: Said,
	about: readonly string[],
): Promise<readonly FalsePostgres[]> {
	return Promise.all(
		about.map((what) => FalsePostgres.start(lieAbout(what, said))),
	);
}

class Remembering implements PrimaryMemory {
	readonly remembered: PostgresPrimary[] = [];

	async recall(): Promise<PostgresPrimary | undefined> {
		return this.remembered.at(-1);
	}

	async remember(primary: PostgresPrimary): Promise<void> {
		this.remembered.push(primary);
	}
}

const open = (url: string, memory: PrimaryMemory) =>
	openStore({ url, schema: SCHEMA, synchronous: true, memory, batchMs: 3_000 });

const SAID: readonly (readonly [string, Said])[] = [
	["says nothing", "nothing"],
	["has no row", []],
	["has a row of something else", [{ other: "x" }]],
	["answers with bytes of no protocol", new Uint8Array(64).fill(0xff)],
];

suite("a PostgreSQL server", { concurrency: true }, () => {
	for (const [how, said] of SAID) {
		test(`that ${how} where its state is asked for is refused, in time, and not remembered`, async () => {
			await using stack = new AsyncDisposableStack();
			const servers = await serversThatSay(said, BEFORE_TAKING);
			for (const server of servers) stack.use(server);
			const memory = new Remembering();
			const examined = await examineServers({
				url: `postgres://u:heimlich@${servers.map(({ host }) => host).join()}/x`,
				synchronous: true,
				memory,
			});
			assert.deepEqual(
				examined.map(({ kind }) => kind),
				BEFORE_TAKING.map(() => "refused"),
			);
			assert.doesNotMatch(JSON.stringify(examined), /heimlich|undefined|NaN/);
			await Promise.all(
				servers.map(({ url }) => assert.rejects(open(url, memory), failed)),
			);
			assert.deepEqual(memory.remembered, []);
		});

		test(`that ${how} while a store is opened is given up, in time, and not remembered`, async () => {
			await using stack = new AsyncDisposableStack();
			const servers = await serversThatSay(said, BEFORE_OPEN);
			for (const server of servers) stack.use(server);
			const memory = new Remembering();
			await Promise.all(
				servers.map(({ url }) =>
					assert.rejects(open(url, memory), {
						name: "TetradError",
						code: /^(store-failed|busy)$/,
					}),
				),
			);
			assert.deepEqual(memory.remembered, []);
		});
	}

	test("that asks for the password as no server does is refused, and ends no process", async () => {
		const asks = (type: number, text: string) =>
			message("R", int32(type), Buffer.from(text));
		const scram = asks(10, "SCRAM-SHA-256\0\0");
		for (const greetings of [
			[message("R")],
			[message("R", Buffer.alloc(3))],
			[scram, asks(11, "x")],
			[scram, asks(11, "r=abc,s=AAAA")],
			[scram, asks(11, "r=abc,i=4096")],
			[scram, asks(11, "r=abc,s=AAAA,i=-1")],
			[scram, asks(11, "r=abc,s=AAAA,i=1000001")],
			[scram, asks(11, "r=abc,s=AAAA,i=2147483647")],
			[Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
			[Buffer.from([0x52, 0, 0, 0, 0])],
		]) {
			await using server = await FalsePostgres.start(undefined, greetings);
			await assert.rejects(open(server.url, new Remembering()), {
				...failed,
				message: /it speaks another protocol|in a way that no server does/,
			});
		}
	});

	test("that hangs is passed over for the next one", async () => {
		await using silent = await FalsePostgres.start(lieAbout("SHOW", "nothing"));
		await using next = await FalsePostgres.start(
			lieAbout("pg_try_advisory_lock", []),
		);
		await assert.rejects(
			open(`postgres://u@${silent.host},${next.host}/x`, new Remembering()),
			(thrown: Error) => thrown.message.includes(next.host),
		);
		assert.ok(next.asked.some((text) => text.includes("advisory_lock")));
	});
});
