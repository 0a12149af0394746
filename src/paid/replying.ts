/* What comes of a request that is sent with its payment, over whichever protocol. */
import { asTetradError, type ErrorCode, TetradError } from "../errors.ts";
import { ANSWER_AFTER_FAILURE_MS } from "./limits.ts";
import type { PaidAnswer, Paying } from "./paid-answers.ts";

/** What a merchant's program says to a request that has its payment with it. */
export type Judged =
	| { readonly kind: "answer" }
	| {
			/** It answers with a failure of its own; it does not take the payment; or it is answering the same payment already. */
			readonly kind: "failure" | "refusal" | "busy";
			/** With which code the payment is not taken, as far as that is said. */
			readonly code?: ErrorCode | undefined;
			/** The same, as whoever asked is told it. */
			readonly error: TetradError;
	  };

/** A request, and how its protocol carries it. */
export interface Sending<Reply> {
	/** Stops it. */
	readonly signal?: AbortSignal | undefined;
	/** Sends it with its payment; rejects where no whole reply has come. */
	send(signal: AbortSignal): Promise<Reply>;
	judge(reply: Reply): Judged;
	/** The reply that was bought. Throws for what is none. */
	read(answer: PaidAnswer): Reply;
}

type Sealed = Paying & { readonly mode: "sealed" };
type Prepaid = Paying & { readonly mode: "prepaid" };

/** What a protocol has brought. */
type Sent<Reply> =
	| { readonly kind: "replied"; readonly reply: Reply }
	| { readonly kind: "lost"; readonly error: unknown };

/** What the purchase has come to. */
type Ended =
	| { readonly kind: "bought"; readonly answer: PaidAnswer }
	| { readonly kind: "not-bought"; readonly error: TetradError };

/** After these a purchase is paid, or may be. */
const PAID_ALL_THE_SAME: readonly ErrorCode[] = [
	"payment-in-doubt",
	"merchandise-wrong",
	"purchase-void",
];

/**
 * The reply to a request that is paid.
 *
 * Sealed, it is what was bought, whatever is said over the protocol: that may be a lie, or be lost.
 * Where nothing is paid, a failure that was answered instead is the reply.
 *
 * Prepaid, it comes over the protocol. As long as none has come whole, the same request asks for it
 * again, and pays nothing new: that is `payment-in-doubt`. A failure is the reply, once what was paid
 * is taken back. A merchant that knows nothing of it any more, and is asked after the time for
 * which answers are kept, answers it no more: that is `merchandise-wrong`, and proved by the receipt.
 *
 * Rejects with why there is none, else: as `AgentService.buy`, with `merchandise-wrong` where what
 * was bought is no reply, and with `payment-refused` where what was paid first was given back.
 */
export function replyTo<Reply>(
	paying: Paying,
	sending: Sending<Reply>,
): Promise<Reply> {
	return paying.mode === "sealed"
		? sealedReply(paying, sending)
		: prepaidReply(paying, sending);
}

async function sealedReply<Reply>(
	paying: Sealed,
	sending: Sending<Reply>,
): Promise<Reply> {
	const left = new AbortController();
	const signal = anyOf(left.signal, sending.signal);
	const carried = paying.isToBeSent ? sent(sending.send(signal)) : undefined;
	const purchase = ended(paying.answer);
	const end = await endOf(paying, { purchase, carried, judge: sending.judge });
	if (end.kind === "bought") {
		left.abort();
		const reply = readReply(sending, end.answer);
		await paying.taken();
		return reply;
	}
	paying.giveUp(end.error);
	if (!PAID_ALL_THE_SAME.includes(end.error.code)) {
		sending.signal?.throwIfAborted();
		const come = carried && (await soon(carried));
		if (come?.kind === "replied" && isFailure(sending, come.reply))
			return come.reply;
	}
	left.abort();
	throw end.error;
}

/** Waits for the purchase; where the merchant's program has answered with a failure, no longer than its agent needs to say so, too. */
async function endOf<Reply>(
	paying: Sealed,
	{
		purchase,
		carried,
		judge,
	}: {
		readonly purchase: Promise<Ended>;
		readonly carried: Promise<Sent<Reply>> | undefined;
		readonly judge: (reply: Reply) => Judged;
	},
): Promise<Ended> {
	const first = await Promise.race(carried ? [carried, purchase] : [purchase]);
	if (first.kind !== "replied") return purchase;
	const judged = judge(first.reply);
	if (judged.kind === "answer") return purchase;
	const said = await soon(purchase);
	if (said !== undefined) return said;
	paying.giveUp(judged.error);
	const end = await purchase;
	const isGivenUp = end.kind === "not-bought" && end.error.code === "aborted";
	return isGivenUp ? { kind: "not-bought", error: judged.error } : end;
}

async function prepaidReply<Reply>(
	paying: Prepaid,
	sending: Sending<Reply>,
): Promise<Reply> {
	const come = await sent(sending.send(anyOf(sending.signal)));
	if (come.kind === "lost") throw unanswered(come.error);
	const { reply } = come;
	const judged = sending.judge(reply);
	if (judged.kind === "answer") {
		await paying.taken();
		return reply;
	}
	if (judged.kind === "busy") throw unanswered(judged.error);
	try {
		await paying.refund();
	} catch (thrown) {
		const cause = new AggregateError([judged.error, thrown]);
		const isUnknown = judged.code === "offer-expired";
		if (isUnknown && (await paying.forget())) throw forgotten(paying, cause);
		throw unanswered(cause);
	}
	if (judged.kind === "failure") return reply;
	throw new TetradError(
		"payment-refused",
		"the request was paid (prepaid) and not answered, and what was paid was given back",
		{ cause: judged.error },
	);
}

/** Whether nothing was paid, since the merchant does not want it. */
export function isRefusal(thrown: unknown): boolean {
	const { code } = asTetradError(thrown);
	return code === "payment-refused" || code === "refused-by-peer";
}

/** What comes after a failure, if it comes then. */
async function soon<Value>(coming: Promise<Value>): Promise<Value | undefined> {
	const late = Promise.withResolvers<undefined>();
	const timer = setTimeout(late.resolve, ANSWER_AFTER_FAILURE_MS, undefined);
	try {
		return await Promise.race([coming, late.promise]);
	} finally {
		clearTimeout(timer);
	}
}

function isFailure<Reply>(sending: Sending<Reply>, reply: Reply): boolean {
	return sending.judge(reply).kind === "failure";
}

function readReply<Reply>(sending: Sending<Reply>, answer: PaidAnswer): Reply {
	try {
		return sending.read(answer);
	} catch (cause) {
		throw new TetradError(
			"merchandise-wrong",
			`it is paid, and what was bought is no answer to this request: it is in ${answer.purchase.path}, and comes again as long as it is there`,
			{ cause },
		);
	}
}

async function sent<Reply>(sending: Promise<Reply>): Promise<Sent<Reply>> {
	try {
		return { kind: "replied", reply: await sending };
	} catch (error) {
		return { kind: "lost", error };
	}
}

async function ended(answer: Promise<PaidAnswer>): Promise<Ended> {
	try {
		return { kind: "bought", answer: await answer };
	} catch (thrown) {
		return { kind: "not-bought", error: asTetradError(thrown) };
	}
}

function anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
	return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

function forgotten({ purchase }: Prepaid, cause: unknown): TetradError {
	return new TetradError(
		"merchandise-wrong",
		`it was paid (prepaid) on ${purchase.time}, and its merchant answers it no more; the receipt of contract ${purchase.contract} proves it, and the same request is a new one now`,
		{ cause },
	);
}

function unanswered(cause: unknown): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"it is paid (prepaid), and its answer has not come; the same request asks for it again, and pays nothing new",
		{ cause },
	);
}
