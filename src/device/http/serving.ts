import type { Server } from "node:http";
import { isIP } from "node:net";
import { TetradError } from "../../errors.ts";

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

/** Whether only this machine reaches a server there. */
export function isLoopback(host: string): boolean {
	return LOOPBACK.includes(host);
}

/** Host and port as they stand in a URL. */
export function authority(host: string, port: number): string {
	return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Where a server listens. */
export interface HttpPlace {
	readonly host: string;
	/** 0 for any that is free. */
	readonly port: number;
	/** That chose it, for whoever has to choose another. */
	readonly flag: string;
}

/** Resolves with the port. Rejects with `address-in-use` and `carrier-failed`. */
export function listenHttp(
	server: Server,
	{ host, port, flag }: HttpPlace,
): Promise<number> {
	return new Promise((resolve, reject) => {
		server.once("error", (cause: NodeJS.ErrnoException) =>
			reject(
				new TetradError(
					cause.code === "EADDRINUSE" ? "address-in-use" : "carrier-failed",
					`cannot serve HTTP at ${authority(host, port)}: ${cause.code === "EADDRINUSE" ? "the address is in use" : cause.message}; choose another with ${flag}`,
					{ cause },
				),
			),
		);
		server.listen(port, host, () => {
			const address = server.address();
			resolve(typeof address === "object" && address ? address.port : port);
		});
	});
}

/**
 * What a client may call this server. At an address that stands for all of a machine's, any of
 * them: whoever makes a name lead here cannot make it look like one.
 */
export function ownHosts(
	host: string,
	port: number,
): (host: string) => boolean {
	if (host === "0.0.0.0" || host === "::")
		return (given) => {
			const [, address = ""] =
				/^\[?([0-9a-f:.]+?)\]?:\d{1,5}$/.exec(given) ?? [];
			return isIP(address) !== 0 && given === authority(address, port);
		};
	const names = LOOPBACK.includes(host)
		? [host, "127.0.0.1", "localhost"]
		: [host];
	const own = new Set(names.map((name) => authority(name, port)));
	return (given) => own.has(given);
}
