/*
 * What purses and their issuer do when one thing of one message is another one: a field of it, that
 * it is not whole, that it comes twice, or that it is lost. Each begins in the same state. All of it
 * as text: what was said to agents, owners and others, and which rows were others. Nothing in it is
 * random.
 * `npx node test/write-down.ts` writes it into changed-messages/….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { MessageKind } from "../../src/money/documents/messages.ts";
import { messages } from "../../src/money/index.ts";
import { DAY } from "../support/authority.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module } from "./town.ts";
import { drawCounted, TownStory } from "./town-story.ts";

const { body, message, BETWEEN_MODULES, WITH_AGENT, WITH_ISSUER } = messages;

export const CHANGED_TEXTS = [
	"payments",
	"sales",
	"deposits",
	"withdrawals",
	"doubts",
	"last-days",
	"agents",
] as const;

type ChangedText = (typeof CHANGED_TEXTS)[number];

const fileOf = (text: ChangedText) =>
	new URL(`changed-messages/${text}.txt`, import.meta.url);

type Fields = Readonly<Record<string, unknown>>;

const KINDS: ReadonlyMap<number, readonly [string, MessageKind<object>]> =
	new Map(
		[BETWEEN_MODULES, WITH_ISSUER, WITH_AGENT].flatMap((kinds) =>
			Object.entries(kinds as Record<string, MessageKind<object>>).map(
				([name, kind]) => [kind.type, [name, kind]] as const,
			),
		),
	);

const HOW = ["not whole", "twice", "lost"] as const;

/** Which message of an act is another one: its place, and which field, or how. */
interface Changed {
	readonly at: number;
	readonly what: string;
}

function otherOf(value: unknown): unknown {
	if (value instanceof Uint8Array)
		return value.length === 0
			? Uint8Array.of(1)
			: value.map((byte, at) => (at === value.length - 1 ? byte ^ 1 : byte));
	if (Array.isArray(value)) return [otherOf(value[0]), ...value.slice(1)];
	switch (typeof value) {
		case "bigint":
			return value + 1n;
		case "number":
			return value + 1;
		case "boolean":
			return !value;
		case "string":
			return `${value.slice(0, -1)}${value.endsWith("X") ? "Y" : "X"}`;
		case "undefined":
			return new Uint8Array(32).fill(1);
		default:
			return value;
	}
}

function fieldsOf(bytes: Uint8Array): readonly string[] {
	const kind = KINDS.get(bytes[0] ?? 0)?.[1];
	return kind === undefined ? [] : Object.keys(body(kind, bytes));
}

/** Nothing for what cannot be said. */
function changed(bytes: Uint8Array, what: string): Uint8Array | undefined {
	if (what === "not whole") return bytes.slice(0, -1);
	const kind = KINDS.get(bytes[0] ?? 0)?.[1];
	if (kind === undefined) return undefined;
	const fields: Fields = body(kind, bytes) as Fields;
	try {
		return message(kind, {
			...fields,
			[what]: otherOf(fields[what]),
		} as object);
	} catch {
		return undefined;
	}
}

class Changing {
	readonly here: SaleTown;
	readonly story: TownStory;
	#contracts = 0;
	#requests = 0;
	#change: Changed | undefined;
	#count = 0;
	/** By place: what can be changed. */
	#seen: string[][] = [];
	#names: string[] = [];

	constructor(here: SaleTown) {
		this.here = here;
		const { ann, bob, mint } = here;
		drawCounted([ann, bob, mint]);
		this.story = new TownStory({
			...{ town: here.town, ann, bob, mint },
			// The issuer's other books are held to what they were by its own story, and by audits.
			says: (module, table) => module !== mint || table === "accounts",
		});
	}

	/** All as it is now, to be put back. */
	#snapshot(): () => Promise<void> {
		const { town, ann, bob, mint } = this.here;
		const { now } = town;
		const before = [ann, bob, mint].map((module) => ({
			...{ module, store: module.store.copy(), head: module.head },
		}));
		return async () => {
			for (const { module } of before) town.die(module);
			town.wire.length = 0;
			town.now = now;
			for (const { module, store, head } of before) {
				module.store = store.copy();
				module.head = head;
				town.restart(module);
			}
			await town.work();
		};
	}

	/** Delivers everything, and changes what is to be changed. */
	async quiet(): Promise<void> {
		const { town } = this.here;
		await town.work();
		while (town.wire.length > 0) {
			const [wired] = town.wire;
			if (wired?.bytes !== undefined) {
				const place = this.#count++;
				this.#seen[place] = [...fieldsOf(wired.bytes), ...HOW];
				this.#names[place] = KINDS.get(wired.bytes[0] ?? 0)?.[0] ?? "?";
				if (this.#change?.at === place) {
					const { what } = this.#change;
					const bytes = wired.bytes;
					if (what === "twice") town.wire.push(wired);
					else if (what === "lost") town.wire.shift();
					else
						town.wire[0] = { ...wired, bytes: changed(bytes, what) ?? bytes };
				}
			}
			await town.deliver();
		}
	}

	/** Does it as it should be, and with each thing of each message another one, or only of some messages; and each time once more then. */
	async each(
		name: string,
		act: () => Promise<void>,
		only?: readonly string[],
	): Promise<void> {
		const putBack = this.#snapshot();
		const once = async (what: string, change: Changed | undefined) => {
			await this.story.aside(putBack);
			await this.story.chapter(what, async () => {
				this.#change = change;
				this.#count = 0;
				await act();
				this.#change = undefined;
				await act();
			});
		};
		this.#seen = [];
		await once(name, undefined);
		const all = this.#seen.flatMap((whats, at) =>
			whats.map((what) => ({ at, what, of: this.#names[at] ?? "" })),
		);
		for (const { at, what, of } of all)
			if (only === undefined || only.includes(of))
				await once(`${name}: ${what} of ${at} ${of}`, { at, what });
		await this.story.aside(putBack);
	}

	/** Meets, does something, and parts. */
	async meeting(
		a: Module,
		b: Module,
		act: (tetrad: number) => void,
	): Promise<void> {
		const { town } = this.here;
		const tetrad = await town.meet(a, b);
		act(tetrad);
		await this.quiet();
		town.part(a, tetrad);
		await this.quiet();
	}

	visit(module: Module): Promise<void> {
		const { town, mint } = this.here;
		return this.meeting(module, mint, (tetrad) =>
			town.settle(module, tetrad, mint),
		);
	}

	contract(): Uint8Array {
		return contractOf(++this.#contracts);
	}

	pay(contract: Uint8Array, amount: bigint): Promise<void> {
		const { town, ann, bob, mint } = this.here;
		return this.meeting(ann, bob, (tetrad) => {
			town.expect(bob, tetrad, contract, amount, mint, "a tea");
			town.pay(ann, tetrad, contract, amount, mint, "tea");
		});
	}

	async order(module: Module, amount: bigint): Promise<void> {
		const { town, mint } = this.here;
		const request = new Uint8Array(16).fill(0xee);
		new DataView(request.buffer).setUint32(0, ++this.#requests);
		town.fund(mint, module, amount);
		await town.order(module, mint, amount, request);
		await town.quiet();
	}
}

async function tellPayments(changing: Changing): Promise<void> {
	const contract = changing.contract();
	await changing.each("a payment", () => changing.pay(contract, 3n));
}

async function tellSales(changing: Changing): Promise<void> {
	const { here } = changing;
	await changing.each("a sale", () =>
		changing.meeting(here.ann, here.bob, (tetrad) =>
			here.buy(tetrad, here.goods(1, { amount: 3n })),
		),
	);
}

async function tellDeposits(changing: Changing): Promise<void> {
	const { bob } = changing.here;
	await changing.pay(changing.contract(), 2n);
	await changing.each("a deposit", () => changing.visit(bob));
}

async function tellWithdrawals(changing: Changing): Promise<void> {
	const { ann } = changing.here;
	await changing.order(ann, 9n);
	await changing.each("a withdrawal", () => changing.visit(ann), [
		...["withdraw", "issued"],
	]);
}

/** A sale and a payment that their payee did not answer, and the issuer is asked what became of them. */
async function tellDoubts(changing: Changing): Promise<void> {
	const { here } = changing;
	const { town, ann, bob, mint } = here;
	const cut = async (begin: (tetrad: number) => void) => {
		const tetrad = await town.meet(ann, bob);
		begin(tetrad);
		for (let i = 0; i < 2; i++) await town.deliver();
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
	};
	await cut((tetrad) => here.buy(tetrad, here.goods(1, { amount: 4n })));
	await cut((tetrad) => {
		const contract = changing.contract();
		town.expect(bob, tetrad, contract, 5n, mint);
		town.pay(ann, tetrad, contract, 5n, mint);
	});
	await changing.each("two in doubt", () => changing.visit(ann), [
		...["inquire", "resolve", "outcome"],
	]);
}

/** Notes come to their end: they are exchanged, given back and claimed. */
async function tellLastDays(changing: Changing): Promise<void> {
	const { here } = changing;
	const { town, ann, mint } = here;
	await changing.pay(changing.contract(), 1n);
	const request = new Uint8Array(16).fill(0x91);
	const issuer = mint.device.deviceId;
	await changing.each("all is given back", async () => {
		ann.events.push({ kind: "give-back", request, issuer });
		await changing.visit(ann);
	}, ["exchange", "booked"]);
	await town.pass(19 * DAY);
	await changing.each("an exchange", () => changing.visit(ann), [
		...["exchange", "issued"],
	]);
	await town.pass(6 * DAY);
	await changing.each("a claim", () => changing.visit(ann), [
		...["claim", "booked"],
	]);
}

/** What agents say to their modules is another thing. */
async function tellAgents(changing: Changing): Promise<void> {
	const { here, story } = changing;
	const { town, ann, bob, mint } = here;
	const issuer = mint.device.deviceId;
	const asked = (contract: Uint8Array) => ({
		...{ contract, issuer, currency: "COIN", amount: 6n, text: "tea" },
	});
	const said: readonly (readonly [
		string,
		(contract: Uint8Array) => Uint8Array,
		Module,
	])[] = [
		["pay", (of) => message(WITH_AGENT.pay, asked(of)), ann],
		["expect", (of) => message(WITH_AGENT.expect, asked(of)), bob],
		["witness", () => message(WITH_AGENT.witness, ann.head), ann],
		["settle", () => message(WITH_AGENT.settle, { issuer }), ann],
	];
	for (const [name, sayOf, module] of said)
		for (const what of [
			...fieldsOf(sayOf(contractOf(0))),
			...["not whole", "twice", "late", "by the other", "before it is open"],
		])
			await story.chapter(`${what} of ${name}`, async () => {
				const contract = changing.contract();
				const bytes = sayOf(contract);
				const { head } = ann;
				const tetrad = await town.meetInSilence(
					...((name === "settle" ? [ann, mint] : [ann, bob]) as [
						Module,
						Module,
					]),
				);
				if (what !== "before it is open")
					for (const one of [ann, bob])
						one.events.push({
							...{ kind: "from-agent", tetrad },
							bytes: message(WITH_AGENT.witness, one.head),
						});
				const say = (to: Module, words: Uint8Array) =>
					to.events.push({ kind: "from-agent", tetrad, bytes: words });
				if (name === "pay")
					say(bob, message(WITH_AGENT.expect, asked(contract)));
				if (what === "late") town.part(module, tetrad);
				const other = module === ann ? bob : ann;
				say(
					what === "by the other" ? other : module,
					changed(bytes, what) ?? bytes,
				);
				if (what === "twice") say(module, bytes);
				if (name === "expect")
					say(ann, message(WITH_AGENT.pay, asked(contract)));
				await town.quiet();
				if (what !== "late") town.part(module, tetrad);
				await town.quiet();
				ann.head = head;
			});
}

const TOLD: Readonly<Record<ChangedText, (of: Changing) => Promise<void>>> = {
	payments: tellPayments,
	sales: tellSales,
	deposits: tellDeposits,
	withdrawals: tellWithdrawals,
	doubts: tellDoubts,
	"last-days": tellLastDays,
	agents: tellAgents,
};

/** All of it. */
export async function tell(text: ChangedText): Promise<string> {
	const here = await SaleTown.poor({ noteDays: 20, graceDays: 2 });
	const changing = new Changing(here);
	await changing.order(here.ann, 600n);
	await changing.visit(here.ann);
	changing.story.lines.length = 0;
	await TOLD[text](changing);
	return `${changing.story.lines.join("\n")}\n`;
}

export const writtenDown = (text: ChangedText): string =>
	readFileSync(fileOf(text), "utf8");

export async function writeDown(): Promise<void> {
	for (const text of CHANGED_TEXTS)
		writeFileSync(fileOf(text), await tell(text));
}
