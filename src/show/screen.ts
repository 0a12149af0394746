/* How a demonstration is shown to a person: what it is doing while it goes on, and then what was seen, the purchase in a few lines first. */
import {
	bad,
	bold,
	dim,
	good,
	ProgressBar,
	plain,
	say,
	sayFitting,
	tellFitting,
	terminalWidth,
} from "../cli/index.ts";
import { PLACES } from "../tetrad/index.ts";
import {
	confirmed,
	flightTable,
	heading,
	keyTable,
	square,
	wiretapLines,
} from "./draw.ts";
import { knowledge, outcomeLines, timeline, whoIsDead } from "./draw-sale.ts";
import type { Conversation, Seen } from "./seen.ts";
import { byPlace, type Run, type WireAudit } from "./stage/index.ts";
import { story } from "./story.ts";

/** Where it is shown. */
export interface Screen {
	step(what: string): void;
	/** So many bytes of the goods have come. */
	progress(bytes: number, size: number): void;
	end(seen: Seen): void;
}

/** Nobody looks. */
export const SILENT: Screen = {
	step() {},
	progress() {},
	end() {},
};

/** A terminal, or a file that somebody reads. */
export class PlainScreen implements Screen {
	readonly #bar: ProgressBar = new ProgressBar("the goods");

	step(what: string): void {
		this.#bar.stop();
		tellFitting(dim(`… ${what}`));
	}

	progress(bytes: number, size: number): void {
		this.#bar.show(bytes, size);
	}

	end(seen: Seen): void {
		this.#bar.stop();
		const { run, audits, verdict, delivery, receipt, books, money } = seen;
		const { link } = run.options;
		sayAll(story(seen));
		sayConversation(seen);
		sayPurchase(seen);
		sayAll([heading("The file, the receipt, the books")]);
		sayAll(outcomeLines(delivery, receipt, books, money));
		sayAll([
			heading("What a wiretap on each wire could read"),
			dim(
				link === "open"
					? "  In clear: frame types and lengths, the offer, ephemeral public keys, and all messages on the open links."
					: "  In clear, always: frame types and lengths, the offer, ephemeral public keys.",
			),
		]);
		sayAll(wiretapLines(audits));
		sayAll(exposure(run, audits).map((line) => bad(`  ${line}`)));
		say();
		for (const problem of verdict.problems)
			sayAll([bad(`  not as promised: ${problem}`)]);
		if (verdict.ok)
			sayAll([
				good(
					"  Bound, confirmed, sold, paid, delivered. Nothing is left running.",
				),
				dim("  The eleven claims of the patent, one by one: npx tetrad claims"),
			]);
	}
}

function sayConversation({ suite, run, frames, omitted }: Conversation): void {
	const { routing, root, link } = run.options;
	sayAll([heading("Four processes, one conversation")]);
	sayAll(square(run.pids, terminalWidth()));
	sayAll(keyTable(run.custody));
	sayAll([
		heading(`Flight by flight (${routing}, ${root}, ${link}, ${suite})`),
	]);
	sayAll(flightTable(frames));
	const further = omitted.reduce((sum, { count }) => sum + count, 0);
	if (further > 0)
		sayAll([
			dim(
				`  ${further} further frames of kinds that came very often were counted, and not kept.`,
			),
		]);
	sayAll([
		"",
		"  An order went from A to B, and greetings over sessions 2, 3 and 4.",
		...safetyCodeLines(run),
	]);
}

function sayPurchase({ sale }: Seen): void {
	const { item, price, currency, steps, untilDoubt, doubt } = sale;
	sayAll([heading(`The purchase: ${plain(item)} for ${price} ${currency}`)]);
	if (doubt.killed === undefined) return sayAll(timeline(steps));
	sayAll(timeline(steps.slice(0, untilDoubt)));
	sayAll([heading(`${whoIsDead(doubt)}. What does each know?`)]);
	sayAll(knowledge(sale, terminalWidth()));
	sayAll([heading("How it went on")]);
	sayAll(timeline(steps.slice(untilDoubt)));
}

function sayAll(lines: readonly string[]): void {
	for (const line of lines) sayFitting(line);
}

/** The code as each process computed it. */
function safetyCodeLines({ events }: Run): string[] {
	const codes = byPlace((place) => confirmed(events[place])?.safetyCode ?? "");
	return new Set(Object.values(codes)).size === 1
		? [`  The safety code, as each computed it: ${bold(codes.A)}`]
		: [
				heading("The safety code, as each process computed it"),
				...PLACES.map((place) => `  ${place}  ${bad(codes[place])}`),
			];
}

/** What the unsafe choices cost, in words. */
function exposure(run: Run, audits: readonly WireAudit[]): string[] {
	const readable = (name: string) =>
		audits.some(({ found }) =>
			found.some((entry) => entry.name.startsWith(`${name} of`)),
		);
	if (!readable("R1") || !readable("R2")) return [];
	return [
		run.options.root === "xor"
			? "R1 and R2 crossed open links in clear: whoever taps both has K = R1 xor R2, and reads sessions 3 and 4."
			: "R1 and R2 crossed open links in clear, and T is made of what the links show: whoever taps both has K.",
	];
}
