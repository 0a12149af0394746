/* What a purse knows of a mint, and when it asks it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../../src/errors.ts";
import { PlayMint } from "../../../src/mint/index.ts";
import { encodeKeyset, parseKeyset } from "../../../src/money/cashu/index.ts";
import { EcashBook } from "../../../src/money/purse/ecash/book.ts";
import type { EcashJobOf } from "../../../src/money/purse/ecash/jobs.ts";
import { Mints } from "../../../src/money/purse/ecash/mints.ts";
import type {
	EcashParts,
	TrustedMint,
} from "../../../src/money/purse/ecash/parts.ts";
import type { KeysetRow } from "../../../src/money/purse/ecash-tables.ts";
import { hex, parseUtf8 } from "../../../src/wire/index.ts";
import { crypto, ecash, hash, json } from "../cashu/test-mint.ts";

type Request = Parameters<PlayMint["handle"]>[0];

const issuer = hash("the id of a mint");
const of: TrustedMint = {
	...{ issuer, name: "mint.example", isPlay: true, unit: "sat" },
	...{ currency: { code: "SAT", exponent: 0 }, url: "https://mint.example" },
};

/** Far later than a mint is believed, in milliseconds. */
const DAY = 86_400_000;

/** The mints of a purse that knows one, and the mint behind them. */
class Asker {
	readonly mint = PlayMint.create(hash("a mint"), {});
	readonly core = {
		now: 1_800_000_000_000,
		options: { context: { crypto } },
		trouble: (error: TetradError) => void this.troubles.push(error.code),
	};
	readonly troubles: string[] = [];
	readonly paths: string[] = [];
	readonly mints: Mints;
	/** Keysets that were written down, and ids of those that were taken out, in hexadecimal. */
	readonly kept: KeysetRow[] = [];
	readonly dropped: string[] = [];
	#waiting: Request | undefined;

	/** `kept` are keysets that are durable. */
	constructor(kept: readonly KeysetRow[] = []) {
		const parts = {
			core: this.core,
			options: { crypto: ecash, seed: new Uint8Array(64), mints: [of] },
			ask: (_: unknown, url: string, request: Request) => {
				assert.equal(url, of.url);
				assert.equal(
					this.#waiting,
					undefined,
					"it is asked one thing at a time",
				);
				this.#waiting = request;
				this.paths.push(request.path);
			},
			transact: (job: EcashJobOf<"keeping-keysets">) => {
				this.kept.push(...job.rows);
				this.dropped.push(...job.gone.map(({ keyset }) => hex(keyset)));
				this.mints.keysetsKept(job);
			},
		} as unknown as EcashParts;
		const book = new EcashBook(crypto, [of], [], new Map());
		this.mints = new Mints(parts, kept, book);
	}

	/** Answers all that is asked, until something has come of it; `change` may answer otherwise. */
	answer(
		change: (path: string) => object | undefined = () => undefined,
	): boolean {
		let isNews = false;
		for (let i = 0; this.#waiting !== undefined; i++) {
			assert.ok(i < 1000);
			isNews = this.answerOne(change);
		}
		return isNews;
	}

	answerOne(
		change: (path: string) => object | undefined = () => undefined,
	): boolean {
		const request = this.#waiting;
		assert.ok(request);
		this.#waiting = undefined;
		const other = change(request.path);
		const answer = this.mint.handle(request, this.core.now);
		return this.mints.answered(
			issuer,
			other === undefined ? answer : { status: 200, body: json(other) },
		);
	}

	fail(): void {
		this.#waiting = undefined;
		const error = new TetradError("carrier-failed", "no");
		assert.ok(this.mints.notAnswered(issuer, error));
	}

	/** Answers what is asked with a refusal. */
	refuse(status: number): boolean {
		this.#waiting = undefined;
		const body = json({ detail: "no", code: 12001 });
		return this.mints.answered(issuer, { status, body });
	}

	pass(milliseconds: number): void {
		this.core.now += milliseconds;
		this.mints.time();
	}

	/** By ten years. */
	setAhead(): void {
		this.core.now += 3_650 * DAY;
	}

	/** Answers with when it wants to be told of the time. */
	setRight(): readonly number[] {
		this.core.now -= 3_650 * DAY;
		return [...this.mints.deadlines()];
	}

	get code(): string | undefined {
		return this.mints.whyNot(issuer)?.code;
	}
}

describe("a mint that is asked what it is", () => {
	test("has its keysets written down once, and again when they change", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		const [first, ...others] = asker.kept;
		assert.ok(first);
		assert.equal(others.length, 0);
		assert.deepEqual(first.keyset, asker.mints.active(issuer).id);
		asker.pass(3_600_000);
		asker.answer();
		assert.equal(asker.kept.length, 1);
		asker.mint.rotateAll();
		asker.pass(3_600_000);
		asker.answer();
		// The one before, which it signs with no more, and the new one.
		assert.equal(asker.kept.length, 3);
	});

	test("is known by what was written down while it is away, and nothing new is begun there", () => {
		const before = new Asker();
		before.mints.time();
		before.answer();
		const asker = new Asker(before.kept);
		const { id, keys } = before.mints.active(issuer);
		assert.deepEqual(asker.mints.keysets(issuer)?.get(id)?.keys, keys);
		asker.mints.time();
		asker.fail();
		assert.equal(asker.code, "busy");
		assert.deepEqual(asker.mints.active(issuer).id, id);
	});

	test("is refused when it has other keys than were written down", () => {
		const before = new Asker();
		before.mints.time();
		before.answer();
		const other = new Asker(
			before.kept.map((row) => {
				const keyset = parseKeyset(row.said);
				const [key] = [...keyset.keys.values()].slice(-1);
				assert.ok(key);
				const keys = new Map([...keyset.keys].map(([amount]) => [amount, key]));
				return { ...row, said: encodeKeyset({ ...keyset, keys }) };
			}),
		);
		other.mints.time();
		other.answer();
		assert.equal(other.code, "authentication-failed");
	});

	test("is known when it has said all of it, and believed for an hour", () => {
		const asker = new Asker();
		assert.equal(asker.code, "busy");
		asker.mints.time();
		assert.ok(asker.answer());
		assert.equal(asker.code, undefined);
		assert.deepEqual(asker.paths, ["/v1/info", "/v1/keysets", "/v1/keys"]);
		assert.ok(asker.mints.active(issuer).isActive);
		asker.pass(3_599_000);
		assert.equal(asker.paths.length, 3);
		asker.pass(1_000);
		assert.equal(asker.paths.length, 4);
		// What was known stays while it is asked.
		assert.equal(asker.code, undefined);
	});

	test("is asked for the keys of keysets that it signs no more with", () => {
		const asker = new Asker();
		asker.mint.rotateAll();
		asker.mints.time();
		assert.ok(asker.answer());
		assert.equal(asker.paths.length, 4);
		assert.match(asker.paths[3] ?? "", /^\/v1\/keys\/[0-9a-f]+$/);
		assert.equal(asker.mints.keysets(issuer)?.all().length, 2);
	});

	test("is asked for all of them that it may tell of, also where what the purse has is of the last", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		const { id } = asker.mints.active(issuer);
		for (let i = 0; i < 69; i++) asker.mint.rotateAll();
		asker.pass(DAY);
		const path = "/v1/keysets";
		const body = new Uint8Array();
		const said = asker.mint.handle({ method: "GET", path, body }, 0);
		const { keysets } = JSON.parse(parseUtf8(said.body));
		asker.answer((asked) =>
			asked === path ? { keysets: keysets.toReversed() } : undefined,
		);
		assert.equal(asker.code, undefined);
		assert.equal(asker.mints.keysets(issuer)?.all().length, 70);
		assert.ok(asker.mints.keysets(issuer)?.get(id));
	});

	test("has those taken out that it does not tell of any more, where it tells of as many others as there may be", () => {
		const before = new Asker();
		before.mints.time();
		before.answer();
		const [row] = before.kept;
		assert.ok(row);
		const keyset = parseKeyset(row.said);
		// It knew so many, and now tells of one that is none of them.
		const many = Array.from({ length: 256 }, (_, number) => {
			const id = Uint8Array.of(1, ...hash(`${number}`));
			const said = encodeKeyset({ ...keyset, id, isActive: false });
			return { ...row, keyset: id, said };
		});
		const asker = new Asker(many);
		asker.mints.time();
		asker.answer();
		assert.equal(asker.mints.keysets(issuer)?.all().length, 256);
		assert.deepEqual(asker.dropped, [hex(many.at(-1)?.keyset ?? hash(""))]);
		asker.pass(DAY);
		asker.answer();
		assert.equal(asker.dropped.length, 1);
	});

	test("of more keysets than are taken is told as that, and not as one that was not reached", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		asker.pass(DAY);
		const many = Array.from({ length: 257 }, (_, number) => ({
			...{ id: `01${hex(hash(`${number}`))}`, unit: "sat", active: false },
		}));
		asker.answer((path) =>
			path === "/v1/keysets" ? { keysets: many } : undefined,
		);
		const why = asker.mints.whyNot(issuer);
		assert.equal(why?.code, "limit-exceeded");
		assert.equal(
			why.message,
			"the mint has 257 keysets, and this purse takes 256 of one mint at most: nothing is paid or sold there",
		);
		assert.deepEqual(asker.troubles, ["limit-exceeded"]);
		// What was there goes on with the keysets that are known, and it may have fewer again.
		assert.equal(asker.mints.keysets(issuer)?.all().length, 1);
		asker.mints.need(issuer);
		asker.pass(10_000);
		asker.answer();
		assert.equal(asker.mints.whyNot(issuer), undefined);
	});

	test("is asked again after a while when it does not answer", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.fail();
		asker.pass(9_999);
		assert.equal(asker.paths.length, 1);
		asker.pass(1);
		assert.equal(asker.paths.length, 2);
		assert.deepEqual([...asker.mints.deadlines()], []);
	});

	test("and does not is asked less and less often, and never more seldom than every ten minutes", () => {
		const asker = new Asker();
		asker.mints.time();
		for (const wait of [10, 20, 40, 80, 160, 320, 600, 600]) {
			asker.fail();
			const asked = asker.paths.length;
			asker.pass(wait * 1000 - 1);
			assert.equal(asker.paths.length, asked, `${wait}`);
			assert.deepEqual([...asker.mints.deadlines()], [asker.core.now + 1]);
			asker.pass(1);
			assert.equal(asker.paths.length, asked + 1, `${wait}`);
		}
		// As soon as it has answered, it is asked as before.
		asker.answer();
		asker.pass(3_600_000);
		asker.fail();
		asker.pass(10_000);
		assert.equal(asker.paths.length, 13);
	});

	test("is asked at once when somebody needs it, and soon again", () => {
		const asker = new Asker();
		asker.mints.time();
		for (let i = 0; i < 6; i++) {
			asker.fail();
			asker.pass(600_000);
		}
		asker.fail();
		assert.equal(asker.paths.length, 7);
		// Whoever makes others need it does not have it asked without end.
		for (let i = 0; i < 100; i++) asker.mints.need(issuer);
		assert.equal(asker.paths.length, 7);
		asker.pass(1_000);
		assert.equal(asker.paths.length, 8);
		asker.mints.need(issuer);
		asker.fail();
		asker.pass(10_000);
		assert.equal(asker.paths.length, 9);
		asker.answer();
		assert.equal(asker.code, undefined);
		asker.mints.need(issuer);
		assert.equal(asker.paths.length, 11);
	});

	test("that is refused is asked again when somebody needs it, and not before ten seconds", () => {
		const asker = new Asker();
		const cannot = (path: string) =>
			path === "/v1/info" ? { nuts: {} } : undefined;
		asker.mints.time();
		for (let i = 0; i < 6; i++) {
			asker.answer(cannot);
			asker.pass(600_000);
		}
		asker.answer(cannot);
		asker.mints.need(issuer);
		asker.pass(9_999);
		assert.equal(asker.code, "issuer-refused");
		asker.pass(1);
		asker.answer();
		assert.equal(asker.code, undefined);
	});

	test("is asked no later than it would have been when the clock was ahead and is set right", () => {
		const asker = new Asker();
		asker.setAhead();
		asker.mints.time();
		asker.fail();
		assert.deepEqual(asker.setRight(), [asker.core.now + 10_000]);
		asker.mints.need(issuer);
		asker.pass(1_000);
		assert.equal(asker.paths.length, 2);
		asker.setAhead();
		asker.answer();
		assert.deepEqual(asker.setRight(), [asker.core.now + 3_600_000]);
		asker.pass(10_000);
		asker.mints.askAnew(issuer);
		assert.equal(asker.paths.length, 5);
	});

	test("that says what makes no sense is not refused", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer((path) => (path === "/v1/keys" ? { keysets: 1 } : undefined));
		assert.equal(asker.code, "busy");
		assert.deepEqual(asker.troubles, []);
	});

	test("that has too much to do, or no answer now, is asked again, and not refused", () => {
		for (const status of [429, 500, 503, 400]) {
			const asker = new Asker();
			asker.mints.time();
			assert.ok(asker.refuse(status));
			assert.equal(asker.code, "busy");
			asker.pass(10_000);
			assert.ok(asker.answer());
			assert.equal(asker.code, undefined);
		}
	});

	test("that has no keys of an old keyset any more is known without them", () => {
		const asker = new Asker();
		asker.mint.rotateAll();
		asker.mints.time();
		for (let i = 0; i < 3; i++) asker.answerOne();
		assert.match(asker.paths[3] ?? "", /^\/v1\/keys\/[0-9a-f]+$/);
		assert.ok(asker.refuse(400));
		assert.equal(asker.code, undefined);
		assert.equal(asker.mints.keysets(issuer)?.all().length, 1);
	});

	test("is not asked anew more often than once in a while, whatever others say of its keysets", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		for (let i = 0; i < 100; i++) asker.mints.askAnew(issuer);
		assert.equal(asker.paths.length, 3);
		assert.ok(!asker.mints.isKnown(issuer));
		assert.equal(asker.code, undefined);
		asker.pass(10_000);
		asker.answer();
		assert.equal(asker.paths.length, 6);
		assert.ok(asker.mints.isKnown(issuer));
		asker.pass(10_000);
		asker.mints.askAnew(issuer);
		assert.equal(asker.paths.length, 7);
	});
});

describe("a mint that is not what it was", () => {
	test("and cannot do any more what a purchase needs is refused, and what was paid before goes on", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		const { id } = asker.mints.active(issuer);
		asker.pass(DAY);
		asker.answer((path) => (path === "/v1/info" ? { nuts: {} } : undefined));
		assert.equal(asker.code, "issuer-refused");
		assert.deepEqual(asker.troubles, ["issuer-refused"]);
		assert.equal(hex(asker.mints.active(issuer).id), hex(id));
		asker.pass(10_000);
		assert.ok(asker.answer());
		assert.equal(asker.code, undefined);
	});

	test("and shows other keys of a keyset is refused", () => {
		const asker = new Asker();
		asker.mint.swapKeys(true);
		asker.mints.time();
		asker.answer();
		assert.equal(asker.code, "authentication-failed");
		assert.equal(asker.mints.keysets(issuer), undefined);
	});

	test("and says nothing any more of a keyset that it had signs with it no more, and is asked for it still", () => {
		const asker = new Asker();
		asker.mints.time();
		asker.answer();
		const { id } = asker.mints.active(issuer);
		asker.mint.rotateAll();
		asker.pass(DAY);
		asker.answer((path) => {
			if (path !== "/v1/keysets") return undefined;
			const said = asker.mint.handle(
				{ method: "GET", path, body: new Uint8Array() },
				asker.core.now,
			);
			const { keysets } = JSON.parse(new TextDecoder().decode(said.body));
			return {
				keysets: keysets.filter((one: { id: string }) => one.id !== hex(id)),
			};
		});
		assert.equal(asker.code, undefined);
		assert.notEqual(hex(asker.mints.active(issuer).id), hex(id));
		assert.equal(asker.mints.keysets(issuer)?.get(id)?.isActive, false);
	});
});
