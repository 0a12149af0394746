/*
 * Three attacks on a paid request that need no more than a client that can be had: what is sent
 * is what an honest buyer has signed. Each runs against any shop and any buyer that speak x402.
 */

import type { CountingShop } from "./counting-shop.ts";
import type { Fetch } from "./parties.ts";

/** A shop, and a buyer who has what it takes to pay there. */
export interface Target {
	readonly shop: CountingShop;
	/** What the buyer fetches with, over a network that is given. */
	readonly buyer: (network: Fetch) => Fetch;
	/** How many prices the buyer has paid so far. */
	readonly paid: () => Promise<number>;
}

/** What came of an attack. */
interface Outcome {
	/** How often the handler ran. */
	readonly ran: number;
	/** How many prices the buyer has paid. */
	readonly paid: number;
	/** How many answers of the handler the buyer got from its fetch. */
	readonly got: number;
	/** How many requests that carried a payment were answered with what they asked for. */
	readonly served: number;
}

const HEADER = "PAYMENT-SIGNATURE";
const AT_ONCE = 5;

type Attack = (target: Target) => Promise<Outcome>;

const ATTACKS: Readonly<Record<string, Attack>> = {
	/** One payment, sent five times before the handler has answered once. */
	"five at once": (target) =>
		run(target, "/held", async (request, send) => {
			const { shop } = target;
			let answered = 0;
			const release = () => {
				if (shop.ran + answered >= AT_ONCE) shop.release();
			};
			shop.onRun = release;
			const responses = await Promise.all(
				Array.from({ length: AT_ONCE }, async () => {
					const response = await send(request.clone());
					answered++;
					release();
					return response;
				}),
			);
			return responses.find(({ ok }) => ok) ?? (responses[0] as Response);
		}),

	/** A payment that was made for one address, sent to another of the same price. */
	"another address": (target) =>
		run(target, "/a", (request, send) =>
			send(new Request(new URL("/b", request.url), request)),
		),

	/** The answer to a payment does not come, and the buyer asks once more. */
	"answer lost": (target) => {
		let isLost = false;
		return run(
			target,
			"/a",
			async (request, send) => {
				const response = await send(request);
				if (isLost) return response;
				isLost = true;
				throw new TypeError("fetch failed");
			},
			2,
		);
	},
};

/** Runs one after another, and says what came of each. */
export async function attackAll(
	target: Target,
): Promise<Readonly<Record<string, Outcome>>> {
	const outcomes: Record<string, Outcome> = {};
	for (const [name, attack] of Object.entries(ATTACKS))
		outcomes[name] = await attack(target);
	return outcomes;
}

/** A buyer asks up to so many times, and `attack` has its way with each request that carries a payment. */
async function run(
	{ shop, buyer, paid }: Target,
	path: string,
	attack: (
		request: Request,
		send: (request: Request) => Promise<Response>,
	) => Promise<Response>,
	times = 1,
): Promise<Outcome> {
	const before = { ran: shop.ran, paid: await paid() };
	let served = 0;
	const ask = async (request: Request): Promise<Response> => {
		const response = await globalThis.fetch(request);
		const body = await response.arrayBuffer();
		if (response.ok) served++;
		return new Response(body, response);
	};
	const fetch = buyer(async (input, init) => {
		const request = new Request(input, init);
		return request.headers.has(HEADER)
			? attack(request, ask)
			: globalThis.fetch(request);
	});
	let got = 0;
	for (let i = 0; i < times && got === 0; i++)
		try {
			const response = await fetch(`${shop.url}${path}`);
			await response.arrayBuffer();
			if (response.ok) got++;
		} catch {
			// The buyer is told so, and may ask again.
		}
	return {
		ran: shop.ran - before.ran,
		paid: (await paid()) - before.paid,
		got,
		served,
	};
}
