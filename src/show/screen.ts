/* How a demonstration is shown to a person, each part as soon as it was seen. */
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
import {
	byPlace,
	CLAIMS,
	type ClaimResult,
	type DoubtfulSale,
	NEEDS_TOKENS,
	type Run,
	type WireAudit,
} from "./stage/index.ts";

/** Where it is shown. */
export interface Screen {
	step(what: string): void;
	/** So many bytes of the goods have come. */
	progress(bytes: number, size: number): void;
	conversation(seen: Conversation): void;
	doubtful(sale: DoubtfulSale): void;
	end(seen: Seen): void;
}

/** Nobody looks. */
export const SILENT: Screen = {
	step() {},
	progress() {},
	conversation() {},
	doubtful() {},
	end() {},
};

/** A terminal, or a file that somebody reads. */
export class PlainScreen implements Screen {
	readonly #bar: ProgressBar = new ProgressBar("the goods");
	/** How much of the purchase was shown. */
	#steps = 0;

	step(what: string): void {
		this.#bar.stop();
		tellFitting(dim(`… ${what}`));
	}

	progress(bytes: number, size: number): void {
		this.#bar.show(bytes, size);
	}

	conversation({ suite, run, frames, omitted }: Conversation): void {
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

	doubtful(sale: DoubtfulSale): void {
		this.#bar.stop();
		const { item, price, currency, steps, doubt } = sale;
		sayAll([heading(`A purchase: ${plain(item)} for ${price} ${currency}`)]);
		sayAll(timeline(steps));
		this.#steps = steps.length;
		if (doubt.killed === undefined) return;
		sayAll([heading(`${whoIsDead(doubt)}. What does each know?`)]);
		sayAll(knowledge(sale, terminalWidth()));
	}

	end(seen: Seen): void {
		this.#bar.stop();
		const { run, audits, verdict, sale, delivery, receipt, books, money } =
			seen;
		const { link } = run.options;
		sayAll([heading("How it ends")]);
		sayAll(timeline(sale.steps.slice(this.#steps)));
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
		sayAll([heading("The claims of US patent 5,703,949")]);
		sayAll(claimLines(seen));
		say();
		for (const problem of verdict.problems)
			sayAll([bad(`  not as promised: ${problem}`)]);
		if (verdict.ok)
			sayAll([
				good(
					"  Bound, confirmed, sold, paid, delivered. Nothing is left running.",
				),
			]);
	}
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

/** Which claims this run has shown; `tetrad claims` says what each is, and shows the evidence. */
function claimLines({ claims, keys, run }: Seen): string[] {
	const isStandIn = keys === "softhsm";
	const numbers = (which: readonly { readonly claim: number }[]) =>
		which.map(({ claim }) => claim).join(", ");
	const line = (
		mark: string,
		which: readonly { readonly claim: number }[],
		why = "",
	) => (which.length === 0 ? [] : [`  ${mark}  ${numbers(which)}${dim(why)}`]);
	const shown = (is: (result: ClaimResult) => boolean) =>
		claims.filter((result) => is(result));
	const needsTokens = ({ claim }: ClaimResult) =>
		!isStandIn && NEEDS_TOKENS.has(claim);
	const others = CLAIMS.filter(
		({ routing }) => routing !== run.options.routing,
	);
	return [
		...line(
			good("hold     "),
			shown(({ holds }) => holds),
			isStandIn ? "  (SoftHSM stands in for hardware)" : "",
		),
		...line(
			bad("do not   "),
			shown((result) => !result.holds && needsTokens(result)),
			"  (they ask for keys in tokens: --keys softhsm)",
		),
		...shown((result) => !result.holds && !needsTokens(result)).flatMap(
			(result) => line(bad("does not "), [result], `  ${result.evidence}`),
		),
		...line(dim("other run"), others, `  (--routing ${others[0]?.routing})`),
		dim(
			`  What each says, and the evidence: npx tetrad claims${isStandIn ? " --keys softhsm" : ""}`,
		),
	];
}
