import { PLAY_MONEY } from "../../device/issuer/index.ts";
import { moneyText } from "../../device/process/index.ts";
import {
	moduleKeyOf,
	type PurseBalance,
	type PurseChange,
	viewBalances,
	viewHistory,
	viewNotes,
	viewPurse,
	viewWaiting,
} from "../../device/purse/index.ts";
import {
	formatAmount,
	type HeldBecause,
	type IssuerTerms,
	nameInDeviceId,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { csv } from "../csv.ts";
import { plainTable } from "../table.ts";
import { dim, moment, plain, say, sayJson, sayText } from "../voice.ts";

export interface ShowFlags {
	readonly home: string;
	readonly json?: true;
}

export interface HistoryFlags extends ShowFlags {
	/** So many changes at most. */
	readonly limit: number;
	readonly csv?: true;
}

export async function showBalance({ home, json }: ShowFlags): Promise<void> {
	const balances = await balancesOf(home);
	if (json) sayJson({ home, balances: balances.map(balanceJson) });
	else sayBalances(balances);
}

export async function balancesOf(home: string): Promise<PurseBalance[]> {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const { orders, cancelled } = await viewWaiting(home);
	const waiting = orders.filter(({ request }) => !cancelled.has(hex(request)));
	const key = await moduleKeyOf(home);
	return await viewBalances(view.store, view.issuers, Date.now(), {
		waiting,
		key,
	});
}

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
		"a witness knows another state of this purse; put the newest copy of its home back",
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

export async function showNotes({ home, json }: ShowFlags): Promise<void> {
	await using view = await viewPurse(home);
	const notes = await viewNotes(view.store, view.issuers, Date.now());
	if (json)
		return sayJson({
			home,
			notes: notes.map(({ id, terms, value, left, expires }) => ({
				id: hex(id),
				...moneyText(value, terms),
				left: formatAmount(left, terms.currency),
				expires: new Date(expires).toISOString(),
			})),
		});
	const rows = notes.map(({ id, terms, value, left, expires }) => [
		hex(id).slice(0, 16),
		plain(terms.name),
		terms.currency.code,
		formatAmount(value, terms.currency),
		formatAmount(left, terms.currency),
		moment(expires),
	]);
	const head = ["note", "issuer", "money", "value", "left", "expires"];
	if (rows.length === 0) say("there are no notes in this purse");
	else for (const line of plainTable(head, rows)) say(line);
	sayPlay(view.issuers);
}

export async function showHistory({
	home,
	json,
	limit,
	csv: isCsv,
}: HistoryFlags): Promise<void> {
	await using view = await viewPurse(home);
	const history = await viewHistory(view.store, view.issuers, limit);
	if (isCsv) return sayText(csv(HISTORY_COLUMNS, history.map(historyCells)));
	if (json)
		return sayJson({
			home,
			history: history.map(({ terms, ...entry }) => ({
				number: String(entry.number),
				time: new Date(entry.time).toISOString(),
				what: entry.what,
				...(terms === undefined ? {} : moneyText(entry.amount, terms)),
				subject: hex(entry.subject),
				peer: hex(entry.peer),
				...named(entry),
			})),
		});
	const rows = history.map(({ terms, ...entry }) => [
		String(entry.number),
		moment(entry.time),
		entry.what,
		terms === undefined ? "" : formatAmount(entry.amount, terms.currency),
		terms?.currency.code ?? "",
		named(entry).with ?? "",
		hex(entry.subject).slice(0, 16),
	]);
	const head = ["", "when", "what", "amount", "money", "with", "about"];
	if (rows.length === 0) say("nothing has happened in this purse yet");
	else for (const line of plainTable(head, rows)) say(line);
	sayPlay(view.issuers);
}

const HISTORY_COLUMNS = [
	...["number", "time", "what", "amount", "currency", "play", "issuer"],
	...["with", "subject", "peer"],
] as const;

/** Everything in full, for whoever keeps accounts. */
function historyCells({ terms, ...entry }: PurseChange): string[] {
	const money = terms && moneyText(entry.amount, terms);
	return [
		String(entry.number),
		new Date(entry.time).toISOString(),
		entry.what,
		...(money === undefined
			? ["", "", "", ""]
			: [money.amount, money.currency, String(money.play), money.issuer]),
		named(entry).with ?? "",
		hex(entry.subject),
		hex(entry.peer),
	];
}

/** The certified name of whom a change has to do with; some have to do with nobody. */
function named({ peer }: Pick<PurseChange, "peer">): {
	readonly with?: string;
} {
	try {
		return { with: nameInDeviceId(peer) };
	} catch {
		return {};
	}
}

/** Says it once below a table, of each money that nobody exchanges for anything. */
function sayPlay(issuers: readonly IssuerTerms[]): void {
	const names = issuers.filter(({ isPlay }) => isPlay);
	if (names.length === 0) return;
	const text = names
		.map(({ name, currency }) => `${currency.code} of ${plain(name)}`)
		.join(", ");
	say(dim(`${text}: ${PLAY_MONEY}`));
}
