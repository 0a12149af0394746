/*
 * What an owner orders of the purse's mints: tokens, new ecash, invoices to pay, and what follows
 * from the seed. What each of them is stands in a file of its own; here is what they have in common:
 *
 *   asked ─▶ looking up ─new─▶ finding mint ─known─▶ (quoting) ─▶ writing ─durable─▶ OPEN ─▶ (over)
 *               └─known: it is told of again            └─refused, or not in time: REFUSED
 *
 * What stands in capitals is durable, under the name that the owner gave it, so that it is done once,
 * however often it is ordered. An order goes on after every start until it is over.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import { byKey } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { EcashState } from "../ecash-load.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { ECASH_ORDERS, type EcashOrderRow } from "../ecash-tables.ts";
import { ANSWER_WITHIN_MS, MAX_OPEN_REQUESTS } from "../purse-limits.ts";
import type { EcashOrderKind, EcashOrderState } from "../purse-report.ts";
import { type Change, changing, unchanged } from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import { Conversation, worthNothing } from "./conversation.ts";
import type { EcashJobOf, EcashResults } from "./jobs.ts";
import type { MintRun } from "./mint-run.ts";
import type { Mints } from "./mints.ts";
import type { Move, Next } from "./moves.ts";
import {
	busy,
	notAnswered,
	notItsKeys,
	notMadeYet,
	notNamed,
	notOut,
	refusedRow,
	tooMuch,
	whyRefused,
} from "./order-refusals.ts";
import { OrderTrades, type Quote } from "./order-trades.ts";
import { moving, refusing } from "./order-writes.ts";
import { type BeginningOrder, isOpen } from "./ordered.ts";
import type { EcashParts } from "./parts.ts";
import { Recoveries } from "./recoveries.ts";
import type { FirstCounters } from "./restore-run.ts";
import { type MadeOutput, madeBefore } from "./stored-swap.ts";

type Work =
	| { readonly kind: "looking-up"; readonly order: BeginningOrder }
	| {
			readonly kind: "finding-mint";
			readonly order: BeginningOrder;
			readonly until: number;
	  }
	| Quoting
	| { readonly kind: "writing"; readonly order: BeginningOrder }
	| OpenOrder;

interface Quoting {
	readonly kind: "quoting";
	readonly order: BeginningOrder;
	readonly run: MintRun<Quote | TetradError>;
	readonly talk: Conversation;
	readonly until: number;
}

interface OpenOrder {
	readonly kind: "open";
	row: EcashOrderRow;
	/** Whether nothing of it was written since the purse was started. */
	readonly isFromStore: boolean;
	readonly talk: Conversation;
	/** Of its state; nothing until it is asked for the first time. */
	run: MintRun<Next> | undefined;
	isTroubleTold: boolean;
}

export class OwnerOrders {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	readonly #trades: OrderTrades;
	readonly #recoveries: Recoveries;
	/** By request, in hexadecimal. */
	readonly #all = new Map<string, Work>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		state: EcashState,
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		this.#recoveries = new Recoveries(parts.core, mints, book);
		this.#trades = new OrderTrades({ parts, mints, book }, state);
		for (const row of state.orders) {
			const talk = this.#talkAbout(row, () => [
				...madeBefore(row.swap),
				...madeBefore(row.back_swap),
			]);
			// No counter is used meanwhile, also before it is asked for again.
			const made =
				row.kind === "restore"
					? checked(() => this.#trades.run(row, true))
					: undefined;
			const run = made?.kind === "ok" ? made.value : undefined;
			const isTroubleTold = false;
			this.#all.set(hex(row.request), {
				...{ kind: "open", row, talk, run, isTroubleTold },
				isFromStore: true,
			});
		}
	}

	/** As `EcashParts`. */
	signedBefore(
		mint: Uint8Array,
		outputs: readonly MadeOutput[],
		isOver: boolean,
	): void {
		const first = this.#recoveries.firstOf(mint, outputs);
		this.#recover(mint, first, isOver);
	}

	#recover(mint: Uint8Array, first: FirstCounters, isOver: boolean): void {
		const due = this.#recoveries.due(mint, first, isOver, (request) => {
			const work = this.#all.get(hex(request));
			if (work === undefined) return undefined;
			const isPending = work.kind === "open" && work.row.state === "pending";
			return isPending ? "pending" : "open";
		});
		if (due === undefined) return;
		const { request, from } = due;
		const order = { kind: "restore", request, mint } as const;
		const made = checked(() => this.#trades.restoring.beginFrom(order, from));
		if (made.kind === "failed") return;
		this.#recoveries.begun(mint);
		this.#all.set(hex(request), { kind: "writing", order });
		this.#move(made.value, "put");
	}

	/** What comes of it is reported. */
	order(order: EcashOrder): void {
		const { request } = order;
		if (order.kind === "take-back") return this.#takeBack(order);
		const known = this.#all.get(hex(request));
		if (known?.kind === "open") return this.#tellAgain(known.row);
		if (known !== undefined) return;
		if (this.#all.size >= MAX_OPEN_REQUESTS)
			return this.#taken(request, tooMuch());
		this.#all.set(hex(request), { kind: "looking-up", order });
		this.#lookUp(request);
	}

	/** It was ordered before, and is told of again, whatever mints are named by now. */
	#tellAgain(row: EcashOrderRow): void {
		this.#taken(row.request, isOpen(row) ? undefined : whyRefused(row));
		this.#tell(row);
	}

	#lookUp(request: Uint8Array, of: Uint8Array = request): void {
		const { core } = this.#parts;
		this.#parts.transact<"looking-up-order">(
			{ kind: "looking-up-order", request, of },
			changing(
				core.options.context.crypto,
				core.now,
				[byKey(ECASH_ORDERS, { request: of })],
				([[row]]): Change<EcashOrderRow | undefined> => unchanged(row),
			),
		);
	}

	lookedUp(
		{ request, of }: EcashJobOf<"looking-up-order">,
		row: EcashOrderRow | undefined,
	): void {
		// What is to be taken back is not open.
		if (!sameBytes(request, of)) return this.#notTakenBack(request, row);
		const work = this.#all.get(hex(request));
		if (work?.kind !== "looking-up") return;
		if (row !== undefined) {
			this.#all.delete(hex(request));
			return this.#tellAgain(row);
		}
		const { order } = work;
		if (this.#mints.of(order.mint) === undefined) {
			this.#all.delete(hex(request));
			return this.#taken(request, notNamed());
		}
		const until = this.#parts.core.now + ANSWER_WITHIN_MS;
		this.#all.set(hex(request), { kind: "finding-mint", order, until });
		this.#mints.need(order.mint);
		this.#begin(order);
	}

	notLookedUp(
		{ request }: EcashJobOf<"looking-up-order">,
		error: TetradError,
	): void {
		this.#all.delete(hex(request));
		this.#taken(request, error);
	}

	/** Its mint is known now, or known not to be. */
	mintAsked(mint: Uint8Array): void {
		for (const work of [...this.#all.values()]) {
			if (work.kind === "finding-mint" && sameBytes(work.order.mint, mint))
				this.#begin(work.order);
			else if (work.kind === "open" && sameBytes(work.row.mint, mint))
				this.#drive(work);
		}
	}

	*deadlines(): Generator<number> {
		for (const work of this.#all.values()) {
			if (work.kind === "finding-mint" || work.kind === "quoting")
				yield work.until;
			if (work.kind === "quoting" || work.kind === "open")
				yield* work.talk.deadlines();
		}
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const work of [...this.#all.values()]) {
			switch (work.kind) {
				case "looking-up":
				case "writing":
					break;
				case "finding-mint":
					if (work.until > now) break;
					this.#refuse(
						work.order,
						this.#mints.whyNot(work.order.mint) ?? notAnswered(),
					);
					break;
				case "quoting":
					if (work.until <= now) this.#refuse(work.order, notAnswered());
					else if (work.talk.ready() === "ask") work.talk.ask(work.run.next);
					break;
				case "open":
					this.#drive(work);
					break;
				default:
					unreachable(work);
			}
		}
	}

	// Up to when it is durable.

	/** Unless its mint is still to answer. */
	#begin(order: BeginningOrder): void {
		const { request, mint } = order;
		const why = this.#mints.whyNot(mint);
		if (why?.code === "busy") return;
		if (why !== undefined) return this.#refuse(order, why);
		const asked = checked(() => this.#trades.of(order).quote());
		if (asked.kind === "failed") return this.#refuse(order, asked.error);
		const run = asked.value;
		if (run === undefined) return this.#write(order, undefined);
		const talk = this.#talkAbout(order);
		const until = this.#parts.core.now + ANSWER_WITHIN_MS;
		this.#all.set(hex(request), { kind: "quoting", order, run, talk, until });
		talk.ask(run.next);
	}

	#quoted({ order, run, talk }: Quoting, answer: MintAnswer): void {
		const quote = talk.follow(run, answer, () => talk.ask(run.next));
		if (quote instanceof TetradError) this.#refuse(order, quote);
		else if (quote !== undefined) this.#write(order, quote);
	}

	#write(order: BeginningOrder, quote: Quote | undefined): void {
		const made = checked(() => this.#trades.of(order).begin(quote));
		if (made.kind === "failed") return this.#refuse(order, made.error);
		this.#all.set(hex(order.request), { kind: "writing", order });
		this.#move(made.value, "insert");
	}

	/** What was never begun is kept, too: its owner may ask later why. */
	#refuse(order: BeginningOrder, error: TetradError): void {
		this.#all.set(hex(order.request), { kind: "writing", order });
		const tools = { parts: this.#parts, mints: this.#mints };
		const row = refusedRow(tools, order, error);
		this.#parts.transact<"refusing-order">(
			{ kind: "refusing-order", row },
			refusing(this.#parts.core, row),
		);
	}

	refused({ row }: EcashJobOf<"refusing-order">): void {
		this.#all.delete(hex(row.request));
		this.#taken(row.request, whyRefused(row));
		this.#tell(row);
	}

	notRefused({ row }: EcashJobOf<"refusing-order">): void {
		this.refused({ kind: "refusing-order", row });
	}

	// What was sent is taken back.

	#takeBack({
		request,
		of,
	}: Extract<EcashOrder, { readonly kind: "take-back" }>): void {
		const work = this.#all.get(hex(of));
		if (work === undefined) return this.#lookUp(copy(request), copy(of));
		if (work.kind !== "open" || work.row.kind !== "send")
			return this.#taken(request, notOut());
		const { row, talk } = work;
		if (row.state === "taking-back") return this.#taken(request, undefined);
		if (row.state !== "sent") return this.#taken(request, notMadeYet());
		if (talk.isWriting) return this.#taken(request, busy());
		const made = checked(() => this.#trades.sending.takeBack(row));
		if (made.kind === "failed") return this.#taken(request, made.error);
		talk.writing();
		this.#move(made.value, "put", request);
	}

	#notTakenBack(request: Uint8Array, row: EcashOrderRow | undefined): void {
		const isBack = row?.state === "taken-back";
		this.#taken(request, isBack ? undefined : notOut());
		if (row !== undefined) this.#tell(row);
	}

	// What is durable.

	/** `ordered` by a further order, which is taken down with it. */
	#move(
		move: Move,
		how: "insert" | "put",
		ordered: Uint8Array = move.to.request,
	): void {
		this.#parts.transact<"moving-order">(
			{ kind: "moving-order", move, how, ordered },
			moving(this.#parts.core, this.#book, move, how),
		);
	}

	moved(
		{ move, how, ordered }: EcashJobOf<"moving-order">,
		{ row, got, gone, underWay }: EcashResults["moving-order"],
	): void {
		const { request, mint } = row;
		if (row.state === "restoring") this.#trades.restoring.begun(row, underWay);
		this.#book.add(mint, got);
		this.#book.spent(gone);
		const isTaken = how === "insert" || !sameBytes(ordered, request);
		if (isTaken) this.#taken(ordered, undefined);
		if (move.isUntold !== true) this.#tell(row);
		const before = this.#all.get(hex(request));
		if (row.kind === "restore" && row.state !== "restoring")
			this.#trades.restoring.over(row);
		if (!isOpen(row)) {
			this.#all.delete(hex(request));
			if (before?.kind === "open") before.talk.over();
			return this.#again(row);
		}
		const talk = before?.kind === "open" ? before.talk : this.#talkAbout(row);
		// That a token is there ends what made it, and it may be out for long.
		if (row.state === "sent") talk.over();
		talk.written();
		talk.madeAnew();
		const isTroubleTold = before?.kind === "open" && before.isTroubleTold;
		const open = {
			...({ kind: "open", row, talk, isTroubleTold } as const),
			...{ run: undefined, isFromStore: false },
		};
		this.#all.set(hex(request), open);
		if (move.isFound === true) this.#again(row);
		if (move.isAfterAWhile === true) return talk.later();
		talk.now();
		this.#drive(open);
	}

	/** What was asked for while it was under way. */
	#again(row: EcashOrderRow): void {
		const first = this.#recoveries.askedDuring(row);
		if (first !== undefined) this.#recover(row.mint, first, true);
	}

	notMoved(
		{ move, how, ordered }: EcashJobOf<"moving-order">,
		error: TetradError,
	): void {
		const { to, gone = [] } = move;
		const work = this.#all.get(hex(to.request));
		if (how === "insert") {
			this.#book.release(gone);
			if (to.kind === "restore") this.#trades.restoring.over(to);
			this.#all.delete(hex(to.request));
			return this.#taken(ordered, error);
		}
		if (!sameBytes(ordered, to.request)) this.#taken(ordered, error);
		else this.#parts.core.trouble(error);
		// Nobody has ordered it.
		if (work?.kind === "writing") {
			this.#trades.restoring.over(to);
			this.#all.delete(hex(to.request));
		}
		if (work?.kind !== "open") return;
		work.run = undefined;
		work.talk.notWritten();
	}

	#drive(work: OpenOrder): void {
		const what = work.talk.ready();
		if (what === undefined) return;
		const made = checked(() => {
			if (what === "make-anew") {
				const move = this.#trades.anew(work.row);
				work.talk.writing();
				return this.#move(move, "put");
			}
			work.run ??= this.#trades.run(work.row, work.isFromStore);
			work.talk.ask(work.run.next);
		});
		if (made.kind === "failed") work.talk.notMadeAnew(made.error);
	}

	// What the mint says.

	mintAnswered(request: Uint8Array, answer: MintAnswer): void {
		const work = this.#all.get(hex(request));
		if (work?.kind !== "quoting" && work?.kind !== "open") return;
		if (!work.talk.heard()) return;
		if (work.kind === "quoting") return this.#quoted(work, answer);
		const { talk, run } = work;
		if (run === undefined) return talk.later();
		const next = talk.follow(
			run,
			answer,
			() => this.#drive(work),
			({ code }) => {
				if (code === "authentication-failed")
					this.#tellTrouble(work, notItsKeys());
				else if (code === "insufficient-funds")
					this.#tellTrouble(work, worthNothing());
			},
		);
		if (next !== undefined) this.#follow(work, next);
	}

	mintNotAnswered(request: Uint8Array): void {
		const work = this.#all.get(hex(request));
		if (work?.kind !== "quoting" && work?.kind !== "open") return;
		if (!work.talk.heard()) return;
		work.run?.unanswered();
		work.talk.later();
	}

	#follow(work: OpenOrder, next: Next): void {
		switch (next.kind) {
			case "move":
				if (next.trouble !== undefined) this.#tellTrouble(work, next.trouble);
				work.talk.writing();
				return this.#move(next, "put");
			case "not-done":
				work.run?.unanswered();
				return work.talk.notDone(next.why, next.swap);
			case "later":
				work.run?.unanswered();
				if (next.trouble !== undefined) this.#tellTrouble(work, next.trouble);
				return work.talk.later();
			default:
				return unreachable(next);
		}
	}

	/** Once for each order. */
	#tellTrouble(work: OpenOrder, trouble: TetradError): void {
		if (work.isTroubleTold) return;
		work.isTroubleTold = true;
		this.#parts.core.trouble(trouble);
	}

	#talkAbout(
		{ request, mint }: Pick<BeginningOrder, "request" | "mint">,
		made?: () => readonly MadeOutput[],
	): Conversation {
		const job = { kind: "asking-about-order", request } as const;
		return new Conversation(this.#parts, this.#mints, mint, job, made);
	}

	/** Its order is durable, or was refused. */
	#taken(request: Uint8Array, error: TetradError | undefined): void {
		this.#parts.core.report({ kind: "ecash-ordered", request, error });
	}

	/** In which state it is now. */
	#tell(row: EcashOrderRow): void {
		const { request, mint: issuer, amount, fee, returned } = row;
		this.#parts.core.report({
			...{ kind: "ecash", request, issuer, amount, fee, returned },
			what: row.kind as EcashOrderKind,
			state: row.state as EcashOrderState,
			invoice: row.invoice,
			error: whyRefused(row),
		});
	}
}
