/*
 * A sale that this module is to pay with ecash, up to COMMIT, of which there is one for a contract:
 *
 *   looking up ─new─▶ finding mint ─known─▶ (allowed) ─▶ offered ─agreed─▶ committing ─durable─▶ (locked-sale.ts)
 *      │                                     │
 *      └─paid before                         └─to be approved─▶ asking owner
 *
 * What its mint asks for beside the price is known before its owner's limits, and the owner, are
 * asked, and again with the very proofs right before it is committed: it may be more by then.
 * Everybody may give up in each of these, and nothing has changed then. What is committed is for
 * the mint to decide (locked-sale.ts).
 */

import { HASH_BYTES } from "../../../crypto/index.ts";
import { TetradError, unreachable } from "../../../errors.ts";
import {
	byKey,
	insert,
	type Read,
	type Write,
} from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import {
	ABOUT_LOCKS,
	body,
	MAX_TERMS_BYTES,
	message,
} from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { MintPayment } from "../ecash-part.ts";
import { LOCKED, type LockedRow, PROOFS } from "../ecash-tables.ts";
import { noAnswer, tetradOver, whyExpired } from "../payment-refusals.ts";
import {
	type AskedPayment,
	type AskedSale,
	keptText,
} from "../payment-state.ts";
import type { OpenMeeting } from "../purse-core.ts";
import { ANSWER_WITHIN_MS, MAX_OPEN_PAYMENTS } from "../purse-limits.ts";
import { ABORTED, type Change, changing, unchanged } from "../purse-tables.ts";
import type { AtMint, SaleEvent } from "../sale-part.ts";
import type { Judgement } from "../spending-limits.ts";
import { approvalNeeded } from "../spending-permission.ts";
import type { EcashBook } from "./book.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf, EcashResults, PaidBefore } from "./jobs.ts";
import { lockingRow, whatBecame } from "./locked-row.ts";
import type { LockedSales } from "./locked-sales.ts";
import { costOf, type LockTools, lockSwap } from "./making-locks.ts";
import type { Mints } from "./mints.ts";
import { paidBefore } from "./paid-before.ts";
import type { EcashParts } from "./parts.ts";
import type { StoredSwap } from "./stored-swap.ts";

/** In the place of a try's number: of a sale there is one at a time. */
const NO_ATTEMPT = -1;

/** What is asked for. */
interface Asked extends AskedPayment {
	readonly sale: AskedSale;
	/** What its buyer has agreed that the mint may ask for beside. */
	readonly mostFee: bigint | undefined;
}

interface Sale {
	/** Its fee is nothing until the mint is known. */
	asked: Asked;
	readonly at: AtMint;
	readonly meeting: OpenMeeting;
	state: State;
}

type State =
	| { readonly kind: "looking-up" }
	/** It waits until it is durable that its owner has to approve it. */
	| { readonly kind: "asking-owner" }
	| {
			readonly kind: "finding-mint";
			readonly isNewMerchant: boolean;
			readonly until: number;
	  }
	| { readonly kind: "offered"; readonly until: number }
	| {
			readonly kind: "committing";
			readonly row: LockedRow;
			readonly swap: StoredSwap;
	  };

export class Offering {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	readonly #locked: LockedSales;
	readonly #tools: LockTools;
	/** By contract, in hexadecimal. */
	readonly #sales = new Map<string, Sale>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		locked: LockedSales,
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		this.#locked = locked;
		this.#tools = { parts, mints, book };
	}

	has(contract: Uint8Array): boolean {
		return this.#sales.has(hex(contract));
	}

	// What the part asks for that knows of sales: all that comes of it is told to the part.

	pay(tetrad: number, payment: MintPayment, also: readonly Write[]): void {
		const { contract } = payment;
		const meeting = this.#parts.core.meetings.get(tetrad);
		if (this.#locked.join(contract, meeting) || this.has(contract)) return;
		if (meeting === undefined) return this.#notPaid(contract, tetradOver());
		const refusal = this.#whyNotBegin(payment, meeting);
		if (refusal !== undefined) return this.#notPaid(contract, refusal);
		const { issuer, currency, amount, payee, what = "" } = payment;
		const { terms, keyHash, payBy, askOwner = false, atMint } = payment;
		const { mostFee } = payment;
		const asked: Asked = {
			contract: copy(contract),
			issuer: copy(issuer),
			...{ currency, amount, askOwner, mostFee },
			fee: 0n,
			what: keptText(what),
			payee: copy(payee),
			sale: { terms: copy(terms), keyHash: copy(keyHash), payBy, also },
		};
		const state = { kind: "looking-up" } as const;
		this.#sales.set(hex(contract), { asked, at: atMint, meeting, state });
		this.#lookUp(asked);
	}

	/** The contract is never paid any more: that is durable. */
	cancelled(contract: Uint8Array): void {
		const sale = this.#sales.get(hex(contract));
		// What is being committed hears of it from its own transaction.
		if (sale !== undefined && sale.state.kind !== "committing")
			this.#drop(sale);
	}

	/** What was to be asked of the owner is durable, or could not be. */
	ownerAsked(
		contract: Uint8Array,
		error: TetradError = approvalNeeded(),
	): void {
		const sale = this.#sales.get(hex(contract));
		if (sale?.state.kind === "asking-owner") this.#giveUp(sale, error);
	}

	// What the other module says.

	agreed({ tetrad }: OpenMeeting, bytes: Uint8Array): void {
		const { contract } = body(ABOUT_LOCKS.lockAgreed, bytes);
		const sale = this.#sales.get(hex(contract));
		if (sale?.state.kind === "offered" && sale.meeting.tetrad === tetrad)
			this.#commit(sale);
	}

	refused(contract: Uint8Array, { tetrad }: OpenMeeting, why: string): void {
		const sale = this.#sales.get(hex(contract));
		if (sale?.state.kind !== "offered" || sale.meeting.tetrad !== tetrad)
			return;
		this.#giveUp(
			sale,
			new TetradError(
				"payment-refused",
				`the other module will not take it: ${why}`,
			),
		);
	}

	// What happens to tetrads, mints and time.

	closed(tetrad: number): void {
		for (const sale of [...this.#sales.values()])
			if (sale.meeting.tetrad === tetrad && sale.state.kind !== "committing")
				this.#giveUp(sale, tetradOver());
	}

	/** It is known now, or known not to be. */
	mintAsked(mint: Uint8Array): void {
		const why = this.#mints.whyNot(mint);
		// What has not answered is asked again while there is time.
		if (why?.code === "busy") return;
		for (const sale of [...this.#sales.values()]) {
			const { state, asked } = sale;
			if (state.kind !== "finding-mint" || !sameBytes(asked.issuer, mint))
				continue;
			if (why === undefined) this.#judge(sale, state.isNewMerchant);
			else this.#giveUp(sale, why);
		}
	}

	*deadlines(): Generator<number> {
		for (const { state } of this.#sales.values())
			if (state.kind === "finding-mint" || state.kind === "offered")
				yield state.until;
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const sale of [...this.#sales.values()]) {
			const { state, asked } = sale;
			if (state.kind === "offered" && state.until <= now)
				this.#giveUp(sale, noAnswer());
			if (state.kind === "finding-mint" && state.until <= now)
				this.#giveUp(sale, this.#mints.whyNot(asked.issuer) ?? noAnswer());
		}
	}

	// The steps.

	#whyNotBegin(
		{ issuer, currency, amount, payee, atMint, terms, keyHash }: MintPayment,
		{ peer }: OpenMeeting,
	): TetradError | undefined {
		const mint = this.#mints.of(issuer);
		if (mint === undefined || mint.currency.code !== currency)
			return new TetradError(
				"payment-refused",
				"the owner of this purse has not named that mint and unit",
			);
		const isIt =
			mint.unit === atMint.unit &&
			terms.length > 0 &&
			terms.length <= MAX_TERMS_BYTES &&
			keyHash.length === HASH_BYTES &&
			amount > 0n &&
			sameBytes(payee, peer.deviceId);
		if (!isIt)
			return new TetradError(
				"payment-refused",
				"this is no sale by the other module of the tetrad for this mint's ecash",
			);
		return this.#sales.size + this.#locked.size >= MAX_OPEN_PAYMENTS
			? new TetradError(
					"busy",
					"too many payments are under way or in doubt; ask again when some have been settled",
				)
			: undefined;
	}

	#lookUp({ contract, payee }: AskedPayment): void {
		this.#parts.transact<"looking-up-paid">(
			{ kind: "looking-up-paid", contract },
			paidBefore(this.#parts.core, contract, payee),
		);
	}

	lookedUp(
		{ contract }: EcashJobOf<"looking-up-paid">,
		found: PaidBefore,
	): void {
		const sale = this.#sales.get(hex(contract));
		if (sale?.state.kind !== "looking-up") return;
		switch (found.kind) {
			case "aborted":
				this.#drop(sale);
				return this.#happened({ kind: "aborted", contract });
			case "paid":
				// What is not over is in memory.
				this.#drop(sale);
				return this.#happened(whatBecame(found.row, found.chain));
			case "unpaid":
				return this.#permit(sale, found.isNewMerchant);
			default:
				return unreachable(found);
		}
	}

	notLookedUp(
		{ contract }: EcashJobOf<"looking-up-paid">,
		error: TetradError,
	): void {
		const sale = this.#sales.get(hex(contract));
		if (sale !== undefined) this.#giveUp(sale, error);
	}

	#permit(sale: Sale, isNewMerchant: boolean): void {
		const { limits, witnesses, core } = this.#parts;
		const { asked } = sale;
		const behind = witnesses.whyBehind();
		if (behind !== undefined) return this.#giveUp(sale, behind);
		// What the price alone is too much for is refused whatever the mint asks for.
		const judged = limits.judge(asked, isNewMerchant);
		if (judged.kind === "refused") return this.#giveUp(sale, judged.error);
		const why = this.#mints.whyNot(asked.issuer);
		if (why === undefined) return this.#judge(sale, isNewMerchant);
		if (why.code !== "busy") return this.#giveUp(sale, why);
		if (judged.kind === "allowed") limits.begin(asked, isNewMerchant);
		const until = core.now + ANSWER_WITHIN_MS;
		sale.state = { kind: "finding-mint", isNewMerchant, until };
		this.#mints.need(asked.issuer);
	}

	/** With what its mint asks for. */
	#judge(sale: Sale, isNewMerchant: boolean): void {
		const { limits } = this.#parts;
		const { issuer, amount } = sale.asked;
		const cost = checked(() => this.costOf(issuer, amount));
		if (cost.kind === "failed") return this.#giveUp(sale, cost.error);
		const asked = { ...sale.asked, fee: cost.value };
		sale.asked = asked;
		const dear = whyDearer(asked);
		if (dear !== undefined) return this.#giveUp(sale, dear);
		if (!this.#follow(sale, limits.judge(asked, isNewMerchant))) return;
		limits.begin(asked, isNewMerchant);
		this.#offer(sale);
	}

	/** What its mint asks for beside an amount, with the proofs that are there now. Throws `insufficient-funds` and what a mint is refused for. */
	costOf(issuer: Uint8Array, amount: bigint): bigint {
		return costOf(this.#tools, issuer, amount);
	}

	/** Whether it may go on; if not, who asked hears why, and the owner of what waits. */
	#follow(sale: Sale, judged: Judgement): boolean {
		const { approvals } = this.#parts;
		const { asked } = sale;
		switch (judged.kind) {
			case "allowed":
				return true;
			case "refused":
				this.#giveUp(sale, judged.error);
				return false;
			case "waiting": {
				const done = approvals.waits(asked)
					? ({ kind: "failed", error: approvalNeeded() } as const)
					: checked(() => approvals.ask(asked, NO_ATTEMPT, judged.why));
				if (done.kind === "failed") this.#giveUp(sale, done.error);
				else sale.state = { kind: "asking-owner" };
				return false;
			}
			default:
				return unreachable(judged);
		}
	}

	#offer(sale: Sale): void {
		const { core } = this.#parts;
		const { asked, meeting } = sale;
		sale.state = { kind: "offered", until: core.now + ANSWER_WITHIN_MS };
		core.toModule(
			meeting.tetrad,
			message(ABOUT_LOCKS.lockOffer, { ...asked, terms: asked.sale.terms }),
		);
	}

	#commit(sale: Sale): void {
		const { core, limits, witnesses } = this.#parts;
		const refusal =
			witnesses.whyBehind() ??
			whyExpired(sale.asked.sale, core.now) ??
			this.#mints.whyNot(sale.asked.issuer);
		if (refusal !== undefined) return this.#giveUp(sale, refusal);
		const made = checked(() => lockSwap(this.#tools, sale));
		if (made.kind === "failed") return this.#giveUp(sale, made.error);
		const { swap, fee } = made.value;
		// With other proofs, or other keysets, it may be another one than it was.
		const asked = { ...sale.asked, fee };
		sale.asked = asked;
		const dear = whyDearer(asked);
		const isAllowed =
			dear === undefined && this.#follow(sale, limits.judgeAgain(asked));
		if (dear !== undefined) this.#giveUp(sale, dear);
		if (!isAllowed) return this.#book.release(swap.spends);
		const { contract } = asked;
		const counted = limits.committing(asked);
		const row = lockingRow(sale, swap, counted.at, core.now);
		sale.state = { kind: "committing", row, swap };
		const reads: readonly Read<never>[] = [
			byKey(LOCKED, { contract }),
			byKey(ABORTED, { contract }),
			...swap.spends.map((proof) =>
				byKey(PROOFS, { id: this.#book.rowId(proof) }),
			),
			...(counted.counting?.reads ?? []),
		] as never;
		this.#parts.transact<"committing">(
			{ kind: "committing", contract },
			changing(
				core.options.context.crypto,
				core.now,
				reads as never,
				(
					rows: readonly (readonly unknown[])[],
				): Change<EcashResults["committing"]> => {
					const [[paid] = [], [aborted] = [], ...rest] = rows;
					const proofs = rest.slice(0, swap.spends.length);
					const sums = rest.slice(swap.spends.length);
					if (paid !== undefined)
						throw new TetradError("internal", "a contract would be paid twice");
					if (aborted !== undefined) return unchanged("aborted");
					if (proofs.some((found) => found.length === 0))
						throw new TetradError(
							"internal",
							"the purse and its store do not agree on its ecash",
						);
					const { payee: peer } = asked;
					const amount = asked.amount + fee;
					return {
						entries: [{ what: "committed", subject: contract, amount, peer }],
						writes: [
							insert(LOCKED, row),
							...this.#book.writeSpent(swap.spends),
							...countersOf(this.#book, swap.outputs),
							...asked.sale.also,
							...counted.also,
							...(counted.counting?.writes(sums as never) ?? []),
						],
						result: "committed",
					};
				},
			),
		);
	}

	committed(
		{ contract }: EcashJobOf<"committing">,
		result: EcashResults["committing"],
	): void {
		const { sale, state } = this.#committing(contract);
		const { row, swap } = state;
		this.#sales.delete(hex(contract));
		if (result === "aborted") {
			this.#book.release(swap.spends);
			this.#parts.limits.giveUp(sale.asked);
			return this.#happened({ kind: "aborted", contract });
		}
		this.#book.spent(swap.spends);
		this.#parts.limits.committed(sale.asked, Number(row.counted));
		this.#parts.witnesses.tell(sale.meeting.tetrad);
		this.#happened({ kind: "committed", contract });
		this.#locked.begin(row, swap);
	}

	notCommitted(
		{ contract }: EcashJobOf<"committing">,
		error: TetradError,
	): void {
		const { sale, state } = this.#committing(contract);
		this.#book.release(state.swap.spends);
		this.#giveUp(sale, error);
	}

	/** Nobody gives a payment up while it is committing. */
	#committing(contract: Uint8Array) {
		const sale = this.#sales.get(hex(contract));
		if (sale?.state.kind !== "committing")
			throw new TetradError(
				"internal",
				"ecash was committed that nobody wants",
			);
		return { sale, state: sale.state };
	}

	#giveUp(sale: Sale, error: TetradError): void {
		const { contract, payee: peer } = sale.asked;
		this.#drop(sale);
		this.#notPaid(contract, error);
		// What waits for its owner is told of as such, once.
		if (error.code !== "approval-needed")
			this.#parts.core.report({ kind: "refused", contract, peer, error });
	}

	#notPaid(contract: Uint8Array, error: TetradError): void {
		this.#happened({ kind: "not-paid", contract, error });
	}

	#drop({ asked }: Sale): void {
		this.#sales.delete(hex(asked.contract));
		this.#parts.limits.giveUp(asked);
	}

	#happened(event: SaleEvent): void {
		this.#parts.sale?.happened(event);
	}
}

/** Why its buyer has not agreed to what its mint asks for, or nothing. */
function whyDearer({ fee, mostFee }: Asked): TetradError | undefined {
	return mostFee === undefined || fee <= mostFee
		? undefined
		: new TetradError(
				"payment-refused",
				`its mint asks for ${fee} minor units beside the price now, and at most ${mostFee} were agreed to; ask for a new offer`,
			);
}
