/*
 * The life of a few purses and their issuer as text: what each wanted done, what was said to agents
 * and owners, and which rows were another after each chapter. Nothing in it is random.
 * `npx node test/write-down.ts` writes it into purse-and-issuer-story.txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { LEDGER_SCHEMA, messages, purseTables } from "../../src/money/index.ts";
import { DAY } from "../support/authority.ts";
import { Words } from "../support/words.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module } from "./town.ts";

const FILE = new URL("purse-and-issuer-story.txt", import.meta.url);

const { WITH_AGENT, WITH_ISSUER, BETWEEN_MODULES } = messages;

const NAMES = new Map(
	[WITH_AGENT, WITH_ISSUER, BETWEEN_MODULES].flatMap((kinds) =>
		Object.values(kinds).map(({ type, body }) => [type, body.name] as const),
	),
);

class Story {
	readonly lines: string[] = [];
	readonly words: Words = new Words();
	readonly here: SaleTown;
	readonly #rows = new Map<string, Readonly<Record<string, string>>>();
	readonly #told = new Map<Module, number>();

	constructor(here: SaleTown) {
		this.here = here;
		here.town.wants = (module, effect) => {
			const said = this.#said(effect as never);
			if (said !== undefined) this.lines.push(`\t${module.name} ${said}`);
		};
	}

	#said(
		effect:
			| { readonly kind: "to-module" | "to-agent"; readonly bytes: Uint8Array }
			| { readonly kind: "report"; readonly report: object }
			| { readonly kind: "end"; readonly error: { readonly code: string } }
			| { readonly kind: "sign" | "transact" },
	): string | undefined {
		switch (effect.kind) {
			case "to-module":
			case "to-agent": {
				const [type = 0] = effect.bytes;
				return `${effect.kind} ${NAMES.get(type) ?? type} ${effect.bytes.length}`;
			}
			case "report":
				return `reports ${this.words.of(effect.report)}`;
			case "end":
				return `ends ${effect.error.code}`;
			default:
				return undefined;
		}
	}

	/** Says what was done in it, and what is another at its end. */
	async chapter(what: string, act: () => Promise<void>): Promise<void> {
		this.lines.push(what);
		await act();
		const { ann, bob, mint, town } = this.here;
		for (const module of [ann, bob, mint]) {
			this.#changes(module);
			const told = this.#told.get(module) ?? 0;
			for (const heard of module.heard.slice(told))
				this.lines.push(`\t${module.name} heard ${this.words.of(heard)}`);
			this.#told.set(module, module.heard.length);
			if (module === mint) continue;
			const balance = town.balance(module, mint);
			this.lines.push(`\t${module.name} has ${this.words.of(balance)}`);
		}
	}

	#changes({ name, store }: Module): void {
		const { tables } =
			name === "mint" ? LEDGER_SCHEMA : purseTables.PURSE_SCHEMA;
		for (const table of tables) {
			const there = new Set<string>();
			// Rows of which a store goes by what is random are said in the order of their names.
			const rows = store
				.rows(table as never)
				.map((row) => ({
					row,
					key: table.key.map((column) => this.words.of(row[column])).join(" "),
				}))
				.toSorted((a, b) => a.key.localeCompare(b.key, "en"));
			for (const { row, key } of rows) {
				const id = `${name} ${table.name} ${key}`;
				const cells = Object.fromEntries(
					Object.entries(row).map(([column, cell]) => [
						column,
						this.words.of(cell),
					]),
				);
				there.add(id);
				const before = this.#rows.get(id);
				const changed = Object.entries(cells)
					.filter(([column, text]) => text !== before?.[column])
					.map(([column, text]) => ` ${column}=${text}`);
				if (changed.length > 0)
					this.lines.push(
						`\t${before === undefined ? `${name} ${table.name}` : id}:${changed.join("")}`,
					);
				this.#rows.set(id, cells);
			}
			for (const id of this.#rows.keys())
				if (id.startsWith(`${name} ${table.name} `) && !there.has(id)) {
					this.lines.push(`\t${id} is gone`);
					this.#rows.delete(id);
				}
		}
	}
}

/** All of it. */
export async function tell(): Promise<string> {
	const here = await SaleTown.poor({ noteDays: 20, graceDays: 2 });
	const { town, ann, bob, mint } = here;
	let drawn = 0;
	const draw = (length: number) => {
		drawn++;
		return new Uint8Array(length).map((_, at) =>
			at < 2 ? drawn >> (8 - 8 * at) : 0xdd,
		);
	};
	for (const module of [ann, bob, mint]) module.draw = draw;
	const withdraw = async (module: Module, ...values: readonly bigint[]) => {
		for (const value of values) {
			town.fund(mint, module, value);
			await town.order(module, mint, value, draw(16));
		}
		await town.visit(module, mint);
	};
	const story = new Story(here);
	let contracts = 0;
	let last = contractOf(0);
	const pay = async (
		amount: bigint,
		how: "agreed" | "unexpected" | "again" = "agreed",
	) => {
		if (how !== "again") last = contractOf(++contracts);
		const contract = last;
		const tetrad = await town.meet(ann, bob);
		if (how !== "unexpected")
			town.expect(bob, tetrad, contract, amount, mint, "a tea");
		town.pay(ann, tetrad, contract, amount, mint, "tea");
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
	};
	const decide = (amount: bigint, isApproved: boolean) =>
		town
			.decide(
				ann,
				{ contract: last, payee: bob, issuer: mint, amount },
				isApproved,
			)
			.then(() => {});
	const visit = (module: Module) => town.visit(module, mint).then(() => {});
	/** A payment of which so many messages come before the line is cut. */
	const cut = async (amount: bigint, messages: number) => {
		last = contractOf(++contracts);
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, last, amount, mint);
		town.pay(ann, tetrad, last, amount, mint);
		for (let i = 0; i < messages; i++) await town.deliver();
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
	};
	const later = (milliseconds: number) => town.pass(milliseconds);

	await story.chapter("ann withdraws 600 and 400", () =>
		withdraw(ann, 600n, 400n),
	);
	await story.chapter("her account does not bear another 50", async () => {
		await town.order(ann, mint, 50n, new Uint8Array(16).fill(7));
		await visit(ann);
	});
	await story.chapter("she orders 40, and cancels that", async () => {
		const request = new Uint8Array(16).fill(8);
		await town.order(ann, mint, 40n, request);
		await town.cancel(ann, mint, 40n, request);
	});
	await story.chapter("she limits what the purse may pay", async () => {
		await town.limits(ann, {
			money: [
				{
					issuer: mint.device.deviceId,
					perPayment: 200n,
					perDay: 400n,
					perMerchantDay: 390n,
					inAll: 2_000n,
					approvalAbove: 100n,
				},
			],
		});
	});
	await story.chapter("ann pays 60 to bob", () => pay(60n));
	await story.chapter("she is asked for the same again", () =>
		pay(60n, "again"),
	);
	await story.chapter("she pays 61 in its place", () => pay(61n, "again"));
	await story.chapter("bob expects nothing", () => pay(10n, "unexpected"));
	await story.chapter("201 is too much for one payment", () => pay(201n));
	await story.chapter("120 wants approval", () => pay(120n));
	await story.chapter("it is approved", () => decide(120n, true));
	await story.chapter("and paid", () => pay(120n, "again"));
	await story.chapter("110 wants approval, too, and is denied", async () => {
		await pay(110n);
		await decide(110n, false);
		await pay(110n, "again");
	});
	await story.chapter("bob deposits", () => visit(bob));
	for (const messages of [0, 1, 2, 3])
		await story.chapter(`the line is cut after ${messages} messages`, () =>
			cut(20n + BigInt(messages), messages),
		);
	await story.chapter("they meet again", () => pay(5n));
	await story.chapter("the day's limit is reached", async () => {
		await pay(100n);
		await pay(100n);
	});
	await story.chapter("a day later it is not", async () => {
		await later(DAY + 60_000);
		await pay(90n);
	});
	await story.chapter("bob deposits again", () => visit(bob));
	await story.chapter("ann buys something", () =>
		here.bought(here.goods(1, { amount: 33n })),
	);
	// What is deposited in one visit goes by its contract, and that of goods is another one each time.
	await story.chapter("bob deposits what he sold", () => visit(bob));
	await story.chapter("bob's store is full when she buys", async () => {
		bob.refuses = (what) => what === "transaction";
		await here.bought(here.goods(2, { amount: 34n }));
		bob.refuses = undefined;
	});
	await story.chapter("the issuer gives her the key", () => visit(ann));
	await story.chapter("something whose key is another one", async () => {
		here.clerk(bob).isBlind = true;
		const keyHash = nodeCrypto.sha256(new Uint8Array(1));
		await here.bought(here.goods(3, { amount: 35n, keyHash }));
		await visit(ann);
	});
	await story.chapter("bob is told what became of that", () => visit(bob));
	await story.chapter("bob withdraws, and both take new keys", async () => {
		await withdraw(bob, 77n);
		await town.recertify(ann);
		await town.recertify(bob);
		await pay(6n);
	});
	await story.chapter(
		"the notes come to the last part of their life",
		async () => {
			await later(16 * DAY);
			await visit(ann);
			await visit(bob);
		},
	);
	await story.chapter("a payment that is never delivered", () => cut(17n, 2));
	await story.chapter("all is over, and claimed", async () => {
		await later(19 * DAY);
		await visit(ann);
		await later(4 * DAY);
		await visit(ann);
	});
	await story.chapter(
		"bob gives all back, after an exchange came too late",
		async () => {
			town.giveBack(bob, mint);
			await visit(bob);
			await visit(bob);
		},
	);
	await story.chapter("an old state is put back", async () => {
		await withdraw(ann, 300n, 31n);
		const before = ann.store.copy();
		await pay(8n);
		town.die(ann);
		ann.store = before;
		ann.wasPutBack = true;
		town.restart(ann);
		await pay(9n);
		await visit(ann);
		await pay(9n, "again");
	});
	await story.chapter("her owner overrides that", async () => {
		await town.override(ann, ann.head);
		await visit(ann);
		await pay(10n);
	});
	return `${story.lines.join("\n")}\n`;
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await tell());
}
