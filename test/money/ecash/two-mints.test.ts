/* Mints of one purse that show one keyset: what one says changes nothing of the other's money. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TetradError } from "../../../src/errors.ts";
import { PlayMint } from "../../../src/mint/index.ts";
import {
	isSamePlace,
	makeOutputs,
	type Proof,
} from "../../../src/money/cashu/index.ts";
import { ecashTables } from "../../../src/money/index.ts";
import { EcashBook } from "../../../src/money/purse/ecash/book.ts";
import type { EcashJobOf } from "../../../src/money/purse/ecash/jobs.ts";
import { Mints } from "../../../src/money/purse/ecash/mints.ts";
import { moving } from "../../../src/money/purse/ecash/order-writes.ts";
import type {
	EcashParts,
	TrustedMint,
} from "../../../src/money/purse/ecash/parts.ts";
import type {
	EcashOrderRow,
	KeysetRow,
} from "../../../src/money/purse/ecash-tables.ts";
import type { PurseCore } from "../../../src/money/purse/purse-core.ts";
import { hex, sameBytes } from "../../../src/wire/index.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { bytesOf, crypto, ecash, hash } from "../cashu/test-mint.ts";

type Request = Parameters<PlayMint["handle"]>[0];
type Name = "first" | "second";

const NOW = 1_800_000_000_000;

function named(name: string): TrustedMint {
	return {
		...{ issuer: hash(name), name, isPlay: true, unit: "sat" },
		...{ currency: { code: "SAT", exponent: 0 }, url: `https://${name}` },
	};
}

const ALL = { first: named("first.example"), second: named("second.example") };

/** A purse whose owner has named two mints, in that order. */
class Purse {
	readonly troubles: TetradError[] = [];
	readonly mints: Mints;
	readonly book: EcashBook;
	readonly #asked = new Map<string, Request>();
	readonly kept: KeysetRow[] = [];
	readonly core = {
		now: NOW,
		options: { context: { crypto } },
		trouble: (error: TetradError) => void this.troubles.push(error),
	};

	constructor(kept: readonly KeysetRow[] = []) {
		const mints = [ALL.first, ALL.second];
		const parts = {
			core: this.core,
			options: { crypto: ecash, seed: new Uint8Array(64), mints },
			ask: (_: unknown, url: string, request: Request) =>
				void this.#asked.set(url, request),
			transact: (job: EcashJobOf<"keeping-keysets">) => {
				const isGone = (row: KeysetRow) =>
					job.gone.some(
						({ mint, keyset }) =>
							sameBytes(mint, row.mint) && sameBytes(keyset, row.keyset),
					);
				const left = this.kept.filter((row) => !isGone(row));
				this.kept.splice(0, this.kept.length, ...left, ...job.rows);
				this.mints.keysetsKept(job);
			},
		} as unknown as EcashParts;
		this.kept.push(...kept);
		this.book = new EcashBook(crypto, mints, [], new Map());
		this.mints = new Mints(parts, kept, this.book);
		this.mints.time();
	}

	/** What that mint is asked is answered by this one. */
	meet(name: Name, by: PlayMint): void {
		const { url, issuer } = ALL[name];
		this.mints.need(issuer);
		for (let i = 0; i < 10; i++) {
			const request = this.#asked.get(url);
			if (request === undefined) return;
			this.#asked.delete(url);
			this.mints.answered(issuer, by.handle(request, NOW));
		}
	}

	/** The keysets of that mint, in hexadecimal. */
	of(name: Name): readonly string[] {
		const known = this.mints.keysets(ALL[name].issuer)?.all() ?? [];
		return known.map(({ id }) => hex(id));
	}

	why(name: Name): string | undefined {
		return this.mints.whyNot(ALL[name].issuer)?.message;
	}
}

const honest = () => PlayMint.create(hash("an honest mint"), {});
const another = () => PlayMint.create(hash("another mint"), {});

describe("a mint that shows a keyset of another one", () => {
	test("does not have it, and its owner is told of both", () => {
		const purse = new Purse();
		purse.meet("first", honest());
		const [keyset] = purse.of("first");
		assert.ok(keyset);
		purse.meet("second", honest());
		assert.deepEqual(purse.of("second"), []);
		assert.deepEqual(purse.of("first"), [keyset]);
		assert.equal(purse.why("first"), undefined);
		assert.match(purse.why("second") ?? "", /first\.example has shown/);
		assert.equal(purse.mints.whyNot(ALL.second.issuer)?.code, "issuer-refused");
		assert.deepEqual(
			purse.troubles.map(({ code }) => code),
			["issuer-refused"],
		);
		assert.ok(
			purse.kept.every(({ mint }) => sameBytes(mint, ALL.first.issuer)),
		);
	});

	test("does not keep it from one that is named before it, as long as no counter of it was used", () => {
		const purse = new Purse();
		purse.meet("second", honest());
		const [keyset] = purse.of("second");
		assert.ok(keyset);
		purse.meet("first", honest());
		assert.deepEqual(purse.of("first"), [keyset]);
		assert.deepEqual(purse.of("second"), []);
		purse.meet("second", honest());
		assert.match(purse.why("second") ?? "", /first\.example has shown/);
		// Also after a start.
		const again = new Purse(purse.kept);
		assert.deepEqual(again.of("first"), [keyset]);
		assert.deepEqual(again.of("second"), []);
	});

	test("cannot take one of which counters were used", () => {
		const purse = new Purse();
		purse.meet("second", honest());
		const { issuer } = ALL.second;
		purse.book.take(issuer, purse.mints.active(issuer), 1);
		purse.meet("first", honest());
		assert.equal(purse.of("second").length, 1);
		assert.deepEqual(purse.of("first"), []);
		assert.match(purse.why("first") ?? "", /second\.example has shown/);
	});

	test("has its own all the same", () => {
		const purse = new Purse();
		purse.meet("first", honest());
		purse.meet("second", another());
		assert.equal(purse.of("second").length, 1);
		assert.equal(purse.why("second"), undefined);
		assert.deepEqual(purse.troubles, []);
	});
});

test("two ids of which NUT-13 derives the same are one place, and others are not", () => {
	const id = bytesOf("009a1f293253e41e");
	const value = BigInt(`0x${hex(id)}`);
	const same = (value + (2n ** 31n - 1n)).toString(16).padStart(16, "0");
	assert.ok(isSamePlace(id, bytesOf(same)));
	assert.ok(isSamePlace(id, id));
	const next = (value + 1n).toString(16).padStart(16, "0");
	assert.ok(!isSamePlace(id, bytesOf(next)));
	const long = bytesOf(`01${"5".repeat(64)}`);
	assert.ok(isSamePlace(long, long));
	assert.ok(!isSamePlace(long, id));
	const derived = [id, bytesOf(same), bytesOf(next)].map((keyset) =>
		hex(ecash.derive(new Uint8Array(64).fill(7), keyset, 3).secret),
	);
	assert.equal(derived[0], derived[1]);
	assert.notEqual(derived[0], derived[2]);
});

test("a restore at one mint closes no counters of another one", () => {
	const { book } = new Purse();
	const keyset = { id: new Uint8Array(33).fill(1) };
	book.close(ALL.second.issuer, [keyset.id]);
	assert.equal(book.take(ALL.first.issuer, keyset, 1), 0);
	assert.throws(() => book.take(ALL.second.issuer, keyset, 1), {
		code: "busy",
	});
	book.open(ALL.second.issuer, [keyset.id]);
	assert.equal(book.take(ALL.second.issuer, keyset, 1), 1);
});

test("a restore at one mint puts nothing in the place of another one's proofs", () => {
	const { book, core } = new Purse();
	const keyset = new Uint8Array(33).fill(1);
	const [output] = makeOutputs(
		ecash,
		{ seed: new Uint8Array(64), keyset, counter: 0 },
		[8n],
	);
	assert.ok(output);
	const { secret } = output;
	const proofOf = (amount: bigint, fill: number): Proof => ({
		...{ keyset, amount, secret, dleq: undefined },
		signature: new Uint8Array(33).fill(fill),
	});
	const store = new MemoryStore();
	store.run({
		kind: "done",
		writes: book.writeNew(ALL.first.issuer, [proofOf(8n, 2)]),
		result: undefined,
	});
	const none = new Uint8Array();
	const to: EcashOrderRow = {
		...{ request: new Uint8Array(16), kind: "restore", state: "restored" },
		...{ mint: ALL.second.issuer, currency: "SAT", amount: 0n, fee: 0n },
		...{ quote: "", invoice: "", expires: 0n, swap: none, spends: 0n },
		...{ back_swap: none, token: none, returned: 0n, preimage: "", code: "" },
		...{ reason: "", asked: 0n, over_heard: 0n, over_seen: 0n, had: 0n },
	};
	const got = [proofOf(1n, 3)];
	const move = { kind: "move", to, got, isFound: true } as const;
	const changed = store.run(
		moving(core as unknown as PurseCore, book, move, "put"),
	);
	assert.ok(changed);
	const rows = store.rows(ecashTables.PROOFS);
	assert.deepEqual(
		rows.map(({ mint, amount }) => [hex(mint), amount]),
		[[hex(ALL.first.issuer), 8n]],
	);
});
