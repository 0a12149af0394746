import { memoryCarriers } from "../carrier/index.ts";
import { AgentStore } from "../device/purse/index.ts";
import {
	type ClockOptions,
	type DeviceIdentity,
	type MoneyHolder,
	MoneyModule,
	TrustedAgent,
} from "../device/runtime/index.ts";
import { TradingAgent } from "../device/trade/index.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import type { Schema, Store } from "../machine/index.ts";
import { openSqliteStore } from "../store/index.ts";
import type { Pairing, Policy } from "../tetrad/index.ts";
import { AGENT_SCHEMA } from "../trade/records/index.ts";
import type { TestClock } from "./clock.ts";
import { TestDevice } from "./device.ts";
import { MemoryGoods } from "./goods.ts";
import type { Place, TestNetwork } from "./network.ts";

/** What everybody in a town has in common. */
export interface Surroundings {
	readonly clock: TestClock;
	readonly network: TestNetwork;
	readonly policy: Policy;
	certify(role: "agent" | "module", name: string): Promise<DeviceIdentity>;
}

/** What runs in an agent's process. */
interface RunningAgent extends AsyncDisposable {
	readonly agent: TrustedAgent;
	readonly trading: TradingAgent;
}

/** What runs in a module's process. */
export interface RunningModule<Holder> extends AsyncDisposable {
	readonly module: MoneyModule;
	readonly holder: Holder;
}

export interface SideOptions<Holder extends MoneyHolder & AsyncDisposable> {
	readonly name: string;
	/** Where the agent can be reached. */
	readonly address: string;
	/** What the module's money is kept in. */
	readonly schema: Schema;
	/** Makes what holds the module's money, of its store. */
	readonly holder: (store: Store) => Promise<Holder>;
	/** What else the agent does; resolves when that is over. */
	readonly serve?: (
		running: Pick<RunningAgent, "agent" | "trading">,
		at: Place,
		signal: AbortSignal,
	) => Promise<void>;
}

/** An agent and its module, paired, each as a device of a town. */
export class TestSide<Holder extends MoneyHolder & AsyncDisposable>
	implements AsyncDisposable
{
	readonly name: string;
	readonly address: string;
	readonly agent: TestDevice<RunningAgent>;
	readonly module: TestDevice<RunningModule<Holder>>;
	/** The module as it is certified. */
	readonly certified: CertifiedDevice;
	readonly goods: MemoryGoods;
	/** What the module's money is kept in, whether it runs or not. */
	readonly store: Store;
	readonly #agentStore: Store;

	private constructor(
		{ name, address }: Pick<SideOptions<Holder>, "name" | "address">,
		parts: {
			readonly agent: TestDevice<RunningAgent>;
			readonly module: TestDevice<RunningModule<Holder>>;
			readonly certified: CertifiedDevice;
			readonly goods: MemoryGoods;
			readonly store: Store;
			readonly agentStore: Store;
		},
	) {
		this.name = name;
		this.address = address;
		this.agent = parts.agent;
		this.module = parts.module;
		this.certified = parts.certified;
		this.goods = parts.goods;
		this.store = parts.store;
		this.#agentStore = parts.agentStore;
	}

	static async make<Holder extends MoneyHolder & AsyncDisposable>(
		options: SideOptions<Holder>,
		around: Surroundings,
	): Promise<TestSide<Holder>> {
		const { name, schema } = options;
		const { clock, network, policy } = around;
		const agent = new TestDevice<RunningAgent>(`${name}'s agent`, clock);
		const module = new TestDevice<RunningModule<Holder>>(
			`${name}'s module`,
			clock,
		);
		const [forAgent, forModule] = await Promise.all([
			around.certify("agent", name),
			around.certify("module", name),
		]);
		const atAgent = { identity: forAgent, policy, clock: clockOf(agent) };
		const atModule = { identity: forModule, policy, clock: clockOf(module) };
		const paired = await pair(atAgent, atModule);
		const link = `${name}.module:1`;
		const path = ":memory:";
		const store = await openSqliteStore({ path, schema });
		const agentStore = await openSqliteStore({ path, schema: AGENT_SCHEMA });
		const goods = new MemoryGoods(agent.disk);
		module.runs(async (life) => {
			const holder = await options.holder(module.disk.view(store, life));
			const running = new MoneyModule({
				...atModule,
				clock: clockOf(module),
				purse: holder,
			});
			network.listen({ party: module, life }, link, (carrier) => {
				running.serve(carrier, { pairing: paired.atModule }).catch(() => {});
			});
			return {
				module: running,
				holder,
				async [Symbol.asyncDispose]() {
					await running.close();
					await holder[Symbol.asyncDispose]();
				},
			};
		});
		agent.runs(async (life) => {
			const running = new TrustedAgent({ ...atAgent, clock: clockOf(agent) });
			const at = { party: agent, life };
			running.useModule({
				pairing: paired.atAgent,
				dial: () => network.connect(at, link),
			});
			const kept = await AgentStore.over(
				agent.disk.view(agentStore, life),
				agent.clock.now,
			);
			const trading = new TradingAgent({
				agent: running,
				store: kept,
				signer: forAgent.signer,
				goods: goods.keeper(life),
				dial: (address) => network.connect(at, address),
				listen: async (address, take) => network.listen(at, address, take),
			});
			const stop = new AbortController();
			const both = { agent: running, trading };
			const serving = options.serve?.(both, at, stop.signal);
			serving?.catch(() => {});
			return {
				...both,
				async [Symbol.asyncDispose]() {
					stop.abort();
					await serving;
					await running.close();
					await kept[Symbol.asyncDispose]();
				},
			};
		});
		await module.start();
		await agent.start();
		const certified = module.running.module.device;
		const parts = { agent, module, certified, goods, store, agentStore };
		return new TestSide(options, parts);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.agent[Symbol.asyncDispose]();
		await this.module[Symbol.asyncDispose]();
		await this.#agentStore[Symbol.asyncDispose]();
		await this.store[Symbol.asyncDispose]();
	}
}

function clockOf(device: TestDevice<AsyncDisposable>): ClockOptions {
	return {
		now: device.clock.now,
		lastSeen: device.lastSeen,
		seen: async (time) => {
			device.lastSeen = time;
		},
	};
}

type Made = ConstructorParameters<typeof TrustedAgent>[0];

/** Nobody compares a code: there is no wire between the two. */
async function pair(
	atAgent: Made,
	atModule: Made,
): Promise<{ readonly atAgent: Pairing; readonly atModule: Pairing }> {
	await using agent = new TrustedAgent(atAgent);
	await using module = new MoneyModule(atModule);
	const [left, right] = memoryCarriers();
	const confirm = () => true;
	const [near, far] = await Promise.all([
		agent.pair(left, { confirm }),
		module.pair(right, { confirm, tried: () => {} }),
	]);
	return { atAgent: near.pairing, atModule: far.pairing };
}
