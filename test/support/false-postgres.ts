/*
 * A server that speaks PostgreSQL's protocol and answers what a test wants, over TCP on this
 * machine: what an honest server would say, garbage, or nothing at all.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

type Row = Readonly<Record<string, string>>;

/** Rows, bytes to be written as they are, or silence from here on. */
export type Said = readonly Row[] | Uint8Array | "nothing";

/** What is said to a statement; `undefined` for what an honest server says. */
export type Lie = (text: string) => Said | undefined;

const SETTINGS = {
	fsync: "on",
	full_page_writes: "on",
	data_sync_retry: "off",
	synchronous_commit: "on",
	server_encoding: "UTF8",
	transaction_read_only: "off",
};

/** A primary with a standby, on which there is a store that nobody has open. */
function honestly(text: string): readonly Row[] {
	if (text.includes("pg_is_in_recovery")) return [{ standby: "false" }];
	if (text.includes("pg_settings"))
		return Object.entries(SETTINGS).map(([name, setting]) => ({
			name,
			setting,
		}));
	if (text.startsWith("SHOW"))
		return [{ synchronous_standby_names: "ANY 1 (one)" }];
	if (text.includes("pg_stat_replication"))
		return [{ sees: "true", role: "u", connected: "1", awaited: "1" }];
	if (text.includes("pg_control_system"))
		return [{ system: "7000000000000000001", timeline: "00000003" }];
	if (text.includes("pg_try_advisory_lock")) return [{ taken: "true" }];
	if (text.includes("to_regnamespace"))
		return [{ there: "false", entries: "0", ours: "false" }];
	return [];
}

export class FalsePostgres implements AsyncDisposable {
	/** What it was asked, in order. */
	readonly asked: string[] = [];
	readonly #server = createServer((socket) => this.#serve(socket));
	readonly #sockets = new Set<Socket>();
	readonly #lie: Lie;
	/** Until it is ready, one for each message of the client. */
	readonly #greetings: readonly Uint8Array[];

	private constructor(lie: Lie, greetings: readonly Uint8Array[]) {
		this.#lie = lie;
		this.#greetings = greetings;
	}

	static async start(
		lie: Lie = () => undefined,
		greetings: readonly Uint8Array[] = [Buffer.concat([AUTHENTICATED, READY])],
	): Promise<FalsePostgres> {
		const server = new FalsePostgres(lie, greetings);
		server.#server.listen(0, "127.0.0.1");
		await once(server.#server, "listening");
		return server;
	}

	/** Its host and port. */
	get host(): string {
		const { port } = this.#server.address() as AddressInfo;
		return `127.0.0.1:${port}`;
	}

	get url(): string {
		return `postgres://u:heim%40lich@${this.host}/x`;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, "close");
	}

	#serve(socket: Socket): void {
		this.#sockets.add(socket);
		socket.on("error", () => {});
		socket.on("close", () => this.#sockets.delete(socket));
		let unread = Buffer.alloc(0);
		let hasBegun = false;
		const greetings = [...this.#greetings];
		let isSilent = false;
		let text = "";
		let said: Said = [];
		const say = (what: string) => {
			this.asked.push(what);
			said = this.#lie(what) ?? honestly(what);
			if (said === "nothing") isSilent = true;
			else if (said instanceof Uint8Array) socket.write(said);
		};
		const rows = () => (Array.isArray(said) ? (said as readonly Row[]) : []);
		const on: Readonly<Record<string, (body: Buffer) => Buffer[]>> = {
			Q: (body) => {
				say(body.toString("utf8", 0, body.length - 1));
				const [what = ""] = this.asked.slice(-1);
				return [columns(rows()), ...rows().map(dataRow), done(what), READY];
			},
			P: (body) => {
				const name = body.indexOf(0);
				text = body.toString("utf8", name + 1, body.indexOf(0, name + 1));
				return [message("1")];
			},
			D: () => {
				say(text);
				return [parametersOf(text), columns(rows())];
			},
			B: () => [message("2")],
			E: () => [...rows().map(dataRow), done(text)],
			S: () => [READY],
		};
		socket.on("data", (chunk: Buffer) => {
			unread = Buffer.concat([unread, chunk]);
			for (;;) {
				const start = hasBegun ? 1 : 0;
				if (isSilent || unread.length < start + 4) return;
				const end = start + unread.readUInt32BE(start);
				if (unread.length < end) return;
				const type = hasBegun ? String.fromCharCode(unread[0] ?? 0) : "";
				const body = unread.subarray(start + 4, end);
				unread = unread.subarray(end);
				if (type === "X") return socket.end() as never;
				const greeting = greetings.shift();
				const answers =
					greeting === undefined
						? (on[type]?.(Buffer.from(body)) ?? [])
						: [greeting];
				hasBegun = true;
				if (!isSilent) for (const answer of answers) socket.write(answer);
			}
		});
	}
}

const TEXT = 25;
const BIGINT = 20;

export function int32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeInt32BE(value);
	return bytes;
}

function int16(value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeInt16BE(value);
	return bytes;
}

export function message(type: string, ...parts: readonly Uint8Array[]): Buffer {
	const body = Buffer.concat(parts);
	return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

const AUTHENTICATED = message("R", int32(0));
const READY = message("Z", Buffer.from("I"));

/** The word for what was done: the statement's first. */
function done(text: string): Buffer {
	const [word = ""] = text.split(/[\s;]/);
	return message("C", Buffer.from(`${word}\0`));
}

function columns([first]: readonly Row[]): Buffer {
	if (first === undefined) return message("n");
	const names = Object.keys(first);
	return message(
		"T",
		int16(names.length),
		...names.flatMap((name) => [
			Buffer.from(`${name}\0`),
			int32(0),
			int16(0),
			int32(name === "entries" ? BIGINT : TEXT),
			int16(-1),
			int32(-1),
			int16(0),
		]),
	);
}

function dataRow(row: Row): Buffer {
	const values = Object.values(row);
	return message(
		"D",
		int16(values.length),
		...values.flatMap((value) => [
			int32(Buffer.byteLength(value)),
			Buffer.from(value),
		]),
	);
}

function parametersOf(text: string): Buffer {
	const count = new Set(text.match(/\$\d+/g)).size;
	return message(
		"t",
		int16(count),
		...Array.from({ length: count }, () => int32(TEXT)),
	);
}
