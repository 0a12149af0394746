/*
 * The seed of a purse's ecash in its owner's hand: written down from the home that has it, and
 * brought into the home of a purse that never had any ecash. Neither goes through a module that
 * runs, its agent or anything that listens: there is nothing but these two functions.
 */
import { resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import {
	readOwnerFile,
	type SecretSource,
	writeOwnerFile,
} from "../../keys/index.ts";
import {
	type EcashSeed,
	purseTables,
	takeEcashSeed,
} from "../../money/index.ts";
import { openSqliteStore } from "../../store/index.ts";
import { unusable } from "../home/index.ts";
import { MAX_SEED_TEXT } from "./limits.ts";
import { purseStorePath, readPurseSettings, viewPurse } from "./purse-home.ts";
import { openOwner } from "./purse-owner.ts";
import { readSeed, type SeedText, writeSeed } from "./seed-text.ts";

const { ECASH_ENTROPY_NAME, ECASH_SEED_NAME, META } = purseTables;

/** The seed of the purse in a home as it is written down, also while its module runs. `secret` is the owner's. Throws `home-unusable` where there is none, and `key-store-failed` for another passphrase. */
export async function showSeed(
	home: string,
	secret: SecretSource,
): Promise<SeedText> {
	const { owner } = await readPurseSettings(home);
	await openOwner(owner, secret);
	const seed = await seedOf(home);
	if (seed === undefined)
		throw unusable(
			`the purse in ${home} has no seed yet: it draws one when it is first opened with a mint in its purse.json`,
		);
	return writeSeed(seed);
}

/**
 * Takes what was written down for the seed of the purse in a home, whose module must not run. Says
 * whether it was that already, as after a crash. Throws `malformed` for what is no seed,
 * `invalid-argument` where the purse takes no ecash, `key-store-failed` for another passphrase than
 * the owner's, `busy` while the module runs, and `home-unusable` for a purse that has ever had ecash:
 * nothing is changed then.
 */
export async function takeSeed(
	home: string,
	text: string,
	secret: SecretSource,
): Promise<"known" | "taken"> {
	const seed = await readSeed(text);
	const { owner, mints } = await readPurseSettings(home);
	if (mints.length === 0)
		throw new TetradError(
			"invalid-argument",
			`the purse in ${home} takes no ecash, since its owner has named no mint; nothing was changed`,
		);
	await openOwner(owner, secret);
	await using store = await openSqliteStore({
		path: purseStorePath(home),
		schema: purseTables.PURSE_SCHEMA,
	});
	const found = await store.transact(takeEcashSeed(seed));
	if (found === "refused")
		throw unusable(
			`the purse in ${home} has had ecash of its own, and would lose that with its seed; bring the words into a new home; nothing was changed`,
		);
	return found;
}

/** Writes it into a new file that only its owner may read. Throws `home-unusable`, also for a file that is there. */
export function writeSeedFile(path: string, { text }: SeedText): Promise<void> {
	return writeOwnerFile(resolve(path), NOUN, `${text}\n`, () =>
		unusable(
			`${path} is there already, and a seed is written over nothing; name another file`,
		),
	);
}

/** What is in a file that only its owner may read. Throws `home-unusable`. */
export async function readSeedFile(path: string): Promise<string> {
	const content = await readOwnerFile(resolve(path), {
		noun: NOUN,
		maxBytes: MAX_SEED_TEXT,
		whenMissing: "write the words into it, for its owner only",
	});
	try {
		return content.toString("utf8");
	} finally {
		content.fill(0);
	}
}

const NOUN = "file with the seed";

async function seedOf(home: string): Promise<EcashSeed | undefined> {
	await using view = await viewPurse(home);
	return await view.store.snapshot(async (scan) => {
		const values = new Map<string, Uint8Array>();
		for (const name of [ECASH_SEED_NAME, ECASH_ENTROPY_NAME])
			for await (const { value } of scan({ table: META, equals: { name } }))
				values.set(name, value);
		const seed = values.get(ECASH_SEED_NAME);
		if (seed === undefined) return undefined;
		return { seed, entropy: values.get(ECASH_ENTROPY_NAME) };
	});
}
