/*
 * What the agents of a buyer and of a merchant do, purchase by purchase, as text: all that each of
 * them wants done, and what comes of it. Nothing in it is random. `npx node test/write-down.ts`
 * writes it into agent-story.txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { TetradError } from "../../src/errors.ts";
import { messages } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	CHUNK_BYTES,
} from "../../src/trade/documents/index.ts";
import { Words } from "../support/words.ts";
import {
	Agents,
	type AgentsOptions,
	BuyerDisk,
	BuyerModule,
	notBought,
	type Stock,
} from "./agents.ts";
import { content } from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const { message } = messages;

const FILE = new URL("agent-story.txt", import.meta.url);

const NAMES = new Map(
	[ABOUT_PURCHASES, BETWEEN_AGENTS].flatMap((kinds) =>
		Object.values(kinds).map(({ type, body }) => [type, body.name] as const),
	),
);

const STOCK: Stock = new Map([
	["book", { content: content(2 * CHUNK_BYTES + 5), kind: "file" }],
	["line", { content: content(7), kind: "inline" }],
	["poem", { content: content(300), kind: "made-on-order" }],
]);

interface Did {
	readonly kind: string;
	readonly bytes?: unknown;
}

const giveUp = (ask: number) => ({
	...({ kind: "give-up", ask } as const),
	error: new TetradError("aborted", "the buyer does not want it"),
});

const waiting = (contract: Uint8Array) =>
	message(ABOUT_PURCHASES.waiting, { contract, code: "busy", reason: "" });

/** How a tetrad may be over. */
const ENDS = {
	"the tetrad is closed": { kind: "closed" },
	"the tetrad breaks": {
		kind: "abort",
		error: new TetradError("carrier-failed", "the line is cut"),
	},
} as const;

class Story {
	readonly lines: string[] = [];
	readonly world: TradeWorld;
	readonly #words = new Words();

	constructor(world: TradeWorld) {
		this.world = world;
	}

	/** Two agents, what they do, and what comes of it. */
	async chapter(
		what: string,
		act: (agents: Agents) => Promise<unknown>,
		options: Partial<AgentsOptions> = {},
	): Promise<Agents> {
		const agents = new Agents(this.world, { stock: STOCK, ...options });
		this.lines.push(what);
		await act(agents).catch((thrown: unknown) => {
			if (!(thrown instanceof TetradError)) throw thrown;
			this.lines.push(`\t${this.#words.of(thrown)}`);
		});
		for (const [who, effects] of [
			["merchant", agents.merchantEffects],
			["buyer", agents.buyerEffects],
		] as const)
			for (const effect of effects) this.#did(who, effect as Did);
		const { finals, paid, aborted } = agents.module;
		this.lines.push(
			`\topen ${agents.open.size}, kept ${agents.disk.kept.size}, concluded ${agents.disk.concluded.size}, goods ${agents.disk.goods.size}, paid ${paid.size}, aborted ${aborted.size}, final ${finals.length}`,
		);
		return agents;
	}

	/** In short: what each ask came to. */
	async ends(
		what: string,
		act: (agents: Agents) => Promise<unknown>,
		options: Partial<AgentsOptions> = {},
	): Promise<void> {
		const agents = new Agents(this.world, { stock: STOCK, ...options });
		const end = await act(agents).then(
			() => "",
			(thrown: unknown) => ` ${this.#words.of(thrown)}`,
		);
		const answers = [...agents.answers.values()].map(({ kind }) => kind);
		const refusals = [...agents.refusals.values()].map((error) =>
			this.#words.of(error),
		);
		const ended = [...agents.buyerEffects, ...agents.merchantEffects].filter(
			({ kind }) => kind === "ended",
		);
		this.lines.push(
			`${what}:${end} ${answers.join(", ")}`,
			...refusals.map((refusal) => `\trefused ${refusal}`),
			...ended.map((effect) => `\t${this.#words.of(effect)}`),
		);
	}

	#did(who: string, effect: Did): void {
		const { kind, bytes } = effect;
		const said =
			bytes instanceof Uint8Array
				? `${kind} ${NAMES.get(bytes[0] ?? 0) ?? bytes[0]} ${bytes.length}`
				: this.#words.of(effect);
		this.lines.push(`\t${who} ${said}`);
	}
}

/** All of it. */
export async function tell(): Promise<string> {
	const world = await TradeWorld.make();
	const story = new Story(world);
	await story.chapter("the catalogue", async (agents) => {
		await agents.page();
		await agents.page("book");
		await agents.page("poem");
	});
	const bought = await story.chapter("a book", (agents) => agents.buy("book"));
	await story.chapter("a line", (agents) => agents.buy("line"));
	await story.chapter("a poem on order", (agents) =>
		agents.buy("poem", "about the sea"),
	);
	await story.chapter("something that there is not", (agents) =>
		agents.buy("nothing"),
	);
	await story.chapter("what is made on order, without one", (agents) =>
		agents.buy("poem"),
	);
	await story.chapter(
		"the owner is asked, and does not want it",
		async (agents) => {
			const offer = await agents.quote("line");
			const ask = agents.ask({ kind: "buy", offer, askOwner: true });
			await agents.run();
			agents.happens(giveUp(ask));
			await agents.run();
		},
	);
	await story.chapter("an offer that is too old", async (agents) => {
		const offer = await agents.quote("line");
		agents.now = offer.validUntil;
		agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
	});
	for (const outcome of ["aborted", "refunded", "in-doubt"] as const) {
		const module = new BuyerModule(world);
		module.instead.push(waiting, (contract) =>
			notBought(contract, outcome, "payment-refused", 3n),
		);
		await story.chapter(
			`the module says waiting, and then ${outcome}`,
			async (agents) => {
				await agents.buy("line");
				agents.happens({ kind: "time" });
				await agents.run();
				const [purchase] = agents.disk.kept.values();
				if (purchase === undefined) return;
				const { instead } = agents.module;
				for (const say of instead.splice(0)) {
					const bytes = say(purchase.contract.hash);
					agents.happens({ kind: "from-module", bytes });
				}
				await agents.run();
			},
			{ module },
		);
	}
	const [kept] = bought.disk.kept.values();
	if (kept !== undefined)
		for (const isFinal of [false, true])
			await story.chapter(
				`it is gone on with by the next process${isFinal ? ", which only tells the module" : ""}`,
				async (agents) => {
					agents.ask({ kind: "resume", purchase: kept, isFinal });
					await agents.run();
				},
				{
					module: bought.module,
					disk: isFinal ? bought.disk : new BuyerDisk(),
				},
			);
	await story.chapter(
		"the merchant's file is shorter than it was",
		(agents) => agents.buy("book"),
		{ read: (bytes, number) => (number === 1 ? bytes.subarray(1) : bytes) },
	);
	await story.chapter("both ask for all at once", async (agents) => {
		const offer = await agents.quote("line");
		for (let i = 0; i < 3; i++)
			agents.ask({ kind: "buy", offer, askOwner: false });
		agents.ask({ kind: "quote", name: "book", order: "" });
		agents.ask({ kind: "learn" });
		agents.ask({ kind: "list", after: "nothing" });
		await agents.run();
	});
	for (const from of ["buyer", "merchant"] as const)
		for (let number = 0; number < 7; number++)
			for (const how of ["cut", "changed", "lost"] as const)
				await story.ends(
					`message ${number} of the ${from} is ${how}`,
					(agents) => agents.buy("book"),
					{
						message: (by, bytes, at) => {
							if (by !== from || at !== number) return [bytes];
							const other = Uint8Array.from(bytes);
							const last = other.length - 1;
							other[last] = (other[last] ?? 0) ^ 1;
							return how === "lost"
								? []
								: [how === "cut" ? bytes.subarray(0, last) : other];
						},
					},
				);
	for (let steps = 1; steps < 30; steps += 2)
		await story.ends(`it is cancelled after ${steps} steps`, async (agents) => {
			const offer = await agents.quote("line");
			const ask = agents.ask({ kind: "buy", offer, askOwner: false });
			agents.interruptAfter(steps, giveUp(ask));
			await agents.run();
		});
	for (const steps of [0, 1, 2])
		await story.ends(
			`questions are given up after ${steps} steps, and something is bought`,
			async (agents) => {
				for (const question of [
					{ kind: "quote", name: "line", order: "" },
					{ kind: "list", after: undefined },
					{ kind: "learn" },
				] as const) {
					const ask = agents.ask(question);
					if (steps === 0) agents.happens(giveUp(ask));
					else agents.interruptAfter(steps, giveUp(ask));
					await agents.run();
				}
				await agents.buy("line");
			},
		);
	for (const nth of [0, 1])
		await story.ends(
			`of two at once the ${nth + 1}. is given up`,
			async (agents) => {
				const offer = await agents.quote("line");
				const asks = [0, 1].map(() =>
					agents.ask({ kind: "buy", offer, askOwner: false }),
				);
				agents.interruptAfter(3, giveUp(asks[nth] ?? 0));
				await agents.run();
				agents.happens(giveUp(asks[nth] ?? 0));
				await agents.buy("book");
			},
		);
	for (let steps = 1; steps < 32; steps++)
		for (const [what, event] of Object.entries(ENDS))
			await story.ends(`${what} after ${steps} steps`, async (agents) => {
				const offer = await agents.quote("book");
				agents.ask({ kind: "buy", offer, askOwner: false });
				agents.interruptAfter(steps, event);
				await agents.run();
			});
	return `${story.lines.join("\n")}\n`;
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await tell());
}
