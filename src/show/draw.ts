import { bad, bold, count, good, plainTable } from "../cli/index.ts";
import type { ProcessEvent } from "../device/process/index.ts";
import { PLACES, type Place } from "../tetrad/index.ts";
import {
	type Custody,
	type MoneySeen,
	NAMES,
	type WireAudit,
	type WireFrame,
	whereOf,
} from "./stage/index.ts";

const SQUARE_COLUMNS = 66;

/** The square of four devices, with the sessions between them; in words where it does not fit. */
export function square(
	pids: Readonly<Record<Place, number>>,
	width: number = SQUARE_COLUMNS,
): string[] {
	if (width < SQUARE_COLUMNS)
		return PLACES.map(
			(place, i) =>
				`  ${i + 1} ${place}  ${NAMES[place]}, process ${pids[place]}`,
		);
	const box = (place: Place, number: number, kind: string) => {
		const lines = [
			`${number} ${place}  ${kind}`,
			NAMES[place],
			`process ${pids[place]}`,
		].map((line) => ` ${line.padEnd(17)}`);
		return [
			`┌${"─".repeat(18)}┐`,
			...lines.map((line) => `│${line}│`),
			`└${"─".repeat(18)}┘`,
		];
	};
	const beside = (left: string[], right: string[], between: string) =>
		left.map(
			(line, i) =>
				`  ${line}${i === 2 ? between : " ".repeat(between.length)}${right[i]}`,
		);
	return [
		...beside(
			box("A", 1, "agent"),
			box("B", 2, "agent"),
			"◀════ session 1 ════▶",
		),
		"           ║                                        ║",
		"           ║ session 3                              ║ session 4",
		"           ║                                        ║",
		...beside(
			box("X", 3, "module"),
			box("Y", 4, "module"),
			"◀─ ─ session 2 ─ ─ ─▶",
		),
	];
}

/** Where the long-term key of each device is, and what its certificate attests of that. */
export function keyTable(custody: Readonly<Record<Place, Custody>>): string[] {
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

/** What crossed each wire from flight 1 until all four were confirmed, in the order of time. */
export function flightTable(frames: readonly WireFrame[]): string[] {
	const shown = establishment(frames);
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

/** Who had how much, from before to after. */
export function moneyLines({
	currency,
	isPlay,
	balances,
	audit,
	conserved,
}: MoneySeen): string[] {
	const rows = balances.map(({ when, purses, accounts, sum }) => [
		when,
		purses.X,
		purses.Y,
		accounts.X,
		accounts.Y,
		bold(sum),
	]);
	const head = ["", "purse X", "purse Y", "account X", "account Y", "sum"];
	return [
		...plainTable(head, rows),
		`  all in ${currency}${isPlay ? ", play money that nobody exchanges for anything" : ""}`,
		`  the issuer's tables, computed again: issued ${audit.issued}, returned ${audit.returned}, outstanding ${audit.outstanding}: ${audit.balanced ? good("balanced") : bad("not balanced")}`,
		conserved
			? good("  Nothing was lost, and nothing doubled.")
			: bad("  The sum has changed."),
	];
}

/** What a wiretap on each wire could and could not read. */
export function wiretapLines(audits: readonly WireAudit[]): string[] {
	return audits.flatMap(({ wire, bytes, plaintexts, secrets, found }) => {
		const looked = `${count(bytes)} bytes captured, searched for ${plaintexts} pieces of plaintext and ${secrets} secrets`;
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
