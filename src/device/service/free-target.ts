import { join, resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import { harmlessName, numberedName } from "../../talk/index.ts";
import { readProvisional } from "../../trade/records/index.ts";
import { isThere } from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { GoodsTarget } from "../trade/index.ts";
import { MAX_FREE_NAMES, MAX_OPEN_PURCHASES } from "./limits.ts";

/** Finds names in folders for goods whose buyer has named none. */
export class FreeTargets {
	readonly #store: AgentStore;
	/** Those of purchases under way. */
	readonly #taken = new Set<string>();

	constructor(store: AgentStore) {
		this.#store = store;
	}

	/** A name that no file has, and no purchase that is not over. It is taken until it is disposed of. */
	async take(folder: string, item: string): Promise<GoodsTarget & Disposable> {
		const open = await this.#store.transact(
			readProvisional(MAX_OPEN_PURCHASES),
		);
		const targets = new Set(open.map(({ target }) => target));
		for (let number = 1; number <= MAX_FREE_NAMES; number++) {
			const name =
				number === 1
					? harmlessName(item)
					: numberedName(harmlessName(item), number);
			const path = resolve(join(folder, name));
			if (targets.has(path) || this.#taken.has(path) || (await isThere(path)))
				continue;
			// Somebody else may have taken it while the disk was asked.
			if (this.#taken.has(path)) continue;
			this.#taken.add(path);
			return { path, [Symbol.dispose]: () => void this.#taken.delete(path) };
		}
		throw new TetradError(
			"file-unusable",
			`there are ${MAX_FREE_NAMES} files called ${harmlessName(item)} in ${folder}; move them away`,
		);
	}
}
