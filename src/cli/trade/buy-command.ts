import type { Command } from "commander";
import type { GivenToBuy } from "./buy-with-side.ts";
import { addCallerFlags } from "./caller-flags.ts";

export function declareBuy(buy: Command): void {
	buy
		.argument("<address>", "where the merchant's agent answers")
		.argument("<item>", "its name, as tetrad catalogue shows it")
		.option(
			"--max <amount>",
			'what it may cost at most, such as 4.20, or "4.20 EUR" where the side does not say whose money it uses; of several prices it is one in that currency; asked for at a terminal unless given',
		)
		.option(
			"--out <file>",
			"where the goods go, once they are whole and verified; under their name into the folder of the side unless given",
		)
		.option(
			"--rail <rails>",
			"over which rails it may be paid, the preferred one first, of own-notes and cashu; as the side says, or both, notes first, unless given",
		)
		.option(
			"--avoid <what>",
			"what the rail must not have, with commas between: waits-for-issuer, locked-to-deadline, key-forgotten, issuer-corrupt, seen-by-issuer, seen-by-everybody, online; as the side says unless given",
		)
		.option("--overwrite", "write over a file that is there")
		.option("--order <text>", "of what is made on order: what shall be made")
		.option(
			"--wait",
			"wait for the owner of the module where a purchase needs one, as long as the offer stands",
		)
		.option("--receipt <file>", "write the receipt there, too")
		.option(
			"--purse <folder>",
			"the module's home, where it is on this machine: the new balance is shown; as the side says, or the folder of a module on a Unix socket unless given",
		);
	addCallerFlags(buy)
		.addHelpText(
			"after",
			`
Examples:
  Pay 4.20 at most, and have the file:
    tetrad buy 127.0.0.1:7000 harbour.jpg --max 4.20
  Be asked once the price is known:
    tetrad buy 127.0.0.1:7000 harbour.jpg
  Pay with ecash of a mint, 5000 sat at most, or else with notes:
    tetrad buy 127.0.0.1:7000 harbour.jpg --rail cashu,own-notes --max "5000 SAT"
  Order something:
    tetrad buy 127.0.0.1:7000 translation --order "Good morning" --max 2.50 --out morning.txt
  With an agent that is no part of a side:
    tetrad buy 127.0.0.1:7000 harbour.jpg --max "4.20 EUR" --out harbour.jpg --home alice --module unix:alice-purse/link.sock

What becomes of a purchase that did not end well is shown by tetrad purchases, and gone on with by tetrad resolve.`,
		)
		.action(async (address: string, item: string, flags: GivenToBuy) => {
			const { buyWithSide } = await import("./buy-with-side.ts");
			const { buy: run } = await import("./buy.ts");
			await run(address, item, await buyWithSide(item, flags));
		});
}
