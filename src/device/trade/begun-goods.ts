import { mkdir, readdir, readlink, symlink, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { readProvisional } from "../../trade/records/index.ts";
import { hex, utf8 } from "../../wire/index.ts";
import { reason } from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import {
	discardGoods,
	GoodsFile,
	type GoodsKeeper,
	type GoodsTarget,
	goodsFiles,
	type KeptGoods,
	type NewGoodsTarget,
} from "./goods-file.ts";
import { MAX_RESUMED } from "./limits.ts";

/*
 * Where goods were begun, in the home of the buyer's agent, so that what a crash has left beside
 * their targets is found again:
 *
 *   begun/<SHA-256 of the target's path>   a symbolic link to the target, which need not be there
 *
 * A link is there or not, whole, also after a crash. It is made before anything of the goods is,
 * and goes when nothing sealed is left of them.
 */

/** Goods in files, and in the agent's home where they were begun. */
export class BegunGoods implements GoodsKeeper {
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/**
	 * Those of an agent's home, whose store only this process has open. What a crash has left of goods
	 * goes, unless they belong to a purchase that is not over. Rejects with what the store rejects with.
	 */
	static async open(home: string, store: AgentStore): Promise<BegunGoods> {
		const begun = BegunGoods.of(home);
		await begun.#sweep(store);
		return begun;
	}

	/** Those of a home in which another process sees to what a crash has left. */
	static of(home: string): BegunGoods {
		return new BegunGoods(join(home, "begun"));
	}

	nameOf(path: string): string {
		return goodsFiles.nameOf(path);
	}

	async begin(target: NewGoodsTarget): Promise<KeptGoods> {
		const isNew = await this.#mark(target.path);
		try {
			return await GoodsFile.begin(target);
		} catch (thrown) {
			if (isNew) await this.#unmark(target.path);
			throw thrown;
		}
	}

	resume(target: GoodsTarget): Promise<KeptGoods> {
		return GoodsFile.resume(target);
	}

	async discard(path: string): Promise<void> {
		await discardGoods(path);
		await this.#unmark(path);
	}

	async #sweep(store: AgentStore): Promise<void> {
		const marks = await readdir(this.#folder).catch(() => []);
		if (marks.length === 0) return;
		const open = await store.transact(readProvisional(MAX_RESUMED));
		// There may be more, and what belongs to one of them is all that its buyer has.
		if (open.length === MAX_RESUMED) return;
		const claimed = new Set(open.map(({ target }) => target));
		for (const mark of marks) {
			const target = await readlink(join(this.#folder, mark)).catch(() => "");
			if (target === "" || claimed.has(target)) continue;
			// What cannot be taken away now is tried again.
			await this.discard(target).catch(() => {});
		}
	}

	/** Whether there was no mark yet. */
	async #mark(path: string): Promise<boolean> {
		const mark = this.#markOf(path);
		try {
			await this.#link(resolve(path), mark);
			return true;
		} catch (thrown) {
			if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
			throw new TetradError(
				"file-unusable",
				`cannot write ${mark}: ${reason(thrown)}`,
				{ cause: thrown },
			);
		}
	}

	/** The folder is there but for the first time. */
	async #link(target: string, mark: string): Promise<void> {
		try {
			await symlink(target, mark);
		} catch (thrown) {
			if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
			await mkdir(this.#folder, { recursive: true, mode: 0o700 });
			await symlink(target, mark);
		}
	}

	async #unmark(path: string): Promise<void> {
		await unlink(this.#markOf(path)).catch(() => {});
	}

	#markOf(path: string): string {
		const name = nodeCrypto.sha256(utf8(resolve(path)));
		return join(this.#folder, hex(name));
	}
}
