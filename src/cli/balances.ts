/* What a purse holds, as the command line shows it. */
import { PLAY_MONEY } from "../device/issuer/index.ts";
import type { Balance, MoneyOf } from "../device/service/index.ts";
import { formatAmount, type HeldBecause } from "../money/index.ts";
import { plainTable } from "./table.ts";
import { dim, plain, say } from "./voice.ts";

export function sayBalances(balances: readonly Balance[]): void {
	const isAnyHeld = balances.some(({ held }) => held > 0n);
	const isAnyToBook = balances.some(({ toBook }) => toBook > 0n);
	const isOfSeveral = balances.some(({ module }) => module !== undefined);
	const rows = balances.map((balance) => {
		const { currency: code, exponent, issuer } = balance;
		const text = (amount: bigint) => formatAmount(amount, { code, exponent });
		return [
			...(isOfSeveral ? [plain(balance.module ?? "")] : []),
			plain(issuer),
			code,
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
		...(isOfSeveral ? ["module"] : []),
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
	for (const { issuer, heldBecause } of balances)
		if (heldBecause !== undefined)
			say(`held, of ${plain(issuer)}: ${HELD[heldBecause]}`);
	for (const { issuer, toBook } of balances)
		if (toBook > 0n)
			say(
				`to book, of ${plain(issuer)}: not received before the issuer has booked all of it; settling asks for that`,
			);
	// Of several modules that have the same money it is said once.
	sayPlay(
		balances.filter(
			({ issuer, currency }, at) =>
				balances.findIndex(
					(one) => one.issuer === issuer && one.currency === currency,
				) === at,
		),
	);
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
	/** Of an agent that has several. */
	readonly module?: string;
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

export function balanceJson(balance: Balance): BalanceJson {
	const { module, issuer, currency, exponent, play, heldBecause } = balance;
	const text = (amount: bigint) =>
		formatAmount(amount, { code: currency, exponent });
	return {
		...(module === undefined ? {} : { module }),
		...{ issuer, currency, play },
		spendable: text(balance.spendable),
		held: text(balance.held),
		...(heldBecause === undefined ? {} : { heldBecause }),
		toDeposit: text(balance.toDeposit),
		toBook: text(balance.toBook),
		inDoubt: text(balance.inDoubt),
		toClaim: text(balance.toClaim),
		ordered: text(balance.ordered),
	};
}

/** Says it once below a table, of each money that nobody exchanges for anything. */
export function sayPlay(money: readonly MoneyOf[]): void {
	const ofPlay = money.filter(({ play }) => play);
	if (ofPlay.length === 0) return;
	const text = ofPlay
		.map(({ issuer, currency }) => `${currency} of ${plain(issuer)}`)
		.join(", ");
	say(dim(`${text}: ${PLAY_MONEY}`));
}
