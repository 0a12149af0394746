/* What a buyer refuses to pay for: nothing is asked of its agent then. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AgentService, Quote } from "../../src/device/service/index.ts";
import {
	PaidAnswers,
	type PaidAnswersOptions,
	type PaidTerms,
} from "../../src/paid/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { coded } from "./world.ts";

const REQUEST = "GET https://api.example/";
const terms: PaidTerms = {
	mode: "sealed",
	address: "shop.example:7000",
	agent: "ab".repeat(41),
	module: "cd".repeat(41),
	item: `request sealed 42 ${"0".repeat(32)}`,
	amount: 42n,
	currency: "EUR",
	exponent: 2,
	play: false,
	issuer: "Mint",
	request: REQUEST,
};
const refused = coded("payment-refused", /^nothing was paid: /);

describe("a buyer of answers", () => {
	/** One whose agent must not be asked for anything. */
	const judging = (options: Partial<PaidAnswersOptions> = {}) =>
		new PaidAnswers({} as AgentService, {
			...{ maximum: 42n, currency: "EUR" },
			...options,
		});

	for (const [what, changed, options = {}] of [
		["for another request", { request: `${REQUEST}b` }],
		["that want more than the maximum", { amount: 43n }],
		["that want a huge price", { amount: 2n ** 62n }],
		["at a socket of this machine", { address: "unix:/run/agent.sock" }],
		["at no address", { address: "/run/agent.sock" }],
		["in another currency", { currency: "USD" }],
		["that are paid first, unless it may", { mode: "prepaid" }],
		["that are sealed, unless it may", {}, { modes: ["prepaid"] }],
		["in the money of another issuer", { issuer: "Fake" }, { issuer: "Mint" }],
		["in play money, where real is paid", { play: true }, { play: false }],
		["in real money, where play money is paid", {}, { play: true }],
		["of another merchant", {}, { merchants: ["ef".repeat(41)] }],
	] as const satisfies readonly (readonly [
		string,
		Partial<PaidTerms>,
		Partial<PaidAnswersOptions>?,
	])[])
		test(`refuses terms ${what}`, () =>
			assert.rejects(
				judging(options).pay({ ...terms, ...changed }, REQUEST),
				refused,
			));

	const { agent, module, mode: _, request, ...rest } = terms;
	const quote = {
		...{ ...rest, id: "00".repeat(16), order: request },
		...{ merchantId: agent, moduleId: module },
	} as unknown as Quote;

	for (const [what, changed] of [
		["another agent", { merchantId: "ef".repeat(41) }],
		["another module", { moduleId: "ef".repeat(41) }],
		["another item", { item: "else" }],
		["another request", { order: `${REQUEST}b` }],
		["nothing that was ordered", { order: undefined }],
		["another price", { amount: 41n }],
		["another currency", { currency: "USD" }],
		["other decimals", { exponent: 0 }],
		["play money", { play: true }],
		["another issuer", { issuer: "Fake" }],
	] as const)
		test(`buys nothing of who offers ${what} than it said`, async () => {
			await using folder = await temporaryFolder();
			const offering = {
				status: async () => ({ home: folder.path }),
				quote: async () => ({ ...quote, ...changed }),
			} as unknown as AgentService;
			const options = { maximum: 42n, currency: "EUR" };
			const answers = new PaidAnswers(offering, options);
			await assert.rejects(answers.pay(terms, REQUEST), refused);
		});
});
