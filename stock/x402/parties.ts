import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { x402Facilitator } from "@x402/core/facilitator";
import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { ExactEvmScheme, toFacilitatorEvmSigner } from "@x402/evm";
import { ExactEvmScheme as FacilitatorScheme } from "@x402/evm/exact/facilitator";
import { ExactEvmScheme as ServerScheme } from "@x402/evm/exact/server";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { paymentMiddleware } from "@x402/hono";
import { Hono } from "hono";
import type { Address } from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import type { OwnChain } from "./chain.ts";

export type Fetch = typeof globalThis.fetch;

/** A merchant and its facilitator, each behind HTTP on this machine. */
export class Parties implements AsyncDisposable {
	readonly url: string;
	readonly #servers: readonly ServerType[];

	private constructor(url: string, servers: readonly ServerType[]) {
		this.url = url;
		this.#servers = servers;
	}

	static async start(
		chain: OwnChain,
		sale: {
			readonly merchant: Address;
			readonly price: bigint;
			readonly goods: Uint8Array<ArrayBuffer>;
		},
	): Promise<Parties> {
		const facilitating = await listen(facilitator(chain));
		const shop = await listen(merchant(chain, facilitating.url, sale));
		return new Parties(shop.url, [shop.server, facilitating.server]);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const server of this.#servers) server.close();
	}
}

/** What a buyer fetches with: it pays for what asks to be paid for. */
export function buyer(
	chain: OwnChain,
	account: PrivateKeyAccount,
	fetch: Fetch = globalThis.fetch,
): Fetch {
	const { network, coin: asset } = chain;
	const client = x402Client.fromConfig({
		schemes: [{ network, client: new ExactEvmScheme(account) }],
		spendControls: { allowedAssets: [{ network, asset }] },
	});
	return wrapFetchWithPayment(fetch, client);
}

/** What checks payments and settles them on the chain. */
export function facilitator(chain: OwnChain): Hono {
	const scheme = new FacilitatorScheme(
		// Its types are narrower than viem's, and it is made for viem's clients.
		toFacilitatorEvmSigner(
			chain.facilitator as Parameters<typeof toFacilitatorEvmSigner>[0],
		),
	);
	const facilitating = new x402Facilitator().register(chain.network, scheme);
	const app = new Hono();
	app.get("/supported", (context) => context.json(facilitating.getSupported()));
	app.post("/verify", async (context) => {
		const { paymentPayload, paymentRequirements } = await context.req.json();
		return context.json(
			await facilitating.verify(paymentPayload, paymentRequirements),
		);
	});
	app.post("/settle", async (context) => {
		const { paymentPayload, paymentRequirements } = await context.req.json();
		return context.json(
			await facilitating.settle(paymentPayload, paymentRequirements),
		);
	});
	return app;
}

function merchant(
	chain: OwnChain,
	facilitatorUrl: string,
	{
		merchant: payTo,
		price,
		goods,
	}: {
		readonly merchant: Address;
		readonly price: bigint;
		readonly goods: Uint8Array<ArrayBuffer>;
	},
): Hono {
	const server = new x402ResourceServer(
		new HTTPFacilitatorClient({ url: facilitatorUrl }),
	).register(chain.network, new ServerScheme());
	const app = new Hono();
	app.use(
		paymentMiddleware(
			{
				"GET /goods": {
					accepts: {
						scheme: "exact",
						network: chain.network,
						payTo,
						price: {
							asset: chain.coin,
							amount: String(price),
							extra: { name: "Bench Coin", version: "1" },
						},
					},
					description: "a file",
				},
			},
			server,
		),
	);
	app.get("/goods", (context) => context.body(goods));
	return app;
}

/** At a free port of this machine. */
export async function listen(
	app: Hono,
): Promise<{ readonly server: ServerType; readonly url: string }> {
	const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
	if (!server.listening) await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	return { server, url: `http://127.0.0.1:${port}` };
}
