import { openModule } from "../../device/service/index.ts";
import { plain, say, sayJson, tellTrouble } from "../voice.ts";

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
	const { folder, files, payments, stayed } = await module.archive({
		folder: to,
		expiredForDays,
		wrote: (path, payments) => {
			if (!json) say(`${payments} payments are in ${plain(path)}`);
		},
		stayed: ({ kind, contract, code, reason }) =>
			tellTrouble(
				`the payment of contract ${contract} that was ${kind === "paid" ? "made" : "received"} does not verify, and stays in the purse: ${plain(reason)} (${code})`,
			),
	});
	if (json) return sayJson({ home, folder, files, payments, stayed });
	if (stayed > 0)
		tellTrouble(
			`${stayed} payments do not verify under the banks' roots of this home: their rows have rotted on the disk, or a root was taken out of the policy; a backup may have them whole`,
		);
	if (payments === 0 && stayed === 0)
		say(
			`nothing to archive: no payment is over whose notes expired ${expiredForDays} days ago`,
		);
	if (payments > 0)
		say(
			"keep these files: the purse has only hashes, receipts and outcomes of those payments now; tetrad verify reads them",
		);
}
