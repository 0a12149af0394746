import { closeSync, openSync, writeSync } from "node:fs";
import { type Address, formatAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";

/** Appends every secret of a process to a file, a line `LABEL HEX` each, for wiretap checks. */
export class KeylogFile implements Disposable {
	readonly #file: number;

	/** Throws `invalid-argument` when any of the process's addresses can be reached from another machine, and `file-unusable`. */
	constructor(path: string, addresses: readonly Address[]) {
		for (const address of addresses)
			if (address.kind === "tcp" && !isLoopback(address.host))
				throw new TetradError(
					"invalid-argument",
					`a keylog gives every secret away, so it is refused with ${formatAddress(address)}: use a loopback address or a Unix socket`,
				);
		try {
			this.#file = openSync(path, "a", 0o600);
		} catch (cause) {
			throw new TetradError(
				"file-unusable",
				`cannot write the keylog ${path}: ${(cause as Error).message}`,
				{ cause },
			);
		}
	}

	readonly write = (label: string, secret: Uint8Array): void => {
		writeSync(this.#file, `${label} ${hex(secret)}\n`);
	};

	[Symbol.dispose](): void {
		closeSync(this.#file);
	}
}

function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127\./.test(host);
}
