/*
 * A payment by this module, of which there is one for a contract.
 *
 *   looking up ─new─▶ preparing ─prepared─▶ waiting ─ranges─▶ signing ─▶ signed ─its turn─▶ committing
 *      │                                       ▲                            │                  │
 *      │                                       └───── ranges given up ──────┴──────────────────┤
 *      │                                                                                       │ durable
 *      ├─committed─▶ ┌─────────────────────────────────────────────────────────────────────────┘
 *      │             ▼
 *      │         delivered ─accepted─▶ settling ─durable─▶ (settled)
 *      │           │    ▲
 *      │      no answer └─met again, or asked again
 *      │           ▼    │
 *      │          in doubt
 *      └─settled─▶ (the stored receipt)
 *
 * Before `committing` everybody may give up, and nothing has changed. From there on it only goes
 * forward: the ranges are the payee's, and the same bytes are delivered until a receipt is there.
 */
import { TetradError, unreachable } from "../../errors.ts";
import { byKey, put } from "../../machine/index.ts";
import { copy, hex, parseUtf8, sameBytes, utf8 } from "../../wire/index.ts";
import {
	amountBytes,
	BETWEEN_MODULES,
	body,
	draftTransfer,
	message,
	openReceipt,
	parseAmountBytes,
	parseTimeBytes,
	type Receipt,
	WITH_AGENT,
} from "../documents/index.ts";
import { commitTransfer, deliverBytes, isExchange } from "./commit-transfer.ts";
import {
	type Agreed,
	type Asked,
	askedOf,
	type Committed,
	isUncommitted,
	type Payment,
	type Reserved,
	type State,
	sameAsked,
	type Uncommitted,
} from "./payment.ts";
import {
	lapsedError,
	noAnswer,
	otherFour,
	otherTerms,
	textOf,
	unpayable,
	whyNotJoin,
	whyTooLate,
} from "./payment-refusals.ts";
import {
	attempt,
	earliest,
	type OpenMeeting,
	type PurseCore,
} from "./purse-core.ts";
import {
	ANSWER_WITHIN_MS,
	MAX_DELIVERED_AGAIN_BYTES,
	MAX_OPEN_PAYMENTS,
	MAX_PAYMENTS_PER_TETRAD,
	PAYABLE_MARGIN_MS,
} from "./purse-limits.ts";
import {
	changing,
	PAYMENTS,
	type PaymentRow,
	unchanged,
} from "./purse-tables.ts";

export class Paying {
	readonly #core: PurseCore;
	/** By contract, in hexadecimal. */
	readonly #payments = new Map<string, Payment>();
	/** Payments that are signing or signed, in the order in which their ranges were reserved. */
	readonly #turns: Payment[] = [];

	constructor(core: PurseCore, committed: readonly PaymentRow[]) {
		this.#core = core;
		for (const row of committed.filter((row) => !isExchange(row)))
			this.#payments.set(hex(row.contract), {
				asked: askedOf(row),
				askers: [],
				state: { kind: "in-doubt", committed: this.#committedOf(row) },
			});
	}

	get deadline(): number | undefined {
		return earliest(
			this.#payments
				.values()
				.map(({ state }) =>
					state.kind === "preparing" || state.kind === "delivered"
						? state.until
						: undefined,
				),
		);
	}

	// What the own agent says.

	/** Throws for what is no request. */
	pay(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(WITH_AGENT.pay, bytes);
		const asked: Asked = {
			contract: copy(fields.contract),
			issuer: copy(fields.issuer),
			currency: parseUtf8(fields.currency),
			amount: parseAmountBytes(fields.amount),
			payee: meeting.peer.deviceId,
		};
		const known = this.#payments.get(hex(asked.contract));
		const refusal =
			known === undefined
				? this.#whyNotBegin(asked, meeting)
				: whyNotJoin(known, asked);
		if (refusal !== undefined)
			this.#core.failed(meeting.tetrad, asked.contract, refusal);
		else if (known === undefined) this.#begin(asked, meeting);
		else this.#join(known, meeting);
	}

	// What the other module says. Each throws for what is no such message.

	prepared(meeting: OpenMeeting, bytes: Uint8Array): void {
		const { contract, payBy, tag } = body(BETWEEN_MODULES.prepared, bytes);
		const invoice = { payBy: parseTimeBytes(payBy), tag: copy(tag) };
		const payment = this.#payments.get(hex(contract));
		if (
			payment?.state.kind !== "preparing" ||
			payment.state.meeting.tetrad !== meeting.tetrad
		)
			return;
		payment.state = { kind: "waiting", meeting, invoice };
		this.#reserve(payment, payment.state);
	}

	refused(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.refused, bytes);
		const payment = this.#payments.get(hex(fields.contract));
		if (
			payment === undefined ||
			!sameBytes(payment.asked.payee, meeting.peer.deviceId)
		)
			return;
		const { state } = payment;
		const error = new TetradError(
			"payment-refused",
			`the other module will not take it: ${textOf(fields.reason) || textOf(fields.code)}`,
		);
		if (state.kind === "preparing" && state.meeting.tetrad === meeting.tetrad)
			this.#giveUp(payment, error);
		else if (state.kind === "delivered")
			this.#doubt(payment, state, error.message);
	}

	accepted(meeting: OpenMeeting, bytes: Uint8Array): void {
		const { receipt: document } = body(BETWEEN_MODULES.accepted, bytes);
		const { crypto } = this.#core.options.context;
		const opened = attempt(() => openReceipt(crypto, document, meeting.peer));
		if (opened.kind === "failed") {
			if (opened.error.code !== "authentication-failed") throw opened.error;
			// It may have been signed under a key that the payee had before: no reason to part.
			return this.#core.report({ kind: "trouble", error: opened.error });
		}
		const receipt = opened.value;
		const payment = this.#payments.get(hex(receipt.body.contract));
		if (payment === undefined) return;
		const { state } = payment;
		if (state.kind !== "delivered" && state.kind !== "in-doubt") return;
		const { committed } = state;
		if (
			!sameBytes(receipt.body.payee, committed.payee) ||
			!sameBytes(receipt.body.transfer, committed.transferId) ||
			receipt.body.amount !== committed.amount
		)
			throw new TetradError(
				"payment-refused",
				"the other module gave a receipt for another transfer",
			);
		this.#settle(payment, committed, receipt);
	}

	// What happens to tetrads, and time.

	/** Whatever is in doubt between these four is delivered again, as much as there is room for. */
	opened({ tetrad, peer, parties }: OpenMeeting): void {
		let room = MAX_DELIVERED_AGAIN_BYTES;
		for (const { state } of this.#payments.values()) {
			if (
				(state.kind !== "in-doubt" && state.kind !== "delivered") ||
				!sameBytes(state.committed.payee, peer.deviceId) ||
				!sameBytes(state.committed.parties, parties)
			)
				continue;
			room -= state.committed.deliver.length;
			if (room < 0) return;
			this.#core.toModule(tetrad, state.committed.deliver);
		}
	}

	closed(tetrad: number): void {
		for (const payment of [...this.#payments.values()]) {
			payment.askers = payment.askers.filter((asker) => asker !== tetrad);
			const { state } = payment;
			if (!isUncommitted(state) || state.meeting.tetrad !== tetrad) continue;
			this.#putBack(payment, state);
			this.#payments.delete(hex(payment.asked.contract));
			this.#beginAgain(payment);
		}
		this.#takeTurns();
	}

	time(): void {
		for (const payment of [...this.#payments.values()]) {
			const { state } = payment;
			if (state.kind === "preparing" && state.until <= this.#core.now)
				this.#giveUp(payment, noAnswer());
			else if (state.kind === "delivered" && state.until <= this.#core.now)
				this.#doubt(payment, state, "the other module has not answered");
		}
	}

	/** Notes have expired and their issuer gave back what it had not booked, so these are in doubt no more. */
	lapsed(contracts: readonly Uint8Array[]): void {
		for (const contract of contracts) {
			const payment = this.#payments.get(hex(contract));
			if (payment === undefined) continue;
			this.#payments.delete(hex(contract));
			for (const asker of payment.askers)
				this.#core.failed(asker, contract, lapsedError());
		}
	}

	/** Pays those who could not be paid before; asked for after every event. */
	retry(): void {
		for (const payment of this.#payments.values())
			if (payment.state.kind === "waiting")
				this.#reserve(payment, payment.state);
	}

	// The steps.

	#whyNotBegin(
		{ issuer, currency }: Asked,
		{ tetrad }: OpenMeeting,
	): TetradError | undefined {
		const terms = this.#core.termsOf(issuer);
		if (terms === undefined || terms.currency.code !== currency)
			return new TetradError(
				"payment-refused",
				"this purse has no notes of that issuer and currency, and does not know it: import its terms",
			);
		let inTetrad = 0;
		for (const { state } of this.#payments.values())
			if (isUncommitted(state) && state.meeting.tetrad === tetrad) inTetrad++;
		return this.#payments.size >= MAX_OPEN_PAYMENTS ||
			inTetrad >= MAX_PAYMENTS_PER_TETRAD
			? new TetradError(
					"busy",
					"too many payments are under way or in doubt; ask again when some have been settled",
				)
			: undefined;
	}

	#begin(asked: Asked, meeting: OpenMeeting, askers = [meeting.tetrad]): void {
		const { crypto } = this.#core.options.context;
		const payment: Payment = {
			asked,
			askers,
			state: { kind: "looking-up", meeting },
		};
		this.#payments.set(hex(asked.contract), payment);
		this.#core.transact(
			changing(
				crypto,
				this.#core.now,
				[byKey(PAYMENTS, { contract: asked.contract })],
				([[row]]) => unchanged(row),
			),
			(row) => this.#lookedUp(payment, row),
			(error) => this.#notLookedUp(payment, error),
		);
	}

	#lookedUp(payment: Payment, row: PaymentRow | undefined): void {
		const { state, asked } = payment;
		if (!this.#isCurrent(payment) || state.kind !== "looking-up") return;
		if (row !== undefined) return this.#wasPaid(payment, row);
		const behind = this.#core.whyNotPay();
		if (behind !== undefined) return this.#giveUp(payment, behind);
		const selected = this.#core.book.select({
			...asked,
			expiresAfter: this.#core.now + PAYABLE_MARGIN_MS,
		});
		if (selected.kind === "insufficient" || selected.kind === "scattered")
			return this.#giveUp(
				payment,
				unpayable(selected, this.#core.termsOf(asked.issuer)),
			);
		const { meeting } = state;
		const until = this.#core.now + ANSWER_WITHIN_MS;
		payment.state = { kind: "preparing", meeting, until };
		this.#core.toModule(
			meeting.tetrad,
			message(BETWEEN_MODULES.prepare, {
				contract: asked.contract,
				issuer: asked.issuer,
				currency: utf8(asked.currency),
				amount: amountBytes(asked.amount),
			}),
		);
	}

	#notLookedUp(payment: Payment, error: TetradError): void {
		if (this.#isCurrent(payment)) this.#giveUp(payment, error);
	}

	/** The contract was paid already, in this process's life or in an earlier one. */
	#wasPaid(payment: Payment, row: PaymentRow): void {
		// An issuer knows the contracts of exchanges, and could have an agent ask for one.
		const isIt = sameAsked(payment.asked, askedOf(row)) && !isExchange(row);
		const refusal = isIt
			? row.state === "settled"
				? undefined
				: lapsedError()
			: otherTerms();
		if (refusal !== undefined) return this.#giveUp(payment, refusal);
		this.#payments.delete(hex(row.contract));
		for (const asker of payment.askers)
			this.#paid(asker, row.contract, row.amount, row.receipt);
	}

	/** Chooses ranges and has the transfer signed, if ranges can be had now. */
	#reserve(payment: Payment, { meeting, invoice }: Agreed): void {
		const { asked } = payment;
		const { book, options, now, ownId } = this.#core;
		const selected = book.select({
			...asked,
			expiresAfter: now + PAYABLE_MARGIN_MS,
		});
		if (selected.kind === "wait") return;
		if (selected.kind !== "selected")
			return this.#giveUp(
				payment,
				unpayable(selected, this.#core.termsOf(asked.issuer)),
			);
		const { selection } = selected;
		const draft = draftTransfer({
			payer: ownId,
			payee: asked.payee,
			issuer: asked.issuer,
			currency: asked.currency,
			amount: asked.amount,
			contract: asked.contract,
			binding: meeting.binding,
			parties: meeting.parties,
			pieces: selection.pieces,
		});
		book.reserve(selection);
		const state = { kind: "signing", meeting, invoice, selection } as const;
		payment.state = state;
		this.#turns.push(payment);
		this.#core.sign(
			draft.toSign,
			(signature) => {
				// Somebody may have given it up in the meantime.
				if (payment.state !== state) return;
				const transfer = draft.sign(options.context.crypto, signature);
				payment.state = { ...state, kind: "signed", transfer };
				this.#takeTurns();
			},
			(error) => {
				if (payment.state !== state) return;
				this.#putBack(payment, state);
				this.#giveUp(payment, error);
				this.#takeTurns();
			},
		);
	}

	/** What was reserved first is committed first. */
	#takeTurns(): void {
		for (;;) {
			const [payment] = this.#turns;
			if (payment?.state.kind !== "signed") return;
			this.#turns.shift();
			this.#commit(payment, payment.state);
		}
	}

	#commit(
		payment: Payment,
		state: Extract<State, { readonly kind: "signed" }>,
	): void {
		const { meeting, invoice, selection, transfer } = state;
		const { book } = this.#core;
		if (!book.canCommit(selection)) {
			book.release(selection);
			payment.state = { kind: "waiting", meeting, invoice };
			return;
		}
		const refusal =
			this.#core.whyNotPay() ?? whyTooLate(invoice, this.#core.now);
		if (refusal !== undefined) {
			book.release(selection);
			return this.#giveUp(payment, refusal);
		}
		payment.state = { kind: "committing", meeting, invoice };
		this.#core.transact(
			commitTransfer(this.#core, { transfer, selection, invoice }),
			(row) => {
				if (row === undefined) return this.#wasOvertaken(payment, state);
				book.commit(selection);
				this.#wasCommitted(payment, row, meeting);
			},
			(error) => {
				book.release(selection);
				this.#giveUp(payment, error);
			},
		);
	}

	/** Ranges before its own were given up after its transaction was asked for. */
	#wasOvertaken(
		payment: Payment,
		{ meeting, invoice, selection }: Reserved,
	): void {
		const { book } = this.#core;
		const isBehindOthers = !book.canCommit(selection);
		book.release(selection);
		payment.state = { kind: "waiting", meeting, invoice };
		if (!isBehindOthers)
			return this.#giveUp(
				payment,
				new TetradError("internal", "the purse and its store do not agree"),
			);
		if (this.#core.meetings.has(meeting.tetrad)) return;
		this.#payments.delete(hex(payment.asked.contract));
		this.#beginAgain(payment);
	}

	#wasCommitted(
		payment: Payment,
		row: PaymentRow,
		{ tetrad }: OpenMeeting,
	): void {
		const committed = this.#committedOf(row);
		this.#core.witness(tetrad);
		this.#deliver(payment, committed, tetrad);
	}

	#deliver(payment: Payment, committed: Committed, tetrad: number): void {
		payment.state =
			payment.askers.length === 0
				? { kind: "in-doubt", committed }
				: {
						kind: "delivered",
						committed,
						until: this.#core.now + ANSWER_WITHIN_MS,
					};
		this.#core.toModule(tetrad, committed.deliver);
	}

	#settle(payment: Payment, committed: Committed, receipt: Receipt): void {
		const { contract, amount, payee: peer, issuer } = committed;
		const { askers } = payment;
		payment.askers = [];
		payment.state = { kind: "settling", committed, receipt };
		for (const asker of askers)
			this.#paid(asker, contract, amount, receipt.document);
		this.#core.transact(
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(PAYMENTS, { contract })],
				([[row]]) =>
					row === undefined || row.state === "settled"
						? unchanged(undefined)
						: {
								entries: [{ what: "paid", subject: contract, amount, peer }],
								writes: [put(PAYMENTS, settledRow(row, receipt))],
								result: undefined,
							},
			),
			() => {
				this.#payments.delete(hex(contract));
				this.#core.report({ kind: "paid", contract, peer, issuer, amount });
				for (const asker of new Set(askers)) this.#core.witnessSoon(asker);
			},
			(error) => {
				// It is delivered again, and the payee gives the same receipt again.
				payment.state = { kind: "in-doubt", committed };
				this.#core.report({ kind: "trouble", error });
			},
		);
	}

	#join(payment: Payment, meeting: OpenMeeting): void {
		const { state } = payment;
		switch (state.kind) {
			case "looking-up":
			case "preparing":
			case "waiting":
			case "signing":
			case "signed":
			case "committing":
				payment.askers = [...payment.askers, meeting.tetrad];
				return;
			case "delivered":
			case "in-doubt":
				if (!sameBytes(state.committed.parties, meeting.parties))
					return this.#core.failed(
						meeting.tetrad,
						payment.asked.contract,
						otherFour(),
						true,
					);
				payment.askers = [...payment.askers, meeting.tetrad];
				return this.#deliver(payment, state.committed, meeting.tetrad);
			case "settling":
				return this.#paid(
					meeting.tetrad,
					state.committed.contract,
					state.committed.amount,
					state.receipt.document,
				);
			default:
				return unreachable(state);
		}
	}

	/** Those who asked in other tetrads with the same payee still want it. */
	#beginAgain({ asked, askers }: Payment): void {
		const [first] = askers;
		const meeting =
			first === undefined ? undefined : this.#core.meetings.get(first);
		if (meeting !== undefined) this.#begin(asked, meeting, [...askers]);
	}

	/** Nothing was committed, and all who asked hear why. */
	#giveUp({ asked, askers }: Payment, error: TetradError): void {
		const { contract, payee: peer } = asked;
		this.#payments.delete(hex(contract));
		for (const asker of askers) this.#core.failed(asker, contract, error);
		this.#core.report({ kind: "refused", contract, peer, error });
	}

	#doubt(
		payment: Payment,
		{ committed }: Extract<State, { readonly kind: "delivered" }>,
		why: string,
	): void {
		const { contract, payee: peer, issuer, amount } = committed;
		const error = new TetradError(
			"payment-in-doubt",
			`the money is committed and no receipt is there: ${why}; ask for the same payment again, and it is made once`,
		);
		for (const asker of payment.askers)
			this.#core.failed(asker, contract, error, true);
		payment.askers = [];
		payment.state = { kind: "in-doubt", committed };
		this.#core.report({
			kind: "in-doubt",
			contract,
			peer,
			issuer,
			amount,
			why,
		});
	}

	/** Ranges that a payment has reserved are free again. */
	#putBack(payment: Payment, state: Uncommitted): void {
		if (state.kind !== "signing" && state.kind !== "signed") return;
		this.#core.book.release(state.selection);
		const at = this.#turns.indexOf(payment);
		if (at >= 0) this.#turns.splice(at, 1);
		payment.state = {
			kind: "waiting",
			meeting: state.meeting,
			invoice: state.invoice,
		};
	}

	#paid(
		tetrad: number,
		contract: Uint8Array,
		amount: bigint,
		receipt: Uint8Array,
	): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.paid, {
				contract,
				amount: amountBytes(amount),
				receipt,
			}),
		);
	}

	#isCurrent(payment: Payment): boolean {
		return this.#payments.get(hex(payment.asked.contract)) === payment;
	}

	#committedOf(row: PaymentRow): Committed {
		return {
			...askedOf(row),
			transferId: row.transfer_id,
			parties: row.parties,
			deliver: deliverBytes(row, this.#core.chains),
		};
	}
}

function settledRow(row: PaymentRow, { document }: Receipt): PaymentRow {
	return { ...row, state: "settled", in_doubt: 0n, receipt: document };
}
