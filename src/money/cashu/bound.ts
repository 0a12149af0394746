/* Whether ecash of a stranger may be spent by whoever has it. A mint decides that; what stands here says why it has refused. */
import { type Json, parseJsonText } from "./json.ts";

/** Whether a secret is a lock (NUT-11, NUT-14) that lets nobody spend it now who has nothing to open it with. One whose time is over lets anybody, unless it names who gets it back then. */
export function isBound(secret: string, now: number): boolean {
	const tags = tagsOf(secret);
	if (tags === undefined) return false;
	const isOver = /^\d{1,15}$/.test(tags.get("locktime") ?? "")
		? Number(tags.get("locktime")) * 1000 <= now
		: false;
	return !isOver || tags.has("refund");
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
