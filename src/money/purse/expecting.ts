/*
 * What this module is to be paid: its agent says so, and the payer's module gets an invoice for it,
 * or hears why not.
 *
 *   looking up ─new─▶ expected ─prepare─▶ agreeing ─durable─▶ (an invoice is out)
 *
 * What is expected is forgotten when the process ends. Who may pay for a contract is kept, and the
 * invoice lets that payer deliver later.
 */
import { TetradError } from "../../errors.ts";
import { byKey } from "../../machine/index.ts";
import { copy, hex } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	copyPayment,
	makeInvoice,
	message,
	type NotesWithChains,
	PAY_WITHIN_MS,
	type Payment,
	type SaleTerms,
	samePayment,
	WITH_AGENT,
} from "../documents/index.ts";
import {
	bookedForOthers,
	noSales,
	otherPayer,
	otherTerms,
	otherTransfer,
	refuse,
	refused,
	unknownIssuer,
} from "./acceptance-refusals.ts";
import { type Agreement, agreeOn } from "./agreed-payers.ts";
import type { Checked } from "./checked.ts";
import type { PaymentJudge } from "./payment-judge.ts";
import { type ExpectedPayment, keptText } from "./payment-state.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { Promises } from "./promises.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { MAX_EXPECTATIONS } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import {
	changing,
	RECEIPTS,
	type ReceiptRow,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart } from "./sale-part.ts";

export class Expecting {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #invoiceKey: Uint8Array;
	readonly #promises: Promises;
	readonly #judge: PaymentJudge;
	readonly #sale: SalePart | undefined;
	/** By tetrad, and by contract in hexadecimal. */
	readonly #expected = new Map<number, Map<string, ExpectedPayment>>();

	constructor(
		{ core, work, sale }: PurseParts,
		invoiceKey: Uint8Array,
		promises: Promises,
		judge: PaymentJudge,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#invoiceKey = invoiceKey;
		this.#promises = promises;
		this.#judge = judge;
	}

	opened({ tetrad }: OpenMeeting): void {
		this.#expected.set(tetrad, new Map());
	}

	closed(tetrad: number): void {
		this.#expected.delete(tetrad);
	}

	/** The own agent expects a payment. Throws for what is no such message. */
	expect({ tetrad }: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(WITH_AGENT.expect, bytes);
		const expected = { ...copyPayment(fields), what: keptText(fields.text) };
		const { contract } = expected;
		const all = this.#expected.get(tetrad);
		if (all === undefined) return;
		const known = all.get(hex(contract));
		if (known !== undefined && !samePayment(known, expected))
			return this.#core.failed(tetrad, contract, otherTerms());
		if (this.#promises.takes(expected) === undefined)
			return this.#core.failed(tetrad, contract, unknownIssuer());
		if (known === undefined && all.size >= MAX_EXPECTATIONS)
			return this.#core.failed(
				tetrad,
				contract,
				new TetradError(
					"busy",
					"too many payments are expected in this tetrad",
				),
			);
		this.#work.transact(
			{ kind: "looking-up-expected", tetrad, expected },
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(RECEIPTS, { contract })],
				([[row]]) => unchanged(row),
			),
		);
	}

	lookedUp(
		{ tetrad, expected }: JobOf<"looking-up-expected">,
		row: ReceiptRow | undefined,
	): void {
		const { contract } = expected;
		if (row === undefined || row.state === "to-book") {
			this.#expected.get(tetrad)?.set(hex(contract), expected);
			return this.#core.toAgent(
				tetrad,
				message(WITH_AGENT.expecting, { contract }),
			);
		}
		if (!samePayment(row, expected))
			return this.#core.failed(tetrad, contract, otherTerms());
		if (row.receipt.length === 0)
			return this.#core.failed(tetrad, contract, bookedForOthers());
		this.#tellReceived(tetrad, row);
	}

	notLookedUp(
		{ tetrad, expected }: JobOf<"looking-up-expected">,
		error: TetradError,
	): void {
		this.#core.failed(tetrad, expected.contract, error);
	}

	/** The other module wants to pay. Throws for what is no such message. */
	prepare(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.prepare, bytes);
		const wanted = copyPayment(fields);
		const { terms } = fields;
		const isSale = terms.length > 0;
		const judged = isSale
			? this.#judgedSale(meeting, { ...wanted, terms: copy(terms) }, fields)
			: this.#judged(meeting, wanted, fields);
		if (judged.kind === "failed")
			return refuse(this.#core, meeting.tetrad, wanted.contract, judged.error);
		const { crypto } = this.#core.options.context;
		const payBy = this.#core.now + PAY_WITHIN_MS;
		const { contract } = wanted;
		const { tetrad, binding, parties } = meeting;
		const payer = meeting.peer.deviceId;
		const invoice = makeInvoice(
			crypto,
			this.#invoiceKey,
			{
				purpose: isSale ? "sale" : "payment",
				...wanted,
				payer,
				payee: this.#core.ownId,
				binding,
				parties,
			},
			payBy,
		);
		this.#promises.promise(meeting, wanted, payBy);
		// Its terms name its payer, so nobody else can pay it: that needs not be written down.
		if (isSale)
			return this.#work.transact(
				{ kind: "looking-up-offered", tetrad, wanted, invoice },
				changing(
					crypto,
					this.#core.now,
					[byKey(RECEIPTS, { contract })],
					([[row]]) => unchanged(row),
				),
			);
		this.#work.transact(
			{ kind: "agreeing", tetrad, wanted, invoice },
			agreeOn(this.#core, {
				...{ contract, payer, until: judged.value },
				what: this.#expected.get(tetrad)?.get(hex(contract))?.what ?? "",
			}),
		);
	}

	offeredLookedUp(
		{ tetrad, wanted, invoice }: JobOf<"looking-up-offered">,
		row: ReceiptRow | undefined,
	): void {
		if (row !== undefined)
			return this.notAgreed({ tetrad, wanted }, otherTransfer());
		const { contract } = wanted;
		this.#core.toModule(
			tetrad,
			message(BETWEEN_MODULES.prepared, { contract, ...invoice }),
		);
	}

	agreed(
		{ tetrad, wanted, invoice }: JobOf<"agreeing">,
		agreement: Agreement,
	): void {
		const { contract } = wanted;
		if (agreement === "taken")
			return this.notAgreed({ tetrad, wanted }, otherPayer());
		this.#core.toModule(
			tetrad,
			message(BETWEEN_MODULES.prepared, { contract, ...invoice }),
		);
	}

	notAgreed(
		{ tetrad, wanted }: Pick<JobOf<"agreeing">, "tetrad" | "wanted">,
		error: TetradError,
	): void {
		this.#promises.takeBack(wanted.contract);
		refuse(this.#core, tetrad, wanted.contract, error);
	}

	/** Tells every agent that expects it. */
	received(row: ReceiptRow): void {
		const { contract } = row;
		for (const [tetrad, all] of this.#expected) {
			const known = all.get(hex(contract));
			if (known === undefined) continue;
			all.delete(hex(contract));
			if (samePayment(known, row)) this.#tellReceived(tetrad, row);
			else this.#core.failed(tetrad, contract, otherTerms());
		}
	}

	/** When the last of the notes expires that are offered, if there may be an invoice. */
	#judged(
		meeting: OpenMeeting,
		wanted: Payment,
		offered: NotesWithChains,
	): Checked<number> {
		const expected = this.#expected
			.get(meeting.tetrad)
			?.get(hex(wanted.contract));
		const terms = this.#promises.takes(wanted);
		const refusal =
			expected === undefined || !samePayment(expected, wanted)
				? refused("the payee's agent does not expect that payment")
				: this.#promises.whyNotPromise(meeting, wanted);
		if (refusal !== undefined) return { kind: "failed", error: refusal };
		return terms === undefined
			? { kind: "failed", error: unknownIssuer() }
			: this.#judge.offered(terms, meeting.peer.deviceId, wanted, offered);
	}

	/** Whoever sells it is asked in the place of the own agent. */
	#judgedSale(
		meeting: OpenMeeting,
		wanted: Payment & SaleTerms,
		offered: NotesWithChains,
	): Checked<number> {
		const terms = this.#promises.takes(wanted);
		const payer = meeting.peer.deviceId;
		if (this.#sale === undefined) return { kind: "failed", error: noSales() };
		if (terms === undefined) return { kind: "failed", error: unknownIssuer() };
		const refusal =
			this.#promises.whyNotPromise(meeting, wanted) ??
			this.#sale.judge(meeting, { ...wanted, payer });
		return refusal === undefined
			? this.#judge.offered(terms, payer, wanted, offered)
			: { kind: "failed", error: refusal };
	}

	#tellReceived(tetrad: number, row: ReceiptRow): void {
		const { contract, amount, receipt } = row;
		const chain = this.#core.chainOfReceipt(row);
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.received, { contract, amount, receipt, chain }),
		);
	}
}
