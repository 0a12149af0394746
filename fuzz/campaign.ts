/* What a run of many targets came to, and the page that says so. */
import { writeFileSync } from "node:fs";
import type { Provenance } from "../tools/provenance.ts";
import type { Fuzzed } from "./fuzzing.ts";
import type { Target } from "./target.ts";

const SAVED = new URL("../docs/internals/fuzzing.md", import.meta.url);

/** Of one target. */
interface Row extends Fuzzed {
	/** Of CPU time. */
	readonly seconds: number;
	/** How many blocks of `src` it reached. */
	readonly blocks: number;
	readonly isNeverTaken: boolean;
}

export class Campaign {
	readonly rows: Row[] = [];
	/** How many targets there are to be. */
	readonly targets: number;
	readonly seed: number;
	/** As things were when it began. */
	readonly provenance: Provenance;
	/** A one for each block that a target reached, of all that are loaded. */
	#reached = new Uint8Array();

	constructor(targets: number, seed: number, provenance: Provenance) {
		this.targets = targets;
		this.seed = seed;
		this.provenance = provenance;
	}

	add(
		{ isNeverTaken = false }: Target,
		done: Fuzzed,
		seconds: number,
		reached: Uint8Array,
	): void {
		const before = this.#reached;
		this.#reached = reached.map((one, at) => one | (before[at] ?? 0));
		const blocks = countOf(reached);
		this.rows.push({ ...done, seconds, blocks, isNeverTaken });
	}

	get hasFailed(): boolean {
		return this.rows.some(({ failed }) => failed !== undefined);
	}

	get blocks(): { readonly reached: number; readonly loaded: number } {
		return { reached: countOf(this.#reached), loaded: this.#reached.length };
	}
}

export function countOf(reached: Uint8Array): number {
	return reached.reduce((sum, one) => sum + one, 0);
}

/** May be called after each target, so that of a run that is cut off there is what it came to. */
export function savePage(campaign: Campaign): void {
	writeFileSync(SAVED, pageOf(campaign));
}

export function pageOf({
	rows,
	blocks,
	targets,
	seed,
	provenance,
}: Campaign): string {
	const { day, commit, machine, node } = provenance;
	const sum = (of: (row: Row) => number) =>
		rows.reduce((total, row) => total + of(row), 0);
	const named = (which: (row: Row) => boolean) =>
		rows
			.filter(which)
			.map(({ target }) => target)
			.join(", ") || "none";
	const fewest = Math.min(...rows.map(({ runs }) => runs));
	const share = ((100 * blocks.reached) / Math.max(1, blocks.loaded)).toFixed(
		1,
	);
	const whole = [
		["day", day],
		["commit", commit],
		["machine", machine],
		["Node", node],
		["seed", seed],
		[
			"targets",
			rows.length < targets
				? `${rows.length} of ${targets}, then it was cut off`
				: targets,
		],
		["CPU, s", Math.round(sum(({ seconds }) => seconds))],
		["inputs", sum(({ runs }) => runs)],
		["of these taken, and all others refused", sum(({ taken }) => taken)],
		[
			"fewest inputs of a target",
			`${fewest}: ${named(({ runs }) => runs === fewest)}`,
		],
		[
			"what took no input, and should",
			named(({ taken, isNeverTaken }) => taken === 0 && !isNeverTaken),
		],
		[
			"inputs that reached more than the corpus",
			sum(({ kept }) => kept.length),
		],
		["blocks of `src` that were loaded", blocks.loaded],
		["of these reached", `${blocks.reached}, ${share} %`],
		["what did not hold", named(({ failed }) => failed !== undefined)],
	];
	return `# The last fuzzing

\`npm run fuzz -- --save\` has written this page; do not edit it. [fuzz/README.md](../../fuzz/README.md) says what is fuzzed and what must hold. A block is what stands between braces, or an expression that is not always evaluated, in any module that targets load.

| what | how much |
|---|---|
${table(whole)}

| target | CPU, s | inputs | taken | blocks reached | inputs that reached more than its corpus |
|---|---|---|---|---|---|
${table(rows.map(({ target, seconds, runs, taken, blocks: reached, kept }) => [target, seconds, runs, taken, reached, kept.length]))}
`;
}

function table(rows: readonly (readonly (string | number)[])[]): string {
	return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
