import { openAgent } from "tetrad";
import { wrapFetchWithTetrad } from "tetrad/x402";

const [home = "buyer", url = "http://127.0.0.1:7010/weather"] =
	process.argv.slice(2);

await using agent = await openAgent(home);
const options = { agent, maximum: 5n, currency: "PLAY" };
const fetch = wrapFetchWithTetrad(globalThis.fetch, options);
const response = await fetch(url);
console.log(response.status, await response.text());
