import type { World } from "../../device/setup/index.ts";
import { packageFile } from "../../package-file.ts";
import { nodeName, ourName, word } from "../our-name.ts";
import { showAddress } from "./show-address.ts";

/** What can be pasted next to a sandbox that runs: into a shell, but for `model`. */
export interface Paste {
	/** Lines of a purchase. */
	readonly buy: readonly string[];
	/** Of a program that buys, where the package is installed. */
	readonly program: readonly string[];
	/** The configuration of an MCP client, whose model buys as the buyer. */
	readonly model: readonly string[];
	/** Of a program with an API that is paid and a `fetch` that pays, where the package is installed. */
	readonly api: readonly string[];
	/** Of a shop of one's own, whose last command runs it. */
	readonly shop: readonly string[];
}

/** How to go on in the sandbox of a folder. */
export function pasteFor(folder: string, { buyer, shop }: World): Paste {
	const tetrad = ourName();
	const at =
		shop.agent.listen === undefined ? "" : showAddress(shop.agent.listen);
	const home = `--home ${word(buyer.path)}`;
	const isEcash = buyer.buyWith.rails?.[0] === "cashu";
	const most = isEcash ? '"42 SAT"' : "4.20";
	return {
		buy: [
			`${tetrad} catalogue ${at} ${home}`,
			`${tetrad} buy ${at} harbour.svg --max ${most} --out harbour.svg ${home}`,
		],
		program: [
			"cat > buyer.mjs <<'END'",
			'import { openAgent } from "tetrad";',
			`await using agent = await openAgent(${JSON.stringify(buyer.path)});`,
			`const quote = await agent.quote("${at}", "licence");`,
			`const bought = await agent.buy(quote, { maximum: ${isEcash ? "90n" : "900n"} });`,
			"console.log(bought.path);",
			"END",
			`${nodeName()} buyer.mjs`,
		],
		model: modelOf(buyer.path),
		api: [
			"npm install --no-save express @x402/core @x402/express",
			`${tetrad} setup shop my-api --sandbox ${word(folder)} --price 1.00`,
			"cat > api.mjs <<'END'",
			'import { paymentMiddleware } from "@x402/express";',
			'import express from "express";',
			'import { openAgent } from "tetrad";',
			'import { TetradPayments, wrapFetchWithTetrad } from "tetrad/x402";',
			'await using seller = await openAgent("my-api");',
			"await using payments = await TetradPayments.open(seller);",
			'const routes = { "/sky": { accepts: payments.accepts("0.05") } };',
			"const api = express().use(paymentMiddleware(routes, payments.server));",
			'api.get("/sky", (_, response) => void response.send("clear"));',
			'const server = api.listen(0, "127.0.0.1");',
			`await using agent = await openAgent(${JSON.stringify(buyer.path)});`,
			'const options = { agent, maximum: 5n, currency: "PLAY" };',
			"const pay = wrapFetchWithTetrad(fetch, options);",
			"const { port } = server.address();",
			'const url = "http://127.0.0.1:" + port + "/sky";',
			"console.log(await (await pay(url)).text());",
			"server.close();",
			"END",
			`${nodeName()} api.mjs`,
		],
		shop: [
			`${tetrad} setup shop my-shop --sandbox ${word(folder)} --price 1.00`,
			"echo Hello > my-shop/goods/hello.txt",
			`${tetrad} up --home my-shop`,
		],
	};
}

/** Clients start it in a folder of their own, with no shell and the first `node` that they find, so it names each file as it is. */
function modelOf(home: string): string[] {
	const [command, script, folder] = [
		process.execPath,
		packageFile("bin/tetrad.js"),
		home,
	].map((path) => JSON.stringify(path));
	return [
		'{ "mcpServers": { "wallet": {',
		`  "command": ${command},`,
		`  "args": [${script}, "mcp", "--home", ${folder}]`,
		"} } }",
	];
}
