import type { Address } from "../../carrier/index.ts";
import {
	type AgentProcessOptions,
	runAgentProcess,
	type WantedPayment,
} from "../../device/process/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import type { FurtherModule } from "../../device/service/index.ts";
import { TetradError } from "../../errors.ts";
import { type IssuerTerms, parseAmount } from "../../money/index.ts";
import { MAX_TEXT_BYTES } from "../../talk/index.ts";
import type { Routing } from "../../tetrad/index.ts";
import { utf8 } from "../../wire/index.ts";
import { linkOf, type RootFlag, rootOf } from "../flag-values.ts";
import { chooseIssuer } from "../money.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";
import { type SettlingFlags, settlingOf } from "../settling.ts";

export interface AgentFlags extends DeviceFlags, SettlingFlags {
	readonly module: Address;
	/** Of a side that has several. */
	readonly furtherModules?: readonly FurtherModule[] | undefined;
	readonly listen?: Address;
	readonly connect?: Address;
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly message?: string;
	readonly send?: string;
	readonly receive?: string;
	readonly settle?: true;
	/** In milliseconds. */
	readonly answerTimeout?: number;
	readonly pay?: string;
	readonly for?: string;
	readonly issuer?: string;
	readonly contract?: Uint8Array;
	readonly issuerTerms?: string[];
	readonly takePayments?: true;
}

export async function runAgent(flags: AgentFlags): Promise<void> {
	if (flags.listen === undefined && flags.connect === undefined)
		throw new TetradError(
			"invalid-argument",
			"say what the agent shall do: --listen ADDRESS, --connect ADDRESS, or both",
		);
	const { home, module, listen, connect, routing } = flags;
	const { timeout, root, link, message, send, receive, greet } = flags;
	const { unsafeKeylog, answerTimeout, furtherModules } = flags;
	const business = await businessOf(flags);
	await runDevice(flags, (signal, report) =>
		runAgentProcess(
			{
				...defined({ listen, connect, message, send, receive, greet }),
				...defined({ unsafeKeylog }),
				...business,
				home,
				module,
				furtherModules,
				routing,
				secrets: secretsOf(flags),
				root: rootOf(root),
				link: linkOf(link),
				signal,
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
				...(answerTimeout === undefined ? {} : { answerMs: answerTimeout }),
			},
			report,
		),
	);
}

/** What has to do with money, checked before anything runs. */
async function businessOf(
	flags: AgentFlags,
): Promise<Pick<AgentProcessOptions, "settle" | "settleAt" | "pay" | "take">> {
	const { settle, settleAt } = flags;
	const { pay, takePayments, connect, listen } = flags;
	if (connect === undefined && (settle || pay !== undefined))
		throw invalid("--settle and --pay go with --connect");
	if (listen === undefined && (takePayments || settleAt !== undefined))
		throw invalid("--take-payments and --settle-at go with --listen");
	const settling = settlingOf(flags);
	for (const flag of ["for", "issuer", "contract"] as const)
		if (pay === undefined && flags[flag] !== undefined)
			throw invalid(`--${flag} goes with --pay`);
	const issuers = await Promise.all(
		(flags.issuerTerms ?? []).map(readIssuerTerms),
	);
	if (issuers.length === 0 && (takePayments || pay !== undefined))
		throw invalid(
			"say whose money it is about: --issuer-terms issuer.terms.json, which the issuer hands out",
		);
	return {
		...(settle ? { settle } : {}),
		...settling,
		...(takePayments ? { take: issuers } : {}),
		...(pay === undefined ? {} : { pay: wantedOf(pay, flags, issuers) }),
	};
}

function wantedOf(
	pay: string,
	{ for: text = "", issuer, contract }: AgentFlags,
	issuers: readonly IssuerTerms[],
): WantedPayment {
	const terms = chooseIssuer(issuers, issuer);
	if (utf8(text).length > MAX_TEXT_BYTES)
		throw invalid(`--for has at most ${MAX_TEXT_BYTES} bytes`);
	return {
		terms,
		amount: parseAmount(pay, terms.currency),
		text,
		...defined({ contract }),
	};
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}

/** An object without its undefined values. */
function defined<Of extends object>(
	values: Of,
): { [Name in keyof Of]?: Exclude<Of[Name], undefined> } {
	return Object.fromEntries(
		Object.entries(values).filter(([, value]) => value !== undefined),
	) as { [Name in keyof Of]?: Exclude<Of[Name], undefined> };
}
