/* Attacks on requests that are paid for, over HTTP, on processes behind stock middlewares. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
	type TetradFetchOptions,
	wrapFetchWithTetrad,
} from "../../../src/http/x402/index.ts";
import { skipUnlessStock } from "../../support/stock.ts";
import { type PaidApi, PaidTown, PRICE } from "./paid-town.ts";

type Fetch = typeof globalThis.fetch;

/** How clients call the API that is behind a proxy. */
const PUBLIC = "https://api.example";

const PAYMENT = "payment-signature";

describe("attacks on paid requests", { skip: skipUnlessStock() }, () => {
	let town: PaidTown;
	let api: PaidApi;
	/** Another merchant's, which is behind a proxy. */
	let other: PaidApi;

	before(async () => {
		town = await PaidTown.make();
		api = await town.api("express");
		other = await town.api("hono", { origin: PUBLIC });
	});
	after(() => town?.[Symbol.asyncDispose]());

	/** A buyer, over a network that may do as it likes with requests that are paid. */
	function buyer(
		network: (paid: Request) => Promise<Response>,
		options: Partial<TetradFetchOptions> = {},
	): Fetch {
		const send: Fetch = (input, init) => {
			const request = new Request(input, init);
			return request.headers.has(PAYMENT) ? network(request) : fetch(request);
		};
		return wrapFetchWithTetrad(send, {
			...{ agent: town.agent, maximum: PRICE, currency: "PLAY" },
			...options,
		});
	}

	/** What is answered to it, and how often a handler ran for that. */
	async function attempt(request: Request): Promise<number> {
		const response = await fetch(request);
		await response.arrayBuffer();
		return response.status;
	}

	/** The same payment, with a request that it is not for. */
	const elsewhere = (
		{ url, headers }: Request,
		path: string,
		init: RequestInit = {},
	) => {
		const { headers: more, ...rest } = init;
		const all = new Headers([...headers, ...new Headers(more)]);
		return new Request(new URL(path, url), { ...rest, headers: all });
	};

	test("a payment buys no other address, query, method or body, and its own once", async () => {
		const answers: number[] = [];
		const all = Promise.withResolvers<Response>();
		const network = async (paid: Request) => {
			const json = { "content-type": "application/json" };
			for (const other of [
				elsewhere(paid, "/sealed/other"),
				elsewhere(paid, "/sealed/mine?a=1"),
				elsewhere(paid, "/sealed/mine/"),
				elsewhere(paid, "/prepaid/mine"),
				elsewhere(paid, "/sealed/mine", { method: "DELETE" }),
				elsewhere(paid, "/sealed/mine", {
					...{ method: "POST", body: "{}", headers: json },
				}),
			])
				answers.push(await attempt(other));
			// Its buyer stops its own once the purchase is over, and need not wait for the second.
			const { url, headers } = paid;
			const response = await fetch(new Request(url, { headers }));
			answers.push(await attempt(new Request(url, { headers })));
			return response;
		};
		const pay = buyer((paid) => {
			all.resolve(network(paid));
			return all.promise;
		});
		const response = await pay(`${api.url}/sealed/mine`);
		assert.equal(response.status, 200);
		// The answer is here by the purchase, and does not wait for what the network does.
		await all.promise;
		assert.deepEqual(answers, Array(7).fill(402));
		assert.equal(await api.ran("/sealed/mine"), 1);
		assert.equal(await api.ran("/sealed/other"), 0);
		assert.equal(await api.ran("/prepaid/mine"), 0);
	});

	test("a payment buys nothing of another server, and nothing cheaper", async () => {
		const answers: number[] = [];
		const pay = buyer(async (paid) => {
			answers.push(await attempt(elsewhere(paid, `${other.url}/sealed/mine`)));
			const said = JSON.parse(
				Buffer.from(paid.headers.get(PAYMENT) ?? "", "base64").toString(),
			);
			for (const changed of [
				{ ...said, accepted: { ...said.accepted, amount: "1" } },
				{ ...said, payload: { payment: "0".repeat(32) } },
				{ ...said, payload: { payment: "x" } },
				{ ...said, payload: {} },
				{ ...said, x402Version: 1 },
				{},
			]) {
				const made = new Request(paid);
				const field = Buffer.from(JSON.stringify(changed)).toString("base64");
				made.headers.set(PAYMENT, field);
				answers.push(await attempt(made));
			}
			return fetch(paid);
		});
		const response = await pay(`${api.url}/sealed/exact`);
		assert.equal(response.status, 200);
		assert.deepEqual(new Set(answers), new Set([402]));
		assert.equal(await api.ran("/sealed/exact"), 1);
		assert.equal(await other.ran("/sealed/mine"), 0);
	});

	test("behind a proxy the address is paid for that clients have, and no other", async () => {
		const proxy: Fetch = (input, init) => {
			const { url, method, headers } = new Request(input, init);
			const { pathname, search } = new URL(url);
			return fetch(`${other.url}${pathname}${search}`, { method, headers });
		};
		const options = { agent: town.agent, maximum: PRICE, currency: "PLAY" };
		const pay = wrapFetchWithTetrad(proxy, options);
		const response = await pay(`${PUBLIC}/sealed/proxied?a=1`);
		assert.deepEqual(await response.json(), { path: "/sealed/proxied" });
		const { order = "" } = (await town.lastPurchase()) ?? {};
		assert.match(order, /^GET https:\/\/api\.example\/sealed\/proxied\?a=1 /);
		for (const url of [other.url, "https://b.example"])
			await assert.rejects(pay(`${url}/sealed/proxied`), {
				code: "payment-refused",
			});
		assert.equal(await other.ran("/sealed/proxied"), 1);
	});

	test("an answer over HTTP that lies, or is cut, changes nothing", async () => {
		for (const lie of [
			async () => new Response("a lie", { status: 200 }),
			async () => new Response("a lie", { status: 402 }),
			async () => Promise.reject(new TypeError("it was cut")),
		]) {
			const had = await town.spendable();
			const pay = buyer(async (paid) => {
				await attempt(paid);
				return lie();
			});
			const response = await pay(`${api.url}/sealed/true`);
			assert.equal(response.status, 200);
			assert.deepEqual(await response.json(), { path: "/sealed/true" });
			assert.equal(await town.spendable(), had - PRICE);
		}
	});

	test("a ticket has its request answered once, and buys no other", async () => {
		const answers: number[] = [];
		const path = "/prepaid/held/once";
		const pay = buyer(
			async (paid) => {
				const others = ["/prepaid/other", `${path}?more`, "/sealed/other"];
				for (const other of others)
					answers.push(await attempt(elsewhere(paid, other)));
				const five = Array.from({ length: 5 }, () => fetch(paid.clone()));
				await api.isHeld(path);
				// One is held, and the others are answered meanwhile.
				for (let refused = 0; refused < 4; refused++) {
					const { response, at } = await Promise.race(
						five.map(async (one, at) => ({ response: await one, at })),
					);
					answers.push(response.status);
					five.splice(at, 1);
				}
				await api.release(path);
				const [last] = five;
				return (await last) ?? Response.error();
			},
			{ modes: ["prepaid"] },
		);
		const had = await town.spendable();
		const response = await pay(`${api.url}${path}`);
		assert.deepEqual(await response.json(), { path });
		assert.deepEqual(answers, Array(7).fill(402));
		assert.equal(await api.ran(path), 1);
		assert.equal(await api.ran("/prepaid/other"), 0);
		assert.equal(await town.spendable(), had - PRICE);
	});

	test("an answer to a ticket that was lost is given again, and paid once", async () => {
		let lost = 0;
		const pay = buyer(
			async (paid) => {
				const response = await fetch(paid);
				if (lost++ > 0) return response;
				await response.arrayBuffer();
				throw new TypeError("it was cut");
			},
			{ modes: ["prepaid"] },
		);
		const had = await town.spendable();
		const url = `${api.url}/prepaid/bytes`;
		await assert.rejects(pay(url), { code: "payment-in-doubt" });
		const response = await pay(url);
		assert.equal((await response.arrayBuffer()).byteLength, 8000);
		assert.equal(response.headers.get("link"), "</next>; rel=next");
		assert.equal(await api.ran("/prepaid/bytes"), 1);
		assert.equal(await town.spendable(), had - PRICE);
	});

	test("who has an answer made and goes away gets none, and pays first from then on", async () => {
		const leaving = new AbortController();
		let answered: Promise<number | string> | undefined;
		const path = "/sealed/held/left";
		const pay = buyer(async (paid) => {
			// It goes on all the same, as a buyer may who wants the answer for nothing.
			const { url, method, headers } = paid;
			answered = attempt(new Request(url, { method, headers })).catch(
				() => "it was cut",
			);
			await api.isHeld(path);
			leaving.abort();
			return Response.error();
		});
		await assert.rejects(pay(`${api.url}${path}`, { signal: leaving.signal }), {
			name: "AbortError",
		});
		assert.equal(await answered, "it was cut");
		await api.release(path);
		const sealed = buyer(fetch);
		await assert.rejects(sealed(`${api.url}/sealed/next`), {
			...{ code: "payment-refused", message: /pays first/ },
		});
		assert.equal(await api.ran("/sealed/next"), 0);
		const had = await town.spendable();
		// Who may pay first does, where an answer is sold sealed to others.
		const either = buyer(fetch, { modes: ["sealed", "prepaid"] });
		assert.equal((await either(`${api.url}/sealed/next`)).status, 200);
		assert.equal(await api.ran("/sealed/next"), 1);
		assert.equal(await town.spendable(), had - PRICE);
		assert.equal((await sealed(`${api.url}/sealed/next`)).status, 200);
	});
});
