import {
	type SeedText,
	showSeed as seedIn,
	writeSeedFile,
} from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plain, say, tell } from "../voice.ts";

export interface ShowSeedFlags extends OwnerFlags {
	readonly home: string;
	readonly out?: string;
}

/** On a line of paper. */
const IN_A_ROW = 4;

export async function showSeed(flags: ShowSeedFlags): Promise<void> {
	const { home, out } = flags;
	if (out === undefined && process.stdout.isTTY !== true)
		throw new TetradError(
			"invalid-argument",
			"a seed is shown at a terminal only, so that no log and no other program has it; say --out FILE for a new file that only you may read",
		);
	const seed = await seedIn(home, ownerSecret(flags));
	if (out === undefined) for (const row of rowsOf(seed)) say(row);
	else {
		await writeSeedFile(out, seed);
		say(`${plain(out)} has the seed of the purse in ${plain(home)}`);
	}
	tell(
		seed.kind === "words"
			? "these are words of BIP 39, from which any wallet of Cashu restores this ecash"
			: "this is no BIP 39: the purse drew its seed before there were words, and only tetrad purse restore --rail cashu --words reads it",
	);
	tell(
		"whoever reads it has the ecash: keep it on paper, and away from this machine; what is locked for a purchase needs a backup",
	);
}

/** Words with their numbers, so that none is left out on paper. */
function rowsOf({ kind, text }: SeedText): string[] {
	const parts = text.split(" ");
	const cells =
		kind === "words"
			? parts.map((word, at) => `${at + 1}`.padStart(2).concat(` ${word}`))
			: parts;
	const width = Math.max(...cells.map(({ length }) => length));
	return Array.from({ length: Math.ceil(cells.length / IN_A_ROW) }, (_, row) =>
		cells
			.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW)
			.map((cell) => cell.padEnd(width))
			.join("  ")
			.trimEnd(),
	);
}
