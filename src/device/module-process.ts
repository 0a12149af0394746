import { type Address, formatAddress, listen } from "../carrier/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import type { LinkMode } from "../tetrad/index.ts";
import { parseUtf8, utf8 } from "../wire/index.ts";
import { observer, untilAborted } from "./agent-process.ts";
import type { Channel } from "./channel.ts";
import { demandAccepted, type HomeSecrets, readHome } from "./home.ts";
import { KeylogFile } from "./keylog-file.ts";
import { MoneyModule } from "./money-module.ts";
import { type Report, reportLists } from "./process-events.ts";
import type { Tetrad } from "./tetrad.ts";

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
		onTetrad: (tetrad, number) => void talk(tetrad, number, greet, report),
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

/** Reports every message, and greets when that was asked for. */
async function talk(
	tetrad: Tetrad,
	number: number,
	greet: string | undefined,
	report: Report,
): Promise<void> {
	const local = tetrad.place === "X" ? 3 : 4;
	const heard = {
		module: Promise.withResolvers<void>(),
		agent: Promise.withResolvers<void>(),
	};
	const hear = async (
		channel: Channel,
		session: 2 | 3 | 4,
		first: () => void,
	): Promise<void> => {
		for await (const message of channel) {
			report({
				event: "message",
				tetrad: number,
				session,
				text: parseUtf8(message),
			});
			first();
		}
	};
	const answer = async (): Promise<void> => {
		if (greet === undefined) return;
		await tetrad.module.send(utf8(greet));
		const both = Promise.all([heard.module.promise, heard.agent.promise]);
		await Promise.race([both, tetrad.closed]);
		await tetrad.agent.send(utf8(greet));
	};
	try {
		await Promise.all([
			hear(tetrad.module, 2, heard.module.resolve),
			hear(tetrad.agent, local, heard.agent.resolve),
			answer(),
		]);
	} catch (thrown) {
		// The end of the tetrad was reported by its observer; anything else ends it.
		if (!tetrad.ended) {
			const { code, message } = asTetradError(thrown);
			const peer = tetrad.parties[tetrad.place === "X" ? "Y" : "X"].name;
			report({ event: "refused", peer, code, reason: message });
		}
	}
	await tetrad.close();
}
