import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";

/** The routes of the shop that are paid for, all of one price. */
export const PAID_ROUTES = ["GET /a", "GET /b", "GET /held"] as const;

/** An API on Express that counts how often its handlers run, behind a middleware that has it paid for. */
export class CountingShop implements AsyncDisposable {
	readonly url: string;
	/** How often a handler has begun. */
	ran = 0;
	/** Told when one has. */
	onRun: () => void = () => {};
	readonly #server: Server;
	readonly #released = Promise.withResolvers<void>();

	private constructor(server: Server, url: string) {
		this.#server = server;
		this.url = url;
	}

	static async open(paid: RequestHandler): Promise<CountingShop> {
		const app = express();
		const server = app.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const shop = new CountingShop(server, `http://127.0.0.1:${port}`);
		app.use(paid);
		for (const path of ["/a", "/b"])
			app.get(path, (_, response) => {
				shop.#count();
				response.json({ path });
			});
		app.get("/held", async (_, response) => {
			shop.#count();
			await shop.#released.promise;
			response.json({ path: "/held" });
		});
		return shop;
	}

	/** Lets what is held answer. */
	release(): void {
		this.#released.resolve();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.close();
		this.#server.closeAllConnections();
	}

	#count(): void {
		this.ran++;
		this.onRun();
	}
}
