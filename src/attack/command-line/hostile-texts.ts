/* Texts of merchants, and what a terminal, a path or a number makes of them. */
import { lstat, readFile, symlink, writeFile } from "node:fs/promises";
import { asTetradError } from "../../errors.ts";
import { messages } from "../../money/index.ts";
import { BETWEEN_AGENTS, type Listing } from "../../trade/documents/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import { altering, rogueOf } from "../market/index.ts";
import { NotTried } from "../not-tried.ts";
import { runCommand } from "./run-command.ts";

/** Clears a screen, names a window, turns a line around, hides, and goes back to its beginning. */
const ORDERS = "\u001b[2J\u001b]0;owned\u0007\u202egnp.x\u2066\u200b\u0085\r";

/** What a terminal would obey, or not show: all controls and formats but the end of a line. */
const OBEYED = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u;

const SOLD = { name: "scroll", goods: "words", price: "0.01" };

const isThere = (path: string) =>
	lstat(path).then(
		() => true,
		() => false,
	);

export const HOSTILE_TEXTS: readonly Attack[] = [
	{
		name: "orders-to-a-terminal",
		group: "command-line",
		tried:
			"A merchant wrote orders to terminals into its names, its descriptions and the reason why it refused.",
		reference: "CWE-150, escape sequences",
		async run(target, signal) {
			const { path: home } = target.side("buyer");
			const rogue = await rogueOf(target);
			const written = (item: Listing): Listing => ({
				...item,
				description: {
					...item.description,
					name: `${item.description.name}${ORDERS}`,
					about: `about ${ORDERS}`,
				},
			});
			const { items, offer, unavailable } = BETWEEN_AGENTS;
			const toAgent = altering(items, ({ items: all, isLast }) => ({
				items: all.map(written),
				isLast,
			}));
			await using shop = await rogue.sell([SOLD], {
				agent: {
					toAgent: (message, reply) =>
						message[0] === offer.type
							? [
									messages.message(unavailable, {
										code: "payment-refused",
										reason: `because ${ORDERS}`,
									}),
								]
							: toAgent(message, reply),
				},
			});
			const said: string[] = [];
			for (const args of [
				["catalogue", shop.at, "--home", home],
				["buy", shop.at, SOLD.name, "--max", "1", "--home", home],
			])
				said.push((await runCommand(args, signal)).said);
			const [listed = "", refused = ""] = said;
			if (!listed.includes("scroll") || !refused.includes("because"))
				return broken(`what a merchant says is not shown: ${said.join("")}`);
			return said.some((text) => OBEYED.test(text))
				? broken("they reach the terminal")
				: held("shown, and harmless");
		},
	},
	{
		name: "amounts-that-fool",
		group: "command-line",
		tried:
			"A person was talked into amounts that look like less, or like something else, for --max.",
		reference: "docs/money.md, Amounts",
		async run(target, signal) {
			const { path: home } = target.side("buyer");
			const buy = (max: string) =>
				runCommand(
					[
						"buy",
						target.merchant,
						"no such item",
						"--max",
						max,
						"--home",
						home,
					],
					signal,
				);
			// One that is an amount is refused for another reason, and later.
			const honest = await buy("0.01");
			if (honest.code !== 1) return broken(`an amount: ${honest.said}`);
			for (const max of ["1e3", "1,000", "\u0664.00", "-1"]) {
				const { code, said } = await buy(max);
				if (code !== 2) return broken(`${max} was taken: ${said}`);
			}
			return held("each is refused as no amount, before anybody is called");
		},
	},
	{
		name: "link-in-the-place-of-goods",
		group: "command-line",
		tried:
			"Where goods were to go there were links: to a file of the buyer, and to one that is not there yet.",
		reference: "CWE-59, link following",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			await using shop = await rogue.sell([SOLD]);
			const [precious, missing] = [
				target.newPath("precious"),
				target.newPath("missing"),
			];
			await writeFile(precious, "precious");
			return await target.withBuyer(async (agent) => {
				const quote = () => agent.quote(shop.at, SOLD.name, { signal });
				const honest = target.newPath("goods");
				await agent.buy(await quote(), { to: honest, signal });
				const codes: string[] = [];
				for (const to of [precious, missing]) {
					const link = target.newPath("link");
					await symlink(to, link);
					codes.push(
						await agent.buy(await quote(), { to: link, signal }).then(
							() => "bought",
							(thrown: unknown) => asTetradError(thrown).code,
						),
					);
				}
				if ((await readFile(precious, "utf8")) !== "precious")
					return broken("the buyer's file was written over");
				return (await isThere(missing))
					? broken("goods were written through the link")
					: held(`neither was written through: ${codes.join(", ")}`);
			});
		},
	},
	{
		name: "item-that-is-a-path",
		group: "command-line",
		tried:
			"A buyer asked a shop for items that are paths out of its folder, or hidden in it.",
		reference: "CWE-22, path traversal",
		async run(target, signal) {
			return await target.withBuyer(async (agent) => {
				const items: string[] = [];
				for await (const { item } of agent.catalogue(target.merchant, {
					signal,
				}))
					items.push(item);
				if (items.length === 0) throw new NotTried("nothing is sold");
				for (const item of [
					"../agent/key.pem",
					"../../shop/agent/key.pem",
					"/etc/passwd",
					"./catalogue.json",
					"catalogue.json",
					`../goods/${items[0]}`,
					"..\\agent\\key.pem",
					"%2e%2e/agent/key.pem",
				]) {
					const quote = await agent
						.quote(target.merchant, item, { signal })
						.catch(() => undefined);
					if (quote !== undefined) return broken(`${item} is for sale`);
				}
				return held(`none of them is for sale, and ${items.length} things are`);
			});
		},
	},
	{
		name: "order-that-is-a-command",
		group: "command-line",
		tried:
			"A buyer ordered what a shell would run, of a shop that has things made by a command.",
		reference: "CWE-78, command injection",
		async run(target, signal) {
			target.sandbox("a shop whose command is known");
			const written = target.newPath("written");
			const order = `a'; touch ${written}; $(touch ${written}) \`touch ${written}\` "`;
			return await target.withBuyer(async (agent) => {
				const asked = { order, signal };
				const quote = await agent.quote(target.merchant, "capitals", asked);
				const to = target.newPath("goods");
				await agent.buy(quote, { to, signal });
				if (await isThere(written)) return broken("a shell ran it");
				const goods = await readFile(to, "utf8");
				return goods === order.toUpperCase()
					? held("it is a text on the command's standard input")
					: broken(`something else was made of it: ${goods}`);
			});
		},
	},
];
