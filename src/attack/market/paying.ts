/* A rogue that buys one cheap thing of the merchant, and how the merchant's module answers. */

import { nodeCrypto } from "../../crypto/index.ts";
import type { Buyer } from "../../device/trade/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	messages,
	parseTransfer,
	readReceipt,
	type Transfer,
} from "../../money/index.ts";
import type { Offer } from "../../trade/documents/index.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import { broken, held, type Outcome } from "../attack.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import type { Rogue } from "./rogue.ts";
import { type Alter, altering, both, hearing } from "./tampering.ts";

const { BETWEEN_MODULES } = messages;

type ValueOf<Kind> =
	Kind extends messages.MessageKind<infer Value> ? Value : never;

/** What a payer's module asks first. */
export type Prepare = ValueOf<typeof messages.BETWEEN_MODULES.prepare>;

/** What a payer's module delivers. */
export type Deliver = ValueOf<typeof messages.BETWEEN_MODULES.deliver>;

/** How the merchant's module has answered one payment. */
type Answer =
	/** It was taken, and the key was given. */
	| { readonly kind: "accepted" }
	/** It was answered with the receipt of another one. */
	| { readonly kind: "receipt-of-another" }
	| {
			readonly kind: "refused";
			readonly code: string;
			readonly reason: string;
	  };

/** What is done to one payment. Documents that are changed have to be signed anew. */
export interface PaymentAltered {
	readonly prepare?: (prepare: Prepare) => Promise<Prepare>;
	readonly deliver?: (deliver: Deliver) => Promise<Deliver>;
}

/** An offer of the cheapest thing that the merchant sells, made on order or not. Who leaves too much that was made for it gets no more. */
export async function cheapOffer(
	buyer: Buyer,
	signal: AbortSignal,
	isPaid = true,
): Promise<Offer> {
	const { items } = await buyer.list(undefined, signal);
	const sorted = items.toSorted((a, b) => (a.amount < b.amount ? -1 : 1));
	const item = isPaid
		? sorted[0]
		: sorted.find(({ kind }) => kind !== "made-on-order");
	if (item === undefined)
		throw new NotTried("the merchant sells no such thing");
	const order = item.kind === "made-on-order" ? "an order" : "";
	return buyer.quote(item.description.name, order, signal);
}

/** Pays the merchant for one cheap thing, in the way given. */
export async function pays(
	rogue: Rogue,
	target: Target,
	signal: AbortSignal,
	altered: PaymentAltered = {},
): Promise<Answer> {
	const answer = Promise.withResolvers<Answer>();
	let contract: Uint8Array | undefined;
	/** What a purse delivers again of payments that were altered before, by contract in hexadecimal. */
	const others = new Set<string>();
	const isIt = (other: Uint8Array) =>
		contract !== undefined && sameBytes(other, contract);
	const toModule: Alter = both(
		hearing(BETWEEN_MODULES.prepare, (prepare) => {
			contract = copy(prepare.contract);
		}),
		both(
			altering(
				BETWEEN_MODULES.prepare,
				async (prepare) => altered.prepare?.(prepare) ?? prepare,
			),
			altering(BETWEEN_MODULES.deliver, async (deliver) => {
				const transfer = readTransfer(deliver);
				if (isIt(transfer.contract))
					return altered.deliver?.(deliver) ?? deliver;
				others.add(hex(transfer.contract));
				return deliver;
			}),
		),
	);
	const fromModule: Alter = both(
		hearing(BETWEEN_MODULES.accepted, ({ receipt }) => {
			const { contract: paid } = readReceipt(receipt);
			if (isIt(paid)) answer.resolve({ kind: "accepted" });
			else if (!others.has(hex(paid)))
				answer.resolve({ kind: "receipt-of-another" });
		}),
		hearing(BETWEEN_MODULES.refused, ({ contract: of, code, reason }) => {
			if (!others.has(hex(of)))
				answer.resolve({ kind: "refused", code, reason });
		}),
	);
	const buyer = await rogue.buyer(
		target.merchantAt,
		{ module: { toModule, fromModule } },
		signal,
	);
	try {
		const isPaid = altered.prepare === undefined;
		const offer = await cheapOffer(buyer, signal, isPaid);
		const to = { path: target.newPath("goods") };
		buyer
			.buy(offer, to, () => {}, { signal })
			.then(
				() => answer.resolve({ kind: "accepted" }),
				(thrown: unknown) => {
					const { code, message } = asTetradError(thrown);
					answer.resolve({ kind: "refused", code, reason: message });
				},
			);
		const answered = await answer.promise;
		if (answered.kind === "refused" && answered.code === "insufficient-funds")
			throw new NotTried("it has no money to attack with", {
				matters: target.kind === "sandbox",
			});
		return answered;
	} finally {
		await buyer.tetrad.close();
	}
}

/** Fails unless an honest payment goes the same way. */
export async function paysHonestly(
	rogue: Rogue,
	target: Target,
	signal: AbortSignal,
): Promise<void> {
	const answer = await pays(rogue, target, signal);
	if (answer.kind === "accepted") return;
	throw new TetradError(
		"payment-refused",
		`an honest payment is not taken: ${answer.kind === "refused" ? `${answer.code}: ${answer.reason}` : answer.kind}`,
	);
}

/** What came of an altered payment that nobody should take. */
export async function isRefused(
	rogue: Rogue,
	target: Target,
	signal: AbortSignal,
	altered: PaymentAltered,
): Promise<Outcome> {
	await paysHonestly(rogue, target, signal);
	return outcomeOf(await pays(rogue, target, signal, altered));
}

export function outcomeOf(answer: Answer): Outcome {
	switch (answer.kind) {
		case "accepted":
			return broken("the merchant's module took it, and gave the key");
		case "receipt-of-another":
			return held("answered with the receipt of the earlier payment");
		case "refused":
			return held(`refused: ${answer.code}`);
	}
}

export function readTransfer({ transfer }: Deliver): Transfer {
	return parseTransfer(nodeCrypto, transfer);
}
