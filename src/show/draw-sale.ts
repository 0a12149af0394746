/* A purchase, as a person at a terminal sees it. */
import { bad, bold, dim, good, plain, plainTable } from "../cli/index.ts";
import type { RailName } from "../trade/documents/index.ts";
import { type Boxes, boxes } from "./draw.ts";
import {
	type Books,
	type Delivery,
	type DoubtfulSale,
	NAMES,
	type ReceiptCheck,
	type SaleStep,
	takenBy,
	type Victim,
} from "./stage/index.ts";

/** Who did what, in the order of time. */
export function timeline(steps: readonly SaleStep[]): string[] {
	return plainTable(
		["ms", "who", "what"],
		steps.map(({ ms, who, what }) => [ms.toFixed(0), who, plain(what)]),
		{ right: [0] },
	);
}

const DEAD: Readonly<Record<Exclude<Victim, "none">, string>> = {
	module: "The merchant's module is dead",
	issuer: "Whoever makes the money is dead",
	agent: "The buyer's agent is dead",
};

/** What has happened, at the moment of which `knowledge` tells. */
export function whoIsDead({ killed }: DoubtfulSale["doubt"]): string {
	return killed === undefined ? "Nobody was killed" : DEAD[killed.what];
}

/** What each device has and knows while the answer with the key is not out. */
export function knowledge(sale: DoubtfulSale, width?: number): string[] {
	const { doubt, gaveUp } = sale;
	const { killed, buyer } = doubt;
	const dead = (what: Victim, alive: string, gone: string) =>
		killed?.what === what ? gone : alive;
	const isCut = killed?.what === "module" || killed?.what === "agent";
	const words: Boxes = {
		A: [
			`1 A  ${NAMES.A}`,
			dead("agent", "waits", "KILLED"),
			doubt.hasGoods ? "has the file" : "has it sealed, no key",
		],
		B: [
			`2 B  ${NAMES.B}`,
			"sent it, sealed",
			isCut ? "hears nothing" : "waits, too",
		],
		X: [
			`3 X  ${NAMES.X}`,
			`gave ${buyer.inDoubt} for the key`,
			"cannot take it back",
		],
		Y: [
			`4 Y  ${NAMES.Y}`,
			dead("module", "answers", "KILLED"),
			`has ${takenBy(doubt)} on its disk`,
		],
	};
	const issuer = `  ${whatMakerKnows(sale)}`;
	return [
		...boxes(
			words,
			killed?.what === "module"
				? {
						above: "no session 1",
						below: "no session 2",
						left: "║",
						right: "╳",
					}
				: killed?.what === "agent"
					? {
							above: "no session 1",
							below: "no session 2",
							left: "╳",
							right: "║",
						}
					: { above: "session 1", below: "session 2", left: "║", right: "║" },
			width,
		),
		issuer,
		`  ${NAMES.A} is in doubt, until ${doubt.agent.until.slice(0, 10)} at most. Nobody has to repair anything.`,
		...(gaveUp === undefined
			? []
			: [dim(`  What ${NAMES.A} was told: ${plain(gaveUp)}`)]),
	];
}

/** The issuer, or the mint. */
function whatMakerKnows({ rail, doubt }: DoubtfulSale): string {
	const { killed, isBooked } = doubt;
	if (rail === "cashu")
		return killed?.what === "issuer"
			? "The mint is dead, and this purchase does not need it any more."
			: "The mint has seen so much locked and claimed, and neither who nor whom.";
	return isBooked === undefined
		? "The issuer is dead, and a purchase does not need it."
		: `The issuer has ${isBooked ? "booked it" : "not heard of it"}.`;
}

/** The file, the receipt, and the books. */
export function outcomeLines(
	{ sold, bought, delivered }: Delivery,
	{ valid, said }: ReceiptCheck,
	{ before, after, audit, conserved }: Books,
	{
		currency,
		isPlay,
		rail,
	}: {
		readonly currency: string;
		readonly isPlay: boolean;
		readonly rail: RailName;
	},
): string[] {
	const rows = [before, after].map(({ when, purses, accounts, sum }) => [
		when,
		purses.X,
		purses.Y,
		accounts.X,
		accounts.Y,
		bold(sum),
	]);
	const head = ["", "purse X", "purse Y", "account X", "account Y", "sum"];
	const right = [1, 2, 3, 4, 5];
	return [
		`  sold    ${sold}`,
		`  bought  ${bought}`,
		`          ${delivered ? good("the same file, by SHA-256") : bad("not the same file, by SHA-256")}`,
		valid
			? `  receipt: ${plain(String(said["merchant"]))} sold "${plain(String(said["item"]))}" to ${plain(String(said["buyer"]))}, ${good("proved by the two roots alone")}`
			: bad(`  receipt: ${notProved(said)}`),
		"",
		...plainTable(head, rows, { right }),
		`  all in ${currency}${isPlay ? ", play money that nobody exchanges for anything" : ""}`,
		rail === "cashu"
			? `  of ${audit.outstanding} in both purses the mint takes ${audit.balanced ? good("all, each piece once") : bad("not all")}`
			: `  issued ${audit.issued}, returned ${audit.returned}, outstanding ${audit.outstanding}: ${audit.balanced ? good("the issuer's audit is clean") : bad("the issuer's audit fails")}`,
		conserved
			? good("  Nothing was lost, and nothing doubled.")
			: bad("  The money is not where it should be."),
	];
}

function notProved(said: ReceiptCheck["said"]): string {
	return said["proved"] === true
		? "it proves another purchase"
		: `it proves nothing: ${plain(String(said["reason"] ?? "there is none"))}`;
}
