import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { MintServer } from "../../src/device/mint/mint-server.ts";
import { isRefused } from "./support.ts";

describe("a play mint that listens", () => {
	let server: MintServer;
	let now = 1_800_000_000_000;
	before(async () => {
		server = await MintServer.open({ path: ":memory:", clock: () => now });
	});
	after(() => server[Symbol.asyncDispose]());

	const at = (path: string, options: RequestInit = {}) =>
		fetch(`${server.url}/v1/${path}`, options);
	// biome-ignore lint/suspicious/noExplicitAny: answers are what the tests look into
	const json = async (answer: Promise<Response>): Promise<any> =>
		(await answer).json();
	const post = (path: string, body: string) =>
		at(path, { method: "POST", body });
	const quote = async (amount: number) => {
		const text = JSON.stringify({ unit: "sat", amount });
		return json(post("mint/quote/bolt11", text));
	};

	test("answers JSON, with the status that wallets look at", async () => {
		const info = await at("info?language=en");
		assert.equal(info.status, 200);
		assert.equal(info.headers.get("content-type"), "application/json");
		now += 5_000;
		assert.equal((await json(at("info"))).time, now / 1000);
		assert.equal((await post("swap", "{}")).status, 400);
		assert.equal((await at("nothing")).status, 404);
	});

	test("refuses what is too large without reading all of it", async () => {
		isRefused(await json(post("swap", " ".repeat(2_000_000))), 0);
	});

	test("says nothing to pages of other hosts", async () => {
		const { port } = new URL(server.url);
		const statusFor = (headers: Record<string, string>) =>
			new Promise((resolve, reject) =>
				request({ port, path: "/v1/info", headers }, (answer) => {
					answer.resume();
					resolve(answer.statusCode);
				})
					.on("error", reject)
					.end(),
			);
		assert.equal(await statusFor({ host: "mint.example" }), 403);
		assert.equal(await statusFor({ origin: "https://page.example" }), 403);
		assert.equal(await statusFor({ host: `localhost:${port}` }), 200);
	});

	test("breaks connections when it is down or loses an answer, and is well later", async () => {
		const before = await quote(4);
		await server.change((mint) => {
			mint.add({ kind: "down", at: "info", times: 1 });
			mint.add({ kind: "answer-lost", at: "mint-quote", times: 1 });
		});
		await assert.rejects(at("info"), TypeError);
		await assert.rejects(quote(4), TypeError);
		assert.equal((await at("info")).status, 200);
		assert.notEqual((await quote(4)).quote, before.quote);
	});

	test("holds an answer back for as long as a fault says, and does not wait for it at its end", async () => {
		await server.change((mint) => mint.add({ kind: "slow", ms: 1, times: 1 }));
		assert.equal((await at("info")).status, 200);
		const own = await MintServer.open({ path: ":memory:" });
		await own.change((mint) => mint.add({ kind: "slow", ms: 3_600_000 }));
		const never = assert.rejects(fetch(`${own.url}/v1/info`));
		await own.change(() => {});
		await own[Symbol.asyncDispose]();
		await never;
	});

	test("does what its owner asks, and says what cannot be", async () => {
		const own = await MintServer.open({ path: ":memory:", payment: "by-hand" });
		const ask = (path: string, options: RequestInit = {}) =>
			json(fetch(`${own.url}/v1/${path}`, options));
		const body = JSON.stringify({ unit: "sat", amount: 1 });
		const { quote: id } = await ask("mint/quote/bolt11", {
			method: "POST",
			body,
		});
		await own.change(({ mint }) => mint.pay(id));
		assert.equal((await ask(`mint/quote/bolt11/${id}`)).state, "PAID");
		const none = own.change(({ mint }) => mint.pay("0"));
		await assert.rejects(none, { code: "invalid-argument" });
		await own[Symbol.asyncDispose]();
	});

	test("outlives a client that goes away in the middle of a request", async () => {
		const { port } = new URL(server.url);
		const socket = connect(Number(port), "127.0.0.1");
		const head = `POST /v1/swap HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
		socket.write(`${head}Content-Length: 10\r\n\r\n{`);
		await new Promise((resolve) => socket.once("connect", resolve));
		socket.destroy();
		assert.equal((await at("info")).status, 200);
	});

	test("takes no port that somebody has, and no unit that cannot be", async () => {
		const port = Number(new URL(server.url).port);
		await assert.rejects(MintServer.open({ path: ":memory:", port }), {
			code: "address-in-use",
		});
		const units = ["not a unit"];
		await assert.rejects(MintServer.open({ path: ":memory:", units }), {
			code: "invalid-argument",
		});
	});
});
