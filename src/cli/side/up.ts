import { readDeviceFile } from "../../device/home/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import { requireSeveral } from "../../device/service/index.ts";
import {
	modulesOf,
	type SecretPlaces,
	type Side,
} from "../../device/side/index.ts";
import {
	type AskedSecrets,
	type ProcessState,
	plansOfSide,
	Supervisor,
} from "../../device/supervisor/index.ts";
import { TetradError } from "../../errors.ts";
import { parsePkcs11Uri, secretFromPrompt } from "../../keys/index.ts";
import { sentence } from "../sentences.ts";
import { requireSide } from "../side-flags.ts";
import { untilStopped } from "../until-stopped.ts";
import { plain, say, sayJson, tellTrouble } from "../voice.ts";
import { lockSide } from "./lock-side.ts";
import { showAddress } from "./show-address.ts";

export interface UpFlags {
	readonly home?: string;
	readonly agents?: number;
	readonly json?: true;
}

export async function up({ home, agents, json }: UpFlags): Promise<void> {
	const side = await requireSide(home);
	using _ = await lockSide(side);
	if ((agents ?? side.agent.processes) > 1) await requireSeveral(side);
	const asked = await askSecrets(side);
	const plans = plansOfSide(side, {
		asked,
		...(agents === undefined ? {} : { processes: agents }),
	});
	if (plans.length === 0)
		throw new TetradError(
			"home-unusable",
			`there is nothing to run here of ${side.name}: its module does not run apart, and a buyer's agent runs when it buys`,
		);
	await untilStopped(async (signal) => {
		await using _ = await Supervisor.start(plans, {
			signal,
			changed: (name, state) => {
				if (json) sayJson(stateJson(name, state));
				else sayState(name, state);
			},
			said: (name, event) => {
				if (json) sayJson({ process: name, ...event });
				else sayEvent(name, event);
			},
		});
		sayUp(side, json === true);
		await aborted(signal);
	});
	if (json) sayJson({ event: "stopped" });
	else say("stopped");
}

/** Asks for what no setting says, once: a device that is started again does not ask. */
async function askSecrets(side: Side): Promise<AskedSecrets> {
	const modules: AskedSecrets["agent"][] = [];
	for (const { home, runs, secrets } of modulesOf(side))
		modules.push(
			runs === "apart" ? await askSecret("module", home, secrets) : undefined,
		);
	const { listen, home } = side.agent;
	return {
		modules,
		agent:
			listen === undefined
				? undefined
				: await askSecret("agent", home, side.secrets.agent),
	};
}

async function askSecret(
	role: "agent" | "module",
	home: string,
	places: SecretPlaces,
): Promise<AskedSecrets["agent"]> {
	const { key, name } = await readDeviceFile(home, role);
	const kind = kindOfSecret(key);
	if (kind === undefined || places[kind] !== undefined) return undefined;
	const what = `${kind === "pin" ? "PIN" : "passphrase"} of the ${role} ${name}`;
	const bytes = await secretFromPrompt()({ what, isNew: false });
	const text = Buffer.from(bytes).toString("utf8");
	bytes.fill(0);
	return { kind, text };
}

function kindOfSecret(
	key: Awaited<ReturnType<typeof readDeviceFile>>["key"],
): "passphrase" | "pin" | undefined {
	if ("unsafeUnsealedFile" in key) return undefined;
	if ("file" in key) return "passphrase";
	return parsePkcs11Uri(key.pkcs11).pinFile === undefined ? "pin" : undefined;
}

function sayUp(side: Side, json: boolean): void {
	const { name, kind, path, agent } = side;
	const address =
		agent.listen === undefined ? undefined : showAddress(agent.listen);
	if (json)
		return sayJson({
			event: "up",
			side: name,
			kind,
			home: path,
			...(address === undefined ? {} : { address }),
		});
	say(
		`${name} is up, ${kind === "issuer" ? "an" : "a"} ${kind}${address === undefined ? "" : `: others reach it at ${address}`}`,
	);
}

/** A change of a process as programs read it. */
export function stateJson(
	name: string,
	{ kind, ...rest }: ProcessState,
): object {
	return { event: "process", process: name, state: kind, ...rest };
}

function sayState(name: string, state: ProcessState): void {
	switch (state.kind) {
		case "running":
			return say(`${name}: runs as process ${state.pid}`);
		case "ended":
			return tellTrouble(
				`${name}: ${plain(state.reason)}; it is started again in ${state.againInMs / 1000} s`,
			);
		case "waiting":
		case "starting":
		case "failed":
		case "stopped":
			return;
	}
}

/** What programs want to know of each conversation, and no owner of a side. */
const DETAILS: ReadonlySet<ProcessEvent["event"]> = new Set<
	ProcessEvent["event"]
>([
	"listening",
	"linked",
	"bound",
	"confirmed",
	"progress",
	"offered",
	"settled",
	"stopped",
]);

/** Whether an owner wants to know it of a side that runs. */
export function isOfNote(event: ProcessEvent): boolean {
	if (event.event === "unlinked" || event.event === "ended")
		return event.code !== undefined;
	// What the account holds is said at every meeting.
	if (event.event === "purse") return event.kind !== "account";
	return !DETAILS.has(event.event);
}

function sayEvent(name: string, event: ProcessEvent): void {
	const line = isOfNote(event) ? sentence(event) : undefined;
	if (line !== undefined) say(`${name}: ${line}`);
}

export function aborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) =>
		signal.addEventListener("abort", () => resolve(), { once: true }),
	);
}
