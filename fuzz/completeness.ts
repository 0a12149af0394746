/* Which decoders and machines there are, by what `src` exports, and which of them no target reads. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));

const DECODER =
	/^export (?:const|(?:async )?function) ((?:decode|parse|open|read)(?:[A-Z]\w*|d)?)\b(?! = \()/gm;
const CONSTANT =
	/^export const ((?:decode|parse|open|read)(?:[A-Z]\w*|d)?) = \(/gm;
const MACHINE = /^export class (\w+)[^{]*?implements Machine</gm;
const MONEY_MACHINE = /^export class (\w+)[^{]*?implements MoneyMachine</gm;

/**
 * What is called as a decoder and reads nothing that somebody else has written, or is read by a
 * target under another name.
 */
const NO_DECODERS: Readonly<Record<string, string>> = {
	// Transactions on the own store.
	"machine/store.ts#reading": "makes a transaction",
	"money/purse/purse-load.ts#readPlace": "a transaction",
	"money/purse/ecash-load.ts#readEcash": "a transaction",
	"money/purse/ecash/stored-swap.ts#parseSwap": "what the purse has written",
	"money/purse/balance-history.ts#readBalances": "a transaction",
	"money/purse/issuer-requests.ts#openRequests": "a transaction",
	"money/issuer/ledger-desk.ts#openAccount": "a transaction",
	"money/agent/agent-tables.ts#readWitnessed": "a transaction",
	"trade/records/refunds.ts#readComeBack": "a transaction",
	"trade/records/refunds.ts#readRefund": "a transaction",
	"trade/records/sales.ts#readSale": "a transaction",
	"trade/records/tickets.ts#readTicket": "a transaction",
	"trade/records/tickets.ts#readOwedTickets": "a transaction",
	"trade/records/purchases.ts#readPurchase": "a transaction",
	"trade/records/purchases.ts#readPurchaseOf": "a transaction",
	"trade/records/purchases.ts#readProvisional": "a transaction",
	"trade/records/purchases.ts#readConcluded": "a transaction",
	// What machines read with, fuzzed in worlds.
	"trade/issuer/read-sale-terms.ts#readSaleTerms": "fuzzed in worlds",
	"tetrad/sessions.ts#openSession": "opens what keys are for",
	"tetrad/role/local-records.ts#openLocal": "fuzzed in worlds",
	"tetrad/role/module-conversation.ts#readToItsEnd": "fuzzed in worlds",
	"identity/issue/issue.ts#readIssuer": "an authority's own certificate",
	"paid/x402/ways.ts#parseWay": "",
};

/** Rooms whose decoders read what peers send, and files that anybody may have written. */
const ROOMS = [
	...["wire", "crypto", "machine", "identity", "session", "tetrad", "money"],
	...["talk", "trade", "paid", "http", "mcp"],
];

function found(
	pattern: RegExp,
	rooms: readonly string[],
	nameOf: (file: string, name: string) => string,
): string[] {
	return rooms.flatMap((room) =>
		globSync(`${room}/**/*.ts`, { cwd: SOURCES }).flatMap((file) => {
			const source = readFileSync(`${SOURCES}${file}`, "utf8");
			return [...source.matchAll(pattern)].map(([, name = ""]) =>
				nameOf(file, name),
			);
		}),
	);
}

/** Decoders that none of these functions is, as `file#function`. */
export function withoutTarget(covered: readonly string[]): string[] {
	const known = new Set([...covered, ...Object.keys(NO_DECODERS)]);
	const name = (file: string, decoder: string) => `${file}#${decoder}`;
	return [DECODER, CONSTANT]
		.flatMap((pattern) => found(pattern, ROOMS, name))
		.filter((one) => !known.has(one));
}

/** What is said to be covered, or to be none, and is not there. */
export function notThere(covered: readonly string[]): string[] {
	return [...covered, ...Object.keys(NO_DECODERS)].filter((one) => {
		const [file = "", name = ""] = one.split("#");
		try {
			const source = readFileSync(`${SOURCES}${file}`, "utf8");
			return !new RegExp(`^export .*\\b${name}\\b`, "m").test(source);
		} catch {
			return true;
		}
	});
}

/** The names of all classes that are machines above the line. */
export function machines(): string[] {
	return [MACHINE, MONEY_MACHINE].flatMap((pattern) =>
		found(pattern, ROOMS, (_, name) => name),
	);
}
