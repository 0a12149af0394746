import { type Address, formatAddress, listen } from "../carrier/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import type { LinkMode } from "../tetrad/index.ts";
import { observer, untilAborted } from "./agent-process.ts";
import { demandAccepted, type HomeSecrets, readHome } from "./home.ts";
import { KeylogFile } from "./keylog-file.ts";
import { isOfMoney } from "./money-driver.ts";
import { MoneyModule } from "./money-module.ts";
import { type Report, reportLists } from "./process-events.ts";
import type { Tetrad } from "./tetrad.ts";
import { parseText, textMessage } from "./text.ts";

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
	await using module = new MoneyModule({
		...home,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
		observe: (event, number) => observer(number, report)(event),
		onTetrad: (tetrad, number) =>
			void talk(tetrad, new Greeting(tetrad, number, greet, report), report),
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
	await untilAborted(signal);
	report({ event: "stopped" });
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
			await this.#tetrad.module.send(textMessage(this.#text));
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
		await this.#tetrad.agent.send(textMessage(this.#text));
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
