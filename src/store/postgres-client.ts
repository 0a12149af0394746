import { once } from "node:events";
import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import postgres from "postgres";
import { TetradError } from "../errors.ts";
import type { Row } from "../machine/index.ts";
import { CONNECT_MS, STATEMENT_MS } from "./limits.ts";
import { Handshake } from "./postgres-handshake.ts";
import type { PostgresTarget } from "./postgres-url.ts";
import type { Statement } from "./sql.ts";

/** What the server answered to one statement. */
export interface Answer {
	readonly rows: Row[];
	/** The server's word for what it did, such as COMMIT. */
	readonly did: string;
}

/** Settings of one session, which hold whatever the server's configuration says. */
export type Settings = Readonly<Record<string, string>>;

const SETTINGS: Settings = {
	application_name: "tetrad",
	// A COMMIT that gave up waiting for a standby is told by a warning alone.
	client_min_messages: "warning",
	bytea_output: "hex",
	statement_timeout: `${STATEMENT_MS}`,
	tcp_keepalives_idle: "10",
	tcp_keepalives_interval: "5",
	tcp_keepalives_count: "3",
	// Every read is in the order of a key or an index: that is what is to be used, at any size.
	enable_seqscan: "off",
	enable_bitmapscan: "off",
	plan_cache_mode: "force_generic_plan",
	jit: "off",
};

const BYTES = {
	to: 17,
	from: [17],
	serialize: (value: Uint8Array) =>
		`\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`,
	// A copy: a Buffer may be a view of memory that others use.
	parse: (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex")),
};

/**
 * One connection, which is never made again behind our back: what a session held is gone with
 * it. Statements are sent at once, and carried out in their order.
 */
export class PostgresClient {
	/** Resolves, with why, once the connection is gone or given up. */
	readonly lost: Promise<TetradError>;
	readonly #target: PostgresTarget;
	readonly #sql: postgres.Sql;
	readonly #tellLoss: (why: TetradError) => void;
	#socket: Socket | undefined;
	#loss: TetradError | undefined;
	#isOpen = false;
	#isCommitting = false;
	#hasWarned = false;

	/** Throws `store-failed`, within seconds, when the server cannot be used. */
	static async open(
		target: PostgresTarget,
		settings: Settings,
	): Promise<PostgresClient> {
		const client = new PostgresClient(target, settings);
		const late = setTimeout(
			() => client.giveUp(notReached(target, "it does not answer")),
			CONNECT_MS,
		);
		try {
			await Promise.race([
				client.ask("SELECT 1"),
				client.lost.then((why) => Promise.reject(why)),
			]);
			client.#isOpen = true;
			return client;
		} catch (thrown) {
			client.giveUp(notReached(target, reason(thrown)));
			throw thrown instanceof TetradError
				? thrown
				: notReached(target, reason(thrown));
		} finally {
			clearTimeout(late);
		}
	}

	private constructor(target: PostgresTarget, settings: Settings) {
		this.#target = target;
		const { promise, resolve } = Promise.withResolvers<TetradError>();
		this.lost = promise;
		this.#tellLoss = resolve;
		const options: postgres.Options<Record<string, postgres.PostgresType>> & {
			// The library's types leave it out.
			readonly socket: () => Promise<Socket>;
		} = {
			// Never used: the socket is ours.
			host: "server",
			...(target.user === undefined ? {} : { username: target.user }),
			...(target.password === undefined ? {} : { password: target.password }),
			...(target.database === undefined ? {} : { database: target.database }),
			ssl: false,
			socket: async () => this.#watched(await this.#connect()),
			max: 1,
			idle_timeout: 0,
			max_lifetime: null,
			connect_timeout: CONNECT_MS / 1000,
			fetch_types: false,
			prepare: true,
			debug: false,
			connection: { ...SETTINGS, ...settings },
			types: { bytes: BYTES, bigint: postgres.BigInt },
			onnotice: ({ severity }) => {
				if (severity === "WARNING") this.#hasWarned = true;
			},
			onclose: () => this.giveUp(cut(target)),
		};
		this.#sql = postgres(options);
	}

	/** Sends a statement that is prepared once. Rejects with what the server says. */
	async run({ text, values }: Statement): Promise<Answer> {
		return this.#send(text, values, { prepare: true, simple: false });
	}

	/** Sends a statement that is not kept: the tables that it names may be others the next time. */
	async runOnce({ text, values }: Statement): Promise<Answer> {
		return this.#send(text, values, { prepare: false, simple: false });
	}

	/** Sends statements without parameters. */
	async ask(text: string): Promise<Answer> {
		return this.#send(text, [], { prepare: false, simple: true });
	}

	/** Begins a transaction that writes. Everything that was sent before is answered. */
	begin(): Promise<Answer> {
		this.#hasWarned = false;
		return this.ask("BEGIN ISOLATION LEVEL SERIALIZABLE");
	}

	/**
	 * Ends a transaction. Throws `store-failed` when the server answers and does not say that it
	 * is durable: to an aborted transaction it says ROLLBACK, and COMMIT with a warning when
	 * somebody made it stop waiting for a standby. Then it is on its own disk, and may be lost with
	 * that. Which warning it is stands in the server's language; nothing else that a store sends
	 * in a transaction is warned of.
	 */
	async commit(): Promise<void> {
		const { where } = this.#target;
		this.#isCommitting = true;
		try {
			const { did } = await this.ask("COMMIT");
			if (did !== "COMMIT")
				throw new TetradError(
					"store-failed",
					`${where} answered COMMIT with ${did}; open the store again to see what is there`,
				);
			if (this.#hasWarned)
				throw new TetradError(
					"store-failed",
					`${where} warned while it committed, as it does when it is made to stop waiting for a standby: it is not known whether the last transactions outlive it; look into its log, then open the store again to see what is there`,
				);
		} finally {
			this.#isCommitting = false;
		}
	}

	/** Gives the connection up when it takes longer, and does not wait for one that is lost. Throws `store-failed`. */
	async within<Result>(
		ms: number,
		work: () => Promise<Result>,
	): Promise<Result> {
		const { where } = this.#target;
		const { promise, reject } = Promise.withResolvers<never>();
		const late = setTimeout(() => {
			const why = new TetradError(
				"store-failed",
				this.#isCommitting
					? `${where} did not answer COMMIT within ${ms / 1000} seconds, as one does not that waits for a standby: see that its standbys run and are connected, then open the store again to see what is there`
					: `${where} did not answer within ${ms / 1000} seconds; open the store again to see what is there`,
			);
			this.giveUp(why);
			reject(why);
		}, ms);
		try {
			return await Promise.race([work(), promise]);
		} finally {
			clearTimeout(late);
		}
	}

	/** Cuts the connection; whoever waits for an answer is told, and `lost` resolves. */
	giveUp(why: TetradError): void {
		if (this.#loss !== undefined) return;
		this.#loss = why;
		this.#socket?.destroy();
		this.#tellLoss(why);
		// Statements that were not sent yet hang without it.
		void this.#sql.end({ timeout: 0 }).catch(() => {});
	}

	/** Frees what the session holds, and ends it. Never throws. */
	async close(): Promise<void> {
		if (this.#loss !== undefined) return;
		const late = setTimeout(
			() => this.giveUp(cut(this.#target)),
			CONNECT_MS,
		).unref();
		await Promise.race([
			this.ask("ROLLBACK; SELECT pg_advisory_unlock_all()").catch(() => {}),
			this.lost,
		]);
		clearTimeout(late);
		this.giveUp(closed());
	}

	async #send(
		text: string,
		values: readonly unknown[],
		options: { readonly prepare: boolean; readonly simple: boolean },
	): Promise<Answer> {
		if (this.#loss !== undefined) throw this.#loss;
		try {
			const result = await this.#sql.unsafe(
				text,
				values as never[],
				options as postgres.UnsafeQueryOptions,
			);
			return { rows: Array.from(result) as Row[], did: result.command };
		} catch (thrown) {
			if (isServerError(thrown)) throw thrown;
			// What the library says on a lost connection comes before it tells of the loss.
			const why =
				this.#loss ??
				(this.#isOpen
					? cut(this.#target)
					: notReached(this.#target, reason(thrown)));
			this.giveUp(why);
			throw why;
		}
	}

	/**
	 * The library asks for a second socket when the first one is gone; there is none. The socket
	 * is ours down to its encryption, so that destroying it ends it: the library would write to
	 * one that it has encrypted itself, and nobody would hear of the error.
	 */
	async #connect(): Promise<Socket> {
		if (this.#socket !== undefined || this.#loss !== undefined)
			throw this.#loss ?? cut(this.#target);
		const { address, tlsHost } = this.#target;
		const socket =
			"path" in address
				? createConnection(address.path)
				: createConnection({ ...address, keepAlive: true });
		this.#socket = socket;
		socket.setNoDelay(true);
		await this.#event(socket, "connect");
		if (tlsHost === undefined) return socket;
		socket.write(TLS_REQUEST);
		// Anything after the one letter would be somebody else's, put in before the encryption.
		const [answer] = (await this.#event(socket, "data")) as [Uint8Array];
		if (answer.length !== 1 || answer[0] !== TLS_GRANTED)
			throw new Error("it offers no encryption");
		const encrypted = connectTls({
			socket,
			host: tlsHost,
			...(isIP(tlsHost) === 0 ? { servername: tlsHost } : {}),
		});
		// What ends it is told by the encrypted one.
		socket.on("error", () => {});
		this.#socket = encrypted;
		await this.#event(encrypted, "secureConnect");
		return encrypted;
	}

	/** The same socket; the library gets of it what the handshake lets pass. */
	#watched(socket: Socket): Socket {
		const handshake = new Handshake();
		const emit = socket.emit.bind(socket) as (
			name: string | symbol,
			...values: unknown[]
		) => boolean;
		socket.emit = (name: string | symbol, ...values: unknown[]): boolean => {
			if (name !== "data") return emit(name, ...values);
			try {
				const passed = handshake.pass(values[0] as Buffer);
				return passed.length === 0 || emit(name, passed);
			} catch (thrown) {
				this.giveUp(notReached(this.#target, reason(thrown)));
				return true;
			}
		};
		return socket;
	}

	/** Waits for one event, and for the end of the socket at the same time. */
	async #event(socket: Socket, name: string): Promise<unknown[]> {
		const over = new AbortController();
		const signal = over.signal;
		try {
			return await Promise.race([
				once(socket, name, { signal }),
				once(socket, "close", { signal }).then(() =>
					Promise.reject(cut(this.#target)),
				),
			]);
		} finally {
			over.abort();
		}
	}
}

/** What asks a server of PostgreSQL to encrypt, and the letter with which it agrees. */
const TLS_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);
const TLS_GRANTED = "S".charCodeAt(0);

/** An error that the server itself reported, with its five-letter code. */
export function isServerError(
	thrown: unknown,
): thrown is Error & { readonly code: string } {
	return thrown instanceof postgres.PostgresError;
}

/** The data of one statement was refused: data_exception, a constraint, a limit of the program. */
export function isRefusal({ code }: { readonly code: string }): boolean {
	return /^(22|23|54)/.test(code);
}

function reason(thrown: unknown): string {
	const { message, code } = thrown as NodeJS.ErrnoException;
	return message || code || "unknown";
}

function notReached({ where }: PostgresTarget, why: string): TetradError {
	return new TetradError(
		"store-failed",
		`${where} cannot be used: ${why}; check that it runs, and its host, port, user, password and database`,
	);
}

function cut({ where }: PostgresTarget): TetradError {
	return new TetradError(
		"store-failed",
		`the connection to ${where} was lost, and with it the lock on the store; open the store again to see what is there`,
	);
}

function closed(): TetradError {
	return new TetradError("invalid-argument", "the store is closed");
}
