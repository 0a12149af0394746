import { type Address, formatAddress, listen } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	claimLedger,
	formatAmount,
	type IssuerReport,
	type IssuerTerms,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import {
	askOnce,
	type DatabaseLocation,
	demandAccepted,
	type HomeSecrets,
	readHome,
} from "../home/index.ts";
import {
	announceHttp,
	forgetHttp,
	Issuer,
	LedgerOperator,
	openLedger,
	openSellingMaster,
	placeLedger,
	readOperatorToken,
	termsOf,
} from "../issuer/index.ts";
import { MoneyModule, type Tetrad, untilAborted } from "../runtime/index.ts";
import {
	type ProcessEvent,
	type Report,
	reportLists,
} from "./process-events.ts";
import { observer, reportUnlinked } from "./tetrad-events.ts";

export interface IssuerProcessOptions {
	readonly home: string;
	readonly secrets?: HomeSecrets;
	/** Where the own agent finds this module. */
	readonly listen: Address;
	/** Where operators find the HTTP API; none unless given. */
	readonly http?: {
		readonly host: string;
		readonly port: number;
		readonly unsafeAnywhere: boolean;
	};
	/** In the place of what the settings say, and from then on in them. */
	readonly database?: Partial<DatabaseLocation>;
	readonly timeoutMs?: number;
	readonly signal: AbortSignal;
}

/** Runs an issuer until `signal` says stop. Rejects with why it could not, or cannot any more. */
export async function runIssuerProcess(
	options: IssuerProcessOptions,
	report: Report,
): Promise<void> {
	const { signal, timeoutMs, database, http } = options;
	const settings = await placeLedger(options.home, database);
	await using stack = new AsyncDisposableStack();
	const { passphrase: source, ...others } = options.secrets ?? {};
	// One for the key and for the master secret beside it, and nobody is asked twice.
	const passphrase = source && askOnce(source);
	stack.defer(() => passphrase?.forget());
	const secrets = {
		...others,
		...(passphrase === undefined ? {} : { passphrase: passphrase.ask }),
	};
	await using home = await readHome(options.home, "module", secrets);
	const { pairing, policy } = home;
	if (pairing === undefined)
		throw new TetradError(
			"not-paired",
			`the module at ${options.home} is paired with no agent any more; run: tetrad pair --home ${options.home} --listen ${formatAddress(options.listen)}`,
		);
	demandAccepted(home, { links: "paired" });
	const terms = await termsOf(options.home, settings);
	await using store = await openLedger(options.home, settings);
	await store.transact(claimLedger(terms));
	const sellingMaster = await openSellingMaster(
		options.home,
		store,
		passphrase?.ask,
	);
	passphrase?.forget();
	await using issuer = new Issuer({
		parameters: settings,
		store,
		sellingMaster,
		report: (what) => report(issuerEvent(what, terms)),
		refused: (tetrad, error) => reportRefused(tetrad, error, report),
	});
	sellingMaster.fill(0);
	await using module = new MoneyModule({
		...home,
		purse: issuer,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		observe: (event, number) => observer(number, report)(event),
	});
	await using served = new AsyncDisposableStack();
	// What a process that was killed has left.
	await forgetHttp(options.home);
	if (http !== undefined) {
		// What speaks HTTP is loaded when it is needed: it takes long to load.
		const { serveOperatorHttp } = await import("../issuer/http/index.ts");
		const api = await serveOperatorHttp({
			...http,
			operator: new LedgerOperator({ store, terms, roots: policy }),
			token: await readOperatorToken(options.home),
			isPlay: terms.isPlay,
		});
		served.use(api);
		await announceHttp(options.home, api.url);
		served.defer(() => forgetHttp(options.home));
		report({ event: "serving", url: api.url });
	}
	const listener = served.use(
		await listen(options.listen, (carrier) => {
			const ended = (error: TetradError | undefined) =>
				reportUnlinked(carrier.peer, error, report);
			module.serve(carrier, { pairing, mode: "paired", ended }).then(
				() => report({ event: "linked", peer: carrier.peer }),
				(thrown: unknown) => {
					const { code, message: reason } = asTetradError(thrown);
					report({ event: "refused", peer: carrier.peer, code, reason });
				},
			);
		}),
	);
	report({ event: "issuing", ...issuing(terms) });
	report({ event: "listening", address: formatAddress(listener.address) });
	const failed = await Promise.race([untilAborted(signal), issuer.failed]);
	if (failed instanceof TetradError) throw failed;
	report({ event: "stopped" });
}

function issuing({ issuer, name, currency, isPlay }: IssuerTerms) {
	return { issuer: hex(issuer), name, currency: currency.code, play: isPlay };
}

function issuerEvent(
	what: IssuerReport,
	{ currency, isPlay }: IssuerTerms,
): ProcessEvent {
	switch (what.kind) {
		case "settled": {
			const { tetrad, name, asked, settled, sale } = what;
			const said = {
				event: "request",
				tetrad,
				peer: name,
				asked,
				...(sale === undefined ? {} : { sale: hex(sale) }),
			} as const;
			return settled.kind === "declined"
				? {
						...said,
						outcome: "declined",
						code: settled.code,
						reason: settled.reason,
					}
				: {
						...said,
						outcome: settled.kind,
						amount: formatAmount(settled.amount, currency),
						currency: currency.code,
						play: isPlay,
					};
		}
		case "double-spending": {
			const { id, note, first, second, holder } = what.conflict;
			return {
				event: "double-spending",
				conflict: hex(id),
				holder: hex(holder),
				note: hex(note),
				first: hex(first),
				second: hex(second),
			};
		}
		case "forked":
			return {
				event: "forked",
				tetrad: what.tetrad,
				peer: what.name,
				head: String(what.number),
			};
		case "trouble":
			return {
				event: "trouble",
				tetrad: what.tetrad,
				code: what.code,
				reason: what.reason,
			};
	}
}

function reportRefused(
	tetrad: Tetrad,
	{ code, message }: TetradError,
	report: Report,
): void {
	const peer = tetrad.parties[tetrad.place === "X" ? "Y" : "X"].name;
	report({ event: "refused", peer, code, reason: message });
}
