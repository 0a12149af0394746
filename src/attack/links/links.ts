/* The link between an agent and its module, by whoever sits on it, and by whoever calls in the agent's place. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, listen } from "../../carrier/index.ts";
import { nodeCrypto, TAG_BYTES } from "../../crypto/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import { MoneyModule, TrustedAgent } from "../../device/runtime/index.ts";
import { agentSocket, type Side } from "../../device/side/index.ts";
import { DeviceProcess } from "../../device/supervisor/index.ts";
import { asTetradError, type ErrorCode } from "../../errors.ts";
import {
	type Pairing,
	type PairingEffect,
	PairingMachine,
} from "../../tetrad/index.ts";
import { encodeFrame, FRAME } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { allOf, Deed } from "../calls.ts";
import { HostileWire } from "../hostile/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import { type Carrying, HostileHost, Linked } from "./host.ts";

const group = "links";
const LINKS = "docs/protocol.md, Paired links";

/** The control: over a host that changes nothing, the buyer's agent and module make a tetrad with the merchant. */
export async function requireLinksWork(target: Target): Promise<void> {
	await using host = await HostileHost.between(
		target.newPath("link.sock"),
		target.side("buyer").module.at,
	);
	await using linked = await Linked.open(target, host.address);
	const end = await linked.call(target);
	if (end !== "confirmed")
		throw new Error(`a call over a link that is only carried ends ${end}`);
}

/** What is told of an attempt that should have ended so. */
function ended(got: string, codes: readonly ErrorCode[], who: string): Outcome {
	return (codes as readonly string[]).includes(got)
		? held(`${who} gave up: ${got}`)
		: broken(`${who} ended with ${got}`);
}

/** The host does something to the link while a call of the merchant is made over it. */
async function meddling(
	target: Target,
	carry: (deed: Deed) => Carrying,
	codes: readonly ErrorCode[],
): Promise<Outcome> {
	const deed = new Deed();
	await using host = await HostileHost.between(
		target.newPath("link.sock"),
		target.side("buyer").module.at,
		carry(deed),
	);
	await using linked = await Linked.open(target, host.address);
	const end = await linked.call(target);
	deed.require();
	return ended(end, codes, "the buyer's agent");
}

/** Whoever calls the module with another pairing, or as another agent. */
async function callsModule(
	target: Target,
	agent: (pairing: Pairing) => Promise<{
		readonly agent: TrustedAgent;
		readonly pairing: Pairing;
	}>,
): Promise<Outcome> {
	const { at } = target.side("buyer").module;
	await using linked = await Linked.open(target, at);
	const other = await agent(linked.pairing);
	other.agent.useModule({ pairing: other.pairing, dial: () => connect(at) });
	try {
		await other.agent.reachModule();
		// The agent is ready when it has sent L3; the module may still refuse it.
		const tetrad = await other.agent.connect(await connect(target.merchantAt), {
			timeoutMs: 10_000,
		});
		await tetrad.close();
		return broken("the module serves another agent");
	} catch (thrown) {
		const { code } = asTetradError(thrown);
		return ended(
			code,
			["refused-by-peer", "authentication-failed", "carrier-failed"],
			"whoever called",
		);
	}
}

/** Says something to a module where its agent calls; it has to be refused. */
async function saysToModule(
	target: Target,
	signal: AbortSignal,
	words: Uint8Array,
): Promise<Outcome> {
	await using wire = await HostileWire.connect(
		target.side("buyer").module.at,
		signal,
	);
	wire.send(words);
	const { frames, end } = await wire.rest(10_000);
	if (end === "silent")
		return broken("the module neither refuses nor hangs up");
	return frames.every((frame) => frame[0] === FRAME.refusal)
		? held("the module refused and hung up")
		: broken("the module answered");
}

const CUT: readonly ErrorCode[] = [
	"authentication-failed",
	"carrier-failed",
	"refused-by-peer",
	"malformed",
	"unexpected-message",
];

/** The first records of a link are flight L3 and what the establishment needs. */
const isLater = (from: string, number: number, of: string, at: number) =>
	from === of && number === at;

export const LINK_ATTACKS: readonly Attack[] = [
	{
		name: "guessed-pairing-key",
		group,
		tried: "somebody calls a module as its own agent, without the pairing key",
		reference: LINKS,
		run: (target) =>
			callsModule(target, async (pairing) => ({
				agent: new TrustedAgent((await target.hostile()).options("agent")),
				pairing: { ...pairing, key: nodeCrypto.random(32) },
			})),
	},
	{
		name: "stolen-pairing-key",
		group,
		tried: "another certified agent calls a module with its pairing key",
		reference: LINKS,
		run: (target) =>
			callsModule(target, async (pairing) => ({
				agent: new TrustedAgent((await target.hostile()).options("agent")),
				pairing,
			})),
	},
	{
		name: "own-agent-with-wrong-key",
		group,
		tried:
			"the module's own agent calls with a pairing key of an earlier pairing",
		reference: LINKS,
		async run(target) {
			const { at } = target.side("buyer").module;
			await using linked = await Linked.open(target, at, (pairing) => ({
				...pairing,
				key: nodeCrypto.random(32),
			}));
			return ended(
				await linked.reach(),
				["refused-by-peer", "authentication-failed", "carrier-failed"],
				"the agent",
			);
		},
	},
	{
		name: "false-module",
		group,
		tried:
			"the host answers an agent in the place of its module, with another certified module, without and with the pairing key",
		reference: LINKS,
		run: (target) =>
			allOf([false, true], async (hasKey) => {
				const deed = new Deed();
				const mallory = await target.hostile();
				await using module = new MoneyModule(mallory.options("module"));
				let pairing: Pairing | undefined;
				await using listener = await listen(
					{ kind: "unix", path: target.newPath("link.sock") },
					(carrier) => {
						deed.done();
						const key =
							hasKey && pairing !== undefined
								? pairing.key
								: nodeCrypto.random(32);
						const peerDeviceId = buyer;
						module
							.serve(carrier, { pairing: { peerDeviceId, key } })
							.catch(() => {});
					},
				);
				await using linked = await Linked.open(target, listener.address);
				({ pairing } = linked);
				const buyer = linked.agent.device.deviceId;
				const end = await linked.reach();
				deed.require();
				return ended(
					end,
					["authentication-failed", "chain-refused", "refused-by-peer"],
					"the agent",
				);
			}),
	},
	{
		name: "open-link-to-paired-device",
		group,
		tried: "the host, in the module's place, speaks an open link",
		reference: "docs/protocol.md, Open links",
		async run(target) {
			const deed = new Deed();
			const mallory = await target.hostile();
			const { encodedChain } = mallory.module.context.own;
			await using listener = await listen(
				{ kind: "unix", path: target.newPath("link.sock") },
				(carrier) => {
					deed.done();
					carrier.receive({ frame() {}, closed() {} });
					carrier.send(encodeFrame(FRAME.openHello, encodedChain));
				},
			);
			await using linked = await Linked.open(target, listener.address);
			const end = await linked.reach();
			deed.require();
			return ended(end, ["unexpected-message", "malformed"], "the agent");
		},
	},
	{
		name: "nonsense-on-a-link",
		group,
		tried:
			"somebody says frames of the network, of a pairing, of an open link, and none at all, to a module",
		reference: "docs/protocol.md, Order",
		run: (target, signal) =>
			allOf(
				[
					encodeFrame(FRAME.offer, new Uint8Array(60)),
					encodeFrame(FRAME.pairHello, new Uint8Array(1248)),
					encodeFrame(FRAME.openHello, new Uint8Array(60)),
					encodeFrame(FRAME.record, new Uint8Array(60)),
					encodeFrame(FRAME.linkHello, new Uint8Array(1248)),
					encodeFrame(FRAME.linkHello, new Uint8Array(1)),
					Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff),
					Buffer.from("GET / HTTP/1.1\r\n\r\n"),
				],
				(words) => saysToModule(target, signal, words),
			),
	},
	{
		name: "replayed-link",
		group,
		tried: "the host plays what an agent once said on its link again",
		reference: LINKS,
		async run(target, signal) {
			const { at } = target.side("buyer").module;
			await using host = await HostileHost.between(
				target.newPath("link.sock"),
				at,
			);
			await using linked = await Linked.open(target, host.address);
			const end = await linked.call(target);
			if (end !== "confirmed") return broken(`an honest call ends ${end}`);
			const said = host.frames.filter(({ from }) => from === "agent");
			const [hello, ...records] = said.map(({ bytes }) => bytes);
			if (hello === undefined || records.length < 2)
				return broken("an honest link says too little");
			await using wire = await HostileWire.connect(at, signal);
			wire.send(hello);
			const answer = await wire.next(10_000);
			if (answer.kind !== "frame" || answer.type !== FRAME.linkAnswer)
				return broken("the module does not answer as it did");
			wire.send(...records);
			const { frames, end: closed } = await wire.rest(10_000);
			if (closed === "silent") return broken("the module goes on with it");
			return frames.some((frame) => frame[0] === FRAME.record)
				? broken("the module took it for new")
				: held("the module refused and hung up");
		},
	},
	{
		name: "rewritten-link-offer",
		group,
		tried:
			"the host rewrites which ciphers the agent names and which one the module picks, and plays an earlier list again",
		reference: "docs/protocol.md, What seals a link",
		async run(target) {
			const earlier = await helloOfAes(target);
			// That one names one cipher, and is as long as any other but for that.
			const named = (hello: Uint8Array) => 1 + hello.length - earlier.length;
			return allOf(
				[
					// An id that nobody knows, in the place of the first choice.
					xored(FRAME.linkHello, named, 0x80),
					// One of these makes AES-256-GCM of whatever was picked.
					xored(FRAME.linkAnswer, () => 1, 0x02),
					xored(FRAME.linkAnswer, () => 1, 0x03),
					(frame: Uint8Array) =>
						frame[0] === FRAME.linkHello ? earlier : undefined,
				],
				(rewrite) =>
					meddling(
						target,
						(deed) => (frame) => {
							const rewritten = rewrite(frame);
							if (rewritten !== undefined) deed.done();
							return [rewritten ?? frame];
						},
						CUT,
					),
			);
		},
	},
	{
		name: "flipped-link-record",
		group,
		tried:
			"the host changes one bit of what agent and module say to each other",
		reference: LINKS,
		run: (target) =>
			allOf(["agent", "module"] as const, (of) =>
				meddling(
					target,
					(deed) => (frame, from, number) => {
						if (!isLater(from, number, of, 2)) return [frame];
						deed.done();
						frame[frame.length - 20] = (frame.at(-20) as number) ^ 1;
						return [frame];
					},
					CUT,
				),
			),
	},
	{
		name: "link-record-left-out",
		group,
		tried: "the host leaves one record out, says one twice, and swaps two",
		reference: LINKS,
		run: (target) =>
			allOf(["left out", "twice", "swapped"] as const, (how) => {
				let kept: Uint8Array | undefined;
				return meddling(
					target,
					(deed) => (frame, from, number) => {
						if (from !== "agent" || number < 2) return [frame];
						if (number === 2) {
							deed.done();
							kept = frame;
							return how === "twice" ? [frame, frame] : [];
						}
						return number === 3 && how === "swapped" && kept !== undefined
							? [frame, kept]
							: [frame];
					},
					[...CUT, "timed-out"],
				);
			}),
	},
	{
		name: "link-that-is-cut",
		group,
		tried:
			"the host hangs up in the middle of an establishment, at each record",
		reference: "docs/protocol.md, Errors",
		run: (target) =>
			allOf([2, 3], (at) =>
				meddling(
					target,
					(deed) => (frame, from, number) => {
						if (from !== "module" || number < at) return [frame];
						deed.done();
						// A header that no device sends makes the agent hang up.
						return [Uint8Array.of(0xee, 0, 0, 0, 0)];
					},
					CUT,
				),
			),
	},
	{
		name: "secrets-on-a-link",
		group,
		tried:
			"a tap on the link looks for the pairing key, both chains and both names",
		reference: "US 5,703,949, claim 5; docs/protocol.md, Paired links",
		async run(target) {
			await using host = await HostileHost.between(
				target.newPath("link.sock"),
				target.side("buyer").module.at,
			);
			await using linked = await Linked.open(target, host.address);
			const end = await linked.call(target);
			if (end !== "confirmed") return broken(`an honest call ends ${end}`);
			const all = Buffer.concat(host.frames.map(({ bytes }) => bytes));
			if (all.length < 5000) return broken("the tap saw too little");
			const { device } = linked.agent;
			const secrets = {
				"the pairing key": linked.pairing.key,
				"the agent's chain": device.encodedChain,
				"the agent's name": Buffer.from(device.name),
				"the module's id": linked.pairing.peerDeviceId,
			};
			for (const [name, secret] of Object.entries(secrets))
				if (all.includes(secret)) return broken(`the tap read ${name}`);
			return held(`nothing of it is in ${all.length} bytes`);
		},
	},
	{
		name: "sockets-of-others",
		group,
		tried: "another user of the machine opens the sockets of the sides",
		reference: "docs/service.md; SECURITY.md",
		async run(target) {
			let seen = 0;
			for (const side of Object.values(target.sides)) {
				if (side === undefined) continue;
				for (const path of socketsOf(side)) {
					const folder = await stat(dirname(path)).catch(() => undefined);
					const socket = await stat(path).catch(() => undefined);
					if (folder === undefined || socket === undefined) continue;
					seen++;
					if (!socket.isSocket()) return broken(`${path} is no socket`);
					const isShut =
						(folder.mode & 0o077) === 0 || (socket.mode & 0o077) === 0;
					if (!isShut) return broken(`others may open ${path}`);
				}
			}
			if (seen === 0)
				throw new NotTried("it needs a side that runs: say --merchant FOLDER");
			return held(`nobody else may open any of ${seen} sockets`);
		},
	},
	{
		name: "silent-links",
		group,
		tried: "forty callers hold a module's socket open and say nothing",
		reference: "docs/protocol.md, Limits",
		async run(target, signal) {
			const { at } = target.side("buyer").module;
			await using stack = new AsyncDisposableStack();
			for (let number = 0; number < 40; number++)
				stack.use(await HostileWire.connect(at, signal));
			await using linked = await Linked.open(target, at);
			const end = await linked.call(target);
			return end === "confirmed"
				? held("the module serves its own agent meanwhile")
				: broken(`the module's own agent ends ${end}`);
		},
	},
	{
		name: "guessed-pairing-code",
		group,
		tried:
			"somebody opens pairings with a module that waits for its agent, and breaks off until a code suits",
		reference: "docs/protocol.md, Pairing",
		async run(target, signal) {
			const folder = await target.newSide("waiting", "buyer");
			const path = target.newPath("pair.sock");
			await using waiting = new DeviceProcess<ProcessEvent>(
				"a module that waits",
				[
					...["pair", "--home", `${folder}/module`],
					...["--listen", `unix:${path}`, "--yes"],
				],
				signal,
			);
			await waiting.expect("listening");
			const mallory = await target.hostile();
			let answered = 0;
			for (let number = 0; number < 5; number++) {
				const got = await opensPairing(mallory.agent.context, path, signal);
				if (got === "answered") answered++;
				// The socket takes one caller at a time.
				await sleep(150);
			}
			const code = await Promise.race([waiting.exited, sleep(5000)]);
			if (answered !== 3)
				return broken(`the module showed its number ${answered} times`);
			return code === 1
				? held("the module answered three times, and stopped waiting")
				: broken("the module waits on");
		},
	},
];

/** A frame of this type with other bits in the byte that stands so far before its tag; no other frame. */
function xored(
	type: number,
	beforeTag: (frame: Uint8Array) => number,
	bits: number,
): (frame: Uint8Array) => Uint8Array | undefined {
	return (frame) => {
		if (frame[0] !== type) return undefined;
		const at = frame.length - TAG_BYTES - beforeTag(frame);
		frame[at] = (frame[at] as number) ^ bits;
		return frame;
	};
}

/** What the buyer's agent says first while its policy accepts AES-256-GCM alone. */
async function helloOfAes(target: Target): Promise<Uint8Array> {
	await using host = await HostileHost.between(
		target.newPath("link.sock"),
		target.side("buyer").module.at,
	);
	await using linked = await Linked.open(
		target,
		host.address,
		undefined,
		(policy) => ({ ...policy, suites: ["hybrid-aesgcm"] }),
	);
	const end = await linked.reach();
	const [hello] = host.frames;
	if (end !== "linked" || hello?.from !== "agent")
		throw new Error(`a link for AES alone ends ${end}`);
	return hello.bytes;
}

/** Takes P2, with which the module's code can be computed, and breaks off. */
async function opensPairing(
	device: ConstructorParameters<typeof PairingMachine>[1]["device"],
	path: string,
	signal: AbortSignal,
): Promise<"answered" | "refused"> {
	let wire: HostileWire;
	try {
		wire = await HostileWire.connect({ kind: "unix", path }, signal);
	} catch {
		return "refused";
	}
	await using _ = wire;
	const machine = new PairingMachine(
		{ role: "agent" },
		{ device, now: Date.now(), timeoutMs: 10_000 },
	);
	for (const effect of machine.handle(
		{ kind: "start" },
		Date.now(),
	) as readonly PairingEffect[])
		if (effect.kind === "send-frame") wire.send(effect.bytes);
	const next = await wire.next(5000);
	return next.kind === "frame" && next.type === FRAME.pairAnswer
		? "answered"
		: "refused";
}

/** Where a side may listen on this machine. */
function socketsOf(side: Side): string[] {
	const { at } = side.module;
	return [...(at.kind === "unix" ? [at.path] : []), agentSocket(side)];
}
