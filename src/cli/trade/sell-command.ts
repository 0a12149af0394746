import type { Command } from "commander";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
} from "../flags.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { SellFlags } from "./sell.ts";

export function declareSell(sell: Command): void {
	sell
		.argument(
			"<folder>",
			"whose files are sold, or what its catalogue.json names",
		)
		.requiredOption("--home <folder>", "the agent's home")
		.requiredOption("--module <address>", "where its module listens", address)
		.requiredOption("--listen <address>", "where buyers come", address)
		.requiredOption(
			"--issuer-terms <file>",
			"issuer.terms.json of the issuer whose money is taken",
		)
		.option(
			"--price <amount>",
			"of everything that has no price in catalogue.json",
		)
		.option(
			"--on-order <command>",
			"makes what is made on order: a shell runs it, with the order on its standard input and the merchandise on its standard output, and without the variables of --passphrase-env and --pin-env",
		)
		.option(
			"--settle-at <address>",
			"the agent of the issuer: gets what the module sells with, and hands in what it was paid, at the start and then regularly",
			address,
		)
		.option(
			"--settle-every <seconds>",
			"how long after each --settle-at; a quarter of an hour unless given, and half an hour at most",
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
  Sell every file of a folder at one price:
    tetrad sell photos --price 4.20 --home shop --module unix:shop-till/link.sock --listen 127.0.0.1:7000 --issuer-terms issuer.terms.json --settle-at 127.0.0.1:7100
  Sell what catalogue.json in the folder names, and what is made on order:
    tetrad sell goods --on-order "translate --to de" --home shop --module unix:shop-till/link.sock --listen 127.0.0.1:7000 --issuer-terms issuer.terms.json --settle-at 127.0.0.1:7100

catalogue.json, where each item has a "file", a "text" or "onOrder":
    { "version": 1, "items": [
      { "file": "harbour.jpg", "price": "4.20", "description": "A harbour.", "type": "image/jpeg" },
      { "name": "licence", "text": "KEY-1234", "price": "9.00" },
      { "name": "translation", "onOrder": true, "price": "2.50" } ] }`,
		)
		.action(async (folder: string, flags: SellFlags) => {
			const { sell: run } = await import("./sell.ts");
			await run(folder, flags);
		});
}
