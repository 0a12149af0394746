import type { ProcessEvent } from "../device/process/index.ts";
import { PLACES, type Place } from "../tetrad/index.ts";
import { confirmed } from "./draw.ts";
import type { DemoFlags, DemoVerdict, Looked } from "./seen.ts";
import { byPlace, NEEDS_TOKENS, takenBy, type Victim } from "./stage/index.ts";

/** Judges what was seen by what was captured, reported and left on the disks. */
export function judge(
	{ run, audits, claims, ...seen }: Looked,
	flags: DemoFlags,
): DemoVerdict {
	const problems: string[] = [...saleProblems({ ...seen, kill: flags.kill })];
	const isSame = (sent: ProcessEvent) =>
		run.events.B.some(
			(kept) =>
				sent.event === "file-sent" &&
				kept.event === "file-received" &&
				kept.sha256 === sent.sha256,
		);
	if (!run.events.A.some(isSame))
		problems.push("the order did not arrive as it was sent");
	const codes = byPlace(
		(place) => confirmed(run.events[place])?.safetyCode ?? "",
	);
	if (new Set(Object.values(codes)).size !== 1 || codes.A === "")
		problems.push("the four safety codes differ");
	const messages = PLACES.flatMap((to) =>
		run.events[to].flatMap((event) =>
			event.event === "message"
				? [{ session: event.session, to, text: event.text }]
				: [],
		),
	);
	const expected: readonly [number, Place, string][] = [
		[1, "B", run.said.message],
		[2, "Y", run.said.greet.X],
		[2, "X", run.said.greet.Y],
		[3, "X", run.said.greet.A],
		[3, "A", run.said.greet.X],
		[4, "Y", run.said.greet.B],
		[4, "B", run.said.greet.Y],
	];
	for (const [session, to, text] of expected)
		if (
			!messages.some(
				(message) =>
					message.session === session &&
					message.to === to &&
					message.text === text,
			)
		)
			problems.push(`no message reached ${to} over session ${session}`);
	for (const { place, refused } of run.strangers)
		if (refused === undefined)
			problems.push(`a stranger's module was taken in the place of ${place}`);
	// An open link is in clear by intention; it is shown, and it is no surprise.
	for (const { wire, found } of audits)
		if (found.length > 0 && (wire === "network" || flags.link === "paired"))
			problems.push(`the ${wire} shows ${found[0]?.name}`);
	for (const { claim, holds, evidence } of claims)
		if (!holds && !(flags.keys === "software" && NEEDS_TOKENS.has(claim)))
			problems.push(`claim ${claim}: ${evidence}`);
	return {
		ok: problems.length === 0,
		problems,
		codes,
		messages,
	};
}

/** What there is to judge of a purchase. */
interface Purchased extends Pick<Looked, "delivery" | "receipt" | "books"> {
	readonly sale: Pick<Looked["sale"], "price" | "doubt">;
	/** Who was to be killed. */
	readonly kill: Victim;
}

/** What is not as it should be. */
export function* saleProblems({
	sale,
	delivery,
	receipt,
	books,
	kill,
}: Purchased): Generator<string> {
	const { doubt, price } = sale;
	const { killed } = doubt;
	if (!delivery.delivered)
		yield "the file that was bought is not the one that is sold";
	if (!receipt.valid) yield "the receipt does not prove the purchase";
	if (!books.conserved)
		yield "the money is not where it should be, or the audit fails";
	if ((killed?.what ?? "none") !== kill)
		yield `${killed?.name ?? "nobody"} was killed, and not the ${kill}`;
	else if (killed !== undefined && killed.signal !== "SIGKILL")
		yield `${killed.name} was not killed, and ended by ${killed.signal ?? "itself"}`;
	if (doubt.buyer.inDoubt !== price || takenBy(doubt) !== price)
		yield "the money was not in doubt in the middle of it";
	if (doubt.agent.state !== "in-doubt")
		yield `the buyer's agent was not in doubt: ${doubt.agent.state}`;
	if (doubt.hasGoods) yield "the goods could be read before they were paid";
	if (doubt.isBooked === true)
		yield "the issuer was needed in the middle of it";
}
