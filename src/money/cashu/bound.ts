/* Whether ecash of a stranger may be spent by whoever has it. A mint decides that; what stands here says why it has refused. */
import { type Json, parseJsonText } from "./json.ts";

/** What there is no moment after. */
const LAST_MS = 8.64e15;

/**
 * From when on anybody may spend a secret, who has nothing to open it with: always, unless it is a lock
 * (NUT-11, NUT-14). One of which the time is over lets anybody, unless it names who gets it back
 * then; `Infinity` for one that never does.
 */
export function anybodysFrom(secret: string): number {
	const tags = tagsOf(secret);
	if (tags === undefined) return -Infinity;
	const time = tags.get("locktime") ?? "";
	if (!/^\d{1,15}$/.test(time) || tags.has("refund")) return Infinity;
	const from = Number(time) * 1000;
	return from <= LAST_MS ? from : Infinity;
}

/** The first value of each tag of a lock; nothing of what is none. */
function tagsOf(secret: string): ReadonlyMap<string, string> | undefined {
	const [kind, members] = listOf(readJson(secret));
	if (kind !== "P2PK" && kind !== "HTLC") return undefined;
	const tags = members instanceof Map ? listOf(members.get("tags")) : [];
	return new Map(
		tags.flatMap((tag) => {
			const [name, value] = listOf(tag);
			return typeof name === "string" && typeof value === "string"
				? [[name, value] as const]
				: [];
		}),
	);
}

function readJson(text: string): Json {
	try {
		return parseJsonText(text);
	} catch {
		// The secret of most ecash is no JSON.
		return null;
	}
}

function listOf(value: Json | undefined): readonly Json[] {
	return Array.isArray(value) ? value : [];
}
