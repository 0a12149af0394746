import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, type TetradError } from "../../errors.ts";
import type { IssuerTerms, Payment } from "../../money/index.ts";
import {
	newContract,
	PaymentProposing,
	type PaymentProposingEffect,
	type PaymentProposingEvent,
} from "../../talk/index.ts";
import { hex } from "../../wire/index.ts";
import type { Payments } from "../purse/index.ts";
import type { Tetrad } from "../runtime/index.ts";
import { moneyText, type Report } from "./process-events.ts";
import { runTalk, sessionOne } from "./talk-run.ts";

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

/** A payment whose contract is known before anything else. */
export interface ContractedPayment extends WantedPayment {
	readonly contract: Uint8Array;
	/** Called before the own module is asked to pay: from then on it may have paid. */
	readonly asking: () => void;
}

/**
 * Runs what leads to a payment, and reports that nothing was paid when it comes to nothing before
 * the own module was asked. Rejects as `work` does.
 */
export async function sayingUnpaid(
	wanted: WantedPayment | undefined,
	report: Report,
	work: (wanted: ContractedPayment | undefined) => Promise<void>,
): Promise<void> {
	if (wanted === undefined) return work(undefined);
	const { terms, amount, text } = wanted;
	const contract = wanted.contract ?? newContract(nodeCrypto, text);
	let isAsked = false;
	try {
		const asking = () => {
			isAsked = true;
		};
		await work({ ...wanted, contract, asking });
	} catch (thrown) {
		const { code, message: reason } = asTetradError(thrown);
		if (!isAsked)
			report({
				event: "not-paid",
				contract: hex(contract),
				text,
				again: wanted.contract !== undefined,
				code,
				reason,
				...moneyText(amount, terms),
			});
		throw thrown;
	}
}

/**
 * Reports which contract it is, agrees with the other agent on the payment, has the module pay it,
 * and reports what became of it.
 * Rejects with `payment-refused` when the other agent does not want it, and as `Payments.pay`.
 */
export async function payOther(
	tetrad: Tetrad,
	number: number,
	payments: Payments,
	wanted: ContractedPayment,
	report: Report,
	signal: AbortSignal,
): Promise<void> {
	const { terms, amount, text, contract } = wanted;
	const { issuer, currency } = terms;
	const payment = { contract, issuer, currency: currency.code, amount };
	const said = { tetrad: number, contract: hex(contract), text };
	// Whatever fails from here on, its owner can ask again for this contract.
	report({ event: "paying", ...said, ...moneyText(amount, terms) });
	const unkept = ({ code, message }: TetradError) =>
		report({
			event: "trouble",
			tetrad: number,
			code,
			reason: `this agent could not keep how far its module's purse has come, and so would not notice an old backup of it: ${message}`,
		});
	await runTalk<PaymentProposingEvent, PaymentProposingEffect>(
		new PaymentProposing(payment, text),
		{ kind: "begin" },
		(after) => ({
			...sessionOne(tetrad.agent, after, signal),
			pay: ({ payment }) => {
				wanted.asking();
				after(pay(payments, payment, text, unkept, signal));
			},
			paid: ({ amount }) =>
				report({ event: "paid", ...said, ...moneyText(amount, terms) }),
			"in-doubt": ({ error }) =>
				report({
					event: "in-doubt",
					...said,
					...moneyText(amount, terms),
					reason: error.message,
				}),
		}),
	);
}

async function pay(
	payments: Payments,
	payment: Payment,
	text: string,
	onUnkept: (error: TetradError) => void,
	signal: AbortSignal,
): Promise<PaymentProposingEvent> {
	try {
		const { amount, unkept } = await payments.pay(payment, {
			text,
			signal,
		});
		if (unkept !== undefined) onUnkept(unkept);
		return { kind: "paid", amount };
	} catch (thrown) {
		return { kind: "not-paid", error: asTetradError(thrown) };
	}
}
