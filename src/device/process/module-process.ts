import { type Address, formatAddress, listen } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { isOfMoney } from "../../money/index.ts";
import type { LinkMode } from "../../tetrad/index.ts";
import { demandAccepted, type HomeSecrets, readHome } from "../home/index.ts";
import { hasPurse, Purse, readPurseSettings } from "../purse/index.ts";
import {
	MoneyModule,
	parseText,
	type Tetrad,
	textMessage,
} from "../runtime/index.ts";
import { observer, untilAborted } from "./agent-process.ts";
import { KeylogFile } from "./keylog-file.ts";
import { type Report, reportLists } from "./process-events.ts";
import { purseEvent } from "./purse-events.ts";

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
	const greetings = new WeakMap<Tetrad, Greeting>();
	await using purse = await openPurse(options.home, report, (tetrad) =>
		greetings.get(tetrad),
	);
	await using module = new MoneyModule({
		...home,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
		observe: (event, number) => {
			observer(number, report)(event);
			if (purse === undefined || event.kind !== "confirmed") return;
			const greeting = new Greeting(event.tetrad, number, greet, report);
			greetings.set(event.tetrad, greeting);
			greeting
				.begin()
				.catch((thrown: unknown) =>
					reportRefused(event.tetrad, asTetradError(thrown), report),
				);
		},
		...(purse === undefined
			? {
					onTetrad: (tetrad, number) =>
						void talk(
							tetrad,
							new Greeting(tetrad, number, greet, report),
							report,
						),
				}
			: { purse }),
	});
	await using listener = await listen(options.listen, (carrier) => {
		module.serve(carrier, { pairing, mode: link }).then(
			() => report({ event: "linked", peer: carrier.peer }),
			(thrown: unknown) => {
				const { code, message } = asTetradError(thrown);
				report({ event: "refused", peer: carrier.peer, code, reason: message });
			},
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
	report: Report,
	greetingOf: (tetrad: Tetrad) => Greeting | undefined,
): Promise<Purse | undefined> {
	if (!(await hasPurse(home))) return undefined;
	const { issuers } = await readPurseSettings(home);
	const terms = issuers.map(({ terms }) => terms);
	return Purse.openHome(home, {
		report: (what) => report(purseEvent(what, terms)),
		other: (tetrad, from, bytes) => greetingOf(tetrad)?.hear(from, bytes),
		refused: (tetrad, error) => reportRefused(tetrad, error, report),
	});
}

/** The texts of one tetrad: reports every one, and greets when that was asked for. */
class Greeting {
	readonly #tetrad: Tetrad;
	readonly #number: number;
	readonly #text: string | undefined;
	readonly #report: Report;
	readonly #heard = new Set<"agent" | "module">();
	#isDone = false;

	constructor(
		tetrad: Tetrad,
		number: number,
		text: string | undefined,
		report: Report,
	) {
		this.#tetrad = tetrad;
		this.#number = number;
		this.#text = text;
		this.#report = report;
	}

	/** Greets the other module. */
	async begin(): Promise<void> {
		if (this.#text !== undefined)
			await this.#say("module", textMessage(this.#text));
	}

	/** Once both have spoken, the own agent is greeted. Throws `unexpected-message` for what is no text. */
	async hear(from: "agent" | "module", bytes: Uint8Array): Promise<void> {
		const text = parseText(bytes);
		if (text === undefined)
			throw new TetradError(
				"unexpected-message",
				isOfMoney(bytes)
					? "somebody asks for money, and this module has no purse; make one with: tetrad purse create"
					: `the ${from === "agent" ? "own agent" : "other module"} sent something that this module does not know`,
			);
		const local = this.#tetrad.place === "X" ? 3 : 4;
		this.#report({
			event: "message",
			tetrad: this.#number,
			session: from === "module" ? 2 : local,
			text,
		});
		this.#heard.add(from);
		if (this.#heard.size < 2 || this.#isDone || this.#text === undefined)
			return;
		this.#isDone = true;
		await this.#say("agent", textMessage(this.#text));
	}

	/** Whoever has gone hears no greeting. */
	async #say(to: "agent" | "module", bytes: Uint8Array): Promise<void> {
		try {
			await this.#tetrad[to].send(bytes);
		} catch (thrown) {
			if (!this.#tetrad.ended) throw thrown;
		}
	}
}

/** What a module without a purse does with a tetrad. */
async function talk(
	tetrad: Tetrad,
	greeting: Greeting,
	report: Report,
): Promise<void> {
	const hear = async (from: "agent" | "module"): Promise<void> => {
		for await (const bytes of tetrad[from]) await greeting.hear(from, bytes);
	};
	try {
		await Promise.all([hear("module"), hear("agent"), greeting.begin()]);
	} catch (thrown) {
		// The end of the tetrad was reported by its observer; anything else ends it.
		if (!tetrad.ended) reportRefused(tetrad, asTetradError(thrown), report);
	}
	await tetrad.close();
}

function reportRefused(
	tetrad: Tetrad,
	{ code, message }: TetradError,
	report: Report,
): void {
	const peer = tetrad.parties[tetrad.place === "X" ? "Y" : "X"].name;
	report({ event: "refused", peer, code, reason: message });
}
