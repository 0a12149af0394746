import { EXIT, interruptible, sayJson } from "../cli/index.ts";
import { openToRead } from "../device/process/index.ts";
import { report } from "./report.ts";
import { PlainScreen, type Screen, SILENT } from "./screen.ts";
import type { DemoFlags, Looked, Seen } from "./seen.ts";
import {
	auditWires,
	CLAIMS,
	checkBooks,
	checkClaim,
	checkDelivery,
	checkReceipt,
	dissect,
	KEY_ROOMS,
	type SaleMoney,
	Stage,
} from "./stage/index.ts";
import { judge } from "./verdict.ts";

/** Play money of the demonstration: what X's account is given, what its owner withdraws, and what the file costs. */
const GIFT = "100.00";
const WITHDRAWN = "40.00";
const PRICE = "12.50";

/** The same in sat of a play mint, where it is paid with that. */
const ECASH = "40";
const ECASH_PRICE = "12";

/** Shows it all, and sets the exit code. Rejects with `aborted` when a signal came. */
export function demo(flags: DemoFlags): Promise<void> {
	return interruptible((signal) => showRun(flags, signal));
}

async function showRun(flags: DemoFlags, signal: AbortSignal): Promise<void> {
	await (await openToRead(flags.file)).close();
	const screen = flags.json === true ? SILENT : new PlainScreen();
	const seen = await perform(flags, signal, screen);
	if (flags.json === true) sayJson(report(seen));
	else screen.end(seen);
	if (!seen.verdict.ok) process.exitCode = EXIT.failed;
}

/** Runs it and looks at what came of it; nothing is left, on disk or running, when this resolves. */
async function perform(
	flags: DemoFlags,
	signal: AbortSignal,
	screen: Screen,
): Promise<Seen> {
	const { suite, routing, root, link, keys, file } = flags;
	const step = (what: string) => screen.step(what);
	await using stage = await Stage.set({
		suite,
		keys: KEY_ROOMS[keys],
		signal,
		step,
	});
	const isEcash = flags.rail === "cashu";
	const price = isEcash ? ECASH_PRICE : PRICE;
	const teller = isEcash
		? await inEcash(stage, step)
		: await inNotes(stage, step);
	const run = await stage.run({ routing, root, link, step });
	const dissection = await dissect(run.captures, run.keylog, flags);
	const before = await teller.balances("before");
	const sale = await stage.sell({
		...{ routing, root, link, file, teller, step },
		price,
		kill: flags.kill,
		hear(place, event) {
			if (place === "A" && event.event === "progress")
				screen.progress(event.bytes, event.size);
		},
	});
	const after = await teller.balances("after");
	const audit = await teller.audit();
	const { currency, isPlay } = teller.terms;
	const { roots, pairingCodes } = stage;
	const audits = await auditWires(run, sale);
	const claims = CLAIMS.filter((claim) => claim.routing === routing).map(
		(claim) => checkClaim(claim, { run, ...dissection }),
	);
	const looked: Looked = {
		...{ suite, keys, run, ...dissection, sale, audits, claims, pairingCodes },
		delivery: await checkDelivery(file, sale.got),
		receipt: await checkReceipt(sale.receipt, sale, { teller, roots, signal }),
		books: checkBooks(teller, price, before, after, audit),
		money: { currency: currency.code, isPlay, rail: flags.rail },
	};
	return { ...looked, verdict: judge(looked, flags) };
}

async function inNotes(
	stage: Stage,
	step: (what: string) => void,
): Promise<SaleMoney> {
	step("an issuer of play money opens, and the owner of X withdraws some");
	const teller = await stage.openTeller();
	await teller.credit("X", GIFT);
	await teller.withdraw("X", WITHDRAWN);
	return teller;
}

async function inEcash(
	stage: Stage,
	step: (what: string) => void,
): Promise<SaleMoney> {
	step("a play mint opens, and X gets some of its ecash");
	const teller = await stage.openMint();
	await teller.give("X", ECASH);
	return teller;
}
