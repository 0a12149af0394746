import type { Money } from "../../device/process/index.ts";
import {
	balancesInAll,
	type HistoryEntry,
	historyInAll,
	openModule,
} from "../../device/service/index.ts";
import { allOf } from "../all-of.ts";
import { balanceJson, sayBalances, sayPlay } from "../balances.ts";
import { csv } from "../csv.ts";
import { amountText } from "../money.ts";
import type { ModuleHomes } from "../side-flags.ts";
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

/** Of each of the modules in these homes. */
export async function showBalance(
	homes: ModuleHomes,
	{ json }: Pick<ShowFlags, "json">,
): Promise<void> {
	const [home, ...others] = homes;
	await using module = await openModule(home);
	const balances =
		others.length === 0
			? await module.balance()
			: await balancesInAll([home, ...others]);
	if (json)
		sayJson({ ...homesJson(homes), balances: balances.map(balanceJson) });
	else sayBalances(balances);
}

function homesJson(homes: ModuleHomes): object {
	return homes.length === 1 ? { home: homes[0] } : { homes };
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

/** Of each of the modules in these homes: the newest first. */
export async function showHistory(
	homes: ModuleHomes,
	{ json, limit, csv: isCsv }: Omit<HistoryFlags, "home">,
): Promise<void> {
	const [home, ...others] = homes;
	const isOne = others.length === 0;
	await using module = await openModule(home);
	const history = isOne
		? await allOf(module.history({ limit }))
		: await historyInAll([home, ...others], limit);
	if (isCsv)
		return sayText(
			csv(
				[...(isOne ? [] : ["module"]), ...HISTORY_COLUMNS],
				history.map((entry) => [
					...(isOne ? [] : [entry.module ?? ""]),
					...historyCells(entry),
				]),
			),
		);
	if (json)
		return sayJson({
			...homesJson(homes),
			history: history.map((entry) => {
				const { number, time, what, subject, peer, with: name, text } = entry;
				return {
					...(isOne ? {} : { module: entry.module }),
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
			...(isOne ? [] : [plain(entry.module ?? "")]),
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
	const head = [
		...(isOne ? [] : ["module"]),
		...["", "when", "what", "amount", "money", "with", "for", "about"],
	];
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
