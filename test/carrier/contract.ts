import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	type Carrier,
	type CarrierLimits,
	connect,
	listen,
	memoryCarriers,
} from "../../src/carrier/index.ts";
import { TetradError } from "../../src/errors.ts";
import { concat, MAX_FRAME_BODY } from "../../src/wire/index.ts";
import {
	numbered,
	numberOf,
	Recorder,
	record,
	temporaryDirectory,
	turns,
} from "./support.ts";

export interface Pair extends AsyncDisposable {
	readonly left: Carrier;
	readonly right: Carrier;
}

export type MakePair = (limits?: Partial<CarrierLimits>) => Promise<Pair>;

export const memoryPair: MakePair = async (limits) => {
	const [left, right] = memoryCarriers(limits);
	return pair(left, right);
};

export const tcpPair: MakePair = (limits) => socketPair("127.0.0.1:0", limits);

export const unixPair: MakePair = async (limits) => {
	const directory = await temporaryDirectory();
	const made = await socketPair(`unix:${directory.path}/s`, limits);
	return pair(made.left, made.right, directory);
};

async function socketPair(
	address: string,
	limits: Partial<CarrierLimits> = {},
): Promise<Pair> {
	const accepted = Promise.withResolvers<Carrier>();
	await using listener = await listen(address, accepted.resolve, {
		// Listeners hold a stranger's first frame small; the contract is about any frame.
		limits: { firstFrames: 0, ...limits },
	});
	const left = await connect(listener.address, { limits });
	return pair(left, await accepted.promise);
}

function pair(left: Carrier, right: Carrier, rest?: AsyncDisposable): Pair {
	return {
		left,
		right,
		[Symbol.asyncDispose]: async () => {
			left.destroy();
			right.destroy();
			await rest?.[Symbol.asyncDispose]();
		},
	};
}

/** What every carrier does, whatever moves its bytes. */
export function carrierContract(name: string, makePair: MakePair): void {
	describe(`${name} carrier: delivery`, () => deliveryContract(makePair));
	describe(`${name} carrier: back-pressure`, () => pressureContract(makePair));
	describe(`${name} carrier: the end`, () => endContract(makePair));
	describe(`${name} carrier: receivers`, () => receiverContract(makePair));
}

function deliveryContract(makePair: MakePair): void {
	test("keeps order and boundaries, both ways", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		for (const size of [0, 1, 5, 100, 4096, 4097, 70_000]) {
			ends.left.send(record(size, 1));
			ends.right.send(record(size, 2));
		}
		await Promise.all([left.untilFrames(7), right.untilFrames(7)]);
		const sizes = [5, 6, 10, 105, 4101, 4102, 70_005];
		assert.deepEqual(
			right.frames.map((frame) => frame.length),
			sizes,
		);
		assert.deepEqual(
			left.frames.map((frame) => frame.length),
			sizes,
		);
		assert.deepEqual(right.frames[3], record(100, 1));
		assert.deepEqual(left.frames[6], record(70_000, 2));
	});

	test("takes several frames in one send", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		ends.left.send(concat(numbered(1), record(0), numbered(2)));
		await right.untilFrames(3);
		assert.deepEqual(right.frames, [numbered(1), record(0), numbered(2)]);
	});

	test("carries the largest frames unchanged", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const frames = [1, 2, 3, 4].map((fill) => record(MAX_FRAME_BODY, fill));
		for (const frame of frames) ends.left.send(frame);
		await right.untilFrames(4);
		assert.deepEqual(right.frames, frames);
	});

	test("carries 10 000 small frames in order", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		for (let i = 0; i < 10_000; i++)
			if (!ends.left.send(numbered(i))) await ends.left.drained();
		await right.untilFrames(10_000);
		const wrong = right.frames.findIndex((frame, i) => numberOf(frame) !== i);
		assert.equal(wrong, -1);
	});

	test("delivers what came before receive, and not inside it", async () => {
		await using ends = await makePair();
		ends.left.send(numbered(7));
		await turns(20);
		const right = new Recorder(ends.right);
		assert.equal(right.frames.length, 0);
		await right.untilFrames(1);
	});

	test("leaves what it was lent to the caller, who may send it again", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const sizes = [100, 4091, 4092, 65_531, 65_532, MAX_FRAME_BODY];
		const sent = sizes.map((size, i) => record(size, i));
		for (let i = 0; i < 2; i++)
			for (const frame of sent) {
				// Also in pieces, none of which is a whole frame.
				ends.left.send(frame);
				ends.left.send(frame.subarray(0, 50));
				ends.left.send(frame.slice(50));
			}
		const piece = record(9000, 9);
		const [head, tail] = [piece.slice(0, 5000), piece.slice(5000)];
		ends.left.send(head);
		ends.left.send(tail);
		await right.untilFrames(4 * sent.length + 1);
		await turns(5);
		const twice = sent.flatMap((frame) => [frame, frame]);
		assert.deepEqual(right.frames, [...twice, ...twice, piece]);
		assert.deepEqual(
			sent,
			sizes.map((size, i) => record(size, i)),
		);
		assert.deepEqual(concat(head, tail), piece);
	});

	test("carries what it was given to keep, beside what others use", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const sizes = [100, 4091, 4092, 65_531, 70_000, MAX_FRAME_BODY];
		const whole = concat(...sizes.map((size) => record(size, 5)));
		const pooled = Buffer.concat([record(20, 6), record(30, 6)]);
		ends.left.send(whole.subarray(0, (sizes[0] as number) + 5), "owned");
		for (const size of sizes) ends.left.send(record(size, 7), "owned");
		ends.left.send(pooled, "owned");
		await right.untilFrames(sizes.length + 3);
		await turns(5);
		assert.deepEqual(right.frames, [
			record(100, 5),
			...sizes.map((size) => record(size, 7)),
			record(20, 6),
			record(30, 6),
		]);
		assert.deepEqual(whole, concat(...sizes.map((size) => record(size, 5))));
	});

	test("gives every frame bytes of its own", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const sent = record(9, 3);
		ends.left.send(sent);
		ends.left.send(sent);
		await right.untilFrames(2);
		right.frames[0]?.fill(0xff);
		assert.deepEqual(right.frames[1], record(9, 3));
		assert.deepEqual(sent, record(9, 3));
	});
}

function pressureContract(makePair: MakePair): void {
	test("a sender hears of a full queue and of room again", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		ends.right.pause();
		let sent = 0;
		while (ends.left.send(record(8192, ++sent % 256))) await turns(1);
		let drained = false;
		const waiting = ends.left.drained().then(() => {
			drained = true;
		});
		await turns(20);
		assert.equal(drained, false);
		ends.right.resume();
		await waiting;
		await right.untilFrames(sent);
		assert.deepEqual(right.frames.at(-1), record(8192, sent % 256));
	});

	test("a sender hears when the write that is under way is done, and not of those behind it", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		assert.equal(ends.left.written(), undefined);
		ends.right.pause();
		let sent = 0;
		while (ends.left.send(record(8192, ++sent % 256))) await turns(1);
		const written = ends.left.written();
		assert.ok(written !== undefined);
		let isDone = false;
		void written.then(() => {
			isDone = true;
		});
		await turns(20);
		assert.equal(isDone, false);
		ends.right.resume();
		await written;
		await right.untilFrames(sent);
		await ends.left.drained();
		while (ends.left.written() !== undefined) await ends.left.written();
	});

	test("a sender that waits for a write hears also when the carrier closes", async () => {
		await using ends = await makePair();
		ends.right.pause();
		while (ends.left.send(record(8192))) await turns(1);
		const written = ends.left.written();
		assert.ok(written !== undefined);
		ends.left.destroy();
		await written;
		assert.equal(ends.left.written(), undefined);
	});

	test("nothing is delivered while paused, not even from one read", async () => {
		await using ends = await makePair();
		const seen: number[] = [];
		const all = Promise.withResolvers<void>();
		ends.right.receive({
			frame(bytes) {
				seen.push(numberOf(bytes));
				if (seen.length === 3) ends.right.pause();
				if (seen.length === 10) all.resolve();
			},
			closed: all.reject,
		});
		ends.left.send(
			concat(...Array.from({ length: 10 }, (_, i) => numbered(i))),
		);
		while (seen.length < 3) await turns(1);
		await turns(20);
		assert.deepEqual(seen, [0, 1, 2]);
		ends.right.resume();
		assert.equal(seen.length, 3, "resume delivers later");
		await all.promise;
		assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
	});

	test("survives a pause and a resume at every frame", async () => {
		await using ends = await makePair();
		const seen: number[] = [];
		const all = Promise.withResolvers<void>();
		ends.right.receive({
			frame(bytes) {
				seen.push(numberOf(bytes));
				ends.right.pause();
				if (seen.length % 2 === 0) ends.right.resume();
				else setImmediate(() => ends.right.resume());
				if (seen.length === 500) all.resolve();
			},
			closed: all.reject,
		});
		for (let i = 0; i < 500; i++) ends.left.send(numbered(i));
		await all.promise;
		assert.deepEqual(
			seen,
			Array.from({ length: 500 }, (_, i) => i),
		);
	});

	test("a peer that never reads costs the carrier at the hard limit", async () => {
		await using ends = await makePair({ maxQueuedBytes: 2 ** 21 });
		const left = new Recorder(ends.left);
		while (left.ends.length === 0) {
			ends.left.send(record(2 ** 16));
			await turns(1);
		}
		assert.equal((await left.untilClosed())?.code, "carrier-failed");
		await ends.left.drained();
	});

	test("a peer that takes nothing for too long is given up", async () => {
		await using ends = await makePair({ stallMs: 50 });
		const left = new Recorder(ends.left);
		while (ends.left.send(record(2 ** 16))) await turns(1);
		await ends.left.drained();
		assert.equal((await left.untilClosed())?.code, "timed-out");
	});

	test("a peer that takes nothing is given up also after a long silence", async () => {
		await using ends = await makePair({ stallMs: 50 });
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		ends.left.send(numbered(1));
		await right.untilFrames(1);
		await new Promise((resolve) => setTimeout(resolve, 150));
		assert.equal(left.ends.length, 0);
		ends.right.pause();
		while (ends.left.send(record(2 ** 16))) await turns(1);
		assert.equal((await left.untilClosed())?.code, "timed-out");
	});
}

function endContract(makePair: MakePair): void {
	test("closing flushes what was sent, and both hear an orderly end", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		for (let i = 0; i < 20; i++) ends.left.send(record(2 ** 18, i));
		ends.left.close();
		ends.left.close();
		assert.equal(await right.untilClosed(), undefined);
		assert.equal(await left.untilClosed(), undefined);
		assert.equal(right.frames.length, 20);
		assert.deepEqual(right.frames[19], record(2 ** 18, 19));
	});

	test("both ends may close at once", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		ends.left.close();
		ends.right.close();
		assert.equal(await left.untilClosed(), undefined);
		assert.equal(await right.untilClosed(), undefined);
	});

	test("an end that closes while the other sends loses none of its own bytes", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const left = new Recorder(ends.left);
		for (let i = 0; i < 40; i++) ends.right.send(record(2 ** 16));
		await left.untilFrames(1);
		ends.left.send(numbered(1));
		ends.left.close();
		await right.untilClosed();
		assert.deepEqual(right.frames, [numbered(1)]);
	});

	test("no frame is delivered after close", async () => {
		await using ends = await makePair();
		const right = new Recorder();
		ends.right.receive({
			frame(bytes) {
				right.frame(bytes);
				ends.right.close();
			},
			closed: (error) => right.closed(error),
		});
		ends.left.receive(new Recorder());
		ends.left.send(concat(numbered(1), numbered(2)));
		assert.equal(await right.untilClosed(), undefined);
		assert.equal(right.frames.length, 1);
	});

	test("destroying with an error tells this end that error, once", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		const error = new TetradError("malformed", "a test");
		ends.left.destroy(error);
		ends.left.destroy(new TetradError("internal", "another"));
		ends.left.close();
		assert.equal(left.ends.length, 0, "closed is told later");
		assert.equal(await left.untilClosed(), error);
		const told = await right.untilClosed();
		// A Unix socket has no reset, so an end that breaks off between frames looks orderly there.
		if (ends.right.kind !== "unix") assert.equal(told?.code, "carrier-failed");
	});

	test("frames that are not Tetrad's end it as malformed", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		const left = new Recorder(ends.left);
		ends.left.send(numbered(1));
		ends.left.send(Uint8Array.of(0xee, 0, 0, 0, 0));
		assert.equal((await right.untilClosed())?.code, "malformed");
		assert.equal(right.frames.length, 1);
		await left.untilClosed();
	});

	test("an end inside a frame is truncated", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		ends.left.send(concat(numbered(1), record(100).subarray(0, 50)));
		ends.left.close();
		assert.equal((await right.untilClosed())?.code, "truncated");
		assert.equal(right.frames.length, 1);
	});

	test("an orderly end waits behind frames that are not delivered yet", async () => {
		await using ends = await makePair();
		const right = new Recorder(ends.right);
		ends.right.pause();
		ends.left.send(numbered(1));
		ends.left.close();
		await turns(20);
		assert.equal(right.ends.length, 0);
		ends.right.resume();
		assert.equal(await right.untilClosed(), undefined);
		assert.equal(right.frames.length, 1);
	});

	test("sending after close drops the bytes", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder(ends.right);
		ends.left.send(numbered(1));
		ends.left.close();
		assert.equal(ends.left.send(numbered(2)), false);
		await ends.left.drained();
		await right.untilClosed();
		await left.untilClosed();
		assert.equal(ends.left.send(numbered(3)), false);
		assert.equal(ends.right.send(numbered(3)), false);
		await ends.right.drained();
		assert.equal(right.frames.length, 1);
		for (const carrier of [ends.left, ends.right]) {
			carrier.pause();
			carrier.resume();
			carrier.close();
			carrier.destroy();
		}
		await left.untilClosed();
	});

	test("drained resolves when the carrier closes", async () => {
		await using ends = await makePair();
		while (ends.left.send(record(2 ** 16))) await turns(1);
		const drained = ends.left.drained();
		ends.left.destroy();
		await drained;
	});

	test("a flush that stands still is given up", async () => {
		await using ends = await makePair({ closeMs: 50 });
		const left = new Recorder(ends.left);
		while (ends.left.send(record(2 ** 16))) await turns(1);
		ends.left.close();
		assert.equal((await left.untilClosed())?.code, "timed-out");
	});

	test("a frame that takes too long is given up, and idling is not", async () => {
		await using ends = await makePair({ slowFrameMs: 50 });
		const right = new Recorder(ends.right);
		ends.left.send(numbered(1));
		await new Promise((resolve) => setTimeout(resolve, 150));
		assert.equal(right.ends.length, 0);
		ends.left.send(record(10).subarray(0, 9));
		assert.equal((await right.untilClosed())?.code, "timed-out");
	});
}

function receiverContract(makePair: MakePair): void {
	test("a receiver that throws loses its carrier and nothing else", async () => {
		await using ends = await makePair();
		const left = new Recorder(ends.left);
		const right = new Recorder();
		const thrown = new RangeError("a bug");
		ends.right.receive({
			frame(bytes) {
				right.frame(bytes);
				throw thrown;
			},
			closed: (error) => right.closed(error),
		});
		ends.left.send(concat(numbered(1), numbered(2)));
		const error = await right.untilClosed();
		assert.equal(error?.code, "internal");
		assert.equal(error?.cause, thrown);
		assert.equal(right.frames.length, 1);
		await left.untilClosed();
	});

	test("a TetradError that a receiver throws is told as it is", async () => {
		await using ends = await makePair();
		const right = new Recorder();
		const thrown = new TetradError("unexpected-message", "a test");
		ends.right.receive({
			frame() {
				throw thrown;
			},
			closed: (error) => right.closed(error),
		});
		ends.left.send(numbered(1));
		assert.equal(await right.untilClosed(), thrown);
	});

	test("a receiver that throws at its end is warned about", async () => {
		await using ends = await makePair();
		const warned = Promise.withResolvers<Error>();
		process.once("warning", warned.resolve);
		ends.left.receive({
			frame() {},
			closed() {
				throw new Error("a bug");
			},
		});
		ends.left.close();
		ends.right.receive(new Recorder());
		assert.match((await warned.promise).message, /receiver failed/);
	});

	test("there is one receiver", async () => {
		await using ends = await makePair();
		ends.left.receive(new Recorder());
		assert.throws(() => ends.left.receive(new Recorder()), {
			code: "invalid-argument",
		});
	});

	test("a receiver that comes after the end hears of it", async () => {
		await using ends = await makePair();
		ends.left.destroy(new TetradError("malformed", "a test"));
		await turns(5);
		const left = new Recorder(ends.left);
		assert.equal(left.ends.length, 0);
		assert.equal((await left.untilClosed())?.code, "malformed");
	});
}
