import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	amountBytes,
	CONTRACT_BYTES,
	CURRENCY_CODE,
	DEVICE_ID,
	formatAmount,
	type IssuerTerms,
	MAX_REASON_BYTES,
	messages,
	type Payment,
	parseAmountBytes,
} from "../../money/index.ts";
import {
	bytes,
	enc,
	hex,
	malformed,
	PAYMENT_TALK,
	parseUtf8,
	sameBytes,
	structure,
	utf8,
	utf8Within,
} from "../../wire/index.ts";
import type { Payments } from "../purse/index.ts";
import type { Tetrad } from "../runtime/index.ts";
import type { Report } from "./process-events.ts";

/*
 * How two agent processes agree on a payment, over session 1, before the one has its module pay
 * and once the other's module will take it:
 *
 *   buyer                                  seller
 *     propose-payment (0x12) ────────────▶   has its module expect it
 *                            ◀────────────   welcome (0x13), or refused (0x14)
 *     has its module pay
 */

/** What a payment is for, in words, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 256;

const LABEL = utf8("tetrad/1 payment");

const PROPOSE = {
	type: PAYMENT_TALK.propose,
	body: structure("propose-payment", {
		contract: bytes(CONTRACT_BYTES),
		issuer: DEVICE_ID,
		currency: CURRENCY_CODE,
		amount: bytes(8),
		text: bytes(0, MAX_TEXT_BYTES),
	}),
} as const;

const WELCOME = {
	type: PAYMENT_TALK.welcome,
	body: structure("welcome", { contract: bytes(CONTRACT_BYTES) }),
} as const;

const REFUSED = {
	type: PAYMENT_TALK.refused,
	body: structure("refused", {
		contract: bytes(CONTRACT_BYTES),
		reason: bytes(0, MAX_REASON_BYTES),
	}),
} as const;

const { body, message } = messages;

/** A payment as the owner of an agent asks for it. */
export interface WantedPayment {
	readonly terms: IssuerTerms;
	/** In minor units. */
	readonly amount: bigint;
	/** At most `MAX_TEXT_BYTES` of UTF-8. */
	readonly text: string;
	/** Of a payment that was asked for before and is in doubt; a new one unless given. */
	readonly contract?: Uint8Array;
}

/** A contract that is like no other. */
function newContract(text: string): Uint8Array {
	return nodeCrypto.sha256(enc(LABEL, nodeCrypto.random(32), utf8(text)));
}

/**
 * Agrees with the other agent on a payment, has the module pay it, and reports what became of it.
 * Rejects with `payment-refused` when the other agent does not want it, and as `Payments.pay`.
 */
export async function payOther(
	tetrad: Tetrad,
	number: number,
	payments: Payments,
	{ terms, amount, text, contract = newContract(text) }: WantedPayment,
	report: Report,
	signal: AbortSignal,
): Promise<void> {
	const { issuer, currency } = terms;
	await tetrad.agent.send(
		message(PROPOSE, {
			contract,
			issuer,
			currency: utf8(currency.code),
			amount: amountBytes(amount),
			text: utf8(text),
		}),
	);
	requireWelcome(await tetrad.agent.receive({ signal }), contract);
	const said = { tetrad: number, contract: hex(contract), text };
	try {
		const paid = await payments.pay(
			{ contract, issuer, currency: currency.code, amount },
			{ signal },
		);
		report({ event: "paid", ...said, ...moneyText(paid.amount, terms) });
	} catch (thrown) {
		const { code, message: why } = asTetradError(thrown);
		if (code === "payment-in-doubt")
			report({
				event: "in-doubt",
				...said,
				...moneyText(amount, terms),
				reason: why,
			});
		throw thrown;
	}
}

function requireWelcome(
	answer: Uint8Array | undefined,
	contract: Uint8Array,
): void {
	if (answer === undefined)
		throw new TetradError(
			"payment-refused",
			"the other agent closed the tetrad instead of taking a payment; nothing was paid",
		);
	if (answer[0] === REFUSED.type) {
		const { reason } = body(REFUSED, answer);
		throw new TetradError(
			"payment-refused",
			`the other agent does not want this payment, and nothing was paid: ${parseUtf8(reason)}`,
		);
	}
	if (
		answer[0] !== WELCOME.type ||
		!sameBytes(body(WELCOME, answer).contract, contract)
	)
		throw malformed("the other agent answered a payment with something else");
}

/** Whether the other agent's message proposes a payment. */
export function isProposal(bytes: Uint8Array): boolean {
	return bytes[0] === PROPOSE.type;
}

/**
 * Answers a proposed payment: takes what is of one of `issuers` and what the own module takes.
 * Resolves when the answer is sent; when the money comes, it is reported.
 */
export async function takeFromOther(
	tetrad: Tetrad,
	number: number,
	payments: Payments,
	issuers: readonly IssuerTerms[],
	proposal: Uint8Array,
	report: Report,
): Promise<void> {
	const { contract, issuer, currency, amount, text } = body(PROPOSE, proposal);
	const payment: Payment = {
		contract,
		issuer,
		currency: parseUtf8(currency),
		amount: parseAmountBytes(amount),
	};
	const forWhat = parseUtf8(text);
	try {
		const terms = knownTerms(issuers, payment);
		await payments.expect(payment);
		await tetrad.agent.send(message(WELCOME, { contract }));
		payments.received(contract).then(
			(received) =>
				report({
					event: "received",
					tetrad: number,
					contract: hex(contract),
					text: forWhat,
					...moneyText(received.amount, terms),
				}),
			// It may come in a later tetrad; the module knows what it has taken.
			() => {},
		);
	} catch (thrown) {
		if (tetrad.ended) throw thrown;
		const { message: why } = asTetradError(thrown);
		await tetrad.agent.send(
			message(REFUSED, { contract, reason: utf8Within(why, MAX_REASON_BYTES) }),
		);
	}
}

function knownTerms(
	issuers: readonly IssuerTerms[],
	{ issuer, currency }: Payment,
): IssuerTerms {
	const terms = issuers.find(
		(known) =>
			sameBytes(known.issuer, issuer) && known.currency.code === currency,
	);
	if (terms === undefined)
		throw new TetradError(
			"payment-refused",
			`this agent takes money of ${issuers.map(({ name }) => name).join(", ")} alone`,
		);
	return terms;
}

/** An amount as events say it. */
interface MoneyText {
	/** Decimal. */
	readonly amount: string;
	readonly currency: string;
	readonly play: boolean;
	/** The issuer's certified name. */
	readonly issuer: string;
}

export function moneyText(
	amount: bigint,
	{ name, currency, isPlay }: IssuerTerms,
): MoneyText {
	return {
		amount: formatAmount(amount, currency),
		currency: currency.code,
		play: isPlay,
		issuer: name,
	};
}
