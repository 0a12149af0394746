/* The goods of one purchase as its buyer has them on the disk, from when they were asked for until nothing more comes of them in this tetrad. */
import { TetradError, unreachable } from "../../errors.ts";
import type { GoodsEvent, PaidGoods } from "../../trade/agent/index.ts";
import type { Offer } from "../../trade/documents/index.ts";
import { chunkCount, type SealedChunk } from "../../trade/merchandise/index.ts";
import { readConcluded, readProvisional } from "../../trade/records/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { GoodsKeeper, GoodsTarget, KeptGoods } from "./goods-file.ts";
import { goodsTurn } from "./goods-turn.ts";
import { MAX_RESUMED } from "./limits.ts";
import { openGoods } from "./open-goods.ts";

/** Where goods are kept, and what is kept of them. */
export interface GoodsPlace {
	readonly keeper: GoodsKeeper;
	readonly store: AgentStore;
}

export class AskedGoods {
	readonly target: GoodsTarget;
	readonly offer: Offer | undefined;
	/** Whether it was paid already: then a file that has appeared is no reason to refuse. */
	readonly isPaid: boolean;
	readonly #place: GoodsPlace;
	#file: KeptGoods | undefined;
	/** While they are opened, until what became of them is kept. */
	#turn: Disposable | undefined;
	/** Whether a new part of them was begun since they were paid. */
	#isBegunAnew = false;
	/** Whether another tetrad of this agent has brought them to their end: what lies at their target then is no concern of this one. */
	#isOver = false;
	/** Whether nobody waits for them any more. */
	isLeft = false;
	/** Of what is bought in this tetrad, once there is one: in hexadecimal. */
	contract: string | undefined;
	/** What was asked of disk and store is done in order. */
	#work: Promise<unknown> = Promise.resolve();

	constructor(
		place: GoodsPlace,
		target: GoodsTarget,
		offer: Offer | undefined,
		isPaid: boolean,
	) {
		this.#place = place;
		this.target = target;
		this.offer = offer;
		this.isPaid = isPaid;
	}

	/** Does it when all that was asked about them before is done. */
	inTurn(work: () => Promise<void>): void {
		this.#work = this.#work.then(work);
	}

	/** What was asked for last; another one when something was asked for since. */
	get work(): Promise<unknown> {
		return this.#work;
	}

	/** What the goods are called on the disk. */
	get name(): string {
		return this.#place.keeper.nameOf(this.target.path);
	}

	async begin({
		ask,
		length,
		from,
	}: {
		readonly ask: number;
		readonly length: bigint;
		readonly from: number;
	}): Promise<GoodsEvent> {
		const { keeper } = this.#place;
		const { target, isPaid } = this;
		const { maxBytes } = target;
		if (!isPaid) await this.#requireUnclaimed();
		if (!isPaid && maxBytes !== undefined && length > maxBytes)
			throw new TetradError(
				"limit-exceeded",
				`nothing was paid: the goods have ${length} bytes, and at most ${maxBytes} were to be taken`,
			);
		if (from === 0) {
			await this.#close();
			this.#file = await keeper.begin({ ...target, mayBeThere: isPaid });
			this.#isBegunAnew = isPaid;
		}
		try {
			await this.#begun.requireRoom(length);
		} catch (thrown) {
			if (from === 0 && !isPaid) {
				await this.#close();
				await keeper.discard(target.path);
			}
			throw thrown;
		}
		return { kind: "begun", ask };
	}

	put(chunk: SealedChunk): Promise<void> {
		return this.#begun.put(chunk);
	}

	seal(count: number): Promise<void> {
		return this.#begun.seal(count);
	}

	/** `progress` hears how many bytes are opened. */
	async open(
		ask: number,
		paid: PaidGoods,
		progress: (bytes: bigint) => void,
	): Promise<GoodsEvent> {
		const { length, hash } = paid.contract;
		const { store } = this.#place;
		this.#turn ??= await goodsTurn(store, this.name);
		const over = await store.transact(readConcluded(hash));
		if (over !== undefined) {
			this.#isOver = true;
			return { kind: "over-elsewhere", ask, ...over };
		}
		const file = await this.#part();
		if (file === undefined) return this.#missing(ask, 0);
		const opened = await openGoods(file, paid, progress);
		switch (opened.kind) {
			case "opened":
				return { kind: "goods-opened", ask, path: opened.path };
			case "wrong":
				return { kind: "goods-wrong", ask, evidence: opened.evidence };
			case "damaged": {
				// What was cut off is sent from there on; what is wrong, all anew.
				const count = await file.count(length);
				const from = count < chunkCount(length) ? count : 0;
				return this.#missing(ask, from);
			}
			default:
				return unreachable(opened);
		}
	}

	/** Takes what is there of them off the disk, unless that is another tetrad's. */
	async drop(): Promise<void> {
		const isThere = this.#isOver
			? this.#isBegunAnew
			: this.#file !== undefined || this.isPaid;
		await this.#close();
		if (isThere)
			await this.#place.keeper.discard(this.target.path).catch(() => {});
		this.#leaveTurn();
	}

	/** Nothing more comes of them here. */
	async leave(): Promise<void> {
		await this.#close();
		this.#leaveTurn();
	}

	/** Nobody relies on what a file says when it is closed: what was sealed is on the disk, and what was not is fetched again. */
	async #close(): Promise<void> {
		const file = this.#file;
		this.#file = undefined;
		try {
			await file?.[Symbol.asyncDispose]();
		} catch {}
	}

	/** What came for a purchase that is not over is all that its buyer has of it. Throws `file-unusable`. */
	async #requireUnclaimed(): Promise<void> {
		const { name } = this;
		const open = await this.#place.store.transact(readProvisional(MAX_RESUMED));
		if (open.some(({ target }) => target === name))
			throw new TetradError(
				"file-unusable",
				`a purchase that is not over yet goes to ${name}; choose another name, or end that one first, with tetrad resolve`,
			);
	}

	/** Goods that have to be fetched are opened later, and whoever has them may open them meanwhile. */
	#missing(ask: number, from: number): GoodsEvent {
		this.#leaveTurn();
		return { kind: "goods-missing", ask, from };
	}

	#leaveTurn(): void {
		this.#turn?.[Symbol.dispose]();
		this.#turn = undefined;
	}

	get #begun(): KeptGoods {
		if (this.#file === undefined)
			throw new TetradError("internal", "goods came that were not begun");
		return this.#file;
	}

	/** What is on the disk of them, if anything is. */
	async #part(): Promise<KeptGoods | undefined> {
		this.#file ??= await this.#place.keeper
			.resume(this.target)
			.catch(() => undefined);
		return this.#file;
	}
}
