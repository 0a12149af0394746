import { openAgent } from "tetrad";

const [home = "shop"] = process.argv.slice(2);

/** Whatever the buyer wants of it is in the order, which is a stranger's text. */
async function translate(text: string): Promise<string> {
	return [...text].reverse().join("");
}

await using agent = await openAgent(home);
await agent.sell({
	items: [
		{
			name: "translation",
			price: "2.50",
			make: ({ item }) => translate(item.order),
		},
	],
	step: (event) => console.log(event),
});
