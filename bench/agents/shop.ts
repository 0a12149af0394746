/* A shop whose agent has several processes, and may have several modules: real processes under a supervisor, and those who call it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	Authority,
	issueDeviceHome,
	readRoots,
} from "../../src/device/authority/index.ts";
import type { ProcessEvent } from "../../src/device/process/index.ts";
import {
	createPurse,
	defaultUndeposited,
	moveAgentStore,
	readIssuerTerms,
} from "../../src/device/purse/index.ts";
import {
	freePorts,
	makeSandbox,
	pairHomes,
} from "../../src/device/setup/index.ts";
import {
	makeRunFolder,
	readSide,
	type Side,
	writeSide,
} from "../../src/device/side/index.ts";
import { plansOfSide, Supervisor } from "../../src/device/supervisor/index.ts";
import { temporaryFolder } from "../../test/support/folders.ts";
import { PostgresServer } from "../../test/support/postgres.ts";
import type { Called, CallerOptions, Calling } from "./caller.ts";

/** Processes that call, and calls of each at once. */
export const CALLERS = 2;
export const AT_ONCE = 10;

const WARM_MS = 2_000;
const MEASURED_MS = 6_000;

/** The part of a core that each process has where it is held: a module needs less for an establishment than its agent. */
export const HELD_PART: Readonly<Record<"agents" | "modules", number>> = {
	agents: 0.04,
	modules: 0.02,
};

/** No limit of one caller shall be what is measured. */
const LOAD = {
	perSecondOfAddress: 65_536,
	burstOfAddress: 65_536,
	perMinuteOfDevice: 65_536,
	tetradsOfDevice: 1_024,
	workingOfAddress: 16,
	waitingOfAddress: 256,
	halfOpenOfAddress: 512,
};

export type Count = 1 | 2;

/** What one process of the agent did while it was measured. */
interface Done {
	readonly establishments: number;
	readonly cpuMs: number;
}

export interface Measured {
	readonly perSecond: number;
	readonly agents: readonly Done[];
	/** Establishments with each module that had any, by its name. */
	readonly byModule: Readonly<Record<string, number>>;
	readonly moduleCpuMs: number;
	readonly callersCpuMs: number;
	readonly failed: number;
}

/** CPU time of all processes of the agent for one establishment, in milliseconds. */
export function agentCpu({ agents }: Measured): number {
	const sum = (of: (done: Done) => number) =>
		agents.reduce((all, done) => all + of(done), 0);
	return (
		sum(({ cpuMs }) => cpuMs) /
		Math.max(
			1,
			sum(({ establishments }) => establishments),
		)
	);
}

/** A shop of a sandbox, whose agent's store is in PostgreSQL, and those who call it. */
export class World implements AsyncDisposable {
	/** The same shop with one module and with two. */
	readonly #shops: Readonly<Record<Count, Side>>;
	readonly #callers: readonly Caller[];
	readonly #stack: AsyncDisposableStack;

	private constructor(
		shops: Readonly<Record<Count, Side>>,
		callers: readonly Caller[],
		stack: AsyncDisposableStack,
	) {
		this.#shops = shops;
		this.#callers = callers;
		this.#stack = stack;
	}

	static async make(): Promise<World> {
		await using stack = new AsyncDisposableStack();
		const { path } = stack.use(await temporaryFolder());
		const server = stack.use(await PostgresServer.start());
		const [issuer = "", shop = "", operators = ""] = (await freePorts(3)).map(
			(port) => `127.0.0.1:${port}`,
		);
		const folder = join(path, "world");
		await makeSandbox(folder, { addresses: { issuer, shop, operators } });
		const side = await readSide(join(folder, "shop"), {});
		const policy = join(side.agent.home, "policy.json");
		const said = JSON.parse(await readFile(policy, "utf8"));
		await writeFile(policy, JSON.stringify({ ...said, load: LOAD }));
		const url = join(path, "url");
		await writeFile(url, `${server.url()}\n`, { mode: 0o600 });
		await moveAgentStore(side.agent.home, { file: url });
		const callers: Caller[] = [];
		for (let number = 1; number <= CALLERS; number++) {
			const homes = join(path, `caller-${number}`);
			await cp(join(folder, "buyer"), homes, { recursive: true });
			const buyer = await readSide(homes, {});
			const of = { agent: buyer.agent.home, module: buyer.module.home };
			callers.push(stack.use(await Caller.start({ ...of, address: shop })));
		}
		const two = await withTwoModules(folder, side, shop);
		return new World({ 1: side, 2: two }, callers, stack.move());
	}

	/** The shop with so many processes of its agent, and so many modules. */
	open(processes: Count, modules: Count = 1): Promise<RunningShop> {
		return RunningShop.start(this.#shops[modules], processes, this.#callers);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}

/** The side of a shop with a second module, in a folder of its own and with the same homes. */
async function withTwoModules(
	folder: string,
	side: Side,
	listen: string,
): Promise<Side> {
	const home = join(side.path, "module-2");
	await using bank = await Authority.open(join(folder, "bank"));
	await issueDeviceHome(bank, {
		...{ home, name: "shop-till-2", algorithm: "P-256" },
		trust: await readRoots(join(folder, "agency")),
	});
	await pairHomes(side.agent.home, home, {}, 2);
	const { issuer, sell } = side;
	if (issuer === undefined || sell === undefined || issuer.at.kind === "unix")
		throw new Error("a shop of a sandbox sells, and has an issuer");
	const terms = await readIssuerTerms(issuer.termsPath);
	const undeposited = defaultUndeposited(terms);
	await createPurse(home, [{ terms, undeposited }], () => "unsafe-no-owner");
	const path = join(folder, "shop-of-two");
	const [port, other] = await freePorts(2);
	await writeSide(path, {
		...{ kind: "shop", name: "shop" },
		agent: { home: side.agent.home, listen },
		module: { home: side.module.home, port },
		"further-modules": [{ home, port: other }],
		issuer: {
			at: `${issuer.at.host}:${issuer.at.port}`,
			terms: issuer.termsPath,
		},
		sell: { folder: sell.folder },
	});
	await makeRunFolder({ path });
	return readSide(path, {});
}

/** A process that calls when it is told. */
class Caller implements Disposable {
	readonly #child: ChildProcess;

	private constructor(child: ChildProcess) {
		this.#child = child;
	}

	static async start(options: CallerOptions): Promise<Caller> {
		const program = fileURLToPath(new URL("caller.ts", import.meta.url));
		const child = fork(program, [JSON.stringify(options)]);
		await once(child, "message");
		return new Caller(child);
	}

	async call(calling: Calling): Promise<Called> {
		const answered = once(this.#child, "message");
		this.#child.send(calling);
		const [called] = (await answered) as [Called];
		return called;
	}

	[Symbol.dispose](): void {
		this.#child.kill();
	}
}

export class RunningShop implements AsyncDisposable {
	readonly #supervisor: Supervisor<ProcessEvent>;
	readonly #callers: readonly Caller[];
	/** Tetrads that each process has confirmed. */
	readonly #confirmed: ReadonlyMap<string, number>;
	/** The same with each module. */
	readonly #withModule: ReadonlyMap<string, number>;

	private constructor(
		supervisor: Supervisor<ProcessEvent>,
		callers: readonly Caller[],
		confirmed: ReadonlyMap<string, number>,
		withModule: ReadonlyMap<string, number>,
	) {
		this.#supervisor = supervisor;
		this.#callers = callers;
		this.#confirmed = confirmed;
		this.#withModule = withModule;
	}

	static async start(
		side: Side,
		processes: Count,
		callers: readonly Caller[],
	): Promise<RunningShop> {
		const confirmed = new Map<string, number>();
		const withModule = new Map<string, number>();
		const supervisor = await Supervisor.start<ProcessEvent>(
			plansOfSide(side, { processes }),
			{
				said: (name, said) => {
					if (said.event !== "confirmed") return;
					confirmed.set(name, (confirmed.get(name) ?? 0) + 1);
					const { devices, place } = said;
					const own = devices[place === "A" ? "X" : "Y"];
					withModule.set(own, (withModule.get(own) ?? 0) + 1);
				},
			},
		);
		return new RunningShop(supervisor, callers, confirmed, withModule);
	}

	/** `held` are held to a part of a core each. */
	async measure(held: "agents" | "modules" | undefined): Promise<Measured> {
		const processes = this.#supervisor.states().map(({ name, state }) => ({
			name,
			pid: state.kind === "running" ? state.pid : 0,
		}));
		const isAgent = ({ name }: { readonly name: string }) =>
			name.startsWith("agent");
		const agents = processes.filter(isAgent);
		const modules = processes.filter((one) => !isAgent(one));
		const pids = (held === "agents" ? agents : modules).map(({ pid }) => pid);
		await using _ =
			held === undefined ? undefined : await Holder.hold(pids, HELD_PART[held]);
		await this.#call(WARM_MS);
		const counts = () =>
			agents.map(({ name }) => this.#confirmed.get(name) ?? 0);
		const cpus = () => Promise.all(agents.map(({ pid }) => cpuMsOf(pid)));
		const moduleCpu = async () =>
			(await Promise.all(modules.map(({ pid }) => cpuMsOf(pid)))).reduce(
				(sum, ms) => sum + ms,
				0,
			);
		const [countsBefore, cpusBefore] = [counts(), await cpus()];
		const [moduleBefore, withBefore] = [
			await moduleCpu(),
			new Map(this.#withModule),
		];
		const called = await this.#call(MEASURED_MS);
		const [countsAfter, cpusAfter] = [counts(), await cpus()];
		const sum = (of: (one: Called) => number) =>
			called.reduce((all, one) => all + of(one), 0);
		return {
			perSecond: (sum(({ done }) => done) / MEASURED_MS) * 1000,
			agents: agents.map((_, at) => ({
				establishments: (countsAfter[at] ?? 0) - (countsBefore[at] ?? 0),
				cpuMs: (cpusAfter[at] ?? 0) - (cpusBefore[at] ?? 0),
			})),
			byModule: Object.fromEntries(
				[...this.#withModule].map(([name, count]) => [
					name,
					count - (withBefore.get(name) ?? 0),
				]),
			),
			moduleCpuMs: (await moduleCpu()) - moduleBefore,
			callersCpuMs: sum(({ cpuMs }) => cpuMs),
			failed: sum(({ failed }) =>
				Object.values(failed).reduce((all, count) => all + count, 0),
			),
		};
	}

	#call(ms: number): Promise<readonly Called[]> {
		return Promise.all(
			this.#callers.map((caller) => caller.call({ ms, atOnce: AT_ONCE })),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#supervisor.stop();
	}
}

/** The system counts in hundredths of a second (proc(5), utime and stime). */
const TICK_MS = 10;

async function cpuMsOf(pid: number): Promise<number> {
	const stat = await readFile(`/proc/${pid}/stat`, "utf8");
	// The name in brackets may have spaces in it.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const PERIOD_US = 100_000;

/** Holds processes to a part of a core each, as control groups of Linux do, of either version. */
export class Holder implements AsyncDisposable {
	readonly #folders: readonly string[];
	readonly #pids: readonly number[];

	private constructor(folders: readonly string[], pids: readonly number[]) {
		this.#folders = folders;
		this.#pids = pids;
	}

	static isThere(): boolean {
		return root() !== undefined;
	}

	static async hold(pids: readonly number[], part: number): Promise<Holder> {
		const at = root() ?? "";
		const folders: string[] = [];
		for (const pid of pids) {
			const folder = join(at, `tetrad-bench-${pid}`);
			await mkdir(folder);
			folders.push(folder);
			const quota = Math.round(part * PERIOD_US);
			if (existsSync(join(folder, "cpu.max")))
				await writeFile(join(folder, "cpu.max"), `${quota} ${PERIOD_US}`);
			else {
				await writeFile(join(folder, "cpu.cfs_period_us"), `${PERIOD_US}`);
				await writeFile(join(folder, "cpu.cfs_quota_us"), `${quota}`);
			}
			await writeFile(join(folder, "cgroup.procs"), `${pid}`);
		}
		return new Holder(folders, pids);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const pid of this.#pids)
			await writeFile(join(root() ?? "", "cgroup.procs"), `${pid}`).catch(
				() => {},
			);
		for (const folder of this.#folders) await rmdir(folder).catch(() => {});
	}
}

function root(): string | undefined {
	if (process.getuid?.() !== 0) return undefined;
	if (existsSync("/sys/fs/cgroup/cpu/cpu.shares")) return "/sys/fs/cgroup/cpu";
	return existsSync("/sys/fs/cgroup/cgroup.subtree_control")
		? "/sys/fs/cgroup"
		: undefined;
}
