import type {
	GoodsKeeper,
	GoodsTarget,
	KeptGoods,
	NewGoodsTarget,
} from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";
import { SEALING_BYTES } from "../trade/documents/index.ts";
import { chunkLength } from "../trade/merchandise/index.ts";
import { copy } from "../wire/index.ts";
import type { TestDisk } from "./disk.ts";
import type { Life } from "./life.ts";

type Chunk = Parameters<KeptGoods["put"]>[0];

/** Goods of a buyer, in memory. */
export class MemoryGoods {
	readonly #disk: TestDisk;
	readonly #sealed = new Map<string, Map<number, Chunk>>();
	readonly #shown = new Map<string, Uint8Array>();

	constructor(disk: TestDisk) {
		this.#disk = disk;
	}

	/** What was opened under that name. */
	shown(path: string): Uint8Array | undefined {
		return this.#shown.get(path);
	}

	/** As one life of the device keeps them. */
	keeper(life: Life): GoodsKeeper {
		return {
			nameOf: (path) => path,
			begin: async ({ path, ...target }: NewGoodsTarget) => {
				this.#disk.requireRoom(life);
				this.#sealed.set(path, new Map());
				return this.#kept({ path, ...target }, life);
			},
			resume: async (target) => {
				if (!this.#sealed.has(target.path))
					throw new TetradError(
						"file-unusable",
						`nothing of ${target.path} is there`,
					);
				return this.#kept(target, life);
			},
			discard: async (path) => void this.#sealed.delete(path),
		};
	}

	#kept({ path, overwrite = false }: GoodsTarget, life: Life): KeptGoods {
		const chunks = this.#sealed.get(path) ?? new Map<number, Chunk>();
		const requireRoom = async () => this.#disk.requireRoom(life);
		return {
			requireRoom,
			put: async ({ index, leaf, sealed }) => {
				await requireRoom();
				chunks.set(index, { index, leaf: copy(leaf), sealed: copy(sealed) });
			},
			seal: async (count) => {
				await requireRoom();
				for (const index of chunks.keys())
					if (index >= count) chunks.delete(index);
			},
			chunks: () => inOrder(chunks),
			count: async (length) =>
				[...chunks.values()].filter((chunk) => isWhole(chunk, length)).length,
			chunk: async (index) => chunks.get(index),
			reveal: async (opened) => {
				const pieces: Uint8Array[] = [];
				for await (const piece of opened) pieces.push(copy(piece));
				await requireRoom();
				const name = overwrite ? path : this.#freeName(path);
				this.#shown.set(name, new Uint8Array(Buffer.concat(pieces)));
				return name;
			},
			[Symbol.asyncDispose]: async () => {},
		};
	}

	/** NAME, NAME (2), NAME (3) and so on. */
	#freeName(path: string): string {
		for (let number = 1; ; number++) {
			const name = number === 1 ? path : `${path} (${number})`;
			if (!this.#shown.has(name)) return name;
		}
	}
}

function isWhole({ index, sealed }: Chunk, length: bigint): boolean {
	return sealed.length - SEALING_BYTES === chunkLength(length, index);
}

async function* inOrder(
	chunks: ReadonlyMap<number, Chunk>,
): AsyncIterable<Chunk> {
	for (let index = 0; ; index++) {
		const chunk = chunks.get(index);
		if (chunk === undefined) return;
		yield chunk;
	}
}
