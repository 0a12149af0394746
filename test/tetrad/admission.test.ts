import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { MAX_REMEMBERED as MAX_REMEMBERED_ADDRESSES } from "../../src/tetrad/admission/addresses.ts";
import { MAX_REMEMBERED as MAX_REMEMBERED_CALLERS } from "../../src/tetrad/admission/callers.ts";
import { COOKIE_SECRET_MS } from "../../src/tetrad/admission/cookie-secrets.ts";
import { FairQueue } from "../../src/tetrad/admission/fair-queue.ts";
import {
	Admission,
	type AdmissionEffect,
	type AdmissionEvent,
	LOAD_LIMITS,
	type LoadLimits,
	messages,
	partOf,
} from "../../src/tetrad/index.ts";
import { encodeFrame, FRAME, parseFrame } from "../../src/wire/index.ts";

/** Any offer: nothing reads it here. */
function offerBody(fill = 1): Uint8Array {
	return messages.F1.encode({
		offer: new Uint8Array(10).fill(fill),
		message1: new Uint8Array(2432).fill(fill),
	});
}

const offer = (fill?: number) => encodeFrame(FRAME.offer, offerBody(fill));

const cookieOffer = (cookie: Uint8Array, fill?: number) =>
	encodeFrame(
		FRAME.cookieOffer,
		messages.COOKIE_OFFER.encode({
			cookie,
			...messages.F1.decode(offerBody(fill)),
		}),
	);

class Door {
	now = 1_000_000;
	readonly admission: Admission;
	readonly effects: AdmissionEffect[] = [];

	constructor(limits: Partial<LoadLimits> = {}) {
		this.admission = new Admission(nodeCrypto, { ...LOAD_LIMITS, ...limits });
	}

	give(event: AdmissionEvent): readonly AdmissionEffect[] {
		const effects = this.admission.handle(event, this.now);
		this.effects.push(...effects);
		return effects;
	}

	come(id: number, source: string, port = id): readonly AdmissionEffect[] {
		return this.give({
			kind: "arrived",
			id,
			source,
			peer: `tcp:${source}:${port}`,
		});
	}

	/** Whether one from there is turned away before it comes, while anybody may be told. */
	turnsAway(source: string, mayTell = true): string | undefined {
		return this.admission.turnsAway(source, this.now, mayTell)?.code;
	}

	say(id: number, bytes: Uint8Array): readonly AdmissionEffect[] {
		return this.give({ kind: "frame", id, bytes });
	}

	/** As many offers of one address as there are ids. */
	offer(source: string, ...ids: readonly number[]): void {
		for (const id of ids) {
			this.come(id, source);
			this.say(id, offer());
		}
	}

	/** Comes, sends an offer, and returns the cookie that it gets. */
	ask(id: number, source: string, port = id): Uint8Array {
		this.come(id, source, port);
		return cookieOf(this.say(id, offer()));
	}

	pass(ms: number): readonly AdmissionEffect[] {
		this.now += ms;
		return this.give({ kind: "time" });
	}

	/** Whose offers were handed over, in order. */
	get admitted(): number[] {
		return this.effects.flatMap((one) =>
			one.kind === "admit" ? [one.id] : [],
		);
	}

	/** Who was refused, and why. */
	get refused(): Record<number, string> {
		return Object.fromEntries(
			this.effects.flatMap((one) =>
				one.kind === "refuse" ? [[one.id, one.error.code]] : [],
			),
		);
	}
}

function cookieOf(effects: readonly AdmissionEffect[]): Uint8Array {
	const [only, ...others] = effects;
	assert.deepEqual([only?.kind, others], ["send-frame", []]);
	const { type, body } = parseFrame(
		only?.kind === "send-frame" ? only.bytes : new Uint8Array(),
	);
	assert.equal(type, FRAME.cookie);
	return messages.COOKIE.decode(body).cookie;
}

describe("an agent that is not busy", () => {
	test("works on an offer at once, and on the bytes that came", () => {
		const door = new Door();
		door.come(1, "192.0.2.1");
		const bytes = offer(7);
		const [effect] = door.say(1, bytes);
		assert.deepEqual(effect, { kind: "admit", id: 1, bytes });
		assert.equal(door.admission.counts.working, 1);
		door.give({ kind: "answered", id: 1 });
		assert.equal(door.admission.counts.working, 0);
		assert.equal(door.admission.counts.halfOpen, 1);
		door.give({ kind: "confirmed", id: 1 });
		assert.equal(door.admission.counts.halfOpen, 0);
		assert.equal(door.admission.deadline, undefined);
	});

	test("takes nothing but an offer first", () => {
		const door = new Door();
		const others = {
			1: encodeFrame(FRAME.record, new Uint8Array(40)),
			2: encodeFrame(FRAME.offer, new Uint8Array(40)),
			3: encodeFrame(FRAME.refusal, new Uint8Array(1)),
			4: cookieOffer(new Uint8Array(33)),
			5: encodeFrame(FRAME.cookieOffer, new Uint8Array(40)),
		};
		for (const [id, bytes] of Object.entries(others)) {
			door.come(Number(id), "192.0.2.1");
			door.say(Number(id), bytes);
		}
		assert.deepEqual(door.refused, {
			1: "unexpected-message",
			2: "malformed",
			3: "refused-by-peer",
			4: "authentication-failed",
			5: "malformed",
		});
		assert.equal(door.admission.counts.halfOpen, 0);
	});

	test("cuts who says nothing, and nobody before", () => {
		const door = new Door({ offerMs: 8_000 });
		door.come(1, "192.0.2.1");
		door.now += 3_000;
		door.come(2, "192.0.2.1");
		assert.equal(door.admission.deadline, door.now + 5_000);
		door.pass(4_999);
		assert.deepEqual(door.refused, {});
		door.pass(1);
		assert.deepEqual(door.refused, { 1: "timed-out" });
		door.pass(3_000);
		assert.deepEqual(door.refused, { 1: "timed-out", 2: "timed-out" });
	});
});

describe("a cookie", () => {
	const busy = { busyFrom: 0 };

	test("is asked for before any work, is shorter than the offer, and lets it in", () => {
		const door = new Door(busy);
		door.come(1, "192.0.2.1");
		const asked = door.say(1, offer());
		const cookie = cookieOf(asked);
		const [effect] = asked;
		assert.ok(
			effect?.kind === "send-frame" && effect.bytes.length < offer().length,
		);
		assert.deepEqual(door.admitted, []);
		const [admitted] = door.say(1, cookieOffer(cookie));
		assert.deepEqual(admitted, { kind: "admit", id: 1, bytes: offer() });
	});

	test("is of one address, port and all", () => {
		const door = new Door(busy);
		const cookie = door.ask(1, "192.0.2.1", 4000);
		door.come(2, "192.0.2.2", 4000);
		door.say(2, cookieOffer(cookie));
		// Another connection of the same address: a replay.
		door.come(3, "192.0.2.1", 4001);
		door.say(3, cookieOffer(cookie));
		assert.deepEqual(door.refused, {
			2: "authentication-failed",
			3: "authentication-failed",
		});
		assert.deepEqual(door.admitted, []);
	});

	test("of another process of the same agent is none here", () => {
		const [one, other] = [new Door(busy), new Door(busy)];
		const cookie = one.ask(1, "192.0.2.1", 4000);
		other.come(1, "192.0.2.1", 4000);
		other.say(1, cookieOffer(cookie));
		assert.deepEqual(other.refused, { 1: "authentication-failed" });
		one.say(1, cookieOffer(cookie));
		assert.deepEqual(one.admitted, [1]);
	});

	test("is of one offer", () => {
		const door = new Door(busy);
		const cookie = door.ask(1, "192.0.2.1");
		door.say(1, cookieOffer(cookie, 2));
		assert.deepEqual(door.refused, { 1: "authentication-failed" });
	});

	test("is good for a while, after its secret was followed by another", () => {
		const door = new Door({ ...busy, offerMs: 60_000 });
		const [early, late] = [door.ask(1, "192.0.2.1"), door.ask(2, "192.0.2.1")];
		door.now += COOKIE_SECRET_MS;
		// Another cookie makes another secret.
		assert.notDeepEqual(door.ask(3, "192.0.2.1"), early);
		door.say(1, cookieOffer(early));
		assert.deepEqual(door.admitted, [1]);
		door.now += COOKIE_SECRET_MS;
		door.ask(4, "192.0.2.1");
		door.say(2, cookieOffer(late));
		assert.deepEqual(door.refused, { 2: "authentication-failed" });
	});

	test("of a secret that is long gone is refused although its first byte comes again", () => {
		const door = new Door({ ...busy, offerMs: 1e9 });
		const cookie = door.ask(1, "192.0.2.1");
		door.now += 256 * COOKIE_SECRET_MS;
		assert.equal(door.ask(2, "192.0.2.1")[0], cookie[0]);
		door.say(1, cookieOffer(cookie));
		assert.deepEqual(door.refused, { 1: "authentication-failed" });
	});

	test("of another run of the agent is refused", () => {
		const cookie = new Door(busy).ask(1, "192.0.2.1");
		const door = new Door(busy);
		door.come(1, "192.0.2.1");
		door.say(1, cookieOffer(cookie));
		assert.deepEqual(door.refused, { 1: "authentication-failed" });
	});

	test("with any bit changed is refused", () => {
		const door = new Door({
			...busy,
			burstOfAddress: 1e6,
			halfOpenOfAddress: 1e6,
			halfOpen: 1e6,
		});
		const bits = 33 * 8;
		for (let bit = 0; bit < bits; bit++) {
			const cookie = door.ask(bit, "192.0.2.1");
			assert.equal(cookie.length * 8, bits);
			cookie[bit >> 3] = (cookie[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			door.say(bit, cookieOffer(cookie));
		}
		assert.deepEqual(door.admitted, []);
		assert.equal(door.admission.counts.refused, bits);
	});

	test("is asked for once: the offer again without it, or it twice, is out of turn", () => {
		const door = new Door(busy);
		door.ask(1, "192.0.2.1");
		door.say(1, offer());
		assert.deepEqual(door.refused, { 1: "unexpected-message" });
	});

	test("is not asked for again after another suite was", () => {
		const door = new Door(busy);
		const cookie = door.ask(1, "192.0.2.1");
		door.say(1, cookieOffer(cookie));
		door.give({ kind: "retried", id: 1 });
		assert.equal(door.admission.counts.working, 0);
		door.say(1, offer(2));
		assert.deepEqual(door.admitted, [1, 1]);
		door.give({ kind: "retried", id: 1 });
		door.say(1, cookieOffer(cookie));
		assert.deepEqual(door.refused, { 1: "unexpected-message" });
	});

	test("that is not sent back holds a connection no longer than silence", () => {
		const door = new Door(busy);
		door.ask(1, "192.0.2.1");
		door.pass(LOAD_LIMITS.offerMs);
		assert.deepEqual(door.refused, { 1: "timed-out" });
	});
});

describe("what is worked on", () => {
	test("is so much at once, and the rest has to come with a cookie and waits its turn", () => {
		const door = new Door({ working: 2, workingOfAddress: 2 });
		door.offer("192.0.2.1", 1, 2);
		const cookie = door.ask(3, "192.0.2.1");
		door.say(3, cookieOffer(cookie));
		assert.deepEqual(door.admitted, [1, 2]);
		assert.equal(door.admission.counts.waiting, 1);
		door.give({ kind: "answered", id: 1 });
		assert.deepEqual(door.admitted, [1, 2, 3]);
		// The end of a connection is as good as its answer.
		door.say(4, offer());
		const another = door.ask(5, "192.0.2.1");
		door.say(5, cookieOffer(another));
		door.give({ kind: "gone", id: 2 });
		assert.deepEqual(door.admitted, [1, 2, 3, 5]);
	});

	test("is shared by address: a long line holds up nobody else", () => {
		const door = new Door({ working: 1, workingOfAddress: 1 });
		const wait = (id: number, source: string) =>
			door.say(id, cookieOffer(door.ask(id, source)));
		door.offer("192.0.2.9", 99);
		for (let id = 1; id <= 20; id++) wait(id, "192.0.2.1");
		wait(21, "192.0.2.2");
		wait(22, "192.0.2.3");
		wait(23, "192.0.2.2");
		for (let turn = 0; turn < 6; turn++)
			door.give({ kind: "answered", id: door.admitted.at(-1) ?? 0 });
		assert.deepEqual(door.admitted, [99, 1, 21, 22, 2, 23, 3]);
	});

	test("is of one address only so much, also when nothing else waits", () => {
		const door = new Door({ working: 16, workingOfAddress: 2 });
		door.offer("192.0.2.1", 1, 2, 3);
		assert.deepEqual(door.admitted, [1, 2]);
		door.offer("192.0.2.2", 4);
		assert.deepEqual(door.admitted, [1, 2, 4]);
	});

	test("an offer whose turn does not come in time is told that the agent is busy", () => {
		const door = new Door({ working: 1, workingOfAddress: 1 });
		door.offer("192.0.2.1", 1);
		door.say(2, cookieOffer(door.ask(2, "192.0.2.2")));
		door.pass(LOAD_LIMITS.waitMs - 1);
		assert.deepEqual(door.refused, {});
		door.pass(1);
		assert.deepEqual(door.refused, { 2: "busy" });
		door.give({ kind: "answered", id: 1 });
		assert.deepEqual(door.admitted, [1]);
	});

	test("an offer for which there is no room is told so, or who has most of the room", () => {
		const door = new Door({ working: 1, workingOfAddress: 1, waiting: 3 });
		const wait = (id: number, source: string) =>
			door.say(id, cookieOffer(door.ask(id, source)));
		door.offer("192.0.2.9", 99);
		for (const id of [1, 2, 3]) wait(id, "192.0.2.1");
		wait(4, "192.0.2.1");
		assert.deepEqual(door.refused, { 4: "busy" });
		wait(5, "192.0.2.2");
		assert.deepEqual(door.refused, { 3: "busy", 4: "busy" });
		assert.equal(door.admission.counts.waiting, 3);
		for (let turn = 0; turn < 4; turn++)
			door.give({ kind: "answered", id: door.admitted.at(-1) ?? 0 });
		assert.deepEqual(door.admitted, [99, 1, 5, 2]);
	});

	test("whoever speaks out of turn while it waits loses its place", () => {
		const door = new Door({ working: 1, workingOfAddress: 1 });
		door.offer("192.0.2.1", 1);
		door.say(2, cookieOffer(door.ask(2, "192.0.2.2")));
		door.say(2, offer());
		assert.deepEqual(door.refused, { 2: "unexpected-message" });
		assert.equal(door.admission.counts.waiting, 0);
	});
});

describe("the line of offers", () => {
	test("has a limit for each address, and one for all that cuts the longest", () => {
		const queue = new FairQueue(4, 3);
		for (const id of [1, 2, 3]) assert.equal(queue.push("a", id), undefined);
		assert.equal(queue.push("a", 4), 4);
		assert.equal(queue.push("b", 5), undefined);
		// All is full: the last of the longest line makes room, until no line is longer.
		assert.equal(queue.push("c", 6), 3);
		assert.equal(queue.push("c", 7), 7);
		assert.equal(queue.size, 4);
		const order = [1, 2, 3, 4, 5].map(() => queue.next(() => true));
		assert.deepEqual(order, [1, 5, 6, 2, undefined]);
		assert.equal(queue.size, 0);
	});

	test("gives no turn to an address that may not have one", () => {
		const queue = new FairQueue(4, 4);
		queue.push("a", 1);
		queue.push("b", 2);
		assert.equal(
			queue.next((source) => source === "b"),
			2,
		);
		assert.equal(
			queue.next((source) => source === "b"),
			undefined,
		);
		queue.remove("a", 1);
		assert.equal(queue.size, 0);
	});
});

describe("connections", () => {
	test("of one address are so many half open, and so many a second", () => {
		const door = new Door({
			halfOpenOfAddress: 2,
			perSecondOfAddress: 10,
			burstOfAddress: 3,
		});
		for (const id of [1, 2, 3]) door.come(id, "192.0.2.1");
		assert.deepEqual(door.refused, { 3: "busy" });
		door.give({ kind: "gone", id: 1 });
		door.come(4, "192.0.2.1");
		assert.deepEqual(door.refused, { 3: "busy", 4: "busy" });
		door.come(5, "192.0.2.2");
		door.now += 100;
		door.come(6, "192.0.2.1");
		assert.deepEqual(Object.keys(door.refused), ["3", "4"]);
	});

	test("of one address are so many at one moment, also when its time goes backwards", () => {
		const door = new Door({ perSecondOfAddress: 1000, burstOfAddress: 3 });
		for (const id of [1, 2, 3, 4, 5]) door.come(id, "192.0.2.1");
		door.now -= 60_000;
		door.come(6, "192.0.2.1");
		assert.deepEqual(door.refused, { 4: "busy", 5: "busy", 6: "busy" });
		door.now += 1;
		door.come(7, "192.0.2.1");
		assert.deepEqual(Object.keys(door.refused), ["4", "5", "6"]);
	});

	test("that are too many make room for an address that has fewer, oldest first", () => {
		const door = new Door({ halfOpen: 4 });
		for (const id of [1, 2, 3]) door.come(id, "192.0.2.1");
		door.come(4, "192.0.2.2");
		door.come(5, "192.0.2.3");
		assert.deepEqual(door.refused, { 1: "busy" });
		door.come(6, "192.0.2.3");
		assert.deepEqual(door.refused, { 1: "busy", 2: "busy" });
		// Nobody has more than this one now.
		door.come(7, "192.0.2.3");
		assert.deepEqual(door.refused, { 1: "busy", 2: "busy", 7: "busy" });
		assert.equal(door.admission.counts.halfOpen, 4);
	});

	test("that stay when others of their address have left are still the ones to make room", () => {
		const door = new Door({ halfOpen: 2 });
		for (const id of [1, 2]) door.come(id, "192.0.2.1");
		door.give({ kind: "gone", id: 1 });
		door.come(3, "192.0.2.2");
		door.come(4, "192.0.2.3");
		assert.deepEqual(door.refused, { 2: "busy" });
	});

	test("that are forgotten say nothing any more", () => {
		const door = new Door();
		door.come(1, "192.0.2.1");
		door.give({ kind: "gone", id: 1 });
		assert.deepEqual(door.say(1, offer()), []);
		assert.deepEqual(door.give({ kind: "answered", id: 1 }), []);
	});
});

describe("agents that have proved who they are", () => {
	const [alice, bob] = [Uint8Array.of(1), Uint8Array.of(2)];

	test("have so many tetrads at once", () => {
		const { admission } = new Door({ tetradsOfDevice: 2, tetrads: 3 });
		const over = admission.caller(alice, 0);
		admission.caller(alice, 0);
		assert.throws(() => admission.caller(alice, 0), { code: "busy" });
		admission.caller(bob, 0);
		assert.throws(() => admission.caller(bob, 0), { code: "busy" });
		over();
		over();
		admission.caller(alice, 0);
		assert.throws(() => admission.caller(bob, 0), { code: "busy" });
	});

	test("call so often in a minute", () => {
		const { admission } = new Door({ perMinuteOfDevice: 2 });
		for (const at of [0, 1_000]) admission.caller(alice, at)();
		assert.throws(() => admission.caller(alice, 2_000), { code: "busy" });
		admission.caller(bob, 2_000)();
		admission.caller(alice, 32_000)();
		assert.throws(() => admission.caller(alice, 33_000), { code: "busy" });
	});
});

describe("a connection that nothing was made for yet", () => {
	const source = "192.0.2.1";

	test("is turned away where it would be refused and not told so, and nowhere else", () => {
		for (const limits of [
			{ perSecondOfAddress: 4, burstOfAddress: 4 },
			{ halfOpenOfAddress: 4 },
			{ halfOpen: 4 },
		]) {
			const door = new Door(limits);
			for (const id of [1, 2, 3, 4]) {
				assert.equal(door.turnsAway(source, false), undefined);
				door.come(id, source);
			}
			// Somebody may be told.
			assert.equal(door.turnsAway(source, true), undefined);
			assert.equal(door.turnsAway(source, false), "busy");
			const [told] = door.come(5, source);
			assert.equal(told?.kind === "refuse" && told.mayBeTold, true);
			assert.equal(door.admission.counts.refused, 2);
			assert.equal(door.admission.counts.halfOpen, 4);
			// Whoever has less half open than another takes its place when all is full.
			assert.equal(door.turnsAway("192.0.2.2", false), undefined);
		}
	});

	test("counts against its address as if it had come", () => {
		const door = new Door({
			...{ perSecondOfAddress: 1, burstOfAddress: 3 },
			halfOpenOfAddress: 1,
		});
		door.come(1, source);
		for (let i = 0; i < 5; i++)
			assert.equal(door.turnsAway(source, false), "busy");
		door.give({ kind: "gone", id: 1 });
		assert.equal(door.turnsAway(source, false), "busy");
		door.now += 1000;
		assert.equal(door.turnsAway(source, false), undefined);
	});

	test("is one of so many a second of its address who are told", () => {
		const door = new Door({ halfOpenOfAddress: 1 });
		door.come(1, source);
		let id = 1;
		const toldNow = (from: string) => {
			let count = 0;
			for (let i = 0; i < 100; i++) {
				if (door.turnsAway(from) !== undefined) continue;
				const [said] = door.come(++id, from);
				assert.ok(said?.kind === "refuse" && said.mayBeTold);
				count++;
			}
			return count;
		};
		assert.equal(toldNow(source), 32);
		door.now += 1000;
		assert.equal(toldNow(source), 8);
		// One that nobody asked about before is cut off as well.
		const [said] = door.come(++id, source);
		assert.equal(said?.kind === "refuse" && said.mayBeTold, false);
		// That is nobody else's loss.
		door.come(++id, "192.0.2.2");
		assert.equal(toldNow("192.0.2.2"), 32);
	});
});

describe("who is remembered", () => {
	/** Addresses that came and left, as many as an agent remembers, less so many. */
	const addresses = function* (less: number) {
		for (let n = 0; n < MAX_REMEMBERED_ADDRESSES - less; n++)
			yield `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
	};
	/** One came and left, one is there, and then so many others were there. */
	const remembering = (less: number) => {
		const door = new Door({ perSecondOfAddress: 1, burstOfAddress: 1 });
		door.come(1, "192.0.2.1");
		door.give({ kind: "gone", id: 1 });
		door.come(2, "192.0.2.2");
		let id = 10;
		for (const source of addresses(less)) {
			door.come(++id, source);
			door.give({ kind: "gone", id });
		}
		assert.deepEqual(door.refused, {});
		return door;
	};

	test("of addresses, all but the one that has been longest away when there are too many", () => {
		const door = remembering(0);
		door.come(3, "192.0.2.1");
		assert.deepEqual(door.refused, {});
	});

	test("of addresses, everybody as long as there is room", () => {
		const door = remembering(1);
		door.come(3, "192.0.2.1");
		assert.deepEqual(door.refused, { 3: "busy" });
	});

	test("of addresses, whoever is there, however many come", () => {
		const door = remembering(0);
		door.come(3, "192.0.2.2");
		assert.deepEqual(door.refused, { 3: "busy" });
	});

	/** The same of agents that have proved who they are. */
	const called = (less: number) => {
		const { admission } = new Door({ perMinuteOfDevice: 1 });
		const device = (first: number, n: number) =>
			Uint8Array.of(first, n >> 8, n & 255);
		const call = (first: number, n = 0) =>
			admission.caller(device(first, n), 0);
		call(1)();
		call(2);
		for (let n = 0; n < MAX_REMEMBERED_CALLERS - less; n++) call(3, n)();
		return call;
	};

	test("of agents, all but the one that has been longest away when there are too many", () => {
		const call = called(0);
		call(1)();
		assert.throws(() => call(2), { code: "busy" });
	});

	test("of agents, everybody as long as there is room", () => {
		const call = called(1);
		assert.throws(() => call(1), { code: "busy" });
	});
});

test("a flood of a thousand addresses leaves nothing behind and passes no limit", () => {
	const door = new Door();
	let id = 0;
	let last = 0;
	for (let round = 0; round < 5; round++)
		for (let host = 0; host < 1000; host++) {
			door.come(++id, `10.0.${host >> 8}.${host & 255}`);
			const [said] = door.say(id, offer());
			if (said?.kind === "admit") last = id;
			if (said?.kind === "send-frame" && id % 2 === 0)
				door.say(id, cookieOffer(cookieOf([said])));
			const { halfOpen, waiting, working } = door.admission.counts;
			assert.ok(halfOpen <= LOAD_LIMITS.halfOpen);
			assert.ok(waiting <= LOAD_LIMITS.waiting);
			assert.ok(working <= LOAD_LIMITS.working);
			if (id % 7 === 0) door.give({ kind: "answered", id: last });
		}
	for (let one = 1; one <= id; one++) door.give({ kind: "gone", id: one });
	assert.deepEqual(
		{ ...door.admission.counts, admitted: 0, cookies: 0, refused: 0 },
		{
			admitted: 0,
			cookies: 0,
			refused: 0,
			halfOpen: 0,
			waiting: 0,
			working: 0,
		},
	);
	assert.equal(door.admission.deadline, undefined);
});

describe("the limits of one of several processes of an agent", () => {
	test("are its part of what one caller may take, and its own for what it works on", () => {
		const limits = partOf(LOAD_LIMITS, 3);
		assert.deepEqual(
			{ ...LOAD_LIMITS, ...limits },
			{
				...LOAD_LIMITS,
				halfOpenOfAddress: 22,
				perSecondOfAddress: 11,
				burstOfAddress: 86,
				tetradsOfDevice: 11,
				perMinuteOfDevice: 200,
			},
		);
	});

	test("let one caller take no more of all of them than its part of each, and always something", () => {
		for (const processes of [1, 2, 5, 64]) {
			const { burstOfAddress } = partOf(LOAD_LIMITS, processes);
			const doors = Array.from(
				{ length: processes },
				() => new Door({ ...partOf(LOAD_LIMITS, processes), halfOpen: 1e4 }),
			);
			let taken = 0;
			for (const door of doors)
				for (let id = 1; id <= LOAD_LIMITS.burstOfAddress; id++) {
					if (door.turnsAway("192.0.2.1", false) !== undefined) continue;
					door.come(id, "192.0.2.1");
					door.give({ kind: "gone", id });
					taken++;
				}
			assert.equal(taken, processes * burstOfAddress);
			assert.ok(taken < LOAD_LIMITS.burstOfAddress + processes);
		}
		assert.ok(
			Object.values(partOf(LOAD_LIMITS, 10_000)).every((limit) => limit >= 1),
		);
	});
});
