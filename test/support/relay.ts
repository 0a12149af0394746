import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "../../src/carrier/index.ts";

/** Carries TCP to an address, counts its bytes, and can be cut like a network. */
export class Relay implements AsyncDisposable {
	readonly address: string;
	/** In both directions, without the headers of TCP. */
	bytes = 0;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();

	private constructor(server: Server, port: number) {
		this.#server = server;
		this.address = `127.0.0.1:${port}`;
	}

	static async to(address: string): Promise<Relay> {
		const target = parseAddress(address);
		if (target.kind !== "tcp") throw new Error("a relay is for TCP");
		const server = createServer();
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const own = server.address();
		if (own === null || typeof own === "string")
			throw new Error("the relay has no port");
		const relay = new Relay(server, own.port);
		server.on("connection", (near) => {
			const far = connect(target.port, target.host);
			relay.#carry(near, far);
			relay.#carry(far, near);
		});
		return relay;
	}

	/** Breaks all that is open: what was not carried yet is lost. */
	cut(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.cut();
		this.#server.close();
	}

	#carry(from: Socket, to: Socket): void {
		from.setNoDelay();
		this.#sockets.add(from);
		from.on("data", (data) => {
			this.bytes += data.length;
			to.write(data);
		});
		from.on("end", () => to.end());
		from.on("error", () => to.destroy());
		from.on("close", () => {
			this.#sockets.delete(from);
			to.destroy();
		});
	}
}
