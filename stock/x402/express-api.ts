/* An Express API that is paid for by purchases, with the stock middleware; at `/either/…` also by `exact`. */

import type { PaymentOption } from "@x402/core/http";
import { type FacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware } from "@x402/express";
import express, { type Request, type Response } from "express";
import { keepBody } from "../../src/entry/x402.ts";
import { ExpressServer } from "./express-server.ts";
import { Handlers, isListening, paidFor } from "./handlers.ts";

const [home = "", options = "{}"] = process.argv.slice(2);

const payments = await paidFor(home, JSON.parse(options));
const handlers = new Handlers();
const app = express();
app.use(express.json({ verify: keepBody }));
app.get("/ran", (_, response) => void response.json(handlers.ran));
app.get("/is-held", async ({ query }, response) => {
	await handlers.held(String(query["path"]));
	response.json({});
});
app.get("/release", ({ query }, response) => {
	handlers.release(String(query["path"]));
	response.json({});
});
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

const chain = "eip155:8453";
const zero = `0x${"0".repeat(40)}`;

/** Of a chain on which nobody pays here. */
const elsewhere: FacilitatorClient = {
	getSupported: async () => ({
		kinds: [{ x402Version: 2, scheme: "exact", network: chain }],
		extensions: [],
		signers: {},
	}),
	verify: async () => ({ isValid: false }),
	settle: async () => ({ success: false, transaction: "", network: chain }),
};
const either = new x402ResourceServer([elsewhere, payments.facilitator])
	.register(chain, new ExactEvmScheme())
	.register(payments.network, payments.scheme);
const exact: PaymentOption = {
	...{ scheme: "exact", payTo: zero, price: "$0.01" },
	network: chain,
};
app.use(
	paymentMiddleware(
		{ "/either/*": { accepts: [exact, payments.accepts("0.05")] } },
		either,
	),
);

async function answer(request: Request, response: Response): Promise<void> {
	if (request.path.endsWith("/by-hand")) {
		response.writeHead(500).end("by hand");
		return;
	}
	if (request.path.endsWith("/cheaper"))
		response.set("Settlement-Overrides", '{"amount":"1"}');
	const { status, type, body } = await handlers.answer(
		request.path,
		request.body,
	);
	response.status(status).type(type).set("link", "</next>; rel=next");
	for (const piece of body) response.write(piece);
	response.end();
}

app.all("/sealed/*path", answer);
app.all("/dear/*path", answer);
app.all("/both/*path", answer);
app.all("/prepaid/*path", answer);
app.all("/either/*path", answer);
isListening((await ExpressServer.open(app)).url);
