import express, { type RequestHandler } from "express";
import { ExpressServer } from "./express-server.ts";

/** What is paid for. */
export const PAID_ROUTE = "GET /paid";

/** An API on Express that answers so many bytes, at one address behind a middleware that has it paid for, and at another without. */
export class Api implements AsyncDisposable {
	readonly #server: ExpressServer;
	readonly #bytes: number;

	private constructor(server: ExpressServer, bytes: number) {
		this.#server = server;
		this.#bytes = bytes;
	}

	static async open(middleware: RequestHandler, bytes: number): Promise<Api> {
		const goods = Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)));
		const app = express().use(middleware);
		for (const path of ["/paid", "/unpaid"])
			app.get(path, (_, response) => {
				response.send(goods);
			});
		return new Api(await ExpressServer.open(app), bytes);
	}

	/** Gets all of an answer. Rejects when it is not the one that there is. */
	async get(
		path: "/paid" | "/unpaid",
		fetch: typeof globalThis.fetch,
	): Promise<void> {
		const response = await fetch(`${this.#server.url}${path}`);
		const { byteLength } = await response.arrayBuffer();
		if (response.status !== 200 || byteLength !== this.#bytes)
			throw new Error(`${path}: ${response.status}, ${byteLength} bytes`);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#server[Symbol.asyncDispose]();
	}
}
