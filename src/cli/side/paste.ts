import { nodeName, ourName, word } from "./our-name.ts";
import { showAddress } from "./show-address.ts";
import type { World } from "./world.ts";

/** What can be pasted into a shell next to a sandbox that runs. */
export interface Paste {
	/** Lines of a purchase. */
	readonly buy: readonly string[];
	/** Of a program that buys, where the package is installed. */
	readonly program: readonly string[];
	/** Of a shop of one's own, whose last command runs it. */
	readonly shop: readonly string[];
}

/** How to go on in the sandbox of a folder. */
export function pasteFor(folder: string, { buyer, shop }: World): Paste {
	const tetrad = ourName();
	const at =
		shop.agent.listen === undefined ? "" : showAddress(shop.agent.listen);
	const home = `--home ${word(buyer.path)}`;
	return {
		buy: [
			`${tetrad} catalogue ${at} ${home}`,
			`${tetrad} buy ${at} harbour.svg --max 4.20 --out harbour.svg ${home}`,
		],
		program: [
			"cat > buyer.mjs <<'END'",
			'import { openAgent } from "tetrad";',
			`await using agent = await openAgent(${JSON.stringify(buyer.path)});`,
			`const quote = await agent.quote("${at}", "licence");`,
			"const bought = await agent.buy(quote, { maximum: 900n });",
			"console.log(bought.path);",
			"END",
			`${nodeName()} buyer.mjs`,
		],
		shop: [
			`${tetrad} setup shop my-shop --sandbox ${word(folder)}`,
			"echo Hello > my-shop/goods/hello.txt",
			`${tetrad} up --home my-shop`,
		],
	};
}
