import { type Address, formatAddress, listen } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { LinkMode } from "../../tetrad/index.ts";
import {
	demandAccepted,
	type HomeSecrets,
	previousSigners,
	readHome,
} from "../home/index.ts";
import {
	hasPurse,
	Purse,
	type PurseOptions,
	readPurseSettings,
	trustedMint,
} from "../purse/index.ts";
import { MoneyModule, type Tetrad, untilAborted } from "../runtime/index.ts";
import { KeylogFile } from "./keylog-file.ts";
import { ModuleTexts } from "./module-texts.ts";
import { type Report, reportLists } from "./process-events.ts";
import { purseEvent } from "./purse-events.ts";
import { observer, reportRefused, reportUnlinked } from "./tetrad-events.ts";

export interface ModuleProcessOptions {
	readonly home: string;
	/** Where the passphrase or the PIN of its key comes from, if it needs one. */
	readonly secrets?: HomeSecrets;
	/** Where the own agent finds this module. */
	readonly listen: Address;
	readonly link: LinkMode;
	/** A text for the other module over session 2, and for the own agent once both have spoken. */
	readonly greet?: string;
	readonly timeoutMs?: number;
	readonly unsafeKeylog?: string;
	readonly signal: AbortSignal;
}

/** Runs a module until `signal` says stop. Rejects with why it could not. */
export async function runModuleProcess(
	options: ModuleProcessOptions,
	report: Report,
): Promise<void> {
	const { signal, greet, timeoutMs, link } = options;
	await using home = await readHome(options.home, "module", options.secrets);
	const { pairing } = home;
	if (pairing === undefined)
		throw new TetradError(
			"not-paired",
			`the module at ${options.home} is paired with no agent yet; run: tetrad pair --home ${options.home} --listen ${formatAddress(options.listen)}`,
		);
	demandAccepted(home, { links: link });
	using keylog =
		options.unsafeKeylog === undefined
			? undefined
			: new KeylogFile(options.unsafeKeylog, [options.listen]);
	const texts = new WeakMap<Tetrad, ModuleTexts>();
	await using earlier = await previousSigners(
		options.home,
		options.secrets ?? {},
	);
	await using purse = await openPurse(
		options.home,
		earlier.signers,
		report,
		(tetrad) => texts.get(tetrad),
	);
	await using module = new MoneyModule({
		...home,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
		observe: (event, number) => {
			observer(number, report)(event);
			if (purse === undefined || event.kind !== "confirmed") return;
			const { tetrad } = event;
			const its = new ModuleTexts(tetrad, number, greet, report);
			texts.set(tetrad, its);
			its
				.begin()
				.catch((thrown: unknown) =>
					reportRefused(peerOf(tetrad), thrown, report),
				);
		},
		...(purse === undefined
			? {
					onTetrad: (tetrad, number) => {
						const its = new ModuleTexts(tetrad, number, greet, report);
						void hearTexts(tetrad, its, report);
					},
				}
			: { purse }),
	});
	await using listener = await listen(options.listen, (carrier) => {
		const ended = (error: TetradError | undefined) =>
			reportUnlinked(carrier.peer, error, report);
		module.serve(carrier, { pairing, mode: link, ended }).then(
			() => report({ event: "linked", peer: carrier.peer }),
			(thrown: unknown) => reportRefused(carrier.peer, thrown, report),
		);
	});
	report({ event: "listening", address: formatAddress(listener.address) });
	const stopping: Promise<unknown>[] = [untilAborted(signal)];
	if (purse !== undefined) stopping.push(purse.failed);
	const failed = await Promise.race(stopping);
	if (failed instanceof TetradError) throw failed;
	report({ event: "stopped" });
}

/** The purse of a module that has one. */
async function openPurse(
	home: string,
	earlier: NonNullable<PurseOptions["earlier"]>,
	report: Report,
	textsOf: (tetrad: Tetrad) => ModuleTexts | undefined,
): Promise<Purse | undefined> {
	if (!(await hasPurse(home))) return undefined;
	const { issuers, mints } = await readPurseSettings(home);
	const terms = [
		...issuers.map(({ terms }) => terms),
		...mints.map(trustedMint),
	];
	return Purse.openHome(home, {
		earlier,
		report: (what) => report(purseEvent(what, terms)),
		other: (tetrad, from, bytes) => textsOf(tetrad)?.hear(from, bytes),
		refused: (tetrad, error) => reportRefused(peerOf(tetrad), error, report),
	});
}

/** What a module without a purse does with a tetrad. */
async function hearTexts(
	tetrad: Tetrad,
	texts: ModuleTexts,
	report: Report,
): Promise<void> {
	const hear = async (from: "agent" | "module"): Promise<void> => {
		for await (const bytes of tetrad[from]) await texts.hear(from, bytes);
	};
	try {
		await Promise.all([hear("module"), hear("agent"), texts.begin()]);
	} catch (thrown) {
		// The end of the tetrad was reported by its observer; anything else ends it.
		if (!tetrad.ended) reportRefused(peerOf(tetrad), thrown, report);
	}
	await tetrad.close();
}

/** The certified name of the other module. */
function peerOf({ place, parties }: Tetrad): string {
	return parties[place === "X" ? "Y" : "X"].name;
}
