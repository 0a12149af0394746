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
import { insert, put } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import { sumOf } from "../../cashu/index.ts";
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
import { changing, ISSUER_CHAINS } from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import { Conversation } from "./conversation.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf } from "./jobs.ts";
import { areKeysetsKnown, claimSwap, type Delivery } from "./judging-locks.ts";
import { isClaimed, isTakenBack } from "./lock-seen.ts";
import { feeTaken } from "./locked-row.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import { isTaken, saleOf, soldFor } from "./sold-offers.ts";
import {
	encodeSwap,
	type MadeOutput,
	madeBefore,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import { type SwapOutcome, SwapRun } from "./swap-run.ts";

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
	readonly swap: StoredSwap;
	readonly run: SwapRun;
	readonly talk: Conversation;
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

export class Claims {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	/** By contract, in hexadecimal. */
	readonly #claims = new Map<string, Claim>();

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
			const swap = parseSwap(ecash, seed, row.claim_swap);
			const talk = this.#talkAbout(row, () => madeBefore(row.claim_swap));
			const state = this.#claiming(row, swap, talk, true);
			const claim = { contract, id, tetrads: new Set<number>(), state };
			this.#claims.set(hex(contract), claim);
		}
	}

	// What the other module says. Each throws for what is no such message.

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
		if (!isTaken(this.#mints, sale))
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
			soldFor(core, contract),
		);
	}

	// What happens to tetrads, mints and time.

	closed(tetrad: number): void {
		for (const { tetrads } of this.#claims.values()) tetrads.delete(tetrad);
	}

	/** It is known, or not. */
	mintAsked(mint: Uint8Array): void {
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
		for (const { state } of this.#claims.values()) {
			if (state.kind === "finding-mint") yield state.until;
			if (state.kind === "claiming") yield* state.talk.deadlines();
		}
	}

	time(): void {
		const { now } = this.#parts.core;
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
		if (
			why !== undefined ||
			(!isAnew && !areKeysetsKnown(this.#mints, delivery))
		) {
			const until = core.now + ANSWER_WITHIN_MS;
			claim.state = { kind: "finding-mint", delivery, until };
			return why === undefined
				? this.#mints.askAnew(issuer)
				: this.#mints.need(issuer);
		}
		const sold =
			this.#parts.sale?.sell(delivery.meeting, delivery.sale) ?? noSales();
		if (sold instanceof TetradError) return this.#refuse(claim, sold);
		const { key, atMint } = sold;
		if (atMint === undefined)
			return this.#refuse(claim, refused("it is not sold for ecash"));
		const made = checked(() =>
			claimSwap(this.#parts, this.#mints, this.#book, delivery, key, atMint),
		);
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
		this.#book.use(swap.spends);
		this.#parts.transact<"claiming">(
			{ kind: "claiming", contract, row, swap },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [{ what: "to-book", subject: contract, amount, peer: payer }],
				writes: [
					insert(CLAIMED, row),
					put(ISSUER_CHAINS, { hash: own.chainHash, chain: own.encodedChain }),
					...countersOf(this.#book, [...swap.outputs, ...swap.spends]),
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
		const { core } = this.#parts;
		const { chainHash, encodedChain } = core.options.context.own;
		core.chains.set(hex(chainHash), encodedChain);
		const { state } = claim;
		// What is made again and again is so less and less often.
		const talk = state.kind === "claiming" ? state.talk : undefined;
		talk?.written();
		talk?.madeAnew();
		talk?.now();
		claim.state = this.#claiming(row, swap, talk);
		this.#drive(claim);
	}

	notWritten({ contract }: EcashJobOf<"claiming">, error: TetradError): void {
		const claim = this.#claims.get(hex(contract));
		// It is claimed already, and was to be made again.
		if (claim?.state.kind === "claiming") claim.state.talk.notWritten();
		else if (claim !== undefined) this.#refuse(claim, error);
	}

	// The claim.

	#claiming(
		row: ClaimedRow,
		swap: StoredSwap,
		talk: Conversation = this.#talkAbout(row),
		isFromStore = false,
	): Claiming {
		const run = new SwapRun(this.#parts.options.crypto, swap, isFromStore);
		return { kind: "claiming", row, swap, run, talk };
	}

	#talkAbout(
		{ contract, mint }: ClaimedRow,
		made?: () => readonly MadeOutput[],
	): Conversation {
		const job = { kind: "asking-about-sold", contract } as const;
		return new Conversation(this.#parts, this.#mints, mint, job, made);
	}

	#drive({ state }: Claim): void {
		if (state.kind !== "claiming") return;
		const what = state.talk.ready();
		if (what === "ask") state.talk.ask(state.run.next);
		else if (what === "make-anew") this.#makeAnew(state);
	}

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming") return;
		const { run, talk } = claim.state;
		if (!talk.heard()) return;
		const outcome = talk.follow(run, answer, () => this.#drive(claim));
		if (outcome !== undefined) this.#over(claim.state, outcome);
	}

	mintNotAnswered(contract: Uint8Array): void {
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming" || !claim.state.talk.heard()) return;
		claim.state.run.unanswered();
		claim.state.talk.later();
	}

	#over(state: Claiming, outcome: SwapOutcome): void {
		const { row, swap, talk } = state;
		switch (outcome.kind) {
			case "signed": {
				const { proofs, left, states } = outcome;
				const claimed = { ...row, state: "claimed" } as const;
				// What the mint has signed then was for something else, in a life that this purse has forgotten.
				return isTakenBack(this.#parts, row, states)
					? this.#move(state, { ...row, state: "refused" }, 0n, left)
					: this.#move(state, claimed, sumOf(proofs), left);
			}
			case "not-done":
				state.run.unanswered();
				return talk.notDone(outcome.why, swap);
			case "spent": {
				const { crypto } = this.#parts.core.options.context;
				if (!isClaimed(crypto, outcome.states, crypto.sha256(row.key)))
					return this.#move(state, { ...row, state: "refused" }, 0n, []);
				// By this purse, in a life that it has forgotten, and into outputs that it knows nothing of.
				talk.lookFor(swap.outputs);
				return this.#move(state, { ...row, state: "claimed" }, row.amount, []);
			}
			default:
				return unreachable(outcome);
		}
	}

	/** With other outputs, of the same inputs. */
	#makeAnew(state: Claiming): void {
		const { core, options } = this.#parts;
		const { row, swap: before } = state;
		const { contract, mint } = row;
		const { spends } = before;
		const made = checked(() => {
			const spent = { inputs: spends, proofs: spends, before };
			return intoOwn(options, this.#mints, this.#book, spent, mint);
		});
		if (made.kind === "failed") return state.talk.notMadeAnew(made.error);
		const swap = made.value;
		const to = { ...row, claim_swap: encodeSwap(swap) };
		state.talk.writing();
		this.#parts.transact<"claiming">(
			{ kind: "claiming", contract, row: to, swap },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [],
				writes: [put(CLAIMED, to), ...countersOf(this.#book, swap.outputs)],
				result: undefined,
			})),
		);
	}

	/** So much came of it, of which `proofs` are left. */
	#move(
		state: Claiming,
		to: ClaimedRow,
		came: bigint,
		proofs: EcashJobOf<"claimed">["proofs"],
	): void {
		const { core } = this.#parts;
		const { contract, amount, payer: peer, mint } = to;
		const isReceived = to.state === "claimed";
		const entry = { subject: contract, peer } as const;
		state.talk.writing();
		this.#parts.transact<"claimed">(
			{ kind: "claimed", contract, to, came, proofs },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: isReceived
					? [
							{ what: "received", ...entry, amount: came },
							...feeTaken(contract, peer, amount - came),
						]
					: [{ what: "refused", ...entry, amount }],
				writes: [put(CLAIMED, to), ...this.#book.writeNew(mint, proofs)],
				result: undefined,
			})),
		);
	}

	moved({ contract, to, came, proofs }: EcashJobOf<"claimed">): void {
		const claim = this.#claims.get(hex(contract));
		this.#claims.delete(hex(contract));
		this.#book.add(to.mint, proofs);
		if (claim?.state.kind === "claiming") claim.state.talk.over();
		const { core, sale } = this.#parts;
		const tetrads = claim?.tetrads ?? new Set<number>();
		if (to.state === "refused") {
			const error = takenBack();
			for (const tetrad of tetrads) refuse(core, tetrad, contract, error);
			return sale?.happened({ kind: "refused", contract, error });
		}
		const { amount, payer, terms, key, receipt, mint: issuer } = to;
		// Its payer has paid for the claim; of what a mint asks for since, nobody has.
		core.report({
			kind: "received",
			...{ contract, peer: payer, issuer, amount: came },
		});
		for (const { tetrad, peer } of core.meetings.values())
			if (sameBytes(peer.deviceId, payer)) tetrads.add(tetrad);
		this.#give(to, tetrads);
		const chain = core.chainOfReceipt(to);
		sale?.happened({
			...{ kind: "sold", contract, key, receipt, chain, amount },
			...{ payer, terms, isBooked: true, tetrads: [...tetrads] },
		});
	}

	notMoved({ contract }: EcashJobOf<"claimed">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const claim = this.#claims.get(hex(contract));
		if (claim?.state.kind !== "claiming") return;
		claim.state.run.unanswered();
		claim.state.talk.notWritten();
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
