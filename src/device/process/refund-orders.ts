import { readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import {
	type Address,
	formatAddress,
	parseAddress,
} from "../../carrier/index.ts";
import {
	asTetradError,
	type ErrorCode,
	isErrorCode,
	TetradError,
} from "../../errors.ts";
import type { Root, Routing } from "../../tetrad/index.ts";
import { readRefund } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import {
	isThere,
	makePrivateFolder,
	parseJson,
	readText,
	reason,
	replaceFile,
	requirePrivate,
	unusable,
} from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";

/*
 * What the owner of an agent wants given back while that runs, in refunds/ of its home. It needs no
 * signature: whoever may write there may run the agent, and the module pays as its limits allow.
 * A refund is named by its sale and its amount, so that one that is asked for again after a failure
 * is the same:
 *
 *   <contract>-<minor units>.asked   by a command that waits
 *                                      ▼
 *   <contract>-<minor units>.taken   the agent is at it; which refund of its sale it is, is written
 *                                    there before it is paid, so that a crash leaves no doubt
 *                                      ▼
 *   <contract>-<minor units>.told    what came of it, until a command has heard that
 */

/** So long a command waits for the agent to take a refund, in milliseconds. */
export const TAKEN_WITHIN_MS = 10_000;

/** Files in that folder, of every kind. */
const MAX_REFUND_FILES = 64;

const NAME = /^([0-9a-f]{64})-([1-9][0-9]{0,19})\.(asked|taken|told)$/;

/** What the agent was writing when it died. */
const DRAFT = /^[0-9a-f]{64}-[0-9]+\.(taken|told)\.new$/;

type FileKind = "asked" | "taken" | "told";

/** What names a refund until it has a number. */
export interface RefundName {
	/** The hash of the sale's contract. */
	readonly sale: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
}

/** A refund as a command asks for it. */
export interface AskedRefund extends RefundName {
	/** Where the buyer's agent answers. */
	readonly connect: Address;
	readonly routing: Routing;
	readonly root: Root;
}

/** A refund that the agent has taken. */
export type TakenRefund = RefundName &
	(
		| { readonly kind: "asked"; readonly asked: AskedRefund }
		| { readonly kind: "unreadable"; readonly error: TetradError }
	);

/** What came of a refund. `number` is which of its sale it is. */
export type RefundAnswer =
	| { readonly kind: "paid"; readonly number: number }
	| {
			readonly kind: "in-doubt" | "not-paid";
			readonly number: number;
			readonly code: ErrorCode;
			readonly reason: string;
	  }
	/** It came to nothing, which is all that there is to say. */
	| {
			readonly kind: "failed";
			readonly code: ErrorCode;
			readonly reason: string;
	  };

interface AskedFile {
	readonly to: string;
	readonly routing: Routing;
	readonly root: Root;
	/** When nobody waits any longer for it to be taken, in milliseconds since the epoch. */
	readonly until: number;
	readonly number?: number | undefined;
}

const numberOf = z.int().min(1).max(999_999_999);

const askedFile: z.ZodType<AskedFile> = z.strictObject({
	to: z.string().max(4096),
	routing: z.enum(["direct", "crossed"]),
	root: z.enum(["transcript", "unsafe-xor"]),
	until: z.int(),
	number: numberOf.optional(),
});

const codeOf = z.string().refine(isErrorCode);

const toldFile: z.ZodType<RefundAnswer> = z.discriminatedUnion("kind", [
	z.strictObject({ kind: z.literal("paid"), number: numberOf }),
	z.strictObject({
		kind: z.enum(["in-doubt", "not-paid"]),
		number: numberOf,
		code: codeOf,
		reason: z.string(),
	}),
	z.strictObject({
		kind: z.literal("failed"),
		code: codeOf,
		reason: z.string(),
	}),
]);

// A command's side.

/** Asks the agent of a home for a refund. Resolves when that is on the disk. Throws `busy` when too many wait. */
export async function placeRefund(
	home: string,
	asked: AskedRefund,
): Promise<void> {
	const folder = folderOf(home);
	await makePrivateFolder(folder);
	const { length } = await readdir(folder);
	if (length >= MAX_REFUND_FILES)
		throw new TetradError(
			"busy",
			`${length} refunds are in ${folder}; remove those that are told, and ask again`,
		);
	const { connect, routing, root } = asked;
	const file: AskedFile = {
		to: formatAddress(absolute(connect)),
		routing,
		root,
		until: Date.now() + TAKEN_WITHIN_MS,
	};
	await replaceFile(fileOf(home, asked, "asked"), JSON.stringify(file));
}

/** Asks for it no longer. Whether nobody has taken it, nor will. */
export async function withdrawRefund(
	home: string,
	of: RefundName,
): Promise<boolean> {
	try {
		await rm(fileOf(home, of, "asked"));
		return true;
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw unusable(
			`cannot take back a refund that was asked for: ${reason(thrown)}`,
			thrown,
		);
	}
}

/** Whether the agent is at it. */
export function isTaken(home: string, of: RefundName): Promise<boolean> {
	return isThere(fileOf(home, of, "taken"));
}

/** Whether the agent is at it, or shall be. */
export async function isUnderWay(
	home: string,
	of: RefundName,
): Promise<boolean> {
	return (
		(await isThere(fileOf(home, of, "asked"))) || (await isTaken(home, of))
	);
}

/** What came of it, once. */
export async function hearAnswer(
	home: string,
	of: RefundName,
): Promise<RefundAnswer | undefined> {
	const path = fileOf(home, of, "told");
	if (!(await isThere(path))) return undefined;
	const answer = parseJson(toldFile, await readText(path), path);
	await rm(path, { force: true });
	return answer;
}

// The agent's side.

/** Takes at most so many refunds that are asked for. Throws `home-unusable`. */
export async function takeRefunds(
	home: string,
	most: number,
): Promise<TakenRefund[]> {
	const taken: TakenRefund[] = [];
	for (const of of await namesOf(home, "asked")) {
		if (taken.length >= most) break;
		if (await isTaken(home, of)) continue;
		const path = fileOf(home, of, "taken");
		try {
			await rename(fileOf(home, of, "asked"), path);
		} catch (thrown) {
			// It was taken back.
			if ((thrown as NodeJS.ErrnoException).code === "ENOENT") continue;
			throw unusable(`cannot take ${path}: ${reason(thrown)}`, thrown);
		}
		try {
			const file = await readAsked(path);
			const { to, routing, root, until } = file;
			const connect = parseAddress(to);
			// The command that asked was killed.
			if (until < Date.now()) await rm(path);
			else
				taken.push({
					...of,
					kind: "asked",
					asked: { ...of, connect, routing, root },
				});
		} catch (thrown) {
			taken.push({ ...of, kind: "unreadable", error: asTetradError(thrown) });
		}
	}
	return taken;
}

/** Writes which refund of its sale it is. Resolves when that is on the disk: it may be paid then. */
export async function numberRefund(
	home: string,
	of: RefundName,
	number: number,
): Promise<void> {
	const path = fileOf(home, of, "taken");
	const file: AskedFile = { ...(await readAsked(path)), number };
	await replaceFile(path, JSON.stringify(file));
}

/** Tells what came of it. */
export async function answerRefund(
	home: string,
	of: RefundName,
	answer: RefundAnswer,
): Promise<void> {
	await tellRefund(home, of, answer);
	await leaveRefund(home, of);
}

/** Writes what came of it. Resolves when that is on the disk, and may be heard, once. Throws `home-unusable`. */
export async function tellRefund(
	home: string,
	of: RefundName,
	answer: RefundAnswer,
): Promise<void> {
	await replaceFile(fileOf(home, of, "told"), JSON.stringify(answer));
}

/** The agent is at it no more, once what came of it is told. Throws `home-unusable`. */
export async function leaveRefund(home: string, of: RefundName): Promise<void> {
	const path = fileOf(home, of, "taken");
	await rm(path, { force: true }).catch((thrown: unknown) => {
		throw unusable(`cannot remove ${path}: ${reason(thrown)}`, thrown);
	});
}

/**
 * Puts in order what an agent that died was at: what it has paid is told, and anything else is the
 * same refund when it is asked for again. Only for who has just opened the home.
 */
export async function recoverRefunds(
	home: string,
	store: Pick<AgentStore, "transact">,
): Promise<void> {
	for (const of of await namesOf(home, "taken")) {
		const path = fileOf(home, of, "taken");
		const { number } = await readAsked(path).catch(() => ({
			number: undefined,
		}));
		const refund =
			number === undefined
				? undefined
				: await store.transact(readRefund(of.sale, number));
		if (number !== undefined && refund?.state === "paid")
			await answerRefund(home, of, { kind: "paid", number });
		else await rm(path, { force: true });
	}
	for (const name of await listFiles(home))
		if (DRAFT.test(name)) await rm(join(folderOf(home), name), { force: true });
}

async function readAsked(path: string): Promise<AskedFile> {
	return parseJson(askedFile, await readText(path), path);
}

async function namesOf(home: string, kind: FileKind): Promise<RefundName[]> {
	const names = await listFiles(home);
	return names.slice(0, MAX_REFUND_FILES).flatMap((name) => {
		const [, sale, amount, its] = NAME.exec(name) ?? [];
		return sale === undefined || amount === undefined || its !== kind
			? []
			: [{ sale: fromHex(sale), amount: BigInt(amount) }];
	});
}

async function listFiles(home: string): Promise<string[]> {
	const folder = folderOf(home);
	if (!(await isThere(folder))) return [];
	await requirePrivate(folder);
	return readdir(folder);
}

/** A command and the agent may run in different folders. */
function absolute(address: Address): Address {
	return address.kind === "unix"
		? { ...address, path: resolve(address.path) }
		: address;
}

function folderOf(home: string): string {
	return join(home, "refunds");
}

function fileOf(
	home: string,
	{ sale, amount }: RefundName,
	kind: FileKind,
): string {
	return join(folderOf(home), `${hex(sale)}-${amount}.${kind}`);
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
