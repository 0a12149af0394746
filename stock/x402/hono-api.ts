/* A Hono API that is paid for by purchases, with the stock middleware. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { paymentMiddleware } from "@x402/hono";
import { type Context, Hono } from "hono";
import { stream } from "hono/streaming";
import { Handlers, isListening, paidFor } from "./handlers.ts";

const [home = "", options = "{}"] = process.argv.slice(2);

const payments = await paidFor(home, JSON.parse(options));
const handlers = new Handlers();
const app = new Hono();
app.get("/ran", (context) => context.json(handlers.ran));
app.use(
	paymentMiddleware(
		{
			"/sealed/*": { accepts: payments.accepts("0.05") },
			"/both/*": {
				accepts: [
					payments.accepts("0.05"),
					payments.accepts("0.05", "prepaid"),
				],
			},
			"/dear/*": { accepts: payments.accepts("9.00") },
			"/prepaid/*": { accepts: payments.accepts("0.05", "prepaid") },
		},
		payments.server,
	),
);

async function answer(context: Context): Promise<Response> {
	const given = await context.req.json().catch(() => undefined);
	const { path } = context.req;
	const { status, type, body } = await handlers.answer(path, given);
	const headers = { "content-type": type, link: "</next>; rel=next" };
	if (body.length > 1)
		return stream(context.body(null, { headers }) && context, async (to) => {
			for (const piece of body) await to.write(piece);
		});
	return new Response(body[0] ?? null, { status, headers });
}

app.all("/sealed/*", answer);
app.all("/dear/*", answer);
app.all("/both/*", answer);
app.all("/prepaid/*", answer);
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
if (!server.listening) await once(server, "listening");
isListening(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
