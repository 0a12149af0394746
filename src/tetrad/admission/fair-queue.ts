/**
 * What waits, in one line for each address. The addresses take turns, so that one with a long line
 * holds up nobody but itself; and when all is full, the longest line is cut.
 */
export class FairQueue {
	readonly #most: number;
	readonly #mostOfOne: number;
	/** Ids by address; the address whose turn is next comes first. No line is empty. */
	readonly #lines = new Map<string, number[]>();
	#size = 0;

	constructor(most: number, mostOfOne: number) {
		this.#most = most;
		this.#mostOfOne = mostOfOne;
	}

	get size(): number {
		return this.#size;
	}

	/** Whose place is lost: nobody's, the new one's, or that of the last in the longest line. */
	push(source: string, id: number): number | undefined {
		const line = this.#lines.get(source) ?? [];
		if (line.length >= this.#mostOfOne) return id;
		let lost: number | undefined;
		if (this.#size >= this.#most) {
			const [longest, its] = this.#longest();
			if (longest === undefined || its.length <= line.length + 1) return id;
			lost = its.at(-1);
			if (lost !== undefined) this.remove(longest, lost);
		}
		line.push(id);
		this.#lines.set(source, line);
		this.#size++;
		return lost;
	}

	/** The first of the next address that may have a turn; whose turn it was comes last after that. */
	next(mayHaveTurn: (source: string) => boolean): number | undefined {
		for (const [source, line] of this.#lines) {
			if (!mayHaveTurn(source)) continue;
			const id = line.shift();
			this.#size--;
			this.#lines.delete(source);
			if (line.length > 0) this.#lines.set(source, line);
			return id;
		}
		return undefined;
	}

	/** It waits no more. */
	remove(source: string, id: number): void {
		const line = this.#lines.get(source) ?? [];
		const at = line.indexOf(id);
		if (at < 0) return;
		line.splice(at, 1);
		this.#size--;
		if (line.length === 0) this.#lines.delete(source);
	}

	#longest(): [source: string | undefined, line: readonly number[]] {
		let source: string | undefined;
		let longest: readonly number[] = [];
		this.#lines.forEach((line, its) => {
			if (line.length <= longest.length) return;
			source = its;
			longest = line;
		});
		return [source, longest];
	}
}
