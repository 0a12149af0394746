import { openAgent } from "tetrad";

const [home = "buyer", shop = "127.0.0.1:7000", item = "licence"] =
	process.argv.slice(2);

await using agent = await openAgent(home);
const quote = await agent.quote(shop, item);
const bought = await agent.buy(quote, { maximum: 900n });
const [balance] = await agent.balance();
console.log(`${bought.item} is at ${bought.path}`);
console.log(`${balance?.spendable} minor units are left`);
