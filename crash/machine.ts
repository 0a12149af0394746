/*
 * A machine of the crash harness: a side of the world and its processes, which are started again
 * whenever they die, whoever killed them. They die one by one, or all at once, of a crash of the
 * machine or of a power cut.
 */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Command, failureIn, type Result } from "../test/support/processes.ts";
import { ToldToDie } from "../test/support/told-to-die.ts";
import type { Cut, Disk } from "./disk.ts";

/** What the processes of a machine have in their environment, so that all of them are found. */
const MARK = "CRASH_MACHINE";

/** How long anything may take that goes well, on a machine that is busy with other things, in milliseconds. */
export const PATIENCE_MS = 120_000;

/** Failures to start of a process whose neighbours are being killed: it is started again. */
const FOR_NOW: ReadonlySet<string> = new Set([
	"carrier-failed",
	"tetrad-closed",
	"timed-out",
	"aborted",
	"busy",
]);

/** Starts one after another that come to nothing while nobody kills anything. */
const MAX_REFUSALS = 10;

/** A supervisor that waits longer than that before it starts a process again is asked to stop, in milliseconds. */
const LONGEST_WAIT_MS = 1000;

interface Said {
	readonly event: string;
	/** Of a supervised one: which it is, how it is, its process, and when it is started again. */
	readonly process?: string;
	readonly state?: string;
	readonly pid?: number;
	readonly againInMs?: number;
}

/** A process that runs all the time. */
interface DevicePlan {
	readonly name: string;
	readonly args: readonly string[];
	/** What it says when it is ready. */
	readonly ready: string;
	/** A program that is not ours. */
	readonly program?: string;
	/** The processes that it starts and looks after. */
	readonly supervises?: readonly string[];
}

/** Whatever ended by itself, as it should not have. */
export interface Trouble {
	readonly device: string;
	readonly what: string;
}

/** One process that runs all the time, whichever process that is now. */
export class Device {
	readonly name: string;
	readonly #plan: DevicePlan;
	readonly #machine: Machine;
	/** What it is told. */
	readonly fate: ToldToDie;
	#command: Command<Said> | undefined;
	#isWanted = true;
	#isAskedToStop = false;
	readonly #keeping: Promise<void>;

	constructor(plan: DevicePlan, machine: Machine, fate: ToldToDie) {
		this.name = `${machine.name} ${plan.name}`;
		this.#plan = plan;
		this.#machine = machine;
		this.fate = fate;
		this.#keeping = this.#keep();
	}

	get isUp(): boolean {
		const command = this.#command;
		if (command === undefined || command.gone) return false;
		const { ready, supervises = [] } = this.#plan;
		const isReady = command.events.some(({ event }) => event === ready);
		return isReady && supervises.every((one) => this.#last(one) === "running");
	}

	/** The command that runs now. */
	get command(): Command<Said> | undefined {
		return this.#command;
	}

	/** Its process, or that of one that it supervises; 0 while there is none. */
	pid(supervised?: string): number {
		if (this.#command === undefined || this.#command.gone) return 0;
		if (supervised === undefined) return this.#command.pid;
		const last = this.#lastOf(supervised);
		const { state, pid = 0 } = last ?? {};
		return state === "starting" || state === "running" ? pid : 0;
	}

	/** A supervisor that waits for long is started anew. */
	hurry(): void {
		const waits = (this.#plan.supervises ?? []).some((one) => {
			const last = this.#lastOf(one);
			return last?.state === "ended" && (last.againInMs ?? 0) > LONGEST_WAIT_MS;
		});
		if (waits && !this.#isAskedToStop) this.ask();
	}

	/** Asks it, or one that it supervises, to stop. */
	ask(supervised?: string): void {
		if (supervised === undefined) {
			this.#isAskedToStop = true;
			this.#command?.terminate();
			return;
		}
		const pid = this.pid(supervised);
		if (pid > 0) send(pid, "SIGTERM");
	}

	async stop(): Promise<void> {
		this.#isWanted = false;
		await this.#command?.kill();
		await this.#keeping;
	}

	#lastOf(supervised: string): Said | undefined {
		return this.#command?.events.findLast(
			({ event, process }) => event === "process" && process === supervised,
		);
	}

	#last(supervised: string): string | undefined {
		return this.#lastOf(supervised)?.state;
	}

	async #keep(): Promise<void> {
		for (let refusals = 0; ; ) {
			await this.#machine.power;
			if (!this.#isWanted) return;
			const { args, program } = this.#plan;
			const command = new Command<Said>(args, {
				env: { ...this.#machine.env, ...this.fate.env },
				takesInput: program !== undefined,
				patienceMs: PATIENCE_MS,
				...(program === undefined ? {} : { program }),
			});
			this.#command = command;
			const result = await command.exited;
			this.#machine.write(this.name, result);
			const wasUp = command.events.some(
				({ event }) => event === this.#plan.ready,
			);
			if (wasUp) refusals = 0;
			if (this.#isWanted) refusals = this.#judge(result, refusals);
		}
	}

	/** Whether it may have ended so; answers with how often it has refused to start by now. */
	#judge({ code, signal, stderr }: Result, refusals: number): number {
		const wasAsked = this.#isAskedToStop;
		this.#isAskedToStop = false;
		if (signal === "SIGKILL") return refusals;
		// At its very start nobody hears it yet.
		if (wasAsked && (code === 0 || signal === "SIGTERM")) return refusals;
		const why = whyOf(stderr);
		if (
			why !== undefined &&
			FOR_NOW.has(why) &&
			(this.#machine.isStruck || refusals < MAX_REFUSALS)
		)
			return refusals + 1;
		this.#machine.troubles.push({
			device: this.name,
			what: `ended by itself with ${code ?? signal}: ${stderr.slice(-2000)}`,
		});
		return refusals;
	}
}

function whyOf(stderr: string): string | undefined {
	try {
		return failureIn({ stderr }).code;
	} catch {
		return undefined;
	}
}

export class Machine {
	readonly name: string;
	/** The folder of its side, which is on its disk. */
	readonly folder: string;
	readonly devices: readonly Device[];
	readonly troubles: Trouble[];
	/** What commands that are given at it are told. */
	readonly fate: ToldToDie;
	/** Settles when it has power. */
	power: Promise<void> = Promise.resolve();
	/** Whether somebody kills processes, here or elsewhere. */
	isStruck = false;
	readonly #disk: Disk | undefined;
	readonly #said: string;

	constructor(
		{ name, folder, told, said, disk, troubles }: MachineParts,
		plans: readonly DevicePlan[],
	) {
		this.name = name;
		this.folder = folder;
		this.#disk = disk;
		this.#said = said;
		this.troubles = troubles;
		const fate = (of: string) =>
			new ToldToDie(`${told}-${name}-${of}`.replaceAll(" ", "-"));
		this.fate = fate("command");
		this.devices = plans.map((plan) => new Device(plan, this, fate(plan.name)));
	}

	get env(): Record<string, string> {
		return { ...this.#disk?.env, [MARK]: this.folder };
	}

	/** Bytes that its disk has noted. */
	get noted(): number {
		return this.#disk?.noted ?? 0;
	}

	/** Gives a command at this machine, and resolves when it is over. */
	async give(args: readonly string[]): Promise<Result> {
		await this.power;
		await using command = new Command(args, {
			env: { ...this.env, ...this.fate.env },
			patienceMs: PATIENCE_MS,
		});
		await command.until(() => command.gone, "its end");
		const result = await command.exited;
		this.write(`${this.name} commands`, result, command.name);
		return result;
	}

	/** Keeps what a process has said, for whoever has to find out what happened. */
	write(
		who: string,
		{ code, signal, stdout, stderr }: Result,
		what: string = who,
	): void {
		const time = new Date().toISOString();
		appendFileSync(
			join(this.#said, `${who.replaceAll(" ", "-")}.txt`),
			`--- ${time} ${what} ended with ${code ?? signal}\n${stdout}${stderr}\n`,
		);
	}

	/** Kills all of its processes at once; how many there were. With dice, its power is cut and its disk forgets what was not synced. */
	async crash({ roll, offMs = 0 }: CrashOptions = {}): Promise<{
		readonly killed: number;
		readonly cut?: Cut;
	}> {
		const power = Promise.withResolvers<void>();
		await this.power;
		this.power = power.promise;
		try {
			const killed = await this.#killAll();
			await pause(offMs);
			if (roll === undefined || this.#disk === undefined) return { killed };
			return { killed, cut: this.#disk.cut(roll) };
		} finally {
			power.resolve();
		}
	}

	async stop(): Promise<void> {
		await Promise.all(this.devices.map((device) => device.stop()));
		await this.#killAll();
	}

	/** Until none is left, also of those that were just being started. */
	async #killAll(): Promise<number> {
		const killed = new Set<number>();
		const until = Date.now() + PATIENCE_MS;
		// Looked for twice: one may just have been started.
		for (let empty = 0; ; ) {
			const found = processesWith(`${MARK}=${this.folder}`);
			empty = found.length === 0 ? empty + 1 : 0;
			if (empty === 2) return killed.size;
			for (const pid of found) {
				killed.add(pid);
				kill(pid);
			}
			if (Date.now() > until)
				throw new Error(`processes of ${this.name} cannot be killed`);
			await pause(5);
		}
	}
}

interface CrashOptions {
	/** Dice by which its disk forgets. */
	readonly roll?: ((sides: number) => number) | undefined;
	/** How long it stays off, in milliseconds. */
	readonly offMs?: number;
}

interface MachineParts {
	readonly name: string;
	readonly folder: string;
	/** Where files begin that tell its processes to die. */
	readonly told: string;
	/** The folder of files with what its processes have said. */
	readonly said: string;
	readonly disk: Disk | undefined;
	readonly troubles: Trouble[];
}

export function kill(pid: number): void {
	if (pid > 0) send(pid, "SIGKILL");
}

function send(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch {
		// It is gone.
	}
}

/** Processes that were started with this in their environment, and are not gone yet. */
function processesWith(variable: string): number[] {
	return readdirSync("/proc").flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		try {
			const set = readFileSync(`/proc/${name}/environ`, "latin1").split("\0");
			return set.includes(variable) ? [Number(name)] : [];
		} catch {
			// It is gone, or somebody else's.
			return [];
		}
	});
}
