/* The stock `fetch` that pays, with our scheme: prints what each address has answered. */
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { openAgent } from "../../src/entry/index.ts";
import { tetradClient } from "../../src/entry/x402.ts";

const [home = "", allowed = "", ...urls] = process.argv.slice(2);

await using agent = await openAgent(home);
const options = { agent, maximum: 100n, currency: "PLAY" };
const { network, scheme, fetch } = tetradClient(globalThis.fetch, options);
const client = new x402Client().register(network, scheme).setSpendControls({
	allowedAssets: [{ network, asset: "PLAY", maxAmountPerPayment: allowed }],
});
const paying = wrapFetchWithPayment(fetch, client);
for (const url of urls) {
	const answer = await paying(url, {
		method: "POST",
		body: '{"day":1}',
		headers: { "content-type": "application/json" },
	}).then(
		async (response) => ({
			status: response.status,
			text: await response.text(),
			paid: response.headers.has("payment-response"),
		}),
		(thrown: Error) => ({ error: thrown.message }),
	);
	console.log(JSON.stringify(answer));
}
