import { readFileSync } from "node:fs";

/** What is wanted of a figure. */
type Reach =
	| { readonly kind: "at-most" | "at-least"; readonly ratio: number }
	/** No ratio: of a heap, that it does not grow. */
	| { readonly kind: "flat" };

/** A figure that was to be reached, and what was measured last. */
export interface ReachRow {
	readonly what: string;
	readonly reach: Reach;
	/** `undefined` where `bench/results` has none yet; of a heap, bytes for each. */
	readonly measured: number | undefined;
	readonly isKept: boolean;
}

/** The text of a file of `bench/results`, or `undefined` when there is none of that name. */
export type ReadResult = (name: string) => string | undefined;

export const keptResult: ReadResult = (name) => {
	try {
		return readFileSync(
			new URL(`results/${name}.json`, import.meta.url),
			"utf8",
		);
	} catch {
		return undefined;
	}
};

/** A row before it is read: from which result, and by which names in it. */
interface Wanted {
	readonly what: string;
	readonly reach: Reach;
	readonly from: string;
	readonly at: readonly (string | number)[];
	/** Where the result has how many times the other costs as much. */
	readonly isInverse?: true;
}

const most = (ratio: number): Reach => ({ kind: "at-most", ratio });
const least = (ratio: number): Reach => ({ kind: "at-least", ratio });

const ofEstablishment = (
	what: string,
	reach: Reach,
	...at: readonly string[]
): Wanted => ({
	...{ what, reach, from: "establish" },
	at: ["establish", ...at],
});
const ofRecords = (what: string, reach: Reach, name: string): Wanted => ({
	...{ what, reach, from: "records" },
	at: ["records", name],
});
const ofPayment = (what: string, reach: Reach, how: string): Wanted => ({
	...{ what, reach, from: "payments", isInverse: true },
	at: ["payments", "algorithms", "P-256", how, "swap_vs_payment"],
});

const WANTED: readonly Wanted[] = [
	ofEstablishment(
		"establishment, P-256: CPU against nested TLS",
		most(0.5),
		...["algorithms", "P-256", "cpu_vs_nested_tls"],
	),
	ofEstablishment(
		"establishment, Ed25519: CPU against nested TLS",
		most(0.4),
		...["algorithms", "Ed25519", "cpu_vs_nested_tls"],
	),
	ofEstablishment(
		"the same, P-256, chains never seen",
		most(0.9),
		...["algorithms", "P-256", "cpu_vs_nested_tls_cold"],
	),
	ofEstablishment(
		"the same, Ed25519, chains never seen",
		most(0.9),
		...["algorithms", "Ed25519", "cpu_vs_nested_tls_cold"],
	),
	ofEstablishment(
		"resumed against full: CPU",
		most(0.5),
		...["resumed_vs_full", "cpu"],
	),
	ofEstablishment(
		"resumed against full: bytes",
		most(0.5),
		...["resumed_vs_full", "bytes"],
	),
	ofRecords(
		"256 bytes in a burst: rate against nested TLS",
		least(0.5),
		"burst_vs_nested_tls",
	),
	ofRecords(
		"256 bytes in a burst: CPU against nested TLS",
		most(2.5),
		"burst_cpu_vs_nested_tls",
	),
	ofRecords(
		"256 bytes there and back: CPU against nested TLS",
		most(0.9),
		"ping_pong_cpu_vs_nested_tls",
	),
	ofRecords(
		"a file over session 1: rate against TLS",
		least(0.95),
		"file_vs_tls",
	),
	{
		what: "an idle tetrad at a merchant: memory against nested TLS",
		...{ reach: most(0.5), from: "idle" },
		at: ["idle", "vs_nested_tls"],
	},
	ofPayment(
		"a payment, one at a time: CPU against a Cashu swap",
		most(0.35),
		"alone",
	),
	ofPayment(
		"a payment, 64 at once: CPU against a Cashu swap",
		most(0.12),
		"together",
	),
	{
		what: "purchases a second, 64 buyers, against bare durable writes",
		...{ reach: least(0.6), from: "purchases" },
		at: ["purchases", "together_vs_bare"],
	},
	{
		what: "a purchase's time against its bare writes and round trips",
		...{ reach: most(1.3), from: "purchases" },
		at: ["purchases", "standing", "goods", "vs_bare"],
	},
	{
		what: "two agent processes, each part of a core, against one: rate",
		...{ reach: least(1.7), from: "agents" },
		at: ["agents", "held", "two_vs_one"],
	},
	{
		what: "establishments, 20,000 tetrads standing, against 10",
		...{ reach: most(1.2), from: "scale" },
		at: ["scale", "establishments", "most_vs_least"],
	},
	{
		what: "purchases after 1,000,000, against after 1,000",
		...{ reach: most(1.2), from: "scale" },
		at: ["scale", "purchases", "many_vs_few", "cpu"],
	},
	{
		what: "the heap, for each of 1,000,000 messages",
		...{ reach: { kind: "flat" }, from: "heap" },
		at: ["heap", "messages", "bytes_each"],
	},
	{
		what: "the heap, for each of 100,000 establishments",
		...{ reach: { kind: "flat" }, from: "heap" },
		at: ["heap", "establishments", "bytes_each"],
	},
];

/** Everything that was to be reached, in order. */
export function reachRows(read: ReadResult = keptResult): readonly ReachRow[] {
	return WANTED.map((wanted) => {
		const { what, reach } = wanted;
		const measured = measuredOf(wanted, read);
		return { what, reach, measured, isKept: isKept(wanted, measured, read) };
	});
}

function measuredOf(
	{ from, at, isInverse }: Wanted,
	read: ReadResult,
): number | undefined {
	const found = lookUp(from, at, read);
	if (typeof found !== "number") return undefined;
	return isInverse === undefined ? found : 1 / found;
}

function lookUp(from: string, at: Wanted["at"], read: ReadResult): unknown {
	const text = read(from);
	let value: unknown = text === undefined ? undefined : JSON.parse(text);
	for (const name of at)
		value = (value as Record<string | number, unknown> | undefined)?.[name];
	return value;
}

function isKept(
	{ reach, from, at }: Wanted,
	measured: number | undefined,
	read: ReadResult,
): boolean {
	if (measured === undefined) return false;
	switch (reach.kind) {
		case "at-most":
			return measured <= reach.ratio;
		case "at-least":
			return measured >= reach.ratio;
		case "flat":
			return lookUp(from, [...at.slice(0, -1), "is_flat"], read) === true;
	}
}

/** Two digits that count, as everybody reads them. */
export function ratioText(ratio: number): string {
	return ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2);
}

function reachText(reach: Reach): string {
	switch (reach.kind) {
		case "at-most":
			return `≤ ${ratioText(reach.ratio)}`;
		case "at-least":
			return `≥ ${ratioText(reach.ratio)}`;
		case "flat":
			return "flat";
	}
}

function measuredText({ reach, measured }: ReachRow): string {
	if (measured === undefined) return "not measured";
	return reach.kind === "flat"
		? `${measured.toFixed(2)} bytes`
		: ratioText(measured);
}

/** Every row as what it is, what is wanted, what was measured, and whether that is kept. */
export function reachCells(
	rows: readonly ReachRow[],
): readonly (readonly [string, string, string, string])[] {
	return rows.map((row) => [
		row.what,
		reachText(row.reach),
		measuredText(row),
		row.measured === undefined ? "" : row.isKept ? "kept" : "**not kept**",
	]);
}

/** The table as a person reads it in a terminal. */
export function reachLines(rows: readonly ReachRow[]): readonly string[] {
	return reachCells(rows).map(
		([what, reach, measured, kept]) =>
			`${what.padEnd(60)} ${reach.padEnd(8)} ${measured.padEnd(14)} ${kept.replaceAll("*", "")}`,
	);
}
