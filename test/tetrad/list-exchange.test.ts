import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { TetradError } from "../../src/errors.ts";
import {
	encodeBundle,
	encodeListNumbers,
	issueUntrustedList,
	type ListNumber,
	UntrustedLists,
} from "../../src/identity/index.ts";
import { ListExchange, ListMemory } from "../../src/tetrad/index.ts";
import { LIST } from "../../src/tetrad/messages.ts";
import type { ListLimits } from "../../src/tetrad/parameters.ts";
import { concat, LIST_MESSAGE } from "../../src/wire/index.ts";
import {
	DAY,
	makeAuthority,
	makeWorld,
	type TestAuthority,
	type World,
} from "../support/authority.ts";

const LIMITS: ListLimits = {
	everyMs: 1000,
	held: 8,
	lists: 8,
	bytes: 2 ** 22,
};

let world: World;
let now: number;

before(async () => {
	world = await makeWorld();
});
beforeEach(() => {
	now = world.now;
});

async function bundle(
	{ root }: TestAuthority,
	number: bigint,
	entries = 0,
): Promise<Uint8Array> {
	const list = await issueUntrustedList(nodeCrypto, {
		issuer: root,
		number,
		thisUpdate: world.now,
		nextUpdate: world.now + DAY,
		entries: Array.from({ length: entries }, (_, i) => ({
			serial: Uint8Array.of(1, i >> 16, (i >> 8) & 0xff, i & 0xff),
			instant: world.now,
			reason: undefined,
		})),
	});
	return encodeBundle(list, new Uint8Array());
}

/** One end, with a driver that has no disk. */
class End {
	readonly lists: UntrustedLists = new UntrustedLists(nodeCrypto, world.policy);
	readonly memory: ListMemory;
	readonly exchange: ListExchange;

	constructor(memory = 2 ** 24, limits: Partial<ListLimits> = {}) {
		this.memory = new ListMemory(memory);
		this.exchange = new ListExchange({
			lists: this.lists,
			limits: { ...LIMITS, ...limits },
			memory: this.memory,
		});
	}

	take(message: Uint8Array): void {
		const complete = this.exchange.take(message, now);
		if (complete === undefined) return;
		const examined = this.lists.examine(complete, now);
		if (examined.kind === "unusable") return this.exchange.dealt(examined.was);
		examined.enforce();
		if (examined.kind === "newer") this.exchange.changed();
		this.exchange.dealt(examined.list);
	}

	learn(list: Uint8Array): this {
		this.lists.offer(list, now);
		this.exchange.changed();
		return this;
	}

	all(): Uint8Array[] {
		const messages: Uint8Array[] = [];
		for (;;) {
			const message = this.exchange.next(now);
			if (message === undefined) return messages;
			messages.push(message);
		}
	}
}

/** Lets two ends talk until both are silent; returns the kinds of messages that went each way. */
function talk(a: End, b: End): [number[], number[]] {
	const kinds: [number[], number[]] = [[], []];
	for (let silent = 0; silent < 2; ) {
		silent = 0;
		for (const [from, to, sent] of [
			[a, b, kinds[0]],
			[b, a, kinds[1]],
		] as const) {
			const message = from.exchange.next(now);
			if (message === undefined) silent++;
			else {
				sent.push(message[0] ?? 0);
				to.take(message);
			}
		}
	}
	return kinds;
}

const held = (numbers: readonly ListNumber[] = []): Uint8Array =>
	concat(Uint8Array.of(LIST_MESSAGE.held), encodeListNumbers(numbers));

function announce(
	{ authority, number }: ListNumber,
	length: number,
): Uint8Array {
	return concat(
		Uint8Array.of(LIST_MESSAGE.list),
		LIST.encode({
			authority,
			number,
			length,
		}),
	);
}

const part = (bytes: Uint8Array): Uint8Array =>
	concat(Uint8Array.of(LIST_MESSAGE.part), bytes);

const codeOf = (act: () => unknown): string => {
	try {
		act();
		return "nothing";
	} catch (thrown) {
		return (thrown as TetradError).code;
	}
};

/** An end that has said what it holds, and the authority ids of both roots. */
function ready(...more: ConstructorParameters<typeof End>) {
	const end = new End(...more);
	end.all();
	const [agency, bank] = end.lists.numbers();
	assert.ok(agency && bank);
	return { end, agency, bank };
}

describe("two ends", () => {
	test("say what they hold, give what the other lacks, and fall silent", async () => {
		const a = new End().learn(await bundle(world.agency, 3n, 20_000));
		const b = new End()
			.learn(await bundle(world.agency, 2n))
			.learn(await bundle(world.bank, 4n));
		const [fromA, fromB] = talk(a, b);
		for (const { lists } of [a, b])
			assert.deepEqual(
				lists.numbers().map(({ number }) => number),
				[3n, 4n],
			);
		const { held: h, list: l, part: p, taken: t } = LIST_MESSAGE;
		// Twenty thousand entries are over 64 KiB, so A needs several parts.
		assert.ok(fromA.filter((kind) => kind === p).length > 4);
		assert.equal(fromA.filter((kind) => kind === l).length, 1);
		assert.equal(fromB.filter((kind) => kind === l).length, 1);
		assert.equal(fromA.filter((kind) => kind === t).length, 1);
		assert.equal(fromB.filter((kind) => kind === t).length, 1);
		assert.equal(fromA.filter((kind) => kind === h).length, 2);
		assert.ok(!a.exchange.waits && !b.exchange.waits);
	});

	test("of the same mind say so once, and no more", async () => {
		const [fromA, fromB] = talk(new End(), new End());
		assert.deepEqual([fromA, fromB], [[1], [1]]);
	});

	test("give each list once, also to one that does not take it in", async () => {
		const a = new End().learn(await bundle(world.agency, 3n));
		const messages = a.all();
		assert.deepEqual(messages.length, 1);
		a.take(held(new End().lists.numbers()));
		assert.deepEqual(
			a.all().map(([kind]) => kind),
			[LIST_MESSAGE.list, LIST_MESSAGE.part],
		);
		a.take(Uint8Array.of(LIST_MESSAGE.taken));
		a.take(held(new End().lists.numbers()));
		assert.deepEqual(a.all(), []);
	});

	test("do not give a list back to whoever brought it, whatever that one says it holds", async () => {
		const giver = new End();
		const taker = new End();
		talk(giver, taker);
		const list = await bundle(world.bank, 7n);
		// The giver has said that it holds none, and gives one all the same.
		const { authority } = new End()
			.learn(list)
			.lists.numbers()
			.find(({ number }) => number === 7n) as ListNumber;
		const header = LIST.encode({ authority, number: 7n, length: list.length });
		taker.take(concat(Uint8Array.of(LIST_MESSAGE.list), header));
		taker.take(concat(Uint8Array.of(LIST_MESSAGE.part), list));
		assert.equal(taker.lists.list(authority)?.number, 7n);
		const kinds = taker.all().map(([kind]) => kind);
		assert.deepEqual(kinds, [LIST_MESSAGE.taken, LIST_MESSAGE.held]);
		// A newer one that came from elsewhere is given.
		taker.learn(await bundle(world.bank, 8n));
		const later = taker.all().map(([kind]) => kind);
		assert.ok(later.includes(LIST_MESSAGE.list));
	});

	test("give nothing under roots that the other did not name", async () => {
		const a = new End().learn(await bundle(world.agency, 3n));
		a.all();
		a.take(held([]));
		assert.deepEqual(a.all(), []);
	});
});

describe("an end refuses", () => {
	test("messages that are none", () => {
		for (const message of [
			new Uint8Array(),
			Uint8Array.of(0),
			Uint8Array.of(5),
			concat(Uint8Array.of(LIST_MESSAGE.held), Uint8Array.of(1)),
			Uint8Array.of(LIST_MESSAGE.list),
		])
			assert.equal(
				codeOf(() => ready().end.take(message)),
				"malformed",
			);
	});

	test("parts and lists out of turn", async () => {
		const list = await bundle(world.agency, 1n);
		{
			const { end } = ready();
			assert.equal(
				codeOf(() => end.take(part(list))),
				"unexpected-message",
			);
		}
		{
			const { end, agency } = ready();
			end.take(announce({ ...agency, number: 1n }, list.length));
			assert.equal(
				codeOf(() => end.take(announce({ ...agency, number: 2n }, 10))),
				"unexpected-message",
			);
		}
		{
			const { end } = ready();
			assert.equal(
				codeOf(() => end.take(Uint8Array.of(LIST_MESSAGE.taken))),
				"unexpected-message",
			);
		}
		// The next one may not come before this one was dealt with.
		const { end, agency, bank } = ready();
		end.take(announce({ ...agency, number: 1n }, list.length));
		assert.ok(end.exchange.take(part(list), now));
		assert.equal(
			codeOf(() => end.take(announce({ ...bank, number: 1n }, 10))),
			"unexpected-message",
		);
	});

	test("a list before it has said what it holds", () => {
		const { agency } = ready();
		assert.equal(
			codeOf(() => new End().take(announce({ ...agency, number: 1n }, 10))),
			"unexpected-message",
		);
	});

	test("impossible lengths", () => {
		for (const length of [0, 11_546_645, 2 ** 32 - 1]) {
			const { end, agency } = ready(2 ** 30, { bytes: 2 ** 40 });
			assert.equal(
				codeOf(() => end.take(announce({ ...agency, number: 1n }, length))),
				"malformed",
			);
		}
		// The longest that there may be is no fault, whether there is memory for it or not.
		for (const memory of [0, 2 ** 30]) {
			const { end, agency } = ready(memory, { bytes: 11_546_644 });
			end.take(announce({ ...agency, number: 1n }, 11_546_644));
		}
		for (const length of [0, 11, 65_537]) {
			const { end, agency } = ready();
			end.take(announce({ ...agency, number: 1n }, 10));
			assert.equal(
				codeOf(() => end.take(part(new Uint8Array(length)))),
				"malformed",
			);
		}
	});

	test("a replayed list, which it had said that it holds or has newer", async () => {
		const list = await bundle(world.agency, 5n);
		const end = new End().learn(list);
		end.all();
		const [agency] = end.lists.numbers();
		assert.ok(agency);
		for (const number of [5n, 4n, 0n])
			assert.equal(
				codeOf(() => end.take(announce({ ...agency, number }, 10))),
				"list-refused",
			);
	});

	test("a replayed list under a number that it has not", async () => {
		const end = new End().learn(await bundle(world.agency, 5n));
		end.all();
		const [agency] = end.lists.numbers();
		assert.ok(agency);
		const old = await bundle(world.agency, 4n);
		end.take(announce({ ...agency, number: 6n }, old.length));
		assert.equal(
			codeOf(() => end.take(part(old))),
			"list-refused",
		);
		assert.equal(end.lists.list(agency.authority)?.number, 5n);
	});

	test("a list that its authority did not sign, or that was changed", async () => {
		const forged = await bundle(await makeAuthority("agency"), 9n);
		const changed = await bundle(world.agency, 9n);
		changed[changed.length - 10] = (changed.at(-10) ?? 0) ^ 1;
		for (const list of [forged, changed]) {
			const { end, agency } = ready();
			end.take(announce({ ...agency, number: 9n }, list.length));
			assert.match(
				codeOf(() => end.take(part(list))),
				/list-refused|malformed/,
			);
			assert.equal(end.lists.list(agency.authority), undefined);
		}
	});

	test("a flood of words, of lists and of bytes", () => {
		const { end, agency } = ready();
		for (let i = 0; i < LIMITS.held; i++) end.take(held());
		assert.equal(
			codeOf(() => end.take(held())),
			"limit-exceeded",
		);
		now += LIMITS.everyMs;
		end.take(held());

		const other = ready(0).end;
		for (let i = 0; i < LIMITS.lists; i++) {
			other.take(announce({ ...agency, number: 1n }, 1));
			other.take(part(Uint8Array.of(0)));
		}
		assert.equal(
			codeOf(() => other.take(announce({ ...agency, number: 1n }, 1))),
			"limit-exceeded",
		);

		const large = ready().end;
		assert.equal(
			codeOf(() =>
				large.take(announce({ ...agency, number: 1n }, LIMITS.bytes + 1)),
			),
			"limit-exceeded",
		);
	});
});

describe("an end passes over", () => {
	test("a list for which it has no memory, and takes the next", async () => {
		const list = await bundle(world.agency, 1n);
		const { end, agency } = ready(list.length);
		assert.ok(end.memory.take(1));
		end.take(announce({ ...agency, number: 1n }, list.length));
		end.take(part(list));
		assert.equal(end.lists.list(agency.authority), undefined);
		assert.deepEqual(end.all(), [Uint8Array.of(LIST_MESSAGE.taken)]);
		end.memory.give(1);
		end.take(announce({ ...agency, number: 1n }, list.length));
		end.take(part(list));
		assert.equal(end.lists.list(agency.authority)?.number, 1n);
	});

	test("a list that it got elsewhere in the meantime", async () => {
		const { end, agency } = ready();
		end.learn(await bundle(world.agency, 7n));
		const late = await bundle(world.agency, 6n);
		end.take(announce({ ...agency, number: 6n }, late.length));
		end.take(part(late));
		assert.equal(end.lists.list(agency.authority)?.number, 7n);
	});

	test("and gives back the memory of one that never came whole", () => {
		const { end, agency } = ready(100);
		end.take(announce({ ...agency, number: 1n }, 100));
		assert.ok(!end.memory.take(1));
		end.exchange.wipe();
		assert.ok(end.memory.take(100));
	});
});

test("an end sends no more than half of what the other may be sent", async () => {
	const end = new End();
	let words = 0;
	for (let i = 0; i < 100; i++) {
		end.exchange.changed();
		words += end.all().length;
	}
	assert.equal(words, LIMITS.held / 2);
	now += LIMITS.everyMs;
	end.exchange.changed();
	assert.equal(end.all().length, 1);
});

test("an end gives lists of half the bytes that the other may be sent, and no byte more", async () => {
	const list = await bundle(world.agency, 3n);
	const given = (least: number) => {
		const end = new End(2 ** 24, { bytes: 2 * list.length - least });
		end.take(held(new End().lists.numbers()));
		end.learn(list);
		return end.all().map(([kind]) => kind);
	};
	const { held: word, list: header, part: parts } = LIST_MESSAGE;
	assert.deepEqual(given(0), [word, header, parts]);
	assert.deepEqual(given(1), [word]);
});

test("an end takes lists of all the bytes that it may be sent, also over several periods", () => {
	const { end, agency } = ready(0, { bytes: 4 });
	const sent = (length: number) => {
		end.take(announce({ ...agency, number: 1n }, length));
		end.take(part(new Uint8Array(length)));
	};
	// There is no memory for any, and each counts.
	for (let period = 0; period < 2; period++) {
		sent(3);
		sent(1);
		assert.equal(
			codeOf(() => sent(1)),
			"limit-exceeded",
		);
		now += LIMITS.everyMs;
	}
});

test("a list that is too long to be given now does not count as given", async () => {
	const small = await bundle(world.agency, 4n);
	const end = new End(2 ** 24, { lists: 2, bytes: 2 * small.length });
	end.take(held(new End().lists.numbers()));
	end.learn(await bundle(world.agency, 3n, 20));
	assert.equal(end.all().length, 1);
	end.learn(small);
	const kinds = end.all().map(([kind]) => kind);
	const { held: word, list: header, part: parts } = LIST_MESSAGE;
	assert.deepEqual(kinds, [word, header, parts]);
});
