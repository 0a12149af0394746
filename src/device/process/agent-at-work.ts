import type { Witness } from "../purse/index.ts";
import type { TrustedAgent } from "../runtime/index.ts";
import type { Report } from "./process-events.ts";

/** What all tetrads of an agent's process have in common. */
export class AgentAtWork {
	readonly agent: TrustedAgent;
	readonly witness: Witness;
	readonly report: Report;
	readonly #tetrads: { count: number };

	constructor(
		agent: TrustedAgent,
		witness: Witness,
		report: Report,
		tetrads: { count: number } = { count: 0 },
	) {
		this.agent = agent;
		this.witness = witness;
		this.report = report;
		this.#tetrads = tetrads;
	}

	/** The same with another listener; its tetrads are counted with these. */
	reporting(report: Report): AgentAtWork {
		return new AgentAtWork(this.agent, this.witness, report, this.#tetrads);
	}

	/** They are numbered from 1, in what is reported of them. */
	nextTetrad(): number {
		return ++this.#tetrads.count;
	}
}
