import type { Money } from "../../device/process/index.ts";
import { type HistoryEntry, openModule } from "../../device/service/index.ts";
import { allOf } from "../all-of.ts";
import { balanceJson, sayBalances, sayPlay } from "../balances.ts";
import { csv } from "../csv.ts";
import { amountText } from "../money.ts";
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
	await using module = await openModule(home);
	const balances = await module.balance();
	if (json) sayJson({ home, balances: balances.map(balanceJson) });
	else sayBalances(balances);
}

export async function showNotes({ home, json }: ShowFlags): Promise<void> {
	await using module = await openModule(home);
	const notes = (await module.notes()).map(({ value, ...note }) => ({
		...note,
		...amountText({ ...note, amount: value }),
		left: amountText({ ...note, amount: note.left }).amount,
	}));
	if (json)
		return sayJson({
			home,
			notes: notes.map((note) => {
				const { id, amount, currency, play, issuer, left, expires } = note;
				return { id, amount, currency, play, issuer, left, expires };
			}),
		});
	const rows = notes.map(({ id, issuer, currency, amount, left, expires }) => [
		...[id.slice(0, 16), plain(issuer), currency, amount, left],
		moment(Date.parse(expires)),
	]);
	const head = ["note", "issuer", "money", "value", "left", "expires"];
	if (rows.length === 0) say("there are no notes in this purse");
	else for (const line of plainTable(head, rows)) say(line);
	sayPlay(module.money);
}

export async function showHistory({
	home,
	json,
	limit,
	csv: isCsv,
}: HistoryFlags): Promise<void> {
	await using module = await openModule(home);
	const history = await allOf(module.history({ limit }));
	if (isCsv) return sayText(csv(HISTORY_COLUMNS, history.map(historyCells)));
	if (json)
		return sayJson({
			home,
			history: history.map((entry) => {
				const { number, time, what, subject, peer, with: name, text } = entry;
				return {
					number: String(number),
					...{ time, what },
					...moneyText(entry),
					...{ subject, peer },
					...(name === undefined ? {} : { with: name }),
					...(text === "" ? {} : { text }),
				};
			}),
		});
	const rows = history.map((entry) => {
		const money = moneyText(entry);
		return [
			String(entry.number),
			moment(Date.parse(entry.time)),
			entry.what,
			money?.amount ?? "",
			money?.currency ?? "",
			entry.with ?? "",
			plain(entry.text),
			entry.subject.slice(0, 16),
		];
	});
	const head = ["", "when", "what", "amount", "money", "with", "for", "about"];
	if (rows.length === 0) say("nothing has happened in this purse yet");
	else for (const line of plainTable(head, rows)) say(line);
	sayPlay(module.money);
}

const HISTORY_COLUMNS = [
	...["number", "time", "what", "amount", "currency", "play", "issuer"],
	...["with", "text", "subject", "peer"],
] as const;

/** Everything in full, for whoever keeps accounts. */
function historyCells(entry: HistoryEntry): string[] {
	const money = moneyText(entry);
	return [
		...[String(entry.number), entry.time, entry.what],
		...(money === undefined
			? ["", "", "", ""]
			: [money.amount, money.currency, String(money.play), money.issuer]),
		...[entry.with ?? "", plain(entry.text), entry.subject, entry.peer],
	];
}

/** What has changed, as far as the purse knows of which money it is. */
function moneyText(entry: HistoryEntry): Money | undefined {
	const { amount, currency, exponent, play, issuer } = entry;
	if (
		currency === undefined ||
		exponent === undefined ||
		play === undefined ||
		issuer === undefined
	)
		return undefined;
	return amountText({ amount, currency, exponent, play, issuer });
}
