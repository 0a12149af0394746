/*
 * What four devices do in a tetrad, as text: all that each of them wants done, in order, and what
 * each of them ends with when a message is lost, cut, changed or repeated, a signature is refused,
 * or somebody gives up. Nothing in it is random. `npx node test/write-down.ts` writes it into the
 * texts of `stories`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Asked } from "../../sim/turns.ts";
import { TetradError } from "../../src/errors.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { END } from "../../src/tetrad/messages.ts";
import { encodeFrame, FRAME, LINK, utf8 } from "../../src/wire/index.ts";
import { Cast, type Devices } from "../support/attack.ts";
import {
	type Delivery,
	FourDevices,
	type FourDevicesOptions,
	makeLink,
} from "../support/four-devices.ts";
import { kept } from "../support/kept.ts";
import { AgentByHand, type Effect } from "../support/machines.ts";
import {
	ADDRESS,
	type Halves,
	halvesOf,
	holding,
} from "../support/resuming.ts";
import { Words } from "../support/words.ts";

/** Which tetrads a text is about, and what of them: what goes wrong on its way, or what has no place there. */
interface Text {
	readonly how: "direct" | "crossed" | "resumed";
	readonly part: "ways" | "strays";
}

export const TEXTS: readonly Text[] = (
	["direct", "crossed", "resumed"] as const
).flatMap((how): Text[] => [
	{ how, part: "ways" },
	{ how, part: "strays" },
]);

const fileOf = ({ how, part }: Text) =>
	new URL(`stories/${how}-${part}.txt`, import.meta.url);

/** Four devices that say what they want done as they want it. */
class Telling extends FourDevices {
	did: (place: Place, effects: readonly Effect[]) => void = () => {};
	/** What its machine is told when a device has signed. */
	signs: (place: Place, signature: Uint8Array) => readonly Effect[] = (
		place,
		signature,
	) => this[place].signed(signature);

	override apply(place: Place, effects: readonly Effect[]): void {
		this.did(place, effects);
		super.apply(place, effects);
	}

	protected override async sign({
		place,
		content,
	}: Asked<Place>): Promise<void> {
		const signature = await this.devices[place].signer.sign(content);
		this.apply(place, this.signs(place, signature));
	}

	/** Until nothing is on its way, and every deadline of those who wait is over. */
	async toItsEnd(): Promise<void> {
		await this.run();
		for (const place of PLACES) {
			const { deadline, ended } = this[place];
			if (ended || deadline === undefined) continue;
			this.apply(place, this[place].time(deadline - 1));
			this.apply(place, this[place].time(deadline));
			await this.run();
		}
	}
}

/** What happens to one message on its way; to links as their ends see it. */
const TROUBLES: Readonly<
	Record<string, (delivery: Delivery) => readonly Delivery[]>
> = {
	lost: () => [],
	empty: (one) => [{ ...one, bytes: new Uint8Array() }],
	"cut by a byte": (one) => [{ ...one, bytes: one.bytes.slice(0, -1) }],
	"longer by a byte": (one) => [
		{ ...one, bytes: Uint8Array.of(...one.bytes, 0) },
	],
	"another at its end": (one) => [
		{ ...one, bytes: flipped(one.bytes, one.bytes.length - 1) },
	],
	// No type of a frame becomes that of another one: what stands behind it is random.
	"another at its beginning": (one) => [
		{ ...one, bytes: flipped(one.bytes, 0, 0x80) },
	],
	repeated: (one) => [one, one],
};

function flipped(bytes: Uint8Array, at: number, bit = 1): Uint8Array {
	const out = Uint8Array.from(bytes);
	if (at >= 0 && at < out.length) out[at] = (out[at] ?? 0) ^ bit;
	return out;
}

/** What a machine of a tetrad is made with. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
	...["context", "crypto", "device", "judge", "lists", "options", "own"],
	...["policy", "CertifiedDevice", "ChainVerdicts", "UntrustedLists"],
]);
const isOther = (name: string) => NOT_ITS_OWN.has(name);

class Story {
	readonly lines: string[] = [];
	readonly #words = new Words();
	/** What made devices end so. */
	readonly #ends = new Map<string, readonly string[]>();
	readonly #make: Make;

	constructor(make: Make) {
		this.#make = make;
	}

	/** All that is wanted, and until when each device waits. */
	async chapter(
		what: string,
		act: (four: Telling) => Promise<unknown>,
		options?: FourDevicesOptions,
	): Promise<Telling> {
		const four = await this.#make(options);
		this.lines.push(what);
		const waited = new Map<Place, string>();
		four.did = (place, effects) => {
			for (const effect of effects)
				this.lines.push(`\t${place} ${this.#words.of(effect)}`);
			const { deadline, ended } = four[place];
			const waits =
				ended || deadline === undefined
					? "for nothing"
					: `until ${deadline - four.now}`;
			if (waits !== waited.get(place))
				this.lines.push(`\t${place} waits ${waits}`);
			waited.set(place, waits);
		};
		await act(four);
		for (const place of PLACES)
			for (const [at, many] of kept(four[place].machine, isOther))
				this.lines.push(`\t${place} keeps ${many} ${at}`);
		return four;
	}

	/** In short: how far each device came, and how it ended. */
	async ends(
		what: string,
		act: (four: Telling) => Promise<unknown>,
		options?: FourDevicesOptions,
	): Promise<void> {
		const four = await this.#make(options);
		await act(four).catch((thrown: unknown) => {
			if (!(thrown instanceof TetradError)) throw thrown;
			this.lines.push(`${what}: ${this.#words.of(thrown)}`);
		});
		await four.toItsEnd();
		const ends = new Map<string, string>();
		for (const place of PLACES) {
			const came = (["bound", "confirmed"] as const).filter((kind) =>
				four.has(place, kind),
			);
			const text = [...came, this.#end(four, place)].join(", ");
			ends.set(text, `${ends.get(text) ?? ""}${place}`);
		}
		const said = [...ends].map(([text, places]) => `\t${places} ${text}`);
		const end = said.join("\n");
		this.#ends.set(end, [...(this.#ends.get(end) ?? []), what]);
	}

	/** All of it; what ended in the same way stands together. */
	get text(): string {
		const ends = [...this.#ends].flatMap(([end, whats]) => [...whats, end]);
		return `${[...this.lines, ...ends].join("\n")}\n`;
	}

	#end(four: Telling, place: Place): string {
		const end = four.events[place].find(({ kind }) => kind === "ended");
		if (end?.kind !== "ended") return "goes on";
		return end.error === undefined
			? `ended by ${end.by}`
			: this.#words.of(end.error);
	}
}

/** What all devices say once they are confirmed, alone and together. */
async function talk(four: Telling): Promise<void> {
	await four.establish();
	for (const place of PLACES) {
		const { [place]: device } = four;
		four.apply(place, device.send(utf8(`${place} to its like`)));
		const toOwn = utf8(`${place} to its own`);
		const effects =
			device instanceof AgentByHand
				? device.sendToModule(toOwn)
				: device.sendToAgent(toOwn);
		four.apply(place, effects);
		await four.run();
	}
	for (const place of PLACES) {
		four[place].holds = true;
		for (const text of ["one", "two", "three"])
			four.apply(place, four[place].send(utf8(text)));
		four[place].holds = false;
		four.apply(place, four[place].flush());
	}
	await four.run();
}

/** What the owner of a device may do, or its machine, at any moment. */
const DEEDS: Readonly<
	Record<string, (four: Telling, place: Place) => readonly Effect[]>
> = {
	"gives up": (four, place) =>
		four[place].abort(new TetradError("aborted", "its owner gave up")),
	closes: (four, place) => four[place].close(four.now),
	"gets a list": (four, place) => four[place].listsChanged(four.now),
	"is told the time": (four, place) => four[place].time(four.now),
	"gets a signature": (four, place) => four[place].signed(new Uint8Array(64)),
	"is to send": (four, place) => four[place].send(utf8("something")),
};

/** What the device at the other end of a link may say that it ended with, and a word that is none of ours. */
const CODES = [
	...["authentication-failed", "chain-refused", "untrusted", "list-refused"],
	...["recertification-due", "list-stale", "clock-wrong", "timed-out"],
	...["negotiation-failed", "carrier-failed", "truncated", "refused-by-peer"],
	...["aborted", "key-store-failed", "malformed", "internal", "busy"],
	...["of another version", ""],
];

/** All of it. */
export async function tell({ how, part }: Text): Promise<string> {
	const cast = await Cast.make({}, "Ed25519");
	const devices = await cast.four();
	const halves = how === "resumed" ? await halvesOf(devices, cast) : {};
	const story = new Story((options = {}) =>
		telling(devices, halves, cast.now, {
			routing: how === "crossed" ? "crossed" : "direct",
			firstMessage: utf8("hello"),
			address: ADDRESS,
			...options,
		}),
	);
	await (part === "ways" ? tellWays(story) : tellStrays(story));
	return story.text;
}

async function tellWays(story: Story): Promise<void> {
	const first = await story.chapter("they meet and talk", async (four) => {
		await talk(four);
		four.apply("A", four.A.close(four.now));
		await four.run();
	});
	for (const place of ["B", "X", "Y"] as const)
		await story.ends(`${place} closes`, async (four) => {
			await talk(four);
			four.apply(place, four[place].close(four.now));
		});
	await story.ends("all close at once", async (four) => {
		await talk(four);
		for (const place of PLACES) four.apply(place, four[place].close(four.now));
	});
	const established = first.posted.findIndex(({ type }) => type === LINK.local);
	const messages = first.posted.slice(0, established);
	for (const [nth, { from, to }] of messages.entries()) {
		for (const [trouble, change] of Object.entries(TROUBLES))
			await story.ends(
				`message ${nth}, of ${from} to ${to}, is ${trouble}`,
				async (four) => {
					four.intercept = (sent) =>
						four.posted.length === nth + 1 ? change(sent) : [sent];
					await four.establish();
				},
			);
		for (const place of PLACES)
			for (const [deed, act] of Object.entries(DEEDS))
				if (deed === "gives up" || (nth % 4 === 0 && place !== "Y"))
					await story.ends(
						`${place} ${deed} before message ${nth} is there`,
						async (four) => {
							four.start();
							await four.run(() => four.delivered.length === nth);
							four.apply(place, act(four, place));
						},
					);
	}
	const signatures = PLACES.flatMap((place) => first.events[place]).filter(
		({ kind }) => kind === "sign",
	).length;
	for (let nth = 0; nth < signatures; nth++)
		for (const how of ["refused", "another"] as const)
			await story.ends(`signature ${nth} is ${how}`, async (four) => {
				let asked = 0;
				four.signs = (place, signature) => {
					if (asked++ !== nth) return four[place].signed(signature);
					return how === "another"
						? four[place].signed(flipped(signature, 0))
						: four[place].notSigned(
								new TetradError("key-store-failed", "the token is gone"),
							);
				};
				await four.establish();
			});
}

async function tellStrays(story: Story): Promise<void> {
	for (const isConfirmed of [false, true]) {
		const when = isConfirmed ? "confirmed" : "not begun";
		const begin = (four: Telling) =>
			isConfirmed ? four.establish() : Promise.resolve();
		for (const [name, type] of Object.entries(LINK))
			for (const place of PLACES)
				await story.ends(
					`${place} gets the link message ${name}, ${when}`,
					async (four) => {
						await begin(four);
						const body = new Uint8Array();
						four.apply(place, four[place].linkMessage(type, body, four.now));
					},
				);
		for (const [name, type] of Object.entries(FRAME))
			for (const place of ["A", "B"] as const)
				await story.ends(
					`${place} gets the frame ${name}, ${when}`,
					async (four) => {
						await begin(four);
						const bytes = encodeFrame(type, Uint8Array.of(1));
						four.apply(place, four[place].frame(bytes, four.now));
					},
				);
		for (const [deed, act] of Object.entries(DEEDS))
			for (const place of PLACES)
				await story.ends(`${place} ${deed}, ${when}`, async (four) => {
					await begin(four);
					four.apply(place, act(four, place));
				});
		for (const code of isConfirmed ? CODES : [])
			await story.ends(`X ends with "${code}"`, async (four) => {
				await begin(four);
				const body = END.encode({ code, reason: "so it is" });
				four.apply("A", four.A.linkMessage(LINK.end, body, four.now));
			});
	}
	await tellMiddle(story);
	for (const root of ["transcript", "unsafe-xor"] as const)
		for (const link of ["paired", "unsafe-open"] as const)
			await story.chapter(
				`with the root ${root} and links that are ${link}`,
				(four) => four.establish(),
				{ root, link },
			);
	for (const [place, demands] of [
		["A", { suites: ["classical-chachapoly", "classical-aesgcm"] }],
		["B", { suites: ["classical-chachapoly"] }],
		["B", { roots: ["unsafe-xor"] }],
		["B", { links: ["unsafe-open"] }],
		["X", { suites: ["classical-chachapoly"] }],
		["X", { roots: ["unsafe-xor"] }],
		["X", { links: ["unsafe-open"] }],
		["Y", { suites: ["hybrid-aesgcm"] }],
		["Y", { roots: ["unsafe-xor"] }],
		["Y", { links: ["unsafe-open"] }],
	] as const)
		await story.ends(
			`${place} demands ${JSON.stringify(demands)}`,
			async (four) => {
				Object.assign(four.devices[place].context.policy, demands);
				await four.establish();
			},
		);
}

/** What has no place before all is confirmed, at any moment until then. */
async function tellMiddle(story: Story): Promise<void> {
	const body = Uint8Array.of(1);
	const frameOf = { A: FRAME.offer, B: FRAME.answer };
	const strays = [
		...PLACES.map((place) => ({
			...{ place, what: "the link message local" },
			act: (four: Telling) =>
				four[place].linkMessage(LINK.local, body, four.now),
		})),
		...(["A", "B"] as const).map((place) => ({
			...{ place, what: "a frame that it sends itself" },
			act: (four: Telling) =>
				four[place].frame(encodeFrame(frameOf[place], body), four.now),
		})),
	];
	let isConfirmed = false;
	for (let nth = 0; !isConfirmed; nth++)
		for (const { place, what, act } of strays)
			await story.ends(
				`${place} gets ${what} before message ${nth} is there`,
				async (four) => {
					four.start();
					await four.run(() => four.delivered.length === nth);
					isConfirmed = four.has("A", "confirmed");
					four.apply(place, act(four));
				},
			);
	// All others have done by then what they can do without its signature.
	for (const { place, what, act } of strays)
		await story.ends(`${place} gets ${what} while it signs`, async (four) => {
			four.signs = (signer, signature) =>
				signer === place ? [] : four[signer].signed(signature);
			await four.establish();
			four.apply(place, act(four));
		});
}

type Make = (options?: FourDevicesOptions) => Promise<Telling>;

/** Four devices that have not begun, over links of their own. */
async function telling(
	devices: Devices,
	halves: Partial<Halves>,
	now: number,
	options: FourDevicesOptions,
): Promise<Telling> {
	const at = (place: Place) => {
		const { context, ...device } = holding(devices[place], halves[place]);
		return {
			...device,
			context: { ...context, policy: { ...context.policy } },
		};
	};
	const own = { A: at("A"), B: at("B"), X: at("X"), Y: at("Y") };
	const mode = options.link ?? "paired";
	const ax = await makeLink(own.A, own.X, mode, now);
	const by = await makeLink(own.B, own.Y, mode, now);
	const links = {
		...{ A: ax.agentEnd, X: ax.moduleEnd },
		...{ B: by.agentEnd, Y: by.moduleEnd },
	};
	return new Telling(own, links, now, options);
}

export const writtenDown = (text: Text): string =>
	readFileSync(fileOf(text), "utf8");

export async function writeDown(): Promise<void> {
	for (const text of TEXTS) writeFileSync(fileOf(text), await tell(text));
}
