/*
 * What the two ends of a link do, and of a pairing, as text: all that each wants done, and what each
 * ends with when a frame is lost, cut, changed or repeated, and when anything else happens to it at
 * any moment. Nothing in it is random. `npx node test/write-down.ts` writes it into the texts of
 * `stories`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { TetradError } from "../../src/errors.ts";
import { LINK, utf8 } from "../../src/wire/index.ts";
import { Cast, type Devices } from "../support/attack.ts";
import type {
	LinkByHand,
	LinkEffect,
	PairingByHand,
	PairingEffect,
} from "../support/machines.ts";
import {
	type End,
	type LinkFrame,
	linkBetween,
	pairingBetween,
	type Wire,
} from "../support/wire.ts";
import { Words } from "../support/words.ts";

export const WIRES = ["paired link", "open link", "pairing"] as const;
type Kind = (typeof WIRES)[number];

const fileOf = (kind: Kind) =>
	new URL(`stories/${kind.replace(" ", "-")}.txt`, import.meta.url);

type Effect = LinkEffect | PairingEffect;
type AnyWire = Wire<Effect, LinkByHand | PairingByHand>;

const ENDS: readonly End[] = ["agent", "module"];
const ID = new Uint8Array(16).fill(7);
const KEY = new Uint8Array(32).fill(8);

function begin(kind: Kind, { A, X }: Devices, now: number): AnyWire {
	const wire =
		kind === "pairing"
			? pairingBetween(A, X, now)
			: linkBetween(A, X, now, {
					...{ mode: kind === "open link" ? "unsafe-open" : "paired" },
					key: KEY,
				});
	return wire as AnyWire;
}

/** What happens to one frame on its way. No type of a frame becomes that of another one. */
const TROUBLES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array[]>> =
	{
		lost: () => [],
		empty: () => [new Uint8Array()],
		"cut by a byte": (bytes) => [bytes.slice(0, -1)],
		"longer by a byte": (bytes) => [Uint8Array.of(...bytes, 0)],
		"another at its end": (bytes) => [flipped(bytes, bytes.length - 1, 1)],
		"another at its beginning": (bytes) => [flipped(bytes, 0, 0x80)],
		repeated: (bytes) => [bytes, bytes],
	};

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
	const out = Uint8Array.from(bytes);
	out[at] = (out[at] ?? 0) ^ bit;
	return out;
}

/** Whatever else may happen to an end. */
const DEEDS: Readonly<
	Record<
		string,
		(end: LinkByHand | PairingByHand, now: number) => readonly Effect[]
	>
> = {
	"is started again": (end) => end.start(),
	"is to give up": (end) =>
		end.abort(new TetradError("aborted", "its owner gave up")),
	"is told the time": (end, now) => end.time(now),
	"is told that its time is over": (end, now) => end.time(now + 1000),
	"gets a signature": (end) => end.signed(new Uint8Array(64)),
	"gets no signature": (end) =>
		end.notSigned(new TetradError("key-store-failed", "the token is gone")),
	closes: (end) => ("close" in end ? end.close() : end.accept()),
	"may send a list": (end, now) => ("nextList" in end ? end.nextList(now) : []),
	"has dealt with a list": (end) =>
		"listDealt" in end ? end.listDealt(undefined) : [],
	"has other lists": (end, now) =>
		"listsChanged" in end ? end.listsChanged(now) : [],
	"is to send": (end) =>
		"send" in end ? end.send(ID, LINK.nested, utf8("something"), []) : [],
};

class Story {
	readonly lines: string[] = [];
	readonly #words = new Words();
	readonly #ends = new Map<string, readonly string[]>();

	told(what: string, wire: AnyWire): void {
		this.lines.push(what);
		for (const end of ENDS)
			for (const effect of wire.events[end]) {
				// Each pairing has other words to compare.
				const { code, ...others } = { code: "", ...effect };
				const words = code === "" ? "" : `${code.split(" ").length} words `;
				this.lines.push(`\t${end} ${words}${this.#words.of(others)}`);
			}
	}

	/** What both ends came to; what ended in the same way stands together. */
	ends(what: string, wire: AnyWire, now: number): void {
		const waits = ENDS.map((end) => {
			const { deadline } = wire[end];
			return deadline === undefined ? "" : ` until ${deadline - now}`;
		});
		for (const end of ENDS)
			if (!wire[end].ended) wire.apply(end, wire[end].time(now + 1000));
		const said = ENDS.map((end, at) => {
			const kinds = wire.events[end]
				.map(({ kind }) => kind)
				.filter((kind) => kind !== "send-frame" && kind !== "ended");
			const last = wire.events[end].findLast(({ kind }) => kind === "ended");
			return `\t${end} ${kinds.join(", ")}${waits[at]}: ${last === undefined ? "goes on" : this.#words.of(last)}`;
		}).join("\n");
		this.#ends.set(said, [...(this.#ends.get(said) ?? []), what]);
	}

	get text(): string {
		const ends = [...this.#ends].flatMap(([end, whats]) => [...whats, end]);
		return `${[...this.lines, ...ends].join("\n")}\n`;
	}
}

/** All of it. */
export async function tell(kind: Kind): Promise<string> {
	const cast = await Cast.make({}, "Ed25519");
	const devices = await cast.four();
	const { now } = cast;
	const make = () => begin(kind, devices, now);
	const story = new Story();
	const whole = make();
	await whole.start();
	const frames = whole.posted.length;
	for (const end of ENDS) {
		for (const deed of ["is to send", "closes"])
			whole.apply(end, DEEDS[deed]?.(whole[end], now) ?? []);
		await whole.run();
	}
	story.told("whole", whole);
	for (let nth = 0; nth < frames; nth++)
		for (const [trouble, change] of Object.entries(TROUBLES)) {
			const wire = make();
			wire.intercept = (sent: LinkFrame) =>
				wire.posted.length === nth + 1
					? change(sent.bytes).map((bytes) => ({ ...sent, bytes }))
					: [sent];
			await wire.start();
			story.ends(`frame ${nth} is ${trouble}`, wire, now);
		}
	for (let nth = 0; nth <= frames; nth++)
		for (const end of ENDS)
			for (const [deed, act] of Object.entries(DEEDS)) {
				const wire = make();
				for (const one of ["module", "agent"] as const)
					wire.apply(one, wire[one].start());
				await wire.run(() => wire.delivered.length === nth);
				const what = `the ${end} ${deed} before frame ${nth} is there`;
				try {
					wire.apply(end, act(wire[end], now));
					await wire.run();
					story.ends(what, wire, now);
				} catch (thrown) {
					if (!(thrown instanceof TetradError)) throw thrown;
					story.lines.push(`${what}: ${thrown.code}: ${thrown.message}`);
				}
			}
	return story.text;
}

export const writtenDown = (kind: Kind): string =>
	readFileSync(fileOf(kind), "utf8");

export async function writeDown(): Promise<void> {
	for (const kind of WIRES) writeFileSync(fileOf(kind), await tell(kind));
}
