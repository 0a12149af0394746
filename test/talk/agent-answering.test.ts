/* What an agent that answers makes of what the other one says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { concat, enc, hex, utf8 } from "../../src/wire/index.ts";
import { CONTRACT, GOLDEN } from "./golden.ts";
import { answering, TERMS, unhex } from "./support.ts";

const heard = (bytes: Uint8Array) => ({ kind: "from-agent", bytes }) as const;
const golden = (name: keyof typeof GOLDEN) => heard(unhex(GOLDEN[name]));
const ERROR = new TetradError("carrier-failed", "cut");

function listening(options: Parameters<typeof answering>[0] = {}) {
	const agent = answering({ issuers: [TERMS], ...options });
	agent.does({ kind: "begin" });
	return agent;
}

describe("an agent that answers", () => {
	test("hears one message after another", () => {
		const agent = answering();
		assert.deepEqual(agent.does({ kind: "begin" }), ["receive"]);
		for (const _ of [1, 2])
			assert.deepEqual(agent.does(golden("text")), ["text hello", "receive"]);
		assert.deepEqual(agent.does({ kind: "closed" }), ["ended: peer"]);
		assert.deepEqual(agent.does(golden("text")), []);
	});

	test("refuses a text that is not UTF-8", () => {
		assert.deepEqual(listening().does(heard(Uint8Array.of(0x10, 0xff))), [
			"ended: malformed",
		]);
	});

	test("has its module take a proposed payment, and then says that it is welcome", () => {
		const agent = listening();
		assert.deepEqual(agent.does(golden("proposePayment")), [
			"expect 650 of mint for tea",
		]);
		assert.deepEqual(agent.does({ kind: "expecting" }), [
			`to-agent ${GOLDEN.paymentWelcome}`,
		]);
		assert.deepEqual(agent.does({ kind: "sent" }), ["receive"]);
	});

	test("has nobody to say it to who has closed meanwhile", () => {
		const agent = listening();
		agent.does(golden("proposePayment"), { kind: "expecting" });
		assert.deepEqual(agent.does({ kind: "closed" }), ["ended: peer"]);
	});

	test("says why its module does not, in at most 256 bytes, and goes on", () => {
		const agent = listening();
		agent.does(golden("proposePayment"));
		const error = new TetradError("limit-exceeded", "ü".repeat(200));
		assert.deepEqual(agent.does({ kind: "not-expecting", error }), [
			`to-agent ${hex(concat(Uint8Array.of(0x14), enc(unhex(CONTRACT), utf8("ü".repeat(128)))))}`,
		]);
		assert.deepEqual(agent.does({ kind: "sent" }), ["receive"]);
	});

	test("does not ask its module about money that it does not take", () => {
		const others = [
			{ ...TERMS, issuer: unhex(`${"d1".repeat(52)}`) },
			{ ...TERMS, currency: { code: "GOLD", exponent: 2 } },
		];
		const agent = listening({ issuers: others });
		const [answer, ...more] = agent.does(golden("proposePayment"));
		const reason = utf8("this agent takes money of mint, mint alone");
		assert.equal(
			answer,
			`to-agent ${hex(concat(Uint8Array.of(0x14), enc(unhex(CONTRACT), reason)))}`,
		);
		assert.deepEqual(more, []);
	});

	test("that takes no payments ends the tetrad of whoever proposes one", () => {
		const agent = answering();
		agent.does({ kind: "begin" });
		assert.deepEqual(agent.does(golden("proposePayment")), [
			"ended: unexpected-message",
		]);
	});

	test("refuses a proposal that is cut, followed by something, too long or of nothing", () => {
		const fine = unhex(GOLDEN.proposePayment);
		const zero = fine.slice();
		const at = hex(fine).indexOf("000000000000028a") / 2;
		zero.fill(0, at, at + 8);
		assert.ok(at > 0);
		const fields = (text: Uint8Array) =>
			concat(fine.subarray(0, fine.length - 7), enc(text));
		assert.deepEqual(fields(utf8("tea")), fine);
		const bad = [
			...Array.from(fine, (_, length) => fine.subarray(0, length)).slice(1),
			concat(fine, Uint8Array.of(0)),
			concat(fine, new Uint8Array(10_000_000)),
			fields(new Uint8Array(257).fill(0x61)),
			fields(Uint8Array.of(0xff)),
			zero,
		];
		for (const bytes of bad)
			assert.deepEqual(listening().does(heard(bytes)), ["ended: malformed"]);
	});

	test("takes a file and acknowledges it, and listens again", () => {
		const agent = listening();
		for (const _ of [1, 2]) {
			assert.deepEqual(agent.does(golden("fileOffer")), ["create a.txt"]);
			assert.deepEqual(agent.does({ kind: "created" }), ["receive"]);
			assert.deepEqual(agent.does(golden("fileChunk")), ["write 68656c6c6f"]);
			agent.does({ kind: "written" });
			assert.deepEqual(agent.does(golden("fileEnd")), ["keep"]);
			assert.match(
				agent.does({ kind: "kept", path: "in/a.txt" }).join(),
				/^received a.txt, 5, [0-9a-f]{64} at in\/a.txt$/,
			);
			assert.deepEqual(agent.does({ kind: "acknowledge" }), [
				`to-agent ${GOLDEN.fileAcknowledgement}`,
			]);
			assert.deepEqual(agent.does({ kind: "sent" }), ["receive"]);
		}
	});

	test("leaves nothing of a file when the tetrad ends in the middle of it", () => {
		for (const [event, code] of [
			[{ kind: "abort", error: ERROR }, "carrier-failed"],
			[{ kind: "closed" }, "truncated"],
			[golden("text"), "malformed"],
		] as const) {
			const agent = listening();
			agent.does(golden("fileOffer"), { kind: "created" });
			assert.deepEqual(agent.does(event), ["discard", `ended: ${code}`]);
		}
		const whole = listening();
		whole.does(
			golden("fileOffer"),
			{ kind: "created" },
			golden("fileChunk"),
			{ kind: "written" },
			golden("fileEnd"),
			{ kind: "kept", path: "in/a.txt" },
		);
		assert.deepEqual(whole.does({ kind: "abort", error: ERROR }), [
			"ended: carrier-failed",
		]);
	});

	test("that takes no files ends the tetrad of whoever offers one", () => {
		assert.deepEqual(
			listening({ takesFiles: false }).does(golden("fileOffer")),
			["ended: unexpected-message"],
		);
	});

	test("ends the tetrad for what is out of turn, from the wrong side or unknown", () => {
		for (const name of [
			"fileChunk",
			"fileEnd",
			"fileAcknowledgement",
			"paymentWelcome",
			"paymentUnwelcome",
			"pay",
			"witness",
		] as const)
			assert.deepEqual(
				listening().does(golden(name)),
				["ended: unexpected-message"],
				name,
			);
		for (const bytes of [
			new Uint8Array(),
			Uint8Array.of(0),
			Uint8Array.of(0xff),
		])
			assert.deepEqual(listening().does(heard(bytes)), [
				"ended: unexpected-message",
			]);
		const busy = listening();
		busy.does(golden("proposePayment"));
		assert.deepEqual(busy.does(golden("text")), ["ended: unexpected-message"]);
	});

	test("that is run wrongly ends as a mistake of its own", () => {
		for (const event of [
			{ kind: "begin" },
			{ kind: "sent" },
			{ kind: "expecting" },
			{ kind: "created" },
			{ kind: "acknowledge" },
		] as const)
			assert.deepEqual(listening().does(event), ["ended: internal"]);
		assert.deepEqual(answering().does({ kind: "sent" }), ["ended: internal"]);
		assert.deepEqual(answering().does({ kind: "time" }), []);
	});

	test("takes any bytes as what they are", () => {
		const known = Object.values(GOLDEN).map(unhex);
		const bytes = fc.oneof(
			fc.uint8Array({ maxLength: 40 }),
			fc
				.tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255))
				.map(([of, at, value]) => of.with(at % of.length, value)),
		);
		fc.assert(
			fc.property(bytes, (message) => {
				assert.notEqual(listening().fails(heard(message)), "ended: internal");
			}),
		);
	});
});

test("a file's digest in this page is that of its bytes", () => {
	assert.equal(
		GOLDEN.fileEnd.slice(-64),
		hex(nodeCrypto.sha256(utf8("hello"))),
	);
});
