/* What the owner of a module sees of its purse, as the service says it. */
import { type IssuerTerms, nameInDeviceId } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { WHY_APPROVAL } from "../process/index.ts";
import {
	balancesOf,
	type PurseBalance,
	viewHistory,
	viewNotes,
	viewPurse,
	viewSpending,
	type WaitingPayment,
} from "../purse/index.ts";
import type {
	Approval,
	Balance,
	HistoryEntry,
	MoneyOf,
} from "./agent-service.ts";
import type { OwnedNote } from "./module-service.ts";

/** What the purse in a home holds, one balance for each issuer. */
export async function balancesIn(home: string): Promise<Balance[]> {
	return (await balancesOf(home)).map(balanceOf);
}

function balanceOf({ terms, ...sums }: PurseBalance): Balance {
	const { spendable, held, heldBecause, toDeposit, toBook } = sums;
	const { inDoubt, toClaim, ordered } = sums;
	return {
		spendable,
		held,
		...(heldBecause === undefined ? {} : { heldBecause }),
		...{ toDeposit, toBook, inDoubt, toClaim, ordered },
		...moneyOf(terms),
	};
}

/** What has changed in it, the newest first. */
export async function historyIn(
	home: string,
	limit: number,
): Promise<HistoryEntry[]> {
	await using view = await viewPurse(home);
	const changes = await viewHistory(view.store, view.issuers, limit);
	return changes.map(({ terms, ...change }) => ({
		number: change.number,
		time: new Date(change.time).toISOString(),
		what: change.what,
		amount: change.amount,
		subject: hex(change.subject),
		peer: hex(change.peer),
		...named(change.peer),
		text: change.text,
		...(terms === undefined ? {} : moneyOf(terms)),
	}));
}

/** The notes of which something is left, those that expire first before the others. */
export async function notesIn(home: string): Promise<OwnedNote[]> {
	await using view = await viewPurse(home);
	const notes = await viewNotes(view.store, view.issuers, Date.now());
	return notes.map(({ id, terms, value, left, expires }) => ({
		id: hex(id),
		value,
		left,
		expires: new Date(expires).toISOString(),
		...moneyOf(terms),
	}));
}

/** A payment that waits, and of whose money it is. */
export interface WaitingApproval {
	readonly payment: WaitingPayment;
	readonly terms: IssuerTerms;
}

/** What waits for the owner of the purse in a home, the oldest first. */
export async function waitingIn(home: string): Promise<WaitingApproval[]> {
	await using view = await viewPurse(home);
	const { waiting } = await viewSpending(view.store, Date.now());
	return waiting.flatMap((payment) => {
		const terms = view.issuers.find(({ issuer }) =>
			sameBytes(issuer, payment.issuer),
		);
		return terms === undefined ? [] : [{ payment, terms }];
	});
}

export function approvalOf({ payment, terms }: WaitingApproval): Approval {
	const { contract, payee, amount, fee, what, why, asked, state } = payment;
	return {
		contract: hex(contract),
		state,
		amount,
		...(fee > 0n ? { fee } : {}),
		payee: nameInDeviceId(payee),
		payeeId: hex(payee),
		text: what,
		because: why,
		reason: WHY_APPROVAL[why],
		asked: new Date(asked).toISOString(),
		...moneyOf(terms),
	};
}

export function moneyOf({ name, currency, isPlay }: IssuerTerms): MoneyOf {
	return {
		currency: currency.code,
		exponent: currency.exponent,
		play: isPlay,
		issuer: name,
	};
}

/** The certified name of whom a change has to do with; some have to do with nobody. */
function named(peer: Uint8Array): { readonly with?: string } {
	try {
		return { with: nameInDeviceId(peer) };
	} catch {
		return {};
	}
}
