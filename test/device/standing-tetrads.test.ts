/* Which tetrads stand, for how long, and who gets one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Buyer } from "../../src/device/trade/index.ts";
import {
	MAX_STANDING,
	MAX_STANDING_AT_ONE,
} from "../../src/device/trade/limits.ts";
import { StandingTetrads } from "../../src/device/trade/standing-tetrads.ts";
import { utf8 } from "../../src/wire/index.ts";

const HOUR = 3_600_000;
const AT = "shop.example:7000";

/** One side of a tetrad with a merchant, as far as it is looked at. */
class Visit {
	ended = false;
	readonly #over = Promise.withResolvers<void>();
	readonly over: Promise<void> = this.#over.promise;
	readonly tetrad: object;

	constructor(merchant = "bob") {
		const own = { deviceId: utf8("alice") };
		const other = { deviceId: utf8(merchant) };
		const visit = this;
		this.tetrad = {
			place: "A",
			parties: { A: own, X: own, B: other, Y: other },
			export: () => new Uint8Array(32),
			get ended() {
				return visit.ended;
			},
			close: async () => this.end(),
		};
	}

	/** It is over, whoever has ended it: a list, expiry, the other side or this one. */
	end(): void {
		this.ended = true;
		this.#over.resolve();
	}

	get buyer(): Buyer {
		return this as unknown as Buyer;
	}
}

describe("tetrads that stand", () => {
	test("are given to one at a time, and the one that was used last first", async () => {
		const standing = new StandingTetrads(HOUR);
		const [one, two] = [new Visit(), new Visit()];
		await standing.keep(AT, one.buyer);
		await standing.keep(AT, two.buyer);
		assert.equal(standing.take(AT), two.buyer);
		assert.equal(standing.take(AT), one.buyer);
		assert.equal(standing.take(AT), undefined);
	});

	test("are for their own address and merchant alone", async () => {
		const standing = new StandingTetrads(HOUR);
		const visit = new Visit("bob");
		await standing.keep(AT, visit.buyer);
		assert.equal(standing.take("else.example:7000"), undefined);
		assert.equal(standing.take(AT, utf8("mallory")), undefined);
		assert.equal(standing.take(AT, utf8("bob")), visit.buyer);
	});

	test("are not used once they have ended", async () => {
		const standing = new StandingTetrads(HOUR);
		const visit = new Visit();
		await standing.keep(AT, visit.buyer);
		visit.end();
		assert.equal(standing.take(AT), undefined);
		await standing.keep(AT, visit.buyer);
		assert.equal(standing.take(AT), undefined);
	});

	test("are closed when nothing has used them for a while", async (t) => {
		t.mock.timers.enable({ apis: ["setTimeout"] });
		const standing = new StandingTetrads(1000);
		const [idle, used] = [new Visit(), new Visit()];
		await standing.keep(AT, used.buyer);
		assert.equal(standing.take(AT), used.buyer);
		await standing.keep(AT, idle.buyer);
		t.mock.timers.tick(999);
		assert.equal(idle.ended, false);
		t.mock.timers.tick(1);
		assert.equal(idle.ended, true);
		assert.equal(used.ended, false);
		assert.equal(standing.take(AT), undefined);
	});

	test("are so many at one address, and so many in all: the oldest go", async () => {
		const standing = new StandingTetrads(HOUR);
		const here = Array.from(
			{ length: MAX_STANDING_AT_ONE + 2 },
			() => new Visit(),
		);
		for (const { buyer } of here) await standing.keep(AT, buyer);
		assert.deepEqual(
			here.map(({ ended }) => ended),
			here.map((_, i) => i < 2),
		);
		const elsewhere = Array.from({ length: MAX_STANDING }, () => new Visit());
		for (const [i, { buyer }] of elsewhere.entries())
			await standing.keep(`shop${i}.example:7000`, buyer);
		assert.ok(here.every(({ ended }) => ended));
		assert.ok(elsewhere.every(({ ended }) => !ended));
		await standing.close();
	});

	test("are closed with their agent, and none is kept after that, or when none is to be", async () => {
		const standing = new StandingTetrads(HOUR);
		const visit = new Visit();
		await standing.keep(AT, visit.buyer);
		await standing.close();
		assert.ok(visit.ended);
		for (const none of [standing, new StandingTetrads(0)]) {
			const late = new Visit();
			await none.keep(AT, late.buyer);
			assert.ok(late.ended);
			assert.equal(none.take(AT), undefined);
		}
	});
});
