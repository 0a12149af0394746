import { createLogUpdate } from "log-update";
import type { ProcessEvent } from "../../device/process/index.ts";
import { balancesIn } from "../../device/service/index.ts";
import type { World } from "../../device/setup/index.ts";
import type { ProcessState } from "../../device/supervisor/index.ts";
import { formatAmount } from "../../money/index.ts";
import { sentence } from "../sentences.ts";
import { plainTable } from "../table.ts";
import { bold, dim, good, plain, say, tell } from "../voice.ts";
import type { Paste } from "./paste.ts";
import { showAddress } from "./show-address.ts";
import { isOfNote } from "./up.ts";

/** Lines of what happened last, below the table. */
const LATEST = 6;

/** How long changes of money are gathered before it is looked up. */
const LOOK_AFTER_MS = 200;

/**
 * A sandbox as whoever started it sees it: at a terminal a table that changes in its place, and
 * elsewhere a line for each thing that matters.
 */
export class SandboxView {
	readonly #folder: string;
	readonly #keeps: boolean;
	readonly #live: ReturnType<typeof createLogUpdate> | undefined;
	readonly #states = new Map<string, ProcessState>();
	readonly #money = new Map<string, string>();
	readonly #latest: string[] = [];
	readonly #steps: string[] = [];
	#world: World | undefined;
	#isReady = false;
	#looking: NodeJS.Timeout | undefined;

	constructor(folder: string, keeps: boolean) {
		this.#folder = folder;
		this.#keeps = keeps;
		this.#live =
			process.stdout.isTTY === true && process.stdout.rows > 0
				? createLogUpdate(process.stdout)
				: undefined;
	}

	/** Says what takes time. */
	step(what: string): void {
		if (this.#live === undefined) tell(what);
		this.#steps.push(what);
		this.#draw();
	}

	/** From now on there are sides to show. */
	watch(world: World): void {
		this.#world = world;
	}

	changed(name: string, state: ProcessState): void {
		this.#states.set(name, state);
		if (state.kind === "ended")
			this.happened(
				`${name}: ${plain(state.reason)}; it is started again in ${state.againInMs / 1000} s`,
			);
		else if (state.kind === "running" && this.#isReady)
			this.happened(`${name}: runs again, as process ${state.pid}`);
		this.#draw();
	}

	said(name: string, event: ProcessEvent): void {
		if (event.event === "purse" || event.event === "request") this.#lookSoon();
		const line = isOfNote(event) ? sentence(event) : undefined;
		const [first = ""] = line?.split("\n") ?? [];
		if (this.#isReady && first !== "") this.happened(`${name}: ${first}`);
	}

	/** Everything runs: what can be done next is said once, where it can be copied, and the table comes below. */
	async ready(paste: Paste, seconds: number): Promise<void> {
		await this.#look();
		this.#live?.clear();
		this.#isReady = true;
		say(
			`${good("ready")} in ${seconds.toFixed(1)} s: a world of play money in ${this.#folder}`,
		);
		say(
			dim(
				this.#keeps
					? "Ctrl-C stops it, and the folder stays; all keys in it are in clear."
					: "Ctrl-C stops it and takes away what it made; all keys in it are in clear.",
			),
		);
		for (const [title, lines] of [
			["Buy something, in another terminal:", paste.buy],
			["Have a program buy, where tetrad is installed:", paste.program],
			[
				"Give a model its wallet, in the settings of an MCP client:",
				paste.model,
			],
			[
				"Have an API that is paid, and a fetch that pays, where tetrad is installed:",
				paste.api,
			],
			["Have a shop of your own:", paste.shop],
		] as const) {
			say();
			say(bold(title));
			// As they are: a shell does not end a text where its mark is indented.
			for (const line of lines) say(line);
		}
		say();
		if (this.#live === undefined) for (const line of this.#table()) say(line);
		this.#draw();
	}

	/** Leaves what is shown, and shows no more. */
	close(): void {
		clearTimeout(this.#looking);
		this.#looking = undefined;
		this.#world = undefined;
		this.#live?.done();
	}

	/** Whether the folder is gone, too. */
	sayEnd(isGone: boolean): void {
		say(
			this.#keeps
				? `stopped; ${this.#folder} stays, and goes on with --keep`
				: isGone
					? "stopped, and nothing is left"
					: `stopped; what else was put into ${this.#folder} stays`,
		);
	}

	/** Says what just happened. */
	happened(line: string): void {
		const time = new Date().toLocaleTimeString("en-GB");
		if (this.#live === undefined) say(line);
		this.#latest.push(`${dim(time)} ${line}`);
		if (this.#latest.length > LATEST) this.#latest.shift();
		this.#draw();
	}

	#draw(): void {
		if (this.#live === undefined) return;
		if (!this.#isReady) {
			const done = this.#steps.slice(0, -1).map((what) => good(`✔ ${what}`));
			return this.#live([...done, `… ${this.#steps.at(-1) ?? ""}`].join("\n"));
		}
		if (this.#world === undefined) return;
		this.#live([...this.#table(), "", ...this.#latest].join("\n"));
	}

	#table(): string[] {
		const rows = [...this.#states].map(([name, state]) => {
			const [side = "", device = ""] = name.split(" ");
			return [
				side,
				device,
				stateText(state),
				this.#addressOf(side, device),
				device === "module" ? (this.#money.get(side) ?? "") : "",
			];
		});
		return plainTable(["side", "device", "", "answers at", "money"], rows);
	}

	#addressOf(name: string, device: string): string {
		const side = Object.values(this.#world ?? {}).find(
			(one) => one.name === name,
		);
		const at = device === "agent" ? side?.agent.listen : side?.operate.http;
		return at === undefined ? "" : showAddress(at);
	}

	#lookSoon(): void {
		if (this.#world === undefined || this.#looking !== undefined) return;
		this.#looking = setTimeout(() => {
			this.#looking = undefined;
			// What a busy disk does not tell now is asked again at the next change.
			this.#look().catch(() => {});
		}, LOOK_AFTER_MS);
	}

	async #look(): Promise<void> {
		for (const name of ["buyer", "shop"] as const) {
			const side = this.#world?.[name];
			if (side === undefined) return;
			const sums = (await balancesIn(side.module.home)).map(
				({ spendable, toDeposit, currency: code, exponent }) => {
					const sum = (amount: bigint) =>
						`${formatAmount(amount, { code, exponent })} ${code}`;
					return name === "buyer"
						? sum(spendable)
						: `${sum(toDeposit)} to deposit`;
				},
			);
			this.#money.set(name, sums.join(", "));
		}
		this.#draw();
	}
}

function stateText(state: ProcessState): string {
	switch (state.kind) {
		case "running":
			return good(`runs (${state.pid})`);
		case "starting":
			return "starts";
		case "waiting":
			return "waits";
		case "ended":
			return "starts again";
		case "failed":
			return "failed";
		case "stopped":
			return "stopped";
	}
}
