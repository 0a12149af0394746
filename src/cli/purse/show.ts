import { moneyText } from "../../device/process/index.ts";
import {
	balancesOf,
	type PurseChange,
	viewHistory,
	viewNotes,
	viewPurse,
} from "../../device/purse/index.ts";
import { formatAmount, nameInDeviceId } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { balanceJson, sayBalances, sayPlay } from "../balances.ts";
import { csv } from "../csv.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson, sayText } from "../voice.ts";

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
				...(entry.text === "" ? {} : { text: entry.text }),
			})),
		});
	const rows = history.map(({ terms, ...entry }) => [
		String(entry.number),
		moment(entry.time),
		entry.what,
		terms === undefined ? "" : formatAmount(entry.amount, terms.currency),
		terms?.currency.code ?? "",
		named(entry).with ?? "",
		plain(entry.text),
		hex(entry.subject).slice(0, 16),
	]);
	const head = ["", "when", "what", "amount", "money", "with", "for", "about"];
	if (rows.length === 0) say("nothing has happened in this purse yet");
	else for (const line of plainTable(head, rows)) say(line);
	sayPlay(view.issuers);
}

const HISTORY_COLUMNS = [
	...["number", "time", "what", "amount", "currency", "play", "issuer"],
	...["with", "text", "subject", "peer"],
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
		plain(entry.text),
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
