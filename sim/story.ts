/* A run of a simulated world as a person can read it: who did what when, and who said what to whom. */
import { ABOUT_LOCKS } from "../src/money/documents/index.ts";
import { messages, SEVERAL } from "../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
} from "../src/trade/documents/index.ts";
import type { Told } from "./trace.ts";

const { BETWEEN_MODULES, WITH_AGENT, WITH_ISSUER } = messages;

const NAMES: ReadonlyMap<number, string> = new Map([
	[SEVERAL, "several"],
	...[
		BETWEEN_MODULES,
		ABOUT_LOCKS,
		WITH_AGENT,
		WITH_ISSUER,
		ABOUT_PURCHASES,
		BETWEEN_AGENTS,
	].flatMap((kinds) =>
		Object.entries(kinds as Record<string, { readonly type: number }>).map(
			([name, { type }]) => [type, name] as const,
		),
	),
]);

/** What a message is called in docs/money.md and docs/trade.md. */
export function describeMessage(bytes: Uint8Array): string {
	const type = bytes[0] ?? 0;
	return NAMES.get(type) ?? `a message of type ${type}`;
}

function timeOf({ at }: Told): string {
	return `${(at / 1000).toFixed(3).padStart(12)} s`;
}

/** One line for each thing that happened; what goes wrong by the plan has an exclamation mark. */
export function story(told: readonly Told[]): string {
	return told
		.map((one) => {
			const { who, to, what, isFault } = one;
			const said = to === undefined ? what : `says "${what}" to ${to}`;
			return `${timeOf(one)} ${isFault === true ? "!" : " "} ${who} ${said}`;
		})
		.join("\n");
}

const COLUMN = 22;

/** Who sent what to whom, a column for each device, in the order of their first word. */
export function diagram(told: readonly Told[]): string {
	const said = told.filter(({ to }) => to !== undefined);
	const names = [
		...new Set(said.flatMap(({ who, to }) => [who, to ?? who])),
	].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
	const column = new Map(names.map((name, at) => [name, at]));
	const head = names.map((name) => name.padEnd(COLUMN)).join("");
	const rule = (): string[] =>
		names.flatMap(() => ["│", ..." ".repeat(COLUMN - 1)]);
	const lines = told
		.filter(
			({ who, to, isFault }) =>
				(to !== undefined || isFault === true) &&
				(column.has(who) || who === "world"),
		)
		.map((one) => {
			const { who, to, what } = one;
			const cells = rule();
			const from = (column.get(who) ?? 0) * COLUMN;
			if (to === undefined) {
				[...`! ${what}`].forEach((letter, at) => {
					cells[from + 2 + at] = letter;
				});
				return `${timeOf(one)}  ${cells.join("").trimEnd()}`;
			}
			const until = (column.get(to) ?? 0) * COLUMN;
			const [left, right] = from < until ? [from, until] : [until, from];
			for (let at = left + 1; at < right; at++) cells[at] = "─";
			if (from < until) cells[right - 1] = "▶";
			else cells[left + 1] = "◀";
			const label = ` ${what} `;
			const start =
				left + Math.max(2, Math.floor((right - left - label.length) / 2));
			[...label].forEach((letter, at) => {
				cells[start + at] = letter;
			});
			return `${timeOf(one)}  ${cells.join("").trimEnd()}`;
		});
	return [`${" ".repeat(16)}${head.trimEnd()}`, ...lines].join("\n");
}

/** Buyers stand left, merchants right of them, then issuers, and mints last; a module inside of its agent. */
function rank(name: string): number {
	if (name.startsWith("mint")) return 6;
	const isModule = name.endsWith("module");
	if (name.startsWith("buyer")) return isModule ? 1 : 0;
	if (name.startsWith("merchant")) return isModule ? 2 : 3;
	return isModule ? 4 : 5;
}
