/* Whoever has not got the token of the tools, and whoever says more than they take. */

import { type Attack, broken, held } from "../attack.ts";
import { statusOf } from "../http/index.ts";
import { Wallet } from "./wallet.ts";

const BALANCE = JSON.stringify({
	...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
	params: { name: "tetrad_balance", arguments: {} },
});

export const STRANGERS: readonly Attack[] = [
	{
		name: "page-that-asks-the-wallet",
		group: "mcp",
		tried:
			"Strangers, pages of browsers and names that were made to lead here asked for the balance.",
		reference: "docs/mcp.md, Over HTTP",
		async run(target, signal) {
			const wallet = await Wallet.of(target);
			const bearer = `Authorization: Bearer ${wallet.token}`;
			const json = "Content-Type: application/json";
			const accept = "Accept: application/json, text/event-stream";
			const ask = (...fields: string[]) => ({
				method: "POST",
				target: "/mcp",
				fields: [accept, ...fields],
				body: BALANCE,
			});
			const evil = { host: `evil.example:${wallet.at.port}` };
			const ways = {
				"no token": ask(json),
				"another token": ask(json, `Authorization: Bearer ${"0".repeat(64)}`),
				"another scheme": ask(json, `Authorization: Basic ${wallet.token}`),
				"another origin": ask(json, bearer, "Origin: http://evil.example"),
				"an origin of null": ask(json, bearer, "Origin: null"),
				"another name": { ...ask(json, bearer), ...evil },
				"plain text": ask(bearer, "Content-Type: text/plain"),
				coded: ask(json, bearer, "Content-Encoding: gzip"),
				"another path": { ...ask(json, bearer), target: "/mcp/../mcp" },
			};
			if ((await statusOf(wallet.at, ask(json, bearer), signal)) !== 200)
				return broken("an honest call is not answered");
			const said: string[] = [];
			for (const [what, request] of Object.entries(ways)) {
				const status = await statusOf(wallet.at, request, signal);
				if (status < 400) return broken(`answered: ${what}`);
				said.push(`${what}: ${status}`);
			}
			return held(said.join(", "));
		},
	},
	{
		name: "message-of-too-much",
		group: "mcp",
		tried:
			"Whoever has the token sent messages that are too long, too deep, many in one, or none.",
		reference: "docs/mcp.md, Over HTTP",
		async run(target, signal) {
			const wallet = await Wallet.of(target);
			const long = BALANCE.replace("{", `{${" ".repeat(100_000)}`);
			const deep = BALANCE.replace(
				'"arguments":{}',
				`"arguments":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
			);
			const many = `[${Array.from({ length: 500 }, () => BALANCE).join()}]`;
			const ways = { long, deep, many, "no JSON": "{", nothing: "null" };
			const said: string[] = [];
			for (const [what, body] of Object.entries(ways)) {
				const { status, isError, text } = await wallet.post(body, signal);
				// Many in one may be refused, or answered within the limits of one.
				if (!isError || text.length > 1_000_000)
					return broken(`answered: ${what}`);
				said.push(`${what}: ${status}`);
			}
			const { isError } = await wallet.post(BALANCE, signal);
			return isError
				? broken("an honest call is not answered after that")
				: held(said.join(", "));
		},
	},
];
