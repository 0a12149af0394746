/* What was quoted, as it is bought: each thing by one quote at a time, and each to a place of its own. */
import { resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import type { OpenedAgent, Report } from "../process/index.ts";
import type { TetradEvent } from "../runtime/index.ts";
import type { GoodsTarget, Quote, TradingAgent } from "../trade/index.ts";
import type { BuyOptions, Purchase } from "./agent-service.ts";
import { purchaseOf, purchasesIn, quoteOf } from "./agent-views.ts";
import { buyQuoted } from "./buying.ts";
import { FreeTargets } from "./free-target.ts";
import { MAX_OPEN_PURCHASES } from "./limits.ts";
import { OpenQuotes } from "./open-quotes.ts";
import { isOpenOrMadeSince, ThingsUnderWay, thingOf } from "./same-thing.ts";

export class QuotedPurchases {
	readonly #trading: TradingAgent;
	readonly #opened: OpenedAgent;
	readonly #buyFolder: string | undefined;
	readonly #quotes = new OpenQuotes();
	readonly #things = new ThingsUnderWay();
	readonly #targets: FreeTargets;

	/** Goods go into `buyFolder` where nothing else is said. */
	constructor(
		trading: TradingAgent,
		opened: OpenedAgent,
		buyFolder: string | undefined,
	) {
		this.#trading = trading;
		this.#opened = opened;
		this.#buyFolder = buyFolder;
		this.#targets = new FreeTargets(opened.store);
	}

	/** It can be bought by its id from now on. */
	keep(quote: Quote): void {
		this.#quotes.keep(quote, this.#opened.agent.now());
	}

	/** By the id of its quote, in hexadecimal. */
	async buy(
		quote: string,
		{
			to,
			folder = this.#buyFolder,
			overwrite = false,
			maximum,
			maxBytes,
			waits = false,
			askOwner = false,
			askOwnerAgainWithinMs,
		}: BuyOptions,
		{
			signal,
			report,
			observe,
		}: {
			readonly signal: AbortSignal;
			readonly report: Report;
			readonly observe: (event: TetradEvent) => void;
		},
	): Promise<Purchase> {
		const id = quoteId(quote);
		const known = this.#quotes.get(id);
		// What is not known here is gone on with, and never bought anew.
		const thing = known && thingOf(quoteOf(known));
		using underWay =
			thing === undefined
				? undefined
				: await this.#things.begin(
						thing,
						id,
						async () =>
							askOwnerAgainWithinMs !== undefined &&
							(await this.#wasBought(thing, id, askOwnerAgainWithinMs)),
					);
		const isCopy =
			askOwnerAgainWithinMs !== undefined && underWay?.isCopy === true;
		const row = await buyQuoted({
			trading: this.#trading,
			store: this.#opened.store,
			offer: new Uint8Array(Buffer.from(id, "hex")),
			quote: known,
			maximum,
			waits,
			askOwner: askOwner || isCopy,
			target: async ({ offer }) => {
				const { name } = offer.description;
				const at = await this.#target({ to, folder, overwrite }, name);
				return { ...at, maxBytes };
			},
			observe,
			report,
			signal,
		});
		return purchaseOf(row);
	}

	/** Whether that thing was bought by another quote, and not long ago, or may have been. */
	async #wasBought(
		thing: string,
		quote: string,
		withinMs: number,
	): Promise<boolean> {
		const since = this.#opened.agent.now() - withinMs;
		const purchases = await purchasesIn(
			this.#opened.home.path,
			MAX_OPEN_PURCHASES,
		);
		return purchases.some(
			(one) =>
				one.quote !== quote &&
				thingOf(one) === thing &&
				isOpenOrMadeSince(one, since),
		);
	}

	async #target(
		{
			to,
			folder,
			overwrite,
		}: {
			readonly to: string | undefined;
			readonly folder: string | undefined;
			readonly overwrite: boolean;
		},
		item: string,
	): Promise<GoodsTarget & Disposable> {
		if (to !== undefined)
			return { path: resolve(to), overwrite, [Symbol.dispose]() {} };
		if (folder === undefined)
			throw new TetradError(
				"invalid-argument",
				"say where the goods go: there is no folder for them",
			);
		return this.#targets.take(folder, item);
	}
}

function quoteId(text: string): string {
	if (/^[0-9a-f]{32}$/.test(text)) return text;
	throw new TetradError(
		"invalid-argument",
		"that is no quote: its id has 32 hexadecimal digits",
	);
}
