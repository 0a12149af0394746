import { asTetradError } from "../../errors.ts";
import { BINDING_BYTES, BINDING_LABEL } from "../../money/index.ts";
import type {
	AgentSessionEffect,
	AgentSessionEvent,
	TradeTetrad,
} from "../../trade/agent/index.ts";
import { EXPORTER_BYTES, EXPORTER_LABEL } from "../../trade/documents/index.ts";
import { release } from "../../wire/index.ts";
import { Payments, type PaymentsOptions } from "../purse/index.ts";
import type { Handlers, Tetrad } from "../runtime/index.ts";

/** A confirmed tetrad of an agent, in which it may trade. */
export interface TradeSessionOptions {
	readonly tetrad: Tetrad;
	/** As in `Payments`. */
	readonly witness?: PaymentsOptions["witness"];
	/** The agent's clock, in milliseconds since the epoch; `Date.now` unless given. */
	readonly now?: () => number;
}

/** How a machine that trades speaks in one tetrad, with the other agent and with the own module. */
export class TradeSession {
	readonly tetrad: Tetrad;
	/** What else may be asked of the own module. */
	readonly payments: Payments;
	readonly #feed: (event: AgentSessionEvent) => void;

	/** `feed` may be called from now on, though not before this returns. */
	constructor(
		{ tetrad, witness, now = Date.now }: TradeSessionOptions,
		feed: (event: AgentSessionEvent) => void,
	) {
		this.tetrad = tetrad;
		this.#feed = feed;
		this.payments = new Payments(tetrad, {
			now,
			...(witness === undefined ? {} : { witness }),
			other: (bytes) => feed({ kind: "from-module", bytes }),
		});
		// All that the module has said was heard by then.
		void this.payments.over.then(async () => {
			try {
				await tetrad.closed;
				feed({ kind: "closed" });
			} catch (thrown) {
				feed({ kind: "abort", error: asTetradError(thrown) });
			}
		});
	}

	/** Carries out what a machine asks of the two sessions. What cannot be sent is followed by how the tetrad ended. */
	get handlers(): Handlers<AgentSessionEffect> {
		const { agent } = this.tetrad;
		return {
			"to-agent": ({ bytes }) =>
				void agent.send(bytes).then(
					() => {
						release(bytes);
						this.#feed({ kind: "sent" });
					},
					() => {},
				),
			receive: () =>
				void agent.receive().then(
					(bytes) => {
						if (bytes !== undefined) this.#feed({ kind: "from-agent", bytes });
					},
					() => {},
				),
			"to-module": ({ bytes }) => this.payments.tell(bytes),
		};
	}
}

/** What the machines of trade have to know of a tetrad. */
export function tradeTetrad(tetrad: Tetrad): TradeTetrad {
	const { A, B, X, Y } = tetrad.parties;
	const a = { agent: A, module: X };
	const b = { agent: B, module: Y };
	const none = new Uint8Array();
	return {
		...(tetrad.place === "A" ? { own: a, other: b } : { own: b, other: a }),
		binding: tetrad.export(BINDING_LABEL, none, BINDING_BYTES),
		exporter: tetrad.export(EXPORTER_LABEL, none, EXPORTER_BYTES),
	};
}
