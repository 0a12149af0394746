/* HTTP as somebody hostile speaks it: bytes on a socket, and all that comes back. */
import { createConnection } from "node:net";
import type { TcpAddress } from "../../carrier/index.ts";

/** How long an answer may take. A server that is attacked lets go of slow clients earlier. */
const PATIENCE_MS = 20_000;

/** More than any answer has. */
const MAX_ANSWER_BYTES = 4_000_000;

/** What came back until the server hung up, or nothing more came. */
export interface RawAnswer {
	readonly text: string;
	/** Statuses of all answers in it, in order. */
	readonly statuses: readonly number[];
	readonly isClosed: boolean;
}

/** Says these bytes, and hears everything until the server hangs up, or until there is a first status. */
export function sayRaw(
	{ host, port }: TcpAddress,
	bytes: string | Uint8Array,
	signal: AbortSignal,
	until: "end" | "status" = "end",
): Promise<RawAnswer> {
	return new Promise((resolve, reject) => {
		const socket = createConnection({ host, port });
		const chunks: Buffer[] = [];
		let length = 0;
		const end = (isClosed: boolean) => {
			clearTimeout(timer);
			signal.removeEventListener("abort", onAbort);
			socket.destroy();
			const text = Buffer.concat(chunks).toString("latin1");
			const found = text.matchAll(/HTTP\/1\.1 (\d{3}) /g);
			const statuses = [...found].map(([, status]) => Number(status));
			resolve({ text, statuses, isClosed });
		};
		const timer = setTimeout(() => end(false), PATIENCE_MS);
		const onAbort = () => {
			end(false);
			reject(signal.reason);
		};
		signal.addEventListener("abort", onAbort, { once: true });
		socket.on("connect", () => socket.write(bytes));
		socket.on("data", (chunk: Buffer) => {
			length += chunk.length;
			if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
			if (until === "status" && chunk.includes(0x0a)) end(false);
		});
		// What breaks off says as much as what is closed.
		socket.on("error", () => end(true));
		socket.on("close", () => end(true));
	});
}

/** How one request goes. */
export interface RawRequest {
	readonly method?: string;
	/** The target, as it stands in the first line. */
	readonly target: string;
	/** In the place of the server's own name. */
	readonly host?: string;
	/** Lines, as they are. */
	readonly fields?: readonly string[];
	readonly body?: string | Uint8Array;
}

/** The bytes of one request, after which the connection shall be closed. */
export function requestBytes(
	at: TcpAddress,
	{ method = "GET", target, host, fields = [], body = "" }: RawRequest,
): Uint8Array {
	const saysLength = fields.some((field) =>
		/^(content-length|transfer-encoding):/i.test(field),
	);
	const content = Buffer.from(body);
	const lines = [
		`${method} ${target} HTTP/1.1`,
		`Host: ${host ?? nameOf(at)}`,
		...(fields.some((field) => /^connection:/i.test(field))
			? []
			: ["Connection: close"]),
		...(content.length === 0 || saysLength
			? []
			: [`Content-Length: ${content.length}`]),
		...fields,
	];
	const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
	return Buffer.concat([head, content]);
}

/** The status of the answer to one request; 0 where the server hung up without one. */
export async function statusOf(
	at: TcpAddress,
	request: RawRequest,
	signal: AbortSignal,
): Promise<number> {
	const bytes = requestBytes(at, request);
	const { statuses } = await sayRaw(at, bytes, signal, "status");
	return statuses[0] ?? 0;
}

/** Host and port, as a server calls itself. */
export function nameOf({ host, port }: TcpAddress): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
