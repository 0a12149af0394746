/* An issuer that runs, an account with money, and purses, by the commands that operators and owners give. */
import { writeFile } from "node:fs/promises";
import { moduleIdOf } from "../../src/device/purse/purse-home.ts";
import { hex } from "../../src/wire/index.ts";
import { done } from "./commands.ts";
import type { Homes } from "./homes.ts";
import { makeMintHomes } from "./mint-homes.ts";
import { Command, type CommandOptions } from "./processes.ts";

/** What a test needs to know of it. */
export interface MintTown extends AsyncDisposable {
	/** The issuer's terms, as a file. */
	readonly terms: string;
	/** Flags that name the owner of both purses. */
	readonly owner: readonly string[];
	/** Flags for a command that has a purse settle. */
	readonly at: (place: "X" | "Y") => string[];
	/** Where the issuer's agent answers. */
	readonly issuerAt: string;
	/** The issuer's two processes, as they were started last. */
	readonly issuer: Command;
	readonly clerk: Command;
	/** Starts those of the two again that are gone. */
	readonly revive: () => Promise<void>;
}

export interface MintTownOptions {
	/** What each of the two processes gets in its environment. */
	readonly env?: (
		who: "issuer" | "clerk",
	) => NonNullable<CommandOptions["env"]>;
	/** What each of the two processes is told beside that. */
	readonly flags?: (who: "issuer" | "clerk") => readonly string[];
	/** Credited to Alice's account; 100.00 unless given. */
	readonly amount?: string;
}

/** An issuer that runs, with money in Alice's account, and purses at X and Y. */
export async function mintTown(
	homes: Homes,
	{
		env = () => ({}),
		flags = () => [],
		amount = "100.00",
	}: MintTownOptions = {},
): Promise<MintTown> {
	await makeMintHomes(homes);
	await writeFile(homes.at("owner"), "correct horse\n", { mode: 0o600 });
	const { terms } = await done(["issuer", "init", "--home", homes.at("mint")]);
	const stack = new AsyncDisposableStack();
	const start = (who: "issuer" | "clerk", args: readonly string[]): Command =>
		stack.use(new Command([...args, ...flags(who)], { env: env(who) }));
	const startIssuer = () =>
		start("issuer", [
			...["issuer", "run", "--json", "--home", homes.at("mint")],
			...["--listen", homes.socket("mint"), "--http", "127.0.0.1:0"],
		]);
	const startClerk = (listen: string) =>
		start("clerk", [
			...["agent", "--json", "--home", homes.at("clerk")],
			...["--module", homes.socket("mint"), "--listen", listen],
		]);
	let issuer = startIssuer();
	await issuer.expect("listening");
	let clerk = startClerk("127.0.0.1:0");
	const { address: issuerAt } = await clerk.expect("listening");
	await done([
		...["issuer", "credit", "--home", homes.at("mint"), "--amount", amount],
		...["--account", hex(await moduleIdOf(homes.of("X")))],
	]);
	const owner = ["--owner-passphrase-file", homes.at("owner")];
	for (const place of ["X", "Y"] as const)
		await done([
			...["purse", "create", "--home", homes.of(place)],
			...["--issuer", String(terms), ...owner],
		]);
	const at = (place: "X" | "Y") => [
		...["--home", homes.of(place)],
		...["--agent", homes.of(place === "X" ? "A" : "B")],
		...["--module", homes.socket(place), "--issuer-at", issuerAt],
	];
	return {
		terms: String(terms),
		owner,
		at,
		issuerAt,
		get issuer() {
			return issuer;
		},
		get clerk() {
			return clerk;
		},
		async revive() {
			if (issuer.gone) issuer = startIssuer();
			await issuer.expect("listening");
			// Whoever settles goes on where it did.
			if (clerk.gone) clerk = startClerk(issuerAt);
			await clerk.expect("listening");
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}
