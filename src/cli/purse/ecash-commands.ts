/* What the owner of a purse does with the ecash in it. */
import { type Command, Option } from "commander";
import { amount, jsonFlag, positiveSeconds } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { EcashFlags, MeltFlags, PendingFlags } from "./ecash.ts";

/** Of whose money there may be commands one day: ecash of Cashu mints is the only rail that has them. */
function railFlag(): Option {
	return new Option("--rail <rail>", "which rail; cashu unless given").choices([
		"cashu",
	]);
}

/** How long a command waits for a mint, in seconds, unless it is told. */
const WAIT_SECONDS = "30";

/** It is read into milliseconds. */
export function waitFlag(description: string): Option {
	return new Option("--wait <seconds>", description)
		.argParser(positiveSeconds)
		.default(positiveSeconds(WAIT_SECONDS), WAIT_SECONDS);
}

function addWaiting(command: Command): Command {
	return command
		.addOption(
			waitFlag(
				"how long to wait for the mint; what is ordered goes on after that",
			),
		)
		.addOption(jsonFlag());
}

function ecashCommand(
	purse: Command,
	name: string,
	description: string,
): Command {
	return purse
		.command(name)
		.description(description)
		.addOption(homeFlag("module"))
		.addOption(railFlag());
}

/** What the owner alone may order. */
function addOrdering(command: Command): Command {
	return addWaiting(
		addOwnerFlags(
			command.option(
				"--mint <address>",
				"which mint, where the purse knows several",
			),
		),
	);
}

async function withModule<Flags extends EcashFlags>(
	flags: Given<Flags>,
): Promise<Flags> {
	const { withSide } = await import("../side-flags.ts");
	return await withSide<Flags, never>(flags, "module", {});
}

export function addReceiveCommand(purse: Command): void {
	addWaiting(
		ecashCommand(
			purse,
			"receive",
			"put a token of ecash into the purse; whoever has given it cannot redeem it any more then",
		).argument("<token>", "as a wallet of Cashu writes it; - reads it"),
	)
		.addHelpText(
			"after",
			`
Examples:
    tetrad purse receive cashuBo2FteBpodHRwczovL21pbnQuZXhhbXBsZQ… --rail cashu
  From a file, so that no list of processes shows it:
    tetrad purse receive - --rail cashu < token.txt`,
		)
		.action(async (token: string, flags: Given<EcashFlags>) => {
			const { receive } = await import("./ecash.ts");
			await receive(token, await withModule<EcashFlags>(flags));
		});
}

export function addSendCommand(purse: Command): void {
	addOrdering(
		ecashCommand(
			purse,
			"send",
			"make a token of ecash for whoever it is given to; the owner's secret is needed",
		).argument("<amount>", "how much, such as 100", amount),
	)
		.addHelpText(
			"after",
			`
The token stays yours until somebody redeems it: tetrad purse pending shows it again, and
tetrad purse take-back makes it worth nothing.

Examples:
    tetrad purse send 100 --rail cashu
    tetrad purse send 100 --mint https://mint.example --json`,
		)
		.action(async (sum: string, flags: Given<EcashFlags>) => {
			const { send } = await import("./ecash.ts");
			await send(sum, await withModule<EcashFlags>(flags));
		});
}

export function addTakeBackCommand(purse: Command): void {
	addWaiting(
		addOwnerFlags(
			ecashCommand(
				purse,
				"take-back",
				"take back what is left of a token that nobody has redeemed; the owner's secret is needed",
			).argument(
				"<token>",
				"which, as tetrad purse pending names it; its first letters will do",
			),
		),
	)
		.addHelpText(
			"after",
			`
Example:
    tetrad purse take-back 3f0c82d1 --rail cashu`,
		)
		.action(async (name: string, flags: Given<EcashFlags>) => {
			const { takeBack } = await import("./ecash.ts");
			await takeBack(name, await withModule<EcashFlags>(flags));
		});
}

export function addMintCommand(purse: Command): void {
	addOrdering(
		ecashCommand(
			purse,
			"mint",
			"have a mint make an invoice, and new ecash once it is paid; the owner's secret is needed",
		).argument("<amount>", "how much, such as 100", amount),
	)
		.addHelpText(
			"after",
			`
The invoice is printed at once, with --json on a line of its own. The module asks for the ecash when it is paid, also after a start;
where no module runs, this command does it while it waits, and tetrad purse pending tells later.

Examples:
    tetrad purse mint 1000 --rail cashu
    tetrad purse mint 1000 --rail cashu --wait 600`,
		)
		.action(async (sum: string, flags: Given<EcashFlags>) => {
			const { mint } = await import("./ecash.ts");
			await mint(sum, await withModule<EcashFlags>(flags));
		});
}

export function addMeltCommand(purse: Command): void {
	addOrdering(
		ecashCommand(
			purse,
			"melt",
			"have a mint pay an invoice with ecash; the owner's secret is needed",
		)
			.argument("<invoice>", "as lightning writes it, lnbc…")
			.requiredOption(
				"--max-fee <amount>",
				"what it may cost beside; when the mint wants more, nothing is paid, and you are told how much",
				amountOrNothing,
			),
	)
		.addHelpText(
			"after",
			`
Example:
    tetrad purse melt lnbc10u1p… --max-fee 10 --rail cashu`,
		)
		.action(async (invoice: string, flags: Given<MeltFlags>) => {
			const { melt } = await import("./ecash.ts");
			await melt(invoice, await withModule<MeltFlags>(flags));
		});
}

export function addPendingCommand(purse: Command): void {
	ecashCommand(
		purse,
		"pending",
		"what was ordered of mints and is not over: tokens that are out, invoices, and what mints have not answered",
	)
		.option("--all", "also what is over")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Whoever sees a token can redeem it: it is shown with --tokens, and in JSON with that alone.

Examples:
  Also while the module runs:
    tetrad purse pending --rail cashu
    tetrad purse pending --tokens --json`,
		)
		.option("--tokens", "show tokens that are out, which are money")
		.action(async (flags: Given<PendingFlags>) => {
			const { pending } = await import("./ecash.ts");
			await pending(await withModule<PendingFlags>(flags));
		});
}

/** As an amount, of which 0 is one here. */
function amountOrNothing(text: string): string {
	return /^0+(\.0*)?$/.test(text) ? "0" : amount(text);
}
