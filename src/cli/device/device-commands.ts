import { join } from "node:path";
import type { Command } from "commander";
import pino from "pino";
import type { Address } from "../../carrier/index.ts";
import { requirePrivate } from "../../device/home/index.ts";
import {
	type AgentProcessOptions,
	MAX_TEXT_BYTES,
	type ProcessEvent,
	type PurseEvent,
	type Report,
	runAgentProcess,
	runModuleProcess,
	type WantedPayment,
} from "../../device/process/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { type IssuerTerms, parseAmount } from "../../money/index.ts";
import type { Routing } from "../../tetrad/index.ts";
import { utf8 } from "../../wire/index.ts";
import {
	address,
	contract,
	jsonFlag,
	keylogFlag,
	type LinkFlag,
	linkFlag,
	linkOf,
	positiveSeconds,
	type RootFlag,
	rootFlag,
	rootOf,
	routingFlag,
} from "../flags.ts";
import { chooseIssuer, money } from "../money.ts";
import { addSecretFlags, type SecretFlags, secretsOf } from "../secrets.ts";
import { count, EXIT, plain, say, sayJson, tell } from "../voice.ts";

interface DeviceFlags extends SecretFlags {
	readonly home: string;
	readonly link: LinkFlag;
	readonly greet?: string;
	readonly timeout?: number;
	readonly unsafeKeylog?: string;
	readonly json?: true;
}

interface AgentFlags extends DeviceFlags {
	readonly module: Address;
	readonly listen?: Address;
	readonly connect?: Address;
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly message?: string;
	readonly send?: string;
	readonly receive?: string;
	readonly settle?: true;
	readonly settleAt?: Address;
	/** In milliseconds. */
	readonly settleEvery?: number;
	readonly pay?: string;
	readonly for?: string;
	readonly issuer?: string;
	readonly contract?: Uint8Array;
	readonly issuerTerms?: string[];
	readonly takePayments?: true;
}

interface ModuleFlags extends DeviceFlags {
	readonly listen: Address;
}

export function addAgentCommand(program: Command): void {
	const agent = program
		.command("agent")
		.description(
			"run a trusted agent: device 1 or 2, which talks and holds no money",
		)
		.requiredOption("--home <folder>", "the agent's home")
		.requiredOption("--module <address>", "where its module listens", address)
		.option(
			"--listen <address>",
			"answer other agents here, until SIGTERM",
			address,
		)
		.option(
			"--connect <address>",
			"connect to this agent, do what is asked, and stop",
			address,
		)
		.addOption(routingFlag())
		.addOption(rootFlag())
		.addOption(linkFlag())
		.option(
			"--message <text>",
			"a message that rides on the first flight that can carry it",
		)
		.option("--send <file>", "a file to send to the other agent")
		.option(
			"--receive <folder>",
			"take files that other agents send, into this folder",
		)
		.option(
			"--settle",
			"with --connect to the agent of an issuer: let the own module withdraw what was ordered, deposit what it received, and change what expires",
		)
		.option(
			"--settle-at <address>",
			"with --listen: the same at this address, at the start and then regularly",
			address,
		)
		.option(
			"--settle-every <seconds>",
			"how long after each --settle-at; an hour unless given",
			positiveSeconds,
		)
		.option(
			"--pay <amount>",
			"with --connect: have the own module pay the other agent's module",
		)
		.option("--for <text>", "what --pay is for, in up to 256 bytes")
		.option(
			"--issuer <name>",
			"whose money --pay is in, where --issuer-terms names several",
		)
		.option(
			"--contract <hex>",
			"the contract of the payment, 64 hexadecimal digits, agreed beforehand or reported earlier: there is one payment for it, however often it is asked for; a new one unless given",
			contract,
		)
		.option(
			"--issuer-terms <file...>",
			"issuer.terms.json of each issuer whose money is paid or taken",
		)
		.option(
			"--take-payments",
			"with --listen: take payments in the money of --issuer-terms",
		)
		.option(
			"--greet <text>",
			"say this to the own module in every tetrad, and wait for its answer",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	addSecretFlags(agent)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Answer on port 7000 and take files:
    tetrad agent --home bob --module unix:bob-till/link.sock --listen 127.0.0.1:7000 --receive inbox
  Send a file to that agent:
    tetrad agent --home alice --module unix:alice-purse/link.sock --connect 127.0.0.1:7000 --send order.pdf
  Withdraw what the owner has ordered with tetrad purse, at the issuer's agent on port 7100:
    tetrad agent --home alice --module unix:alice-purse/link.sock --connect 127.0.0.1:7100 --settle
  Take payments, deposit them every hour, and pay one:
    tetrad agent --home bob --module unix:bob-till/link.sock --listen 127.0.0.1:7000 --take-payments --issuer-terms issuer.terms.json --settle-at 127.0.0.1:7100
    tetrad agent --home alice --module unix:alice-purse/link.sock --connect 127.0.0.1:7000 --pay 12.50 --for "a book" --issuer-terms issuer.terms.json`,
		)
		.action(async (flags: AgentFlags) => {
			if (flags.listen === undefined && flags.connect === undefined)
				throw new TetradError(
					"invalid-argument",
					"say what the agent shall do: --listen ADDRESS, --connect ADDRESS, or both",
				);
			const { home, module, listen, connect, routing } = flags;
			const { timeout, root, link, message, send, receive, greet } = flags;
			const { unsafeKeylog } = flags;
			const business = await businessOf(flags);
			await runDevice(flags, (signal, report) =>
				runAgentProcess(
					{
						...defined({ listen, connect, message, send, receive, greet }),
						...defined({ unsafeKeylog }),
						...business,
						home,
						module,
						routing,
						secrets: secretsOf(flags),
						root: rootOf(root),
						link: linkOf(link),
						signal,
						...(timeout === undefined ? {} : { timeoutMs: timeout }),
					},
					report,
				),
			);
		});
}

const HOUR_MS = 3_600_000;

/** What has to do with money, checked before anything runs. */
async function businessOf(
	flags: AgentFlags,
): Promise<Pick<AgentProcessOptions, "settle" | "settleAt" | "pay" | "take">> {
	const { settle, settleAt, settleEvery = HOUR_MS } = flags;
	const { pay, takePayments, connect, listen } = flags;
	if (connect === undefined && (settle || pay !== undefined))
		throw invalid("--settle and --pay go with --connect");
	if (listen === undefined && (takePayments || settleAt !== undefined))
		throw invalid("--take-payments and --settle-at go with --listen");
	if (settleAt === undefined && flags.settleEvery !== undefined)
		throw invalid("--settle-every goes with --settle-at");
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
		...(settleAt === undefined
			? {}
			: { settleAt: { address: settleAt, everyMs: settleEvery } }),
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

export function addModuleCommand(program: Command): void {
	const module = program
		.command("module")
		.description("run a money module: device 3 or 4, which serves one agent")
		.requiredOption("--home <folder>", "the module's home")
		.requiredOption(
			"--listen <address>",
			"where its agent finds it; a Unix socket, unless they are on two machines",
			address,
		)
		.addOption(linkFlag())
		.option(
			"--greet <text>",
			"say this to the other module in every tetrad, and then to the own agent",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	addSecretFlags(module)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad module --home bob-till --listen unix:bob-till/link.sock`,
		)
		.action(async (flags: ModuleFlags) => {
			const { timeout, link, json, ...rest } = flags;
			await runDevice(flags, (signal, report) =>
				runModuleProcess(
					{
						...rest,
						secrets: secretsOf(flags),
						link: linkOf(link),
						signal,
						...(timeout === undefined ? {} : { timeoutMs: timeout }),
					},
					report,
				),
			);
		});
}

/** Runs a device until it is done or a signal asks it to stop; what it reports is printed and logged. */
export async function runDevice(
	flags: Pick<DeviceFlags, "home" | "json">,
	start: (signal: AbortSignal, report: Report) => Promise<void>,
): Promise<void> {
	await requirePrivate(flags.home);
	const log = openLog(join(flags.home, "log.jsonl"));
	const stop = new AbortController();
	const onSignal = () => stop.abort();
	process.on("SIGTERM", onSignal);
	process.on("SIGINT", onSignal);
	process.on("SIGHUP", onSignal);
	// A stage that was killed closes the channel to the devices that it started.
	process.on("disconnect", onSignal);
	process.channel?.unref();
	try {
		await start(stop.signal, (event) => {
			if (event.event !== "progress") log.info(event);
			if (flags.json) sayJson(event);
			else {
				const line = sentence(event);
				if (line !== undefined) say(line);
			}
		});
	} catch (thrown) {
		if (stop.signal.aborted) {
			// A server that is asked to stop is done; what was asked for and not finished is not.
			tell("stopped before it was done");
			process.exitCode = EXIT.failed;
			return;
		}
		log.error(
			thrown instanceof TetradError
				? { code: thrown.code, reason: thrown.message }
				: { code: "internal" },
		);
		throw thrown;
	} finally {
		process.off("SIGTERM", onSignal);
		process.off("SIGINT", onSignal);
		process.off("SIGHUP", onSignal);
		process.off("disconnect", onSignal);
	}
}

function openLog(dest: string): pino.Logger {
	try {
		const file = pino.destination({ dest, mode: 0o600, sync: true });
		return pino({ base: null }, file);
	} catch (cause) {
		throw new TetradError(
			"home-unusable",
			`cannot write ${dest}: ${(cause as Error).message}`,
			{ cause },
		);
	}
}

function sentence(event: ProcessEvent): string | undefined {
	switch (event.event) {
		case "listening":
			return `listening on ${event.address}`;
		case "linked":
			return `linked with ${plain(event.peer)}`;
		case "bound":
			return `tetrad ${event.tetrad}: bound`;
		case "confirmed": {
			const { A, B, X, Y } = event.devices;
			return [
				`tetrad ${event.tetrad}: confirmed as ${event.place}; ${event.routing}, ${event.root}, ${event.suite}`,
				`  ${A} with ${X}  and  ${B} with ${Y}`,
				`  safety code: ${event.safetyCode}`,
			].join("\n");
		}
		case "message":
			return `tetrad ${event.tetrad}: session ${event.session} says: ${plain(event.text)}`;
		case "progress":
			return undefined;
		case "file-sent":
		case "file-received":
			return `tetrad ${event.tetrad}: ${event.event === "file-sent" ? "sent" : "received"} ${plain(event.name)}, ${count(event.size)} bytes, SHA-256 ${event.sha256}${event.path === undefined ? "" : `, as ${plain(event.path)}`}`;
		case "ended":
			return event.code === undefined
				? `tetrad ${event.tetrad}: closed in order`
				: `tetrad ${event.tetrad}: ended: ${plain(event.reason ?? "")} (${event.code})`;
		case "refused":
			return `refused ${plain(event.peer)}: ${plain(event.reason)} (${event.code})`;
		case "list-learned":
			return `untrusted list ${event.number} of ${plain(event.authority)}, with ${event.entries} certificates, is in force`;
		case "list-trouble":
			return `trouble with an untrusted list: ${plain(event.reason)} (${event.code})`;
		case "paid":
			return `tetrad ${event.tetrad}: paid ${money(event)}${forWhat(event)}, and the other module has it\n  contract ${event.contract}`;
		case "received":
			return `tetrad ${event.tetrad}: received ${money(event)}${forWhat(event)}`;
		case "in-doubt":
			return `tetrad ${event.tetrad}: ${money(event)}${forWhat(event)} is in doubt: ${plain(event.reason)}\n  ask again, and nothing is paid twice: --pay ${event.amount} --contract ${event.contract}`;
		case "settled":
			return `tetrad ${event.tetrad}: settled with ${plain(event.issuer)}`;
		case "purse":
			return purseSentence(event);
		case "issuing":
			return `${plain(event.name)} issues ${event.currency}${event.play ? ", which is play money: nobody exchanges it for anything" : ""}`;
		case "serving":
			return `operators ask ${event.url}`;
		case "request":
			return `tetrad ${event.tetrad}: ${event.asked} by ${plain(event.peer)}: ${event.outcome === "declined" ? `declined: ${plain(event.reason ?? "")} (${event.code})` : `${event.outcome} ${event.amount} ${event.currency}${event.play ? " (play money)" : ""}`}`;
		case "double-spending":
			return `double spending: conflict ${event.conflict} proves it`;
		case "forked":
			return `tetrad ${event.tetrad}: ${plain(event.peer)} told another head ${event.head} before; its purse runs in two copies`;
		case "trouble":
			return `tetrad ${event.tetrad}: ${plain(event.reason)} (${event.code})`;
		case "stopped":
			return "stopped";
	}
}

function forWhat({ text }: { readonly text: string }): string {
	return text === "" ? "" : ` for "${plain(text)}"`;
}

function purseSentence(event: PurseEvent): string {
	const { kind, amount, currency, play, issuer, credited, into } = event;
	const sum =
		amount === undefined ||
		currency === undefined ||
		play === undefined ||
		issuer === undefined
			? "an amount"
			: money({ amount, currency, play });
	const why = `${plain(event.reason ?? "")}${event.code === undefined ? "" : ` (${event.code})`}`;
	switch (kind) {
		case "ordered":
			return `purse: the owner ordered ${/^0(\.0*)?$/.test(amount ?? "") ? "all notes back into the account" : `to withdraw ${sum}`}`;
		case "paid":
			return `purse: paid ${sum}`;
		case "in-doubt":
			return `purse: ${sum} is in doubt: ${why}`;
		case "received":
			return `purse: received ${sum}; it is deposited at the next meeting with its issuer`;
		case "refused":
			return `purse: refused a payment: ${why}`;
		case "deposited":
			return credited === amount
				? `purse: deposited ${sum}`
				: `purse: deposited ${sum}, of which the issuer credited ${credited ?? "less"}: the rest was booked for somebody else before`;
		case "withdrawn":
			return `purse: withdrew ${sum}`;
		case "exchanged":
			return into === "account"
				? `purse: gave ${sum} back to the account`
				: `purse: exchanged ${sum} for new notes`;
		case "claimed":
			return `purse: claimed ${sum} of a note that had expired`;
		case "account":
			return `purse: the account holds ${sum}`;
		case "behind":
			return `purse: pays nobody: ${why}`;
		case "trouble":
			return `purse: trouble: ${why}`;
	}
}
