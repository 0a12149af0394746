import { openAgent } from "tetrad";

const [home = "shop"] = process.argv.slice(2);

await using agent = await openAgent(home);
const items = [
	{ name: "poem", price: "4.20", goods: "Roses are red" },
	{ name: "this program", price: "1.00", file: import.meta.filename },
];
await agent.sell({ items, step: (event) => console.log(event) });
