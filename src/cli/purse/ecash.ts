import { MAX_SEED_TEXT, readSeedFile } from "../../device/purse/index.ts";
import type { EcashWork, ModuleService } from "../../device/service/index.ts";
import { openModule, restoreFromSeed } from "../../device/service/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import { parseAmount } from "../../money/index.ts";
import { amountText, money } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret, typedSecret } from "../secrets.ts";
import { plainTable } from "../table.ts";
import {
	EXIT,
	moment,
	plain,
	say,
	sayJson,
	tell,
	tellTrouble,
} from "../voice.ts";

export interface EcashFlags extends OwnerFlags {
	readonly home: string;
	readonly rail?: "cashu";
	readonly mint?: string;
	/** Of a restore: the file with the seed that it begins with, or - for standard input. */
	readonly words?: string;
	/** How long to wait for the mint, in milliseconds. */
	readonly wait: number;
	readonly json?: true;
}

export interface MeltFlags extends EcashFlags {
	readonly maxFee: string;
}

export interface PendingFlags extends EcashFlags {
	readonly all?: true;
	readonly tokens?: true;
}

/** The largest token that is read, in bytes. */
const MAX_TOKEN_BYTES: number = 2 ** 20;

export async function receive(said: string, flags: EcashFlags): Promise<void> {
	const token = said === "-" ? await readInput("token", MAX_TOKEN_BYTES) : said;
	await using module = await openModule(flags.home);
	const work = await module.receiveEcash(token, { waitMs: flags.wait });
	tellWork(work, flags);
}

export async function send(said: string, flags: EcashFlags): Promise<void> {
	await using module = await openModule(flags.home);
	const sum = sumOf(module, said, flags.mint);
	tellWork(await module.sendEcash(sum, orderOf(flags)), flags);
}

export async function takeBack(name: string, flags: EcashFlags): Promise<void> {
	await using module = await openModule(flags.home);
	tellWork(await module.takeBackEcash(name, orderOf(flags)), flags);
}

export async function mint(said: string, flags: EcashFlags): Promise<void> {
	await using module = await openModule(flags.home);
	const sum = sumOf(module, said, flags.mint);
	const work = await module.mintEcash(sum, {
		...orderOf(flags),
		invoiced(work) {
			const { invoice = "" } = work;
			if (flags.json)
				sayJson({
					...{ event: "invoiced", home: flags.home },
					...workJson(work, true),
				});
			else say(`pay this invoice:\n${plain(invoice)}`);
		},
	});
	tellWork(work, flags);
}

export async function melt(invoice: string, flags: MeltFlags): Promise<void> {
	await using module = await openModule(flags.home);
	const { maxFee: said, mint } = flags;
	const maxFee = said === "0" ? 0n : sumOf(module, said, mint);
	const order = { ...orderOf(flags), maxFee };
	tellWork(await module.meltEcash(invoice, order), flags);
}

export async function restoreEcash(flags: EcashFlags): Promise<void> {
	if (flags.words !== undefined) return restoreFromWords(flags.words, flags);
	await using module = await openModule(flags.home);
	tellWork(await module.restoreEcash(orderOf(flags)), flags);
}

async function restoreFromWords(
	file: string,
	flags: EcashFlags,
): Promise<void> {
	if (isSeedItself(file))
		throw new TetradError(
			"invalid-argument",
			"--words names a file, or - to type them: on a command line other programs see them, and a shell keeps them; count these as seen, and move what they hold to a purse with other words",
		);
	const text = file === "-" ? await readWords() : await readSeedFile(file);
	const work = await restoreFromSeed(flags.home, text, {
		...orderOf(flags),
		taken: () =>
			tell(
				"this purse has that seed now: the home that had it before must never run again, nor another wallet with the same words, for both would use counters twice",
			),
	});
	tellWork(work, flags);
}

/** What would be repeated in the sentence that there is no such file. */
function isSeedItself(said: string): boolean {
	const parts = said.trim().split(/\s+/);
	return parts.length >= 12 || /^tetradseed1\w{60}/i.test(parts.join(""));
}

/** What is piped in, or typed where nobody sees it. */
function readWords(): Promise<string> {
	return process.stdin.isTTY
		? typedSecret("words of the seed, in one line")
		: readInput("seed", MAX_SEED_TEXT);
}

export async function pending(flags: PendingFlags): Promise<void> {
	const { home, all = false, tokens: isShown = false, json } = flags;
	await using module = await openModule(home);
	const works = await module.ecashOrders({ all });
	if (json)
		return sayJson({
			home,
			orders: works.map((work) => workJson(work, isShown)),
		});
	if (works.length === 0)
		return say(all ? "nothing was ordered of a mint" : "nothing is pending");
	const rows = works.map((work) => [
		work.request.slice(0, 16),
		moment(Date.parse(work.ordered)),
		money(amountText(work)),
		plain(work.issuer),
		sentenceOf(work),
	]);
	for (const line of plainTable(["", "ordered", "amount", "mint", ""], rows))
		say(line);
	for (const { state, invoice, token, request } of works) {
		const name = request.slice(0, 16);
		if (state === "unpaid") say(`${name}: ${plain(invoice ?? "")}`);
		if (isShown && isOut(state) && token !== undefined)
			say(`${name}: ${plain(token)}`);
	}
}

function orderOf(flags: EcashFlags) {
	const { mint } = flags;
	return { mint, owner: ownerSecret(flags), waitMs: flags.wait };
}

/** In minor units of the mint's. */
function sumOf(
	module: ModuleService,
	said: string,
	mint: string | undefined,
): bigint {
	const { currency: code, exponent } = module.mintNamed(mint);
	return parseAmount(said, { code, exponent });
}

/** What came of it: with the token, which is what was ordered. What is not over is not done, and said so. */
function tellWork(work: EcashWork, flags: EcashFlags): void {
	const { state, token, request } = work;
	const isDone = DONE.includes(state);
	if (!isDone) process.exitCode = EXIT.failed;
	if (flags.json) return sayJson({ home: flags.home, ...workJson(work, true) });
	const line = `${money(amountText(work))}: ${sentenceOf(work)}`;
	if (!isDone)
		return tellTrouble(
			`${line}; ${state === "declined" || state === "lapsed" ? "it is over" : `it goes on while the module runs, and tetrad purse pending tells how far it is (${request.slice(0, 16)})`}`,
		);
	say(line);
	if (state === "sent" && token !== undefined) say(plain(token));
}

/** States in which what was ordered is done. */
const DONE: readonly EcashWork["state"][] = [
	...(["received", "sent", "redeemed", "taken-back"] as const),
	...(["unpaid", "minted", "paid", "pending", "restored"] as const),
];

function isOut(state: EcashWork["state"]): boolean {
	return state === "sent";
}

function sentenceOf(work: EcashWork): string {
	const { state, kind, error } = work;
	const amountOf = (amount: bigint) => money(amountText({ ...work, amount }));
	const fee = work.fee > 0n ? `, which cost ${amountOf(work.fee)}` : "";
	switch (state) {
		case "received":
			return "received";
		case "swapping":
			return kind === "send"
				? "the mint is asked to make the token"
				: "the mint is asked for it";
		case "sent":
			return `a token that nobody has redeemed${fee}`;
		case "redeemed":
			return "the token was redeemed";
		case "taking-back":
			if (kind === "send" && error === undefined)
				return "the token is being taken back";
			return `it was not ${kind === "send" ? "made" : "paid"}, and its ecash is being taken back`;
		case "taken-back":
			return `${amountOf(work.returned)} of the token is in the purse again`;
		case "unpaid":
			return "the invoice is to be paid";
		case "minting":
			return "the invoice is paid, and the mint is asked for the ecash";
		case "minted":
			return "minted";
		case "lapsed":
			return "the invoice was not paid in time";
		case "melting":
			return "the mint is asked to pay the invoice; whether it has is not known";
		case "paid":
			return `the mint ${error === undefined ? "has paid" : "says that it has paid"} the invoice${fee}${error === undefined ? "" : `: ${plain(error.reason)}`}`;
		case "restoring":
			return "the mint is asked for what follows from the seed";
		case "pending":
			return "restored that the purse did not have; the mint is working on more, and is asked until it says whether that is spent";
		case "restored":
			return "restored that the purse did not have";
		case "declined":
			return "it had been spent before, by another copy of this purse";
		case "failed":
		case "refused":
			return `not done: ${plain(error?.reason ?? "")}`;
		default:
			return unreachable(state);
	}
}

function workJson(work: EcashWork, isShown: boolean) {
	const { request, kind, state, mint, ordered } = work;
	const { invoice, expires, token, preimage, error } = work;
	const text = (amount: bigint) => amountText({ ...work, amount }).amount;
	const { amount, currency, play } = amountText(work);
	return {
		...{ request, kind, state, amount, currency, play, mint },
		...(work.fee > 0n ? { fee: text(work.fee) } : {}),
		...(work.returned > 0n ? { returned: text(work.returned) } : {}),
		...(invoice === undefined ? {} : { invoice }),
		...(expires === undefined ? {} : { expires }),
		...(isShown && isOut(state) && token !== undefined ? { token } : {}),
		...(preimage === undefined ? {} : { preimage }),
		...(error === undefined ? {} : { error }),
		ordered,
	};
}

async function readInput(what: string, maxBytes: number): Promise<string> {
	const parts: Buffer[] = [];
	let length = 0;
	for await (const part of process.stdin) {
		parts.push(part as Buffer);
		length += (part as Buffer).length;
		if (length > maxBytes)
			throw new TetradError(
				"limit-exceeded",
				`that is no ${what}: it is too long`,
			);
	}
	return Buffer.concat(parts).toString("utf8").trim();
}
