import type { Command } from "commander";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
} from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { GivenToSell } from "./sell-with-side.ts";

export function declareSell(sell: Command): void {
	sell
		.argument(
			"[folder]",
			`whose files are sold, or what its catalogue.json names; ${AS_THE_SIDE_SAYS}`,
		)
		.addOption(homeFlag("agent"))
		.option(
			"--module <address>",
			`where its module listens; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--listen <address>",
			`where buyers come; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--issuer-terms <file>",
			`issuer.terms.json of the issuer whose money is taken; ${AS_THE_SIDE_SAYS}`,
		)
		.option(
			"--take <money>",
			"for which money is sold, the preferred one first: notes, and the address of a mint with its unit, and play behind that for play money; as the side says, or notes alone, unless given",
		)
		.option(
			"--price <amount>",
			`of everything that has no price in catalogue.json, such as 1.00, or "1.00, 1200 SAT" in several currencies; ${AS_THE_SIDE_SAYS}`,
		)
		.option(
			"--purse <folder>",
			"the module's home, where it is on this machine: mints that it does not know are refused at once; as the side says unless given",
		)
		.option(
			"--on-order <command>",
			"makes what is made on order: a shell runs it, with the order on its standard input and the merchandise on its standard output, and without the variables of --passphrase-env and --pin-env",
		)
		.option(
			"--settle-at <address>",
			"the agent of the issuer: gets what the module sells with, and hands in what it was paid, at the start and then regularly; as the side says unless given",
			address,
		)
		.option(
			"--settle-every <seconds>",
			"how long after each --settle-at; as the side says or a quarter of an hour unless given, and half an hour at most",
			positiveSeconds,
		)
		.addOption(linkFlag())
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	addOperateFlags(addSecretFlags(sell))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  What the side of the working folder sells:
    tetrad sell
  Sell every file of a folder at one price, with an agent that is no part of a side:
    tetrad sell photos --price 4.20 --home shop --module unix:shop-till/link.sock --listen 127.0.0.1:7000 --issuer-terms issuer.terms.json --settle-at 127.0.0.1:7100
  Take ecash of a mint beside notes, with a price in each:
    tetrad sell photos --take "notes, https://mint.example sat" --price "4.20, 5000 SAT"
  Sell what catalogue.json in the folder names, and what is made on order:
    tetrad sell goods --on-order "translate --to de"

catalogue.json, where each item has a "file", a "text" or "onOrder", and "prices" for other
currencies than that of the money which is taken first:
    { "version": 1, "items": [
      { "file": "harbour.jpg", "price": "4.20", "prices": { "SAT": "5000" },
        "description": "A harbour.", "type": "image/jpeg" },
      { "name": "licence", "text": "KEY-1234", "price": "9.00" },
      { "name": "translation", "onOrder": true, "price": "2.50" } ] }`,
		)
		.action(async (folder: string | undefined, flags: GivenToSell) => {
			const { sellWithSide } = await import("./sell-with-side.ts");
			const { sell: run } = await import("./sell.ts");
			const [all, sold] = await sellWithSide(flags, folder);
			await run(sold, all);
		});
}
