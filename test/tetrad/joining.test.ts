/* What waits in a machine when it seals, and what that is when it comes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto, TAG_BYTES } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { MAX_JOINED_BYTES, RECORD_OVERHEAD } from "../../src/session/index.ts";
import {
	MAX_AGENT_MESSAGE_BYTES,
	MAX_MODULE_MESSAGE_BYTES,
} from "../../src/tetrad/index.ts";
import {
	CONTENT,
	type ContentType,
	concat,
	enc,
	FRAME,
	frameHeader,
	LINK,
	sameBytes,
	utf8,
} from "../../src/wire/index.ts";
import { FourDevices } from "../support/four-devices.ts";
import type { Effect } from "../support/machines.ts";

const count = 100;
const numbers = Array.from({ length: count }, (_, i) => utf8(`message ${i}`));

function joined(
	...contents: readonly (readonly [type: ContentType, bytes: Uint8Array])[]
): Uint8Array {
	return concat(
		...contents.map(([type, bytes]) => concat(Uint8Array.of(type), enc(bytes))),
	);
}

const established = () => FourDevices.make().then((it) => it.establish());

const heard = (run: FourDevices, place: "A" | "B" | "X" | "Y") =>
	run.messages(place).map(({ session, bytes }) => [session, bytes]);

describe("what one turn sends", () => {
	const ways = {
		1: ["A", "B", (run: FourDevices, bytes: Uint8Array) => run.A.send(bytes)],
		2: ["X", "Y", (run: FourDevices, bytes: Uint8Array) => run.X.send(bytes)],
		3: [
			"A",
			"X",
			(run: FourDevices, bytes: Uint8Array) => run.A.sendToModule(bytes),
		],
		4: [
			"Y",
			"B",
			(run: FourDevices, bytes: Uint8Array) => run.Y.sendToAgent(bytes),
		],
	} as const;
	for (const [session, [from, to, send]] of Object.entries(ways))
		test(`over session ${session} is one record, and comes as it was sent`, async () => {
			const run = await established();
			run[from].holds = true;
			for (const bytes of numbers)
				assert.deepEqual(send(run, bytes), [], "nothing is sealed yet");
			run[from].holds = false;
			run.apply(from, run[from].flush());
			assert.equal(run.pending.length, 1);
			await run.run();
			assert.deepEqual(
				heard(run, to),
				numbers.map((bytes) => [Number(session), bytes]),
			);
		});

	test("one message is a record by itself", async () => {
		const run = await established();
		run.apply("X", run.X.send(utf8("alone")));
		const [sent] = run.pending;
		assert.equal(sent?.bytes.length, "alone".length + RECORD_OVERHEAD);
	});

	test("records of session 2 that wait in an agent are one of session 1", async () => {
		const run = await established();
		run.A.holds = true;
		for (const bytes of numbers) run.apply("X", run.X.send(bytes));
		run.apply("A", run.A.send(utf8("of the agent")));
		await run.run();
		run.A.holds = false;
		run.apply("A", run.A.flush());
		assert.equal(run.pending.length, 1);
		await run.run();
		assert.deepEqual(
			heard(run, "Y"),
			numbers.map((bytes) => [2, bytes]),
		);
		assert.deepEqual(heard(run, "B"), [[1, utf8("of the agent")]]);
	});
});

describe("limits hold before anything is sealed", () => {
	test("of a message, and what waited is not touched", async () => {
		const run = await established();
		run.A.holds = true;
		run.A.send(utf8("before"));
		for (const [send, most] of [
			[(bytes: Uint8Array) => run.A.send(bytes), MAX_AGENT_MESSAGE_BYTES],
			[
				(bytes: Uint8Array) => run.A.sendToModule(bytes),
				MAX_MODULE_MESSAGE_BYTES,
			],
			[(bytes: Uint8Array) => run.X.send(bytes), MAX_MODULE_MESSAGE_BYTES],
		] as const)
			assert.throws(() => send(new Uint8Array(most + 1)), {
				code: "message-too-large",
			});
		run.A.holds = false;
		run.apply("A", run.A.flush());
		await run.run();
		assert.deepEqual(heard(run, "B"), [[1, utf8("before")]]);
	});

	test("and what is as large as they allow is carried", async () => {
		const run = await established();
		for (const [place, send, most] of [
			["A", run.A.send, MAX_AGENT_MESSAGE_BYTES],
			["A", run.A.sendToModule, MAX_MODULE_MESSAGE_BYTES],
			["X", run.X.send, MAX_MODULE_MESSAGE_BYTES],
			["X", run.X.sendToAgent, MAX_MODULE_MESSAGE_BYTES],
		] as const) {
			run.apply(place, send.call(run[place] as never, new Uint8Array(most)));
			await run.run();
		}
		const sizes = (place: "A" | "B" | "X" | "Y") =>
			run.messages(place).map(({ bytes }) => bytes.length);
		assert.deepEqual(sizes("B"), [MAX_AGENT_MESSAGE_BYTES]);
		for (const place of ["X", "Y", "A"] as const)
			assert.deepEqual(sizes(place), [MAX_MODULE_MESSAGE_BYTES]);
	});

	test("of what a module may say at once: what does not fit is sealed", async () => {
		const run = await established();
		run.X.holds = true;
		const sent: Effect[] = [];
		for (let i = 0; i < 5000; i++)
			sent.push(...run.X.send(new Uint8Array(256)));
		assert.ok(sent.length >= 9, `${sent.length} records`);
		for (const effect of sent)
			assert.ok(
				effect.kind === "send-link" &&
					effect.body.length < MAX_JOINED_BYTES + 100,
			);
	});
});

describe("an end", () => {
	test("comes after what waited, in each session", async () => {
		for (const closing of ["A", "B", "X", "Y"] as const) {
			const run = await established();
			run[closing].holds = true;
			run[closing].send(utf8("to the other side"));
			const isAgent = closing === "A" || closing === "B";
			if (isAgent) run[closing].sendToModule(utf8("to the own module"));
			else run[closing as "X" | "Y"].sendToAgent(utf8("to the own agent"));
			run.apply(closing, run[closing].close(run.now));
			run[closing].holds = false;
			await run.run();
			const [near, far] = {
				A: ["X", "B"],
				B: ["Y", "A"],
				X: ["A", "Y"],
				Y: ["B", "X"],
			}[closing] as ["A" | "B" | "X" | "Y", "A" | "B" | "X" | "Y"];
			assert.equal(heard(run, near).length, 1, `${closing} to ${near}`);
			assert.equal(heard(run, far).length, 1, `${closing} to ${far}`);
			for (const place of ["A", "B", "X", "Y"] as const)
				assert.equal(run.error(place), undefined);
		}
	});

	test("with an error, too, comes after what was sent before it", async () => {
		const run = await established();
		run.X.holds = true;
		run.X.send(utf8("to Y"));
		run.X.sendToAgent(utf8("to A"));
		const error = new TetradError("aborted", "gave up");
		run.apply("X", run.X.abort(error));
		await run.run();
		assert.deepEqual(heard(run, "A"), [[3, utf8("to A")]]);
		assert.deepEqual(heard(run, "Y"), [[2, utf8("to Y")]]);
	});

	test("of the other module leaves what was said to the own agent", async () => {
		const run = await established();
		run.Y.holds = true;
		run.Y.sendToAgent(utf8("to B"));
		const closes = run.X.confirmed().inner.seal(
			CONTENT.close,
			new Uint8Array(),
		);
		run.apply("Y", run.Y.linkMessage(LINK.nested, closes, run.now));
		await run.run();
		assert.deepEqual(heard(run, "B"), [[4, utf8("to B")]]);
	});
});

describe("several in one record are refused", () => {
	const message = [CONTENT.message, utf8("one")] as const;
	const close = [CONTENT.close, new Uint8Array()] as const;

	test("at an agent, when they are malformed, with the code of any record that does not open", async () => {
		for (const content of [joined(), joined(message), joined(message, close)]) {
			const run = await established();
			const { outer } = run.A.confirmed();
			const record = outer.seal(CONTENT.several, content);
			run.apply("B", run.B.frame(record, run.now));
			assert.equal(run.error("B")?.code, "authentication-failed");
			assert.deepEqual(heard(run, "B"), []);
		}
	});

	test("at an agent, when one of them is out of turn, and then none is given to the application", async () => {
		const run = await established();
		const { outer } = run.A.confirmed();
		const content = joined(message, [CONTENT.link, utf8("two")]);
		run.apply("B", run.B.frame(outer.seal(CONTENT.several, content), run.now));
		assert.equal(run.error("B")?.code, "unexpected-message");
		assert.deepEqual(heard(run, "B"), []);
	});

	test("at a module, in session 2 and from its agent", async () => {
		for (const content of [
			joined(),
			joined(message),
			joined(message, [CONTENT.nested, utf8("two")]),
			joined(message, close),
		]) {
			const run = await established();
			const { inner } = run.X.confirmed();
			const nested = inner.seal(CONTENT.several, content);
			run.apply("Y", run.Y.linkMessage(LINK.nested, nested, run.now));
			assert.equal(run.error("Y")?.code, "authentication-failed");
			const { sealer } = run.A.confirmed().local;
			const local = sealer.seal(CONTENT.several, content);
			run.apply("X", run.X.linkMessage(LINK.local, local, run.now));
			assert.equal(run.error("X")?.code, "authentication-failed");
			assert.deepEqual([...heard(run, "X"), ...heard(run, "Y")], []);
		}
	});

	test("where B waits for one first message", async () => {
		const first = utf8("the first message");
		let isReplaced = false;
		const run = await FourDevices.make({
			firstMessage: first,
			crypto: (place) => ({
				...nodeCrypto,
				aead(name, key) {
					const aead = nodeCrypto.aead(name, key);
					return {
						...aead,
						sealRecord(nonce, header, ...parts) {
							const bytes = parts.at(-1) ?? first;
							if (place !== "A" || !sameBytes(bytes, first))
								return aead.sealRecord(nonce, header, ...parts);
							isReplaced = true;
							const several = concat(
								Uint8Array.of(CONTENT.several),
								joined(message, message),
							);
							const length = several.length + TAG_BYTES;
							const longer = frameHeader(FRAME.record, length);
							return aead.sealRecord(nonce, longer, several);
						},
					};
				},
			}),
		});
		await run.establish();
		assert.ok(isReplaced);
		assert.equal(run.error("B")?.code, "authentication-failed");
		assert.deepEqual(heard(run, "B"), []);
	});

	test("when a nested one is larger than a link can carry", async () => {
		const run = await established();
		const { outer } = run.A.confirmed();
		const content = joined(message, [CONTENT.nested, new Uint8Array(262_128)]);
		run.apply("B", run.B.frame(outer.seal(CONTENT.several, content), run.now));
		assert.equal(run.error("B")?.code, "limit-exceeded");
	});
});
