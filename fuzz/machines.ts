/*
 * Every machine, fed with what it is not meant to be fed with. An input is a program: which world
 * of the simulator runs, and what happens to which of the events in it. In small worlds it is read
 * as the events of one machine.
 *
 * The world is a real run of all machines together; what comes from somebody else (frames, messages
 * that were opened, documents of an owner) is changed, dropped, repeated or taken out of another
 * conversation, behind all cryptography, as by a device that is certified and lies.
 */

import { ONE_PURCHASE } from "../sim/exhaustive.ts";
import { drawSwarm, type Plan } from "../sim/plan.ts";
import { prepare, runPrepared } from "../sim/run.ts";
import { nodeCrypto } from "../src/crypto/index.ts";
import { TetradError } from "../src/errors.ts";
import type { Ended, Kind, Machine } from "../src/machine/index.ts";
import { AgentPayments } from "../src/money/agent/index.ts";
import type { MoneyMachine } from "../src/money/index.ts";
import { IssuerMachine } from "../src/money/issuer/issuer.ts";
import { PurseMachine } from "../src/money/purse/purse.ts";
import {
	AgentAnswering,
	FileReceiving,
	FileSending,
	ModuleGreeting,
	PaymentProposing,
} from "../src/talk/index.ts";
import {
	Admission,
	type AdmissionEvent,
} from "../src/tetrad/admission/index.ts";
import { LinkMachine } from "../src/tetrad/link/link.ts";
import { PairingMachine } from "../src/tetrad/link/pairing.ts";
import { LOAD_LIMITS } from "../src/tetrad/parameters.ts";
import { AgentMachine } from "../src/tetrad/role/agent-machine.ts";
import { ModuleMachine } from "../src/tetrad/role/module-machine.ts";
import { Buying } from "../src/trade/agent/buying.ts";
import { Selling } from "../src/trade/agent/selling.ts";
import { encodeFrame, FRAME } from "../src/wire/index.ts";
import { Cast } from "../test/support/attack.ts";
import { pairingBetween } from "../test/support/wire.ts";
import { PAYMENT_OF_650, TERMS } from "../test/talk/support.ts";
import { readCorpus } from "./corpus.ts";
import { broken, type Target } from "./target.ts";

type Happening = Kind & { readonly [key: string]: unknown };
type AnyMachine = Machine<Happening, Happening>;

/** Machines whose every failure ends them: whatever they are handed, they throw nothing. */
const THAT_END = { AgentPayments, Buying, Selling };
/** Those whose drivers may be told of a mistake of theirs, and which an event from elsewhere never makes throw. */
const OTHERS = {
	LinkMachine,
	AgentMachine,
	ModuleMachine,
	PurseMachine,
	IssuerMachine,
};

/** Events that somebody else decides, and where the bytes stand in them. */
const FOREIGN: Readonly<Record<string, string>> = {
	frame: "bytes",
	"link-message": "body",
	"from-agent": "bytes",
	"from-module": "bytes",
	order: "document",
	override: "document",
	cancel: "document",
	limits: "document",
	approval: "document",
};

/** No event makes a machine ask for more at once. */
const MOST_EFFECTS = 4_096;
/** Of what it waits for; the machines' own limits are far below. */
const MOST_PENDING = 4_096;

/** Takes numbers out of an input; behind its end everything is 0. */
class Reader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get isDone(): boolean {
		return this.#at >= this.#bytes.length;
	}

	byte(): number {
		return this.#bytes[this.#at++] ?? 0;
	}

	word(): number {
		return this.byte() * 256 + this.byte();
	}

	bytes(length: number): Uint8Array {
		this.#at += length;
		return this.#bytes.slice(this.#at - length, this.#at);
	}
}

/** What happens to the events of a world. */
class Tampering {
	readonly #steps: { at: number; how: number; what: number; where: number }[] =
		[];
	readonly #seen: { readonly name: string; readonly event: Happening }[] = [];
	#count = 0;
	/** Whether what drivers hand over is changed too, to machines that have to bear it. */
	readonly driversErr: boolean;
	/** What a machine did that none may do. */
	found: unknown;

	constructor(reader: Reader, driversErr: boolean) {
		this.driversErr = driversErr;
		let at = 0;
		while (!reader.isDone && this.#steps.length < 32) {
			at += 1 + (reader.word() % 400);
			this.#steps.push({
				at,
				how: reader.byte(),
				what: reader.byte(),
				where: reader.word(),
			});
		}
	}

	/** The events in the place of one. */
	of(name: string, event: Happening): readonly Happening[] {
		const isOwn = this.driversErr && name in THAT_END;
		if (FOREIGN[event.kind] === undefined && !isOwn) return [event];
		this.#count++;
		if (this.#seen.length < 4_096) this.#seen.push({ name, event });
		const step = this.#steps[0];
		if (step === undefined || step.at > this.#count) return [event];
		this.#steps.shift();
		const other = this.#another(name, step.where);
		switch (step.how % 8) {
			case 0:
				return [];
			case 1:
				return [event, event];
			case 2:
				return [event, other ?? event];
			case 3:
				return [other ?? event, event];
			case 4:
				return [other ?? event];
			default:
				return [changed(event, step)];
		}
	}

	/** Something else that happened to a machine of that kind, in whatever conversation. */
	#another(name: string, nth: number): Happening | undefined {
		const same = this.#seen.filter((seen) => seen.name === name);
		return same[nth % same.length]?.event;
	}
}

function changed(
	event: Happening,
	{ how, what, where }: { how: number; what: number; where: number },
): Happening {
	const field = FOREIGN[event.kind];
	const bytes = field === undefined ? undefined : event[field];
	if (field === undefined || !(bytes instanceof Uint8Array)) return event;
	const out = Uint8Array.from(bytes);
	const at = where % Math.max(1, out.length);
	const rest = out.subarray(at);
	switch (how % 8) {
		case 5:
			if (out.length > 0) out[at] = (out[at] ?? 0) ^ (what || 1);
			return { ...event, [field]: out };
		case 6:
			return { ...event, [field]: out.slice(0, at) };
		default:
			return {
				...event,
				[field]: Uint8Array.from([...out.subarray(0, at), what, ...rest]),
			};
	}
}

const endedOnes = new WeakSet<object>();

/** Hands an event over, and looks at what the machine does. `mayErr` when its driver may have made a mistake. */
function handled(
	handle: AnyMachine["handle"],
	machine: AnyMachine,
	name: string,
	event: Happening,
	now: number,
	mayErr: boolean,
): readonly (Happening | Ended)[] {
	const wasOver = endedOnes.has(machine);
	const effects = handle.call(machine, event, now);
	if (wasOver && effects.length > 0)
		throw broken(`${name} goes on after its end`);
	if (effects.length > MOST_EFFECTS)
		throw broken(`${name} asks for ${effects.length} things at once`);
	const end = effects.findIndex(({ kind }) => kind === "ended");
	if (end >= 0) {
		endedOnes.add(machine);
		if (end !== effects.length - 1)
			throw broken(`${name} asks for something after its end`);
		const { error } = effects[end] as Ended;
		// A driver that hands over what was not asked for has made the mistake itself.
		if (error?.code === "internal" && (!mayErr || error.cause !== undefined))
			throw broken(`${name} ends by a mistake of its own`, error);
	}
	const { pending } = machine as Partial<MoneyMachine<unknown>>;
	if ((pending?.size ?? 0) > MOST_PENDING)
		throw broken(`${name} waits for ${pending?.size} things`);
	if (Number.isNaN(machine.deadline))
		throw broken(`${name} waits for a time that is none`);
	return effects;
}

let current: Tampering | undefined;

/** From now on the machines of worlds are looked at, and fed with what a program says. */
function watchMachines(): void {
	for (const [name, { prototype }] of Object.entries({
		...THAT_END,
		...OTHERS,
	})) {
		const real = prototype as unknown as {
			handle: AnyMachine["handle"];
			deadline: number | undefined;
		};
		const { handle } = real;
		real.handle = function (this: AnyMachine, event, now) {
			const tampering = current;
			if (tampering === undefined) return handle.call(this, event, now);
			const all: (Happening | Ended)[] = [];
			for (const one of tampering.of(name, event))
				try {
					all.push(
						...handled(handle, this, name, one, now, tampering.driversErr),
					);
				} catch (thrown) {
					// A driver hears of its own mistakes, and those of what it was asked to send.
					if (FOREIGN[one.kind] === undefined && thrown instanceof TetradError)
						throw thrown;
					tampering.found ??= thrown;
				}
			return all;
		};
	}
}

const BREAKS = "no machine breaks";

/**
 * What holds in a world however some of its devices lie. Not among them is what is about a device
 * and the one beside it, or about coming to an end.
 */
const HOLDS = new Set([
	"no range is spent twice",
	"no nonce is used twice",
	"secrets are on no wire",
	"queues stay within their limits",
	"the audit balances",
	BREAKS,
]);

/** Small worlds of many kinds, and one purchase. */
const DRAWN = 3;

/** One world after another; an input says which, and what goes wrong in it. */
async function worldTarget(): Promise<Target> {
	const plans: Plan[] = [
		ONE_PURCHASE,
		...Array.from({ length: DRAWN }, (_, at) => {
			const plan = drawSwarm(`fuzz ${at}`);
			return { ...plan, steps: plan.steps.slice(0, 8) };
		}),
	];
	const worlds = await Promise.all(
		plans.map(async (plan) => ({ plan, prepared: await prepare(plan) })),
	);
	watchMachines();
	return {
		name: "machines of a world",
		covers: [],
		weight: 60,
		seeds: plans.flatMap((_, at) => [
			Uint8Array.of(at),
			Uint8Array.from([at, ...[5, 0, 2, 7, 1, 9, 3, 4].flatMap(program)]),
			Uint8Array.from([at + 128, ...[4, 2, 1, 3, 0].flatMap(program)]),
		]),
		take(bytes) {
			const reader = new Reader(bytes);
			const first = reader.byte();
			const { plan, prepared } = worlds[
				first % worlds.length
			] as (typeof worlds)[number];
			const driversErr = first >= 128;
			const tampering = new Tampering(reader, driversErr);
			current = tampering;
			try {
				const { violation } = runPrepared(plan, prepared);
				if (tampering.found !== undefined) throw tampering.found;
				const isFound =
					violation !== undefined && HOLDS.has(violation.invariant);
				// What a machine makes of its driver's mistake is told as one of its own.
				if (isFound && !(driversErr && violation.invariant === BREAKS))
					throw broken(`${violation.invariant}: ${violation.what}`);
			} finally {
				current = undefined;
			}
		},
	};
}

const program = (how: number): number[] => [1, 30 + how, how, how, 0, 40 * how];

/** How the events of one small machine are made of an input, one for each kind. */
type Events = readonly ((reader: Reader) => Happening)[];

const ERROR = new TetradError("aborted", "it is not wanted any more");
const said = (kind: string) => (reader: Reader) => ({
	kind,
	bytes: reader.bytes(reader.word() % 2_048),
});
const happens = (kind: string) => () => ({ kind });
const fails = (kind: string) => () => ({ kind, error: ERROR });

const SESSION_ONE: Events = [
	said("from-agent"),
	happens("sent"),
	happens("closed"),
	happens("time"),
	fails("abort"),
];

function smallTarget(
	name: string,
	make: () => Machine<never, Kind>,
	events: Events,
): Target {
	const first = events.map((_, at) => at);
	return {
		name: `machine ${name}`,
		covers: [],
		weight: 4,
		seeds: [Uint8Array.from(first), Uint8Array.from(first.toReversed())],
		take(bytes) {
			const machine = make() as unknown as AnyMachine;
			const reader = new Reader(bytes);
			for (let now = 1_700_000_000_000; !reader.isDone; now += 1_000) {
				const event = events[reader.byte() % events.length]?.(reader);
				if (event !== undefined)
					handled(machine.handle, machine, name, event, now, true);
			}
		},
	};
}

async function pairingTarget(): Promise<Target> {
	const cast = await Cast.make();
	const { A, X } = await cast.four();
	return smallTarget(
		"pairing",
		() => pairingBetween(A, X, cast.now).module.machine as never,
		[
			said("frame"),
			happens("start"),
			happens("told"),
			happens("accept"),
			(reader) => ({
				kind: "signed",
				id: reader.byte(),
				signature: reader.bytes(64),
			}),
			happens("time"),
			fails("abort"),
		],
	);
}

/** Connections that an agent takes, of a few addresses. What is counted stays within its limits. */
function admissionTarget(): Target {
	const limits = {
		...LOAD_LIMITS,
		...{ halfOpen: 6, halfOpenOfAddress: 3, busyFrom: 2 },
		...{ working: 2, waiting: 3, waitingOfAddress: 2 },
	};
	const offers = readCorpus("structure F1");
	let arrived = 0;
	const id = (reader: Reader) => arrived - (reader.byte() % 16);
	const about = (kind: string) => (reader: Reader) => ({
		kind,
		id: id(reader),
	});
	return smallTarget("admission", () => {
		const machine = new Admission(nodeCrypto, limits);
		arrived = 0;
		return {
			get deadline() {
				return machine.deadline;
			},
			handle(event: AdmissionEvent, now: number) {
				const effects = machine.handle(event, now);
				for (const kind of ["halfOpen", "working", "waiting"] as const)
					if (machine.counts[kind] > limits[kind])
						throw broken(`${machine.counts[kind]} are ${kind}`);
				return effects;
			},
		} as never;
	}, [
		(reader) => ({
			kind: "arrived",
			// A driver numbers them one after another.
			id: ++arrived,
			source: `source ${reader.byte() % 3}`,
			peer: `peer ${reader.byte() % 3}`,
		}),
		(reader) => ({
			kind: "frame",
			id: id(reader),
			bytes: encodeFrame(
				FRAME.offer,
				offers[reader.byte() % offers.length] ?? new Uint8Array(),
			),
		}),
		(reader) => ({ ...said("frame")(reader), id: id(reader) }),
		about("retried"),
		about("answered"),
		about("confirmed"),
		about("gone"),
		happens("time"),
	]);
}

/** Of machines. The last one has the machines of all worlds watched, and comes last. */
export async function machineTargets(): Promise<Target[]> {
	return [
		smallTarget(
			"sending a file",
			() => new FileSending(nodeCrypto, { name: "a", size: 700 }) as never,
			[happens("begin"), said("read"), ...SESSION_ONE],
		),
		smallTarget(
			"receiving a file",
			() => new FileReceiving({ crypto: nodeCrypto, maxBytes: 1_000 }) as never,
			[
				...SESSION_ONE,
				happens("created"),
				happens("written"),
				() => ({ kind: "kept", path: "in/a" }),
				happens("acknowledge"),
			],
		),
		smallTarget(
			"answering",
			() =>
				new AgentAnswering({
					crypto: nodeCrypto,
					issuers: [TERMS],
					takesFiles: true,
				}) as never,
			[
				happens("begin"),
				...SESSION_ONE,
				happens("expecting"),
				fails("not-expecting"),
				happens("created"),
				happens("written"),
				() => ({ kind: "kept", path: "in/a" }),
				happens("acknowledge"),
			],
		),
		smallTarget(
			"proposing a payment",
			() => new PaymentProposing(PAYMENT_OF_650, "for tea") as never,
			[
				happens("begin"),
				...SESSION_ONE,
				() => ({ kind: "paid", amount: 650n }),
				fails("not-paid"),
			],
		),
		smallTarget("greeting", () => new ModuleGreeting("hello") as never, [
			happens("begin"),
			said("from-agent"),
			said("from-module"),
			happens("time"),
			fails("abort"),
		]),
		await pairingTarget(),
		admissionTarget(),
		await worldTarget(),
	];
}

/** For the list of all machines. */
export const MACHINES: readonly string[] = [
	...Object.keys(THAT_END),
	...Object.keys(OTHERS),
	...[FileSending, FileReceiving, AgentAnswering].map(({ name }) => name),
	...[PaymentProposing, ModuleGreeting, PairingMachine].map(({ name }) => name),
	Admission.name,
];
