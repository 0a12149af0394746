/*
 * Sales that this module is paid for with ecash, of which there is one for a contract. The key
 * leaves it when the mint has said that the money is its own, and never before:
 *
 *   offered, judged ─▶ (agreed; nothing durable)
 *   lock ─▶ looking up ─new─▶ (finding mint) ─judged─▶ signing ─▶ writing ─durable─▶ CLAIMING
 *
 *   CLAIMING ─the mint has signed─▶ CLAIMED: the key and a receipt go to the payer
 *    └─spent by somebody else: its payer took it back, or it was none─▶ REFUSED
 *
 * A claim that the mint does not answer, or refuses while the lock is unspent, is made again; it
 * may succeed after the deadline, too, until its payer has taken it back.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import { byKey, insert, put } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import {
	claimInputs,
	lockDeadline,
	parseLock,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	type VerifiedLock,
	verifyLock,
} from "../../cashu/index.ts";
import {
	ABOUT_LOCKS,
	body,
	draftReceipt,
	message,
	type ReceiptBody,
} from "../../documents/index.ts";
import {
	noSales,
	otherTransfer,
	refuse,
	refused,
	unknownIssuer,
} from "../acceptance-refusals.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { CLAIMED, type ClaimedRow } from "../ecash-tables.ts";
import type { OpenMeeting } from "../purse-core.ts";
import { ANSWER_WITHIN_MS, MAX_PROMISES } from "../purse-limits.ts";
import {
	type Change,
	changing,
	ISSUER_CHAINS,
	unchanged,
} from "../purse-tables.ts";
import type { AtMint, OfferedSale } from "../sale-part.ts";
import type { EcashBook } from "./book.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf } from "./jobs.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import { encodeSwap, parseSwap, type StoredSwap } from "./stored-swap.ts";
import { isNeverDone, type SwapOutcome, SwapRun } from "./swap-run.ts";
import { FIRST_WAIT_MS, LONGEST_WAIT_MS } from "./waits.ts";

/** What came with one `lock`. */
interface Delivery {
	readonly meeting: OpenMeeting;
	readonly sale: OfferedSale;
	readonly lock: Uint8Array;
}

type State =
	| { readonly kind: "looking-up"; readonly delivery: Delivery }
	| {
			readonly kind: "finding-mint";
			readonly delivery: Delivery;
			readonly until: number;
	  }
	| {
			readonly kind: "signing";
			readonly delivery: Delivery;
			readonly swap: StoredSwap;
			readonly key: Uint8Array;
	  }
	| { readonly kind: "writing" }
	| Claiming;

interface Claiming {
	readonly kind: "claiming";
	readonly row: ClaimedRow;
	readonly run: SwapRun;
	/** Whether the mint is asked now, or something is being written. */
	isBusy: boolean;
	/** Whether the mint can never carry out what it was asked, so that it is made again. */
	isToMakeAnew: boolean;
	askAt: number;
	wait: number;
}

/** A lock that is being taken. */
interface Claim {
	readonly contract: Uint8Array;
	/** SHA-256 of the lock. */
	readonly id: Uint8Array;
	/** The tetrads that wait for the answer. */
	readonly tetrads: Set<number>;
	state: State;
}

/** An offer whose mint is not known yet. */
interface Offer {
	readonly meeting: OpenMeeting;
	readonly sale: OfferedSale;
	readonly until: number;
}

export class Claims {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	/** By contract, in hexadecimal. */
	readonly #claims = new Map<string, Claim>();
	readonly #offers = new Map<string, Offer>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		open: readonly ClaimedRow[],
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		const { crypto: ecash, seed } = parts.options;
		for (const row of open) {
			const { contract, lock } = row;
			const id = this.#idOf(lock);
			const run = new SwapRun(ecash, parseSwap(ecash, seed, row.claim_swap));
			const state = this.#claiming(row, run);
			const claim = { contract, id, tetrads: new Set<number>(), state };
			this.#claims.set(hex(contract), claim);
		}
	}

	// What the other module says. Each throws for what is no such message.

	offered(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(ABOUT_LOCKS.lockOffer, bytes);
		const sale = saleOf(meeting, fields);
		const { contract, issuer } = sale;
		const why = this.#mints.whyNot(issuer);
		if (why === undefined || why.code !== "busy" || !this.#isTaken(sale))
			return this.#answerOffer(meeting, sale);
		if (this.#offers.size >= MAX_PROMISES)
			return refuse(this.#parts.core, meeting.tetrad, contract, why);
		const until = this.#parts.core.now + ANSWER_WITHIN_MS / 2;
		this.#offers.set(hex(contract), { meeting, sale, until });
		this.#mints.time();
	}

	lock(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(ABOUT_LOCKS.lock, bytes);
		const sale = saleOf(meeting, fields);
		const lock = copy(fields.lock);
		const { contract } = sale;
		const { core } = this.#parts;
		const known = this.#claims.get(hex(contract));
		if (known !== undefined) {
			if (!sameBytes(known.id, this.#idOf(lock)))
				return refuse(core, meeting.tetrad, contract, otherTransfer());
			known.tetrads.add(meeting.tetrad);
			if (known.state.kind === "claiming") this.#drive(known);
			return;
		}
		if (!this.#isTaken(sale))
			return refuse(core, meeting.tetrad, contract, unknownIssuer());
		if (this.#claims.size >= MAX_PROMISES)
			return refuse(core, meeting.tetrad, contract, tooMany());
		this.#claims.set(hex(contract), {
			contract,
			id: this.#idOf(lock),
			tetrads: new Set([meeting.tetrad]),
			state: { kind: "looking-up", delivery: { meeting, sale, lock } },
		});
		this.#parts.transact<"looking-up-sold">(
			{ kind: "looking-up-sold", contract },
			this.#find(contract),
		);
	}

	// What happens to tetrads, mints and time.

	closed(tetrad: number): void {
		for (const [id, { meeting }] of this.#offers)
			if (meeting.tetrad === tetrad) this.#offers.delete(id);
		for (const { tetrads } of this.#claims.values()) tetrads.delete(tetrad);
	}

	/** It is known, or not. */
	mintAsked(mint: Uint8Array): void {
		for (const [id, { meeting, sale }] of [...this.#offers]) {
			if (!sameBytes(sale.issuer, mint)) continue;
			if (this.#mints.whyNot(mint)?.code === "busy") continue;
			this.#offers.delete(id);
			this.#answerOffer(meeting, sale);
		}
		for (const claim of [...this.#claims.values()]) {
			const { state } = claim;
			if (
				state.kind === "finding-mint" &&
				sameBytes(state.delivery.sale.issuer, mint) &&
				this.#mints.whyNot(mint)?.code !== "busy"
			)
				this.#judge(claim, state.delivery, true);
			else if (state.kind === "claiming") this.#drive(claim);
		}
	}

	*deadlines(): Generator<number> {
		for (const { until } of this.#offers.values()) yield until;
		for (const { state } of this.#claims.values()) {
			if (state.kind === "finding-mint") yield state.until;
			if (state.kind === "claiming" && !state.isBusy) yield state.askAt;
		}
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const [id, { meeting, sale, until }] of [...this.#offers]) {
			if (until > now) continue;
			this.#offers.delete(id);
			this.#answerOffer(meeting, sale);
		}
		for (const claim of [...this.#claims.values()]) {
			const { state } = claim;
			if (state.kind === "finding-mint" && state.until <= now)
				this.#refuse(
					claim,
					this.#mints.whyNot(state.delivery.sale.issuer) ?? unknownKeyset(),
				);
			else if (state.kind === "claiming") this.#drive(claim);
		}
	}

	// Up to the claim.

	#isTaken({
		issuer,
		currency,
	}: Pick<OfferedSale, "issuer" | "currency">): boolean {
		return this.#mints.of(issuer)?.currency.code === currency;
	}

	#answerOffer(meeting: OpenMeeting, offered: OfferedSale): void {
		const { core, sale } = this.#parts;
		const { contract, issuer } = offered;
		const refusal = this.#isTaken(offered)
			? (this.#mints.whyNot(issuer) ??
				(sale === undefined ? noSales() : sale.judge(meeting, offered)))
			: unknownIssuer();
		if (refusal !== undefined)
			return refuse(core, meeting.tetrad, contract, refusal);
		this.#parts.transact<"looking-up-sold-offer">(
			{ kind: "looking-up-sold-offer", contract, tetrad: meeting.tetrad },
			this.#find(contract),
		);
	}

	#find(contract: Uint8Array) {
		const { core } = this.#parts;
		return changing(
			core.options.context.crypto,
			core.now,
			[byKey(CLAIMED, { contract })],
			([[row]]): Change<ClaimedRow | undefined> => unchanged(row),
		);
	}

	offerLookedUp(
		{ contract, tetrad }: EcashJobOf<"looking-up-sold-offer">,
		row: ClaimedRow | undefined,
	): void {
		const { core } = this.#parts;
		if (row !== undefined)
			return refuse(core, tetrad, contract, otherTransfer());
		core.toModule(tetrad, message(ABOUT_LOCKS.lockAgreed, { contract }));
	}

	offerNotLookedUp(
		{ contract, tetrad }: EcashJobOf<"looking-up-sold-offer">,
		error: TetradError,
	): void {
		refuse(this.#parts.core, tetrad, contract, error);
	}

	lookedUp(
		{ contract }: EcashJobOf<"looking-up-sold">,
		row: ClaimedRow | undefined,
	): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "looking-up") return;
		if (row === undefined)
			return this.#judge(claim, claim.state.delivery, false);
		if (!sameBytes(this.#idOf(row.lock), claim.id))
			return this.#refuse(claim, otherTransfer());
		this.#claims.delete(hex(contract));
		if (row.state === "refused")
			for (const tetrad of claim.tetrads)
				refuse(this.#parts.core, tetrad, contract, takenBack());
		else this.#give(row, claim.tetrads);
	}

	notLookedUp(
		{ contract }: EcashJobOf<"looking-up-sold">,
		error: TetradError,
	): void {
		const claim = this.#claims.get(hex(contract));
		if (claim !== undefined) this.#refuse(claim, error);
	}

	/** `isAnew` when its mint was asked because of it. */
	#judge(claim: Claim, delivery: Delivery, isAnew: boolean): void {
		const { core } = this.#parts;
		const { issuer } = delivery.sale;
		const why = this.#mints.whyNot(issuer);
		if (why !== undefined && (why.code !== "busy" || isAnew))
			return this.#refuse(claim, why);
		if (why !== undefined || (!isAnew && !this.#areKeysetsKnown(delivery))) {
			const until = core.now + ANSWER_WITHIN_MS;
			claim.state = { kind: "finding-mint", delivery, until };
			return why === undefined
				? this.#mints.askAnew(issuer)
				: this.#mints.time();
		}
		const sold =
			this.#parts.sale?.sell(delivery.meeting, delivery.sale) ?? noSales();
		if (sold instanceof TetradError) return this.#refuse(claim, sold);
		const { key, atMint } = sold;
		if (atMint === undefined)
			return this.#refuse(claim, refused("it is not sold for ecash"));
		const made = checked(() => this.#claimSwap(delivery, key, atMint));
		if (made.kind === "failed") return this.#refuse(claim, made.error);
		claim.state = {
			kind: "signing",
			delivery,
			swap: made.value,
			key: copy(key),
		};
		const receipt = {
			contract: claim.contract,
			transfer: claim.id,
			payee: core.ownId,
			amount: delivery.sale.amount,
			accepted: core.now,
			head: this.#parts.witnesses.head,
		};
		this.#parts.sign(receipt, draftReceipt(receipt).toSign);
	}

	#areKeysetsKnown({ sale, lock }: Delivery): boolean {
		const keysets = this.#mints.keysets(sale.issuer);
		const parsed = checked(() => parseLock(lock));
		// What cannot be read is refused for that.
		if (parsed.kind === "failed") return true;
		return parsed.value.every(
			({ keyset }) => keysets?.get(keyset) !== undefined,
		);
	}

	/** The lock is judged, without the mint, and then what claims it is made. Throws `payment-refused`. */
	#claimSwap(
		{ sale, lock }: Delivery,
		key: Uint8Array,
		at: AtMint,
	): StoredSwap {
		const { options, core } = this.#parts;
		const { crypto: ecash, seed } = options;
		const { crypto } = core.options.context;
		const keysets = this.#mints.keysets(sale.issuer);
		if (keysets === undefined) throw unknownIssuer();
		const base = payeeBaseKey(crypto, seed, at.agent);
		const basePublic = ecash.publicKey(base);
		if (!sameBytes(basePublic, at.payeeKey))
			throw refused("it is locked to another module's key");
		const verified: VerifiedLock = verifyLock(ecash, parseLock(lock), {
			terms: {
				keyHash: crypto.sha256(key),
				payee: payeeKey(crypto, ecash, basePublic, at.termsHash),
				deadline: lockDeadline(at.bookBy),
				contract: sale.contract,
				binding: at.binding,
			},
			unit: at.unit,
			price: sale.amount,
			keysets,
			now: core.now,
		});
		const privateKey = payeePrivateKey(crypto, ecash, base, at.termsHash);
		base.fill(0);
		try {
			const inputs = claimInputs(crypto, ecash, verified, { key, privateKey });
			const { proofs } = verified;
			return intoOwn(
				options,
				this.#mints,
				this.#book,
				{ inputs, proofs },
				sale.issuer,
			);
		} finally {
			privateKey.fill(0);
		}
	}

	signed(receipt: ReceiptBody, signature: Uint8Array): void {
		const { contract } = receipt;
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "signing") return;
		const { core } = this.#parts;
		const { own } = core.options.context;
		const { delivery, swap, key } = claim.state;
		const { sale, lock } = delivery;
		const { issuer: mint, currency, amount, payer, terms } = sale;
		const row: ClaimedRow = {
			...{ contract, mint, currency, amount, payer, terms, lock, key },
			receipt: draftReceipt(receipt).sign(signature),
			receipt_chain: own.chainHash,
			claim_swap: encodeSwap(swap),
			accepted: BigInt(receipt.accepted),
			state: "claiming",
		};
		claim.state = { kind: "writing" };
		this.#parts.transact<"claiming">(
			{ kind: "claiming", contract, row, swap },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [{ what: "to-book", subject: contract, amount, peer: payer }],
				writes: [
					insert(CLAIMED, row),
					put(ISSUER_CHAINS, { hash: own.chainHash, chain: own.encodedChain }),
					...countersOf(this.#book, swap.outputs),
				],
				result: undefined,
			})),
		);
	}

	notSigned({ contract }: ReceiptBody, error: TetradError): void {
		const claim = this.#claims.get(hex(contract));
		if (claim !== undefined) this.#refuse(claim, error);
	}

	/** It can be claimed now. */
	written({ contract, row, swap }: EcashJobOf<"claiming">): void {
		const claim = this.#claims.get(hex(contract));
		if (claim === undefined) return;
		const { core, options } = this.#parts;
		const { chainHash, encodedChain } = core.options.context.own;
		core.chains.set(hex(chainHash), encodedChain);
		const { state } = claim;
		const next = this.#claiming(row, new SwapRun(options.crypto, swap));
		// What is made again and again is so less and less often.
		const wait = state.kind === "claiming" ? state.wait : next.wait;
		claim.state = { ...next, wait };
		this.#drive(claim);
	}

	notWritten({ contract }: EcashJobOf<"claiming">, error: TetradError): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming")
			return claim && this.#refuse(claim, error);
		// It is claimed already, and was to be made again.
		claim.state.isBusy = false;
		this.#later(claim.state);
	}

	// The claim.

	#claiming(row: ClaimedRow, run: SwapRun): Claiming {
		const { now } = this.#parts.core;
		const wait = FIRST_WAIT_MS;
		return {
			...{ kind: "claiming", row, run, askAt: now, wait },
			isBusy: false,
			isToMakeAnew: false,
		};
	}

	#drive(claim: Claim): void {
		const { state } = claim;
		if (state.kind !== "claiming" || state.isBusy) return;
		if (state.askAt > this.#parts.core.now) return;
		const { contract, mint } = state.row;
		const url = this.#mints.of(mint)?.url;
		if (url === undefined || this.#mints.keysets(mint) === undefined)
			return this.#later(state);
		// With the keysets that the mint has now.
		if (state.isToMakeAnew)
			return this.#mints.isKnown(mint)
				? this.#makeAnew(state)
				: this.#later(state);
		state.isBusy = true;
		this.#parts.ask(
			{ kind: "asking-about-sold", contract },
			url,
			state.run.next,
		);
	}

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming") return;
		const { state } = claim;
		const keysets = this.#mints.keysets(state.row.mint);
		state.isBusy = false;
		if (keysets === undefined) return this.#later(state);
		const step = state.run.answered(keysets, answer);
		switch (step.kind) {
			case "on":
				return this.#drive(claim);
			case "later":
				return this.#later(state);
			case "over":
				return this.#over(state, step.outcome);
			default:
				return unreachable(step);
		}
	}

	mintNotAnswered(contract: Uint8Array): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming") return;
		claim.state.isBusy = false;
		claim.state.run.unanswered();
		this.#later(claim.state);
	}

	#later(state: Claiming): void {
		state.askAt = this.#parts.core.now + state.wait;
		state.wait = Math.min(2 * state.wait, LONGEST_WAIT_MS);
	}

	#over(state: Claiming, outcome: SwapOutcome): void {
		const { row } = state;
		switch (outcome.kind) {
			case "signed":
				return this.#move(state, { ...row, state: "claimed" }, outcome.proofs);
			case "not-done":
				state.run.unanswered();
				state.isToMakeAnew = isNeverDone(outcome.why);
				if (state.isToMakeAnew) this.#mints.askAnew(row.mint);
				return this.#later(state);
			case "spent":
				return this.#move(state, { ...row, state: "refused" }, []);
			default:
				return unreachable(outcome);
		}
	}

	/** With other outputs, of the same inputs. */
	#makeAnew(state: Claiming): void {
		const { core, options } = this.#parts;
		const { row } = state;
		const { contract, mint } = row;
		const made = checked(() => {
			const { crypto: ecash, seed } = options;
			const before = parseSwap(ecash, seed, row.claim_swap);
			const { spends } = before;
			const spent = { inputs: spends, proofs: spends, before };
			return intoOwn(options, this.#mints, this.#book, spent, mint);
		});
		if (made.kind === "failed") return this.#later(state);
		const swap = made.value;
		const to = { ...row, claim_swap: encodeSwap(swap) };
		state.isBusy = true;
		this.#parts.transact<"claiming">(
			{ kind: "claiming", contract, row: to, swap },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [],
				writes: [put(CLAIMED, to), ...countersOf(this.#book, swap.outputs)],
				result: undefined,
			})),
		);
	}

	#move(
		state: Claiming,
		to: ClaimedRow,
		proofs: EcashJobOf<"claimed">["proofs"],
	): void {
		const { core } = this.#parts;
		const { contract, amount, payer: peer, mint } = to;
		const what = to.state === "claimed" ? "received" : "refused";
		state.isBusy = true;
		this.#parts.transact<"claimed">(
			{ kind: "claimed", contract, to, proofs },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [{ what, subject: contract, amount, peer }],
				writes: [put(CLAIMED, to), ...this.#book.writeNew(mint, proofs)],
				result: undefined,
			})),
		);
	}

	moved({ contract, to, proofs }: EcashJobOf<"claimed">): void {
		const claim = this.#claims.get(hex(contract));
		this.#claims.delete(hex(contract));
		this.#book.add(to.mint, proofs);
		const { core, sale } = this.#parts;
		const tetrads = claim?.tetrads ?? new Set<number>();
		if (to.state === "refused") {
			const error = takenBack();
			for (const tetrad of tetrads) refuse(core, tetrad, contract, error);
			return sale?.happened({ kind: "refused", contract, error });
		}
		const { amount, payer, terms, key, receipt, mint: issuer } = to;
		core.report({ kind: "received", contract, peer: payer, issuer, amount });
		for (const { tetrad, peer } of core.meetings.values())
			if (sameBytes(peer.deviceId, payer)) tetrads.add(tetrad);
		this.#give(to, tetrads);
		const chain = core.chainOfReceipt(to);
		sale?.happened({
			...{ kind: "sold", contract, key, receipt, chain, amount },
			...{ payer, terms, isBooked: true },
		});
	}

	notMoved({ contract }: EcashJobOf<"claimed">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming") return;
		claim.state.isBusy = false;
		claim.state.run.unanswered();
		this.#later(claim.state);
	}

	/** The key, with the receipt: the money is its own, and that is durable. */
	#give(row: ClaimedRow, tetrads: ReadonlySet<number>): void {
		const { contract, key, receipt } = row;
		const { core } = this.#parts;
		const signed = core.chainOfReceipt(row);
		const isOwn = sameBytes(signed, core.options.context.own.encodedChain);
		const chain = isOwn ? new Uint8Array() : signed;
		const given = { contract, key, receipt, chain };
		for (const tetrad of tetrads)
			core.toModule(tetrad, message(ABOUT_LOCKS.lockClaimed, given));
	}

	#refuse(claim: Claim, error: TetradError): void {
		const { contract, tetrads } = claim;
		this.#claims.delete(hex(contract));
		for (const tetrad of tetrads)
			refuse(this.#parts.core, tetrad, contract, error);
	}

	#idOf(lock: Uint8Array): Uint8Array {
		return this.#parts.core.options.context.crypto.sha256(lock);
	}
}

function saleOf(
	{ peer }: OpenMeeting,
	fields: Omit<OfferedSale, "payer">,
): OfferedSale {
	const { contract, issuer, currency, amount, terms } = fields;
	return {
		contract: copy(contract),
		issuer: copy(issuer),
		currency,
		amount,
		terms: copy(terms),
		payer: peer.deviceId,
	};
}

function takenBack(): TetradError {
	return new TetradError(
		"payment-refused",
		"what was locked for it had been taken back by its payer, or was spent by somebody else, before it could be claimed; nothing was received",
	);
}

function unknownKeyset(): TetradError {
	return new TetradError(
		"busy",
		"the mint has not said in time whether the keyset of the lock is its own",
	);
}

function tooMany(): TetradError {
	return new TetradError("busy", "too many locks are being claimed");
}
