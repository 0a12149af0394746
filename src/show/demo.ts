import {
	bad,
	bold,
	dim,
	EXIT,
	good,
	interruptible,
	type KeysFlag,
	type LinkFlag,
	ProgressBar,
	plain,
	type RootFlag,
	say,
	sayFitting,
	sayJson,
	tellFitting,
	terminalWidth,
} from "../cli/index.ts";
import { openToRead, type ProcessEvent } from "../device/process/index.ts";
import type { SuiteName } from "../session/index.ts";
import { PLACES, type Place, type Routing } from "../tetrad/index.ts";
import {
	confirmed,
	establishment,
	flightTable,
	heading,
	keyTable,
	moneyLines,
	square,
	wiretapLines,
} from "./draw.ts";
import {
	auditWires,
	byPlace,
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
	dissect,
	KEY_ROOMS,
	type MoneySeen,
	NAMES,
	NEEDS_TOKENS,
	type Run,
	type ShownBalances,
	Stage,
	type Teller,
	type WireAudit,
} from "./stage/index.ts";

export interface DemoFlags {
	readonly file: string;
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly link: LinkFlag;
	readonly suite: SuiteName;
	readonly keys: KeysFlag;
	readonly json?: true;
}

/** Play money of the demonstration: what X's account is given, what its owner withdraws, and what A has X pay. */
const GIFT = "100.00";
const WITHDRAWN = "40.00";
const PRICE = "12.50";

/** Shows it all, and sets the exit code. Rejects with `aborted` when a signal came. */
export function demo(flags: DemoFlags): Promise<void> {
	return interruptible((signal) => showRun(flags, signal));
}

async function showRun(flags: DemoFlags, signal: AbortSignal): Promise<void> {
	await (await openToRead(flags.file)).close();
	const quiet = flags.json === true;
	const step = (what: string) => {
		if (!quiet) tellFitting(dim(`… ${what}`));
	};
	const bar = quiet ? undefined : new ProgressBar("session 1");
	const seen = await perform(flags, signal, step, bar);
	if (quiet) sayJson(report(seen));
	else draw(seen);
	const { outcome } = seen;
	if (!outcome.ok) process.exitCode = EXIT.failed;
}

/** Everything that a demonstration showed. */
interface Seen extends Dissected {
	readonly suite: SuiteName;
	readonly keys: KeysFlag;
	readonly audits: readonly WireAudit[];
	readonly claims: readonly ClaimResult[];
	readonly money: MoneySeen;
	readonly outcome: DemoVerdict;
	readonly pairingCodes: readonly string[];
}

/** Runs it and looks at what was captured; nothing is left, on disk or running, when this resolves. */
async function perform(
	flags: DemoFlags,
	signal: AbortSignal,
	step: (what: string) => void,
	bar: ProgressBar | undefined,
): Promise<Seen> {
	const { suite, routing, keys } = flags;
	await using stage = await Stage.set({
		suite,
		keys: KEY_ROOMS[keys],
		signal,
		step,
	});
	step("an issuer of play money opens, and the owner of X withdraws some");
	const teller = await stage.openTeller();
	await teller.credit("X", GIFT);
	const balances = [await teller.balances("before")];
	await teller.withdraw("X", WITHDRAWN);
	balances.push(await teller.balances(`X withdrew ${WITHDRAWN}`));
	const run = await stage
		.run({
			...flags,
			step,
			pay: teller.payment(PRICE, "the file"),
			hear: (place, event) => {
				if (place === "B" && event.event === "progress")
					bar?.show(event.bytes, event.size);
			},
		})
		.finally(() => bar?.stop());
	balances.push(await teller.balances(`X paid Y ${PRICE}`));
	step("the module that was paid deposits it");
	await teller.settle("Y");
	balances.push(await teller.balances("after, Y having deposited"));
	const money = await examineMoney(teller, balances);
	const dissection = await dissect(run.captures, run.keylog, flags);
	const audits = await auditWires(run);
	const claims = CLAIMS.filter((claim) => claim.routing === routing).map(
		(claim) => checkClaim(claim, { run, ...dissection }),
	);
	const outcome = judge(run, audits, claims, money, flags);
	const { pairingCodes } = stage;
	return {
		suite,
		keys,
		run,
		...dissection,
		audits,
		claims,
		money,
		outcome,
		pairingCodes,
	};
}

async function examineMoney(
	teller: Teller,
	balances: readonly ShownBalances[],
): Promise<MoneySeen> {
	const audit = await teller.audit();
	const { currency, isPlay } = teller.terms;
	return {
		currency: currency.code,
		isPlay,
		balances,
		audit,
		conserved:
			audit.balanced && balances.every(({ sum }) => sum === balances[0]?.sum),
	};
}

/** What must be so for the demonstration to have shown what it promises. */
interface DemoVerdict {
	readonly ok: boolean;
	readonly problems: readonly string[];
	readonly sha256: { readonly sent: string; readonly received: string };
	readonly codes: Readonly<Record<Place, string>>;
	readonly messages: readonly { session: number; to: Place; text: string }[];
}

function judge(
	run: Run,
	audits: readonly WireAudit[],
	claims: readonly ClaimResult[],
	money: MoneySeen,
	flags: DemoFlags,
): DemoVerdict {
	const problems: string[] = [];
	if (!money.conserved)
		problems.push("the money is not as much as before, or the audit fails");
	for (const [place, kind] of [
		["A", "paid"],
		["B", "received"],
	] as const)
		if (!run.events[place].some(({ event }) => event === kind))
			problems.push(`${place} did not report that the payment was ${kind}`);
	const codes = byPlace(
		(place) => confirmed(run.events[place])?.safetyCode ?? "",
	);
	if (new Set(Object.values(codes)).size !== 1 || codes.A === "")
		problems.push("the four safety codes differ");
	const sent = fileEvent(run.events.A, "file-sent");
	const received = fileEvent(run.events.B, "file-received");
	if (sent === "" || sent !== received)
		problems.push("the file did not arrive as it was sent");
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
		sha256: { sent, received },
		codes,
		messages,
	};
}

function fileEvent(
	events: readonly ProcessEvent[],
	kind: "file-sent" | "file-received",
): string {
	const event = events.find((candidate) => candidate.event === kind);
	return event !== undefined && "sha256" in event ? event.sha256 : "";
}

function draw(seen: Seen): void {
	const { suite, run, frames, omitted, audits, outcome } = seen;
	const { routing, root, link, file } = run.options;
	sayFitting(heading("Four processes, one conversation"));
	say();
	for (const line of square(run.pids, terminalWidth())) sayFitting(line);
	sayFitting(heading("Where each key lives"));
	for (const line of keyTable(run.custody)) sayFitting(line);
	sayFitting(
		heading(
			`Flight by flight (routing ${routing}, root ${root}, links ${link}, ${suite})`,
		),
	);
	sayFitting(
		dim(
			"  Times are those of a tap on each wire. The names of sealed messages come from the keylog.",
		),
	);
	for (const line of flightTable(frames)) sayFitting(line);
	const further = omitted.reduce((sum, { count }) => sum + count, 0);
	if (further > 0)
		sayFitting(
			dim(
				`  ${further} further frames of kinds that came very often were counted, and not kept.`,
			),
		);

	sayFitting(heading("Every session in use"));
	for (const { session, to, text } of outcome.messages)
		sayFitting(`  session ${session}  to ${to}  ${plain(text)}`);
	sayFitting(`  session 1  to B  ${plain(file)}`);
	sayFitting(`             sent     SHA-256 ${outcome.sha256.sent}`);
	sayFitting(`             received SHA-256 ${outcome.sha256.received}`);

	sayFitting(
		heading(
			"Money: withdrawn, paid over session 2 inside session 1, deposited",
		),
	);
	for (const line of moneyLines(seen.money)) sayFitting(line);

	sayFitting(heading("What a wiretap on each wire could read"));
	sayFitting(
		dim(
			link === "open"
				? "  In clear: frame types and lengths, the offer, ephemeral public keys, and all messages on the open links."
				: "  In clear, always: frame types and lengths, the offer, and ephemeral public keys.",
		),
	);
	for (const line of wiretapLines(audits)) sayFitting(line);
	for (const line of exposure(run, audits)) sayFitting(`  ${bad(line)}`);

	sayFitting(heading("The safety code, as each process computed it"));
	for (const place of PLACES)
		sayFitting(
			`  ${place}  ${NAMES[place].padEnd(12)} ${bold(outcome.codes[place])}`,
		);

	sayFitting(heading("The claims of US patent 5,703,949"));
	for (const line of claimTable(seen)) sayFitting(`  ${line}`);
	say();
	for (const problem of outcome.problems)
		sayFitting(bad(`  not as promised: ${problem}`));
	if (outcome.ok)
		sayFitting(
			good("  Bound, confirmed, used, closed. Nothing is left running."),
		);
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

/** Each claim that this run's routing can show, checked against what the taps captured. */
function claimTable({ claims, keys, run }: Seen): string[] {
	const { routing } = run.options;
	const isStandIn = keys === "softhsm";
	return [
		...CLAIMS.map(({ claim, title, routing: shownBy }) => {
			const result = claims.find((candidate) => candidate.claim === claim);
			const [mark, why] =
				result === undefined
					? [dim("other run"), dim(`  (--routing ${shownBy})`)]
					: result.holds
						? [
								good("holds    "),
								isStandIn && NEEDS_TOKENS.has(claim)
									? dim(
											"  (with keys in tokens; SoftHSM stands in for hardware)",
										)
									: "",
							]
						: !isStandIn && NEEDS_TOKENS.has(claim)
							? [bad("does not "), dim("  (keys are in files, not in tokens)")]
							: [bad("does not "), `  ${result.evidence}`];
			return `${mark}  ${String(claim).padStart(2)}  ${title}${why}`;
		}),
		dim(
			`The evidence, and what --routing ${routing} cannot show: npx tetrad claims${isStandIn ? " --keys softhsm" : ""}`,
		),
	];
}

function report({
	suite,
	keys,
	run,
	frames,
	omitted,
	audits,
	claims,
	money,
	outcome,
	pairingCodes,
}: Seen) {
	const shown = establishment(frames);
	const start = shown[0]?.at ?? 0;
	const { routing, root, link } = run.options;
	return {
		ok: outcome.ok,
		problems: outcome.problems,
		routing,
		root,
		link,
		suite,
		keys,
		keysAt: byPlace((place) => {
			const { location, token } = run.custody[place];
			return { location, ...(token === undefined ? {} : { token }) };
		}),
		processes: run.pids,
		pairingCodes,
		safetyCodes: outcome.codes,
		file: outcome.sha256,
		currency: money.currency,
		play: money.isPlay,
		balances: money.balances,
		audit: money.audit,
		conserved: money.conserved,
		messages: outcome.messages,
		flights: shown.map(({ at, wire, from, to, name, bytes }) => ({
			ms: Math.round((at - start) * 1000) / 1000,
			wire,
			from,
			to,
			name,
			bytes,
		})),
		omitted,
		claims,
		wiretaps: audits,
	};
}
