import type { Carrier } from "../../carrier/index.ts";
import type { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	type AdmissionCounts,
	type AgentMachine,
	agentInitiator,
	agentResponder,
	DEFAULT_TIMEOUT_MS,
	LOAD_LIMITS,
	type MachineOptions,
	type Root,
	type Routing,
	TETRAD_ID_BYTES,
} from "../../tetrad/index.ts";
import { AgentRun } from "./agent-run.ts";
import { aborted, unlessAborted } from "./channel.ts";
import { Entrance, type Visitor } from "./entrance.ts";
import {
	type Device,
	type DeviceOptions,
	learnList,
	makeDevice,
	requireDeviceOptions,
} from "./identity.ts";
import { LinkConnection } from "./link-connection.ts";
import { type ModuleAccess, OwnModules } from "./own-modules.ts";
import { type Paired, type PairOptions, runPairing } from "./pairing-run.ts";
import type { Tetrad, TetradEvent } from "./tetrad.ts";
import { whenAborted } from "./until-aborted.ts";

/** How an agent answers another. */
export interface AcceptOptions {
	/** With which of its modules, by device id, for an agent that has several. Unless given, it answers with the one that has the fewest tetrads of those that can be reached, and calls with the first. */
	readonly module?: Uint8Array | undefined;
	/** Gives up with `aborted`; it has no effect once the tetrad is confirmed. */
	readonly signal?: AbortSignal;
	/** How long the establishment may take, in milliseconds. */
	readonly timeoutMs?: number;
	/** Hears what becomes of the tetrad, for logs. */
	readonly observe?: (event: TetradEvent) => void;
}

/** How an agent calls another. */
export interface ConnectOptions extends AcceptOptions {
	/** `direct` unless given. */
	readonly routing?: Routing;
	/** `transcript` unless given. */
	readonly root?: Root;
	/** Sent as early as it can be: with flight 3 in direct routing. The other agent has it once it is bound. */
	readonly firstMessage?: Uint8Array;
}

/**
 * Device 1 or 2: talks with other agents, and holds no money.
 *
 * @example
 * ```ts
 * import { connect, TrustedAgent } from "tetrad";
 *
 * await using agent = new TrustedAgent({ identity, policy });
 * const { pairing } = await agent.pair(await connect("unix:module.sock"), {
 * 	confirm: (code, module) => askOwner(`${code}, as ${module.name} shows?`),
 * });
 * agent.useModule({ pairing, dial: () => connect("unix:module.sock") });
 * const tetrad = await agent.connect(await connect("shop.example:7000"));
 * await tetrad.agent.send(new TextEncoder().encode("what does it cost?"));
 * ```
 */
export class TrustedAgent implements AsyncDisposable {
	readonly #options: DeviceOptions;
	readonly #device: Device;
	readonly #timeoutMs: number;
	readonly #entrance: Entrance;
	readonly #modules: OwnModules;

	/**
	 * Throws `chain-refused`, `untrusted` or `invalid-argument` when the own chain does not stand up
	 * to the own policy, `clock-wrong`, and `list-refused` for a stored list that is none.
	 */
	constructor(options: DeviceOptions) {
		requireDeviceOptions("TrustedAgent", options);
		this.#options = options;
		this.#device = makeDevice("agent", options);
		this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
		const { crypto, policy } = this.#device.context;
		this.#entrance = new Entrance(crypto, { ...LOAD_LIMITS, ...policy.load });
		this.#modules = new OwnModules(
			({ pairing, mode = "paired" }, carrier, ended) =>
				new LinkConnection("agent", carrier, {
					...{ device: this.#device, pairing, mode, ended },
					signer: options.identity.signer,
					timeoutMs: this.#timeoutMs,
					// A module may still speak of a tetrad that has just ended here.
					stranger: () => {},
				}),
		);
	}

	/** This agent, as its own policy judges it. */
	get device(): CertifiedDevice {
		return this.#device.context.own;
	}

	/** The time by this agent's clock, in milliseconds since the epoch. */
	now(): number {
		return this.#device.clock.now();
	}

	/**
	 * Takes an untrusted list (docs/identity.md, Bundle) that the owner has got. Resolves when it is
	 * in force, stored, and on its way to the own module and to the other agents. Live tetrads with
	 * a device that is on it end. Rejects with why it is not accepted.
	 */
	learnList(bundle: Uint8Array): Promise<void> {
		return learnList(this.#device, bundle);
	}

	/** Pairs with the module at the other end of `carrier`. Keep what it resolves to; `useModule` takes it. */
	pair(carrier: Carrier, options: PairOptions): Promise<Paired> {
		const { signer } = this.#options.identity;
		const end = { role: "agent" } as const;
		return runPairing(end, carrier, this.#device, signer, options);
	}

	/** Says which module is this agent's own, and how to reach it. The link is made when it is first needed. */
	useModule(access: ModuleAccess): void {
		this.useModules([access]);
	}

	/** Says which modules are this agent's own, for a merchant that has several: each tetrad is with one of them. Throws `invalid-argument` for none, for more than 16 and for one that is there twice. */
	useModules(accesses: readonly ModuleAccess[]): void {
		this.#modules.use(accesses);
	}

	/** The device ids of its modules, that of the first one first. */
	get modules(): readonly Uint8Array[] {
		return this.#modules.ids;
	}

	/** Makes the link to the module now: the one of that device id, or the first. Rejects with `not-paired`, or with why the link could not be made. */
	async reachModule(deviceId?: Uint8Array): Promise<void> {
		await this.#modules.reach(deviceId);
	}

	/** Answers nobody with the module of that device id for ten seconds, as long as another one can be reached: it is there, and can do nothing for who comes. Who names it meets it all the same. */
	spareModule(deviceId: Uint8Array): void {
		this.#modules.spare(deviceId);
	}

	/**
	 * Establishes a tetrad with the agent at the other end of `carrier`, which the tetrad owns from
	 * now on. Resolves when this agent has checked that the other three formed the same key.
	 */
	async connect(
		carrier: Carrier,
		options: ConnectOptions = {},
	): Promise<Tetrad> {
		const { routing = "direct", root = "transcript", firstMessage } = options;
		return this.#run(carrier, options, (machine) =>
			agentInitiator({
				...machine,
				routing,
				root,
				// Carriers in memory do not say who is at the other end.
				...(carrier.kind === "memory" ? {} : { address: carrier.peer }),
				...(firstMessage === undefined ? {} : { firstMessage }),
			}),
		);
	}

	/**
	 * Answers the agent at the other end of `carrier`. Resolves when this agent has checked that the
	 * other three formed the same key. What comes over a network waits its turn, and is refused with
	 * `busy` when there is too much of it (`Policy.load`).
	 */
	async accept(carrier: Carrier, options: AcceptOptions = {}): Promise<Tetrad> {
		const { source } = carrier;
		if (source === undefined)
			return this.#run(carrier, options, agentResponder, true);
		const visitor = this.#entrance.take(carrier, source);
		try {
			await admission(visitor, options.signal);
			return await this.#run(
				visitor,
				{
					...options,
					observe: (event) => {
						if (event.kind === "confirmed") visitor.confirmed();
						options.observe?.(event);
					},
				},
				(machine) => agentResponder({ ...machine, admit: visitor.caller }),
				true,
			);
		} catch (thrown) {
			visitor.close();
			throw thrown;
		}
	}

	/**
	 * Why a connection from there (`Carrier.source`) would be refused and not even be told so; for
	 * `turnsAway` of `listen`, which then need not make anything for it. It counts as refused.
	 */
	turnsAway(source: string): TetradError | undefined {
		return this.#entrance.turnsAway(source);
	}

	/** What has become of connections from networks since the start. */
	get admission(): AdmissionCounts {
		return this.#entrance.counts;
	}

	/** Closes the link, and with it every tetrad of this agent. */
	async close(): Promise<void> {
		this.#modules.close();
		this.#device.context.tokens?.wipe();
		await this.#device.clock.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #run(
		carrier: Carrier,
		{ signal, observe, module, timeoutMs = this.#timeoutMs }: AcceptOptions,
		make: (options: MachineOptions) => AgentMachine,
		mayBeAny = false,
	): Promise<Tetrad> {
		try {
			if (signal?.aborted) throw aborted(signal);
			this.#believeClock();
			const reaching =
				module === undefined && mayBeAny
					? this.#modules.reachAny()
					: this.#modules.reach(module);
			const link = await unlessAborted(reaching, signal);
			if (signal?.aborted) throw aborted(signal);
			const tetradId = this.#device.context.crypto.random(TETRAD_ID_BYTES);
			const machine = make({
				device: this.#device.context,
				link: link.contextFor(tetradId),
				now: this.#believeClock(),
				timeoutMs,
			});
			const run = new AgentRun(machine, carrier, {
				device: this.#device,
				tetradId,
				link,
				signer: this.#options.identity.signer,
				...(signal === undefined ? {} : { signal }),
				...(observe === undefined ? {} : { observe }),
			});
			if (machine.place === "A") run.start();
			return await run.confirmed;
		} catch (thrown) {
			carrier.close();
			throw thrown;
		}
	}

	/** The time, if it is to be believed; asked before each tetrad. */
	#believeClock(): number {
		const { context, clock } = this.#device;
		return clock.believable(context.own, context.verdicts.lists);
	}
}

/** Waits until the visitor's offer may be worked on. Rejects with why it is not. */
async function admission(
	visitor: Visitor,
	signal: AbortSignal | undefined,
): Promise<void> {
	if (signal === undefined) return visitor.admitted;
	if (signal.aborted) throw aborted(signal);
	const stop = whenAborted(signal, () => visitor.abandon(aborted(signal)));
	try {
		await visitor.admitted;
	} finally {
		stop();
	}
}
