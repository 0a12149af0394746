/* Devices in the places of others, and words of one conversation in another. */
import { nodeCrypto } from "../../crypto/index.ts";
import { messages } from "../../tetrad/index.ts";
import { hex, LINK } from "../../wire/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import {
	allOf,
	buyerCalls,
	buyerMeets,
	callMerchant,
	Deed,
	sealingFlights,
} from "../calls.ts";
import {
	type HostileHooks,
	HostileTetrad,
	type LinkWords,
} from "../hostile/index.ts";
import type { Target } from "../target.ts";

const group = "binding";

const REFUSED = ["authentication-failed"] as const;

/** The caller's flight 3 in direct routing, as it was in an honest call that was recorded. */
async function recordedFlight3(target: Target, signal: AbortSignal) {
	let content: Uint8Array | undefined;
	await using wire = await target.connect(signal);
	const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
		agent: {
			crypto: sealingFlights((flight) => {
				content = Uint8Array.from(flight);
				return flight;
			}),
		},
	});
	const end = await tetrad.establish();
	if (end !== "confirmed" || content === undefined)
		throw new Error(`an honest call ends ${end}`);
	return {
		fields: messages.F3.direct.decode(content),
		parties: tetrad.agent.confirmed().transcript.parties,
	};
}

type Flight3 = ReturnType<typeof messages.F3.direct.decode>;

/** Calls with fields of flight 3 that are from somewhere else. */
function callWith(
	target: Target,
	signal: AbortSignal,
	changes: Partial<Flight3>,
	codes: Parameters<typeof callMerchant>[2]["codes"] = REFUSED,
) {
	const deed = new Deed();
	const crypto = sealingFlights((content) => {
		deed.done();
		const fields = messages.F3.direct.decode(content);
		return messages.F3.direct.encode({ ...fields, ...changes });
	});
	const hooks: HostileHooks = { agent: { crypto } };
	return callMerchant(target, signal, { deed, hooks, codes });
}

export const RELAY_ATTACKS: readonly Attack[] = [
	{
		name: "borrowed-module",
		group,
		tried: "the caller has the module of another agent behind itself",
		reference: "docs/protocol.md, Signed bytes, X",
		async run(target, signal) {
			const [mallory, eve] = await Promise.all([
				target.hostile(),
				target.hostile("eve"),
			]);
			const deed = new Deed();
			return callMerchant(target, signal, {
				side: { agent: mallory.agent, module: eve.module },
				deed,
				codes: REFUSED,
				hooks: {
					routing: "crossed",
					moduleOf: eve.agent,
					known: [eve.agent.context],
					// The module is told what it takes to have it sign.
					link: (words) => {
						if (words.type !== LINK.bindInitiator) return [words];
						deed.done();
						const fields = messages.BIND_INITIATOR.decode(words.body);
						const ownAgent = eve.agent.context.own.chainHash;
						const body = messages.BIND_INITIATOR.encode({
							...fields,
							ownAgent,
						});
						return [{ ...words, body }];
					},
				},
			});
		},
	},
	{
		name: "borrowed-till",
		group,
		tried: "a merchant has the module of another agent behind itself",
		reference: "docs/protocol.md, Signed bytes, Y",
		async run(target, signal) {
			const [mallory, eve] = await Promise.all([
				target.hostile(),
				target.hostile("eve"),
			]);
			const deed = new Deed();
			return buyerMeets(target, signal, {
				side: { agent: mallory.agent, module: eve.module },
				deed,
				codes: REFUSED,
				hooks: {
					moduleOf: eve.agent,
					known: [eve.agent.context],
					link: (words) => {
						if (words.type !== LINK.answer) return [words];
						deed.done();
						const fields = messages.ANSWER.decode(words.body);
						const ownAgent = eve.agent.context.own.chainHash;
						const body = messages.ANSWER.encode({ ...fields, ownAgent });
						return [{ ...words, body }];
					},
				},
			});
		},
	},
	{
		name: "relayed-modules",
		group,
		tried:
			"an agent between buyer and merchant passes on what their modules say to each other",
		reference: "docs/protocol.md, What is proved (no relay)",
		async run(target, signal) {
			const mallory = await target.hostile();
			const deed = new Deed();
			let isFooled = false;
			const { code } = await buyerCalls(target, signal, async (fromBuyer) => {
				await using toMerchant = await target.connect(signal);
				let call: Promise<unknown> | undefined;
				const answering: HostileTetrad = HostileTetrad.answering(
					mallory,
					fromBuyer,
					{
						link(words) {
							if (words.type !== LINK.answer) return [words];
							const { i1 } = messages.ANSWER.decode(words.body);
							call = relay(i1);
							// Its own module is not asked.
							return [];
						},
					},
				);
				const relay = (i1: Uint8Array) =>
					HostileTetrad.calling(mallory, toMerchant, {
						link(words) {
							const { type, body } = words;
							if (type === LINK.prepared)
								return [{ ...words, body: messages.PREPARED.encode({ i1 }) }];
							if (type !== LINK.bindInitiator) return [words];
							const { i2 } = messages.BIND_INITIATOR.decode(body);
							deed.done();
							answering.giveAgent({
								kind: "link-message",
								type: LINK.answered,
								body: messages.ANSWERED.encode({ i2 }),
							});
							return [];
						},
					}).establish(5000);
				await answering.establish(8000);
				isFooled = answering.saidRecords > 0;
				await call;
			});
			deed.require();
			if (isFooled) return broken("the buyer's module took the relayed one");
			return code === "authentication-failed"
				? held("the buyer's module refused: authentication-failed")
				: broken(`the buyer ended with ${code ?? "what it wanted"}`);
		},
	},
	{
		name: "spliced-session-2",
		group,
		tried:
			"flight 3 has a record of session 2 that was said in another session 1",
		reference: "US 5,703,949, claim 1; docs/protocol.md, Signed bytes, h_o",
		async run(target, signal) {
			const { fields } = await recordedFlight3(target, signal);
			return callWith(target, signal, { i3: fields.i3 });
		},
	},
	{
		name: "twin-of-another-run",
		group,
		tried:
			"each field of flight 3 is that of another run of the same two agents",
		reference: "docs/protocol.md, Transcript",
		async run(target, signal) {
			const { fields } = await recordedFlight3(target, signal);
			const names = ["signature", "r1", "finA", "finX"] as const;
			return allOf(names, (name) =>
				callWith(target, signal, { [name]: fields[name] }),
			);
		},
	},
	{
		name: "stolen-chain",
		group,
		tried: "the caller shows the chain of somebody else, whose key it has not",
		reference: "docs/protocol.md, Signed bytes, A",
		async run(target, signal) {
			const eve = await target.hostile("eve");
			const chain = eve.agent.context.own.encodedChain;
			return callWith(target, signal, { chain });
		},
	},
	{
		name: "mirrored-agent",
		group,
		tried: "the caller shows the merchant's own chain",
		reference: "docs/protocol.md, What is checked by whom (two devices)",
		async run(target, signal) {
			const { parties } = await recordedFlight3(target, signal);
			return callWith(target, signal, { chain: parties.B.encodedChain }, [
				"chain-refused",
				"authentication-failed",
			]);
		},
	},
	{
		name: "mirrored-module",
		group,
		tried: "the caller's module shows the chain of the merchant's module",
		reference: "docs/protocol.md, What is checked by whom (two devices)",
		async run(target, signal) {
			const { parties } = await recordedFlight3(target, signal);
			const deed = new Deed();
			const crypto = sealingFlights((content) => {
				deed.done();
				const fields = messages.I3.direct.decode(content);
				const chain = parties.Y.encodedChain;
				return messages.I3.direct.encode({ ...fields, chain });
			});
			return callMerchant(target, signal, {
				deed,
				codes: ["chain-refused", "authentication-failed"],
				hooks: { module: { crypto } },
			});
		},
	},
	{
		name: "other-conversation-for-the-module",
		group,
		tried:
			"the caller's module vouches for another session 1 than the one that is held",
		reference: "docs/protocol.md, Signed bytes, h_o",
		run(target, signal) {
			const deed = new Deed();
			const link = (words: LinkWords) => {
				if (words.type !== LINK.bindInitiator) return [words];
				deed.done();
				const fields = messages.BIND_INITIATOR.decode(words.body);
				const outerHash = new Uint8Array(32).fill(1);
				const body = messages.BIND_INITIATOR.encode({ ...fields, outerHash });
				return [{ ...words, body }];
			};
			return callMerchant(target, signal, {
				deed,
				codes: REFUSED,
				hooks: {
					routing: "crossed",
					link,
					// It takes what the merchant's module has signed for what it was told.
					module: { crypto: { ...nodeCrypto, verify: () => true } },
				},
			});
		},
	},
	{
		name: "old-signature-to-a-buyer",
		group,
		tried: "a merchant answers with a signature that it made in another call",
		reference: "docs/protocol.md, Signed bytes, B",
		run(target, signal) {
			const deed = new Deed();
			return buyerMeets(target, signal, {
				deed,
				codes: REFUSED,
				hooks: {
					agentSigns: async (content, key) => {
						deed.done();
						const old = Uint8Array.from(content);
						// Of h_o, its first field, all else is as it was.
						const at = content.indexOf(0) + 5;
						old.fill(0x5a, at, at + 32);
						return key.sign(old);
					},
				},
			});
		},
	},
	{
		name: "merchant-with-open-link",
		group,
		tried: "a merchant says that the link to its module is open",
		reference: "docs/protocol.md, Open links",
		async run(target, signal) {
			const { agent, module } = await target.hostile();
			const links = ["paired", "unsafe-open"] as const;
			const deed = new Deed();
			return buyerMeets(target, signal, {
				deed,
				codes: ["negotiation-failed"],
				hooks: {
					linkMode: "unsafe-open",
					agent: { policy: { ...agent.context.policy, links } },
					module: { policy: { ...module.context.policy, links } },
					outbound: (frame) => {
						deed.done();
						return [frame];
					},
				},
			});
		},
	},
	{
		name: "same-answer-to-two-buyers",
		group,
		tried: "two calls of one caller at once get different keys and codes",
		reference: "docs/protocol.md, Safety code",
		async run(target, signal) {
			const side = await target.hostile();
			await using one = await target.connect(signal);
			await using two = await target.connect(signal);
			const calls = [one, two].map((wire) => HostileTetrad.calling(side, wire));
			const ends = await Promise.all(calls.map((call) => call.establish()));
			if (ends.some((end) => end !== "confirmed"))
				return broken(`two honest calls at once end ${ends.join(" and ")}`);
			const codes = calls.map((call) =>
				hex(call.agent.confirmed().root.safetyCodeBytes()),
			);
			return codes[0] === codes[1]
				? broken("both have the same safety code")
				: held("each has a safety code of its own");
		},
	},
];
