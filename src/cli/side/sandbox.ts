/* A world in a folder: made, run under one supervisor, shown, and taken away again. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makePrivateFolder } from "../../device/home/index.ts";
import { MintProcess } from "../../device/mint/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import {
	forgetSandbox,
	freePorts,
	hasSandbox,
	makeSandbox,
	readWorld,
	removeSandbox,
	sandboxMint,
	type World,
} from "../../device/setup/index.ts";
import type { Side } from "../../device/side/index.ts";
import {
	DeviceProcess,
	type ProcessState,
	plansOfWorld,
	Supervisor,
} from "../../device/supervisor/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { RailName } from "../../trade/documents/index.ts";
import { untilStopped } from "../until-stopped.ts";
import { sayJson } from "../voice.ts";
import { lockFolder, lockSide } from "./lock-side.ts";
import { pasteFor } from "./paste.ts";
import { SandboxView } from "./sandbox-view.ts";
import { showAddress } from "./show-address.ts";
import { aborted, stateJson } from "./up.ts";

export interface SandboxFlags {
	readonly folder: string | undefined;
	readonly rail: RailName;
	readonly keep?: true;
	readonly json?: true;
}

export async function sandbox(flags: SandboxFlags): Promise<void> {
	const begun = performance.now();
	const { keep = false, json = false, rail } = flags;
	const given = flags.folder === undefined ? undefined : resolve(flags.folder);
	// Before anything is written where somebody else's things are.
	if (given !== undefined) await hasSandbox(given);
	await untilStopped(async (signal) => {
		const folder = given ?? (await mkdtemp(join(tmpdir(), "tetrad-")));
		await makePrivateFolder(folder);
		// Whoever has not got it takes nothing away.
		using _ = await lockFolder(folder, `the sandbox in ${folder}`);
		const isThere = await hasSandbox(folder);
		if (isThere && !keep)
			throw new TetradError(
				"home-unusable",
				`there is a sandbox in ${folder}, which was kept; go on with it by --keep, or remove the folder`,
			);
		if (isThere && rail === "cashu" && !(await sandboxMint(folder)))
			throw new TetradError(
				"home-unusable",
				`the sandbox in ${folder} was made without a mint; make another one with --rail cashu`,
			);
		let isGone = false;
		const view = json ? undefined : new SandboxView(folder, keep);
		try {
			await run({ folder, isThere, keep, rail, begun, signal, view });
		} catch (thrown) {
			// What was under way then fails as a consequence.
			throw signal.aborted ? stopped() : thrown;
		} finally {
			view?.close();
			if (!keep) isGone = await removeSandbox(folder);
		}
		if (json) sayJson({ event: "stopped" });
		else view?.sayEnd(isGone);
	});
}

/**
 * Of the issuer, the shop and the operators: those that our documents name, unless they are taken.
 * Programs that read along may run many worlds at once, and take any.
 */
const PORTS = [7100, 7000, 7180];

/** Of the play mint. */
const MINT_PORT = 3338;

interface Run {
	readonly folder: string;
	/** Whether it was made earlier. */
	readonly isThere: boolean;
	readonly keep: boolean;
	readonly rail: RailName;
	/** When the command began, as `performance` has it. */
	readonly begun: number;
	readonly signal: AbortSignal;
	/** Without one, programs read along. */
	readonly view: SandboxView | undefined;
}

/** How often a new world is made whose ports somebody else takes before it has them. */
const TRIES = 3;

async function run(options: Run): Promise<void> {
	const { folder, isThere, view } = options;
	for (let tries = 1; ; tries++) {
		const wanted = tries === 1 && view !== undefined ? PORTS : [];
		if (!isThere) await make(options, wanted);
		try {
			return await runMade(options);
		} catch (thrown) {
			const isTaken = asTetradError(thrown).code === "address-in-use";
			if (isThere || !isTaken || tries === TRIES) throw thrown;
			// It has never run, and has nothing to lose.
			await forgetSandbox(folder);
		}
	}
}

async function make(options: Run, wanted: readonly number[]): Promise<void> {
	const isWithMint = options.rail === "cashu";
	const asked =
		wanted.length > 0 && isWithMint ? [...wanted, MINT_PORT] : wanted;
	const ports = await freePorts(PORTS.length + (isWithMint ? 1 : 0), asked);
	const [issuer, shop, operators] = ports.map((port) => `127.0.0.1:${port}`);
	const mintPort = ports[PORTS.length];
	await makeSandbox(options.folder, {
		addresses: {
			issuer: issuer ?? "",
			shop: shop ?? "",
			operators: operators ?? "",
			...(mintPort === undefined ? {} : { mintPort }),
		},
		step: (what) => step(options, what),
	});
}

function step({ signal, view }: Run, what: string): void {
	if (signal.aborted) throw stopped();
	if (view === undefined) sayJson({ event: "step", what });
	else view.step(what);
}

async function runMade(options: Run): Promise<void> {
	const { folder, keep, signal, view } = options;
	const world = await readWorld(folder);
	using locks = new DisposableStack();
	for (const side of Object.values(world)) locks.use(await lockSide(side));
	step(options, "all of them start");
	view?.watch(world);
	const mint = await sandboxMint(folder);
	await using playMint = mint && (await MintProcess.start(mint));
	if (playMint !== undefined) tellOfMint(options, playMint);
	await using _ = await Supervisor.start(plansOfWorld(world), {
		signal,
		changed: (name, state) => report(view, name, state),
		said: (name, event) => {
			if (view === undefined) sayJson({ process: name, ...event });
			else view.said(name, event);
		},
	});
	step(options, "the buyer fetches its money");
	await settle(world.buyer, signal);
	const paste = pasteFor(folder, world);
	const seconds = (performance.now() - options.begun) / 1000;
	if (view !== undefined) await view.ready(paste, seconds);
	else
		sayJson({
			event: "ready",
			seconds,
			...readyJson(folder, keep, world),
			...(playMint === undefined ? {} : { mint: playMint.url }),
			paste,
		});
	await aborted(signal);
}

/** A mint that dies is said to be gone, and nothing of it is lost: the sandbox goes on with notes. */
function tellOfMint(
	{ view, signal }: Run,
	{ url, pid, ended }: MintProcess,
): void {
	if (view === undefined) sayJson({ event: "mint", url, pid });
	void ended.then(() => {
		if (signal.aborted) return;
		if (view === undefined) sayJson({ event: "mint-gone", url });
		else view.happened(`the play mint at ${url} is gone`);
	});
}

function report(
	view: SandboxView | undefined,
	name: string,
	state: ProcessState,
): void {
	if (view === undefined) sayJson(stateJson(name, state));
	else view.changed(name, state);
}

/** What was ordered is withdrawn; nothing is, when that was done earlier. */
async function settle(buyer: Side, signal: AbortSignal): Promise<void> {
	const { agent, module, issuer } = buyer;
	if (issuer === undefined) return;
	await using settling = new DeviceProcess<ProcessEvent>(
		"the buyer's agent",
		[
			...["agent", "--home", agent.home, "--module", showAddress(module.at)],
			...["--connect", showAddress(issuer.at), "--settle"],
		],
		signal,
	);
	await settling.succeed();
}

function readyJson(folder: string, keep: boolean, world: World) {
	return {
		folder,
		kept: keep,
		agency: join(folder, "agency"),
		bank: join(folder, "bank"),
		terms: join(folder, "issuer", "issuer.terms.json"),
		sides: Object.fromEntries(
			Object.values(world).map(({ name, path, agent, module, operate }) => [
				name,
				{
					home: path,
					agent: agent.home,
					module: module.home,
					link: showAddress(module.at),
					...(agent.listen === undefined
						? {}
						: { address: showAddress(agent.listen) }),
					...(operate.http === undefined
						? {}
						: { http: showAddress(operate.http) }),
				},
			]),
		),
	};
}

function stopped(): TetradError {
	return new TetradError("aborted", "stopped before it was ready");
}
