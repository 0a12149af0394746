import { openIssuer } from "tetrad";

const [home = "calls", customer = "customer-purse", reference = "invoice 18"] =
	process.argv.slice(2);

await using issuer = await openIssuer(home);
for await (const { id, name } of issuer.accounts())
	if (name === customer) await issuer.credit(id, 25n, { reference });
for await (const { name, balance } of issuer.accounts())
	console.log(`${name}: ${balance} ${issuer.money.currency}`);
