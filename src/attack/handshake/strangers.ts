/* Whoever calls and speaks no protocol, or the wrong part of it, or not at all. */
import { concat, encodeFrame, FRAME } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { afterRefusal, allOf, buyerCalls, Deed } from "../calls.ts";
import { HostileTetrad } from "../hostile/index.ts";
import type { Target } from "../target.ts";

const group = "handshake";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** Says something on a new connection, which has to be refused. */
async function says(
	target: Target,
	signal: AbortSignal,
	words: Uint8Array,
	codes: Parameters<typeof afterRefusal>[2]["codes"],
): Promise<Outcome> {
	const from = target.heard().length;
	await using wire = await target.connect(signal);
	wire.send(words);
	return await afterRefusal(target, wire, { from, end: "", codes });
}

/** A device waits no longer for a frame that has begun, and for an establishment; docs/protocol.md, Limits. */
const LIMIT_MS = 30_000;

/** How much later a busy machine may hang up. */
const GRACE_MS = 15_000;

/** Stands still on a connection, which has to be cut in time. */
async function standsStill(
	target: Target,
	signal: AbortSignal,
	words: Uint8Array,
): Promise<Outcome> {
	const from = target.heard().length;
	await using wire = await target.connect(signal);
	wire.send(words);
	return await afterRefusal(target, wire, {
		from,
		end: "",
		codes: ["timed-out"],
		withinMs: LIMIT_MS + GRACE_MS,
	});
}

export const STRANGER_ATTACKS: readonly Attack[] = [
	{
		name: "another-protocol",
		group,
		tried: "the caller speaks HTTP, TLS, SSH, and nonsense",
		reference: "docs/protocol.md, Frames",
		run: (target, signal) =>
			allOf(
				[
					Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
					bytes("16 0301 0069 01 000065 0303 00010203040506070809"),
					Buffer.from("SSH-2.0-OpenSSH_9.9\r\n"),
					bytes("9f3c5a0e77d1e2b4c8a69d0f1b3e5c7a"),
				],
				(words) => says(target, signal, words, ["malformed"]),
			),
	},
	{
		name: "frame-out-of-turn",
		group,
		tried:
			"the first frame of the caller is each of those that only others send, or a later one",
		reference: "docs/protocol.md, Order",
		run: (target, signal) =>
			allOf(
				Object.entries(FRAME).filter(
					([name]) => name !== "offer" && name !== "refusal",
				),
				([, type]) =>
					says(target, signal, encodeFrame(type, new Uint8Array(40)), [
						"unexpected-message",
						"malformed",
					]),
			),
	},
	{
		name: "huge-first-frame",
		group,
		tried:
			"the header announces 4 GiB, more than a record, and more than a stranger may send",
		reference: "docs/protocol.md, Limits",
		run: (target, signal) =>
			allOf(["01 ffffffff", "05 00040012", "01 00010001"], (header) =>
				says(target, signal, bytes(header), ["malformed", "limit-exceeded"]),
			),
	},
	{
		name: "offer-of-nonsense",
		group,
		tried:
			"an offer whose fields are cut, overlap, count too far, or are followed by more",
		reference: "docs/protocol.md, Notation",
		run: (target, signal) =>
			allOf(
				[
					"",
					"00000001",
					"ffffffff 00",
					"00000001 01 7fffffff 02",
					"00000001 01 00000001 02 00000001 03",
				],
				(body) =>
					says(target, signal, encodeFrame(FRAME.offer, bytes(body)), [
						"malformed",
					]),
			),
	},
	{
		name: "cut-off-offer",
		group,
		tried: "the caller sends half of a frame and says that this was all",
		reference: "docs/protocol.md, Frames",
		async run(target, signal) {
			const from = target.heard().length;
			await using wire = await target.connect(signal);
			wire.send(bytes("01 00000200 0000"));
			wire.end();
			return await afterRefusal(target, wire, {
				from,
				end: "",
				codes: ["truncated"],
			});
		},
	},
	{
		name: "silent-caller",
		group,
		tried: "the caller connects and says nothing",
		reference: "docs/protocol.md, Limits; CVE-2007-6750 (Slowloris)",
		waits: true,
		run: (target, signal) => standsStill(target, signal, new Uint8Array()),
	},
	{
		name: "stalled-frame",
		group,
		tried: "the caller begins a frame and never ends it",
		reference: "docs/protocol.md, Limits; CVE-2007-6750 (Slowloris)",
		waits: true,
		run: (target, signal) =>
			standsStill(target, signal, bytes("01 00000400 0000")),
	},
	{
		name: "stalled-establishment",
		group,
		tried: "the caller has the merchant sign, and never sends flight 3",
		reference: "docs/protocol.md, Errors, Time",
		waits: true,
		async run(target, signal) {
			const deed = new Deed();
			const from = target.heard().length;
			await using wire = await target.connect(signal);
			const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
				outbound(frame, number) {
					if (number === 0) return [frame];
					deed.done();
					return [];
				},
			});
			await tetrad.establish(1000);
			deed.require();
			return await afterRefusal(target, wire, {
				from,
				end: "",
				codes: ["timed-out"],
				withinMs: LIMIT_MS + GRACE_MS,
			});
		},
	},
	{
		name: "replayed-offer",
		group,
		tried: "a recorded call is played again, frame by frame",
		reference: "docs/protocol.md, Key exchange",
		async run(target, signal) {
			await using first = await target.connect(signal);
			const recorded = HostileTetrad.calling(await target.hostile(), first);
			const end = await recorded.establish();
			if (end !== "confirmed") return broken(`an honest call ends ${end}`);
			const [offer, flight3] = recorded.sent;
			if (offer === undefined || flight3 === undefined)
				return broken("an honest call has no three flights");
			const from = target.heard().length;
			await using wire = await target.connect(signal);
			wire.send(offer);
			const answer = await wire.next(10_000);
			if (answer.kind !== "frame" || answer.type !== FRAME.answer)
				return broken("a recorded offer is not answered as an honest one is");
			if (Buffer.compare(answer.bytes, recorded.received[0] ?? offer) === 0)
				return broken("the merchant answered with the same ephemeral keys");
			wire.send(flight3);
			const codes = ["authentication-failed"] as const;
			return await afterRefusal(target, wire, { from, end: "", codes });
		},
	},
	{
		name: "reflected-handshake",
		group,
		tried:
			"a buyer who calls is sent its own offer back, and its own key in an answer",
		reference: "docs/protocol.md, Order; Needham and Schroeder, reflections",
		run: (target, signal) =>
			allOf(["offer", "answer"] as const, async (as) => {
				const deed = new Deed();
				const { code } = await buyerCalls(target, signal, async (wire) => {
					const next = await wire.next(10_000);
					if (next.kind !== "frame") return;
					deed.done();
					wire.send(
						as === "offer"
							? next.bytes
							: encodeFrame(FRAME.answer, next.bytes.subarray(5)),
					);
					await wire.rest(10_000);
				});
				deed.require();
				return code === "unexpected-message" || code === "authentication-failed"
					? held(`the buyer gave up: ${code}`)
					: broken(`the buyer ended with ${code ?? "what it wanted"}`);
			}),
	},
	{
		name: "second-flight-3",
		group,
		tried: "the caller sends flight 3 twice, and the flight before it again",
		reference: "docs/protocol.md, Order",
		run: (target, signal) =>
			allOf(["flight 3", "offer"] as const, async (again) => {
				const from = target.heard().length;
				await using wire = await target.connect(signal);
				const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
					outbound: (frame, number) =>
						number === 1
							? [
									concat(
										frame,
										again === "flight 3"
											? frame
											: (tetrad.sent[0] ?? new Uint8Array()),
									),
								]
							: [frame],
				});
				const end = await tetrad.establish();
				// The first one was honest, so that it may have been answered before the second was seen.
				const rest = await wire.rest(10_000);
				if (rest.end === "silent")
					return broken(`the merchant goes on with it (${end})`);
				return target.kind === "deployment" ||
					(await target.hears(
						({ event }) => event.event === "ended" || event.event === "refused",
						{ from },
					)) !== undefined
					? held("the merchant hung up")
					: broken("the merchant's owner heard nothing of it");
			}),
	},
];
