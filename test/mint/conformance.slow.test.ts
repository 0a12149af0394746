/*
 * Our own mint, and another one: TETRAD_CASHU_MINT has the address of a nutshell or a cdk-mintd
 * whose invoices are paid by themselves (their backends for tests do that), and
 * TETRAD_CASHU_INVOICE an invoice for some 10 sat that it can pay.
 */
import { MintServer } from "../../src/device/mint/mint-server.ts";
import { conformance } from "./conformance.ts";
import { Client, playMint } from "./support.ts";

const { TETRAD_CASHU_MINT: other, TETRAD_CASHU_INVOICE: invoice } = process.env;

for (const inputFeePpk of [0, 100])
	conformance(`our own mint, with a fee of ${inputFeePpk} ppk`, async () => {
		const server = await MintServer.open({ path: ":memory:", inputFeePpk });
		const asked = new Client(playMint()).post("mint/quote/bolt11", {
			unit: "sat",
			amount: 10,
		});
		return {
			url: server.url,
			invoice: asked.request,
			[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
		};
	});

// Without one only our own is tried, and that is said.
if (other === undefined)
	console.log("TETRAD_CASHU_MINT names no other mint to hold to this");
else
	conformance(`the mint at ${other}`, async () => ({
		url: other,
		...(invoice !== undefined && { invoice }),
		[Symbol.asyncDispose]: async () => {},
	}));
