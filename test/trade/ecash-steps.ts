/*
 * What comes of what is done with ecash when one thing that a mint is asked goes wrong, for each
 * that it is asked and each way in which that can: what it is asked then and when, what is told and
 * logged, and what is there in the end. Each begins anew, and nothing in it is random. Ways from
 * which the same comes are told once. `npx node test/write-down.ts` writes it into
 * stories/steps-….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { FaultyMint, MintReply } from "../../src/mint/faulty-mint.ts";
import type { PlayMintOptions } from "../../src/mint/index.ts";
import { writeToken } from "../../src/money/cashu/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { otherwise, type TownStory } from "../money/town-story.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import type { Words } from "../support/words.ts";
import { MINT_URL } from "./ecash-market.ts";
import { type Ordered, Owner } from "./ecash-owner-orders.ts";
import { saidToMint } from "./ecash-words.ts";
import { Shop } from "./purchase-story.ts";

const HOUR = 3_600_000;
const CHEAP = { amount: 35n };
const FIRST = filled(16, 1);
const SECOND = filled(16, 2);

/** An answer with that status, in JSON. */
const said = (status: number, body: unknown): MintReply => ({
	...{ kind: "answer", status, delayMs: 0 },
	body: utf8(JSON.stringify(body)),
});

const refused = (code: number) => () => said(400, { detail: "no", code });

type MintRequest = Parameters<FaultyMint["handle"]>[0];

/** Who asks, and what its mint would answer. */
interface Asked {
	readonly here: Here;
	readonly asker: Module;
	readonly request: MintRequest;
	readonly handle: () => MintReply;
}

/** The store of whoever asked does not do what is written for the time of that number. */
function refuses(asker: Module, number: number): void {
	let written = 0;
	asker.refuses = (what) => what === "transaction" && ++written === number;
}

/** It signs with no keyset for so long. */
const SIGNS_NOTHING_MS = 20_000;

const WELL = "nothing goes wrong";

const WAYS: Readonly<Record<string, (asked: Asked) => MintReply>> = {
	[WELL]: ({ handle }) => handle(),
	"nobody answers": () => ({ kind: "silence" }),
	"its answer is lost": ({ handle }) => {
		handle();
		return { kind: "silence" };
	},
	"it answers 503": () => said(503, { detail: "later" }),
	"it answers 429": () => said(429, { detail: "later", code: 11001 }),
	"it answers with nothing": () => said(200, {}),
	"its answer is not whole": ({ handle }) => {
		const reply = handle();
		if (reply.kind === "silence") return reply;
		return { ...reply, body: reply.body.slice(0, -1) };
	},
	"it says no": () => said(400, { detail: "no" }),
	"it is told of no reason": () => said(400, {}),
	...Object.fromEntries(
		[
			...[10001, 11001, 11002, 11003, 11004, 11005, 12001, 12002],
			...[20001, 20002, 20004, 20005, 20006, 20007],
		].map((code) => [`it refuses with ${code}`, refused(code)]),
	),
	"it does it, and refuses with 11001": ({ handle }) => {
		handle();
		return refused(11001)();
	},
	"it has new keys": ({ here, handle }) => {
		here.owner.ecash.mint.mint.rotateAll();
		return handle();
	},
	"whoever asked dies before": ({ here, asker }) => {
		here.dies(asker);
		return { kind: "silence" };
	},
	"whoever asked dies then": ({ here, asker, handle }) => {
		handle();
		here.dies(asker);
		return { kind: "silence" };
	},
	...Object.fromEntries(
		[1, 2].map((number) => [
			`write ${number} of whoever asked is refused`,
			({ asker, handle }: Asked) => {
				refuses(asker, number);
				return handle();
			},
		]),
	),
	...Object.fromEntries(
		[1, 2, 3].map((number) => [
			`it has new keys, and write ${number} of whoever asked is refused`,
			({ here, asker, handle }: Asked) => {
				here.owner.ecash.mint.mint.rotateAll();
				refuses(asker, number);
				return handle();
			},
		]),
	),
	"it has new keys, and signs with none for a while": ({ here, handle }) => {
		const { ecash } = here.owner;
		ecash.mint.mint.rotateAll();
		const until = ecash.market.town.now + SIGNS_NOTHING_MS;
		here.afterwards = ({ path }, answer) => {
			const reply = answer();
			const isOver = ecash.market.town.now >= until;
			if (path !== "/v1/keysets" || isOver || reply.kind === "silence")
				return reply;
			const { keysets }: { keysets: readonly object[] } = JSON.parse(
				Buffer.from(reply.body).toString(),
			);
			return said(200, {
				keysets: keysets.map((one) => ({ ...one, active: false })),
			});
		};
		return handle();
	},
	"it refuses with 12002, and does it later": ({ here, request, handle }) => {
		here.afterwards = (next, answer) => {
			const isAnew =
				next.path === request.path && hex(next.body) !== hex(request.body);
			if (isAnew) {
				here.afterwards = undefined;
				handle();
			}
			return answer();
		};
		return refused(12002)();
	},
	"it refuses with 12002, and does it later, and what comes of it is spent": ({
		here,
		request,
		handle,
	}) => {
		here.afterwards = (next, answer) => {
			const isAnew =
				next.path === request.path && hex(next.body) !== hex(request.body);
			if (isAnew) handle();
			const reply = answer();
			return next.path === "/v1/checkstate" && reply.kind === "answer"
				? here.ofWhich("SPENT", reply)
				: reply;
		};
		return refused(12002)();
	},
};

interface Act {
	readonly play?: PlayMintOptions;
	/** What was done before, and is not told. */
	readonly before?: (here: Here) => Promise<unknown>;
	readonly act: (here: Here) => Promise<unknown>;
}

const SEND: Ordered = { kind: "send", amount: 35n };
const MINT: Ordered = { kind: "mint", amount: 38n };

/** All that is done with ecash. */
export const ACT_NAMES = [
	"a-token",
	"a-token-taken-back",
	"a-token-redeemed-in-part",
	"new-ecash",
	"an-invoice",
	"an-invoice-not-paid",
	"received",
	"a-restore",
	"a-purchase",
	"a-purchase-given-back",
	"a-purchase-recalled",
	"a-lock-for-a-merchant-who-starts",
] as const;

export type ActName = (typeof ACT_NAMES)[number];

const ACTS: Readonly<Record<ActName, Act>> = {
	"a-token": { act: ({ owner }) => owner.order(SEND, FIRST) },
	"a-token-taken-back": {
		before: ({ owner }) => owner.order(SEND, FIRST),
		act: ({ owner }) => owner.order({ kind: "take-back", of: FIRST }, SECOND),
	},
	"a-token-redeemed-in-part": {
		before: async ({ owner }) => {
			await owner.order(SEND, FIRST);
			owner.redeem(owner.proofsOf(FIRST).slice(1));
		},
		act: ({ owner }) => owner.order({ kind: "take-back", of: FIRST }, SECOND),
	},
	"new-ecash": { act: ({ owner }) => owner.order(MINT, FIRST) },
	"an-invoice": {
		act: ({ owner }) =>
			owner.order(
				{ kind: "melt", invoice: owner.invoice(39n), maxFee: 5n },
				FIRST,
			),
	},
	"an-invoice-not-paid": {
		play: { melting: "by-hand" },
		before: ({ owner }) =>
			owner.order(
				{ kind: "melt", invoice: owner.invoice(39n), maxFee: 5n },
				FIRST,
			),
		act: async ({ owner, story }) => {
			const { quote = "" } = owner.row(FIRST) ?? {};
			owner.ecash.mint.mint.settleMelt(quote, false);
			await story.wait(1);
		},
	},
	received: {
		act: async ({ owner }) => {
			const proofs = owner.ecash.token(44n);
			const token = writeToken({ mint: MINT_URL, unit: "sat", proofs });
			owner.ann.events.push({ kind: "receive-ecash", request: FIRST, token });
			await owner.ecash.market.quiet();
		},
	},
	"a-restore": {
		before: async ({ owner }) => owner.forget(),
		act: ({ owner }) => owner.order({ kind: "restore" }, FIRST),
	},
	"a-purchase": { act: ({ shop }) => shop.buy(CHEAP) },
	"a-purchase-given-back": {
		before: async ({ owner, shop }) => {
			const { market } = owner.ecash;
			const { visit } = await shop.buy(CHEAP, 2);
			market.town.wire.length = 0;
			market.town.die(market.bob);
			market.town.part(market.ann, visit.tetrad);
			await market.quiet();
		},
		act: async ({ owner, shop }) => {
			await owner.ecash.market.town.pass(6 * DAY);
			await shop.market.quiet();
		},
	},
	"a-purchase-recalled": {
		before: async (here) => {
			const { market } = here.owner.ecash;
			const { town, ann } = market;
			const before = ann.store.copy();
			here.bought = await here.shop.buy(CHEAP, 3);
			town.wire.length = 0;
			town.part(ann, here.bought.visit.tetrad);
			await market.quiet();
			ann.store = before;
			town.restart(ann);
		},
		act: async ({ owner, bought }) => {
			if (bought === undefined) return;
			const { market } = owner.ecash;
			const { tetrad } = await market.meet();
			market.recall(tetrad, bought.contract, bought.visit);
			await market.quiet();
		},
	},
	"a-lock-for-a-merchant-who-starts": {
		before: async ({ owner, shop }) => {
			const { town, ann, bob } = owner.ecash.market;
			const { visit } = await shop.buy(CHEAP, 2);
			town.wire.length = 0;
			town.part(ann, visit.tetrad);
			await shop.market.quiet();
			town.die(bob);
		},
		act: async ({ owner, shop }) => {
			const { town, bob } = owner.ecash.market;
			town.restart(bob);
			await shop.market.meet();
			await shop.market.quiet();
		},
	},
};

/** A purse that is asked for one thing. */
class Here {
	readonly owner: Owner;
	readonly shop: Shop;
	bought: Awaited<ReturnType<Shop["buy"]>> | undefined;
	/** What becomes of all that is asked from then on. */
	afterwards:
		| ((request: MintRequest, answer: () => MintReply) => MintReply)
		| undefined;
	#asker: Module;

	constructor(owner: Owner) {
		this.owner = owner;
		const { ecash } = owner;
		const { market } = ecash;
		this.shop = new Shop({ part: "steps" }, market, ecash, saidShortly);
		this.#asker = market.ann;
	}

	get story(): TownStory {
		return this.shop.story;
	}

	/** The first that is told of is so. */
	ofWhich(state: string, reply: { readonly body: Uint8Array }): MintReply {
		const { states }: { states: readonly object[] } = JSON.parse(
			Buffer.from(reply.body).toString(),
		);
		const [first, ...others] = states;
		return said(200, { states: [{ ...first, state }, ...others] });
	}

	dies(module: Module): void {
		const { town } = this.owner.ecash.market;
		queueMicrotask(() => town.die(module));
	}

	/** What is asked for the time of that number goes that way. What that was; nothing if so much is not asked. */
	async going(
		number: number,
		way: string,
		act: () => Promise<unknown>,
	): Promise<string | undefined> {
		const { mint, market } = this.owner.ecash;
		const { town } = market;
		const { wants } = town;
		town.wants = (module, effect) => {
			if (effect.kind === "ask") this.#asker = module;
			wants?.(module, effect);
		};
		const handle = mint.handle.bind(mint);
		let asked = 0;
		let what: string | undefined;
		mint.handle = (request, now) => {
			const as = () => handle(request, now);
			if (++asked !== number) return this.afterwards?.(request, as) ?? as();
			const { method, path } = request;
			what = `${method} ${path.replaceAll(/[0-9a-f]{16,}/g, "…")}`;
			const asker = this.#asker;
			const of = { here: this, asker, request, handle: as };
			return WAYS[way]?.(of) ?? as();
		};
		await act();
		return what;
	}

	/** Until nobody wants to hear of the time soon. */
	async settle(): Promise<void> {
		const { market } = this.owner.ecash;
		const { town, ann, bob } = market;
		for (const module of [ann, bob])
			if (module.machine === undefined) town.restart(module);
		await market.quiet();
		for (let times = 0; times < 9; times++) {
			const next = [ann, bob].flatMap(({ machine }) => machine?.deadline ?? []);
			if (Math.min(...next) >= town.now + HOUR / 2) return;
			await this.story.wait(1);
		}
	}
}

function saidShortly(body: Uint8Array, words: Words): string {
	const all = saidToMint(body, words);
	return all.length < 80 ? all : `${words.of(body)} of many`;
}

/** What is asked by the way, before whatever is done: told of two acts, whoever waits for it. */
const BY_THE_WAY = /^GET \/v1\/(info|keysets|keys)$/;

/** Rows of which a balance, an order and a log say enough. */
const UNSAID = /^\t\w+ ecash_(proofs|keysets)\b/;

const WITH_MINTS: readonly ActName[] = [
	"a-token",
	"a-lock-for-a-merchant-who-starts",
];

interface Told {
	/** What was asked; nothing if so much is not. */
	readonly what: string | undefined;
	readonly lines: readonly string[];
}

async function tellOne(
	name: ActName,
	number: number,
	way: string,
): Promise<Told> {
	const world = await makeWorld({ algorithm: "Ed25519" });
	const act: Act = ACTS[name];
	const owner = await Owner.make(world, { inputFeePpk: 100, ...act.play });
	const here = new Here(owner);
	const { story } = here;
	await story.aside(async () => {
		await act.before?.(here);
		await owner.ecash.market.quiet();
	});
	let what: string | undefined;
	await story.chapter("", async () => {
		what = await here.going(number, way, () => act.act(here));
		await here.settle();
	});
	const lines = story.lines.slice(1).filter((line) => !UNSAID.test(line));
	return { what, lines };
}

/** What is asked when all is well, in order. */
async function stepsOf(name: ActName): Promise<readonly Told[]> {
	const steps: Told[] = [];
	for (;;) {
		const told = await tellOne(name, steps.length + 1, WELL);
		if (told.what === undefined) return steps;
		steps.push(told);
	}
}

const WHEN_WELL = 0;

/** A part for when all is well, and one for each step. What is restored in pieces is one. */
async function partsOf(name: ActName): Promise<readonly number[]> {
	const steps = await stepsOf(name);
	const isOfItsOwn = ({ what = "" }: Told, at: number) =>
		BY_THE_WAY.test(what)
			? WITH_MINTS.includes(name)
			: !(what.endsWith("/restore") && what === steps[at - 1]?.what);
	return [
		WHEN_WELL,
		...steps.flatMap((step, at) => (isOfItsOwn(step, at) ? [at + 1] : [])),
	];
}

/** What comes of an act when what is asked for the time of that number goes wrong, in each way. */
export async function tellPart(name: ActName, number: number): Promise<string> {
	const { lines: well } = await tellOne(name, 1, WELL);
	if (number === WHEN_WELL)
		return [`${WHEN_WELL}: ${WELL}`, ...well].join("\n");
	const texts = new Map<string, string[]>();
	let asked = "";
	for (const way of Object.keys(WAYS)) {
		if (way === WELL) continue;
		const { what = "", lines } = await tellOne(name, number, way);
		const text = otherwise(lines, well) ?? "\tall as above, and no more";
		texts.set(text, [...(texts.get(text) ?? []), way]);
		asked = what;
	}
	return [...texts]
		.map(([text, ways]) => `${number}: ${asked}: ${ways.join("; ")}\n${text}`)
		.join("\n");
}

const fileOf = (name: ActName) =>
	new URL(`stories/steps-${name}.txt`, import.meta.url);

/** What was written down of an act, by the numbers of its parts. */
export const writtenAct = (name: ActName): ReadonlyMap<number, string> =>
	new Map(
		readFileSync(fileOf(name), "utf8")
			.trimEnd()
			.split("\n\n")
			.map((part) => [Number.parseInt(part, 10), part] as const),
	);

export async function writeDown(): Promise<void> {
	for (const name of ACT_NAMES) {
		const parts: string[] = [];
		for (const number of await partsOf(name))
			parts.push(await tellPart(name, number));
		writeFileSync(fileOf(name), `${parts.join("\n\n")}\n`);
	}
}
