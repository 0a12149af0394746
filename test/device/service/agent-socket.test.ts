/* The socket of an agent and programs that take places there. Nothing is paid: the agent does nothing. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type {
	AgentEvent,
	AgentService,
	Balance,
} from "../../../src/device/service/agent-service.ts";
import { serveAgent } from "../../../src/device/service/agent-socket.ts";
import {
	MAX_CONNECTIONS,
	MAX_LISTENERS,
	READ_WITHIN_MS,
} from "../../../src/device/service/limits.ts";
import { RemoteAgent } from "../../../src/device/service/remote-agent.ts";
import { temporaryFolder } from "../../support/folders.ts";

/** What programs ask for here. */
class Still implements Pick<AgentService, "name" | "balance" | "events"> {
	readonly name = "alice";
	readonly #more: boolean;

	constructor(more = false) {
		this.#more = more;
	}

	async balance(): Promise<readonly Balance[]> {
		return [];
	}

	async *events({
		signal,
	}: {
		readonly signal?: AbortSignal | undefined;
	} = {}): AsyncGenerator<AgentEvent, void, undefined> {
		while (this.#more && signal?.aborted !== true)
			yield { event: "missed", count: 1 };
		const { promise, resolve } = Promise.withResolvers<void>();
		signal?.addEventListener("abort", () => resolve(), { once: true });
		if (signal?.aborted !== true) await promise;
	}
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
let open: Set<Socket>;

beforeEach(async () => {
	folder = await temporaryFolder();
	path = join(folder.path, "agent.sock");
	open = new Set();
});
afterEach(async () => {
	for (const socket of open) socket.destroy();
	await folder[Symbol.asyncDispose]();
});

const serve = (agent: Still): Promise<AsyncDisposable> =>
	serveAgent(agent as unknown as AgentService, path);

/** A program that says what it likes, until it was greeted. */
async function connect(text = ""): Promise<Socket> {
	const socket = createConnection(path);
	open.add(socket);
	socket.on("error", () => {});
	socket.write(text);
	await Promise.race([once(socket, "data"), once(socket, "close")]);
	return socket;
}

const LISTEN = '{"do":"events","with":{}}\n';

const place = () => ({
	socket: path,
	home: folder.path,
	moduleHome: undefined,
});

describe("the socket of an agent", () => {
	test("keeps places for others than those who listen", async () => {
		await using _ = await serve(new Still());
		for (let count = 0; count < MAX_CONNECTIONS; count++) await connect(LISTEN);
		const agent = await RemoteAgent.reach(place());
		assert.deepEqual(await agent?.balance(), []);
		await assert.rejects(
			async () => {
				for await (const _ of agent?.events() ?? []);
			},
			{ code: "busy", message: new RegExp(`^${MAX_LISTENERS} programs`) },
		);
	});

	test("tells whoever finds no place that it is busy, and that nothing was paid", async () => {
		await using _ = await serve(new Still());
		const agent = await RemoteAgent.reach(place());
		assert.ok(agent);
		for (let count = 0; count < MAX_CONNECTIONS; count++) await connect();
		await assert.rejects(RemoteAgent.reach(place()), { code: "busy" });
		await assert.rejects(agent.balance(), { code: "busy" });
		await assert.rejects(agent.buy("00".repeat(32)), {
			code: "busy",
			message: /^nothing was paid: the agent answers/,
		});
		const [first] = open;
		first?.destroy();
		for (let tries = 0; ; tries++) {
			const asked = await agent.balance().catch(() => undefined);
			if (asked !== undefined) break;
			assert.ok(tries < 1000, "the place stays taken");
		}
	});

	test("lets whoever listens and does not read go", async (t) => {
		t.mock.timers.enable({ apis: ["setTimeout"] });
		await using _ = await serve(new Still(true));
		const socket = await connect(LISTEN);
		socket.pause();
		let isGone = false;
		socket.on("close", () => {
			isGone = true;
		});
		for (let turns = 0; turns < 2000; turns++)
			await new Promise((resolve) => setImmediate(resolve));
		t.mock.timers.tick(READ_WITHIN_MS);
		socket.resume();
		for (let turns = 0; !isGone; turns++) {
			assert.ok(turns < 10_000, "it stays");
			await new Promise((resolve) => setImmediate(resolve));
		}
	});
});

test("a purchase that an agent never heard of is not in doubt", async () => {
	let isGone = false;
	const server = createServer((socket) => {
		if (isGone) socket.destroy();
		else socket.end('{"tetrad":"agent","version":1,"name":"alice"}\n');
	});
	server.listen(path);
	await once(server, "listening");
	const agent = await RemoteAgent.reach(place());
	assert.ok(agent);
	isGone = true;
	await assert.rejects(agent.buy("00".repeat(32)), {
		code: "carrier-failed",
		message: /^nothing was paid: .* before it was asked/,
	});
	// An earlier try may have paid, and nobody can tell.
	await writeFile(join(folder.path, "agent.db"), "no database");
	await assert.rejects(agent.buy("00".repeat(32)), {
		code: "payment-in-doubt",
	});
	server.close();
});
