/* What the process of an agent that answers reports of what other agents do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { connect, formatAddress } from "../../src/carrier/index.ts";
import { serve } from "../../src/device/process/agent-answer.ts";
import { AgentAtWork } from "../../src/device/process/agent-at-work.ts";
import type { ProcessEvent } from "../../src/device/process/index.ts";
import { Payments } from "../../src/device/purse/index.ts";
import { message } from "../../src/money/documents/index.ts";
import { PAYMENT } from "../../src/talk/messages.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Purses } from "./purse-support.ts";
import { until } from "./support.ts";

test("a payment that is proposed again and again is made once, and reported once", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const { A, B } = running.devices;
	const events: ProcessEvent[] = [];
	const work = new AgentAtWork(B, purses.witnesses.B, (event) =>
		events.push(event),
	);
	const over = new AbortController();
	const address = { kind: "unix", path: join(folder.path, "agent") } as const;
	const serving = serve(work, address, {
		take: [purses.terms],
		signal: over.signal,
	});
	await until(
		() => events.some(({ event }) => event === "listening"),
		`${formatAddress(address)} listens`,
	);
	const tetrad = await A.connect(await connect(address));
	const payments = new Payments(tetrad, { witness: purses.witnesses.A });
	const payment = purses.payment(200n);
	const propose = async (text: string) => {
		await tetrad.agent.send(message(PAYMENT.propose, { ...payment, text }));
		const answer = await tetrad.agent.receive();
		assert.equal(answer?.[0], PAYMENT.welcome.type);
	};
	await propose("a tea");
	await propose("a tea, please");
	assert.equal((await payments.pay(payment)).amount, 200n);
	await propose("ten teas");
	await tetrad.close();
	over.abort();
	await serving;
	const received = events.filter(({ event }) => event === "received");
	assert.deepEqual(
		received.map((event) => event.event === "received" && event.text),
		["a tea"],
	);
});
