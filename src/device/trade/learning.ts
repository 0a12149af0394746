/* Purchases that only the module knows of: made by another agent, or lost by this one. They are kept as this agent's. */
import { nameInDeviceId } from "../../money/index.ts";
import { harmlessName } from "../../talk/index.ts";
import type { LearnedPurchase } from "../../trade/agent/index.ts";
import { parseItemDescription } from "../../trade/documents/index.ts";
import {
	beginPurchase,
	concludePurchase,
	readProvisional,
} from "../../trade/records/index.ts";
import type { GoodsPlace } from "./asked-goods.ts";
import { MAX_RESUMED } from "./limits.ts";
import { provisionalRow } from "./provisional-row.ts";

/** In the place of a currency's decimals where only the module knows them. */
const UNKNOWN_EXPONENT = -1n;

const NONE: Uint8Array = new Uint8Array();

export class Learning {
	readonly #place: GoodsPlace;
	readonly #learnedTo: (name: string) => string;
	readonly #now: () => number;
	/** Of what was learned in this tetrad. */
	readonly #targets = new Set<string>();
	/** What was learned is kept one after another, so that each has a name of its own. */
	#learning: Promise<void> = Promise.resolve();

	/** `learnedTo` says where goods go, by the name of the item. */
	constructor(
		place: GoodsPlace,
		learnedTo: (name: string) => string,
		now: () => number,
	) {
		this.#place = place;
		this.#learnedTo = learnedTo;
		this.#now = now;
	}

	/** Settles when all that was learned so far is kept, or could not be. */
	get over(): Promise<void> {
		return this.#learning;
	}

	learned(learned: LearnedPurchase): void {
		this.#learning = this.#learning.then(() => this.#keep(learned));
		this.#learning.catch(() => {});
	}

	async #keep({ purchase, step }: LearnedPurchase): Promise<void> {
		const { store } = this.#place;
		const { contract } = purchase;
		const { name } = parseItemDescription(purchase.description);
		await store.transact(
			beginPurchase({
				...provisionalRow(purchase, this.#now()),
				offer: NONE,
				// The module has the money's terms, and says nothing of them.
				exponent: UNKNOWN_EXPONENT,
				play: 0n,
				merchant: nameInDeviceId(contract.sellerAgent),
				merchant_module: nameInDeviceId(contract.sellerModule),
				address: "",
				target: await this.#freeTarget(this.#learnedTo(harmlessName(name))),
				overwrite: 0n,
			}),
		);
		if (step !== "refunded") return;
		const outcome = {
			kind: "refunded",
			credited: contract.amount,
			code: "purchase-void",
			reason: "",
		} as const;
		await store.transact(concludePurchase(contract.hash, outcome, this.#now()));
	}

	/** Where the goods of no other purchase go that is not over: the same item may have been bought often. */
	async #freeTarget(path: string): Promise<string> {
		const { store, keeper } = this.#place;
		const open = await store.transact(readProvisional(MAX_RESUMED));
		const taken = new Set(open.map(({ target }) => target));
		for (let number = 1; ; number++) {
			const name = number === 1 ? path : `${path} (${number})`;
			const target = keeper.nameOf(name);
			if (!taken.has(target) && !this.#targets.has(target)) {
				this.#targets.add(target);
				return target;
			}
		}
	}
}
