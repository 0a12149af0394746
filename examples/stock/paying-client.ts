import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { openAgent } from "tetrad";
import { tetradClient } from "tetrad/x402";

const [home = "buyer", url = "http://127.0.0.1:7010/weather"] =
	process.argv.slice(2);

await using agent = await openAgent(home);
const options = { agent, maximum: 5n, currency: "PLAY" };
const tetrad = tetradClient(globalThis.fetch, options);
const { network } = tetrad;
const client = new x402Client()
	.register(network, tetrad.scheme)
	.setSpendControls({ allowedAssets: [{ network, asset: "PLAY" }] });
const fetch = wrapFetchWithPayment(tetrad.fetch, client);
const response = await fetch(url);
console.log(response.status, await response.text());
