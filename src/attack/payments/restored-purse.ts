/* A purse that was put back to what it was before it paid. */
import { cp, rm } from "node:fs/promises";
import { readSide } from "../../device/side/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import { pays, Rogue } from "../market/index.ts";
import { NotTried } from "../not-tried.ts";

/** What it withdraws, in minor units: for a few cheap things. */
const MONEY = 10_00n;

export const RESTORED_PURSE: readonly Attack[] = [
	{
		name: "money-spent-again",
		group: "payments",
		tried:
			"A buyer paid, put the homes of its agent and its module back to before that, and paid with the same money again.",
		reference: "docs/money.md, A database that was put back",
		async run(target, signal) {
			target.sandbox("a side of its own with money");
			const { issuerAt } = target;
			if (issuerAt === undefined)
				throw new NotTried("it needs to know where the issuer answers");
			const folder = await target.newSide("put-back", "buyer");
			const side = await readSide(folder, {});
			const backup = target.newPath("backup");
			{
				await using _ = await Rogue.open(side, issuerAt, { withdraws: MONEY });
			}
			await cp(folder, backup, { recursive: true });
			{
				await using rogue = await Rogue.open(side, issuerAt);
				const honest = await pays(rogue, target, signal);
				if (honest.kind !== "accepted")
					return broken("an honest payment was not taken");
			}
			for (const device of ["agent", "module"]) {
				await rm(`${folder}/${device}`, { recursive: true });
				await cp(`${backup}/${device}`, `${folder}/${device}`, {
					recursive: true,
				});
			}
			await using rogue = await Rogue.open(side, issuerAt);
			const again = await pays(rogue, target, signal);
			if (again.kind === "refused")
				return again.code === "purse-behind"
					? held(
							"the purse noticed, and pays nobody before it has met its issuer",
						)
					: broken(`it was refused for another reason: ${again.code}`);
			return broken("the same money was paid twice");
		},
	},
];
