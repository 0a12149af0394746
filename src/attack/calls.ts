/* Hostile calls to a merchant, hostile answers to a buyer, and how both are judged by what the honest side does. */

import { type CryptoProvider, nodeCrypto } from "../crypto/index.ts";
import type { ProcessEvent } from "../device/process/index.ts";
import { asTetradError, type ErrorCode } from "../errors.ts";
import { messages } from "../tetrad/index.ts";
import {
	CONTENT,
	concat,
	copy,
	enc,
	FRAME,
	frameHeader,
	parseFrame,
} from "../wire/index.ts";
import { broken, held, type Outcome } from "./attack.ts";
import {
	type HostileDevices,
	type HostileHooks,
	HostileListener,
	HostileTetrad,
	type HostileWire,
	withBody,
} from "./hostile/index.ts";
import { NotTried } from "./not-tried.ts";
import type { Heard, Target } from "./target.ts";

/** What the attacker did, so that nothing counts that never happened. */
export class Deed {
	#times = 0;

	/** It is done now. */
	done(): void {
		this.#times++;
	}

	/** Throws `NotTried` where it was not. */
	require(): void {
		if (this.#times === 0)
			throw new NotTried("the moment for it never came", { matters: true });
	}
}

/** How long an honest device may take to refuse. */
const REFUSAL_MS = 10_000;

/** How long the word of a process may be on its way. */
const WORD_MS = 2000;

/** How long an agent may sum up refusals before it tells of them, and the word be on its way. */
const SUM_MS = 15_000;

/** Calls the merchant with something done differently, and judges by what the merchant does. */
export async function callMerchant(
	target: Target,
	signal: AbortSignal,
	attempt: {
		/** Whose devices call; those of "mallory" unless given. */
		readonly side?: HostileDevices;
		readonly hooks: HostileHooks;
		readonly deed: Deed;
		/** Why the merchant may refuse, by its own word; looked at where that can be heard. */
		readonly codes: readonly ErrorCode[];
		/** Records that the merchant may have sent before it could know; none unless given. */
		readonly records?: number;
		/** Further hostile deeds, once the establishment is over. */
		readonly then?: (tetrad: HostileTetrad) => Promise<void>;
	},
): Promise<Outcome> {
	const { hooks, deed, codes, records = 0, then } = attempt;
	const side = attempt.side ?? (await target.hostile());
	const from = target.heard().length;
	await using wire = await target.connect(signal);
	const tetrad = HostileTetrad.calling(side, wire, hooks);
	const end = await tetrad.establish(REFUSAL_MS);
	await then?.(tetrad);
	deed.require();
	if (tetrad.saidRecords > records)
		return broken("the merchant let the caller in");
	return await afterRefusal(target, wire, { from, end, codes });
}

/** Judges a connection on which the merchant should have refused by now, and hung up. */
export async function afterRefusal(
	target: Target,
	wire: HostileWire,
	{
		from,
		end,
		codes,
		withinMs = REFUSAL_MS,
	}: {
		readonly from: number;
		/** What has been seen so far. */
		readonly end: string;
		readonly codes: readonly ErrorCode[];
		readonly withinMs?: number;
	},
): Promise<Outcome> {
	const rest = await wire.rest(withinMs);
	if (rest.frames.some((frame) => frame[0] === FRAME.record))
		return broken("the merchant goes on after what it should refuse");
	if (rest.end === "silent")
		return broken("the merchant neither refuses nor hangs up");
	const how =
		end === "refused" || rest.frames.some((frame) => frame[0] === FRAME.refusal)
			? "the merchant refused and hung up"
			: "the merchant hung up";
	return sayingWhy(target, wire, how, { from, codes });
}

/** Adds why, where the merchant's own word is heard; one that is not expected is broken. */
async function sayingWhy(
	target: Target,
	wire: HostileWire,
	how: string,
	{
		from,
		codes,
	}: { readonly from: number; readonly codes: readonly ErrorCode[] },
): Promise<Outcome> {
	if (target.kind === "deployment") return held(how);
	const word = await target.hears(
		({ process, event }) =>
			process === "shop agent" && isAbout(event, wire.localAddress),
		{ from, withinMs: WORD_MS },
	);
	if (word === undefined) return summedUp(target, how, { from, codes });
	const code = codeOf(word.event);
	return code !== undefined && codes.includes(code)
		? held(`${how}: ${code}`)
		: broken(`${how}, and told its owner ${code}`);
}

/** Of many refusals the owner hears in one word, some seconds later. */
async function summedUp(
	target: Target,
	how: string,
	{
		from,
		codes,
	}: { readonly from: number; readonly codes: readonly ErrorCode[] },
): Promise<Outcome> {
	const isOne = ({ process, event }: Heard) =>
		process === "shop agent" &&
		event.event === "refused-more" &&
		codes.some((code) => (event.codes[code] ?? 0) > 0);
	const word = await target.hears(isOne, { from, withinMs: SUM_MS });
	if (word?.event.event !== "refused-more")
		return broken(`${how}, and its owner heard nothing of it`);
	const { codes: told } = word.event;
	const named = codes.filter((code) => told[code] !== undefined);
	return held(`${how}: ${named.join(", ")}, told with others`);
}

function isAbout(event: ProcessEvent, local: string): boolean {
	return event.event === "refused" && event.peer.endsWith(`:${local}`);
}

function codeOf(event: ProcessEvent): ErrorCode | undefined {
	return event.event === "refused" ? event.code : undefined;
}

/** What an honest buyer's agent ended with when it called somebody hostile. */
export interface Called {
	/** `undefined` where the buyer got what it asked for. */
	readonly code: ErrorCode | undefined;
	readonly reason: string;
}

/**
 * Has the buyer's agent ask for a catalogue at an address where somebody hostile answers. Throws
 * `NotTried` where nobody has lent the buyer.
 */
export async function buyerCalls(
	target: Target,
	signal: AbortSignal,
	answer: (wire: HostileWire) => Promise<void>,
): Promise<Called> {
	await using listener = await HostileListener.open(answer);
	const { host, port } = listener.address;
	try {
		await target.withBuyer(async (agent) => {
			for await (const _ of agent.catalogue(`${host}:${port}`, { signal }));
		});
		return { code: undefined, reason: "" };
	} catch (thrown) {
		if (thrown instanceof NotTried || signal.aborted) throw thrown;
		const { code, message } = asTetradError(thrown);
		return { code, reason: message };
	}
}

/** As `buyerCalls`, answered by hostile devices whose only lies are in the hooks. */
export async function buyerMeets(
	target: Target,
	signal: AbortSignal,
	attempt: {
		readonly side?: HostileDevices;
		readonly hooks: HostileHooks;
		readonly deed: Deed;
		/** Why the buyer may refuse. */
		readonly codes: readonly ErrorCode[];
		/** Whether the buyer's agent may have said its flight 3, with its own name in it. */
		readonly mayBeNamed?: boolean;
	},
): Promise<Outcome> {
	const { hooks, deed, codes, mayBeNamed = false } = attempt;
	const side = attempt.side ?? (await target.hostile());
	let records = 0;
	const called = await buyerCalls(target, signal, async (wire) => {
		const tetrad = HostileTetrad.answering(side, wire, hooks);
		await tetrad.establish(REFUSAL_MS);
		records = tetrad.saidRecords;
	});
	deed.require();
	if (called.code === undefined) return broken("the buyer was taken in");
	if (records > 0 && !mayBeNamed)
		return broken("the buyer said who it is to somebody who is not to know");
	return codes.includes(called.code)
		? held(`the buyer gave up: ${called.code}`)
		: broken(`the buyer ended with ${called.code}: ${called.reason}`);
}

/** The first of several that is not held, or the last one. */
export async function allOf<Value>(
	values: readonly Value[],
	attempt: (value: Value) => Promise<Outcome>,
): Promise<Outcome> {
	let last: Outcome = broken("there was nothing to try");
	for (const value of values) {
		last = await attempt(value);
		if (last.kind !== "held") return last;
	}
	return last;
}

/** Flight 1 with another message 1. */
export function withMessage1(
	frame: Uint8Array,
	change: (message1: Uint8Array) => Uint8Array,
): Uint8Array {
	const { offer, message1 } = messages.F1.decode(parseFrame(frame).body);
	// Not by the structure, which makes none that is too long.
	return withBody(frame, enc(offer, change(copy(message1))));
}

/** A provider through which a device seals something else in its records of one content type than its code wants to. */
function resealing(
	type: number,
	change: (content: Uint8Array) => Uint8Array,
	crypto: CryptoProvider = nodeCrypto,
): CryptoProvider {
	return {
		...crypto,
		aead(name, key) {
			const honest = crypto.aead(name, key);
			return {
				seal: honest.seal,
				open: honest.open,
				sealRecord(nonce, header, ...parts) {
					const plaintext = concat(...parts);
					if (plaintext[0] !== type)
						return honest.sealRecord(nonce, header, plaintext);
					const changed = concat(
						plaintext.subarray(0, 1),
						change(plaintext.subarray(1)),
					);
					const longer = frameHeader(FRAME.record, changed.length + 16);
					return honest.sealRecord(nonce, longer, changed);
				},
			};
		},
	};
}

/** As `resealing`, of flights. */
export function sealingFlights(
	change: (content: Uint8Array) => Uint8Array,
): CryptoProvider {
	return resealing(CONTENT.handshake, change);
}
