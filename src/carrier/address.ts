import { isIPv4, isIPv6 } from "node:net";
import { TetradError } from "../errors.ts";

/** A host and a port, written `shop.example:7000`. */
export interface TcpAddress {
	readonly kind: "tcp";
	/** A host name, an IPv4 address, or an IPv6 address without brackets. */
	readonly host: string;
	/** 0 to 65535; 0 lets the system choose, for listening only. */
	readonly port: number;
}

/** The path of a Unix socket, written `unix:path`. */
export interface UnixAddress {
	readonly kind: "unix";
	/** At most 107 bytes of UTF-8. */
	readonly path: string;
}

/** Where a carrier can be found. Made by `parseAddress`, which checks it. */
export type Address = TcpAddress | UnixAddress;

/** What fits into `sun_path` on Linux with its final zero byte; a longer path would be cut. */
const MAX_UNIX_PATH_BYTES = 107;

const FORMS = "write HOST:PORT, [IPV6]:PORT or unix:PATH";

/**
 * Reads `tcp:HOST:PORT`, `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`. Throws `invalid-argument`.
 *
 * @example
 * ```ts
 * import { formatAddress, parseAddress } from "tetrad/carrier";
 *
 * const address = parseAddress("[::1]:7000");
 * console.log(address.kind, formatAddress(address)); // tcp tcp:[::1]:7000
 * ```
 */
export function parseAddress(text: string): Address {
	if (text.startsWith("unix:")) return unixAddress(text.slice("unix:".length));
	const rest = text.startsWith("tcp:") ? text.slice("tcp:".length) : text;
	const colon = rest.lastIndexOf(":");
	if (colon < 0) throw invalid(text, `has no port; ${FORMS}`);
	return {
		kind: "tcp",
		host: parseHost(text, rest.slice(0, colon)),
		port: parsePort(text, rest.slice(colon + 1)),
	};
}

/** The form that `parseAddress` reads back. */
export function formatAddress(address: Address): string {
	if (address.kind === "unix") return `unix:${address.path}`;
	const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
	return `tcp:${host}:${address.port}`;
}

/** Reads text, and checks an address that somebody made by hand. Throws `invalid-argument`. */
export function asAddress(address: Address | string): Address {
	return parseAddress(
		typeof address === "string" ? address : formatAddress(address),
	);
}

function unixAddress(path: string): UnixAddress {
	const text = `unix:${path}`;
	if (path === "") throw invalid(text, "has no path");
	if (path.includes("\0")) throw invalid(text, "has a zero byte in its path");
	const bytes = Buffer.byteLength(path);
	if (bytes > MAX_UNIX_PATH_BYTES)
		throw invalid(
			text,
			`has a path of ${bytes} bytes, and the system takes ${MAX_UNIX_PATH_BYTES}; choose a shorter directory`,
		);
	return { kind: "unix", path };
}

function parseHost(text: string, host: string): string {
	if (host.startsWith("[") && host.endsWith("]")) {
		const inner = host.slice(1, -1);
		if (!isIPv6(inner)) throw invalid(text, "has no IPv6 address in brackets");
		return inner;
	}
	if (host === "")
		throw invalid(text, "has no host; 0.0.0.0 stands for every interface");
	if (host.includes(":"))
		throw invalid(text, "is ambiguous; put an IPv6 address in brackets");
	// The system would read "127.1" or "1" as an address that nobody meant.
	if (/^[0-9.]+$/.test(host) && !isIPv4(host))
		throw invalid(text, "has an incomplete IPv4 address");
	if (!/^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})$/.test(host))
		throw invalid(text, `has a host that is no name; ${FORMS}`);
	return host;
}

function parsePort(text: string, port: string): number {
	const number = /^[0-9]{1,5}$/.test(port) ? Number(port) : Number.NaN;
	if (!(number <= 65_535))
		throw invalid(text, "needs a port from 0 to 65535 at its end");
	return number;
}

function invalid(text: string, why: string): TetradError {
	// An address is often typed by hand, so the error repeats it, but never a page of it, and
	// never with control characters that a terminal would obey.
	const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
	return new TetradError("invalid-argument", `${JSON.stringify(shown)} ${why}`);
}
