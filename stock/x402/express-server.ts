import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Express } from "express";

/** An Express application at a free port of this machine. */
export class ExpressServer implements AsyncDisposable {
	readonly url: string;
	readonly #server: ReturnType<Express["listen"]>;

	private constructor(server: ReturnType<Express["listen"]>) {
		const { port } = server.address() as AddressInfo;
		this.url = `http://127.0.0.1:${port}`;
		this.#server = server;
	}

	static async open(app: Express): Promise<ExpressServer> {
		const server = app.listen(0, "127.0.0.1");
		await once(server, "listening");
		return new ExpressServer(server);
	}

	/** Also ends what is under way. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.close();
		this.#server.closeAllConnections();
	}
}
