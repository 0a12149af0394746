import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectRaw, type Socket } from "node:net";
import { describe, test } from "node:test";
import {
	type Carrier,
	type CarrierLimits,
	listen,
	type TcpAddress,
} from "../../src/carrier/index.ts";
import type { ErrorCode } from "../../src/errors.ts";
import {
	concat,
	encodeFrame,
	FRAME,
	MAX_FRAME_BODY,
} from "../../src/wire/index.ts";
import { numbered, Recorder, record, turns } from "./support.ts";

interface Attack extends AsyncDisposable {
	/** The attacker's end: a bare socket. */
	readonly socket: Socket;
	readonly carrier: Carrier;
	readonly heard: Recorder;
}

async function attack(limits: Partial<CarrierLimits> = {}): Promise<Attack> {
	const accepted = Promise.withResolvers<Carrier>();
	await using listener = await listen("127.0.0.1:0", accepted.resolve, {
		limits,
	});
	const { host, port } = listener.address as TcpAddress;
	const socket = connectRaw({ host, port, allowHalfOpen: true });
	socket.on("error", () => {});
	socket.setNoDelay(true);
	await once(socket, "connect");
	const carrier = await accepted.promise;
	const heard = new Recorder(carrier);
	return {
		socket,
		carrier,
		heard,
		[Symbol.asyncDispose]: async () => {
			socket.destroy();
			carrier.destroy();
		},
	};
}

const CLIENT_HELLO = Buffer.from(
	"16030100c8010000c40303b7e2f0a1c5d4e3f201123456789abcdef0123456789abcdef0123456789abcdef0",
	"hex",
);

const OPENINGS: readonly (readonly [string, Uint8Array, ErrorCode])[] = [
	[
		"an HTTP request",
		Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"malformed",
	],
	["a TLS ClientHello", CLIENT_HELLO, "malformed"],
	[
		"a header that announces 2^32-1 bytes",
		Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff),
		"malformed",
	],
	[
		"a header one byte over the limit",
		Uint8Array.of(5, 0, 4, 0, 0x12),
		"malformed",
	],
	["a first frame that is too large", record(2 ** 16 + 1), "limit-exceeded"],
	["zeros", new Uint8Array(1000), "malformed"],
];

describe("a stranger that sends", () => {
	for (const [name, bytes, code] of OPENINGS)
		test(`${name} is ${code}`, async () => {
			await using a = await attack();
			a.socket.write(bytes);
			assert.equal((await a.heard.untilClosed())?.code, code);
			assert.equal(a.heard.frames.length, 0);
		});

	for (const [name, bytes] of OPENINGS)
		test(`${name} still hears the last word of who refuses it`, async () => {
			await using a = await attack();
			const refusal = encodeFrame(FRAME.refusal, Uint8Array.of(0));
			a.heard.onClosed = () => {
				a.carrier.send(refusal);
				a.carrier.close();
			};
			const heard: Buffer[] = [];
			a.socket.on("data", (chunk: Buffer) => heard.push(chunk));
			a.socket.write(bytes);
			await once(a.socket, "end");
			assert.deepEqual(new Uint8Array(Buffer.concat(heard)), refusal);
			assert.equal(a.heard.ends.length, 1);
		});

	test("nothing for too long hears the last word, too", async () => {
		await using a = await attack({ firstFrameMs: 50 });
		const refusal = encodeFrame(FRAME.refusal, Uint8Array.of(0));
		a.heard.onClosed = () => void a.carrier.send(refusal);
		const heard: Buffer[] = [];
		a.socket.on("data", (chunk: Buffer) => heard.push(chunk));
		await once(a.socket, "end");
		assert.deepEqual(new Uint8Array(Buffer.concat(heard)), refusal);
	});

	test("noise without end is cut off", async () => {
		await using a = await attack({ closeMs: 200 });
		const noise = Buffer.alloc(2 ** 16, 0x99);
		const timer = setInterval(() => a.socket.write(noise), 1);
		assert.equal((await a.heard.untilClosed())?.code, "malformed");
		a.socket.resume();
		// It ends with an error, as whoever writes on hears.
		const closed = new Promise((resolve) => a.socket.once("close", resolve));
		if (!a.socket.destroyed) await closed;
		clearInterval(timer);
	});

	test("nothing is timed-out", async () => {
		await using a = await attack({ firstFrameMs: 50 });
		assert.equal((await a.heard.untilClosed())?.code, "timed-out");
	});

	test("one byte at a time, for ever, is timed-out", async () => {
		await using a = await attack({ firstFrameMs: 200 });
		const bytes = record(60_000);
		let at = 0;
		const timer = setInterval(
			() => a.socket.write(bytes.subarray(at, ++at)),
			1,
		);
		assert.equal((await a.heard.untilClosed())?.code, "timed-out");
		clearInterval(timer);
	});

	test("one byte at a time after a good frame is timed-out too", async () => {
		await using a = await attack({ slowFrameMs: 200 });
		a.socket.write(numbered(1));
		await a.heard.untilFrames(1);
		const bytes = record(60_000);
		let at = 0;
		const timer = setInterval(
			() => a.socket.write(bytes.subarray(at, ++at)),
			1,
		);
		assert.equal((await a.heard.untilClosed())?.code, "timed-out");
		clearInterval(timer);
	});

	test("one byte at a time, but soon enough, is served", async () => {
		await using a = await attack();
		for (const byte of concat(numbered(1), numbered(2))) {
			a.socket.write(Uint8Array.of(byte));
			await turns(1);
		}
		await a.heard.untilFrames(2);
		assert.deepEqual(a.heard.frames, [numbered(1), numbered(2)]);
	});

	test("frames faster than they are read waits, in bounded memory", async () => {
		await using a = await attack();
		a.carrier.pause();
		const before = process.memoryUsage().arrayBuffers;
		const frame = record(2 ** 16);
		// Once the kernel's buffers are full, everything more stays at the attacker's end.
		while (a.socket.writableLength < 2 ** 22) {
			a.socket.write(frame);
			await turns(1);
		}
		const own = a.socket.writableLength;
		const held = process.memoryUsage().arrayBuffers - before - own;
		assert.ok(held < 2 ** 21, `${held} bytes are held for a paused reader`);
		assert.equal(a.heard.frames.length, 0);
	});
});

describe("a stranger that goes away", () => {
	test("at a frame boundary is an orderly end", async () => {
		await using a = await attack();
		a.socket.end(numbered(1));
		assert.equal(await a.heard.untilClosed(), undefined);
		assert.equal(a.heard.frames.length, 1);
	});

	for (const kept of [1, 4, 5, 6, 8])
		test(`after ${kept} bytes of a frame is truncated`, async () => {
			await using a = await attack();
			a.socket.end(concat(numbered(1), numbered(2).subarray(0, kept)));
			assert.equal((await a.heard.untilClosed())?.code, "truncated");
			assert.equal(a.heard.frames.length, 1);
		});

	test("with a reset is carrier-failed", async () => {
		await using a = await attack();
		a.socket.write(numbered(1));
		await a.heard.untilFrames(1);
		a.socket.resetAndDestroy();
		assert.equal((await a.heard.untilClosed())?.code, "carrier-failed");
	});

	test("with a reset while we send is carrier-failed, once", async () => {
		await using a = await attack();
		const timer = setInterval(() => a.carrier.send(record(2 ** 16)), 1);
		await turns(10);
		a.socket.resetAndDestroy();
		assert.equal((await a.heard.untilClosed())?.code, "carrier-failed");
		clearInterval(timer);
	});

	test("with half a close ends the whole carrier", async () => {
		await using a = await attack();
		a.socket.resume();
		a.socket.end();
		assert.equal(await a.heard.untilClosed(), undefined);
		if (!a.socket.destroyed) await once(a.socket, "close");
	});

	test("or does not, after we closed, is let go", async () => {
		await using a = await attack({ closeMs: 50 });
		a.carrier.send(numbered(1));
		const noise = setInterval(() => a.socket.write(numbered(2)), 5);
		await turns(5);
		a.carrier.close();
		assert.equal(await a.heard.untilClosed(), undefined);
		clearInterval(noise);
	});

	test("and reads nothing, ever, costs a bounded queue", async () => {
		await using a = await attack({ maxQueuedBytes: 2 ** 22 });
		a.socket.pause();
		while (a.heard.ends.length === 0) {
			a.carrier.send(record(MAX_FRAME_BODY));
			await turns(1);
		}
		assert.equal((await a.heard.untilClosed())?.code, "carrier-failed");
	});
});

test("a thousand strangers that announce 256 KiB cost little", async () => {
	const carriers: Carrier[] = [];
	await using listener = await listen(
		"127.0.0.1:0",
		(carrier) => carriers.push(carrier),
		{ limits: { firstFrames: 0 } },
	);
	const { host, port } = listener.address as TcpAddress;
	const before = process.memoryUsage().arrayBuffers;
	const opening = record(MAX_FRAME_BODY).slice(0, 8);
	const sockets: Socket[] = [];
	for (let i = 0; i < 1000; i++) {
		const socket = connectRaw({ host, port });
		socket.on("error", () => {});
		socket.write(opening);
		sockets.push(socket);
		if (i % 100 === 99) await once(socket, "connect");
	}
	while (carriers.length < 1000) await turns(1);
	const recorders = carriers.map((carrier) => new Recorder(carrier));
	await turns(50);
	globalThis.gc?.();
	const held = process.memoryUsage().arrayBuffers - before;
	for (const socket of sockets) socket.destroy();
	for (const recorder of recorders)
		assert.equal((await recorder.untilClosed())?.code, "truncated");
	assert.ok(held < 2 ** 24, `${held} bytes are held`);
});
