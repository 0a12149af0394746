/* The tools over two streams: when they end. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { MAX_MESSAGE_BYTES } from "../../src/mcp/tools/limits.ts";
import { serveWalletStdio } from "../../src/mcp/tools/serve-stdio.ts";
import { FakeAgent, toolsOf } from "./fake-agent.ts";

function serving() {
	const [input, output] = [new PassThrough(), new PassThrough()];
	const stop = new AbortController();
	const tools = toolsOf([new FakeAgent()]);
	const over = serveWalletStdio(
		{ tools, version: "0" },
		{ input, output },
		stop.signal,
	);
	return { input, output, stop, over };
}

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

describe("tools that are served over two streams", () => {
	test("answer a line with a line", async () => {
		const { input, output, over } = serving();
		input.write(`${JSON.stringify(PING)}\n`);
		const [line] = await output.take(1).toArray();
		assert.deepEqual(JSON.parse(String(line)), {
			...{ jsonrpc: "2.0", id: 1, result: {} },
		});
		input.end();
		await over;
	});

	test("end with their client", async () => {
		const { input, over } = serving();
		input.end();
		await over;
	});

	test("end when they are told to", async () => {
		const { stop, over } = serving();
		stop.abort();
		await over;
	});

	test("end when nobody reads them any more", async () => {
		const { output, over } = serving();
		output.destroy(new Error("it is closed"));
		await over;
	});

	test("end at a line that has no end, and keep no more of it", async () => {
		const { input, over } = serving();
		input.write("x".repeat(MAX_MESSAGE_BYTES + 1));
		await over;
	});

	test("go on after a line that is no message", async () => {
		const { input, output, over } = serving();
		input.write(`hello\n{"jsonrpc":"2.0"}\n${JSON.stringify(PING)}\n`);
		for await (const chunk of output)
			if (String(chunk).includes('"id":1')) break;
		input.end();
		await over;
	});
});
