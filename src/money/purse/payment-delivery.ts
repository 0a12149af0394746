/*
 * What becomes of a payment that is committed: it is delivered, with the same bytes each time,
 * until the payee's receipt is there and durable.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { chainHash } from "../../identity/index.ts";
import { byKey, put, type Write } from "../../machine/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	openReceipt,
	openReceiptUnderChain,
	type Receipt,
} from "../documents/index.ts";
import { checked } from "./checked.ts";
import { isExchange } from "./commit-transfer.ts";
import type { OpenPayments } from "./open-payments.ts";
import type {
	CommittedPayment,
	OpenPayment,
	PaymentState,
} from "./payment-state.ts";
import type { JobOf, Results } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import {
	ANSWER_WITHIN_MS,
	KEYED_RECEIPT_WAITS_MS,
	MAX_DELIVERED_AGAIN_BYTES,
	RECEIPT_WAITS_MS,
} from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import {
	type Change,
	changing,
	PAYMENTS,
	type PaymentRow,
	RECEIPT_CHAINS,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart } from "./sale-part.ts";
import type { Witnesses } from "./witnesses.ts";

/** What has come of a payment that is settling. */
type Come = Omit<Extract<PaymentState, { readonly kind: "settling" }>, "kind">;

export class PaymentDelivery {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #payments: OpenPayments;
	readonly #sale: SalePart | undefined;
	/** Tetrads that began before any agent had spoken, and whose agent has not. */
	readonly #unwitnessed = new Set<number>();

	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		payments: OpenPayments,
	) {
		this.#sale = sale;
		this.#core = core;
		this.#work = work;
		this.#witnesses = witnesses;
		this.#payments = payments;
	}

	/** Whatever is in doubt between these four is delivered again, once the agent knows of it: a purse that was started waits for its word. */
	opened(meeting: OpenMeeting): void {
		if (this.#witnesses.standing.kind === "unwitnessed")
			this.#unwitnessed.add(meeting.tetrad);
		else this.#deliverAgain(meeting);
	}

	/** The agent of that tetrad has said how far it knows this purse to have come, and was told. */
	witnessed(tetrad: number): void {
		const meeting = this.#core.meetings.get(tetrad);
		if (this.#unwitnessed.delete(tetrad) && meeting !== undefined)
			this.#deliverAgain(meeting);
	}

	closed(tetrad: number): void {
		this.#unwitnessed.delete(tetrad);
	}

	/** As much as there is room for. */
	#deliverAgain({ tetrad, peer, parties }: OpenMeeting): void {
		let isTold = false;
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
			// The tetrad in which it was committed may have ended before the agent heard of it.
			if (!isTold) this.#witnesses.tell(tetrad);
			isTold = true;
			this.#core.toModule(tetrad, state.committed.deliver);
		}
	}

	deliver(
		payment: OpenPayment,
		committed: CommittedPayment,
		tetrad: number,
	): void {
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

	doubt(
		payment: OpenPayment,
		{ committed }: { readonly committed: CommittedPayment },
		why: string,
	): void {
		const { contract, payee: peer, issuer, amount } = committed;
		const error = new TetradError(
			"payment-in-doubt",
			committed.sale === undefined
				? `the money is committed and no receipt is kept: ${why}; ask for the same payment again, and it is made once`
				: `the money is committed, and what it is paid for has not come: ${why}; the payee is asked again, and so is the issuer`,
		);
		this.#payments.failed(payment, { kind: "in-doubt", contract, error });
		payment.askers = [];
		payment.state = { kind: "in-doubt", committed };
		this.#core.report({
			kind: "in-doubt",
			contract,
			peer,
			issuer,
			amount,
			fee: 0n,
			why,
		});
	}

	/** The other module has taken it. Throws for what is no such message. */
	accepted(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.accepted, bytes);
		const { peer } = meeting;
		const { crypto, judgeSigned } = this.#core.options.context;
		const isOfPeer = fields.chain.length === 0;
		const opened = checked(() =>
			isOfPeer
				? openReceipt(crypto, fields.receipt, peer)
				: openReceiptUnderChain(
						crypto,
						fields.receipt,
						fields.chain,
						judgeSigned,
					),
		);
		if (opened.kind === "failed") {
			if (opened.error.code === "malformed") throw opened.error;
			// It may have been signed under a key that is listed by now: no reason to part, and the issuer knows more.
			return this.#core.trouble(opened.error);
		}
		const receipt = opened.value;
		const chain = isOfPeer ? peer.encodedChain : copy(fields.chain);
		const payment = this.#payments.of(receipt.value.contract);
		const state = payment?.state;
		if (state?.kind === "settling") return;
		if (
			payment === undefined ||
			(state?.kind !== "delivered" && state?.kind !== "in-doubt")
		)
			return this.#keepReceipt(receipt, chain);
		const { committed } = state;
		if (
			!sameBytes(receipt.value.payee, committed.payee) ||
			!sameBytes(receipt.value.transfer, committed.transferId) ||
			receipt.value.amount !== committed.amount
		)
			throw new TetradError(
				"payment-refused",
				"the other module gave a receipt for another transfer",
			);
		const { sale } = committed;
		const key = sale && this.#rightKey(fields.key, sale.keyHash);
		if (sale !== undefined && key === undefined) {
			this.#keepReceipt(receipt, chain);
			// Whoever waits hears it at once, and what is delivered again at each meeting is said once.
			if (state.kind === "delivered")
				this.doubt(payment, state, "it has given a receipt without the key");
			return;
		}
		// It is told at once: until it is durable here, both the payee and the issuer tell it again.
		this.#payments.paid(payment, {
			receipt: receipt.value.document,
			chain,
			key,
		});
		this.#settle(payment, { committed, receipt, chain, key });
	}

	#rightKey(
		key: Uint8Array | undefined,
		keyHash: Uint8Array,
	): Uint8Array | undefined {
		const { crypto } = this.#core.options.context;
		return key !== undefined && sameBytes(crypto.sha256(key), keyHash)
			? copy(key)
			: undefined;
	}

	/** Beside what is known of the payment, where no receipt was kept: the payee has taken the money and has not given what it was for, which is for the issuer to settle; or the issuer has settled it before. */
	#keepReceipt({ value: receipt }: Receipt, chain: Uint8Array): void {
		const { contract } = receipt;
		const { crypto } = this.#core.options.context;
		const kept = keptReceipt(crypto, receipt, chain);
		this.#work.transact(
			{ kind: "keeping-receipt", contract },
			changing(
				crypto,
				this.#core.now,
				[byKey(PAYMENTS, { contract }), kept.read],
				([[row], [known]]): Change<Results["keeping-receipt"]> => {
					if (row === undefined || isExchange(row) || !isWithout(row, receipt))
						return unchanged(undefined);
					return {
						entries: [],
						writes: [
							put(PAYMENTS, { ...row, ...kept.columns }),
							...kept.writes(known),
						],
						result:
							row.state === "committed"
								? { receipt: receipt.document, chain }
								: undefined,
					};
				},
			),
		);
	}

	receiptKept(
		{ contract }: JobOf<"keeping-receipt">,
		kept: Results["keeping-receipt"],
	): void {
		if (kept !== undefined)
			this.#sale?.happened({ kind: "receipt-without-key", contract, ...kept });
	}

	#settle(payment: OpenPayment, come: Come): void {
		const { committed, receipt, chain } = come;
		const { contract, amount, payee } = committed;
		const { crypto } = this.#core.options.context;
		const kept = keptReceipt(crypto, receipt.value, chain);
		payment.state = { kind: "settling", ...come };
		this.#work.transact(
			{ kind: "settling-payment", contract },
			changing(
				crypto,
				this.#core.now,
				[byKey(PAYMENTS, { contract }), kept.read],
				([[row], [known]]): Change<undefined> => {
					if (row === undefined) return unchanged(undefined);
					const isFirst = row.state === "committed";
					// Its issuer's word was written first.
					if (!isFirst && !isWithout(row, receipt.value))
						return unchanged(undefined);
					return {
						entries: isFirst
							? [{ what: "paid", subject: contract, amount, peer: payee }]
							: [],
						writes: [
							put(PAYMENTS, {
								...(isFirst ? settledRow(row, come) : row),
								...kept.columns,
							}),
							...kept.writes(known),
						],
						result: undefined,
					};
				},
			),
			{
				waitMs:
					committed.sale === undefined
						? RECEIPT_WAITS_MS
						: KEYED_RECEIPT_WAITS_MS,
			},
		);
	}

	settled({ contract }: JobOf<"settling-payment">): void {
		const payment = this.#payments.of(contract);
		// Its issuer's word was written first, and all who asked have heard that.
		if (payment?.state.kind !== "settling") return;
		const { payee: peer, issuer, amount } = payment.state.committed;
		this.#payments.delete(contract);
		this.#core.report({
			kind: "paid",
			...{ contract, peer, issuer, amount, fee: 0n },
		});
		for (const asker of new Set(payment.askers))
			this.#witnesses.tellSoon(asker);
	}

	/** It is delivered again, and the payee gives the same receipt again. */
	notSettled(
		{ contract }: JobOf<"settling-payment">,
		error: TetradError,
	): void {
		this.#core.trouble(error);
		const payment = this.#payments.of(contract);
		if (payment?.state.kind === "settling") {
			// Whoever asked for a payment has its receipt.
			if (payment.asked.sale === undefined) payment.askers = [];
			this.doubt(
				payment,
				payment.state,
				`the receipt has come and could not be kept (${error.message})`,
			);
		}
	}
}

/** A sale is still to be handed to its issuer: whoever sold it may be gone. */
function settledRow(row: PaymentRow, { key }: Come): PaymentRow {
	return {
		...row,
		state: key === undefined ? "settled" : "keyed",
		in_doubt: 0n,
		key: key ?? row.key,
	};
}

/** Whether that payment is the one which the receipt is for, and has none. */
function isWithout(row: PaymentRow, receipt: Receipt["value"]): boolean {
	return (
		row.receipt.length === 0 &&
		sameBytes(row.payee, receipt.payee) &&
		sameBytes(row.transfer_id, receipt.transfer) &&
		row.amount === receipt.amount
	);
}

/** What a transaction reads and writes to keep a receipt with its chain, which it may have of another one. */
function keptReceipt(
	crypto: CryptoProvider,
	{ document }: Receipt["value"],
	chain: Uint8Array,
) {
	const hash = chainHash(crypto, chain);
	return {
		read: byKey(RECEIPT_CHAINS, { hash }),
		columns: { receipt: document, receipt_chain: hash },
		writes: (known: object | undefined): readonly Write[] =>
			known === undefined ? [put(RECEIPT_CHAINS, { hash, chain })] : [],
	};
}
