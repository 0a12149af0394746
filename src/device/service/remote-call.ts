import { createConnection, type Socket } from "node:net";
import { isErrorCode, TetradError } from "../../errors.ts";
import type { ProcessEvent } from "../process/index.ts";
import type { AskOptions } from "./agent-service.ts";
import { GREET_WITHIN_MS, MAX_WAITING_EVENTS } from "./limits.ts";
import { LineSplitter } from "./lines.ts";
import {
	type Ask,
	decoded,
	encoded,
	lineOf,
	parseGreeting,
	parseReply,
	type Reply,
	SOCKET_VERSION,
} from "./socket-messages.ts";

/** A connection to the running agent ended before it said what came of what was asked for. */
export class ConnectionLost extends TetradError {}

/** There was no place at a running agent, or it was gone, before anything was asked for. */
export class NotReached extends TetradError {}

/** One connection to a running agent, on which one thing is asked for. */
export class RemoteCall {
	/** The agent's certified name. */
	readonly name: string;
	readonly #socket: Socket;
	readonly #replies: Replies;

	private constructor(name: string, socket: Socket, replies: Replies) {
		this.name = name;
		this.#socket = socket;
		this.#replies = replies;
	}

	/** Connects to the agent at a socket; `undefined` when none runs there. Rejects with `NotReached` when it has no place or hangs up, and with `carrier-failed` for anything else that is there. */
	static async reach(path: string): Promise<RemoteCall | undefined> {
		const socket = createConnection({ path });
		const replies = new Replies(socket);
		const timer = setTimeout(() => socket.destroy(), GREET_WITHIN_MS);
		try {
			const line = await replies.next();
			if (line === undefined) {
				if (replies.isNobody) return undefined;
				throw new NotReached(
					"carrier-failed",
					"the process of the agent has ended, or hung up, before it was asked",
				);
			}
			const greeting = parseGreeting(line);
			if ("error" in greeting) {
				const { code, message } = errorOf(greeting.error);
				throw new NotReached(code, message);
			}
			const { version, name } = greeting;
			if (version !== SOCKET_VERSION)
				throw new TetradError(
					"carrier-failed",
					`the agent at ${path} is of another version than this program; start it anew`,
				);
			return new RemoteCall(name, socket, replies);
		} catch (thrown) {
			socket.destroy();
			throw thrown;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Hangs up. */
	close(): void {
		this.#socket.destroy();
	}

	/** Asks for something that is answered once. */
	async once<With, Answer>(
		name: string,
		ask: Ask<With, Answer>,
		said: With,
		options: AskOptions = {},
	): Promise<Answer> {
		for await (const reply of this.#asked(name, ask, said, options))
			if ("answer" in reply) return decoded(ask.answer, reply.answer);
		throw lost();
	}

	/** Asks for something that is answered line by line. */
	async *list<With, Answer>(
		name: string,
		ask: Ask<With, Answer>,
		said: With,
		options: AskOptions = {},
	): AsyncGenerator<Answer, void, undefined> {
		for await (const reply of this.#asked(name, ask, said, options)) {
			if ("item" in reply) yield decoded(ask.answer, reply.item);
			if ("end" in reply) return;
		}
		throw lost();
	}

	/** What is said of it, but for its steps. Throws what the agent has thrown. */
	async *#asked<With, Answer>(
		name: string,
		ask: Ask<With, Answer>,
		said: With,
		{ signal, step }: AskOptions,
	): AsyncGenerator<Reply, void, undefined> {
		const onAbort = () => this.#socket.write(lineOf({ stop: true }));
		try {
			this.#socket.write(lineOf({ do: name, with: encoded(ask.with, said) }));
			if (signal?.aborted) onAbort();
			signal?.addEventListener("abort", onAbort, { once: true });
			for (;;) {
				const line = await this.#replies.next();
				if (line === undefined) return;
				const reply = parseReply(line);
				if ("error" in reply) throw errorOf(reply.error);
				if ("step" in reply) tell(step, reply.step as ProcessEvent);
				else yield reply;
			}
		} finally {
			signal?.removeEventListener("abort", onAbort);
			this.#socket.destroy();
		}
	}
}

/** Lines that have come and were not read yet; while many wait, no more are taken. */
class Replies {
	readonly #socket: Socket;
	readonly #splitter = new LineSplitter();
	readonly #lines: string[] = [];
	#more = Promise.withResolvers<void>();
	#isOver = false;
	#failed: unknown;
	/** Whether nobody listens there. */
	isNobody = false;

	constructor(socket: Socket) {
		this.#socket = socket;
		socket.on("data", (chunk: Buffer) => {
			try {
				this.#lines.push(...this.#splitter.push(chunk));
			} catch (thrown) {
				this.#failed = thrown;
				socket.destroy();
			}
			if (this.#lines.length > MAX_WAITING_EVENTS) socket.pause();
			this.#more.resolve();
		});
		socket.on("error", ({ code }: NodeJS.ErrnoException) => {
			this.isNobody = code === "ENOENT" || code === "ECONNREFUSED";
		});
		socket.on("close", () => {
			this.#isOver = true;
			this.#more.resolve();
		});
	}

	/** The next line, or `undefined` when no more comes. */
	async next(): Promise<string | undefined> {
		for (;;) {
			const line = this.#lines.shift();
			if (line !== undefined) return line;
			if (this.#failed !== undefined) throw this.#failed;
			if (this.#isOver) return undefined;
			this.#socket.resume();
			await this.#more.promise;
			this.#more = Promise.withResolvers();
		}
	}
}

function tell(step: AskOptions["step"], event: ProcessEvent): void {
	try {
		step?.(event);
	} catch (thrown) {
		queueMicrotask(() => {
			throw thrown;
		});
	}
}

function errorOf({
	code,
	message,
}: {
	readonly code: string;
	readonly message: string;
}): TetradError {
	return new TetradError(isErrorCode(code) ? code : "internal", message);
}

function lost(): ConnectionLost {
	return new ConnectionLost(
		"carrier-failed",
		"the process of the agent has ended, or hung up, before it answered",
	);
}
