import type { Witness } from "../purse/index.ts";
import type { TrustedAgent } from "../runtime/index.ts";
import type { Report } from "./process-events.ts";

/** What all tetrads of an agent's process have in common. */
export class AgentAtWork {
	readonly agent: TrustedAgent;
	readonly witness: Witness;
	readonly report: Report;
	#tetrads = 0;

	constructor(agent: TrustedAgent, witness: Witness, report: Report) {
		this.agent = agent;
		this.witness = witness;
		this.report = report;
	}

	/** They are numbered from 1, in what is reported of them. */
	nextTetrad(): number {
		return ++this.#tetrads;
	}
}
