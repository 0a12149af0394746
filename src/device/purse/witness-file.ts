import { join } from "node:path";
import { z } from "zod";
import { asTetradError } from "../../errors.ts";
import type { Head } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	isThere,
	parseJson,
	readText,
	replaceFile,
	unusable,
} from "../home/index.ts";

/*
 * witness.json in the home of an agent: how far the purse of its module has come. A purse that is
 * behind it was put back to an old backup, and its module pays nobody until it has caught up.
 */

/** Where an agent keeps the newest head of its module's purse. */
export interface Witness {
	/** What is kept of the purse in the module with that device id, or `undefined`. */
	head(module: Uint8Array): Head | undefined;
	/** Resolves when the head is kept for good, or when a newer one is. Never goes back. */
	keep(module: Uint8Array, head: Head): Promise<void>;
}

const witnessFile = z.strictObject({
	version: z.literal(1),
	/** Device id of the module. */
	module: z.string().regex(/^([0-9a-f]{2}){41,104}$/),
	number: z.string().regex(/^(0|[1-9][0-9]{0,19})$/),
	hash: z.string().regex(/^[0-9a-f]{64}$/),
});

interface Kept {
	readonly module: Uint8Array;
	readonly head: Head;
}

/** The witness of one agent's home, whose lock its holder has. */
export class WitnessFile implements Witness {
	readonly #path: string;
	#kept: Kept | undefined;
	/** What shall be kept next; many heads that come during one write make one more. */
	#next: { readonly kept: Kept; readonly written: Promise<void> } | undefined;
	#last: Promise<void> = Promise.resolve();

	private constructor(path: string, kept: Kept | undefined) {
		this.#path = path;
		this.#kept = kept;
	}

	/** Reads what is there; a new home has nothing. Throws `home-unusable` for what cannot be read. */
	static async open(home: string): Promise<WitnessFile> {
		const path = join(home, "witness.json");
		if (!(await isThere(path))) return new WitnessFile(path, undefined);
		const file = parse(path, await readText(path));
		return new WitnessFile(path, {
			module: fromHex(file.module),
			head: { number: BigInt(file.number), hash: fromHex(file.hash) },
		});
	}

	head(module: Uint8Array): Head | undefined {
		const newest = this.#next?.kept ?? this.#kept;
		return newest !== undefined && sameBytes(newest.module, module)
			? newest.head
			: undefined;
	}

	keep(module: Uint8Array, head: Head): Promise<void> {
		const known = this.head(module);
		if (known !== undefined && head.number <= known.number)
			return this.#next?.written ?? this.#last;
		const kept = { module, head };
		if (this.#next !== undefined) {
			this.#next = { ...this.#next, kept };
			return this.#next.written;
		}
		// Whoever waits hears of a failure, and the next head is tried all the same.
		const written = this.#last.catch(() => {}).then(() => this.#write());
		written.catch(() => {});
		this.#next = { kept, written };
		this.#last = written;
		return written;
	}

	async #write(): Promise<void> {
		const kept = this.#next?.kept;
		this.#next = undefined;
		if (kept === undefined) return;
		const before = this.#kept;
		this.#kept = kept;
		const file: z.infer<typeof witnessFile> = {
			version: 1,
			module: hex(kept.module),
			number: String(kept.head.number),
			hash: hex(kept.head.hash),
		};
		try {
			await replaceFile(this.#path, `${JSON.stringify(file, null, "\t")}\n`);
		} catch (thrown) {
			this.#kept = before;
			throw thrown;
		}
	}
}

function parse(path: string, text: string): z.infer<typeof witnessFile> {
	try {
		return parseJson(witnessFile, text, path);
	} catch (thrown) {
		throw unusable(
			`${asTetradError(thrown).message}; this file tells a purse that was put back to an old backup: restore it, or remove it if you are sure that the purse of this agent's module is the newest there is`,
			thrown,
		);
	}
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
