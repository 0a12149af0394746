/* Requests that are paid for over x402, in the hands of a client or a network that wants more for it. */

import type { AgentService } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	type TetradFetchOptions,
	wrapFetchWithTetrad,
} from "../../http/x402/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import type { Target } from "../target.ts";
import { PaidApi, PRICE } from "./paid-api.ts";

type Fetch = typeof globalThis.fetch;

/** The field that says how a request is paid, and the one that says what it costs. */
const PAYMENT = "payment-signature";
const REQUIRED = "payment-required";

/** What somebody does with a request that is paid, on its way. */
type Network = (paid: Request) => Promise<Response>;

/** A `fetch` that pays, over such a network. */
function paying(
	agent: AgentService,
	network: Network,
	options: Partial<TetradFetchOptions> = {},
): Fetch {
	const send: Fetch = (input, init) => {
		const request = new Request(input, init);
		return request.headers.has(PAYMENT) ? network(request) : fetch(request);
	};
	return wrapFetchWithTetrad(send, {
		...{ agent, maximum: PRICE, currency: "PLAY" },
		...options,
	});
}

async function spendable(agent: AgentService): Promise<bigint> {
	const balances = await agent.balance();
	return balances.reduce((sum, one) => sum + one.spendable, 0n);
}

/** The status of the answer to one request, whatever else it says. */
async function statusTo(request: Request): Promise<number> {
	const response = await fetch(request);
	await response.arrayBuffer();
	return response.status;
}

/** The same payment with another request. */
function elsewhere(
	{ url, headers }: Request,
	path: string,
	init: RequestInit = {},
): Request {
	return new Request(new URL(path, url), { ...init, headers });
}

function attack(
	what: Pick<Attack, "name" | "tried" | "reference">,
	run: (
		api: PaidApi,
		agent: AgentService,
		signal: AbortSignal,
	) => Promise<Outcome>,
): Attack {
	return {
		...what,
		group: "rails",
		async run(target: Target, signal) {
			const api = await PaidApi.of(target);
			return await target.withBuyer(async (agent) => {
				const honest = await paying(agent, fetch)(`${api.url}/sealed/honest`);
				if (honest.status !== 200)
					throw new Error(`an honest request is answered ${honest.status}`);
				return await run(api, agent, signal);
			});
		},
	};
}

/** Runs one paid request, and tells whether it was answered and paid once. */
async function paidOnce(
	agent: AgentService,
	pay: Fetch,
	url: string,
): Promise<string | undefined> {
	const before = await spendable(agent);
	const response = await pay(url);
	const paid = before - (await spendable(agent));
	if (response.status !== 200) return `answered with ${response.status}`;
	return paid === PRICE ? undefined : `paid ${paid} for ${PRICE}`;
}

const WHO = "docs/paid.md, Who can do what";

export const PAID_REQUESTS: readonly Attack[] = [
	attack(
		{
			name: "payment-for-another-request",
			tried:
				"The payment for one request was sent with another path, query and method, and its own twice.",
			reference: WHO,
		},
		async (api, agent) => {
			const statuses: number[] = [];
			const all = Promise.withResolvers<Response>();
			const attacked = async (paid: Request) => {
				for (const other of [
					elsewhere(paid, "/sealed/other"),
					elsewhere(paid, "/sealed/mine?more"),
					elsewhere(paid, "/sealed/mine/"),
					elsewhere(paid, "/prepaid/mine"),
					elsewhere(paid, "/sealed/mine", { method: "DELETE" }),
				])
					statuses.push(await statusTo(other));
				const own = await fetch(elsewhere(paid, "/sealed/mine"));
				statuses.push(await statusTo(elsewhere(paid, "/sealed/mine")));
				return own;
			};
			const pay = paying(agent, (paid) => {
				all.resolve(attacked(paid));
				return all.promise;
			});
			const wrong = await paidOnce(agent, pay, `${api.url}/sealed/mine`);
			// The answer is here by the purchase, before the network is done.
			await all.promise;
			if (wrong !== undefined) return broken(wrong);
			const more = api.ran("/sealed/other") + api.ran("/prepaid/mine");
			return api.ran("/sealed/mine") === 1 && more === 0
				? held(`${statuses.join(", ")}; the handler ran once`)
				: broken(`the handlers ran ${api.ran("/sealed/mine") + more} times`);
		},
	),
	attack(
		{
			name: "payment-sent-five-times",
			tried: "One payment was sent five times at once.",
			reference: WHO,
		},
		async (api, agent) => {
			const path = "/sealed/five";
			const sent = Promise.withResolvers<readonly number[]>();
			const pay = paying(agent, async (paid) => {
				const five = Array.from({ length: 5 }, () =>
					fetch(elsewhere(paid, path)),
				);
				sent.resolve(Promise.all(five.map(async (one) => (await one).status)));
				return (await Promise.race(five)).clone();
			});
			const wrong = await paidOnce(agent, pay, `${api.url}${path}`);
			const statuses = await sent.promise;
			if (wrong !== undefined) return broken(wrong);
			return api.ran(path) === 1
				? held(`${statuses.join(", ")}; the handler ran once, paid once`)
				: broken(`the handler ran ${api.ran(path)} times`);
		},
	),
	attack(
		{
			name: "payment-that-was-made-up",
			tried:
				"Fields that pay were made up: cheaper terms, other ids, other versions, and a megabyte.",
			reference: "docs/x402.md, Payment",
		},
		async (api, agent) => {
			const path = "/sealed/made-up";
			const statuses: number[] = [];
			const pay = paying(agent, async (paid) => {
				const field = paid.headers.get(PAYMENT) ?? "";
				const said = JSON.parse(Buffer.from(field, "base64").toString());
				const { accepted } = said;
				const made: readonly unknown[] = [
					{ ...said, accepted: { ...accepted, amount: "1" } },
					{ ...said, accepted: { ...accepted, payTo: "00" } },
					{ ...said, payload: { payment: "0".repeat(32) } },
					{ ...said, payload: { payment: ["0".repeat(32)] } },
					{ ...said, payload: { payment: "../../agent.db" } },
					{ ...said, payload: {} },
					{ ...said, x402Version: 1 },
					{},
					null,
					"x".repeat(8000),
				];
				const fields = made.map((one) =>
					Buffer.from(JSON.stringify(one)).toString("base64"),
				);
				for (const one of fields) {
					const headers = { [PAYMENT]: one };
					statuses.push(await statusTo(new Request(paid.url, { headers })));
				}
				const bomb = { [PAYMENT]: "A".repeat(1_000_000) };
				// A head of that size is nothing that a server reads.
				statuses.push(
					await statusTo(new Request(paid.url, { headers: bomb })).catch(
						() => 0,
					),
				);
				return fetch(paid);
			});
			const wrong = await paidOnce(agent, pay, `${api.url}${path}`);
			if (wrong !== undefined) return broken(wrong);
			if (statuses.some((status) => status >= 200 && status < 300))
				return broken(`answered: ${statuses.join(", ")}`);
			return api.ran(path) === 1
				? held(`${statuses.length} of them bought nothing`)
				: broken(`the handler ran ${api.ran(path)} times`);
		},
	),
	attack(
		{
			name: "ticket-used-again",
			tried:
				"A ticket that was paid first was shown for other requests, and for its own five times at once.",
			reference: "docs/paid.md, Prepaid",
		},
		async (api, agent) => {
			const path = "/prepaid/ticket";
			const statuses: number[] = [];
			const pay = paying(
				agent,
				async (paid) => {
					for (const other of ["/prepaid/other", `${path}?more`, "/sealed/o"])
						statuses.push(await statusTo(elsewhere(paid, other)));
					const five = Array.from({ length: 5 }, () =>
						fetch(elsewhere(paid, path)),
					);
					const answers = await Promise.all(five);
					return answers.find(({ ok }) => ok) ?? Response.error();
				},
				{ modes: ["prepaid"] },
			);
			const wrong = await paidOnce(agent, pay, `${api.url}${path}`);
			if (wrong !== undefined) return broken(wrong);
			const more = api.ran("/prepaid/other") + api.ran("/sealed/o");
			return api.ran(path) === 1 && more === 0
				? held(`${statuses.join(", ")}; its handler ran once`)
				: broken(`the handlers ran ${api.ran(path) + more} times`);
		},
	),
	attack(
		{
			name: "terms-of-a-liar",
			tried:
				"A network changed the terms on their way to who pays: dearer, to somebody else, for another request, in other money.",
			reference: "docs/x402.md, Payment required",
		},
		async (api, agent) => {
			const before = await spendable(agent);
			const codes: string[] = [];
			for (const change of [
				(way: Way) => ({ ...way, amount: String(PRICE * 100n) }),
				(way: Way) => ({ ...way, amount: "4" }),
				(way: Way) => ({ ...way, amount: "5e0" }),
				(way: Way) => ({ ...way, payTo: way.payTo.replace(/^../, "ff") }),
				(way: Way) => ({ ...way, asset: "GOLD" }),
				(way: Way) => ({ ...way, network: `tetrad:${"0".repeat(32)}` }),
				(way: Way) => ({
					...way,
					extra: { ...way.extra, request: "GET http://evil.example/ sha256:0" },
				}),
				(way: Way) => ({ ...way, extra: { ...way.extra, exponent: 4 } }),
				(way: Way) => ({ ...way, extra: { ...way.extra, issuer: "other" } }),
			]) {
				const lying: Fetch = async (input, init) => {
					const response = await fetch(input, init);
					const said = response.headers.get(REQUIRED);
					if (said === null) return response;
					const terms = JSON.parse(Buffer.from(said, "base64").toString());
					const accepts = terms.accepts.map(change);
					const lie = JSON.stringify({ ...terms, accepts });
					const headers = { [REQUIRED]: Buffer.from(lie).toString("base64") };
					return new Response(null, { status: 402, headers });
				};
				const pay = wrapFetchWithTetrad(lying, {
					...{ agent, maximum: PRICE, currency: "PLAY" },
				});
				const code = await pay(`${api.url}/sealed/liar`).then(
					({ status }) => String(status),
					(thrown: unknown) => asTetradError(thrown).code,
				);
				if (code === "200") return broken("it was paid");
				codes.push(code);
			}
			const paid = before - (await spendable(agent));
			return paid === 0n && api.ran("/sealed/liar") === 0
				? held(`nothing was paid: ${codes.join(", ")}`)
				: broken(`${paid} was paid`);
		},
	),
	attack(
		{
			name: "answer-of-a-liar",
			tried:
				"A network answered in the place of the server: with another body, with an error, with nothing.",
			reference: "docs/paid.md, Sealed",
		},
		async (api, agent) => {
			const path = "/sealed/true";
			for (const lie of [
				async () => new Response("a lie", { status: 200 }),
				async () => new Response("a lie", { status: 402 }),
				async () => Promise.reject(new TypeError("it was cut")),
			]) {
				const pay = paying(agent, async (paid) => {
					await statusTo(paid);
					return lie();
				});
				const before = await spendable(agent);
				const response = await pay(`${api.url}${path}`);
				const text = await response.text();
				const paid = before - (await spendable(agent));
				if (text !== JSON.stringify({ path }) || paid !== PRICE)
					return broken(`${text} for ${paid}`);
			}
			return held("what came is what was bought, each time");
		},
	),
];

/** One way to pay, as far as it is changed here. */
interface Way {
	readonly payTo: string;
	readonly extra: Readonly<Record<string, unknown>>;
}
