/*
 * What an agent that answers hears from the other one: texts, proposed payments and files, one
 * after another.
 *
 *              ┌──────────── a text: it is reported ◀─────────────┐
 *              ▼                                                  │
 *   new ─▶ listening ─ a proposal ─▶ asking ─its module takes it─▶ telling ─sent─▶ listening
 *              │                        └──────or does not───────▶ telling
 *              ├──── an offer of a file ─▶ taking ─it was acknowledged─▶ listening
 *              └──── closed ─▶ over            (and while it is told)
 *
 * What a device is not there for ends the tetrad.
 */
import type { CryptoProvider } from "../crypto/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	unexpected,
} from "../machine/index.ts";
import {
	body,
	copyPayment,
	type IssuerTerms,
	MAX_REASON_BYTES,
	message,
	type Payment,
} from "../money/documents/index.ts";
import { sameBytes, textWithin } from "../wire/index.ts";
import {
	FileReceiving,
	type FileReceivingEffect,
	type FileReceivingEvent,
} from "./file-receiving.ts";
import { FILE, PAYMENT } from "./messages.ts";
import { type SessionOneEvent, unasked } from "./session-one.ts";
import { parseText } from "./text.ts";

/** A payment that the other agent proposed, and that is of money which this one takes. */
export interface ProposedPayment {
	readonly payment: Payment;
	readonly terms: IssuerTerms;
	/** What it is for, in words of the other agent's owner. */
	readonly text: string;
}

/** What happens at an agent that answers. */
export type AgentAnsweringEvent =
	| { readonly kind: "begin" }
	/** The own module will take the payment. */
	| { readonly kind: "expecting" }
	/** It will not, and why. */
	| { readonly kind: "not-expecting"; readonly error: TetradError }
	| SessionOneEvent
	| FileReceivingEvent;

/** What an agent that answers asks for. */
export type AgentAnsweringEffect =
	/** The other agent said something for the owner. */
	| { readonly kind: "text"; readonly text: string }
	/** Have the own module take that payment; answered by `expecting` or `not-expecting`. */
	| { readonly kind: "expect"; readonly proposed: ProposedPayment }
	| FileReceivingEffect;

type State =
	| { readonly kind: "new" }
	| { readonly kind: "listening" }
	| { readonly kind: "asking"; readonly contract: Uint8Array }
	| { readonly kind: "telling" }
	| { readonly kind: "taking"; readonly file: FileReceiving };

/** What an agent that answers is there for. */
export interface AgentAnsweringOptions {
	readonly crypto: CryptoProvider;
	/** Whose money is taken; without it every payment is out of turn. */
	readonly issuers?: readonly IssuerTerms[];
	/** Whether files are taken. */
	readonly takesFiles: boolean;
}

/** An agent that answers, in one tetrad. */
export class AgentAnswering
	implements Machine<AgentAnsweringEvent, AgentAnsweringEffect>
{
	readonly #steps: Steps<AgentAnsweringEffect> =
		new Steps<AgentAnsweringEffect>(undefined, () => this.#failing());
	readonly #options: AgentAnsweringOptions;
	#state: State = { kind: "new" };

	constructor(options: AgentAnsweringOptions) {
		this.#options = options;
	}

	get deadline(): undefined {
		return undefined;
	}

	handle(
		event: AgentAnsweringEvent,
	): readonly (AgentAnsweringEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: AgentAnsweringEvent): void {
		const state = this.#state;
		if (event.kind === "time") return;
		if (event.kind === "abort") throw event.error;
		switch (state.kind) {
			case "new":
				if (event.kind !== "begin") throw unasked(event.kind);
				return this.#listen();
			case "listening":
				if (event.kind === "from-agent") return this.#hear(event.bytes);
				if (event.kind === "closed") return this.#steps.end("peer");
				break;
			case "asking":
				if (event.kind === "expecting") return this.#welcome(state.contract);
				if (event.kind === "not-expecting")
					return this.#unwelcome(state.contract, event.error);
				break;
			case "telling":
				if (event.kind === "sent") return this.#listen();
				if (event.kind === "closed") return this.#steps.end("peer");
				break;
			case "taking":
				if (isOfFile(event)) return this.#inFile(state.file, event);
				break;
			default:
				return unreachable(state);
		}
		if (event.kind === "from-agent") throw unexpected("a message");
		throw unasked(event.kind);
	}

	#listen(): void {
		this.#state = { kind: "listening" };
		this.#steps.emit({ kind: "receive" });
	}

	#hear(bytes: Uint8Array): void {
		const text = parseText(bytes);
		if (text !== undefined) {
			this.#steps.emit({ kind: "text", text });
			return this.#listen();
		}
		switch (bytes[0]) {
			case PAYMENT.propose.type:
				return this.#proposed(bytes);
			case FILE.offer.type:
				return this.#offered(bytes);
			default:
				throw unexpected("a message that this agent does not know");
		}
	}

	#proposed(bytes: Uint8Array): void {
		const { issuers } = this.#options;
		if (issuers === undefined)
			throw new TetradError(
				"unexpected-message",
				"the peer wants to pay, and this agent takes no payments; start it with --take-payments",
			);
		const fields = body(PAYMENT.propose, bytes);
		const payment = copyPayment(fields);
		const terms = issuers.find(
			({ issuer, currency }) =>
				sameBytes(issuer, payment.issuer) && currency.code === payment.currency,
		);
		if (terms === undefined)
			return this.#unwelcome(
				payment.contract,
				new TetradError(
					"payment-refused",
					`this agent takes money of ${issuers.map(({ name }) => name).join(", ")} alone`,
				),
			);
		this.#state = { kind: "asking", contract: payment.contract };
		this.#steps.emit({
			kind: "expect",
			proposed: { payment, terms, text: fields.text },
		});
	}

	#welcome(contract: Uint8Array): void {
		this.#tell(message(PAYMENT.welcome, { contract }));
	}

	#unwelcome(contract: Uint8Array, { message: why }: TetradError): void {
		const reason = textWithin(why, MAX_REASON_BYTES);
		this.#tell(message(PAYMENT.unwelcome, { contract, reason }));
	}

	#tell(bytes: Uint8Array): void {
		this.#state = { kind: "telling" };
		this.#steps.emit({ kind: "to-agent", bytes });
	}

	#offered(bytes: Uint8Array): void {
		if (!this.#options.takesFiles)
			throw new TetradError(
				"unexpected-message",
				"the peer sends a file, and this agent takes none; start it with --receive FOLDER",
			);
		const file = new FileReceiving(this.#options);
		this.#state = { kind: "taking", file };
		this.#inFile(file, { kind: "from-agent", bytes });
	}

	#inFile(file: FileReceiving, event: FileReceivingEvent): void {
		for (const effect of file.handle(event)) {
			if (effect.kind !== "ended") this.#steps.emit(effect);
			else if (effect.error !== undefined) throw effect.error;
			else this.#listen();
		}
	}

	#failing(): void {
		if (this.#state.kind !== "taking") return;
		const { unkept } = this.#state.file;
		if (unkept !== undefined) this.#steps.emit({ kind: "discard", ...unkept });
	}
}

function isOfFile(event: AgentAnsweringEvent): event is FileReceivingEvent {
	return (
		event.kind !== "begin" &&
		event.kind !== "expecting" &&
		event.kind !== "not-expecting"
	);
}
