/* What an agent asks of its module about money, event by event. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { TetradError } from "../../src/errors.ts";
import type { Ended } from "../../src/machine/index.ts";
import {
	AgentPayments,
	type AgentPaymentsEffect,
	type AgentPaymentsEvent,
	type Head,
	messages,
	type Payment,
	packMessages,
} from "../../src/money/index.ts";
import { concat, enc, hex } from "../../src/wire/index.ts";
import { filled, idOf, lengthChanges } from "./documents.ts";

const { body, message, WITH_AGENT } = messages;

type Effect = AgentPaymentsEffect | Ended;

const HEAD: Head = { number: 7n, hash: filled(32, 7) };
const RECEIPT = filled(20, 9);
const CHAIN = filled(30, 8);
const CUT = new TetradError("carrier-failed", "cut");
const DISK = new TetradError("store-full", "no room");

function payment(contract: number, amount = 650n): Payment {
	return {
		contract: filled(32, contract),
		issuer: idOf("bank.example"),
		currency: "EUR",
		amount,
	};
}

const contractOf = (contract: number) => ({ contract: filled(32, contract) });
const witness = (number: bigint) =>
	message(WITH_AGENT.witness, { number, hash: filled(32, Number(number)) });
const paid = (contract: number) =>
	message(WITH_AGENT.paid, {
		...contractOf(contract),
		amount: 650n,
		receipt: RECEIPT,
		chain: CHAIN,
		key: undefined,
	});
const received = (contract: number) =>
	message(WITH_AGENT.received, {
		...contractOf(contract),
		amount: 650n,
		receipt: RECEIPT,
		chain: CHAIN,
	});
const expecting = (contract: number) =>
	message(WITH_AGENT.expecting, contractOf(contract));
const failed = (
	contract: number,
	code: string,
	reason = "why",
	isInDoubt = false,
) =>
	message(WITH_AGENT.failed, {
		...contractOf(contract),
		isInDoubt,
		code,
		reason,
	});
const settled = (code = "", reason = "") =>
	message(WITH_AGENT.settled, { code, reason });

/** An agent in an open tetrad, and what came of each event in few words. */
class Agent {
	readonly machine: AgentPayments = new AgentPayments();
	#asks = 0;

	constructor() {
		this.does({ kind: "opened", head: HEAD });
	}

	does(event: AgentPaymentsEvent): string[] {
		return this.machine.handle(event).map(inWords);
	}

	pay(contract: number, amount?: bigint): string[] {
		const ask = ++this.#asks;
		return this.does({
			...{ kind: "pay", ask, payment: payment(contract, amount), text: "" },
		});
	}

	expect(contract: number, amount?: bigint): string[] {
		const ask = ++this.#asks;
		const expected = payment(contract, amount);
		return this.does({ kind: "expect", ask, payment: expected, text: "" });
	}

	receive(contract: number): string[] {
		const ask = ++this.#asks;
		return this.does({ kind: "receive", ask, ...contractOf(contract) });
	}

	settle(): string[] {
		const ask = ++this.#asks;
		return this.does({ kind: "settle", ask, issuer: idOf("bank.example") });
	}

	hears(...bytes: readonly Uint8Array[]): string[] {
		return bytes.flatMap((one) =>
			this.does({ kind: "from-module", bytes: one }),
		);
	}
}

function inWords(effect: Effect): string {
	switch (effect.kind) {
		case "to-module": {
			const name = Object.entries(WITH_AGENT).find(
				([, { type }]) => type === effect.bytes[0],
			)?.[0];
			return `to module: ${name}`;
		}
		case "keep":
			return `keep ${effect.head.number} as ${effect.id}`;
		case "answered":
			return effect.payment === undefined
				? `answer ${effect.ask}`
				: `answer ${effect.ask}: ${effect.payment.amount} ${hex(effect.payment.receipt)}`;
		case "answered-unkept":
			return `answer ${effect.ask}, unkept for ${effect.error.code}: ${effect.payment.amount} ${hex(effect.payment.receipt)}`;
		case "refused":
			return `refuse ${effect.ask}: ${effect.error.code}`;
		case "other":
			return `other: ${hex(effect.bytes)}`;
		case "end":
			return `end: ${effect.error.code}`;
		case "ended":
			return `ended${effect.error === undefined ? "" : `: ${effect.error.code}`}`;
	}
}

const WITH_RECEIPT = `650 ${hex(RECEIPT)}`;

describe("a payment", () => {
	test("is asked of the module after the newest head that is kept", () => {
		const machine = new AgentPayments();
		const [first] = machine.handle({ kind: "opened", head: HEAD });
		assert.ok(first?.kind === "to-module");
		const { number, hash } = body(WITH_AGENT.witness, first.bytes);
		assert.deepEqual([number, hash], [7n, HEAD.hash]);
		const [pay] = machine.handle({
			...{ kind: "pay", ask: 1, payment: payment(1), text: "a book" },
		});
		assert.ok(pay?.kind === "to-module");
		assert.deepEqual(body(WITH_AGENT.pay, pay.bytes), {
			...contractOf(1),
			issuer: idOf("bank.example"),
			currency: "EUR",
			amount: 650n,
			text: "a book",
		});
	});

	test("is asked of nobody before the tetrad is open", () => {
		const machine = new AgentPayments();
		const effects = machine.handle({
			kind: "pay",
			ask: 1,
			payment: payment(1),
			text: "",
		});
		assert.deepEqual(effects.map(inWords), ["refuse 1: not-confirmed"]);
	});

	test("that no message can hold is refused to whoever asked for it, and the others go on", () => {
		const agent = new Agent();
		agent.pay(1);
		const [short, fine] = [filled(3, 1), payment(2)];
		const bad = [
			{ ...fine, contract: short },
			{ ...fine, issuer: short },
			{ ...fine, currency: "" },
			{ ...fine, currency: "eur" },
		];
		for (const payment of bad)
			for (const kind of ["pay", "expect"] as const)
				assert.deepEqual(agent.does({ kind, ask: 7, payment, text: "" }), [
					"refuse 7: invalid-argument",
				]);
		const text = "x".repeat(257);
		assert.deepEqual(agent.does({ kind: "pay", ask: 7, payment: fine, text }), [
			"refuse 7: invalid-argument",
		]);
		assert.deepEqual(agent.does({ kind: "settle", ask: 7, issuer: short }), [
			"refuse 7: invalid-argument",
		]);
		assert.deepEqual(agent.hears(paid(1)), [`answer 1: ${WITH_RECEIPT}`]);
		assert.deepEqual(agent.pay(2), ["to module: pay"]);
	});

	test("is answered when the head that was told before it is kept", () => {
		const agent = new Agent();
		agent.pay(1);
		assert.deepEqual(agent.hears(witness(8n), paid(1)), ["keep 8 as 0"]);
		assert.deepEqual(
			[...agent.machine.pending],
			[
				[
					0,
					{
						head: { number: 8n, hash: filled(32, 8) },
						outcomes: [
							{
								kind: "paid",
								asks: [1],
								payment: { amount: 650n, receipt: RECEIPT, chain: CHAIN },
							},
						],
					},
				],
			],
		);
		assert.deepEqual(agent.does({ kind: "kept", id: 0 }), [
			`answer 1: ${WITH_RECEIPT}`,
		]);
	});

	test("is answered at once when every head is kept, and waits for none that is told later", () => {
		const agent = new Agent();
		agent.pay(1);
		agent.pay(2);
		agent.hears(witness(8n));
		agent.does({ kind: "kept", id: 0 });
		assert.deepEqual(agent.hears(paid(1)), [`answer 1: ${WITH_RECEIPT}`]);
		agent.pay(3);
		agent.hears(witness(9n), paid(2), witness(10n));
		assert.deepEqual(agent.does({ kind: "kept", id: 1 }), [
			`answer 2: ${WITH_RECEIPT}`,
		]);
		assert.deepEqual(agent.hears(paid(3)), [], "10 is not kept yet");
		assert.deepEqual(agent.does({ kind: "kept", id: 2 }), [
			`answer 3: ${WITH_RECEIPT}`,
		]);
	});

	test("whose head could not be kept is told of with its receipt, and so is one after a head that could", () => {
		const agent = new Agent();
		agent.pay(1);
		agent.pay(2);
		agent.pay(3);
		agent.hears(witness(8n), paid(1));
		assert.deepEqual(agent.does({ kind: "not-kept", id: 0, error: DISK }), [
			`answer 1, unkept for store-full: ${WITH_RECEIPT}`,
		]);
		assert.deepEqual(agent.hears(paid(2)), [
			`answer 2, unkept for store-full: ${WITH_RECEIPT}`,
		]);
		agent.hears(witness(9n), paid(3));
		assert.deepEqual(agent.does({ kind: "kept", id: 1 }), [
			`answer 3: ${WITH_RECEIPT}`,
		]);
	});

	test("that is asked twice goes to the module once, and both are answered", () => {
		const agent = new Agent();
		assert.deepEqual(agent.pay(1), ["to module: pay"]);
		assert.deepEqual(agent.pay(1), []);
		assert.deepEqual(agent.hears(paid(1)), [
			`answer 1: ${WITH_RECEIPT}`,
			`answer 2: ${WITH_RECEIPT}`,
		]);
		assert.deepEqual(agent.hears(paid(1)), [], "said twice");
		assert.deepEqual(agent.pay(1), ["to module: pay"], "asked again");
	});

	test("goes on when the caller gives up, and is in doubt for that caller", () => {
		const agent = new Agent();
		agent.pay(1);
		const error = new TetradError("aborted", "enough");
		assert.deepEqual(agent.does({ kind: "give-up", ask: 1, error }), [
			"refuse 1: payment-in-doubt",
		]);
		assert.deepEqual(agent.does({ kind: "give-up", ask: 1, error }), []);
		assert.deepEqual(agent.pay(1), []);
		assert.deepEqual(agent.hears(paid(1)), [`answer 2: ${WITH_RECEIPT}`]);
	});

	test("that failed is refused with the module's code, or in doubt", () => {
		const agent = new Agent();
		for (const contract of [1, 2, 3, 4]) agent.pay(contract);
		assert.deepEqual(
			agent.hears(
				failed(1, "insufficient-funds"),
				failed(2, "of-a-later-version"),
				failed(3, "timed-out", "perhaps", true),
			),
			[
				"refuse 1: insufficient-funds",
				"refuse 2: payment-refused",
				"refuse 3: payment-in-doubt",
			],
		);
		const [effect] = agent.machine.handle({
			kind: "from-module",
			bytes: failed(4, "busy", ""),
		});
		assert.ok(effect?.kind === "refused");
		assert.equal(effect.error.message, "the module gave no reason");
		assert.deepEqual(agent.hears(failed(1, "busy")), [], "nobody waits");
	});

	test("of what is no amount is refused, and the module does not hear of it", () => {
		const agent = new Agent();
		for (const amount of [0n, -1n, 2n ** 63n]) {
			const [refused, ...more] = agent.pay(1, amount);
			assert.match(refused ?? "", /^refuse \d: invalid-argument$/);
			assert.deepEqual(more, []);
			const [unexpected, ...others] = agent.expect(2, amount);
			assert.match(unexpected ?? "", /^refuse \d: invalid-argument$/);
			assert.deepEqual(others, []);
		}
		assert.deepEqual(agent.pay(1, 2n ** 63n - 1n), ["to module: pay"]);
		assert.deepEqual(agent.expect(2, 1n), ["to module: expect"]);
	});
});

describe("a payment that is to come", () => {
	test("may come, and comes when its head is kept", () => {
		const agent = new Agent();
		assert.deepEqual(agent.expect(1), ["to module: expect"]);
		assert.deepEqual(agent.expect(1), []);
		assert.deepEqual(agent.receive(1), []);
		assert.deepEqual(agent.hears(expecting(1)), ["answer 1", "answer 2"]);
		assert.deepEqual(agent.hears(witness(8n), received(1)), ["keep 8 as 0"]);
		assert.deepEqual(agent.does({ kind: "kept", id: 0 }), [
			`answer 3: ${WITH_RECEIPT}`,
		]);
	});

	test("is remembered until somebody asks, once", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.hears(expecting(1), received(1), received(1));
		assert.deepEqual(agent.receive(1), [`answer 2: ${WITH_RECEIPT}`]);
		assert.deepEqual(agent.receive(1), []);
	});

	test("is remembered for the next when whoever asked gave up", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.receive(1);
		agent.does({ kind: "give-up", ask: 2, error: CUT });
		agent.hears(received(1));
		assert.deepEqual(agent.receive(1), [`answer 3: ${WITH_RECEIPT}`]);
	});

	test("had come before it was expected again", () => {
		const agent = new Agent();
		agent.expect(1);
		assert.deepEqual(agent.hears(received(1)), ["answer 1"]);
		assert.deepEqual(agent.receive(1), [`answer 2: ${WITH_RECEIPT}`]);
	});

	test("that the module does not take is refused to all", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.receive(1);
		assert.deepEqual(agent.hears(failed(1, "limit-exceeded")), [
			"refuse 1: limit-exceeded",
			"refuse 2: limit-exceeded",
		]);
		assert.deepEqual(agent.pay(1), ["to module: pay"], "it is forgotten");
	});

	test("whose head could not be kept is not told of", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.receive(1);
		agent.hears(expecting(1), witness(8n), received(1));
		assert.deepEqual(agent.does({ kind: "not-kept", id: 0, error: DISK }), [
			"refuse 2: store-full",
		]);
		assert.deepEqual(agent.receive(1), ["refuse 3: store-full"]);
	});

	test("that was agreed on may still come when it is expected again on other terms and refused", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.receive(1);
		agent.hears(expecting(1));
		assert.deepEqual(agent.expect(1, 1n), ["to module: expect"]);
		assert.deepEqual(agent.hears(failed(1, "payment-refused")), [
			"refuse 3: payment-refused",
		]);
		assert.deepEqual(agent.hears(received(1)), [`answer 2: ${WITH_RECEIPT}`]);
		agent.expect(1);
		agent.receive(1);
		agent.hears(expecting(1));
		assert.deepEqual(agent.hears(failed(1, "payment-refused")), [
			"refuse 5: payment-refused",
		]);
	});

	test("under a contract is not paid under the same, nor the other way round", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.pay(2);
		assert.deepEqual(agent.pay(1), ["refuse 3: payment-refused"]);
		assert.deepEqual(agent.expect(2), ["refuse 4: payment-refused"]);
		agent.hears(expecting(1));
		assert.deepEqual(agent.pay(1), ["refuse 5: payment-refused"]);
	});
});

describe("a settling", () => {
	test("is answered in the order in which it was asked, and when the head is kept", () => {
		const agent = new Agent();
		assert.deepEqual(agent.settle(), ["to module: settle"]);
		assert.deepEqual(agent.settle(), ["to module: settle"]);
		assert.deepEqual(
			agent.hears(witness(8n), settled(), settled("busy", "later")),
			["keep 8 as 0", "refuse 2: busy"],
		);
		assert.deepEqual(agent.does({ kind: "kept", id: 0 }), ["answer 1"]);
		assert.deepEqual(agent.hears(settled()), [], "nobody waits");
	});

	test("that whoever asked gave up keeps its turn", () => {
		const agent = new Agent();
		agent.settle();
		agent.settle();
		agent.does({ kind: "give-up", ask: 1, error: CUT });
		assert.deepEqual(agent.hears(settled("busy")), []);
		assert.deepEqual(agent.hears(settled()), ["answer 2"]);
	});

	test("that came to nothing for a reason of its own is the issuer's refusal", () => {
		const agent = new Agent();
		agent.settle();
		assert.deepEqual(agent.hears(settled("of-a-later-version")), [
			"refuse 1: issuer-refused",
		]);
	});
});

describe("the end of a tetrad", () => {
	const busy = () => {
		const agent = new Agent();
		agent.pay(1);
		agent.expect(2);
		agent.receive(2);
		agent.settle();
		return agent;
	};

	test("in order leaves payments in doubt and refuses everything else", () => {
		const agent = busy();
		assert.deepEqual(agent.does({ kind: "closed" }), [
			"refuse 1: payment-in-doubt",
			"refuse 2: tetrad-closed",
			"refuse 3: tetrad-closed",
			"refuse 4: tetrad-closed",
			"ended",
		]);
		assert.deepEqual(agent.pay(5), []);
		assert.deepEqual(agent.hears(paid(1)), []);
	});

	test("otherwise says why", () => {
		const agent = busy();
		const effects = agent.machine.handle({ kind: "abort", error: CUT });
		assert.deepEqual(effects.map(inWords), [
			"refuse 1: payment-in-doubt",
			"refuse 2: carrier-failed",
			"refuse 3: carrier-failed",
			"refuse 4: carrier-failed",
			"ended",
		]);
		assert.ok(effects[0]?.kind === "refused");
		assert.equal(effects[0].error.cause, CUT);
	});

	test("waits until what was said before is kept", () => {
		const agent = busy();
		agent.hears(witness(8n), paid(1), witness(9n));
		assert.deepEqual(agent.does({ kind: "closed" }), []);
		assert.deepEqual(agent.pay(5), ["refuse 5: tetrad-closed"]);
		assert.deepEqual(agent.hears(expecting(2)), [], "nothing counts any more");
		assert.deepEqual(agent.does({ kind: "kept", id: 0 }), [
			`answer 1: ${WITH_RECEIPT}`,
		]);
		assert.deepEqual(agent.does({ kind: "not-kept", id: 1, error: DISK }), [
			"refuse 2: tetrad-closed",
			"refuse 3: tetrad-closed",
			"refuse 4: tetrad-closed",
			"ended",
		]);
	});
});

describe("a module that breaks the rules ends the tetrad:", () => {
	const rules: Record<string, Uint8Array> = {
		pay: message(WITH_AGENT.pay, {
			...contractOf(1),
			issuer: idOf("bank.example"),
			currency: "EUR",
			amount: 1n,
			text: "",
		}),
		settle: message(WITH_AGENT.settle, { issuer: idOf("bank.example") }),
		prepare: concat(Uint8Array.of(messages.BETWEEN_MODULES.prepare.type)),
	};
	for (const [name, bytes] of Object.entries(rules))
		test(`${name}, which modules do not send to their agents`, () => {
			const agent = new Agent();
			agent.pay(1);
			assert.deepEqual(agent.hears(bytes), [
				"end: unexpected-message",
				"refuse 1: payment-in-doubt",
				"ended",
			]);
		});

	const all = {
		witness: witness(8n),
		paid: paid(1),
		expecting: expecting(1),
		received: received(1),
		failed: failed(1, "busy"),
		settled: settled("busy", "why"),
	};
	for (const [name, bytes] of Object.entries(all))
		test(`${name} cut short anywhere, with more after it, and of ten megabytes`, () => {
			const changed = [
				...lengthChanges(bytes).filter(({ length }) => length > 0),
				concat(bytes, new Uint8Array(10_000_000)),
			];
			assert.ok(changed.length > bytes.length);
			for (const bad of changed) {
				const agent = new Agent();
				agent.pay(1);
				const [end, ...rest] = agent.hears(bad);
				assert.match(end ?? "", /^end: (malformed|limit-exceeded)$/);
				assert.deepEqual(rest, ["refuse 1: payment-in-doubt", "ended"]);
			}
		});

	test("several messages that hold what is none; what came before it counts", () => {
		const agent = new Agent();
		agent.pay(1);
		agent.pay(2);
		assert.deepEqual(
			agent.hears(...packMessages([paid(1), Uint8Array.of(0x41)])),
			[
				`answer 1: ${WITH_RECEIPT}`,
				"end: malformed",
				"refuse 2: payment-in-doubt",
				"ended",
			],
		);
	});

	test("several messages within several", () => {
		const agent = new Agent();
		const [inner] = packMessages([paid(1), paid(2)]);
		assert.ok(inner);
		const bytes = concat(Uint8Array.of(0x2f), enc(inner, paid(3)));
		assert.deepEqual(agent.hears(bytes), ["end: malformed", "ended"]);
	});
});

test("several messages in one count as if each had come alone", () => {
	const agent = new Agent();
	agent.pay(1);
	agent.expect(2);
	const [packed] = packMessages([witness(8n), paid(1), expecting(2)]);
	assert.ok(packed);
	assert.deepEqual(agent.hears(packed), ["keep 8 as 0", "answer 2"]);
	assert.deepEqual(agent.does({ kind: "kept", id: 0 }), [
		`answer 1: ${WITH_RECEIPT}`,
	]);
});

test("what is not of money is somebody else's", () => {
	const agent = new Agent();
	assert.deepEqual(agent.hears(Uint8Array.of(0x10, 0x61), new Uint8Array()), [
		"other: 1061",
		"other: ",
	]);
});

test("what is not of money is somebody else's among messages of money, too", () => {
	const agent = new Agent();
	agent.expect(2);
	const [packed] = packMessages([expecting(2), Uint8Array.of(0x61, 0x62)]);
	assert.ok(packed);
	assert.deepEqual(agent.hears(packed), ["answer 1", "other: 6162"]);
});

test("1024 of each kind are under way at most, and those that are known take no more room", () => {
	const agent = new Agent();
	const bytes = (i: number) => {
		const contract = new Uint8Array(32);
		new DataView(contract.buffer).setUint32(0, i);
		return contract;
	};
	let ask = 0;
	const asks = (what: "pay" | "expect", i: number) =>
		agent.does({
			kind: what,
			ask: ++ask,
			payment: { ...payment(0), contract: bytes(i) },
			text: "",
		});
	for (let i = 0; i < 1024; i++) {
		assert.deepEqual(asks("pay", i), ["to module: pay"]);
		assert.deepEqual(asks("expect", 10_000 + i), ["to module: expect"]);
		assert.deepEqual(
			agent.does({ kind: "settle", ask: ++ask, issuer: idOf("bank") }),
			["to module: settle"],
		);
	}
	assert.match(asks("pay", 5000)[0] ?? "", /: busy$/);
	assert.match(asks("expect", 5000)[0] ?? "", /: busy$/);
	assert.match(agent.receive(99)[0] ?? "", /: busy$/);
	assert.match(agent.settle()[0] ?? "", /: busy$/);
	assert.deepEqual(asks("pay", 1), []);
});

test("any bytes of a module in any order break nothing", () => {
	const known = [witness(8n), paid(1), expecting(2), received(2), settled()];
	const bytes = fc.oneof(
		fc.uint8Array({ maxLength: 60 }),
		fc.constantFrom(...known),
		fc
			.tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255))
			.map(([of, at, value]) => of.with(at % of.length, value)),
	);
	fc.assert(
		fc.property(fc.array(bytes, { maxLength: 8 }), (all) => {
			const agent = new Agent();
			agent.pay(1);
			agent.expect(2);
			const effects = all.flatMap((one) =>
				agent.machine.handle({ kind: "from-module", bytes: one }),
			);
			for (const effect of effects)
				assert.ok(
					effect.kind !== "ended" || effect.error === undefined,
					"never an internal failure",
				);
		}),
	);
});

describe("a payment that has come while its head cannot be kept", () => {
	test("is lost to nobody when its module has said that it failed before that", () => {
		const agent = new Agent();
		agent.expect(1);
		agent.hears(expecting(1));
		agent.receive(1);
		agent.hears(witness(8n), received(1));
		const refused = agent.hears(failed(1, "payment-refused"));
		assert.equal(refused.length, 1);
		assert.deepEqual(agent.does({ kind: "not-kept", id: 0, error: DISK }), []);
		assert.equal(agent.machine.handle({ kind: "time" }).length, 0);
	});
});
