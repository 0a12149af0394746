import { viewLog } from "../../device/purse/index.ts";
import { type LogRow, nameInDeviceId } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { csv } from "../csv.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson, sayText } from "../voice.ts";

export interface ShowLogFlags {
	readonly home: string;
	/** So many entries at most. */
	readonly limit: number;
	readonly json?: true;
	readonly csv?: true;
}

/** Prints the log of an agent or of a purse as it stands: `tetrad purchases` and `tetrad purse history` make more of it. */
export async function showLog(flags: ShowLogFlags): Promise<void> {
	const { home, limit, json, csv: isCsv } = flags;
	const entries = (await viewLog(home, limit)).map(inFull);
	if (isCsv)
		return sayText(
			csv(
				COLUMNS,
				entries.map((entry) => COLUMNS.map((name) => entry[name])),
			),
		);
	if (json) return sayJson({ home, log: entries });
	if (entries.length === 0) return say("nothing stands in this log yet");
	const rows = entries.map(({ number, time, what, subject, ...entry }) => [
		number,
		moment(Date.parse(time)),
		what,
		plain(entry.with),
		subject.slice(0, 16),
		entry.hash.slice(0, 16),
	]);
	const head = ["", "when", "what", "with", "about", "head"];
	for (const line of plainTable(head, rows)) say(line);
}

const COLUMNS = [
	...["number", "time", "what", "subject", "minorUnits", "with", "peer"],
	"hash",
] as const;

/** Of one entry: numbers in decimals, bytes in hexadecimal. */
type Entry = Readonly<Record<(typeof COLUMNS)[number], string>>;

function inFull({ number, time, what, ...entry }: LogRow): Entry {
	return {
		number: String(number),
		time: new Date(Number(time)).toISOString(),
		what,
		subject: hex(entry.subject),
		minorUnits: String(entry.amount),
		with: nameIn(entry.peer),
		peer: hex(entry.peer),
		hash: hex(entry.hash),
	};
}

/** The certified name of whom an entry has to do with; empty where that is nobody. */
function nameIn(peer: Uint8Array): string {
	try {
		return nameInDeviceId(peer);
	} catch {
		return "";
	}
}
