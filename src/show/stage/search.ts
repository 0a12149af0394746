import { createReadStream } from "node:fs";

/** Something to look for in captured bytes. */
export interface Needle {
	/** What it is, for people. */
	readonly name: string;
	/** At least four bytes. */
	readonly bytes: Uint8Array;
}

/** Where a needle was found. */
export interface Finding {
	readonly needle: Needle;
	readonly offset: number;
}

/** Shorter needles would be found anywhere. */
export const MIN_NEEDLE_BYTES = 4;

/** Findings that are kept; a wire that leaks everything need not be listed to the end. */
const MAX_FINDINGS = 1000;

/** Looks for many needles in a file at once, in one pass and bounded memory. */
export async function search(
	file: string,
	needles: readonly Needle[],
): Promise<Finding[]> {
	const index = new NeedleIndex(needles);
	const overlap = index.longest - 1;
	const findings: Finding[] = [];
	let tail = Buffer.alloc(0);
	let read = 0;
	for await (const chunk of createReadStream(file, {
		highWaterMark: 2 ** 20,
	}) as AsyncIterable<Buffer>) {
		const window = Buffer.concat([tail, chunk]);
		const base = read - tail.length;
		for (const found of index.find(window)) {
			// What lies wholly in the overlap was found in the chunk before.
			if (found.at + found.needle.bytes.length <= tail.length) continue;
			if (findings.length < MAX_FINDINGS)
				findings.push({ needle: found.needle, offset: base + found.at });
		}
		read += chunk.length;
		tail = Buffer.from(window.subarray(Math.max(0, window.length - overlap)));
	}
	return findings;
}

/** Needles by their first two bytes, so that most positions cost one table look-up. */
class NeedleIndex {
	readonly longest: number;
	readonly #buckets = new Map<number, Needle[]>();
	readonly #begins = new Uint8Array(2 ** 16);

	constructor(needles: readonly Needle[]) {
		let longest = 1;
		for (const needle of needles) {
			const { bytes } = needle;
			if (bytes.length < MIN_NEEDLE_BYTES) continue;
			const key = ((bytes[0] as number) << 8) | (bytes[1] as number);
			this.#begins[key] = 1;
			const bucket = this.#buckets.get(key);
			if (bucket === undefined) this.#buckets.set(key, [needle]);
			else bucket.push(needle);
			longest = Math.max(longest, bytes.length);
		}
		this.longest = longest;
	}

	*find(window: Buffer): Generator<{ needle: Needle; at: number }> {
		let key = window[0] ?? 0;
		for (let at = 0; at + 1 < window.length; at++) {
			key = ((key & 0xff) << 8) | (window[at + 1] as number);
			if (this.#begins[key] === 0) continue;
			for (const needle of this.#buckets.get(key) ?? []) {
				const end = at + needle.bytes.length;
				if (end > window.length) continue;
				if (window.compare(needle.bytes, 0, needle.bytes.length, at, end) === 0)
					yield { needle, at };
			}
		}
	}
}
