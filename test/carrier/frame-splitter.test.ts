import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameSplitter } from "../../src/carrier/frame-splitter.ts";
import { TetradError } from "../../src/errors.ts";
import {
	concat,
	encodeFrame,
	FRAME,
	type FrameType,
	MAX_FRAME_BODY,
} from "../../src/wire/index.ts";
import { record } from "./support.ts";

/** Everything that comes out when these chunks go in. */
function split(
	chunks: Iterable<Uint8Array>,
	splitter: FrameSplitter = new FrameSplitter(),
): Uint8Array[] {
	const frames: Uint8Array[] = [];
	for (const chunk of chunks) {
		splitter.push(chunk);
		for (let f = splitter.next(); f !== undefined; f = splitter.next())
			frames.push(f);
	}
	return frames;
}

/** Copies of the parts of `bytes` between the cuts. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
	const at = [0, ...cuts.map((c) => c % (bytes.length + 1)), bytes.length];
	at.sort((a, b) => a - b);
	return at.slice(1).map((end, i) => bytes.slice(at[i], end));
}

const frameType = fc.constantFrom(...Object.values(FRAME));
const size = fc.oneof(
	fc.nat(40),
	fc.nat(5000),
	fc.constantFrom(1018, 1019, 1020, 4096, MAX_FRAME_BODY),
);
const frame = fc
	.tuple(frameType, size, fc.nat(255))
	.map(([type, length, fill]: [FrameType, number, number]) =>
		encodeFrame(type, new Uint8Array(length).fill(fill)),
	);

test("any chunking of any frames gives the same frames", () => {
	fc.assert(
		fc.property(
			fc.array(frame, { maxLength: 8 }),
			fc.array(fc.nat(2 ** 21), { maxLength: 40 }),
			(frames, cuts) => {
				const splitter = new FrameSplitter();
				const got = split(cut(concat(...frames), cuts), splitter);
				assert.equal(got.length, frames.length);
				for (const [i, f] of frames.entries())
					assert.ok(Buffer.compare(got[i] as Uint8Array, f) === 0);
				assert.equal(splitter.insideFrame, false);
				assert.equal(splitter.count, frames.length);
			},
		),
		{ numRuns: 300 },
	);
});

test("one byte at a time gives the same frames", () => {
	const frames = [record(0), record(1), record(3000, 5), record(0), record(9)];
	const bytes = concat(...frames);
	assert.deepEqual(split([...bytes].map((b) => Uint8Array.of(b))), frames);
});

test("the largest frame one byte at a time does not take quadratic time", () => {
	const bytes = record(MAX_FRAME_BODY, 7);
	const frames = split([...bytes].map((b) => Uint8Array.of(b)));
	assert.equal(frames.length, 1);
	assert.ok(Buffer.compare(frames[0] as Uint8Array, bytes) === 0);
});

test("any bytes give frames or a TetradError, the same one again", () => {
	const noise = fc.array(
		fc.oneof(
			fc.uint8Array({ maxLength: 30 }),
			frame,
			// Headers that are nearly right.
			fc.tuple(frameType, fc.nat(2 ** 32 - 1)).map(([type, length]) => {
				const header = new Uint8Array(5);
				header[0] = type;
				new DataView(header.buffer).setUint32(1, length);
				return header;
			}),
		),
		{ maxLength: 10 },
	);
	fc.assert(
		fc.property(noise, (chunks) => {
			const splitter = new FrameSplitter();
			try {
				split(chunks, splitter);
			} catch (error) {
				assert.ok(error instanceof TetradError);
				assert.equal(error.code, "malformed");
				assert.throws(() => splitter.next(), { message: error.message });
			}
		}),
		{ numRuns: 500 },
	);
});

test("frames after each other survive writing into one of them", () => {
	const chunk = concat(record(4, 1), record(4, 2), record(4, 3).subarray(0, 6));
	const splitter = new FrameSplitter();
	const frames = split([chunk], splitter);
	frames[0]?.fill(0xff);
	frames.push(...split([record(4, 3).slice(6)], splitter));
	frames[1]?.slice().fill(0xff);
	assert.deepEqual(frames.slice(1), [record(4, 2), record(4, 3)]);
});

test("whole frames in one chunk are views", () => {
	const chunk = concat(record(4, 1), record(0));
	for (const f of split([chunk])) assert.equal(f.buffer, chunk.buffer);
});

test("a chunk of which a view was handed out is left alone, and any other is given back", () => {
	const large = record(70_000, 1);
	const viewed = concat(record(5000, 2), large.subarray(0, 20_000));
	const unviewed = large.slice(20_000, 40_000);
	// The rest of the large frame, a whole one, and the beginning of a third.
	const mixed = concat(
		large.subarray(40_000),
		record(9000, 3),
		record(9, 4).subarray(0, 6),
	);
	const frames = split([viewed, unviewed, mixed, record(9, 4).slice(6)]);
	assert.deepEqual(frames, [
		record(5000, 2),
		large,
		record(9000, 3),
		record(9, 4),
	]);
	assert.equal(unviewed.length, 0);
	assert.equal(viewed.length, 5005 + 20_000);
});

test("a frame is given back when it was used, unless it is a view of a part", () => {
	const splitter = new FrameSplitter();
	const bytes = record(70_000, 1);
	const [joined] = split([bytes.slice(0, 9), bytes.slice(9)], splitter);
	const [view] = split([concat(record(70_000, 2), record(0))], splitter);
	splitter.used(view as Uint8Array);
	assert.equal(view?.length, 70_005);
	assert.equal(joined?.length, 70_005);
	const again = new FrameSplitter();
	const [used] = split([bytes.slice(0, 9), bytes.slice(9)], again);
	again.used(used as Uint8Array);
	assert.equal(used?.length, 0);
});

test("a frame that is a whole chunk is given back when it was used, and what comes after it is read", () => {
	const splitter = new FrameSplitter();
	for (const fill of [1, 2]) {
		splitter.push(record(70_000, fill));
		const frame = splitter.next() as Uint8Array;
		assert.deepEqual(frame, record(70_000, fill));
		splitter.used(frame);
		assert.equal(frame.length, 0);
		assert.equal(splitter.next(), undefined);
		assert.equal(splitter.insideFrame, false);
	}
	assert.deepEqual(split([record(9, 3)], splitter), [record(9, 3)]);
	assert.equal(splitter.count, 3);
	const inClear = encodeFrame(FRAME.openMessage, new Uint8Array(70_000));
	const [kept] = split([inClear], splitter);
	splitter.used(kept as Uint8Array);
	assert.equal(kept?.length, 70_005);
});

test("a header is judged before a byte of its body is there", () => {
	for (const bad of ["0100000000", "05ffffffff", "0500040012", "4745542000"]) {
		const bytes = Buffer.from(bad, "hex");
		const splitter = new FrameSplitter();
		if (bad.startsWith("01")) assert.equal(split([bytes], splitter).length, 1);
		else assert.throws(() => split([bytes], splitter), { code: "malformed" });
	}
});

test("frames before a bad header come out first", () => {
	const splitter = new FrameSplitter();
	splitter.push(concat(record(3), Uint8Array.of(0, 0, 0, 0, 0)));
	assert.deepEqual(splitter.next(), record(3));
	assert.throws(() => splitter.next(), { code: "malformed" });
});

test("the first frames may be held smaller", () => {
	const limits = { firstFrames: 2, firstFrameBody: 10 };
	const frames = [record(10), record(10), record(11)];
	assert.deepEqual(split(frames, new FrameSplitter(limits)), frames);
	assert.throws(
		() => split([record(10), record(11)], new FrameSplitter(limits)),
		{ code: "limit-exceeded" },
	);
});

test("announcing a large frame allocates nothing, and a little of it little", () => {
	const header = record(MAX_FRAME_BODY).slice(0, 5);
	const before = process.memoryUsage().arrayBuffers;
	const splitters = Array.from({ length: 1000 }, () => new FrameSplitter());
	for (const splitter of splitters) {
		split([header], splitter);
		split([Uint8Array.of(1, 2, 3)], splitter);
		assert.equal(splitter.insideFrame, true);
	}
	const held = process.memoryUsage().arrayBuffers - before;
	assert.ok(held < 4_000_000, `1000 splitters hold ${held} bytes`);
});

test("a chunk may not follow one that is not used up", () => {
	const splitter = new FrameSplitter();
	splitter.push(concat(record(1), record(1)));
	splitter.next();
	assert.throws(() => splitter.push(record(1)), { code: "internal" });
});
