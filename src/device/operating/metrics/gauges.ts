import { Gauge, type Registry } from "prom-client";
import type { HomeSight } from "./home-watch.ts";

/** What a home says of its device, as series that are set when somebody asks. */
export class HomeGauges {
	readonly #waiting: Gauge<"what">;
	readonly #behind: Gauge;
	readonly #expires: Gauge;
	readonly #listsDue: Gauge;
	readonly #readable: Gauge;

	constructor(registry: Registry) {
		const registers = [registry];
		this.#waiting = new Gauge({
			name: "tetrad_waiting",
			help: "What is not over yet, by kind, counted up to 10000: payments to-deposit, to-book and in-doubt, answers of issuers, payments that wait for approvals and orders that were not taken down, of a purse; purchases and refunds of an agent.",
			labelNames: ["what"],
			registers,
		});
		this.#behind = new Gauge({
			name: "tetrad_purse_behind",
			help: "1 while the purse is behind what its agent or an issuer has seen of it, and pays nobody.",
			registers,
		});
		this.#expires = new Gauge({
			name: "tetrad_certificate_expires_timestamp_seconds",
			help: "When the device's certificate expires, in seconds since 1970.",
			registers,
		});
		this.#listsDue = new Gauge({
			name: "tetrad_lists_due_timestamp_seconds",
			help: "When the first of the untrusted lists that are held should be replaced, in seconds since 1970.",
			registers,
		});
		this.#readable = new Gauge({
			name: "tetrad_home_readable",
			help: "1 when what is said of the home could be read, and 0 when it is as it was.",
			registers,
		});
	}

	show({ purse, agent, expires, listsDue }: HomeSight): void {
		this.#readable.set(1);
		this.#expires.set(expires / 1000);
		if (listsDue !== undefined) this.#listsDue.set(listsDue / 1000);
		const wait = (what: string, count: number) =>
			this.#waiting.set({ what }, count);
		if (purse !== undefined) {
			this.#behind.set(purse.isBehind ? 1 : 0);
			wait("to-deposit", purse.toDeposit);
			wait("to-book", purse.toBook);
			wait("in-doubt", purse.inDoubt);
			wait("answers", purse.unanswered);
			wait("approvals", purse.approvals);
			wait("orders", purse.orders);
		}
		if (agent !== undefined) {
			wait("purchases", agent.purchases);
			wait("refunds", agent.refunds);
		}
	}

	/** What was shown last stays. */
	unreadable(): void {
		this.#readable.set(0);
	}
}
