import { constants } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { Goods } from "../../trade/agent/index.ts";
import type { ItemDescription } from "../../trade/documents/index.ts";
import {
	beginMade,
	contractMade,
	forgetMade,
	MAX_UNPAID,
	settleMade,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { isThere, makePrivateFolder, reason } from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import { MADE_FORGOTTEN_MS, MAX_MADE_BYTES, MAX_MAKING } from "./limits.ts";
import { MerchandiseFile, type MerchandiseSource } from "./merchandise-file.ts";

/*
 * Goods that were made on order, in the home of the merchant's agent, so that they can be sent
 * again to who has paid:
 *
 *   made/<contract id>       what was made, whole
 *   made/<contract id>.new   what is being made
 */

/** How many of what is too old are taken away at once. */
const FORGET_AT_ONCE = 1000;

/** What somebody wants to have made. */
export interface Order {
	/** With what was asked for as its `order`. It is the buyer's text: to be read, and not to be run. */
	readonly item: ItemDescription;
	readonly buyer: CertifiedDevice;
}

/** Makes what was ordered, and hands it over whole or piece by piece. What it throws is not told to the buyer. */
export type MakeOnOrder = (
	order: Order,
	signal: AbortSignal,
) =>
	| Uint8Array
	| AsyncIterable<Uint8Array>
	| Promise<Uint8Array | AsyncIterable<Uint8Array>>;

/** What a merchant's agent has made on order. */
export class MadeGoods {
	readonly #folder: string;
	readonly #store: AgentStore;
	/** Names of what is being made: each has its row in the store. */
	readonly #making = new Set<string>();
	/** Orders are begun one after another, so that each sees which places are taken. */
	#beginning: Promise<unknown> = Promise.resolve();

	private constructor(folder: string, store: AgentStore) {
		this.#folder = folder;
		this.#store = store;
	}

	/** Those of a home. What nobody can pay for any more, and what a crash has left half made, goes. */
	static async open(home: string, store: AgentStore): Promise<MadeGoods> {
		const folder = join(home, "made");
		await makePrivateFolder(folder);
		for (const name of await readdir(folder))
			if (name.endsWith(".new")) await rm(join(folder, name), { force: true });
		const made = new MadeGoods(folder, store);
		await made.#forget();
		return made;
	}

	/**
	 * Makes goods, once for each contract. Throws `limit-exceeded` for a buyer who has left too much
	 * unpaid, `busy` while too much is made or these goods are, and what making throws.
	 */
	async make(
		goods: Goods,
		make: MakeOnOrder,
		signal: AbortSignal,
	): Promise<MerchandiseSource> {
		const { contractId, description, buyer } = goods;
		const name = hex(contractId);
		const begun = this.#beginning.then(() => this.#begin(name, goods));
		this.#beginning = begun.catch(() => {});
		await begun;
		try {
			const made = await make({ item: description, buyer }, signal);
			await this.#write(name, made, signal);
		} finally {
			this.#making.delete(name);
		}
		return MerchandiseFile.open(this.#folder, name);
	}

	/** Takes a place and writes its row; who is refused has neither. */
	async #begin(
		name: string,
		{ contractId, description, buyer }: Goods,
	): Promise<void> {
		if (this.#making.has(name))
			throw new TetradError("busy", "it is being made already");
		if (this.#making.size >= MAX_MAKING)
			throw new TetradError("busy", "too much is being made at once");
		await this.#forget();
		const isAllowed = await this.#store.transact(
			beginMade({
				id: contractId,
				buyer: buyer.deviceId,
				time: BigInt(Date.now()),
				item: description.name,
				wanted: description.order,
			}),
		);
		if (!isAllowed)
			throw new TetradError(
				"limit-exceeded",
				`${MAX_UNPAID} orders of this buyer were made and not paid for; nothing more is made for it until they are forgotten`,
			);
		this.#making.add(name);
	}

	/** Takes away what nobody can pay for any more. */
	async #forget(): Promise<void> {
		const before = Date.now() - MADE_FORGOTTEN_MS;
		for (;;) {
			const ids = await this.#store.transact(
				forgetMade(before, FORGET_AT_ONCE),
			);
			for (const id of ids)
				await rm(join(this.#folder, hex(id)), { force: true });
			if (ids.length < FORGET_AT_ONCE) return;
		}
	}

	/** What was made for a contract, if it is still there. */
	async again(contractId: Uint8Array): Promise<MerchandiseSource | undefined> {
		const name = hex(contractId);
		if (!(await isThere(join(this.#folder, name)))) return undefined;
		return MerchandiseFile.open(this.#folder, name);
	}

	/** The contract is signed under which they are sold. */
	async contracted(contractId: Uint8Array, hash: Uint8Array): Promise<void> {
		if (await isThere(join(this.#folder, hex(contractId))))
			await this.#store.transact(contractMade(contractId, hash));
	}

	/** The contract of that hash was paid for. */
	async sold(hash: Uint8Array): Promise<void> {
		await this.#store.transact(settleMade(hash));
	}

	async #write(
		name: string,
		made: Uint8Array | AsyncIterable<Uint8Array>,
		signal: AbortSignal,
	): Promise<void> {
		const path = join(this.#folder, name);
		try {
			{
				await using file = await open(`${path}.new`, "w", 0o600);
				let size = 0;
				for await (const piece of piecesOf(made)) {
					if (signal.aborted)
						throw new TetradError("aborted", "nobody waits for it any more");
					size += piece.length;
					if (size > MAX_MADE_BYTES)
						throw new TetradError(
							"file-unusable",
							`what was made is over ${MAX_MADE_BYTES} bytes`,
						);
					await file.writeFile(piece);
				}
				await file.sync();
			}
			await rename(`${path}.new`, path);
			await using folder = await open(this.#folder, constants.O_RDONLY);
			await folder.sync();
		} catch (thrown) {
			await rm(`${path}.new`, { force: true }).catch(() => {});
			if (thrown instanceof TetradError) throw thrown;
			const { code } = thrown as NodeJS.ErrnoException;
			throw code === undefined
				? thrown
				: new TetradError(
						"file-unusable",
						`cannot keep what was made in ${this.#folder}: ${reason(thrown)}`,
						{ cause: thrown },
					);
		}
	}
}

async function* piecesOf(
	made: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
	if (made instanceof Uint8Array) yield made;
	else yield* made;
}
