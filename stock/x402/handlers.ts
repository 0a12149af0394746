/*
 * What the APIs of these tests answer, whichever framework serves them: the last part of a path
 * says it. `/sealed/…` and `/prepaid/…` are paid for, and of `/ran`, `/is-held` and `/release` each test knows.
 */
import { openAgent } from "../../src/entry/index.ts";
import {
	TetradPayments,
	type TetradPaymentsOptions,
} from "../../src/entry/x402.ts";

/** What a handler answers. */
export interface Answer {
	readonly status: number;
	readonly type: string;
	/** Pieces; a stream that ends. */
	readonly body: readonly Uint8Array<ArrayBuffer>[];
}

/** How the handlers of one API do, which counts how often each path was answered. */
export class Handlers {
	readonly ran: Record<string, number> = {};
	readonly #held = new Map<string, PromiseWithResolvers<void>>();

	/** Answers a request; what it rejects with, a framework makes a failure of. */
	async answer(path: string, body: unknown): Promise<Answer> {
		this.ran[path] = (this.ran[path] ?? 0) + 1;
		const [kind = "", status = "200"] = path.split("/").slice(2);
		switch (kind) {
			case "throws":
				throw new Error("a handler that throws, as it is to");
			case "hangs":
				return new Promise(() => {});
			case "held":
				this.#at(`${path} is held`).resolve();
				await this.#at(`${path} goes on`).promise;
				return json(200, { path });
			case "empty":
				return { status: 204, type: "text/plain", body: [] };
			case "status":
				return json(Number(status), { path });
			case "bytes":
				return {
					status: 200,
					type: "application/octet-stream",
					body: pieces(8),
				};
			case "streams":
				return { status: 200, type: "text/plain", body: pieces(20_000) };
			default:
				return json(200, { path, body });
		}
	}

	/** Resolves when a path is held. */
	async held(path: string): Promise<void> {
		await this.#at(`${path} is held`).promise;
	}

	/** Lets what is held at a path go on. */
	release(path: string): void {
		this.#at(`${path} goes on`).resolve();
	}

	#at(what: string): PromiseWithResolvers<void> {
		const at = this.#held.get(what) ?? Promise.withResolvers();
		this.#held.set(what, at);
		return at;
	}
}

/** Opens the agent of a side with its module, and sells. */
export async function paidFor(
	home: string,
	options: TetradPaymentsOptions,
): Promise<TetradPayments> {
	const agent = await openAgent(home, { moduleRuns: "inside-agent" });
	return TetradPayments.open(agent, options);
}

/** What a test waits for. */
export function isListening(url: string): void {
	console.log(JSON.stringify({ event: "listening", address: url }));
}

function json(status: number, value: unknown): Answer {
	const body = [new TextEncoder().encode(JSON.stringify(value))];
	return { status, type: "application/json", body };
}

function pieces(count: number): Uint8Array<ArrayBuffer>[] {
	return Array.from({ length: count }, (_, at) =>
		new Uint8Array(1000).fill(at),
	);
}
