/* Tools that are paid for: what a client and a server have when all goes well, and when it does not. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { toolText } from "../../src/paid/index.ts";
import { networkOf } from "../../src/paid/x402/index.ts";
import { coded, PRICE } from "../paid/world.ts";
import { another, PaidShop, saying, text, textOf } from "./paid-shop.ts";

describe("a tool that is paid for", () => {
	let shop: PaidShop;

	before(async () => {
		shop = await PaidShop.open();
	});
	after(() => shop?.[Symbol.asyncDispose]());

	/** What a step costs the buyer, and how often it has a handler run. */
	async function costOf(step: () => Promise<unknown>): Promise<{
		readonly paid: bigint;
		readonly ran: number;
	}> {
		const [had, ran] = [await shop.world.spendable(), shop.ran];
		await step();
		return {
			paid: had - (await shop.world.spendable()),
			ran: shop.ran - ran,
		};
	}

	test("says what it costs to who has not paid, as x402 does, and is not run", async () => {
		const client = await shop.client();
		const { ran } = shop;
		const given = another();
		const result = await client.callTool({ name: "sealed", arguments: given });
		assert.equal(result.isError, true);
		assert.deepEqual(
			JSON.parse(textOf(result) ?? ""),
			result.structuredContent,
		);
		const { x402Version, resource, accepts } = JSON.parse(textOf(result) ?? "");
		assert.equal(x402Version, 2);
		assert.equal(resource.url, "mcp://tool/sealed");
		const [{ scheme, network, asset, amount, extra }] = accepts;
		assert.deepEqual(
			{ scheme, network, asset, amount },
			{
				scheme: "purchase",
				network: networkOf("mint"),
				asset: "PLAY",
				amount: "42",
			},
		);
		const of = { server: "weather", tool: "sealed", arguments: given };
		assert.equal(extra.request, toolText(of));
		assert.equal(shop.ran, ran);
	});

	test("is listed with its price", async () => {
		const { tools } = await (await shop.paying()).listTools();
		const [sealed] = tools.filter(({ name }) => name === "sealed");
		assert.deepEqual(sealed?._meta?.["tetrad/price"], {
			...{ mode: "sealed", amount: "42", currency: "PLAY", exponent: 2 },
			...{ play: true, issuer: "mint" },
		});
	});

	test("is paid once and run once, and its result says by which contract", async () => {
		const client = await shop.paying();
		const given = another();
		const cost = await costOf(async () => {
			const result = await client.callTool({
				...{ name: "sealed", arguments: given },
			});
			assert.equal(textOf(result), `clear ${given.day}`);
			const receipt: Readonly<Record<string, unknown>> = Object(
				result._meta?.["tetrad/receipt"],
			);
			for await (const bought of shop.world.buyer.purchases({ limit: 1 })) {
				const of = { server: "weather", tool: "sealed", arguments: given };
				assert.equal(bought.order, toolText(of));
				assert.equal(bought.contract, receipt["contract"]);
				assert.equal(bought.merchant, receipt["merchant"]);
				assert.equal(`${bought.amount}`, receipt["amount"]);
			}
			assert.deepEqual(result._meta?.["x402/payment-response"], {
				success: true,
				transaction: receipt["contract"],
				network: networkOf("mint"),
				amount: "42",
			});
		});
		assert.deepEqual(cost, { paid: PRICE, ran: 1 });
	});

	test("gives a result that its schema allows", async () => {
		const client = await shop.paying();
		const { structuredContent } = await client.callTool({
			...{ name: "typed", arguments: another() },
		});
		assert.deepEqual(structuredContent, { sky: "clear" });
	});

	test("tells its progress while it is paid for", async () => {
		const client = await shop.paying();
		const heard: number[] = [];
		const given = another("progress");
		await client.callTool(
			{ name: "sealed", arguments: given },
			{ onprogress: ({ progress }) => heard.push(progress) },
		);
		assert.deepEqual(heard, [1]);
	});

	test("is paid for the arguments that were sent, whatever its schema fills in or leaves out", async () => {
		const client = await shop.paying();
		const { day } = another();
		const result = await client.callTool({
			...{ name: "sealed", arguments: { day, unknown: true } },
		});
		assert.equal(textOf(result), `clear ${day}`);
	});

	test("takes no arguments that its schema does not allow, and nothing is paid", async () => {
		const client = await shop.paying();
		const cost = await costOf(async () => {
			const { isError } = await client.callTool({
				...{ name: "sealed", arguments: { day: 1 } },
			});
			assert.equal(isError, true);
		});
		assert.deepEqual(cost, { paid: 0n, ran: 0 });
	});

	test("leaves tools that cost nothing as they are", async () => {
		const client = await shop.paying();
		const result = await client.callTool({
			...{ name: "free", arguments: another() },
		});
		assert.deepEqual(result.content, text("free").content);
		assert.equal(result._meta?.["tetrad/receipt"], undefined);
	});

	test("is bought once by who calls it five times at once", async () => {
		const client = await shop.paying();
		const given = another();
		const cost = await costOf(async () => {
			const results = await Promise.all(
				Array.from({ length: 5 }, () =>
					client.callTool({ name: "sealed", arguments: given }),
				),
			);
			for (const result of results)
				assert.equal(textOf(result), `clear ${given.day}`);
		});
		assert.deepEqual(cost, { paid: PRICE, ran: 1 });
	});

	for (const [how, said] of [
		["throw", "a tool that throws, as it is to"],
		["error", "no such day"],
	] as const)
		test(`is not paid when it has to ${how}, and what it says goes out as it is`, async () => {
			const client = await shop.paying();
			const cost = await costOf(async () => {
				const result = await client.callTool({
					...{ name: "sealed", arguments: another(how) },
				});
				assert.equal(result.isError, true);
				assert.equal(textOf(result), said);
			});
			assert.deepEqual(cost, { paid: 0n, ran: 1 });
		});

	test("is not paid for a result that its own schema does not allow", async () => {
		const client = await shop.paying();
		const cost = await costOf(async () => {
			const result = await client.callTool({
				...{ name: "typed", arguments: another("error") },
			});
			assert.equal(result.isError, true);
			assert.match(textOf(result) ?? "", /not what the schema/);
		});
		assert.deepEqual(cost, { paid: 0n, ran: 1 });
	});

	test("is not bought again by a program that was started anew and asks for what it has not taken", async () => {
		const given = another();
		const cost = await costOf(async () => {
			const of = { server: "weather", tool: "sealed", arguments: given };
			const { paying } = await shop.world.paying(toolText(of));
			const payment = { payload: { payment: paying.id } };
			await (await shop.client()).callTool({
				...{ name: "sealed", arguments: given },
				_meta: { "x402/payment": payment },
			});
			await paying.answer;
			const client = await shop.paying();
			const result = await client.callTool({
				...{ name: "sealed", arguments: given },
			});
			assert.equal(textOf(result), `clear ${given.day}`);
		});
		assert.deepEqual(cost, { paid: PRICE, ran: 1 });
	});

	describe("before it runs", () => {
		const modes = ["prepaid"] as const;

		before(async () => {
			// A merchant gives back what its purse can pay.
			const client = await shop.paying();
			for (let sold = 0; sold < 2; sold++)
				await client.callTool({ name: "sealed", arguments: another() });
			const { shop: agent, town } = shop.world;
			await agent.settle();
			await town.withdraw(2n * PRICE, "Y", agent);
		});

		test("is paid once and run once, and says by whom", async () => {
			let payer: unknown;
			const client = await shop.paying(
				{ modes },
				saying(await shop.client(), (result) => {
					payer = Object(result._meta?.["x402/payment-response"]).payer;
					return result;
				}),
			);
			const given = another();
			const cost = await costOf(async () => {
				const result = await client.callTool({
					...{ name: "prepaid", arguments: given },
				});
				assert.equal(textOf(result), `clear ${given.day}`);
				assert.ok(result._meta?.["tetrad/receipt"]);
			});
			assert.deepEqual(cost, { paid: PRICE, ran: 1 });
			assert.match(String(payer), /616c696365$/);
		});

		test("is not paid unless that is allowed", async () => {
			const client = await shop.paying();
			const call = client.callTool({
				...{ name: "prepaid", arguments: another() },
			});
			await assert.rejects(call, coded("payment-refused", /prepaid/));
		});

		test("answers again what was lost, and is run and paid no more", async () => {
			const given = another();
			let isLost = true;
			const client = await shop.paying(
				{ modes },
				saying(await shop.client(), (result, { _meta }) => {
					if (!isLost || _meta?.["x402/payment"] === undefined) return result;
					isLost = false;
					throw new Error("lost on its way");
				}),
			);
			const call = { name: "prepaid", arguments: given };
			const cost = await costOf(async () => {
				const lost = client.callTool(call);
				await assert.rejects(lost, coded("payment-in-doubt"));
				assert.equal(textOf(await client.callTool(call)), `clear ${given.day}`);
			});
			assert.deepEqual(cost, { paid: PRICE, ran: 1 });
		});

		test("answers again in the form that its client has it in", async () => {
			const { day } = another();
			let lost: unknown;
			const client = await shop.paying(
				{ modes },
				saying(await shop.client(), (result, { _meta }) => {
					if (_meta?.["x402/payment"] === undefined || lost !== undefined)
						return result;
					lost = result.structuredContent;
					throw new Error("lost on its way");
				}),
			);
			const call = { name: "list", arguments: { day } };
			await assert.rejects(client.callTool(call), coded("payment-in-doubt"));
			const { structuredContent } = await client.callTool(call);
			assert.deepEqual(structuredContent, { result: [day] });
			assert.deepEqual(structuredContent, lost);
		});

		for (const how of ["throw", "error"] as const)
			test(`is refunded when it has to ${how}`, async () => {
				const client = await shop.paying({ modes });
				const { isError } = await client.callTool({
					...{ name: "prepaid", arguments: another(how) },
				});
				assert.equal(isError, true);
				for await (const bought of shop.world.buyer.purchases({ limit: 1 }))
					assert.equal(bought.refunded, PRICE);
			});
	});
});
