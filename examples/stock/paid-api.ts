import { once } from "node:events";
import { paymentMiddleware } from "@x402/express";
import express from "express";
import { openAgent } from "tetrad";
import { TetradPayments } from "tetrad/x402";

const [home = "weather", at = "127.0.0.1:7010"] = process.argv.slice(2);
const [host = "", port] = at.split(":");

await using agent = await openAgent(home);
await using payments = await TetradPayments.open(agent);
const routes = { "/weather": { accepts: payments.accepts("0.05") } };
const app = express().use(paymentMiddleware(routes, payments.server));
app.get("/weather", (_request, response) => {
	response.json({ sky: "clear" });
});
const server = app.listen(Number(port), host);
console.log(`listening on http://${at}/weather`);
await once(server, "close");
