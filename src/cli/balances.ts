/* What a purse holds, as the command line shows it. */
import { PLAY_MONEY } from "../device/issuer/index.ts";
import type { PurseBalance } from "../device/purse/index.ts";
import {
	formatAmount,
	type HeldBecause,
	type IssuerTerms,
} from "../money/index.ts";
import { plainTable } from "./table.ts";
import { dim, plain, say } from "./voice.ts";

export function sayBalances(balances: readonly PurseBalance[]): void {
	const isAnyHeld = balances.some(({ held }) => held > 0n);
	const isAnyToBook = balances.some(({ toBook }) => toBook > 0n);
	const rows = balances.map((balance) => {
		const { terms } = balance;
		const text = (amount: bigint) => formatAmount(amount, terms.currency);
		return [
			plain(terms.name),
			terms.currency.code,
			text(balance.spendable),
			...(isAnyHeld ? [text(balance.held)] : []),
			text(balance.toDeposit),
			...(isAnyToBook ? [text(balance.toBook)] : []),
			text(balance.inDoubt),
			text(balance.toClaim),
			text(balance.ordered),
		];
	});
	const head = [
		"issuer",
		"money",
		"spendable",
		...(isAnyHeld ? ["held"] : []),
		"to deposit",
		...(isAnyToBook ? ["to book"] : []),
		"in doubt",
		"to claim",
		"ordered",
	];
	for (const line of plainTable(head, rows)) say(line);
	for (const { terms, heldBecause } of balances)
		if (heldBecause !== undefined)
			say(`held, of ${plain(terms.name)}: ${HELD[heldBecause]}`);
	for (const { terms, toBook } of balances)
		if (toBook > 0n)
			say(
				`to book, of ${plain(terms.name)}: not received before the issuer has booked all of it; settling asks for that`,
			);
	sayPlay(balances.map(({ terms }) => terms));
}

/** Why money cannot be paid with, and what to do about it. */
const HELD: Readonly<Record<HeldBecause, string>> = {
	behind:
		"this purse was restored from a backup, or a witness knows another state of it; put the newest copy of its home back, or wait: after the notes have expired they are claimed from the issuer",
	"issuer-not-met":
		"the purse may have been put back or copied; it pays once it has settled with this issuer",
	"earlier-key":
		"it was made out to a key that the module had before; settling exchanges it",
};

/** What a purse holds of one money, in decimals of it. */
interface BalanceJson {
	readonly issuer: string;
	readonly currency: string;
	readonly play: boolean;
	readonly spendable: string;
	readonly held: string;
	/** There while anything is held. */
	readonly heldBecause?: HeldBecause;
	readonly toDeposit: string;
	/** Not received before the issuer has booked all of it. */
	readonly toBook: string;
	readonly inDoubt: string;
	readonly toClaim: string;
	readonly ordered: string;
}

export function balanceJson({ terms, ...sums }: PurseBalance): BalanceJson {
	const text = (amount: bigint) => formatAmount(amount, terms.currency);
	return {
		issuer: terms.name,
		currency: terms.currency.code,
		play: terms.isPlay,
		spendable: text(sums.spendable),
		held: text(sums.held),
		...(sums.heldBecause === undefined
			? {}
			: { heldBecause: sums.heldBecause }),
		toDeposit: text(sums.toDeposit),
		toBook: text(sums.toBook),
		inDoubt: text(sums.inDoubt),
		toClaim: text(sums.toClaim),
		ordered: text(sums.ordered),
	};
}

/** Says it once below a table, of each money that nobody exchanges for anything. */
export function sayPlay(issuers: readonly IssuerTerms[]): void {
	const names = issuers.filter(({ isPlay }) => isPlay);
	if (names.length === 0) return;
	const text = names
		.map(({ name, currency }) => `${currency.code} of ${plain(name)}`)
		.join(", ");
	say(dim(`${text}: ${PLAY_MONEY}`));
}
