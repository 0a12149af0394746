import { once } from "node:events";
import {
	closeSync,
	fsyncSync,
	linkSync,
	openSync,
	unlinkSync,
	writeSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

/** What one commit of a small row brings to the disk: one page of a database. */
const PAGE_BYTES = 4096;

/** Pages that a journal has room for before it begins anew, as the log of a database does. */
const JOURNAL_PAGES = 256;

/** About what a message has that carries documents and no merchandise. */
const MESSAGE_BYTES = 1024;

/** Makes each page that is written a new one. */
let count = 0;

/**
 * What a purchase cannot do without, and nothing else: its round trips as bytes over loopback TCP,
 * and its durable writes by plain system calls, one after another, on the same disk. No
 * signature, no key, no database.
 */
export class BarePurchase implements AsyncDisposable {
	readonly #folder: string;
	readonly #goods: Uint8Array;
	readonly #journals: Readonly<Record<"a" | "x" | "y", Journal>>;
	readonly #wire: Wire;

	private constructor(folder: string, goods: Uint8Array, wire: Wire) {
		this.#folder = folder;
		this.#goods = goods;
		this.#wire = wire;
		const journal = (name: string) => new Journal(join(folder, name));
		this.#journals = { a: journal("a"), x: journal("x"), y: journal("y") };
	}

	static async make(within: string, goods: number): Promise<BarePurchase> {
		const folder = await mkdtemp(join(within, "bare-"));
		const wire = await Wire.make();
		return new BarePurchase(folder, new Uint8Array(goods), wire);
	}

	/** In milliseconds: until the key would be there, and until the goods would be. */
	async run(): Promise<{ readonly key: number; readonly goods: number }> {
		const started = performance.now();
		const wire = this.#wire;
		const { x, y } = this.#journals;
		// Asked and offered; taken, and merchandise and contract sent.
		await wire.roundTrip(MESSAGE_BYTES);
		await wire.roundTrip(this.#goods.length + 2 * MESSAGE_BYTES);
		this.#provisional();
		// Prepared and promised; COMMIT; delivered, ACCEPT, and the receipt with the key.
		await wire.roundTrip(MESSAGE_BYTES);
		x.commit();
		await wire.roundTrip(MESSAGE_BYTES, () => y.commit());
		const key = performance.now() - started;
		this.#final();
		const goods = performance.now() - started;
		this.#tidy();
		return { key, goods };
	}

	/** Those of so many purchases at once, of which the merchant's have one write in common; in milliseconds. */
	writeMany(purchases: number): number {
		const started = performance.now();
		const { x, y } = this.#journals;
		for (let i = 0; i < purchases; i++) {
			this.#provisional();
			x.commit();
			this.#final();
			this.#tidy();
		}
		y.commit();
		return performance.now() - started;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#wire.close();
		for (const journal of Object.values(this.#journals)) journal.close();
	}

	/** PROVISIONAL: the sealed goods, their name, and the purchase. */
	#provisional(): void {
		this.#put(this.#path("part"));
		this.#syncFolder();
		this.#journals.a.commit();
	}

	/** The goods, opened; their final name; FINAL. */
	#final(): void {
		this.#put(this.#path("new"));
		linkSync(this.#path("new"), this.#path("goods"));
		this.#syncFolder();
		this.#journals.a.commit();
	}

	#tidy(): void {
		for (const name of ["part", "new", "goods"]) unlinkSync(this.#path(name));
	}

	#path(name: string): string {
		return join(this.#folder, name);
	}

	#put(path: string): void {
		const file = openSync(path, "wx", 0o600);
		this.#goods.fill(++count % 256);
		writeSync(file, this.#goods);
		fsyncSync(file);
		closeSync(file);
	}

	#syncFolder(): void {
		const folder = openSync(this.#folder, "r");
		fsyncSync(folder);
		closeSync(folder);
	}
}

/** A file that is there in its whole length, and is written page after page. */
class Journal {
	readonly #file: number;
	readonly #page = new Uint8Array(PAGE_BYTES);
	#at = 0;

	constructor(path: string) {
		this.#file = openSync(path, "wx", 0o600);
		for (let i = 0; i < JOURNAL_PAGES; i++) writeSync(this.#file, this.#page);
		fsyncSync(this.#file);
	}

	commit(): void {
		this.#page.fill(++count % 256);
		const at = (this.#at++ % JOURNAL_PAGES) * PAGE_BYTES;
		writeSync(this.#file, this.#page, 0, PAGE_BYTES, at);
		fsyncSync(this.#file);
	}

	close(): void {
		closeSync(this.#file);
	}
}

/** Two ends of a TCP connection over loopback; whatever comes as a question is answered with so many bytes. */
class Wire {
	readonly #near: Socket;
	#answer: { readonly bytes: number; readonly before: () => void } | undefined;

	private constructor(near: Socket, far: Socket) {
		this.#near = near;
		let asked = 0;
		far.on("data", (data) => {
			asked += data.length;
			if (asked < MESSAGE_BYTES || this.#answer === undefined) return;
			asked = 0;
			this.#answer.before();
			far.write(new Uint8Array(this.#answer.bytes));
		});
	}

	static async make(): Promise<Wire> {
		const server = createServer();
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const address = server.address();
		if (address === null || typeof address === "string")
			throw new Error("the server has no port");
		const accepted = once(server, "connection");
		const near = connect(address.port, "127.0.0.1");
		const [far] = (await accepted) as [Socket];
		server.close();
		for (const end of [near, far]) end.setNoDelay();
		return new Wire(near, far);
	}

	roundTrip(bytes: number, before: () => void = () => {}): Promise<void> {
		this.#answer = { bytes, before };
		return new Promise((resolve) => {
			let come = 0;
			const onData = (data: Uint8Array) => {
				come += data.length;
				if (come < bytes) return;
				this.#near.off("data", onData);
				resolve();
			};
			this.#near.on("data", onData);
			this.#near.write(new Uint8Array(MESSAGE_BYTES));
		});
	}

	close(): void {
		this.#near.destroy();
	}
}
