import { moneyText, WHY_APPROVAL } from "../../device/process/index.ts";
import {
	isTakenDown,
	moduleIdOf,
	openOwner,
	placeApproval,
	readPurseSettings,
	viewPurse,
	viewSpending,
	type WaitingPayment,
} from "../../device/purse/index.ts";
import { type IssuerTerms, nameInDeviceId } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { chosen } from "../chosen.ts";
import { money } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson } from "../voice.ts";

export interface ApprovalsFlags {
	readonly home: string;
	readonly json?: true;
}

export interface DecideFlags extends ApprovalsFlags, OwnerFlags {}

interface Named {
	readonly payment: WaitingPayment;
	readonly terms: IssuerTerms;
}

export async function showApprovals(flags: ApprovalsFlags): Promise<void> {
	const { home, json } = flags;
	const waiting = await waitingIn(home);
	if (json) return sayJson({ home, approvals: waiting.map(paymentJson) });
	if (waiting.length === 0) return say("no payment waits for you");
	const rows = waiting.map(({ payment, terms }) => [
		hex(payment.contract).slice(0, 16),
		money(moneyText(payment.amount, terms)),
		plain(nameInDeviceId(payment.payee)),
		plain(payment.what),
		WHY_APPROVAL[payment.why],
		moment(payment.asked),
		payment.state,
	]);
	const head = ["contract", "amount", "to", "for", "because", "asked", ""];
	for (const line of plainTable(head, rows)) say(line);
}

/** Approves or denies the payment whose contract begins so. */
export async function decide(
	beginning: string,
	flags: DecideFlags,
	isApproved: boolean,
): Promise<void> {
	const { home } = flags;
	const named = chosen(await waitingIn(home), beginning, {
		id: ({ payment }) => payment.contract,
		what: "contract that waits",
		see: `tetrad approvals --home ${home}`,
	});
	const { payment, terms } = named;
	const { contract, payee, issuer, amount } = payment;
	const { owner } = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(owner, ownerSecret(flags));
	// Later than what was said before, also when the clock is not.
	const ordered = Math.max(Date.now(), payment.decided + 1);
	const file = await placeApproval(home, key, {
		purse,
		contract,
		payee,
		issuer,
		amount,
		isApproved,
		ordered,
	});
	const isInForce = await isTakenDown(home, file);
	if (flags.json)
		return sayJson({
			home,
			...paymentJson(named),
			state: isApproved ? "approved" : "denied",
			inForce: isInForce,
		});
	const what = `${money(moneyText(amount, terms))} to ${plain(nameInDeviceId(payee))}`;
	say(
		`${isApproved ? "approved" : "denied"} ${what}${isInForce ? "" : `; the module takes that down when it starts (${home}/orders)`}`,
	);
	if (isApproved)
		say(
			isInForce
				? "a purchase that waits is paid now; anything else when it is asked for again"
				: "it is paid when it is asked for again",
		);
}

async function waitingIn(home: string): Promise<Named[]> {
	await using view = await viewPurse(home);
	const { waiting } = await viewSpending(view.store, Date.now());
	return waiting.flatMap((payment) => {
		const terms = view.issuers.find(({ issuer }) =>
			sameBytes(issuer, payment.issuer),
		);
		return terms === undefined ? [] : [{ payment, terms }];
	});
}

function paymentJson({ payment, terms }: Named) {
	const { contract, payee, amount, what, why, asked, state } = payment;
	return {
		contract: hex(contract),
		...moneyText(amount, terms),
		payee: { id: hex(payee), name: nameInDeviceId(payee) },
		...(what === "" ? {} : { text: what }),
		because: why,
		reason: WHY_APPROVAL[why],
		asked: new Date(asked).toISOString(),
		state,
	};
}
