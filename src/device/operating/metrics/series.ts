import {
	Counter,
	collectDefaultMetrics,
	Gauge,
	Histogram,
	Registry,
} from "prom-client";
import type { ProcessEvent } from "../../process/index.ts";
import { Stopwatches } from "./stopwatches.ts";

/** From a hundredth of a second to an hour. */
const SECONDS: readonly number[] = [
	0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600,
];

/** What a purchase comes to. One that is in doubt has come to nothing yet. */
const OUTCOMES = ["bought", "wrong", "not-bought", "void"] as const;

/** A failure that has no code of its own is one in order. */
const IN_ORDER = "none";

/**
 * What a device has done since it was started, as series. No amount and no name of anybody is in
 * them: labels are codes and kinds of this program alone, so that there are never many of them.
 */
export class Series {
	readonly registry: Registry = new Registry();
	readonly #tetrads = this.#counter(
		"tetrad_tetrads_total",
		"Tetrads that were confirmed.",
	);
	readonly #open = this.#gauge(
		"tetrad_tetrads_open",
		"Tetrads that are confirmed and have not ended.",
	);
	readonly #ended = this.#counter(
		"tetrad_tetrads_ended_total",
		"Tetrads that ended, by the code of why; none is in order.",
		["code"],
	);
	readonly #establishing = this.#histogram(
		"tetrad_tetrad_confirmation_seconds",
		"From a tetrad that is bound to one that is confirmed.",
	);
	readonly #lasting = this.#histogram(
		"tetrad_tetrad_duration_seconds",
		"From a tetrad that is confirmed to its end.",
	);
	readonly #links = this.#gauge(
		"tetrad_links",
		"Links that are up: at an agent 1 with its module, or 0.",
	);
	readonly #unlinked = this.#counter(
		"tetrad_links_lost_total",
		"Links that were up and are over, by the code of why; none is in order.",
		["code"],
	);
	readonly #refused = this.#counter(
		"tetrad_refused_total",
		"Connections, links and tetrads that came to nothing, by code.",
		["code"],
	);
	readonly #cookies = this.#gauge(
		"tetrad_cookies_asked",
		"Offers since the start that had to come again with a cookie, because the agent was busy.",
	);
	readonly #halfOpen = this.#gauge(
		"tetrad_half_open",
		"Connections on which no tetrad was confirmed, when the agent last had too much to do.",
	);
	readonly #troubles = this.#counter(
		"tetrad_troubles_total",
		"What went wrong beside that, by code.",
		["code"],
	);
	readonly #lists = this.#counter(
		"tetrad_lists_learned_total",
		"Untrusted lists that were learned.",
	);
	readonly #files = this.#counter(
		"tetrad_files_total",
		"Files that were sent, received or cut off.",
		["outcome"],
	);
	readonly #settled = this.#counter(
		"tetrad_settlings_total",
		"How often the own module has done its business with an issuer.",
	);
	readonly #settledAt = this.#gauge(
		"tetrad_last_settled_timestamp_seconds",
		"When that was last, in seconds since 1970; 0 is not since the start.",
	);
	readonly #purchases = this.#counter(
		"tetrad_purchases_total",
		"Purchases that are over, by what they came to.",
		["outcome"],
	);
	readonly #buying = this.#histogram(
		"tetrad_purchase_duration_seconds",
		"From asking the module to pay to goods that are here.",
	);
	readonly #payments = this.#counter(
		"tetrad_payments_total",
		"Payments that agents agreed on beside purchases, by what they came to.",
		["outcome"],
	);
	readonly #offers = this.#counter(
		"tetrad_offers_total",
		"Contracts that went to buyers.",
	);
	readonly #sales = this.#counter(
		"tetrad_sales_total",
		"Sales whose money has come.",
	);
	readonly #unsold = this.#counter(
		"tetrad_unavailable_total",
		"Buyers who did not get what they asked for, by code.",
		["code"],
	);
	readonly #selling = this.#histogram(
		"tetrad_sale_duration_seconds",
		"From a contract that went to a buyer to its money.",
	);
	readonly #purse = this.#counter(
		"tetrad_purse_changes_total",
		"What a purse has reported to its owner, by kind.",
		["kind"],
	);
	readonly #requests = this.#counter(
		"tetrad_issuer_requests_total",
		"Requests of modules that an issuer has settled.",
		["asked", "outcome"],
	);
	readonly #spentTwice = this.#counter(
		"tetrad_issuer_double_spendings_total",
		"Proofs that a module spent a range twice.",
	);
	readonly #forks = this.#counter(
		"tetrad_issuer_forks_total",
		"Purses of which there are two copies.",
	);
	readonly #bound = new Stopwatches<number>();
	readonly #confirmed = new Stopwatches<number>();
	readonly #paying = new Stopwatches<string>();
	readonly #offered = new Stopwatches<string>();

	constructor() {
		collectDefaultMetrics({ register: this.registry });
		// What has not happened yet is 0, so that the first time is seen as a change.
		for (const outcome of OUTCOMES) this.#purchases.inc({ outcome }, 0);
	}

	hear(event: ProcessEvent): void {
		switch (event.event) {
			case "linked":
				return this.#links.inc();
			case "unlinked":
				this.#links.dec();
				return this.#unlinked.inc({ code: event.code ?? IN_ORDER });
			case "bound":
				return this.#bound.start(event.tetrad);
			case "confirmed":
				this.#tetrads.inc();
				this.#bound.stop(event.tetrad, this.#establishing);
				this.#confirmed.start(event.tetrad);
				return this.#open.set(this.#confirmed.size);
			case "ended":
				this.#ended.inc({ code: event.code ?? IN_ORDER });
				this.#bound.stop(event.tetrad);
				this.#confirmed.stop(event.tetrad, this.#lasting);
				return this.#open.set(this.#confirmed.size);
			case "refused":
				return this.#refused.inc({ code: event.code });
			case "refused-more":
				for (const [code, count] of Object.entries(event.codes))
					this.#refused.inc({ code }, count);
				return;
			case "load":
				this.#cookies.set(event.cookies);
				return this.#halfOpen.set(event.halfOpen);
			case "list-learned":
				return this.#lists.inc();
			case "list-trouble":
			case "trouble":
			case "unsent":
				return this.#troubles.inc({ code: event.code });
			case "file-sent":
			case "file-received":
			case "file-cut-off":
				return this.#files.inc({ outcome: event.event.slice("file-".length) });
			case "paid":
			case "received":
			case "in-doubt":
			case "not-paid":
				return this.#payments.inc({ outcome: event.event });
			case "settled":
				this.#settled.inc();
				return this.#settledAt.setToCurrentTime();
			case "purchase":
				return this.#purchase(event.state, event.contract);
			case "bought":
				return this.#purchase("bought", event.contract);
			case "offered":
				this.#offers.inc();
				return this.#offered.start(event.contract);
			case "sold":
				this.#sales.inc();
				return this.#offered.stop(event.contract, this.#selling);
			case "unavailable":
				return this.#unsold.inc({ code: event.code });
			case "purse":
				return this.#purse.inc({ kind: event.kind });
			case "request":
				return this.#requests.inc({
					asked: event.asked,
					outcome: event.outcome,
				});
			case "double-spending":
				return this.#spentTwice.inc();
			case "forked":
				return this.#forks.inc();
			default:
				// What is left is on the way to something, or is what a device is.
				return undefined;
		}
	}

	#purchase(
		state: Extract<ProcessEvent, { readonly event: "purchase" }>["state"],
		contract = "",
	): void {
		switch (state) {
			case "paying":
				return this.#paying.start(contract);
			case "bought":
				this.#purchases.inc({ outcome: state });
				return this.#paying.stop(contract, this.#buying);
			case "wrong":
			case "not-bought":
			case "void":
				this.#purchases.inc({ outcome: state });
				return this.#paying.stop(contract);
			default:
				return undefined;
		}
	}

	#counter<Label extends string = never>(
		name: string,
		help: string,
		labelNames: readonly Label[] = [],
	): Counter<Label> {
		const registers = [this.registry];
		return new Counter({ name, help, labelNames, registers });
	}

	#gauge(name: string, help: string): Gauge {
		return new Gauge({ name, help, registers: [this.registry] });
	}

	#histogram(name: string, help: string): Histogram {
		const buckets = [...SECONDS];
		return new Histogram({ name, help, buckets, registers: [this.registry] });
	}
}
