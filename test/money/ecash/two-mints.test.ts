/* Mints of one purse that show one keyset: what one says changes nothing of the other's money. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TetradError } from "../../../src/errors.ts";
import { PlayMint } from "../../../src/mint/index.ts";
import { writeCbor } from "../../../src/money/cashu/cbor.ts";
import {
	isSamePlace,
	makeOutputs,
	type Proof,
	parseKeysets,
} from "../../../src/money/cashu/index.ts";
import { mintId } from "../../../src/money/documents/index.ts";
import { ecashTables } from "../../../src/money/index.ts";
import { EcashBook } from "../../../src/money/purse/ecash/book.ts";
import { countersOf } from "../../../src/money/purse/ecash/counters.ts";
import type { EcashJobOf } from "../../../src/money/purse/ecash/jobs.ts";
import type { AgreedSale } from "../../../src/money/purse/ecash/locked-row.ts";
import type { LockedSales } from "../../../src/money/purse/ecash/locked-sales.ts";
import { lockSwap } from "../../../src/money/purse/ecash/making-locks.ts";
import { Mints } from "../../../src/money/purse/ecash/mints.ts";
import { moving } from "../../../src/money/purse/ecash/order-writes.ts";
import type { OrderTools } from "../../../src/money/purse/ecash/ordered.ts";
import type {
	EcashParts,
	TrustedMint,
} from "../../../src/money/purse/ecash/parts.ts";
import { Recalling } from "../../../src/money/purse/ecash/recalling.ts";
import { Receivings } from "../../../src/money/purse/ecash/receiving.ts";
import { Restoring } from "../../../src/money/purse/ecash/restoring.ts";
import type {
	MintAnswer,
	RecalledPayment,
} from "../../../src/money/purse/ecash-part.ts";
import type {
	EcashOrderRow,
	KeysetRow,
	ReceivedRow,
} from "../../../src/money/purse/ecash-tables.ts";
import type { PurseCore } from "../../../src/money/purse/purse-core.ts";
import type { PurseReport } from "../../../src/money/purse/purse-report.ts";
import type { SaleEvent } from "../../../src/money/purse/sale-part.ts";
import { hex, parseUtf8, sameBytes, utf8 } from "../../../src/wire/index.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { bytesOf, crypto, ecash, hash } from "../cashu/test-mint.ts";

type Request = Parameters<PlayMint["handle"]>[0];
type Name = "first" | "second";
type Answering = Pick<PlayMint, "handle">;

const NOW = 1_800_000_000_000;

function named(name: string): TrustedMint {
	return {
		...{ issuer: mintId(crypto, `https://${name}`), name, isPlay: true },
		...{ currency: { code: "SAT", exponent: 0 }, unit: "sat" },
		url: `https://${name}`,
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
	readonly parts: EcashParts;
	readonly written: ReceivedRow[] = [];
	readonly happened: SaleEvent[] = [];
	readonly reports: PurseReport[] = [];
	readonly core = {
		now: NOW,
		options: { context: { crypto } },
		report: (report: PurseReport) => void this.reports.push(report),
		trouble: (error: TetradError) => void this.troubles.push(error),
	};

	/** `own` is what it has of the second mint, and `counters` are those that are durable. */
	constructor(
		kept: readonly KeysetRow[] = [],
		own: readonly Proof[] = [],
		counters: ReadonlyMap<string, number> = new Map(),
	) {
		const mints = [ALL.first, ALL.second];
		this.parts = {
			sale: {
				happened: (event: SaleEvent) => void this.happened.push(event),
			},
			core: this.core,
			options: { crypto: ecash, seed: new Uint8Array(64), mints },
			ask: ({ kind }: { kind: string }, url: string, request: Request) =>
				void this.#asked.set(
					kind === "asking-mint" ? url : `${url} for its money`,
					request,
				),
			transact: (job: EcashJobOf<"keeping-keysets" | "received">) => {
				if (job.kind === "received") return void this.written.push(job.to);
				if (job.kind !== "keeping-keysets") return;
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
		this.book = new EcashBook(crypto, mints, [], counters);
		this.book.add(ALL.second.issuer, own);
		this.mints = new Mints(this.parts, kept, this.book);
		this.mints.time();
	}

	/** What that mint is asked is answered by this one. */
	meet(name: Name, by: Answering): void {
		const { issuer } = ALL[name];
		this.mints.need(issuer);
		for (let i = 0; i < 10; i++) {
			const answer = this.#answerTo(ALL[name].url, by);
			if (answer === undefined) return;
			this.mints.answered(issuer, answer);
		}
	}

	/** To what that mint was asked last of money, if it has not been answered. */
	answerOf(name: Name, by: Answering): MintAnswer | undefined {
		return this.#answerTo(`${ALL[name].url} for its money`, by);
	}

	#answerTo(what: string, by: Answering): MintAnswer | undefined {
		const request = this.#asked.get(what);
		this.#asked.delete(what);
		return request && by.handle(request, this.core.now);
	}

	/** Looks for what was paid for at the second mint, long ago. */
	recalling(): Recalling {
		const recalling = new Recalling(
			this.parts,
			this.mints,
			this.book,
			{ has: () => false } as unknown as LockedSales,
			false,
		);
		const payment = {
			...{ contract: CONTRACT, issuer: ALL.second.issuer },
			...{ keyHash: KEY_HASH, atMint: AT },
			...{ amount: 8n, payBy: NOW - 3_600_001 },
		};
		recalling.recall(payment as unknown as RecalledPayment);
		return recalling;
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

/** Another mint, which says that it has the keysets of the honest one, too. */
function liar(): Answering {
	const [own, other] = [another(), honest()];
	return {
		handle(request, now) {
			const answer = own.handle(request, now);
			if (!/^\/v1\/key(s|sets)$/.test(request.path)) return answer;
			const all = [answer, other.handle(request, now)].flatMap(
				({ body }) => JSON.parse(parseUtf8(body)).keysets as unknown[],
			);
			return { ...answer, body: utf8(JSON.stringify({ keysets: all })) };
		},
	};
}

/** One of that amount, of the keyset of the honest mint. */
function honestProof(amount: bigint): Proof {
	const request = { method: "GET", path: "/v1/keysets", body: utf8("") };
	const { body } = honest().handle(request as Request, NOW);
	const [notice] = parseKeysets(body);
	assert.ok(notice);
	return {
		...{ keyset: notice.id, amount, secret: "of the purse" },
		...{ signature: new Uint8Array(33).fill(2), dleq: undefined },
	};
}

/** What a lock is made for, at the second mint. */
const AT = {
	...{ payeeKey: ecash.publicKey(hash("a payee")), termsHash: hash("terms") },
	...{ bookBy: NOW + 1, binding: hash("a tetrad") },
};
const CONTRACT = hash("a contract");
const KEY_HASH = hash("a hash");

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

	test("cannot take one of which only a lock was made", () => {
		const purse = new Purse([], [honestProof(8n)]);
		purse.meet("second", honest());
		const { issuer } = ALL.second;
		const asked = {
			...{ issuer, amount: 8n, contract: CONTRACT },
			sale: { keyHash: KEY_HASH },
		};
		const { swap } = lockSwap(
			{ parts: purse.parts, mints: purse.mints, book: purse.book },
			{ asked, at: AT } as unknown as AgreedSale,
		);
		assert.ok(swap.outputs.every(({ countedBy }) => countedBy === "lock"));
		purse.meet("first", liar());
		assert.equal(purse.of("second").length, 1);
		assert.match(purse.troubles[0]?.message ?? "", /second\.example has shown/);
		// Also after a start.
		const store = new MemoryStore();
		const writes = countersOf(purse.book, swap.outputs);
		store.run({ kind: "done", writes, result: undefined });
		const counters = store
			.rows(ecashTables.COUNTERS)
			.map(({ keyset, next }) => [hex(keyset), Number(next)] as const);
		const again = new Purse(purse.kept, [], new Map(counters));
		again.meet("first", liar());
		assert.deepEqual(again.of("second"), purse.of("second"));
	});

	test("does not get one that programs before kept for it, too, where the purse has proofs of the other one", () => {
		const [purse, other] = [new Purse(), new Purse()];
		purse.meet("second", honest());
		other.meet("first", liar());
		const kept = [...other.kept, ...purse.kept];
		assert.equal(new Purse(kept).of("second").length, 0);
		const again = new Purse(kept, [honestProof(8n)]);
		assert.deepEqual(again.of("second"), purse.of("second"));
		assert.equal(again.of("first").length, 1);
	});

	test("leaves in doubt what may be locked at the other one", () => {
		const purse = new Purse();
		purse.meet("first", honest());
		purse.meet("second", liar());
		const recalling = purse.recalling();
		const answer = purse.answerOf("second", liar());
		assert.ok(answer);
		recalling.mintAnswered(CONTRACT, answer);
		const [event] = purse.happened;
		assert.equal(event?.kind, "not-cancelled");
		assert.equal(event.error.code, "payment-in-doubt");
		assert.match(event.error.message, /first\.example has shown/);
	});

	test("is not told to lack it for good by who brings a token of it", () => {
		const purse = new Purse();
		purse.meet("first", honest());
		purse.meet("second", liar());
		const { parts, mints, book, core } = purse;
		const receivings = new Receivings(parts, mints, book, []);
		const { keyset, secret, signature } = honestProof(1n);
		const t = [{ i: keyset, p: [{ a: 1n, s: secret, c: signature }] }];
		const written = writeCbor({ m: ALL.second.url, u: "sat", t });
		const token = `cashuB${Buffer.from(written).toString("base64url")}`;
		const request = hash("a request").subarray(0, 16);
		receivings.receive(request, token);
		receivings.lookedUp({ kind: "looking-up-received", request }, undefined);
		core.now += 10_000;
		purse.meet("second", liar());
		receivings.mintAsked(ALL.second.issuer);
		assert.deepEqual(purse.written, []);
		const [report] = purse.reports;
		assert.equal(report?.kind, "ecash-refused");
		assert.match(report.error.message, /first\.example has shown/);
	});

	test("has what it signed with that restored no more, and its owner is told", () => {
		const purse = new Purse();
		purse.meet("first", honest());
		purse.meet("second", liar());
		const { parts, mints, book } = purse;
		const tools = { parts, mints, book } as OrderTools;
		const restoring = new Restoring(tools, new Set(), false);
		const { issuer } = ALL.second;
		const request = hash("a restore").subarray(0, 16);
		const { to } = restoring.begin({ kind: "restore", request, mint: issuer });
		const run = restoring.run(to);
		const keysets = mints.keysets(issuer);
		assert.ok(keysets);
		for (let i = 0; i < 20; i++) {
			const step = run.answered(keysets, liar().handle(run.next, NOW));
			if (step.kind === "on") continue;
			assert.equal(step.kind, "over");
			assert.equal(step.outcome.kind, "move");
			assert.match(
				step.outcome.trouble?.message ?? "",
				/not restored: .*first\.example has shown/,
			);
			return;
		}
		assert.fail("it goes on and on");
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

test("what was paid for is looked for in what its mint shows meanwhile, too", () => {
	const before = new Purse();
	const mint = honest();
	before.meet("second", mint);
	mint.rotateAll();
	const purse = new Purse(before.kept);
	const recalling = purse.recalling();
	const answer = () => {
		const said = purse.answerOf("second", mint);
		assert.ok(said);
		return said;
	};
	const ofTheFirst = answer();
	purse.meet("second", mint);
	assert.equal(purse.of("second").length, 2);
	recalling.mintAnswered(CONTRACT, ofTheFirst);
	for (let i = 0; i < 2; i++) {
		assert.deepEqual(purse.happened, []);
		recalling.mintAnswered(CONTRACT, answer());
	}
	assert.deepEqual(
		purse.happened.map(({ kind }) => kind),
		["never-paid"],
	);
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
