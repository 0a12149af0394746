/* What is agreed on before anything is sealed. */
import { suiteByName } from "../../session/index.ts";
import { messages } from "../../tetrad/index.ts";
import { dec, enc, encodeFrame, FRAME, parseFrame } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import {
	afterRefusal,
	allOf,
	buyerCalls,
	callMerchant,
	Deed,
} from "../calls.ts";
import { HostileTetrad, type HostileWire, withBody } from "../hostile/index.ts";
import type { Target } from "../target.ts";

const group = "handshake";

/** The fields of an offer, in order, each as it is on the wire. */
const OFFER = {
	version: 0,
	suites: 1,
	selected: 2,
	routing: 3,
	root: 4,
	link: 5,
};

type OfferField = keyof typeof OFFER;

/** Flight 1 with other fields in its offer. */
function withOffer(
	frame: Uint8Array,
	changes: Readonly<Partial<Record<OfferField, readonly number[]>>>,
): Uint8Array {
	const { offer, message1 } = messages.F1.decode(parseFrame(frame).body);
	const fields = [...dec(offer, 6)];
	for (const [name, value] of Object.entries(changes))
		fields[OFFER[name as OfferField]] = Uint8Array.from(value);
	return withBody(frame, enc(enc(...fields), message1));
}

/** Calls with an offer that has to be refused before anything is answered. */
async function offers(
	target: Target,
	signal: AbortSignal,
	changes: Parameters<typeof withOffer>[1],
	codes: Parameters<typeof callMerchant>[2]["codes"],
): Promise<Outcome> {
	const deed = new Deed();
	let answered = false;
	const outcome = await callMerchant(target, signal, {
		deed,
		codes,
		hooks: {
			outbound(frame, number) {
				if (number > 0) return [frame];
				deed.done();
				return [withOffer(frame, changes)];
			},
			inbound(frame) {
				if (frame[0] === FRAME.answer) answered = true;
				return [frame];
			},
		},
	});
	return answered ? broken("the merchant answered it") : outcome;
}

const CLASSICAL = suiteByName("classical-aesgcm").id;

const HYBRID = [
	suiteByName("hybrid-aesgcm").id,
	suiteByName("hybrid-chachapoly").id,
];

/** Reads the offer of somebody who calls, and answers with the suite that it is made for. */
async function nextOffer(wire: HostileWire): Promise<number> {
	const next = await wire.next(10_000);
	if (next.kind !== "frame" || next.type !== FRAME.offer)
		throw new Error("the caller made no offer");
	const { offer } = messages.F1.decode(parseFrame(next.bytes).body);
	const selected = dec(offer, 6)[OFFER.selected]?.[0];
	if (selected === undefined) throw new Error("the caller offered no suite");
	return selected;
}

/** Of the two hybrid suites the one that an offer is not made for. */
const otherThan = (suite: number): number =>
	HYBRID.find((other) => other !== suite) as number;

const retry = (suite: number) =>
	encodeFrame(FRAME.retry, messages.RETRY.encode({ suite }));

/** What is asked of somebody who offers a suite, one after another, of which the last is to be refused. */
const RETRIES: readonly (readonly ((offered: number) => number)[])[] = [
	[() => CLASSICAL],
	[otherThan, otherThan],
	[(offered) => offered],
	[() => 99],
];

export const NEGOTIATION_ATTACKS: readonly Attack[] = [
	{
		name: "classical-suites-only",
		group,
		tried: "the caller offers no suite that outlives a quantum computer",
		reference: "docs/protocol.md, Negotiation",
		run: (target, signal) =>
			offers(target, signal, { suites: [CLASSICAL], selected: [CLASSICAL] }, [
				"negotiation-failed",
				"authentication-failed",
			]),
	},
	{
		name: "stripped-suite-list",
		group,
		tried: "the network takes all suites but one out of an honest offer",
		reference: "docs/protocol.md, Negotiation; RFC 7457 on downgrades of TLS",
		async run(target, signal) {
			const deed = new Deed();
			const from = target.heard().length;
			await using wire = await target.connect(signal);
			const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
				outbound(frame, number) {
					if (number > 0) return [frame];
					deed.done();
					const { offer } = messages.F1.decode(parseFrame(frame).body);
					const selected = [...(dec(offer, 6)[OFFER.selected] ?? [])];
					return [withOffer(frame, { suites: selected })];
				},
			});
			const end = await tetrad.establish();
			deed.require();
			if (tetrad.error("agent")?.code !== "authentication-failed")
				return broken(`the caller did not notice it: ${end}`);
			const codes = ["refused-by-peer"] as const;
			return await afterRefusal(target, wire, { from, end, codes });
		},
	},
	{
		name: "unknown-version",
		group,
		tried: "the caller offers versions 0, 2 and 255 of the protocol",
		reference: "docs/protocol.md, Negotiation",
		run: (target, signal) =>
			allOf([0, 2, 255], (version) =>
				offers(target, signal, { version: [version] }, ["negotiation-failed"]),
			),
	},
	{
		name: "unsafe-root",
		group,
		tried: "the caller asks for K = R1 xor R2, the patent to the letter",
		reference: "US 5,703,949, claim 1; docs/protocol.md, Root key",
		run: (target, signal) =>
			offers(target, signal, { root: [2] }, ["negotiation-failed"]),
	},
	{
		name: "unsafe-link",
		group,
		tried: "the caller says that the link to its module is open",
		reference: "docs/protocol.md, Open links",
		run: (target, signal) =>
			offers(target, signal, { link: [2] }, ["negotiation-failed"]),
	},
	{
		name: "unknown-choices",
		group,
		tried: "the caller asks for a routing, a root and a link that nobody knows",
		reference: "docs/protocol.md, Negotiation",
		run: (target, signal) =>
			allOf(["routing", "root", "link"] as const, (name) =>
				offers(target, signal, { [name]: [9] }, ["negotiation-failed"]),
			),
	},
	{
		name: "offer-that-nobody-makes",
		group,
		tried:
			"the caller names a suite twice, selects one that it does not name, and names none",
		reference: "docs/protocol.md, Negotiation",
		run: (target, signal) =>
			allOf(
				[
					{ suites: [1, 1], selected: [1] },
					{ suites: [1], selected: [2] },
					{ suites: [], selected: [1] },
					{ suites: [1], selected: [1, 1] },
				],
				(changes) => offers(target, signal, changes, ["malformed"]),
			),
	},
	{
		name: "insists-after-retry",
		group,
		tried: "the caller is asked for another suite, and offers the same again",
		reference: "docs/protocol.md, Negotiation",
		async run(target, signal) {
			const side = await target.hostile();
			const deed = new Deed();
			let first: Uint8Array | undefined;
			const { policy } = side.agent.context;
			const suites = policy.suites.toReversed();
			const reversed = { policy: { ...policy, suites } };
			return callMerchant(target, signal, {
				deed,
				codes: ["negotiation-failed"],
				hooks: {
					agent: reversed,
					module: reversed,
					outbound(frame, number) {
						if (number === 0) first = frame;
						if (number !== 1 || first === undefined) return [frame];
						deed.done();
						return [first];
					},
				},
			});
		},
	},
	{
		name: "forged-retry",
		group,
		tried:
			"somebody on the way asks a buyer for a weaker suite, and for one twice",
		reference: "docs/protocol.md, Negotiation",
		run: (target, signal) =>
			allOf(RETRIES, async (asked) => {
				let done = false;
				const { code } = await buyerCalls(target, signal, async (wire) => {
					for (const pick of asked)
						wire.send(retry(pick(await nextOffer(wire))));
					done = true;
					const { frames } = await wire.rest(10_000);
					done = frames.every((frame) => frame[0] !== FRAME.offer);
				});
				if (!done) return broken("the buyer followed it");
				return code === "negotiation-failed"
					? held("the buyer gave up: negotiation-failed")
					: broken(`the buyer ended with ${code ?? "what it wanted"}`);
			}),
	},
];
