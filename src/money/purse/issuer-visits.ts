import type { TetradError } from "../../errors.ts";
import { textWithin } from "../../wire/index.ts";

import {
	type IssuerTerms,
	MAX_REASON_BYTES,
	message,
	WITH_AGENT,
} from "../documents/index.ts";
import type { SalesCursor } from "./issuer-requests.ts";
import type { CommittedPayment } from "./payment-state.ts";
import type { VisitName } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { ANSWER_WITHIN_MS } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { RequestRow } from "./purse-tables.ts";
import type { Witnesses } from "./witnesses.ts";

/** The states of a visit and their order are drawn in settling.ts. */
type VisitState =
	| { readonly kind: "greeting" }
	| ({ readonly kind: "comparing" } & Welcomed)
	| ({ readonly kind: "working" } & Welcomed & Work)
	| { readonly kind: "closing"; readonly request: Uint8Array };

interface Welcomed {
	/** From the expiry of a note until the issuer books no transfer of it any more, in milliseconds, as it says itself. */
	readonly graceMs: number;
}

interface Work {
	/** Requests to send next; all are durable. */
	readonly toSend: readonly RequestRow[];
	/** Where more of them come from when those are sent. */
	readonly source: Source;
	/** A transaction or a signature is under way that brings more. */
	readonly isLooking: boolean;
}

export type Source =
	| { readonly kind: "open" }
	/** Sales that are committed, or whose key came from their payee. */
	| { readonly kind: "sales"; readonly cursor: SalesCursor }
	/** Payments in doubt of which the issuer has still to be asked what became of them. */
	| {
			readonly kind: "doubts";
			readonly left: readonly CommittedPayment[];
	  }
	/** Contracts of receipts above this one. */
	| { readonly kind: "deposits"; readonly above: Uint8Array }
	| { readonly kind: "exchanges" }
	| { readonly kind: "claims" }
	/** Transfers that were committed and can be booked no more. */
	| { readonly kind: "resolutions" }
	| { readonly kind: "none" };

/** Business with an issuer, in one tetrad with its module. */
export interface Visit {
	readonly name: VisitName;
	readonly meeting: OpenMeeting;
	readonly terms: IssuerTerms;
	/** How often the agent asked. */
	askers: number;
	state: VisitState;
	/** When it is over if nothing comes. */
	until: number;
	/** Sent and not answered, or answered and not durable, by request in hexadecimal. */
	readonly inFlight: Map<string, RequestRow>;
	/** Payments of which the issuer was asked what became of them, by that request in hexadecimal. */
	readonly inquiries: Map<string, CommittedPayment>;
	/** The request for a selling secret that is not kept yet, in hexadecimal. */
	secret: string | undefined;
	/** Answers that are being made durable. */
	readonly answering: Set<string>;
	/** The owner's order to give everything back, if there is one. */
	giveBack: RequestRow | undefined;
	/** Requests for exchanges that it began, in hexadecimal. */
	readonly exchanges: Set<string>;
	/** Notes that came of them, in hexadecimal. */
	readonly renewed: Set<string>;
	/** Notes that were claimed already, in hexadecimal. */
	readonly claimed: Set<string>;
	/** Contracts whose transfers were to be resolved already, in hexadecimal. */
	readonly resolved: Set<string>;
	/** The first thing that went wrong. */
	problem: TetradError | undefined;
}

/** The visits that are not over: one in a tetrad. */
export class IssuerVisits {
	readonly #core: PurseCore;
	readonly #witnesses: Witnesses;
	readonly #all = new Map<number, Visit>();
	#visits = 0;

	constructor({ core, witnesses }: PurseParts) {
		this.#core = core;
		this.#witnesses = witnesses;
	}

	values(): MapIterator<Visit> {
		return this.#all.values();
	}

	in(tetrad: number): Visit | undefined {
		return this.#all.get(tetrad);
	}

	/** That very visit, unless it is over. */
	at({ tetrad, visit }: VisitName): Visit | undefined {
		const found = this.#all.get(tetrad);
		return found?.name.visit === visit ? found : undefined;
	}

	begin(meeting: OpenMeeting, terms: IssuerTerms): void {
		const { tetrad } = meeting;
		this.#all.set(tetrad, {
			name: { tetrad, visit: this.#visits++ },
			meeting,
			terms,
			askers: 1,
			state: { kind: "greeting" },
			until: this.#core.now + ANSWER_WITHIN_MS,
			inFlight: new Map(),
			inquiries: new Map(),
			secret: undefined,
			answering: new Set(),
			giveBack: undefined,
			exchanges: new Set(),
			renewed: new Set(),
			claimed: new Set(),
			resolved: new Set(),
			problem: undefined,
		});
	}

	/** The tetrad is over. */
	drop(tetrad: number): void {
		this.#all.delete(tetrad);
	}

	/** All is done, or `error` is why not; a visit that is over already stays as it is. */
	finish({ tetrad, visit }: VisitName, error: TetradError | undefined): void {
		const found = this.at({ tetrad, visit });
		if (found === undefined) return;
		this.#all.delete(tetrad);
		if (error !== undefined) this.#core.trouble(error);
		this.#witnesses.tell(tetrad);
		for (let i = 0; i < found.askers; i++)
			this.tellSettled(tetrad, found.problem ?? error);
	}

	tellSettled(tetrad: number, error: TetradError | undefined): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.settled, {
				code: error?.code ?? "",
				reason: textWithin(error?.message ?? "", MAX_REASON_BYTES),
			}),
		);
	}
}
