/* What the process of an agent that answers reports of what other agents do. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect, formatAddress } from "../../src/carrier/index.ts";
import {
	type AnswerOptions,
	serve,
} from "../../src/device/process/agent-answer.ts";
import { AgentAtWork } from "../../src/device/process/agent-at-work.ts";
import type { ProcessEvent } from "../../src/device/process/index.ts";
import { sendFile } from "../../src/device/process/outgoing-file.ts";
import { Payments } from "../../src/device/purse/index.ts";
import type { TrustedAgent } from "../../src/device/runtime/index.ts";
import { TetradError } from "../../src/errors.ts";
import { message } from "../../src/money/documents/index.ts";
import { textMessage } from "../../src/talk/index.ts";
import { PAYMENT } from "../../src/talk/messages.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Purses, Remembered } from "./purse-support.ts";
import { Devices, until } from "./support.ts";

/** Has an agent answer in a folder, and says what it reports. */
async function answers(
	agent: TrustedAgent,
	folder: string,
	options: Omit<AnswerOptions, "signal">,
) {
	const events: ProcessEvent[] = [];
	const work = new AgentAtWork(agent, new Remembered(), (event) =>
		events.push(event),
	);
	const over = new AbortController();
	const address = { kind: "unix", path: join(folder, "agent") } as const;
	const serving = serve(work, address, { ...options, signal: over.signal });
	await until(
		() => events.some(({ event }) => event === "listening"),
		`${formatAddress(address)} listens`,
	);
	const stop = () => {
		over.abort();
		return serving;
	};
	return { events, address, stop, [Symbol.asyncDispose]: stop };
}

test("a payment that is proposed again and again is made once, and reported once", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const { A, B } = running.devices;
	await using agent = await answers(B, folder.path, { take: [purses.terms] });
	const { events } = agent;
	const tetrad = await A.connect(await connect(agent.address));
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
	await agent.stop();
	const received = events.filter(({ event }) => event === "received");
	assert.deepEqual(
		received.map((event) => event.event === "received" && event.text),
		["a tea"],
	);
});

test("a payment that has come is reported also when its agent cannot keep what it was for", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const { A, B } = running.devices;
	await using agent = await answers(B, folder.path, {
		take: [purses.terms],
		keep: async () => {
			throw new TetradError("store-full", "there is no room");
		},
	});
	const tetrad = await A.connect(await connect(agent.address));
	const payments = new Payments(tetrad, { witness: purses.witnesses.A });
	const payment = purses.payment(200n);
	const propose = message(PAYMENT.propose, { ...payment, text: "a tea" });
	await tetrad.agent.send(propose);
	await tetrad.agent.receive();
	await payments.pay(payment);
	await tetrad.agent.send(propose);
	await tetrad.agent.receive();
	await tetrad.close();
	await agent.stop();
	const told = agent.events.flatMap((event) => {
		if (event.event === "received") return [event.text];
		return event.event === "trouble" ? [event.code] : [];
	});
	assert.deepEqual(told, ["a tea", "store-full"]);
});

test("a second file is acknowledged, too, though the module greets once", async () => {
	await using folder = await temporaryFolder();
	await using devices = await Devices.make();
	const inbox = join(folder.path, "inbox");
	await mkdir(inbox);
	const path = join(folder.path, "order.pdf");
	await writeFile(path, "text");
	await using agent = await answers(devices.B, folder.path, {
		receive: inbox,
		greet: "hello, module",
	});
	const tetrad = await devices.A.connect(await connect(agent.address));
	const module = await devices.Y.accept();
	await module.agent.send(textMessage("hello, agent"));
	await sendFile(tetrad.agent, path, () => {});
	await sendFile(tetrad.agent, path, () => {});
	await tetrad.close();
	await agent.stop();
	assert.deepEqual(
		agent.events.flatMap((event) =>
			event.event === "message" ? [event.text] : [],
		),
		["hello, agent"],
	);
});
