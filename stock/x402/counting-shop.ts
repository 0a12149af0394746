import express, { type RequestHandler } from "express";
import { ExpressServer } from "./express-server.ts";

/** The routes of the shop that are paid for, all of one price. */
export const PAID_ROUTES = ["GET /a", "GET /b", "GET /held"] as const;

/** An API on Express that counts how often its handlers run, behind a middleware that has it paid for. */
export class CountingShop implements AsyncDisposable {
	/** How often a handler has begun. */
	ran = 0;
	/** Told when one has. */
	onRun: () => void = () => {};
	readonly #server: ExpressServer;
	readonly #released: PromiseWithResolvers<void>;

	private constructor(
		server: ExpressServer,
		released: PromiseWithResolvers<void>,
	) {
		this.#server = server;
		this.#released = released;
	}

	static async open(paid: RequestHandler): Promise<CountingShop> {
		const released = Promise.withResolvers<void>();
		const app = express().use(paid);
		for (const path of ["/a", "/b"])
			app.get(path, (_, response) => {
				shop.#count();
				response.json({ path });
			});
		app.get("/held", async (_, response) => {
			shop.#count();
			await released.promise;
			response.json({ path: "/held" });
		});
		const shop = new CountingShop(await ExpressServer.open(app), released);
		return shop;
	}

	get url(): string {
		return this.#server.url;
	}

	/** Lets what is held answer. */
	release(): void {
		this.#released.resolve();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#server[Symbol.asyncDispose]();
	}

	#count(): void {
		this.ran++;
		this.onRun();
	}
}
