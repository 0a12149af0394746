/* Floods in short: what each leaves of the merchant, its memory and honest business meanwhile. */
import { asTetradError } from "../../errors.ts";
import { messages } from "../../money/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import { FRAME } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { HostileTetrad } from "../hostile/index.ts";
import { rogueOf } from "../market/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import { Crowd } from "./crowd.ts";
import { ProcessMemory } from "./process-memory.ts";

const REFERENCE = "SECURITY.md";

/** How many come at once. */
const CROWD = 200;

/** Slow first frames are cut after eight seconds; nothing that goes well takes this. */
const CUT_WITHIN_MS = 60_000;

/** The head of a frame that says that so much follows. */
function frameHead(length: number): Uint8Array {
	const head = new Uint8Array(5);
	head[0] = FRAME.offer;
	new DataView(head.buffer).setUint32(1, length);
	return head;
}

/** An offer that somebody certified makes, and never goes on with. */
async function firstFlight(
	target: Target,
	signal: AbortSignal,
): Promise<Uint8Array> {
	const side = await target.hostile();
	await using wire = await target.connect(signal);
	let offer: Uint8Array | undefined;
	const tetrad = HostileTetrad.calling(side, wire, {
		outbound: (frame) => {
			offer ??= frame;
			return [];
		},
	});
	tetrad.giveAgent({ kind: "start" });
	if (offer === undefined) throw new Error("nothing was offered");
	return offer;
}

/** What a crowd that says something leaves of the merchant, while it stands and after. */
async function crowded(
	target: Target,
	signal: AbortSignal,
	says: Uint8Array,
	isCut: boolean,
): Promise<Outcome> {
	const memory = await ProcessMemory.ofMerchant(target);
	using crowd = await Crowd.connect(target.merchantAt, CROWD, signal);
	crowd.say(says);
	const why = await target.isAlive(signal);
	if (why !== undefined) return broken(`meanwhile ${why}`);
	const { isTooMuch, what } = await memory.grown();
	if (isTooMuch) return broken(what);
	if (isCut && !(await crowd.allClosed(CUT_WITHIN_MS, signal)))
		return broken(`${crowd.size - crowd.closed} of them were not cut`);
	return held(
		`${crowd.closed} of ${crowd.size} were cut; honest business went on, and ${what}`,
	);
}

export const FLOODS: readonly Attack[] = [
	{
		name: "half-open-establishments",
		group: "denial-of-service",
		tried: `${CROWD} callers from one address made an offer, and never went on.`,
		reference: REFERENCE,
		async run(target, signal) {
			return crowded(target, signal, await firstFlight(target, signal), false);
		},
	},
	{
		name: "frames-of-gigabytes",
		group: "denial-of-service",
		tried: `${CROWD} callers announced a first frame of four gigabytes.`,
		reference: "docs/protocol.md, Frames",
		run: (target, signal) =>
			crowded(target, signal, frameHead(0xffff_ffff), true),
	},
	{
		name: "frames-that-do-not-end",
		group: "denial-of-service",
		tried: `${CROWD} callers sent all of a first frame but its last bytes.`,
		reference: "docs/protocol.md, Frames",
		run: (target, signal) => {
			const bytes = new Uint8Array(60_000);
			bytes.set(frameHead(60_100));
			return crowded(target, signal, bytes, true);
		},
	},
	{
		name: "callers-that-say-nothing",
		group: "denial-of-service",
		tried: `${CROWD} callers connected, and said nothing.`,
		reference: REFERENCE,
		run: (target, signal) => crowded(target, signal, new Uint8Array(), true),
	},
	{
		name: "noise",
		group: "denial-of-service",
		tried: `${CROWD} callers sent what is no frame, of which devices report.`,
		reference: REFERENCE,
		async run(target, signal) {
			const from = target.heard().length;
			const noise = new Uint8Array(2000).fill(0x41);
			const outcome = await crowded(target, signal, noise, true);
			if (outcome.kind !== "held") return outcome;
			const said = target.heard().slice(from);
			const bytes = said.reduce(
				(sum, { event }) => sum + JSON.stringify(event).length,
				0,
			);
			// Less is said of strangers than they have said.
			return bytes > CROWD * noise.length
				? broken(`${bytes} bytes were reported`)
				: held(`${outcome.what}; ${said.length} events were reported`);
		},
	},
	{
		name: "strangers-at-the-modules-door",
		group: "denial-of-service",
		tried: `${CROWD} programs of the same user connected to the merchant's module, and sent noise.`,
		reference: "docs/protocol.md, Links",
		async run(target, signal) {
			const { module } = target.side("merchant");
			using crowd = await Crowd.connect(module.at, CROWD, signal);
			crowd.say(new Uint8Array(100).fill(0x41));
			const { state } = await target.buyOnce(signal);
			return state === "bought"
				? held("its own agent went on selling over its link")
				: broken(`a purchase is ${state}`);
		},
	},
	{
		name: "questions-all-at-once",
		group: "denial-of-service",
		tried:
			"A certified buyer asked two thousand questions, and read no answer.",
		reference: "docs/trade.md, Between the agents",
		async run(target, signal) {
			const memory = await ProcessMemory.ofMerchant(target);
			const rogue = await rogueOf(target);
			const tetrad = await rogue.meet(target.merchantAt, {}, signal);
			const list = messages.message(BETWEEN_AGENTS.list, { after: undefined });
			try {
				for (let asked = 0; asked < 2000; asked++)
					await tetrad.agent.send(list);
			} catch (thrown) {
				const { code } = asTetradError(thrown);
				const { what } = await memory.grown();
				return held(`the conversation was ended: ${code}; ${what}`);
			} finally {
				await tetrad.close();
			}
			const { isTooMuch, what } = await memory.grown();
			return isTooMuch ? broken(what) : held(`they wait, and ${what}`);
		},
	},
	{
		name: "prices-by-the-thousand",
		group: "denial-of-service",
		tried: "A certified buyer asked for a thousand offers, and took none.",
		reference: "docs/trade.md, Between the agents",
		async run(target, signal) {
			const memory = await ProcessMemory.ofMerchant(target);
			const rogue = await rogueOf(target);
			const buyer = await rogue.buyer(target.merchantAt, {}, signal);
			try {
				const { items } = await buyer.list(undefined, signal);
				const item = items.find(({ kind }) => kind !== "made-on-order");
				if (item === undefined) throw new NotTried("nothing is on sale");
				for (let asked = 0; asked < 1000; asked++)
					await buyer.quote(item.description.name, "", signal);
			} finally {
				await buyer.tetrad.close();
			}
			const { isTooMuch, what } = await memory.grown();
			return isTooMuch ? broken(what) : held(`all were made, and ${what}`);
		},
	},
];
