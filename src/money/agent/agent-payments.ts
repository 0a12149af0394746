/*
 * What an agent asks of its own module about money, in one tetrad. The agent holds none: its module
 * judges what it asks for. What the module has said is passed on once the head of its purse that
 * it had told before is durable at the agent, or could not be made so.
 *
 *   the tetrad     new ─opened─▶ open ─closed─▶ ending ─all heads are kept─▶ ended
 *
 *   a payment      asked ─paid────▶ keeping ─kept─▶ answered
 *                    │                └─not kept─▶ answered, and the caller is told so
 *                    ├───failed──▶ refused, or in doubt
 *                    └───ended───▶ in doubt
 *
 *   one to come    asked ─expecting─▶ awaited ─received─▶ keeping ─kept─▶ come ─it was told─▶ forgotten
 *                    └───failed, or ended──▶ refused
 *
 *   a settling     asked ─settled─▶ keeping ─kept─▶ answered
 *                    └───settled with a code, or ended──▶ refused
 *
 * An answer that nobody waits for any more is dropped.
 */
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	Pending,
	Steps,
	unexpected,
} from "../../machine/index.ts";
import { copy, hex } from "../../wire/index.ts";
import {
	body,
	type Head,
	isOfMoney,
	MAX_AGENT_PAYMENTS,
	message,
	type Payment,
	requireAmount,
	unpackMessages,
	WITH_AGENT,
} from "../documents/index.ts";
import type {
	AgentPaymentsEffect,
	AgentPaymentsEvent,
	PaymentAsk,
	ReceiptedPayment,
} from "./agent-events.ts";
import {
	bothWays,
	closed,
	full,
	inDoubt,
	refusal,
	requireRoom,
} from "./agent-refusals.ts";

type State =
	| { readonly kind: "new" }
	| { readonly kind: "open" }
	/** Nothing more comes; what was said may still be on its way to the disk. */
	| { readonly kind: "ending"; readonly why: TetradError };

/** What becomes of a payment that is to come. */
type Coming =
	| {
			readonly kind: "awaited";
			readonly asks: readonly number[];
			/** Whether the module has said that it may come. */
			readonly isAgreed: boolean;
	  }
	/** It came, and is remembered until somebody asks. */
	| { readonly kind: "come"; readonly payment: ReceiptedPayment }
	/** It came, and the head before it could not be kept. */
	| { readonly kind: "unkept"; readonly error: TetradError };

const UNASKED: Coming = { kind: "awaited", asks: [], isAgreed: false };

/** What the module has said, to be told when its head is kept. */
type Outcome =
	| {
			readonly kind: "paid";
			readonly asks: readonly number[];
			readonly payment: ReceiptedPayment;
	  }
	/** `contract` is in hexadecimal. */
	| {
			readonly kind: "received";
			readonly contract: string;
			readonly payment: ReceiptedPayment;
	  }
	| { readonly kind: "settled"; readonly ask: number };

/** A head that is on its way to the disk, and what waits for it. */
interface Keeping {
	readonly head: Head;
	readonly outcomes: Outcome[];
}

/** What became of the newest head that the module told. */
type Witnessed =
	| { readonly kind: "kept" }
	| { readonly kind: "keeping"; readonly id: number }
	| { readonly kind: "not-kept"; readonly error: TetradError };

/** Payments of one tetrad at an agent. Contracts are named in hexadecimal. */
export class AgentPayments
	implements Machine<AgentPaymentsEvent, AgentPaymentsEffect>
{
	readonly #steps: Steps<AgentPaymentsEffect> = new Steps<AgentPaymentsEffect>(
		undefined,
		(error) => this.#refuseEverything(error),
	);
	#state: State = { kind: "new" };
	/** What is asked and not answered. */
	readonly #asks = new Map<number, PaymentAsk["kind"]>();
	/** Who waits for each payment that the module was asked to make. */
	readonly #paying = new Map<string, readonly number[]>();
	/** Who waits for the module to say that it takes a payment. */
	readonly #expecting = new Map<string, readonly number[]>();
	readonly #coming = new Map<string, Coming>();
	/** In the order in which the module was asked, which is that of its answers. */
	readonly #settling: number[] = [];
	readonly #keeping: Pending<Keeping> = new Pending<Keeping>();
	#witnessed: Witnessed = { kind: "kept" };

	get deadline(): undefined {
		return undefined;
	}

	/** Heads that are on their way to the disk, and what waits for each. */
	get pending(): ReadonlyMap<number, Keeping> {
		return this.#keeping.all;
	}

	handle(event: AgentPaymentsEvent): readonly (AgentPaymentsEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: AgentPaymentsEvent): void {
		switch (event.kind) {
			case "opened":
				this.#state = { kind: "open" };
				return this.#toModule(message(WITH_AGENT.witness, event.head));
			case "pay":
			case "expect":
			case "receive":
			case "settle":
				return this.#ask(event);
			case "give-up":
				return this.#giveUp(event.ask, event.error);
			case "from-module":
				return this.#hear(event.bytes);
			case "kept":
				return this.#kept(event.id);
			case "not-kept":
				return this.#notKept(event.id, event.error);
			case "closed":
				return this.#end(closed());
			case "abort":
				return this.#end(event.error);
			case "time":
				return;
			default:
				return unreachable(event);
		}
	}

	// What the agent asks.

	/** What cannot be asked, or said to the module, is refused to its caller and changes nothing for others. */
	#ask(event: PaymentAsk): void {
		this.#asks.set(event.ask, event.kind);
		try {
			this.#requireAskable(event);
			this.#begin(event);
		} catch (thrown) {
			this.#refuse(event.ask, asTetradError(thrown));
		}
	}

	/** A message is made before anything is remembered: making it may throw. */
	#begin(event: PaymentAsk): void {
		switch (event.kind) {
			case "pay":
				return this.#askOnce(
					this.#paying,
					event,
					message(WITH_AGENT.pay, { ...event.payment, text: event.text }),
				);
			case "expect": {
				const question = message(WITH_AGENT.expect, {
					...event.payment,
					text: event.text,
				});
				const id = hex(event.payment.contract);
				if (!this.#coming.has(id)) this.#coming.set(id, UNASKED);
				return this.#askOnce(this.#expecting, event, question);
			}
			case "receive":
				return this.#receive(hex(event.contract), event.ask);
			case "settle": {
				const question = message(WITH_AGENT.settle, { issuer: event.issuer });
				this.#settling.push(event.ask);
				return this.#toModule(question);
			}
			default:
				return unreachable(event);
		}
	}

	/** Throws why nothing like that can be asked now. */
	#requireAskable(event: PaymentAsk): void {
		switch (this.#state.kind) {
			case "new":
				throw new TetradError("not-confirmed", "the tetrad is not open yet");
			case "ending":
				throw this.#state.why;
			case "open":
				break;
			default:
				unreachable(this.#state);
		}
		switch (event.kind) {
			case "pay": {
				const { contract, amount } = event.payment;
				const id = hex(contract);
				requireAmount(amount);
				if (this.#expecting.has(id) || this.#coming.has(id)) throw bothWays();
				return requireRoom(this.#paying, id);
			}
			case "expect": {
				const { contract, amount } = event.payment;
				const id = hex(contract);
				requireAmount(amount);
				if (this.#paying.has(id)) throw bothWays();
				requireRoom(this.#coming, id);
				return requireRoom(this.#expecting, id);
			}
			case "receive":
				return requireRoom(this.#coming, hex(event.contract));
			case "settle":
				if (this.#settling.length >= MAX_AGENT_PAYMENTS) throw full();
				return;
			default:
				return unreachable(event);
		}
	}

	/** The module is asked once, however many wait for the answer. */
	#askOnce(
		all: Map<string, readonly number[]>,
		{ ask, payment }: Extract<PaymentAsk, { readonly payment: Payment }>,
		question: Uint8Array,
	): void {
		const id = hex(payment.contract);
		const known = all.get(id);
		all.set(id, [...(known ?? []), ask]);
		if (known === undefined) this.#toModule(question);
	}

	#receive(id: string, ask: number): void {
		const coming = this.#coming.get(id) ?? UNASKED;
		switch (coming.kind) {
			case "awaited":
				this.#coming.set(id, { ...coming, asks: [...coming.asks, ask] });
				return;
			case "come":
				this.#coming.delete(id);
				return this.#answer(ask, coming.payment);
			case "unkept":
				return this.#refuse(ask, coming.error);
			default:
				return unreachable(coming);
		}
	}

	/** A payment goes on without whoever asked for it. */
	#giveUp(ask: number, error: TetradError): void {
		this.#refuse(
			ask,
			this.#asks.get(ask) === "pay"
				? inDoubt("the caller gave up waiting for", error)
				: error,
		);
	}

	// What the module says.

	#hear(bytes: Uint8Array): void {
		if (this.#state.kind !== "open") return;
		if (!isOfMoney(bytes)) return this.#steps.emit({ kind: "other", bytes });
		try {
			for (const one of unpackMessages(bytes))
				if (isOfMoney(one)) this.#hearOne(one);
				else this.#steps.emit({ kind: "other", bytes: one });
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.#steps.emit({ kind: "end", error });
			this.#end(error);
		}
	}

	#hearOne(bytes: Uint8Array): void {
		switch (bytes[0]) {
			case WITH_AGENT.witness.type: {
				const { number, hash } = body(WITH_AGENT.witness, bytes);
				return this.#keep({ number, hash: copy(hash) });
			}
			case WITH_AGENT.paid.type: {
				const fields = body(WITH_AGENT.paid, bytes);
				const payment = receipted(fields);
				const asks = take(this.#paying, hex(fields.contract));
				if (asks !== undefined)
					this.#afterKeeping({ kind: "paid", asks, payment });
				return;
			}
			case WITH_AGENT.expecting.type:
				return this.#mayCome(hex(body(WITH_AGENT.expecting, bytes).contract));
			case WITH_AGENT.received.type: {
				const fields = body(WITH_AGENT.received, bytes);
				const payment = receipted(fields);
				const contract = hex(fields.contract);
				// It may have come before it was expected again.
				this.#mayCome(contract);
				if (this.#coming.has(contract))
					this.#afterKeeping({ kind: "received", contract, payment });
				return;
			}
			case WITH_AGENT.failed.type:
				return this.#failed(bytes);
			case WITH_AGENT.settled.type:
				return this.#settled(bytes);
			default:
				throw unexpected("a message that modules do not send to their agents");
		}
	}

	#mayCome(id: string): void {
		const coming = this.#coming.get(id);
		if (coming?.kind === "awaited")
			this.#coming.set(id, { ...coming, isAgreed: true });
		for (const ask of take(this.#expecting, id) ?? []) this.#answer(ask);
	}

	#failed(bytes: Uint8Array): void {
		const fields = body(WITH_AGENT.failed, bytes);
		const id = hex(fields.contract);
		const error = fields.isInDoubt
			? new TetradError("payment-in-doubt", fields.reason)
			: refusal(fields, "payment-refused");
		const paying = take(this.#paying, id);
		if (paying !== undefined) return this.#refuseAll(paying, error);
		const expecting = take(this.#expecting, id);
		this.#refuseAll(expecting, error);
		const coming = this.#coming.get(id);
		if (coming?.kind !== "awaited") return;
		// What was refused is what was asked for last, and what was agreed on before may still come.
		if (expecting !== undefined && coming.isAgreed) return;
		this.#coming.delete(id);
		this.#refuseAll(coming.asks, error);
	}

	#settled(bytes: Uint8Array): void {
		const fields = body(WITH_AGENT.settled, bytes);
		const error =
			fields.code === "" ? undefined : refusal(fields, "issuer-refused");
		const ask = this.#settling.shift();
		if (ask === undefined) return;
		if (error === undefined) this.#afterKeeping({ kind: "settled", ask });
		else this.#refuse(ask, error);
	}

	// How far the purse has come.

	#keep(head: Head): void {
		const id = this.#keeping.add({ head, outcomes: [] });
		this.#witnessed = { kind: "keeping", id };
		this.#steps.emit({ kind: "keep", id, head });
	}

	#afterKeeping(outcome: Outcome): void {
		switch (this.#witnessed.kind) {
			case "kept":
				return this.#tell(outcome);
			case "keeping":
				this.#keeping.all.get(this.#witnessed.id)?.outcomes.push(outcome);
				return;
			case "not-kept":
				return this.#lose(outcome, this.#witnessed.error);
			default:
				return unreachable(this.#witnessed);
		}
	}

	#kept(id: number): void {
		const { outcomes } = this.#keeping.take(id);
		if (this.#isNewest(id)) this.#witnessed = { kind: "kept" };
		for (const outcome of outcomes) this.#tell(outcome);
		this.#endWhenKept();
	}

	#notKept(id: number, error: TetradError): void {
		const { outcomes } = this.#keeping.take(id);
		if (this.#isNewest(id)) this.#witnessed = { kind: "not-kept", error };
		for (const outcome of outcomes) this.#lose(outcome, error);
		this.#endWhenKept();
	}

	#isNewest(id: number): boolean {
		return this.#witnessed.kind === "keeping" && this.#witnessed.id === id;
	}

	#tell(outcome: Outcome): void {
		switch (outcome.kind) {
			case "paid":
				for (const ask of outcome.asks) this.#answer(ask, outcome.payment);
				return;
			case "received": {
				const { contract, payment } = outcome;
				const coming = this.#coming.get(contract);
				if (coming?.kind !== "awaited") return;
				const asks = coming.asks.filter((ask) => this.#asks.has(ask));
				if (asks.length === 0)
					this.#coming.set(contract, { kind: "come", payment });
				else this.#coming.delete(contract);
				for (const ask of asks) this.#answer(ask, payment);
				return;
			}
			case "settled":
				return this.#answer(outcome.ask);
			default:
				return unreachable(outcome);
		}
	}

	#lose(outcome: Outcome, error: TetradError): void {
		switch (outcome.kind) {
			// There is a receipt, and whoever is not told of it would pay again.
			case "paid":
				for (const ask of outcome.asks)
					this.#answerUnkept(ask, outcome.payment, error);
				return;
			case "received": {
				const coming = this.#coming.get(outcome.contract);
				if (coming?.kind !== "awaited") return;
				this.#coming.set(outcome.contract, { kind: "unkept", error });
				return this.#refuseAll(coming.asks, error);
			}
			case "settled":
				return this.#refuse(outcome.ask, error);
			default:
				return unreachable(outcome);
		}
	}

	// How it ends.

	#end(why: TetradError): void {
		if (this.#state.kind === "ending") return;
		this.#state = { kind: "ending", why };
		this.#endWhenKept();
	}

	/** What was said before the end counts. */
	#endWhenKept(): void {
		if (this.#state.kind !== "ending" || this.#keeping.all.size > 0) return;
		this.#refuseEverything(this.#state.why);
		this.#steps.end("module");
	}

	#refuseEverything(why: TetradError): void {
		for (const [ask, kind] of this.#asks)
			this.#refuse(
				ask,
				kind === "pay"
					? inDoubt("the tetrad ended before its module told of", why)
					: why,
			);
	}

	#toModule(bytes: Uint8Array): void {
		this.#steps.emit({ kind: "to-module", bytes });
	}

	#answer(ask: number, payment?: ReceiptedPayment): void {
		if (this.#asks.delete(ask))
			this.#steps.emit({ kind: "answered", ask, payment });
	}

	#answerUnkept(
		ask: number,
		payment: ReceiptedPayment,
		error: TetradError,
	): void {
		if (this.#asks.delete(ask))
			this.#steps.emit({ kind: "answered-unkept", ask, payment, error });
	}

	#refuse(ask: number, error: TetradError): void {
		if (this.#asks.delete(ask))
			this.#steps.emit({ kind: "refused", ask, error });
	}

	#refuseAll(asks: readonly number[] | undefined, error: TetradError): void {
		for (const ask of asks ?? []) this.#refuse(ask, error);
	}
}

function take<Value>(all: Map<string, Value>, id: string): Value | undefined {
	const value = all.get(id);
	all.delete(id);
	return value;
}

function receipted({
	amount,
	receipt,
	chain,
}: ReceiptedPayment): ReceiptedPayment {
	return { amount, receipt: copy(receipt), chain: copy(chain) };
}
