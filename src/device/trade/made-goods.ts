import { constants } from "node:fs";
import { link, open, readdir, rename, rm, writeFile } from "node:fs/promises";
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
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import {
	isThere,
	makePrivateFolder,
	type OneOfSeveral,
	reason,
} from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import { MADE_FORGOTTEN_MS, MAX_MADE_BYTES, MAX_MAKING } from "./limits.ts";
import { MerchandiseFile, type MerchandiseSource } from "./merchandise-file.ts";

/*
 * Goods that were made on order, in the home of the merchant's agent, so that they can be sent
 * again to who has paid:
 *
 *   made/<contract id>       what was made, whole
 *   made/<contract id>.new   what is being made; by process 2 of an agent of several .new-2, and so on
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
	readonly #oneOf: OneOfSeveral;
	/** Names of what is being made: each has its row in the store. */
	readonly #making = new Set<string>();
	/** Names of what was made here, until a contract is signed for it or it is forgotten. */
	readonly #uncontracted = new Set<string>();
	/** Orders are begun one after another, so that each sees which places are taken. */
	#beginning: Promise<unknown> = Promise.resolve();

	private constructor(folder: string, store: AgentStore, oneOf: OneOfSeveral) {
		this.#folder = folder;
		this.#store = store;
		this.#oneOf = oneOf;
	}

	/**
	 * Those of a home. What nobody can pay for any more, and what a crash has left half made, goes; of
	 * several processes each takes away its own, and the first what nobody makes any more.
	 */
	static async open(
		home: string,
		store: AgentStore,
		oneOf: OneOfSeveral = { number: 1, of: 1 },
	): Promise<MadeGoods> {
		const folder = join(home, "made");
		await makePrivateFolder(folder);
		for (const name of await readdir(folder)) {
			const maker = makerOf(name);
			const isLeft =
				maker === oneOf.number ||
				(maker !== undefined && maker > oneOf.of && oneOf.number === 1);
			if (isLeft) await rm(join(folder, name), { force: true });
		}
		const made = new MadeGoods(folder, store, oneOf);
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
			// Another process may have made it since it was looked for.
			const isMade =
				this.#oneOf.of > 1 && (await isThere(join(this.#folder, name)));
			if (!isMade) {
				const made = await make({ item: description, buyer }, signal);
				await this.#write(name, made, signal);
			}
			this.#uncontracted.add(name);
		} finally {
			if (this.#oneOf.of > 1) await rm(this.#draft(name), { force: true });
			this.#making.delete(name);
		}
		return MerchandiseFile.open(this.#folder, name);
	}

	/** Takes a place and writes its row; who is refused has neither. */
	async #begin(
		name: string,
		{ contractId, description, buyer }: Goods,
	): Promise<void> {
		if (this.#making.has(name)) throw madeAlready();
		if (this.#making.size >= MAX_MAKING)
			throw new TetradError("busy", "too much is being made at once");
		await this.#claim(name);
		try {
			await this.#remember({ contractId, description, buyer });
		} catch (thrown) {
			if (this.#oneOf.of > 1) await rm(this.#draft(name), { force: true });
			throw thrown;
		}
		this.#making.add(name);
	}

	/** Shows the other processes what this one makes. Of those that do so in the same moment all may be refused, and never two make it. */
	async #claim(name: string): Promise<void> {
		if (this.#oneOf.of === 1) return;
		const draft = this.#draft(name);
		try {
			await writeFile(draft, "", { mode: 0o600 });
		} catch (cause) {
			throw notKept(this.#folder, cause);
		}
		if (!(await this.#isMadeElsewhere(name))) return;
		await rm(draft, { force: true });
		throw madeAlready();
	}

	async #remember({
		contractId,
		description,
		buyer,
	}: Pick<Goods, "contractId" | "description" | "buyer">): Promise<void> {
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
	}

	/** Whether another process makes it now. */
	async #isMadeElsewhere(name: string): Promise<boolean> {
		const { number, of } = this.#oneOf;
		for (let other = 1; other <= of; other++)
			if (other !== number && (await isThere(this.#draft(name, other))))
				return true;
		return false;
	}

	/** What a process makes of it, before it is whole. */
	#draft(name: string, number: number = this.#oneOf.number): string {
		return join(this.#folder, `${name}.new${number === 1 ? "" : `-${number}`}`);
	}

	/** Takes away what nobody can pay for any more. */
	async #forget(): Promise<void> {
		const before = Date.now() - MADE_FORGOTTEN_MS;
		for (;;) {
			const ids = await this.#store.transact(
				forgetMade(before, FORGET_AT_ONCE),
			);
			for (const id of ids) {
				this.#uncontracted.delete(hex(id));
				await rm(join(this.#folder, hex(id)), { force: true });
			}
			if (ids.length < FORGET_AT_ONCE) return;
		}
	}

	/** What was made for a contract, if it is still there. */
	async again(contractId: Uint8Array): Promise<MerchandiseSource | undefined> {
		const name = hex(contractId);
		if (!(await isThere(join(this.#folder, name)))) return undefined;
		return MerchandiseFile.open(this.#folder, name);
	}

	/** The contract is signed under which they are sold, if they were made here at all. */
	async contracted(contractId: Uint8Array, hash: Uint8Array): Promise<void> {
		if (this.#uncontracted.delete(hex(contractId)))
			await this.#store.transact(contractMade(contractId, hash));
	}

	/** What another process has made of it in the same moment is what its buyer may have paid for. */
	async #publish(draft: string, path: string): Promise<void> {
		if (this.#oneOf.of === 1) return rename(draft, path);
		await link(draft, path).catch((thrown: unknown) => {
			if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
		});
		await rm(draft);
	}

	async #write(
		name: string,
		made: Uint8Array | AsyncIterable<Uint8Array>,
		signal: AbortSignal,
	): Promise<void> {
		const path = join(this.#folder, name);
		const draft = this.#draft(name);
		try {
			{
				await using file = await open(draft, "w", 0o600);
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
			await this.#publish(draft, path);
			await using folder = await open(this.#folder, constants.O_RDONLY);
			await folder.sync();
		} catch (thrown) {
			await rm(draft, { force: true }).catch(() => {});
			if (thrown instanceof TetradError) throw thrown;
			const { code } = thrown as NodeJS.ErrnoException;
			throw code === undefined ? thrown : notKept(this.#folder, thrown);
		}
	}
}

function madeAlready(): TetradError {
	return new TetradError("busy", "it is being made already");
}

function notKept(folder: string, cause: unknown): TetradError {
	return new TetradError(
		"file-unusable",
		`cannot keep what was made in ${folder}: ${reason(cause)}`,
		{ cause },
	);
}

/** Which process left a draft, by its name. */
function makerOf(name: string): number | undefined {
	const [, number] = /\.new(?:-([1-9][0-9]{0,3}))?$/.exec(name) ?? [];
	if (number !== undefined) return Number(number);
	return name.endsWith(".new") ? 1 : undefined;
}

async function* piecesOf(
	made: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
	if (made instanceof Uint8Array) yield made;
	else yield* made;
}
