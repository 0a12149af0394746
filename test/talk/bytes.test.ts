/* What agents say to each other and to their modules is on the wire as the document says. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
	receiveFile,
	sendFile,
} from "../../src/device/process/file-transfer.ts";
import {
	payOther,
	takeFromOther,
} from "../../src/device/process/payment-talk.ts";
import { Payments } from "../../src/device/purse/payments.ts";
import { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import { parseText, textMessage } from "../../src/device/runtime/text.ts";
import type { IssuerTerms } from "../../src/money/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { CONTRACT, GOLDEN, HELLO_DIGEST, ISSUER } from "./golden.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

/** One end of a session, what was sent in it, and how something comes from the other end. */
function end() {
	const sent: string[] = [];
	const channel = new Channel({
		send: async (message) => void sent.push(hex(message)),
		full: () => {},
	});
	return {
		sent,
		channel,
		hear: (text: string) => channel.deliver(bytes(text)),
	};
}

const TERMS: IssuerTerms = {
	issuer: bytes(ISSUER),
	name: "mint",
	currency: { code: "PLAY", exponent: 2 },
	isPlay: true,
};

function tetradOf(agent: Channel, module: Channel): Tetrad {
	const parties = { A: {}, B: {}, X: { deviceId: utf8("x") }, Y: {} };
	return {
		agent,
		module,
		place: "A",
		parties,
		ended: false,
	} as unknown as Tetrad;
}

const signal = new AbortController().signal;

test("a text", () => {
	assert.equal(hex(textMessage("hello")), GOLDEN.text);
	assert.equal(parseText(bytes(GOLDEN.text)), "hello");
});

test("a file that is sent", async () => {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-test-"));
	try {
		const path = join(folder, "a.txt");
		await writeFile(path, "hello");
		const { sent, channel, hear } = end();
		hear(GOLDEN.fileAcknowledgement);
		await sendFile(channel, path, () => {});
		assert.deepEqual(sent, [
			GOLDEN.fileOffer,
			GOLDEN.fileChunk,
			GOLDEN.fileEnd,
		]);
	} finally {
		await rm(folder, { recursive: true });
	}
});

test("a file that is received", async () => {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-test-"));
	try {
		const { sent, channel, hear } = end();
		hear(GOLDEN.fileChunk);
		hear(GOLDEN.fileEnd);
		const offer = bytes(GOLDEN.fileOffer);
		const received = await receiveFile(channel, offer, folder, () => {});
		assert.equal(hex(received.sha256), HELLO_DIGEST);
		assert.deepEqual(sent, []);
		await received.acknowledge();
		assert.deepEqual(sent, [GOLDEN.fileAcknowledgement]);
	} finally {
		await rm(folder, { recursive: true });
	}
});

test("a payment that is proposed", async () => {
	const agent = end();
	const tetrad = tetradOf(agent.channel, end().channel);
	const wanted = {
		terms: TERMS,
		amount: 650n,
		text: "tea",
		contract: bytes(CONTRACT),
	};
	const asked: unknown[] = [];
	const pay = async (payment: unknown) => {
		asked.push(payment);
		return { amount: 650n, receipt: new Uint8Array() };
	};
	const payments = { pay } as unknown as Payments;
	agent.hear(GOLDEN.welcome);
	await payOther(tetrad, 1, payments, wanted, () => {}, signal);
	assert.deepEqual(agent.sent, [GOLDEN.proposal]);
	assert.equal(asked.length, 1);
	agent.hear(GOLDEN.unwanted);
	await assert.rejects(
		payOther(tetrad, 1, payments, wanted, () => {}, signal),
		{ code: "payment-refused", message: /: no$/ },
	);
	assert.equal(asked.length, 1);
});

test("a payment that is welcome, and one that is not", async () => {
	const agent = end();
	const tetrad = tetradOf(agent.channel, end().channel);
	let refusal: Error | undefined;
	const payments = {
		expect: async () => {
			if (refusal !== undefined) throw refusal;
		},
		received: () => new Promise(() => {}),
	} as unknown as Payments;
	const hear = () =>
		takeFromOther(
			tetrad,
			1,
			payments,
			[TERMS],
			bytes(GOLDEN.proposal),
			() => {},
		);
	await hear();
	const { TetradError } = await import("../../src/errors.ts");
	refusal = new TetradError("payment-refused", "no");
	await hear();
	assert.deepEqual(agent.sent, [GOLDEN.welcome, GOLDEN.unwanted]);
});

test("what an agent asks of its module", async () => {
	const module = end();
	const head = { number: 7n, hash: new Uint8Array(32).fill(0xab) };
	const payments = new Payments(tetradOf(end().channel, module.channel), {
		witness: { head: () => head, keep: async () => {} },
	});
	const payment = {
		contract: bytes(CONTRACT),
		issuer: bytes(ISSUER),
		currency: "PLAY",
		amount: 650n,
	};
	const turn = () => new Promise((resolve) => setImmediate(resolve));
	await turn();
	payments.pay(payment).catch(() => {});
	await turn();
	payments.settle(bytes(ISSUER)).catch(() => {});
	await turn();
	assert.deepEqual(module.sent, [GOLDEN.witness, GOLDEN.pay, GOLDEN.settle]);
	const other = end();
	const expecting = new Payments(tetradOf(end().channel, other.channel));
	await turn();
	expecting.expect(payment).catch(() => {});
	await turn();
	assert.equal(other.sent[1], GOLDEN.expect);
});
