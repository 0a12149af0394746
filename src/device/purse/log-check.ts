/*
 * Whether a device's log is what it was: each entry makes the next head from the one before it, so
 * a log in which an entry was taken away, changed or put elsewhere does not lead to the heads that
 * others were told. What comes after the last head that anybody else has, nobody can hold it to.
 */
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Scan } from "../../machine/index.ts";
import {
	FIRST_HEAD,
	type Head,
	LOG,
	type LogRow,
	logBytes,
	MAX_RECEIPT_BYTES,
	nextHead,
	readReceipt,
} from "../../money/index.ts";
import type { StoreView } from "../../store/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { readCarried, readDeviceFile } from "../home/index.ts";
import { AgentStore } from "./agent-store.ts";
import { viewAgentStore } from "./agent-store-place.ts";
import { MAX_HISTORY } from "./limits.ts";
import { moduleIdOf, viewPurse } from "./purse-home.ts";

/** Hands over each entry of a log that is the chain of its heads, and answers with the last head. Throws `store-failed` at the first entry that is not. */
export async function walkLog(
	scan: Scan,
	visit: (entry: LogRow) => void,
): Promise<Head> {
	let head: Head = FIRST_HEAD;
	for await (const row of scan({ table: LOG })) {
		const bytes = logBytes(row, Number(row.time));
		const next = nextHead(nodeCrypto, head, bytes);
		// An override leaves a gap above what its witness told.
		if (row.number < next.number || !sameBytes(row.hash, next.hash))
			throw new TetradError(
				"store-failed",
				`the log of this device is not the chain of its heads from change ${row.number} on`,
			);
		head = row;
		visit(row);
	}
	return head;
}

/** A head that somebody else was told, and who says so. */
export interface QuotedHead {
	readonly head: Head;
	/** For the owner: a file, or whose home. */
	readonly by: string;
}

/** What was found of a quoted head in a log. */
interface CheckedQuote extends QuotedHead {
	/** `there`: the log led to it. `beyond`: the log ends before it. `other`: the log has another head in its place. */
	readonly found: "there" | "beyond" | "other";
}

/** What a log is worth. */
export interface CheckedLog {
	readonly entries: number;
	/** The newest of its own. */
	readonly head: Head;
	readonly quotes: readonly CheckedQuote[];
	/** The newest quoted head that is there; entries up to it are as they were. */
	readonly heldTo: bigint;
	/** Entries after that. */
	readonly loose: number;
}

/** Walks a log and looks for the quoted heads in it. Throws `store-failed` when it is no chain. */
export async function checkLog(
	scan: Scan,
	quoted: readonly QuotedHead[],
): Promise<CheckedLog> {
	const numbers = new Map<bigint, Uint8Array>([[0n, FIRST_HEAD.hash]]);
	const wanted = new Set(quoted.map(({ head }) => head.number));
	const heldTo = (quotes: readonly CheckedQuote[]): bigint =>
		quotes.reduce(
			(most, { head, found }) =>
				found === "there" && head.number > most ? head.number : most,
			0n,
		);
	let entries = 0;
	const last = await walkLog(scan, ({ number, hash }) => {
		entries++;
		if (wanted.has(number)) numbers.set(number, hash);
	});
	const quotes = quoted.map((quote): CheckedQuote => {
		const { number, hash } = quote.head;
		if (number > last.number) return { ...quote, found: "beyond" };
		const own = numbers.get(number);
		const isIt = own !== undefined && sameBytes(own, hash);
		return { ...quote, found: isIt ? "there" : "other" };
	});
	const held = heldTo(quotes);
	let loose = 0;
	await walkLog(scan, ({ number }) => {
		if (number > held) loose++;
	});
	return { entries, head: last, quotes, heldTo: held, loose };
}

/** Who was told heads of a module's purse. */
export interface Quoting {
	/** Files with receipts that the module gave. */
	readonly receipts: readonly string[];
	/** Homes of agents, which keep the newest head that their module told them. */
	readonly agents: readonly string[];
}

/**
 * Checks the log in a device's home: of a module's purse, against what others were told of it, or
 * of an agent, of which nobody is told. The device may be running. Throws `store-failed` when the
 * log is no chain, `home-unusable` without one, `file-unusable` for a receipt that is none, or not
 * of this module, or quotes nothing, and `invalid-argument` for quotes of an agent's log.
 */
export async function verifyLog(
	home: string,
	{ receipts, agents }: Quoting,
): Promise<CheckedLog> {
	const { role } = await readDeviceFile(home);
	if (role === "agent" && receipts.length + agents.length > 0)
		throw new TetradError(
			"invalid-argument",
			"nobody is told of the log of an agent: receipts and other agents quote that of a module",
		);
	const quoted = role === "agent" ? [] : await quotedOf(home, receipts, agents);
	await using store = await viewLogStore(home);
	return await store.snapshot((scan) => checkLog(scan, quoted));
}

/** The newest entries of a device's log, at most `MAX_HISTORY`, the newest first; the device may be running. Throws `home-unusable` without a log. */
export async function viewLog(home: string, limit: number): Promise<LogRow[]> {
	await using store = await viewLogStore(home);
	return await store.snapshot(async (scan) => {
		const rows: LogRow[] = [];
		for await (const row of scan({ table: LOG, order: "descending" })) {
			if (rows.length >= Math.min(limit, MAX_HISTORY)) break;
			rows.push(row);
		}
		return rows;
	});
}

async function viewLogStore(home: string): Promise<StoreView> {
	const { role } = await readDeviceFile(home);
	return role === "agent"
		? viewAgentStore(home)
		: (await viewPurse(home)).store;
}

async function quotedOf(
	home: string,
	receipts: readonly string[],
	agents: readonly string[],
): Promise<QuotedHead[]> {
	const module = await moduleIdOf(home);
	const quoted: QuotedHead[] = [];
	for (const by of receipts)
		quoted.push({ by, head: await quotedIn(by, module) });
	for (const by of agents) {
		await using kept = await AgentStore.open(by);
		const head = kept.head(module);
		if (head === undefined)
			throw new TetradError(
				"file-unusable",
				`the agent at ${by} keeps no head of the module at ${home}`,
			);
		quoted.push({ by, head });
	}
	return quoted;
}

async function quotedIn(path: string, module: Uint8Array): Promise<Head> {
	const document = await readCarried(path, MAX_RECEIPT_BYTES);
	const { payee, head } = read(path, document);
	if (!sameBytes(payee, module))
		throw new TetradError(
			"file-unusable",
			`${path} is a receipt of another module, ${hex(payee)}`,
		);
	if (head === undefined)
		throw new TetradError(
			"file-unusable",
			`${path} is a receipt of an older program, and quotes no head`,
		);
	return head;
}

function read(
	path: string,
	document: Uint8Array,
): ReturnType<typeof readReceipt> {
	try {
		return readReceipt(document);
	} catch (cause) {
		throw new TetradError("file-unusable", `${path} is no receipt`, { cause });
	}
}
