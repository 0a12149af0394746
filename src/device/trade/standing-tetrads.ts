import { hex } from "../../wire/index.ts";
import type { Buyer } from "./buyer.ts";
import { MAX_STANDING, MAX_STANDING_AT_ONE } from "./limits.ts";
import { tradeTetrad } from "./trade-session.ts";

/** A tetrad that nothing uses now. */
interface Standing {
	readonly buyer: Buyer;
	readonly address: string;
	/** Device ids of the other agent and its module, in hexadecimal. */
	readonly merchant: string;
	readonly module: string;
	readonly timer: NodeJS.Timeout;
}

/**
 * Tetrads with merchants that are kept for a while after something was done in them, so that the next
 * thing at the same address needs no establishment. One has one user at a time. It ends by itself when
 * somebody in it is listed or expires, as any tetrad does, and is not used any more then.
 */
export class StandingTetrads {
	readonly #idleMs: number;
	/** The one that was used last comes last. */
	#all: readonly Standing[] = [];
	#isClosed = false;

	/** They are kept for so many milliseconds; with 0, none is. */
	constructor(idleMs: number) {
		this.#idleMs = idleMs;
	}

	/** One with the agent at that address, and with that device id where one is given, which is the caller's from now on: with that module of it, if there is one. */
	take(
		address: string,
		merchant?: Uint8Array,
		module?: Uint8Array,
	): Buyer | undefined {
		const [wanted, by] = [merchant && hex(merchant), module && hex(module)];
		const all = this.#all.filter(
			(one) =>
				one.address === address &&
				(wanted === undefined || one.merchant === wanted) &&
				!one.buyer.tetrad.ended,
		);
		const found = all.findLast((one) => one.module === by) ?? all.at(-1);
		if (found !== undefined) this.#remove(found);
		return found?.buyer;
	}

	/** Keeps one that nothing goes on in, or closes it. */
	async keep(address: string, buyer: Buyer): Promise<void> {
		const { tetrad } = buyer;
		if (this.#isClosed || this.#idleMs === 0 || tetrad.ended)
			return leave(buyer);
		const { other } = tradeTetrad(tetrad);
		const merchant = hex(other.agent.deviceId);
		const module = hex(other.module.deviceId);
		const timer = setTimeout(() => this.#end(standing), this.#idleMs);
		// A program that has nothing else to do ends.
		timer.unref();
		const standing = { buyer, address, merchant, module, timer };
		this.#all = [...this.#all, standing];
		void buyer.over.then(() => this.#remove(standing));
		const here = this.#all.filter((one) => one.address === address);
		const [oldest] = here.length > MAX_STANDING_AT_ONE ? here : this.#all;
		const isFull =
			here.length > MAX_STANDING_AT_ONE || this.#all.length > MAX_STANDING;
		if (isFull && oldest !== undefined) this.#end(oldest);
	}

	/** Closes all, and keeps none any more. */
	async close(): Promise<void> {
		this.#isClosed = true;
		const all = this.#all;
		this.#all = [];
		await Promise.all(
			all.map(({ buyer, timer }) => {
				clearTimeout(timer);
				return leave(buyer);
			}),
		);
	}

	#remove(one: Standing): void {
		clearTimeout(one.timer);
		this.#all = this.#all.filter((other) => other !== one);
	}

	#end(one: Standing): void {
		this.#remove(one);
		void leave(one.buyer);
	}
}

/** Closes a tetrad, and resolves when nothing more comes of it. */
export async function leave({ tetrad, over }: Buyer): Promise<void> {
	await tetrad.close();
	await over;
}
