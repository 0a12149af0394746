/**
 * Memory for short arrays that soon nobody needs any more, cut from blocks: the engine gives an
 * array of more than 64 bytes memory of its own, which costs more than what is written to it, and
 * collects it one by one. No byte is handed out twice.
 */
export class Blocks {
	readonly #blockBytes: number;
	readonly #longestCut: number;
	#block: ArrayBuffer = new ArrayBuffer(0);
	#used = 0;

	/** Whoever keeps what was cut keeps a block. Arrays of more than `longestCut` bytes are not cut. */
	constructor(blockBytes: number, longestCut: number) {
		this.#blockBytes = blockBytes;
		this.#longestCut = longestCut;
	}

	/** Zeroed. A longer array has memory of its own. */
	cut(bytes: number): Uint8Array {
		if (bytes > this.#longestCut) return new Uint8Array(bytes);
		if (bytes > this.#block.byteLength - this.#used) {
			this.#block = new ArrayBuffer(this.#blockBytes);
			this.#used = 0;
		}
		const from = this.#used;
		this.#used += bytes;
		return new Uint8Array(this.#block, from, bytes);
	}
}
