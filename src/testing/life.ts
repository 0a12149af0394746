/** One life of a device: from its start until it is crashed or stopped. */
export class Life {
	#isOver = false;
	readonly #atEnd = new Set<() => void>();

	get isOver(): boolean {
		return this.#isOver;
	}

	/** Calls back once at the end; what it returns forgets that. */
	atEnd(end: () => void): () => void {
		this.#atEnd.add(end);
		return () => this.#atEnd.delete(end);
	}

	end(): void {
		this.#isOver = true;
		for (const end of [...this.#atEnd]) end();
		this.#atEnd.clear();
	}
}
