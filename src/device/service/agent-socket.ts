import { createServer, type Socket } from "node:net";
import { bindPrivately } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { AgentEvent, AgentService } from "./agent-service.ts";
import {
	ASK_WITHIN_MS,
	CLOSE_WITHIN_MS,
	MAX_CONNECTIONS,
	MAX_LISTENERS,
	MAX_TURNED_AWAY,
	MAX_UNSENT_BYTES,
	READ_WITHIN_MS,
} from "./limits.ts";
import { LineSplitter } from "./lines.ts";
import {
	ASKS,
	type Asks,
	decoded,
	encoded,
	LISTS,
	type Lists,
	lineOf,
	parseRequest,
	type Reply,
	SOCKET_VERSION,
} from "./socket-messages.ts";

/**
 * Answers programs of this user at a Unix socket, until what it resolves to is disposed of. What an
 * agent can do can be asked for there, and nothing that only the owner of its module may do.
 * Rejects with `address-in-use` and `carrier-failed`.
 */
export async function serveAgent(
	agent: AgentService,
	path: string,
): Promise<AsyncDisposable> {
	const served = new Set<Served>();
	const listeners = new Set<Served>();
	const server = createServer({ allowHalfOpen: false }, (socket) => {
		if (served.size >= MAX_CONNECTIONS) return turnAway(socket);
		const one = new Served(agent, socket, listeners);
		served.add(one);
		void one.over.then(() => served.delete(one));
	});
	server.maxConnections = MAX_CONNECTIONS + MAX_TURNED_AWAY;
	await bindPrivately(server, path);
	// One connection that cannot be taken ends no others.
	server.on("error", () => {});
	return {
		async [Symbol.asyncDispose]() {
			server.close();
			for (const one of served) one.stop();
			await Promise.all([...served].map(({ over }) => over));
		},
	};
}

/** Says in the place of the greeting, before anything can be asked, that there is no place. */
function turnAway(socket: Socket): void {
	socket.on("error", () => {});
	const { code, message } = busy(
		`the agent answers ${MAX_CONNECTIONS} programs at once, and as many ask already; ask again when one has ended`,
	);
	socket.end(lineOf({ error: { code, message } }));
	const timer = setTimeout(() => socket.destroy(), CLOSE_WITHIN_MS);
	socket.on("close", () => clearTimeout(timer));
	socket.resume();
}

function busy(message: string): TetradError {
	return new TetradError("busy", message);
}

/** One program, which asks one thing. */
class Served {
	/** Resolves when nothing of it is left. */
	readonly over: Promise<void>;
	readonly #agent: AgentService;
	readonly #socket: Socket;
	/** Those of all programs that listen to events. */
	readonly #listeners: Set<Served>;
	readonly #lines = new LineSplitter();
	readonly #stop = new AbortController();
	readonly #closed = Promise.withResolvers<void>();
	#working: Promise<void> | undefined;
	readonly #patience: NodeJS.Timeout;

	constructor(agent: AgentService, socket: Socket, listeners: Set<Served>) {
		this.#agent = agent;
		this.#socket = socket;
		this.#listeners = listeners;
		socket.on("close", () => listeners.delete(this));
		this.over = this.#closed.promise.then(() => this.#working);
		socket.on("data", (chunk: Buffer) => this.#hear(chunk));
		socket.on("error", () => {});
		socket.on("close", () => {
			clearTimeout(this.#patience);
			// Whoever asked has gone: as if it had said stop.
			this.#stop.abort();
			this.#closed.resolve();
		});
		this.#patience = setTimeout(() => socket.destroy(), ASK_WITHIN_MS);
		const greeting = { tetrad: "agent", version: SOCKET_VERSION } as const;
		socket.write(lineOf({ ...greeting, name: agent.name }));
	}

	/** Stops what was asked for; what came of that is said, and the connection ends. */
	stop(): void {
		this.#stop.abort();
		if (this.#working === undefined) this.#socket.destroy();
	}

	#hear(chunk: Uint8Array): void {
		try {
			for (const line of this.#lines.push(chunk)) this.#asked(line);
		} catch (thrown) {
			// Whoever speaks otherwise is told so, and what it has asked for is stopped.
			this.#stop.abort();
			this.#fail(thrown);
		}
	}

	#asked(line: string): void {
		const request = parseRequest(line);
		if ("stop" in request) return this.#stop.abort();
		if (this.#working !== undefined)
			throw new TetradError(
				"malformed",
				"a connection asks one thing; make another one",
			);
		clearTimeout(this.#patience);
		this.#working = this.#answer(request.do, request.with).catch(
			(thrown: unknown) => this.#fail(thrown),
		);
	}

	async #answer(name: string, said: unknown): Promise<void> {
		if (Object.hasOwn(ASKS, name)) {
			const answer = await this.#once(name as keyof Asks, said);
			return this.#last({ answer });
		}
		if (!Object.hasOwn(LISTS, name))
			throw new TetradError("malformed", "nobody knows what was asked for");
		for await (const item of this.#list(name as keyof Lists, said)) {
			this.#say({ item });
			await this.#drained();
			if (this.#stop.signal.aborted) break;
		}
		this.#last({ end: true });
	}

	async #once(name: keyof Asks, said: unknown): Promise<unknown> {
		const agent = this.#agent;
		const how = { signal: this.#stop.signal, step: this.#step };
		switch (name) {
			case "quote": {
				const { merchant, item, ...options } = decoded(ASKS.quote.with, said);
				const quote = await agent.quote(merchant, item, { ...options, ...how });
				return encoded(ASKS.quote.answer, quote);
			}
			case "buy": {
				const { quote, ...options } = decoded(ASKS.buy.with, said);
				const bought = await agent.buy(quote, { ...options, ...how });
				return encoded(ASKS.buy.answer, bought);
			}
			case "balance":
				decoded(ASKS.balance.with, said);
				return encoded(ASKS.balance.answer, await agent.balance());
			case "receipt": {
				const { contract } = decoded(ASKS.receipt.with, said);
				return encoded(ASKS.receipt.answer, await agent.receipt(contract));
			}
			case "dispute": {
				const { contract } = decoded(ASKS.dispute.with, said);
				return encoded(ASKS.dispute.answer, await agent.dispute(contract));
			}
			case "settle":
				decoded(ASKS.settle.with, said);
				await agent.settle(how);
				return null;
			case "resolve": {
				const options = decoded(ASKS.resolve.with, said);
				const resumed = await agent.resolve({ ...options, ...how });
				return encoded(ASKS.resolve.answer, resumed);
			}
			case "takeRefund": {
				const { contract } = decoded(ASKS.takeRefund.with, said);
				const amount = await agent.takeRefund(contract, how);
				return encoded(ASKS.takeRefund.answer, amount);
			}
			case "approvals":
				decoded(ASKS.approvals.with, said);
				return encoded(ASKS.approvals.answer, await agent.approvals());
			case "status":
				decoded(ASKS.status.with, said);
				return encoded(ASKS.status.answer, await agent.status());
		}
	}

	async *#list(name: keyof Lists, said: unknown): AsyncIterable<unknown> {
		const agent = this.#agent;
		const { signal } = this.#stop;
		switch (name) {
			case "catalogue": {
				const { merchant } = decoded(LISTS.catalogue.with, said);
				const how = { signal, step: this.#step };
				for await (const item of agent.catalogue(merchant, how))
					yield encoded(LISTS.catalogue.answer, item);
				return;
			}
			case "history":
				for await (const entry of agent.history(
					decoded(LISTS.history.with, said),
				))
					yield encoded(LISTS.history.answer, entry);
				return;
			case "purchases":
				for await (const purchase of agent.purchases(
					decoded(LISTS.purchases.with, said),
				))
					yield encoded(LISTS.purchases.answer, purchase);
				return;
			case "sales":
				for await (const sale of agent.sales(decoded(LISTS.sales.with, said)))
					yield encoded(LISTS.sales.answer, sale);
				return;
			case "events":
				decoded(LISTS.events.with, said);
				if (this.#listeners.size >= MAX_LISTENERS)
					throw busy(
						`${MAX_LISTENERS} programs listen to this agent already, which is all it takes`,
					);
				this.#listeners.add(this);
				for await (const event of agent.events({ signal }))
					yield encoded(LISTS.events.answer, event);
				return;
		}
	}

	/** A purchase does not wait for whoever watches it: how many bytes have come is left out while nobody reads. */
	readonly #step = (event: AgentEvent): void => {
		if (event.event === "progress" && this.#socket.writableNeedDrain) return;
		this.#say({ step: event });
	};

	#say(reply: Reply): void {
		if (this.#socket.destroyed) return;
		this.#socket.write(lineOf(reply));
		if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#socket.destroy();
	}

	/** Whoever does not take it in time goes without. */
	#last(reply: Reply): void {
		this.#say(reply);
		this.#socket.end();
		const timer = setTimeout(() => this.#socket.destroy(), CLOSE_WITHIN_MS);
		void this.#closed.promise.then(() => clearTimeout(timer));
	}

	#fail(thrown: unknown): void {
		const { code, message } = asTetradError(thrown);
		this.#last({ error: { code, message } });
	}

	/** Resolves when the program has read, is gone, or wants no more. One that reads nothing for too long is let go. */
	async #drained(): Promise<void> {
		const socket = this.#socket;
		const { signal } = this.#stop;
		if (!socket.writableNeedDrain || signal.aborted) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const go = () => resolve();
		socket.once("drain", go);
		signal.addEventListener("abort", go, { once: true });
		const timer = setTimeout(() => socket.destroy(), READ_WITHIN_MS);
		await promise;
		clearTimeout(timer);
		socket.off("drain", go);
		signal.removeEventListener("abort", go);
	}
}
