import { openModule } from "../../device/service/index.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface ArchiveFlags {
	readonly home: string;
	readonly to?: string;
	/** Days. */
	readonly expiredFor: number;
	readonly json?: true;
}

/** Takes payments that are over out of the database, into files that can be verified without it. */
export async function archive(flags: ArchiveFlags): Promise<void> {
	const { home, to, expiredFor: expiredForDays, json } = flags;
	await using module = await openModule(home);
	const { folder, files, payments } = await module.archive({
		folder: to,
		expiredForDays,
		wrote: (path, payments) => {
			if (!json) say(`${payments} payments are in ${plain(path)}`);
		},
	});
	if (json) return sayJson({ home, folder, files, payments });
	if (payments === 0)
		say(
			`nothing to archive: no payment is over whose notes expired ${expiredForDays} days ago`,
		);
	else
		say(
			"keep these files: the purse has only hashes, receipts and outcomes of those payments now; tetrad verify reads them",
		);
}
