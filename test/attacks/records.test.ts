import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameSplitter } from "../../src/carrier/frame-splitter.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	MAX_CONTENT_BYTES,
	MAX_COUNTER,
	nonceFor,
	RECORD_OVERHEAD,
	REKEY_INTERVAL,
	type RecordAead,
	RecordOpener,
	RecordSealer,
} from "../../src/session/index.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import {
	CONTENT,
	concat,
	copy,
	enc,
	FRAME,
	frameHeader,
	hex,
	LINK,
	utf8,
} from "../../src/wire/index.ts";
import { Cast, Run } from "../support/attack.ts";
import { keyedAs, RECORD_AEADS } from "../support/record-aeads.ts";
import { halvesOf, runHolding } from "../support/resuming.ts";

const key = nodeCrypto.random(32);
const FAILED = { code: "authentication-failed" };

const pair = (aead: RecordAead, from = 0) => ({
	sealer: new RecordSealer(nodeCrypto, aead, key, from),
	opener: new RecordOpener(nodeCrypto, aead, key, from),
});

describe("somebody does something to a record", () => {
	for (const aead of RECORD_AEADS) {
		test(`a bit in any byte, header included (${aead})`, () => {
			const whole = pair(aead).sealer.seal(CONTENT.message, utf8("pay"));
			for (let bit = 0; bit < whole.length * 8; bit++) {
				const { opener } = pair(aead);
				const changed = copy(whole);
				const at = bit >> 3;
				changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
				assert.throws(() => opener.open(changed), FAILED);
				assert.throws(() => opener.open(whole), FAILED, "and never again");
			}
		});

		test(`cut at every length, or longer (${aead})`, () => {
			const whole = pair(aead).sealer.seal(CONTENT.message, utf8("pay"));
			for (let length = 0; length < whole.length; length++) {
				const bare = whole.subarray(0, length);
				assert.throws(() => pair(aead).opener.open(bare), FAILED);
				if (length < 5) continue;
				const fits = concat(
					frameHeader(FRAME.record, length - 5),
					bare.subarray(5),
				);
				assert.throws(() => pair(aead).opener.open(fits), FAILED);
			}
			const longer = concat(whole, Uint8Array.of(0));
			assert.throws(() => pair(aead).opener.open(longer), FAILED);
		});

		test(`repeated, left out, or in another order (${aead})`, () => {
			const { sealer } = pair(aead);
			const [one, two, three] = [1, 2, 3].map((n) =>
				sealer.seal(CONTENT.message, Uint8Array.of(n)),
			) as [Uint8Array, Uint8Array, Uint8Array];
			for (const order of [
				[one, one],
				[two],
				[one, three],
				[one, two, one],
				[one, two, two],
			]) {
				const { opener } = pair(aead);
				for (const frame of order.slice(0, -1)) opener.open(frame);
				assert.throws(() => opener.open(order.at(-1) as Uint8Array), FAILED);
				assert.throws(() => opener.open(three), FAILED);
			}
		});

		test(`from the other direction, or of another session (${aead})`, () => {
			const other = new RecordSealer(
				nodeCrypto,
				aead,
				nodeCrypto.random(32),
			).seal(CONTENT.message, utf8("pay"));
			assert.throws(() => pair(aead).opener.open(other), FAILED);
		});

		test(`with no content type, or one that is none (${aead})`, () => {
			const seal = (plaintext: Uint8Array) => {
				const length = plaintext.length + 16;
				const own = keyedAs(aead, key, length);
				return nodeCrypto
					.aead(own.aead, own.key)
					.sealRecord(
						nonceFor(own.aead, 0),
						frameHeader(FRAME.record, length),
						plaintext,
					);
			};
			assert.throws(
				() => pair(aead).opener.open(seal(new Uint8Array())),
				FAILED,
			);
			for (let type = 6; type < 256; type++) {
				const { opener } = pair(aead);
				assert.throws(() => opener.open(seal(Uint8Array.of(type, 1))), FAILED);
			}
		});

		test(`under another frame type (${aead})`, () => {
			for (const type of Object.values(FRAME)) {
				if (type === FRAME.record) continue;
				const plaintext = Uint8Array.of(CONTENT.message, 1);
				const header = frameHeader(type, plaintext.length + 16);
				const own = keyedAs(aead, key, plaintext.length + 16);
				const frame = nodeCrypto
					.aead(own.aead, own.key)
					.sealRecord(nonceFor(own.aead, 0), header, plaintext);
				assert.throws(() => pair(aead).opener.open(frame), FAILED);
			}
		});
	}

	test("2^32−1 bytes long by its header", () => {
		const header = Uint8Array.of(FRAME.record, 0xff, 0xff, 0xff, 0xff);
		const record = concat(header, new Uint8Array(64));
		for (const aead of RECORD_AEADS)
			assert.throws(() => pair(aead).opener.open(record), FAILED);
		// A carrier refuses it when it has read the header, and holds no more than that.
		const splitter = new FrameSplitter();
		splitter.push(header);
		assert.throws(() => splitter.next(), { code: "malformed" });
	});

	test("one byte over the limit by its header", () => {
		const header = frameHeader(FRAME.record, MAX_CONTENT_BYTES + 18);
		const splitter = new FrameSplitter();
		splitter.push(header);
		assert.throws(() => splitter.next(), { code: "malformed" });
	});
});

describe("a key is used for long", () => {
	for (const aead of RECORD_AEADS) {
		test(`no nonce comes twice, and the key changes in time (${aead})`, () => {
			for (const round of [1, 2, 7]) {
				const from = round * REKEY_INTERVAL - 600;
				const { sealer, opener } = pair(aead, from);
				const own = keyedAs(aead, key, 18);
				const raw = nodeCrypto.aead(own.aead, own.key);
				const seen = new Set<string>();
				let stale = 0;
				for (let i = 0; i < 1200; i++) {
					const frame = sealer.seal(CONTENT.message, Uint8Array.of(i & 255));
					seen.add(hex(frame));
					const nonce = nonceFor(own.aead, from + i);
					const plain = raw.open(
						nonce,
						frame.subarray(0, 5),
						frame.subarray(5),
					);
					if (plain !== undefined) stale = i + 1;
					assert.deepEqual([...opener.open(frame).bytes], [i & 255]);
				}
				assert.equal(seen.size, 1200, "no two records are alike");
				assert.equal(
					stale,
					600,
					"the old key seals nothing after the interval",
				);
			}
		});

		test(`the last counter is used, and none after it (${aead})`, () => {
			const { sealer, opener } = pair(aead, MAX_COUNTER - 1);
			for (const _ of [1, 2])
				opener.open(sealer.seal(CONTENT.message, utf8("x")));
			const used = { code: "limit-exceeded" };
			assert.throws(() => sealer.seal(CONTENT.message, utf8("x")), used);
			assert.throws(() => sealer.seal(CONTENT.message, utf8("x")), used);
			const record = new RecordSealer(nodeCrypto, aead, key).seal(
				CONTENT.message,
				utf8("x"),
			);
			assert.throws(() => opener.open(record), used);
		});
	}

	for (const aead of ["AESGCM", "ChaChaPoly"] as const)
		test(`every counter has a nonce of its own (${aead})`, () => {
			const counters = [0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32];
			counters.push(2 ** 32 + 1, 2 ** 33, 2 ** 52, MAX_COUNTER);
			const nonces = counters.map((counter) => hex(nonceFor(aead, counter)));
			assert.equal(new Set(nonces).size, counters.length);
			assert.ok(!nonces.includes("00000000ffffffffffffffff"));
		});

	test("a message over the limit uses no counter", () => {
		const { sealer, opener } = pair("AESGCM");
		const tooLarge = new Uint8Array(MAX_CONTENT_BYTES + 1);
		assert.throws(() => sealer.seal(CONTENT.message, tooLarge), {
			code: "message-too-large",
		});
		const whole = sealer.seal(CONTENT.message, tooLarge.subarray(1));
		assert.equal(whole.length, MAX_CONTENT_BYTES + RECORD_OVERHEAD);
		assert.equal(opener.open(whole).bytes.length, MAX_CONTENT_BYTES);
	});
});

const cast = await Cast.make();
const four = await cast.four();

/** A tetrad for which all four have signed, and one that was resumed. */
const halves = await halvesOf(four, cast);
const CONFIRMED: readonly (readonly [string, () => Promise<Run>])[] = [
	["signed", () => Run.of(four, cast.now).establish()],
	["resumed", () => runHolding(four, halves, cast.now).establish()],
];

for (const [how, confirmed] of CONFIRMED)
	describe(`somebody does something to a record of a confirmed tetrad (${how})`, () => {
		/** What each session carries, and where. */
		const say = (run: Run, session: 1 | 2 | 3 | 4): [Place, Place] => {
			switch (session) {
				case 1:
					run.apply("A", run.A.send(utf8("one")));
					run.apply("A", run.A.send(utf8("two")));
					return ["A", "B"];
				case 2:
					run.apply("X", run.X.send(utf8("one")));
					run.apply("X", run.X.send(utf8("two")));
					return ["X", "Y"];
				case 3:
					run.apply("A", run.A.sendToModule(utf8("one")));
					run.apply("A", run.A.sendToModule(utf8("two")));
					return ["A", "X"];
				case 4:
					run.apply("Y", run.Y.sendToAgent(utf8("one")));
					run.apply("Y", run.Y.sendToAgent(utf8("two")));
					return ["Y", "B"];
			}
		};

		const attacks: Record<
			string,
			(one: Uint8Array, two: Uint8Array) => Uint8Array[]
		> = {
			repeated: (one) => [one, one],
			"in another order": (_, two) => [two],
			cut: (one) => [one.subarray(0, one.length - 1)],
			flipped: (one) => {
				const changed = copy(one);
				changed[10] = (changed[10] as number) ^ 1;
				return [changed];
			},
			"announced as 4 GiB": (one) => [
				concat(Uint8Array.of(5, 255, 255, 255, 255), one.subarray(5)),
			],
		};

		for (const session of [1, 2, 3, 4] as const)
			for (const [what, attack] of Object.entries(attacks))
				test(`session ${session}: ${what}`, async () => {
					const run = await confirmed();
					const [, to] = say(run, session);
					const [one, two] = run.pending.map(({ bytes }) => bytes) as [
						Uint8Array,
						Uint8Array,
					];
					run.pending.length = 0;
					for (const bytes of attack(one, two)) {
						const effects =
							session === 1
								? run.B.frame(bytes, cast.now)
								: run[to].linkMessage(
										session === 2 ? LINK.nested : LINK.local,
										bytes,
										cast.now,
									);
						run.apply(to, effects);
					}
					const code = run.outcomes[to];
					assert.ok(
						["authentication-failed", "malformed"].includes(code),
						code,
					);
					const heard = what === "repeated" ? 1 : 0;
					assert.equal(run.messages(to).length, heard);
					// One failure is the end: what follows, however right, is not heard.
					const right =
						session === 1
							? run.B.frame(two, cast.now)
							: run[to].linkMessage(LINK.local, two, cast.now);
					assert.deepEqual(right, []);
					for (const place of PLACES)
						assert.ok(run.messages(place).length <= heard);
				});

		test("a record of one session is given out for one of another", async () => {
			for (const from of [1, 2, 3, 4] as const)
				for (const as of [LINK.nested, LINK.local] as const)
					for (const to of ["X", "Y"] as const) {
						if (from === 2 && as === LINK.nested && to === "Y") continue;
						if (from === 3 && as === LINK.local && to === "X") continue;
						const run = await confirmed();
						say(run, from);
						const bytes = run.pending[0]?.bytes as Uint8Array;
						run.apply(to, run[to].linkMessage(as, bytes, cast.now));
						assert.equal(run.outcomes[to], "authentication-failed");
						assert.deepEqual(run.messages(to), []);
					}
		});

		test("several in one record are spoilt", async () => {
			const one = concat(Uint8Array.of(CONTENT.message), enc(utf8("one")));
			for (const contents of [
				[],
				[one],
				Array.from({ length: 1025 }, () => Uint8Array.of(1, 0, 0, 0, 0)),
				[one, one.subarray(0, -1)],
				[one, one, Uint8Array.of(CONTENT.message, 255, 255, 255, 255)],
				[one, one, Uint8Array.of(CONTENT.handshake, 0, 0, 0, 0)],
				[one, one, Uint8Array.of(CONTENT.close, 0, 0, 0, 0)],
				[one, one, Uint8Array.of(CONTENT.several, 0, 0, 0, 0)],
			]) {
				const run = await confirmed();
				const { outer, local } = run.A.confirmed();
				const { inner } = run.X.confirmed();
				const frame = outer.seal(CONTENT.several, ...contents);
				run.apply("B", run.B.frame(frame, cast.now));
				const nested = inner.seal(CONTENT.several, ...contents);
				run.apply("Y", run.Y.linkMessage(LINK.nested, nested, cast.now));
				const own = local.sealer.seal(CONTENT.several, ...contents);
				run.apply("X", run.X.linkMessage(LINK.local, own, cast.now));
				for (const place of ["B", "X", "Y"] as const) {
					assert.equal(run.outcomes[place], "authentication-failed");
					assert.deepEqual(run.messages(place), []);
				}
			}
		});

		test("a content type that is not for applications is taken from nobody", async () => {
			for (const type of [CONTENT.handshake, CONTENT.link]) {
				const run = await confirmed();
				const record = run.A.confirmed().outer.seal(type, utf8("x"));
				run.apply("B", run.B.frame(record, cast.now));
				assert.equal(run.outcomes.B, "unexpected-message");
			}
			for (const type of [CONTENT.handshake, CONTENT.link, CONTENT.nested]) {
				const run = await confirmed();
				const record = run.X.confirmed().inner.seal(type, utf8("x"));
				run.apply("Y", run.Y.linkMessage(LINK.nested, record, cast.now));
				assert.equal(run.outcomes.Y, "authentication-failed");
				assert.deepEqual(run.messages("Y"), []);
			}
			for (const content of ["", "x"]) {
				const expected = content === "" ? "in order" : "malformed";
				const run = await confirmed();
				const inner = run.X.confirmed().inner;
				const closes = inner.seal(CONTENT.close, utf8(content));
				run.apply("Y", run.Y.linkMessage(LINK.nested, closes, cast.now));
				assert.equal(run.outcomes.Y ?? "in order", expected);
				const other = await confirmed();
				const outer = other.A.confirmed().outer;
				const frame = outer.seal(CONTENT.close, utf8(content));
				other.apply("B", other.B.frame(frame, cast.now));
				assert.equal(other.outcomes.B ?? "in order", expected);
			}
			for (const type of [
				CONTENT.handshake,
				CONTENT.link,
				CONTENT.nested,
				CONTENT.close,
			]) {
				const run = await confirmed();
				const toX = run.A.confirmed().local.sealer.seal(type, utf8("x"));
				run.apply("X", run.X.linkMessage(LINK.local, toX, cast.now));
				assert.equal(run.outcomes.X, "authentication-failed");
				const toB = run.Y.confirmed().local.sealer.seal(type, utf8("x"));
				run.apply("B", run.B.linkMessage(LINK.local, toB, cast.now));
				assert.equal(run.outcomes.B, "authentication-failed");
				assert.deepEqual([...run.messages("X"), ...run.messages("B")], []);
			}
		});
	});
