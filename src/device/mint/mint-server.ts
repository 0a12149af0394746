/*
 * A play mint that listens, at 127.0.0.1 only, and keeps what it knows in a durable store. No
 * answer leaves before everything that it says is durable, also what an earlier request changed; a
 * mint that cannot write says nothing any more.
 */
import { randomBytes } from "node:crypto";
import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from "node:http";
import { asTetradError, type TetradError } from "../../errors.ts";
import { done, put, remove, type Store } from "../../machine/index.ts";
import {
	FaultyMint,
	MAX_BODY_BYTES,
	type MintChange,
	type MintRequest,
	type MintTable,
	PlayMint,
	type PlayMintOptions,
} from "../../mint/index.ts";
import { openSqliteStore } from "../../store/index.ts";
import { listenHttp, ownHosts, whyForeign } from "../http/index.ts";
import { MINT_ROWS, PLAY_MINT_SCHEMA } from "./mint-table.ts";

const HOST = "127.0.0.1";
const MAX_CONNECTIONS = 256;

export interface MintServerOptions extends PlayMintOptions {
	/** The file of its store, made if it is not there; or `:memory:`, which is not durable. */
	readonly path: string;
	/** Any that is free unless given. */
	readonly port?: number;
	/** Milliseconds since the epoch; the clock of this machine unless given. */
	readonly clock?: () => number;
}

export class MintServer implements AsyncDisposable {
	/** Without a slash at the end. */
	readonly url: string;
	/** Resolves with why the mint can say nothing any more. Never rejects. */
	readonly failed: Promise<TetradError>;
	readonly #server: Server;
	readonly #desk: Desk;

	private constructor(server: Server, desk: Desk, port: number) {
		this.url = `http://${HOST}:${port}`;
		this.#server = server;
		this.#desk = desk;
		this.failed = desk.failed;
	}

	/** Throws as `openSqliteStore` does, `address-in-use`, and `invalid-argument` for options that cannot be. */
	static async open(options: MintServerOptions): Promise<MintServer> {
		const { path, port = 0, clock = Date.now } = options;
		const store = await openSqliteStore({ path, schema: PLAY_MINT_SCHEMA });
		try {
			const desk = new Desk(await mintIn(store, options), store, clock);
			await desk.change(() => {});
			let isOwn: (host: string) => boolean = () => false;
			const server = createServer((request, response) => {
				if (whyForeign(request, isOwn) === undefined)
					void desk.answer(request, response);
				else response.writeHead(403).end();
			});
			server.maxConnections = MAX_CONNECTIONS;
			const place = { host: HOST, port, flag: "another port" };
			const bound = await listenHttp(server, place);
			isOwn = ownHosts(HOST, bound);
			return new MintServer(server, desk, bound);
		} catch (thrown) {
			await store[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	/**
	 * Does something to the mint: faults, rotation, payments. Resolves when what changed by it is
	 * durable; rejects with what `work` throws.
	 */
	change<Result>(work: (mint: FaultyMint) => Result): Promise<Result> {
		return this.#desk.change(work);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		this.#server.closeAllConnections();
		await closed;
		await this.#desk.close();
	}
}

async function mintIn(
	store: Store,
	options: PlayMintOptions,
): Promise<PlayMint> {
	const rows: MintChange[] = [];
	await store.snapshot(async (scan) => {
		for await (const { part, id, content } of scan({ table: MINT_ROWS }))
			rows.push({ table: part as MintTable, key: id, row: content });
	});
	return rows.length === 0
		? PlayMint.create(randomBytes(32), options)
		: PlayMint.of(rows, options);
}

/** Where a mint meets its store and its clock. */
class Desk {
	readonly failed: Promise<TetradError>;
	readonly #mint: FaultyMint;
	readonly #store: Store;
	readonly #clock: () => number;
	readonly #fail: (why: TetradError) => void;
	/** Until everything is durable that the mint knows; rejects for good once that cannot be. */
	#kept: Promise<unknown> = Promise.resolve();

	constructor(mint: PlayMint, store: Store, clock: () => number) {
		this.#mint = new FaultyMint(mint);
		this.#store = store;
		this.#clock = clock;
		const { promise, resolve } = Promise.withResolvers<TetradError>();
		this.failed = promise;
		this.#fail = resolve;
	}

	async change<Result>(work: (mint: FaultyMint) => Result): Promise<Result> {
		const result = work(this.#mint);
		await this.#keep();
		return result;
	}

	/** Never rejects. */
	async answer(
		request: IncomingMessage,
		response: ServerResponse,
	): Promise<void> {
		try {
			const asked = await requestIn(request);
			const reply = await this.change((mint) =>
				mint.handle(asked, this.#clock()),
			);
			if (reply.kind === "silence") {
				request.socket.destroy();
				return;
			}
			const { status, body, delayMs } = reply;
			const headers = {
				"Content-Type": "application/json",
				// What was not read would be taken for the next request.
				...(!request.complete && { Connection: "close" }),
			};
			const send = () => response.writeHead(status, headers).end(body);
			setTimeout(send, delayMs).unref();
		} catch {
			// The connection broke, or nothing can be kept any more.
			request.socket.destroy();
		}
	}

	async close(): Promise<void> {
		await this.#kept.catch(() => {});
		await this.#store[Symbol.asyncDispose]();
	}

	/** After a write that failed nothing is written: the rows would lack what it had. */
	#keep(): Promise<unknown> {
		const writes = this.#mint.mint.takeChanges().map(({ table, key, row }) => {
			const place = { part: table, id: key };
			return row === undefined
				? remove(MINT_ROWS, place)
				: put(MINT_ROWS, { ...place, content: row });
		});
		if (writes.length === 0) return this.#kept;
		this.#kept = this.#kept.then(() =>
			this.#store.transact(done(writes, undefined)),
		);
		this.#kept.catch((thrown: unknown) => this.#fail(asTetradError(thrown)));
		return this.#kept;
	}
}

/** Rejects when the connection breaks. What is too large comes as far as the mint sees that it is. */
async function requestIn(request: IncomingMessage): Promise<MintRequest> {
	const parts: Buffer[] = [];
	let length = 0;
	const coming: AsyncIterable<Buffer> = request.iterator({
		destroyOnReturn: false,
	});
	for await (const part of coming) {
		length += part.length;
		parts.push(part);
		if (length > MAX_BODY_BYTES) break;
	}
	const { method = "", url = "" } = request;
	const [path = ""] = url.split("?");
	return { method, path, body: Buffer.concat(parts) };
}
