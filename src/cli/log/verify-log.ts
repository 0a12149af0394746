import { type CheckedLog, verifyLog } from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";
import { count, EXIT, plain, say, sayJson } from "../voice.ts";

export interface VerifyLogFlags {
	readonly home: string;
	readonly receipt?: readonly string[];
	readonly agent?: readonly string[];
	readonly json?: true;
}

/** Says how far the log of a device is what it was; exit code 1 when it is not. */
export async function verifyLogOf(flags: VerifyLogFlags): Promise<void> {
	const { home, receipt: receipts = [], agent: agents = [], json } = flags;
	let checked: CheckedLog;
	try {
		checked = await verifyLog(home, { receipts, agents });
	} catch (thrown) {
		if (!(thrown instanceof TetradError) || thrown.code !== "store-failed")
			throw thrown;
		if (json) sayJson({ holds: false, reason: thrown.message });
		else say(plain(thrown.message));
		process.exitCode = EXIT.failed;
		return;
	}
	const holds = checked.quotes.every(({ found }) => found === "there");
	if (!holds) process.exitCode = EXIT.failed;
	if (json) return sayJson({ holds, ...inJson(checked) });
	tell(checked, holds);
}

function tell(
	{ entries, head, quotes, heldTo, loose }: CheckedLog,
	holds: boolean,
): void {
	say(
		`the log is the chain of its heads: ${count(entries)} entries, the newest head is number ${head.number}`,
	);
	for (const { by, head: told, found } of quotes)
		if (found === "other")
			say(
				`  ${plain(by)} was told another head number ${told.number}: an entry up to there was changed, or the log was put back and went on`,
			);
		else if (found === "beyond")
			say(
				`  ${plain(by)} was told head number ${told.number}, and the log ends before it: entries are missing`,
			);
		else say(`  ${plain(by)} was told head number ${told.number}: it is there`);
	if (!holds) return;
	say(
		quotes.length === 0
			? "nobody was asked what it was told of it: --receipt and --agent hold the log of a module to that"
			: `nothing was taken away, changed or put elsewhere up to number ${heldTo}; ${count(loose)} entries after it are known to this device alone`,
	);
}

function inJson({ entries, head, quotes, heldTo, loose }: CheckedLog): object {
	return {
		entries,
		head: { number: String(head.number), hash: hex(head.hash) },
		quotes: quotes.map(({ by, head: told, found }) => ({
			by,
			number: String(told.number),
			found,
		})),
		heldTo: String(heldTo),
		loose,
	};
}
