import { join } from "node:path";
import type { Command } from "commander";
import pino from "pino";
import type { Address } from "../carrier/index.ts";
import { runAgentProcess } from "../device/agent-process.ts";
import { requirePrivate } from "../device/files.ts";
import { runModuleProcess } from "../device/module-process.ts";
import type { ProcessEvent, Report } from "../device/process-events.ts";
import { TetradError } from "../errors.ts";
import type { Routing } from "../tetrad/index.ts";
import {
	address,
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
} from "./flags.ts";
import { addSecretFlags, type SecretFlags, secretsOf } from "./secrets.ts";
import { count, EXIT, plain, say, sayJson, tell } from "./voice.ts";

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
    tetrad agent --home alice --module unix:alice-purse/link.sock --connect 127.0.0.1:7000 --send order.pdf`,
		)
		.action(async (flags: AgentFlags) => {
			if (flags.listen === undefined && flags.connect === undefined)
				throw new TetradError(
					"invalid-argument",
					"say what the agent shall do: --listen ADDRESS, --connect ADDRESS, or both",
				);
			const { timeout, root, link, json, ...rest } = flags;
			await run(flags, (signal, report) =>
				runAgentProcess(
					{
						...rest,
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
			await run(flags, (signal, report) =>
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
async function run(
	flags: DeviceFlags,
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
		case "stopped":
			return "stopped";
	}
}
