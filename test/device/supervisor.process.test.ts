import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessEvent } from "../../src/device/process/process-events.ts";
import {
	type ProcessPlan,
	type ProcessState,
	Supervisor,
	type SupervisorOptions,
} from "../../src/device/supervisor/supervisor.ts";
import { TetradError } from "../../src/errors.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { isAlive } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(() => folder[Symbol.asyncDispose]());

type Plan = ProcessPlan<ProcessEvent>;

/** The module and the agent of a side. */
function plansOf(agent: "A" | "B", module: "X" | "Y"): Plan[] {
	const at = homes.socket(module);
	return [
		{
			name: "module",
			args: ["module", "--home", homes.of(module), "--listen", at],
			ready: "listening",
			after: [],
		},
		{
			name: "agent",
			args: [
				...["agent", "--home", homes.of(agent), "--module", at],
				...["--listen", "127.0.0.1:0"],
			],
			ready: "listening",
			after: ["module"],
		},
	];
}

/** What becomes of each process, to be waited for. */
class Watch {
	readonly seen: (readonly [string, ProcessState])[] = [];
	readonly #listeners = new Set<() => void>();

	readonly options: Pick<SupervisorOptions<ProcessEvent>, "changed"> = {
		changed: (name, state) => {
			this.seen.push([name, state]);
			for (const listener of this.#listeners) listener();
		},
	};

	of<Kind extends ProcessState["kind"]>(
		wanted: string,
		kind: Kind,
	): Extract<ProcessState, { kind: Kind }>[] {
		return this.seen
			.filter(([name, state]) => name === wanted && state.kind === kind)
			.map(([, state]) => state as Extract<ProcessState, { kind: Kind }>);
	}

	/** The state of this kind after the first `skip` of them. */
	async expect<Kind extends ProcessState["kind"]>(
		name: string,
		kind: Kind,
		skip = 0,
	): Promise<Extract<ProcessState, { kind: Kind }>> {
		for (;;) {
			const found = this.of(name, kind)[skip];
			if (found !== undefined) return found;
			await new Promise<void>((resolve) => {
				const listener = () => {
					this.#listeners.delete(listener);
					resolve();
				};
				this.#listeners.add(listener);
			});
		}
	}

	order(): string[] {
		return this.seen.map(([name, { kind }]) => `${name} ${kind}`);
	}
}

function rejectsWith(code: string, message: RegExp) {
	return (thrown: unknown) => {
		assert.ok(thrown instanceof TetradError, String(thrown));
		assert.equal(thrown.code, code);
		assert.match(thrown.message, message);
		return true;
	};
}

async function untilGone(pid: number): Promise<void> {
	while (isAlive(pid)) await sleep(20);
}

describe("a supervisor", { concurrency: 2, timeout: 60_000 }, () => {
	test("starts an agent once its module is ready, and stops it first", async () => {
		const watch = new Watch();
		{
			await using supervisor = await Supervisor.start(
				plansOf("A", "X"),
				watch.options,
			);
			assert.deepEqual(
				supervisor.states().map(({ name, state }) => [name, state.kind]),
				[
					["module", "running"],
					["agent", "running"],
				],
			);
		}
		assert.deepEqual(watch.order(), [
			"module starting",
			"module running",
			"agent starting",
			"agent running",
			"agent stopped",
			"module stopped",
		]);
		for (const name of ["agent", "module"])
			assert.equal(isAlive(watch.of(name, "running")[0]?.pid ?? 0), false);
	});

	test("starts a process that dies again, and waits longer each time, up to a limit", async () => {
		const watch = new Watch();
		const [module] = plansOf("B", "Y");
		await using _ = await Supervisor.start([module as Plan], {
			...watch.options,
			limits: { firstWaitMs: 5, longestWaitMs: 15 },
		});
		for (let death = 0; death < 3; death++) {
			const { pid } = await watch.expect("module", "running", death);
			process.kill(pid, "SIGKILL");
			await watch.expect("module", "ended", death);
		}
		await watch.expect("module", "running", 3);
		assert.deepEqual(
			watch.of("module", "ended").map(({ againInMs, reason }) => {
				assert.match(reason, /SIGKILL/);
				return againInMs;
			}),
			[5, 10, 15],
		);
	});

	test("begins with the first wait again after a process that was steady", async () => {
		const watch = new Watch();
		const [module] = plansOf("B", "Y");
		const spare = homes.spare("Y");
		await using _ = await Supervisor.start(
			[
				{
					...(module as Plan),
					args: ["module", "--home", spare, "--listen", `unix:${spare}/s`],
				},
			],
			{ ...watch.options, limits: { firstWaitMs: 5, steadyMs: 0 } },
		);
		for (let death = 0; death < 2; death++) {
			const { pid } = await watch.expect("module", "running", death);
			process.kill(pid, "SIGKILL");
			const { againInMs } = await watch.expect("module", "ended", death);
			assert.equal(againInMs, 5);
		}
	});

	test("says why a process cannot start, and stops the others", async () => {
		const watch = new Watch();
		const [module, agent] = plansOf("A", "X") as [Plan, Plan];
		const spare = homes.spare("X");
		const at = `unix:${spare}/s`;
		await assert.rejects(
			Supervisor.start(
				[
					{ ...module, args: ["module", "--home", spare, "--listen", at] },
					{
						...agent,
						args: ["agent", "--home", homes.at("nobody"), "--module", at],
					},
				],
				watch.options,
			),
			rejectsWith(
				"invalid-argument",
				/^agent cannot start: say what the agent/,
			),
		);
		assert.deepEqual(watch.order(), [
			"module starting",
			"module running",
			"agent starting",
			"agent failed",
			"module stopped",
		]);
		assert.equal(isAlive(watch.of("module", "running")[0]?.pid ?? 0), false);
	});

	test("gives up on a process that dies each time before it is ready", async () => {
		const watch = new Watch();
		const dies: Plan = {
			name: "module",
			args: ["module"],
			ready: "listening",
			after: [],
			// Node.js aborts for want of memory.
			environment: { NODE_OPTIONS: "--max-old-space-size=1" },
		};
		await assert.rejects(
			Supervisor.start([dies], {
				...watch.options,
				limits: { firstWaitMs: 1, triesToStart: 2 },
			}),
			rejectsWith("carrier-failed", /^module cannot start: it died of SIG/),
		);
		assert.deepEqual(watch.order(), [
			"module starting",
			"module ended",
			"module starting",
			"module failed",
		]);
	});

	test("that is stopped while it starts leaves nothing", async () => {
		const watch = new Watch();
		const spare = homes.spare("X");
		const [module, agent] = plansOf("A", "X") as [Plan, Plan];
		const stop = new AbortController();
		const starting = Supervisor.start(
			[
				{
					...module,
					args: ["module", "--home", spare, "--listen", `unix:${spare}/s`],
				},
				agent,
			],
			{ ...watch.options, signal: stop.signal },
		);
		const { pid } = await watch.expect("module", "starting");
		stop.abort();
		await assert.rejects(starting, rejectsWith("aborted", /stopped before/));
		assert.equal(isAlive(pid), false);
		assert.equal(watch.of("agent", "starting").length, 0);
	});

	for (const moment of ["starting", "running"] as const)
		test(`that is killed while its processes are ${moment} leaves none`, async () => {
			const spare = homes.spare("X");
			const plan: Plan = {
				name: "module",
				args: ["module", "--home", spare, "--listen", `unix:${spare}/s`],
				ready: "listening",
				after: [],
			};
			const file = new URL("../support/supervisor.ts", import.meta.url);
			const child = spawn(
				process.execPath,
				[file.pathname, JSON.stringify([plan])],
				{ stdio: ["ignore", "pipe", "inherit"] },
			);
			try {
				let pid = 0;
				for await (const line of createInterface({ input: child.stdout })) {
					const said = JSON.parse(line);
					if (said.kind !== moment) continue;
					pid = said.pid;
					break;
				}
				assert.ok(isAlive(pid));
				child.kill("SIGKILL");
				await untilGone(pid);
			} finally {
				child.kill("SIGKILL");
			}
		});
});
