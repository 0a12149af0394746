import { type Command, InvalidArgumentError } from "commander";
import { PLAY_MONEY } from "../../device/issuer/index.ts";
import { moneyText } from "../../device/process/index.ts";
import {
	MAX_HISTORY,
	type PurseBalance,
	viewBalances,
	viewHistory,
	viewNotes,
	viewPurse,
	viewWaiting,
} from "../../device/purse/index.ts";
import { formatAmount, type IssuerTerms } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { jsonFlag } from "../flags.ts";
import { plainTable } from "../table.ts";
import { dim, moment, plain, say, sayJson } from "../voice.ts";

interface ShowFlags {
	readonly home: string;
	readonly limit: number;
	readonly json?: true;
}

function addShowCommand(
	purse: Command,
	name: string,
	description: string,
): Command {
	return purse
		.command(name)
		.description(description)
		.requiredOption("--home <folder>", "the module's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad purse ${name} --home alice-purse --json`,
		);
}

export function addBalanceCommand(purse: Command): void {
	addShowCommand(
		purse,
		"balance",
		"what the purse has: to spend, to deposit, and in doubt",
	).action(async ({ home, json }: ShowFlags) => {
		const balances = await balancesOf(home);
		if (json) sayJson({ home, balances: balances.map(balanceJson) });
		else sayBalances(balances);
	});
}

export async function balancesOf(home: string): Promise<PurseBalance[]> {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const waiting = await viewWaiting(home);
	return await viewBalances(view.store, view.issuers, Date.now(), waiting);
}

export function sayBalances(balances: readonly PurseBalance[]): void {
	const rows = balances.map((balance) => {
		const { terms } = balance;
		const text = (amount: bigint) => formatAmount(amount, terms.currency);
		return [
			plain(terms.name),
			terms.currency.code,
			text(balance.spendable),
			text(balance.toDeposit),
			text(balance.inDoubt),
			text(balance.toClaim),
			text(balance.ordered),
		];
	});
	const head = [
		"issuer",
		"money",
		"spendable",
		"to deposit",
		"in doubt",
		"to claim",
		"ordered",
	];
	for (const line of plainTable(head, rows)) say(line);
	sayPlay(balances.map(({ terms }) => terms));
}

/** What a purse holds of one money, in decimals of it. */
interface BalanceJson {
	readonly issuer: string;
	readonly currency: string;
	readonly play: boolean;
	readonly spendable: string;
	readonly toDeposit: string;
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
		toDeposit: text(sums.toDeposit),
		inDoubt: text(sums.inDoubt),
		toClaim: text(sums.toClaim),
		ordered: text(sums.ordered),
	};
}

export function addNotesCommand(purse: Command): void {
	addShowCommand(
		purse,
		"notes",
		"the notes of which something is left, those that expire first before the others",
	).action(async ({ home, json }: ShowFlags) => {
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
	});
}

export function addHistoryCommand(purse: Command): void {
	addShowCommand(
		purse,
		"history",
		"what has changed in the purse, the newest first",
	)
		.option("--limit <count>", "so many changes at most", countOfEntries, 50)
		.action(async ({ home, json, limit }: ShowFlags) => {
			await using view = await viewPurse(home);
			const history = await viewHistory(view.store, view.issuers, limit);
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
					})),
				});
			const rows = history.map(({ terms, ...entry }) => [
				String(entry.number),
				moment(entry.time),
				entry.what,
				terms === undefined ? "" : formatAmount(entry.amount, terms.currency),
				terms?.currency.code ?? "",
				hex(entry.subject).slice(0, 16),
			]);
			const head = ["", "when", "what", "amount", "money", "about"];
			if (rows.length === 0) say("nothing has happened in this purse yet");
			else for (const line of plainTable(head, rows)) say(line);
			sayPlay(view.issuers);
		});
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

function countOfEntries(text: string): number {
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1 || value > MAX_HISTORY)
		throw new InvalidArgumentError(`Say a number from 1 to ${MAX_HISTORY}.`);
	return value;
}
