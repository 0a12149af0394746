/* What a buyer, a merchant and their issuer do as text, chapter by chapter: what each wants done, what is said to agents and owners, and which rows are others then. */
import { LEDGER_SCHEMA, messages, purseTables } from "../../src/money/index.ts";
import { kept } from "../support/kept.ts";
import { Words } from "../support/words.ts";
import type { Module, Town } from "./town.ts";

const { WITH_AGENT, WITH_ISSUER, BETWEEN_MODULES } = messages;

/** Messages by their first byte. */
export type MessageKinds = Readonly<
	Record<
		string,
		{ readonly type: number; readonly body: { readonly name: string } }
	>
>;

/** A buyer, a merchant and an issuer, and where they are. */
export interface Here {
	readonly town: Town;
	readonly ann: Module;
	readonly bob: Module;
	readonly mint: Module;
	/** What a module has; the issuer's notes unless given. */
	readonly balance?: (module: Module) => object;
	/** What is said of the body of a request to a mint; how long it is unless given. */
	readonly asked?: (body: Uint8Array, words: Words) => string;
	/** Whether rows of a table are said; all are unless given. */
	readonly says?: (module: Module, table: string) => boolean;
	/** Whether each chapter says what machines keep in memory; none does unless given. */
	readonly saysKept?: true;
}

/** What a machine is made with, and the time. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
	...["options", "context", "crypto", "own", "device", "judge", "now"],
	...["Module", "ChainVerdicts", "CertifiedDevice", "TrustAnchor"],
	// What tests put in the place of what knows of sales.
	...["Clerk", "FakePart"],
]);

/** Has modules draw bytes in which nothing is random, and which differ for each draw: its number among all of theirs, in two bytes, stands first. */
export function drawCounted(modules: readonly Module[]): Module["draw"] {
	let drawn = 0;
	const draw = (length: number) => {
		drawn++;
		return new Uint8Array(length).map((_, at) =>
			at < 2 ? drawn >> (8 - 8 * at) : 0xdd,
		);
	};
	for (const module of modules) module.draw = draw;
	return draw;
}

/** Lines as others that stand above them: from where they are others on, and up to where they are the same again. Nothing if none is another. */
export function otherwise(
	lines: readonly string[],
	above: readonly string[],
): string | undefined {
	const differs = lines.findIndex((line, at) => line !== above[at]);
	if (differs === -1 && lines.length === above.length) return undefined;
	// Where they end before those above do, they are others there.
	const first = differs === -1 ? lines.length : differs;
	let rest = 0;
	while (
		rest < Math.min(lines.length, above.length) - first &&
		lines.at(-1 - rest) === above.at(-1 - rest)
	)
		rest++;
	return [
		`\tas above, ${first} lines`,
		...lines.slice(first, lines.length - rest),
		...(rest > 0 ? [`\tas above, the last ${rest} lines`] : []),
	].join("\n");
}

export class TownStory {
	readonly lines: string[] = [];
	readonly words: Words = new Words();
	readonly here: Here;
	readonly #names: ReadonlyMap<number, string>;
	readonly #rows = new Map<string, Readonly<Record<string, string>>>();
	readonly #told = new Map<Module, number>();
	/** What was said last of what a module has. */
	readonly #has = new Map<Module, string>();
	/** What was said last that a machine keeps in memory. */
	readonly #kept = new Map<Module, ReadonlyMap<string, string>>();

	/** `others` are messages that are not of payments. */
	constructor(here: Here, ...others: readonly MessageKinds[]) {
		this.here = here;
		const kinds: readonly MessageKinds[] = [
			...[WITH_AGENT, WITH_ISSUER, BETWEEN_MODULES, ...others],
		];
		this.#names = new Map(
			kinds.flatMap((one) =>
				Object.values(one).map(({ type, body }) => [type, body.name] as const),
			),
		);
		here.town.wants = (module, effect) => {
			const said = this.#said(effect as never);
			if (said !== undefined) this.lines.push(`\t${module.name} ${said}`);
		};
	}

	#said(
		effect:
			| { readonly kind: "to-module" | "to-agent"; readonly bytes: Uint8Array }
			| { readonly kind: "report"; readonly report: object }
			| {
					readonly kind: "ask";
					readonly method: string;
					readonly path: string;
					readonly body: Uint8Array;
			  }
			| { readonly kind: "end"; readonly error: { readonly code: string } }
			| { readonly kind: "sign" | "transact" },
	): string | undefined {
		switch (effect.kind) {
			case "to-module":
			case "to-agent": {
				const [type = 0] = effect.bytes;
				return `${effect.kind} ${this.#names.get(type) ?? type} ${effect.bytes.length}`;
			}
			case "report":
				return `reports ${this.words.of(effect.report)}`;
			case "ask":
				return `asks ${effect.method} ${this.words.of(effect.path)} ${
					this.here.asked?.(effect.body, this.words) ?? effect.body.length
				}`;
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
			if (this.here.saysKept) this.#memory(module);
			const told = this.#told.get(module) ?? 0;
			for (const heard of module.heard.slice(told))
				this.lines.push(`\t${module.name} heard ${this.words.of(heard)}`);
			this.#told.set(module, module.heard.length);
			if (module === mint) continue;
			const balance = this.here.balance?.(module) ?? town.balance(module, mint);
			const has = `\t${module.name} has ${this.words.of(balance)}`;
			if (has !== this.#has.get(module)) this.lines.push(has);
			this.#has.set(module, has);
		}
	}

	/** Says nothing of what is done in it. */
	async aside(act: () => Promise<void>): Promise<void> {
		const { length } = this.lines;
		await this.chapter("", act);
		this.lines.length = length;
	}

	/** Lets time pass until somebody wants to hear of it, so many times, and says how long that was. */
	async wait(times: number): Promise<void> {
		const { ann, bob, town } = this.here;
		for (let i = 0; i < times; i++) {
			const wanted = [ann, bob].flatMap(({ name, machine }) =>
				machine?.deadline === undefined
					? []
					: [{ name, in: Math.max(0, machine.deadline - town.now) }],
			);
			this.lines.push(
				`\twanted: ${wanted.map((one) => `${one.name} in ${one.in}`).join(", ")}`,
			);
			if (wanted.length === 0) return;
			await town.pass(Math.min(...wanted.map((one) => one.in)));
		}
	}

	/** All tetrads end; says what machines keep in memory then. */
	async over(quiet: () => Promise<unknown>): Promise<void> {
		const { ann, bob, mint, town } = this.here;
		this.lines.push("all tetrads end");
		for (const module of [ann, bob, mint])
			for (const tetrad of [...module.tetrads.keys()])
				town.part(module, tetrad);
		await quiet();
		for (const module of [ann, bob, mint]) this.#memory(module);
	}

	#memory(module: Module): void {
		const { name, machine } = module;
		const before = this.#kept.get(module) ?? new Map<string, string>();
		const now =
			machine === undefined
				? new Map<string, string>()
				: kept(machine, (at) => NOT_ITS_OWN.has(at));
		const all = new Set([...before.keys(), ...now.keys()]);
		for (const at of [...all].toSorted())
			if (now.get(at) !== before.get(at))
				this.lines.push(`\t${name} keeps ${now.get(at) ?? "no"} ${at}`);
		this.#kept.set(module, now);
	}

	#changes(module: Module): void {
		const { name, store } = module;
		const { tables } =
			name === "mint" ? LEDGER_SCHEMA : purseTables.PURSE_SCHEMA;
		const { says } = this.here;
		for (const table of tables) {
			if (says !== undefined && !says(module, table.name)) continue;
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
