/*
 * What comes of what is done with notes when one thing of it goes wrong, for each message, durable
 * write and signature and each way in which that can: what is said and told then, what is written
 * into the log, and what is there when all that died has started and everybody has met again. Each
 * begins anew, and nothing in it is random. What comes to the same is told once.
 * `npx node test/write-down.ts` writes it into payment-steps/….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { DAY, makeWorld } from "../support/authority.ts";
import { filled } from "./documents.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module } from "./town.ts";
import { drawCounted, otherwise, TownStory } from "./town-story.ts";

export const ACT_NAMES = [
	"a-withdrawal",
	"an-order-cancelled",
	"a-payment",
	"a-payment-cut",
	"a-deposit",
	"a-renewal",
	"what-nobody-took",
	"money-given-back",
	"a-sale",
	"a-sale-deposited",
] as const;

export type ActName = (typeof ACT_NAMES)[number];

interface Act {
	/** What was done before, and is not told. */
	readonly before: (here: Here) => Promise<unknown>;
	readonly act: (here: Here) => Promise<unknown>;
}

const PAID = contractOf(1);
const AMOUNT = 70n;
const ORDER = filled(16, 0x31);

const ACTS: Readonly<Record<ActName, Act>> = {
	"a-withdrawal": {
		before: ({ town, mint, ann }) => town.order(ann, mint, 600n, ORDER),
		act: (here) => here.visit(here.ann),
	},
	"an-order-cancelled": {
		before: async ({ town, mint, ann }) => {
			await town.order(ann, mint, 600n, ORDER);
			await town.work();
		},
		act: async (here) => {
			const { town, mint, ann } = here;
			await town.cancel(ann, mint, 600n, ORDER);
			await here.visit(ann);
		},
	},
	"a-payment": {
		before: (here) => here.withdraw(),
		act: (here) => here.pay(),
	},
	"a-payment-cut": {
		before: async (here) => {
			const { town, ann } = here;
			await here.withdraw();
			const tetrad = await here.asked();
			for (let messages = 0; messages < 3; messages++) await town.deliver();
			town.wire.length = 0;
			town.part(ann, tetrad);
			await town.quiet();
		},
		act: (here) => here.pay(),
	},
	"a-deposit": {
		before: async (here) => {
			await here.withdraw();
			await here.pay();
		},
		act: (here) => here.visit(here.bob),
	},
	"a-renewal": {
		before: async (here) => {
			await here.withdraw();
			await here.town.pass(17 * DAY);
		},
		act: (here) => here.visit(here.ann),
	},
	"what-nobody-took": {
		before: async (here) => {
			const { town, ann } = here;
			await here.withdraw();
			const tetrad = await here.asked();
			for (let messages = 0; messages < 2; messages++) await town.deliver();
			town.wire.length = 0;
			town.part(ann, tetrad);
			await town.quiet();
			await town.pass(40 * DAY);
		},
		act: (here) => here.visit(here.ann),
	},
	"money-given-back": {
		before: (here) => here.withdraw(),
		act: async (here) => {
			const { ann, mint } = here;
			const { deviceId: issuer } = mint.device;
			ann.events.push({ kind: "give-back", request: ORDER, issuer });
			await here.visit(ann);
		},
	},
	"a-sale": {
		before: (here) => here.withdraw(),
		act: (here) => here.buys(),
	},
	"a-sale-deposited": {
		before: async (here) => {
			await here.withdraw();
			await here.buys();
		},
		act: (here) => here.visit(here.bob),
	},
};

/** A buyer, a merchant and an issuer, and what goes wrong between them. */
class Here {
	readonly sale: SaleTown;
	readonly story: TownStory;

	constructor(sale: SaleTown) {
		this.sale = sale;
		const { town, ann, bob, mint } = sale;
		drawCounted([ann, bob, mint]);
		this.story = new TownStory({ town, ann, bob, mint });
	}

	get town() {
		return this.sale.town;
	}

	get ann(): Module {
		return this.sale.ann;
	}

	get bob(): Module {
		return this.sale.bob;
	}

	get mint(): Module {
		return this.sale.mint;
	}

	async withdraw(): Promise<void> {
		const { town, ann, mint } = this;
		// Of two notes either may be the first: their ids are others each time.
		await town.order(ann, mint, 200n, filled(16, 0x32));
		await this.visit(ann);
	}

	/** Meets the issuer, settles, and parts, as far as it lives. */
	async visit(module: Module): Promise<void> {
		const { town, mint } = this;
		const tetrad = await town.meet(module, mint);
		town.settle(module, tetrad, mint);
		await town.quiet();
		town.part(module, tetrad);
		await town.quiet();
	}

	/** Both agents have said what is to be paid. */
	async asked(): Promise<number> {
		const { town, ann, bob, mint } = this;
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, PAID, AMOUNT, mint, "a tea");
		town.pay(ann, tetrad, PAID, AMOUNT, mint, "tea");
		return tetrad;
	}

	async pay(): Promise<void> {
		const { town, ann } = this;
		const tetrad = await this.asked();
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
	}

	async buys(): Promise<void> {
		await this.sale.bought(this.sale.goods(1, { amount: 33n }));
	}

	/** Whoever died starts again, and all meet. */
	async settle(): Promise<void> {
		const { town, ann, bob, mint } = this;
		for (const module of [ann, bob, ann]) {
			for (const dead of [ann, bob, mint])
				if (dead.machine === undefined) town.restart(dead);
			await this.visit(module);
		}
		const tetrad = await town.meet(ann, bob);
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
	}
}

/** Makes what comes for the time of that number go wrong. Whether so much has come is to be told then. */
type Way = (here: Here, number: number) => () => boolean;

/** What is done with a message in the place of delivering it. */
function atMessage(
	act: (here: Here, deliver: () => Promise<void>) => Promise<void> | void,
): Way {
	return (here, number) => {
		const { town } = here;
		const deliver = town.deliver.bind(town);
		let count = 0;
		town.deliver = async (at) => {
			await town.work();
			const isMessage = town.wire[at ?? 0]?.bytes !== undefined;
			if (isMessage && ++count === number) await act(here, () => deliver(at));
			else await deliver(at);
		};
		return () => count >= number;
	};
}

const isOf = (who: "ann" | "bob" | "mint", what: "transaction" | "signature") =>
	((here, number) => {
		const module = here[who];
		let count = 0;
		module.refuses = (one) => one === what && ++count === number;
		return () => {
			module.refuses = undefined;
			return count >= number;
		};
	}) satisfies Way;

const dies =
	(who: "ann" | "bob" | "mint", when: "before" | "after"): Way =>
	(here, number) => {
		const module = here[who];
		const { writes } = module;
		here.town.killAt(module, { write: number, when });
		return () => {
			module.kill = undefined;
			return module.writes >= writes + number;
		};
	};

const WAYS: Readonly<Record<string, Way>> = {
	"is lost, and the line is cut": atMessage(({ town }) => {
		const [wired] = town.wire.splice(0, 1);
		if (wired !== undefined) town.part(wired.to, wired.tetrad);
	}),
	"comes twice": atMessage(async ({ town }, deliver) => {
		const [wired] = town.wire;
		if (wired !== undefined) town.wire.splice(1, 0, wired);
		await deliver();
	}),
	...Object.fromEntries(
		(["ann", "bob", "mint"] as const).flatMap((who) => [
			[`of ${who} is not done by its store`, isOf(who, "transaction")],
			[`of ${who} is not signed`, isOf(who, "signature")],
			[`of ${who} is not written, and it dies`, dies(who, "before")],
			[`of ${who} is written, and it dies`, dies(who, "after")],
		]),
	),
};

/** Rows of which what is told, logged and there says enough. */
const UNSAID = /^\t(ann|bob|mint) (?!log)\w+( [#\da-f]\S*)*(:| is gone)/;

/** One act; nothing if so much does not come of it. */
async function tellOne(
	name: ActName,
	way?: Way,
	number = 0,
): Promise<readonly string[] | undefined> {
	const world = await makeWorld({ algorithm: "Ed25519" });
	const here = new Here(
		await SaleTown.poor({ world, noteDays: 20, graceDays: 2 }),
	);
	const { story, town, ann, mint } = here;
	const { before, act } = ACTS[name];
	await story.aside(async () => {
		for (const value of [200n, 600n]) town.fund(mint, ann, value);
		await before(here);
	});
	let hasCome = true;
	await story.chapter("", async () => {
		const over = way?.(here, number);
		await act(here);
		hasCome = over?.() ?? true;
		await here.settle();
	});
	if (!hasCome) return undefined;
	return story.lines.slice(1).filter((line) => !UNSAID.test(line));
}

const WELL = "nothing goes wrong";

/** One part of an act: when all is well, or all that comes of one way. */
export async function tellPart(name: ActName, part: string): Promise<string> {
	const well = (await tellOne(name)) ?? [];
	const way = WAYS[part];
	if (way === undefined) return [part, ...well].join("\n");
	const texts = new Map<string, number[]>();
	for (let number = 1; ; number++) {
		const lines = await tellOne(name, way, number);
		if (lines === undefined) break;
		const text = otherwise(lines, well) ?? "\tall as above";
		texts.set(text, [...(texts.get(text) ?? []), number]);
	}
	const told = [...texts].map(
		([text, numbers]) => `number ${numbers.join(", ")}:\n${text}`,
	);
	return [part, ...told].join("\n");
}

export const PARTS: readonly string[] = [WELL, ...Object.keys(WAYS)];

const fileOf = (name: ActName) =>
	new URL(`payment-steps/${name}.txt`, import.meta.url);

/** What was written down of an act, by its parts. */
export const writtenAct = (name: ActName): ReadonlyMap<string, string> =>
	new Map(
		readFileSync(fileOf(name), "utf8")
			.trimEnd()
			.split("\n\n")
			.map((part) => [part.split("\n", 1)[0] ?? "", part] as const),
	);

export async function writeDown(): Promise<void> {
	for (const name of ACT_NAMES) {
		const parts: string[] = [];
		for (const part of PARTS) parts.push(await tellPart(name, part));
		writeFileSync(fileOf(name), `${parts.join("\n\n")}\n`);
	}
}
