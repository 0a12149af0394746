/* What soaks came to, as it is kept: each in figures, all of them together as a page. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Provenance } from "../tools/provenance.ts";
import { type Failure, type Figures, NOTHING, together } from "./simulate.ts";
import type { SoakFigures } from "./soak.ts";

/** How a soak was made, and what it came to. */
export interface Soaked extends SoakFigures, Provenance {
	/** How many were to be bought or refused, or for how many hours it was to go on. */
	readonly wanted: string;
	readonly isWhole: boolean;
	readonly wallSeconds: number;
	readonly workers: number;
}

const KEPT = new URL("./soak.json", import.meta.url);
const PAGE = new URL("../docs/internals/soak.md", import.meta.url);

/** In the order in which they were run. */
export function kept(): readonly Soaked[] {
	return JSON.parse(readFileSync(KEPT, "utf8"));
}

export function keep(soaks: readonly Soaked[]): void {
	writeFileSync(KEPT, `${JSON.stringify(soaks, undefined, "\t")}\n`);
	writeFileSync(PAGE, soakPage(soaks));
}

/** The first seed that none of them has begun. */
export function seedAfter(soaks: readonly Soaked[]): number {
	return Math.max(1, ...soaks.map(({ nextSeed }) => nextSeed));
}

export function answered({ purchases }: Figures): number {
	return purchases.bought + purchases.refused;
}

export function failureText({ seed, invariant, what }: Failure): string {
	return `Seed ${seed}: "${invariant}" does not hold: ${what}`;
}

export function soakPage(soaks: readonly Soaked[]): string {
	const all = soaks.reduce<Figures>(together, NOTHING);
	const failures = soaks.flatMap(({ failures, commit }) =>
		failures.map((failure) => [commit, failureText(failure)]),
	);
	const { purchases } = all;
	const cpuMs = (all.cpuSeconds * 1000) / Math.max(1, answered(all));
	return `# The last soak

\`npm run soak -- --save\` has written this page, and \`npm run soak -- --more\` what came to it; do not edit it. [sim/README.md](../../sim/README.md) says what is simulated and what must hold. Each seed is the same run on any machine at its commit: \`npm run sim -- --seed N --runs 1\`. Purchases that are none of the rest were cut short by the death of their agent; what was begun of them came to its end when it was started again.

${table([
	[
		"day",
		"commit",
		"seeds",
		"worlds",
		"bought or refused",
		"CPU, s",
		"time, s",
		"violations",
		"machine",
	],
	soaks.map((soaked) => [
		soaked.day,
		soaked.commit,
		`${soaked.firstSeed} to ${soaked.nextSeed - 1}`,
		soaked.seeds,
		answered(soaked),
		Math.round(soaked.cpuSeconds),
		soaked.wallSeconds,
		soaked.failures.length === 0 ? "none" : soaked.failures.length,
		`${soaked.machine}, Node ${soaked.node}`,
	]),
])}

Where there are fewer worlds than seeds, it was stopped while processes had some before them.

${table([
	["all of them together", "how much"],
	[
		["worlds", all.seeds],
		["of these run twice, with the same trace", all.runTwice],
		["purchases asked for", purchases.asked],
		["bought", purchases.bought],
		["refused", purchases.refused],
		["came to nothing, since no tetrad came about", purchases.unmet],
		["payments beside purchases", all.payments],
		["events", all.events],
		["virtual hours", Math.round(all.virtualHours)],
		["worlds that ended with something for a person to do", all.persons],
		["CPU for each purchase, ms", cpuMs.toFixed(2)],
		["violations", failures.length === 0 ? "none" : failures.length],
	],
])}
${failures.length === 0 ? "" : `\n${table([["commit", "what does not hold"], failures])}\n`}
${table([["fault", "how often"], Object.entries(all.faults).sort()])}
`;
}

type Row = readonly (string | number)[];

function table([head, rows]: readonly [Row, readonly Row[]]): string {
	const line = (cells: Row) =>
		`| ${cells.map(String).join(" | ").replaceAll("\n", " ")} |`;
	return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join(
		"\n",
	);
}
