import { bold, count, plainTable } from "../cli/index.ts";
import type { ProcessEvent } from "../device/process/index.ts";
import { PLACES, type Place } from "../tetrad/index.ts";
import {
	type Custody,
	NAMES,
	type WireAudit,
	type WireFrame,
	whereOf,
} from "./stage/index.ts";

/** Three lines about each device. */
export type Boxes = Readonly<Record<Place, readonly [string, string, string]>>;

/** What stands between the boxes: beside session 1 and 2, and down the two links. */
interface Between {
	readonly above: string;
	readonly below: string;
	readonly left: string;
	readonly right: string;
}

const INNER_COLUMNS = 24;
const BETWEEN_COLUMNS = 22;
const SQUARE_COLUMNS: number = 2 + 2 * (INNER_COLUMNS + 2) + BETWEEN_COLUMNS;

/** The four devices in a square; one below the other where that does not fit. */
export function boxes(
	words: Boxes,
	{ above, below, left, right }: Between,
	width: number | undefined,
): string[] {
	if (width !== undefined && width < SQUARE_COLUMNS)
		return PLACES.map((place) => `  ${words[place].join(", ")}`);
	const box = (place: Place) => [
		`┌${"─".repeat(INNER_COLUMNS)}┐`,
		...words[place].map((line) => `│ ${line.padEnd(INNER_COLUMNS - 1)}│`),
		`└${"─".repeat(INNER_COLUMNS)}┘`,
	];
	const beside = (first: string[], second: string[], between: string) =>
		first.map((line, i) => {
			const middle = i === 2 ? between : "";
			return `  ${line}${middle.padEnd(BETWEEN_COLUMNS)}${second[i]}`;
		});
	const apart = INNER_COLUMNS + 2 + BETWEEN_COLUMNS;
	const link = `${" ".repeat(14)}${left.padEnd(apart)}${right}`;
	return [
		...beside(box("A"), box("B"), centred(above)),
		link,
		...beside(box("X"), box("Y"), centred(below)),
	];
}

function centred(text: string): string {
	const before = Math.floor((BETWEEN_COLUMNS - text.length) / 2);
	return `${" ".repeat(Math.max(0, before))}${text}`;
}

/** The square of four devices, with the sessions between them. */
export function square(
	pids: Readonly<Record<Place, number>>,
	width?: number,
): string[] {
	const words = (place: Place, number: number, kind: string) =>
		[
			`${number} ${place}  ${kind}`,
			NAMES[place],
			`process ${pids[place]}`,
		] as const;
	return boxes(
		{
			A: words("A", 1, "agent"),
			B: words("B", 2, "agent"),
			X: words("X", 3, "module"),
			Y: words("Y", 4, "module"),
		},
		{
			above: "◀════ session 1 ════▶",
			below: "◀─ ─ session 2 ─ ─ ─▶",
			left: "║ session 3",
			right: "║ session 4",
		},
		width,
	);
}

/** Where the long-term key of each device is, and what its certificate attests of that. */
export function keyTable(custody: Readonly<Record<Place, Custody>>): string[] {
	if (PLACES.every((place) => custody[place].token === undefined))
		return [
			"  Each has a key of its own, in clear in a file of its own folder.",
		];
	const rows = PLACES.map((place) => {
		const seen = custody[place];
		const { token } = seen;
		const level = Object.values(seen.judgedBy)[0]?.level ?? "";
		return [
			place,
			NAMES[place],
			token === undefined
				? `file ${whereOf(seen)}, in clear`
				: `token "${token.token}" (${token.manufacturer}), which does not give it away`,
			level === "software" ? "nothing" : level,
		];
	});
	return plainTable(["", "device", "key", "attested"], rows);
}

/** What says nothing about how the four are bound. */
const BESIDE: ReadonlySet<string> = new Set([
	"chain",
	"message",
	"untrusted lists",
]);

/** What crossed each wire from flight 1 until all four were confirmed, in the order of time. */
export function flightTable(frames: readonly WireFrame[]): string[] {
	const shown = establishment(frames).filter(({ name }) => !BESIDE.has(name));
	const start = shown[0]?.at ?? 0;
	const rows = shown.map(({ at, wire, from, to, name, bytes }) => {
		const isNetwork = wire === "network";
		const indent = isNetwork ? "" : "  ";
		const row = [
			(at - start).toFixed(1),
			wire,
			`${from} → ${to}`,
			`${indent}${name}`,
			count(bytes),
		];
		return isNetwork ? row.map(bold) : row;
	});
	return plainTable(["ms", "wire", "from → to", "what", "bytes"], rows, {
		right: [0, 4],
	});
}

/** The frames of the establishment itself. */
export function establishment(frames: readonly WireFrame[]): WireFrame[] {
	const first = frames.findIndex(({ name }) => name === "begin");
	const used = new Set([
		"session 2",
		"session 2 in session 1",
		"session 3 or 4",
		"end",
		"close",
		"link closed",
	]);
	const firstUse = frames.findIndex(({ name }) => used.has(name));
	// The modules speak as soon as they are confirmed, so a confirmation may follow the first use.
	return frames
		.slice(Math.max(0, first))
		.filter(
			({ name }, i) =>
				!used.has(name) && (name !== "message" || i + first < firstUse + 4),
		)
		.filter(
			({ name }, i, all) =>
				name !== "message" || all.findIndex((f) => f.name === "message") === i,
		);
}

/** What a wiretap on each wire could and could not read. */
export function wiretapLines(audits: readonly WireAudit[]): string[] {
	return audits.flatMap(({ wire, bytes, plaintexts, secrets, found }) => {
		const looked = `${count(bytes)} bytes, searched for ${plaintexts} plaintexts and ${secrets} secrets`;
		const shown = found
			.slice(0, 8)
			.map(
				({ name, from, offset }) =>
					`      readable: ${name} (from ${from}, byte ${offset})`,
			);
		const more = found.length > 8 ? [`      and ${found.length - 8} more`] : [];
		return [
			`  ${bold(wire.padEnd(9))} ${looked}: ${found.length === 0 ? "none found" : bold(`${found.length} FOUND`)}`,
			...shown,
			...more,
		];
	});
}

/** The confirmed event of a process. */
export function confirmed(
	events: readonly ProcessEvent[],
): (ProcessEvent & { readonly event: "confirmed" }) | undefined {
	return events.find((event) => event.event === "confirmed");
}

export function heading(text: string): string {
	return `\n${bold(text)}`;
}
