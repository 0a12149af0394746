/*
 * The two devices of one side in a tetrad with somebody honest: the product's own machines, over a
 * real connection, with whatever an attacker wants done differently. Between the two there is no
 * link: they are one process, and what they say to each other can be changed, too.
 */
import { nodeCrypto } from "../../crypto/index.ts";
import type { TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import type { Ended } from "../../machine/index.ts";
import type { MessageKind } from "../../money/documents/index.ts";
import {
	type AgentEffect,
	type AgentEvent,
	type AgentMachine,
	agentInitiator,
	agentResponder,
	DEFAULT_TIMEOUT_MS,
	type DeviceContext,
	type LinkContext,
	type LinkMode,
	type ModuleEffect,
	type ModuleEvent,
	type ModuleMachine,
	moduleInitiator,
	moduleResponder,
	type Root,
	type Routing,
	SignedHashes,
} from "../../tetrad/index.ts";
import {
	concat,
	copy,
	encodeFrame,
	FRAME,
	hex,
	type LinkMessageType,
	parseFrame,
} from "../../wire/index.ts";
import type { HostileDevice, HostileDevices } from "./hostile-device.ts";
import type { HostileWire } from "./hostile-wire.ts";

/** What the own agent and the own module say to each other. */
export interface LinkWords {
	readonly from: "agent" | "module";
	readonly type: LinkMessageType;
	readonly body: Uint8Array;
}

type Frames = readonly Uint8Array[];

/** Signs what the machine asks for, or something else. */
type Signing = (
	content: Uint8Array,
	key: Signer,
) => Uint8Array | Promise<Uint8Array>;

/** What is done differently. */
export interface HostileHooks {
	/** Frames for the other side, the first one with the number 0: what goes in the place of each. */
	readonly outbound?: (frame: Uint8Array, number: number) => Frames;
	/** Frames of the other side, before the own agent has them. */
	readonly inbound?: (frame: Uint8Array, number: number) => Frames;
	readonly link?: (words: LinkWords) => readonly LinkWords[];
	/** Parts of the device's context that are others. */
	readonly agent?: Partial<DeviceContext>;
	readonly module?: Partial<DeviceContext>;
	/** What signs in the place of the device's key, which may be asked for anything. */
	readonly agentSigns?: Signing;
	readonly moduleSigns?: Signing;
	/** `direct` unless given. */
	readonly routing?: Routing;
	/** `transcript` unless given. */
	readonly root?: Root;
	/** What both say of the link between them; `paired` unless given. */
	readonly linkMode?: LinkMode;
	/** The agent whose module the module is, if that is another one. */
	readonly moduleOf?: HostileDevice;
	/** Devices whose chains both have, although nobody has carried them. */
	readonly known?: readonly DeviceContext[];
	readonly firstMessage?: Uint8Array;
}

/** How an establishment ends, as its hostile side sees it. */
export type CallEnd =
	/** The other side has taken it for good. */
	| "confirmed"
	/** The other side said no, and hung up. */
	| "refused"
	/** The other side hung up. */
	| "closed"
	/** Nothing more came, and the connection stands. */
	| "silent";

/** How long an honest device may take for a step. */
const PATIENCE_MS = 10_000;

type Role = "agent" | "module";

/** For whom something may wait to be sealed; the modules come first, as in `ModuleConversation`. */
const FLUSHED: readonly Role[] = ["module", "agent"];

export class HostileTetrad {
	readonly agent: AgentMachine;
	readonly module: ModuleMachine;
	/** Every frame that the other side has sent. */
	readonly received: Uint8Array[] = [];
	/** Every frame that was sent, as it went. */
	readonly sent: Uint8Array[] = [];
	/** What the machines told their owner: messages, and each its end. */
	readonly heard: Readonly<
		Record<Role, (AgentEffect | ModuleEffect | Ended)[]>
	> = { agent: [], module: [] };
	readonly #wire: HostileWire;
	readonly #hooks: HostileHooks;
	readonly #sign: Readonly<
		Record<Role, (content: Uint8Array) => Uint8Array | Promise<Uint8Array>>
	>;
	/** What is to be handed to a machine. */
	readonly #waiting: (() => void)[] = [];
	readonly #signing: Promise<void>[] = [];
	/** Chains that one of the two has carried to the other. */
	readonly #known = new Map<string, Uint8Array>();
	#out = 0;

	private constructor(
		place: "caller" | "answerer",
		side: HostileDevices,
		wire: HostileWire,
		hooks: HostileHooks,
	) {
		this.#wire = wire;
		this.#hooks = hooks;
		this.#sign = {
			agent: (content) =>
				hooks.agentSigns?.(content, side.agent.signer) ??
				side.agent.signer.sign(content),
			module: (content) =>
				hooks.moduleSigns?.(content, side.module.signer) ??
				side.module.signer.sign(content),
		};
		const agent = { ...side.agent.context, ...hooks.agent };
		const module = { ...side.module.context, ...hooks.module };
		const secret = nodeCrypto.random(32);
		const link = (peer: DeviceContext): LinkContext => ({
			mode: hooks.linkMode ?? "paired",
			peerDeviceId: peer.own.deviceId,
			peerChain: peer.own.encodedChain,
			secret: copy(secret),
			chain: (hash) => this.#known.get(hex(hash)),
		});
		for (const { own } of [agent, module, ...(hooks.known ?? [])])
			this.#known.set(hex(own.chainHash), own.encodedChain);
		const now = Date.now();
		const common = { now, timeoutMs: DEFAULT_TIMEOUT_MS };
		const agentOptions = {
			...common,
			device: agent,
			link: link(module),
		};
		const moduleOptions = {
			...common,
			device: module,
			link: link(hooks.moduleOf?.context ?? agent),
			signedHashes: new SignedHashes(),
		};
		if (place === "caller") {
			const { routing = "direct", root = "transcript", firstMessage } = hooks;
			this.agent = agentInitiator({
				...agentOptions,
				routing,
				root,
				...(firstMessage === undefined ? {} : { firstMessage }),
			});
			this.module = moduleInitiator(moduleOptions);
		} else {
			this.agent = agentResponder(agentOptions);
			this.module = moduleResponder(moduleOptions);
		}
	}

	/** Calls whoever is at the other end. */
	static calling(
		side: HostileDevices,
		wire: HostileWire,
		hooks: HostileHooks = {},
	): HostileTetrad {
		return new HostileTetrad("caller", side, wire, hooks);
	}

	/** Answers whoever is at the other end. */
	static answering(
		side: HostileDevices,
		wire: HostileWire,
		hooks: HostileHooks = {},
	): HostileTetrad {
		return new HostileTetrad("answerer", side, wire, hooks);
	}

	/** Establishes a tetrad, as far as the other side lets it come. */
	async establish(withinMs: number = PATIENCE_MS): Promise<CallEnd> {
		if (this.agent.place === "A") this.giveAgent({ kind: "start" });
		const end = await this.until(
			() => this.isConfirmed || this.refused,
			withinMs,
		);
		if (this.isConfirmed) return "confirmed";
		if (this.refused) return "refused";
		return end === "closed" ? "closed" : "silent";
	}

	/** Whether the own agent has what proves that the other side has confirmed. */
	get isConfirmed(): boolean {
		return this.heard.agent.some(({ kind }) => kind === "confirmed");
	}

	/** Whether the other side has said no. */
	get refused(): boolean {
		return this.received.some((frame) => frame[0] === FRAME.refusal);
	}

	/** Whether the other side has said anything sealed, which it says in no establishment that it has not accepted. */
	get saidRecords(): number {
		return this.received.filter((frame) => frame[0] === FRAME.record).length;
	}

	/** Why one of the own machines has ended, where it has. */
	error(role: Role): TetradError | undefined {
		const end = this.heard[role].find(({ kind }) => kind === "ended");
		return end?.kind === "ended" ? end.error : undefined;
	}

	/** What the other side has said to this device in a session. */
	messages(role: Role, session: 1 | 2 | 3 | 4): Uint8Array[] {
		return this.heard[role].flatMap((effect) =>
			effect.kind === "messages" && effect.session === session
				? effect.messages
				: [],
		);
	}

	/** Says something to the other agent, and waits for the next that it says; `undefined` when that does not come. */
	async ask(
		message: Uint8Array,
		withinMs: number = PATIENCE_MS,
	): Promise<Uint8Array | undefined> {
		const { length } = this.messages("agent", 1);
		this.giveAgent({ kind: "send", to: "agent", message });
		const answers = () => this.messages("agent", 1).slice(length);
		await this.until(() => answers().length > 0, withinMs);
		return answers()[0];
	}

	/** Hands something to the own agent's machine, as it would come by itself. */
	giveAgent(event: AgentEvent): void {
		this.#waiting.push(() => this.#takeAgent(event));
		this.#run();
	}

	/** Hands something to the own module's machine. */
	giveModule(event: ModuleEvent): void {
		this.#waiting.push(() => this.#takeModule(event));
		this.#run();
	}

	/** Gives the other agent the lists that it lacks, once confirmed, for so many milliseconds. */
	async giveLists(forMs: number): Promise<void> {
		const end = performance.now() + forMs;
		while (performance.now() < end) {
			while (this.agent.listWaits) this.giveAgent({ kind: "next-list" });
			await this.until(() => this.agent.listWaits, end - performance.now());
		}
	}

	/** Sends frames as they are, past all hooks. */
	sendRaw(...frames: Frames): void {
		this.sent.push(...frames);
		this.#wire.send(...frames);
	}

	/** Goes on until something holds, the other end has closed, or so many milliseconds have passed. */
	async until(
		done: () => boolean,
		withinMs: number,
	): Promise<"done" | "closed" | "silent"> {
		const end = performance.now() + withinMs;
		for (;;) {
			await this.#signed();
			if (done()) return "done";
			const next = await this.#wire.next(Math.max(0, end - performance.now()));
			if (next.kind !== "frame") return next.kind;
			const number = this.received.push(next.bytes) - 1;
			const { inbound } = this.#hooks;
			for (const bytes of inbound?.(next.bytes, number) ?? [next.bytes])
				this.giveAgent({ kind: "frame", bytes });
		}
	}

	async #signed(): Promise<void> {
		while (this.#signing.length > 0) await Promise.all(this.#signing.splice(0));
	}

	#run(): void {
		for (;;) {
			const next = this.#waiting.shift();
			if (next === undefined) return;
			next();
		}
	}

	#takeAgent(event: AgentEvent): void {
		if (this.agent.ended && event.kind !== "send") return;
		for (const effect of this.agent.handle(event, Date.now())) {
			if (effect.kind === "send-frame") this.#put(effect.bytes);
			else this.#apply("agent", effect);
		}
		for (const to of FLUSHED)
			if (this.agent.flushWaits(to)) this.#takeAgent({ kind: "flush", to });
	}

	#takeModule(event: ModuleEvent): void {
		if (this.module.ended && event.kind !== "send") return;
		for (const effect of this.module.handle(event, Date.now()))
			this.#apply("module", effect);
		for (const to of FLUSHED)
			if (this.module.flushWaits(to)) this.#takeModule({ kind: "flush", to });
	}

	#put(frame: Uint8Array): void {
		const { outbound } = this.#hooks;
		const bytes = copy(frame);
		this.sendRaw(...(outbound?.(bytes, this.#out++) ?? [bytes]));
	}

	#apply(
		role: Role,
		effect: Exclude<AgentEffect, { kind: "send-frame" }> | Ended,
	): void {
		switch (effect.kind) {
			case "send-link": {
				for (const { chainHash, encodedChain } of effect.chains)
					this.#known.set(hex(chainHash), encodedChain);
				const words = {
					from: role,
					type: effect.type,
					body: copy(effect.body),
				} as const;
				for (const one of this.#hooks.link?.(words) ?? [words])
					this.#carry(one);
				return;
			}
			case "sign": {
				const { id, content } = effect;
				this.#signing.push(this.#signFor(role, id, content));
				return;
			}
			default:
				this.heard[role].push(effect);
		}
	}

	async #signFor(role: Role, id: number, content: Uint8Array): Promise<void> {
		const signature = await this.#sign[role](content);
		const event = { kind: "signed", id, signature } as const;
		if (role === "agent") this.giveAgent(event);
		else this.giveModule(event);
	}

	#carry({ from, type, body }: LinkWords): void {
		const event = { kind: "link-message", type, body } as const;
		if (from === "agent") this.#waiting.push(() => this.#takeModule(event));
		else this.#waiting.push(() => this.#takeAgent(event));
	}
}

/** A message of the application, its first byte and its body. */
export function spoken<Value>(
	{ type, body }: MessageKind<Value>,
	value: Value,
): Uint8Array {
	return concat(Uint8Array.of(type), body.encode(value));
}

/** The bytes of a frame with another body, and the same type. */
export function withBody(
	frame: Uint8Array,
	...parts: readonly Uint8Array[]
): Uint8Array {
	return encodeFrame(parseFrame(frame).type, concat(...parts));
}
