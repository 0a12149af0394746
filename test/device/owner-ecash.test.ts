/* Who waits for what becomes of an owner's ecash, and is told once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { OwnerEcash } from "../../src/device/purse/owner-ecash.ts";
import { Purse } from "../../src/device/purse/purse.ts";
import { trustedMint } from "../../src/device/purse/purse-mints.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import { TetradError } from "../../src/errors.ts";
import { done, insert } from "../../src/machine/index.ts";
import { ecashTables, purseTables } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { moduleOf } from "./purse-support.ts";
import { policyOf } from "./support.ts";

const MINT = { url: "https://mint.example", unit: "sat", isPlay: true };
const { issuer } = trustedMint(MINT);
const REQUEST = filled(16, 0x51);
const NOTHING = new Uint8Array();

/** An owner whose purse has an invoice in that state. */
async function ownerOf(
	state: "unpaid" | "minted" | "lapsed" | "refused",
	order: () => void = () => {},
) {
	const { PURSE_SCHEMA: schema } = purseTables;
	const store = await openSqliteStore({ path: ":memory:", schema });
	const row = {
		...{ request: REQUEST, kind: "mint", mint: issuer, currency: "SAT", state },
		...{ amount: 50n, fee: 0n, spends: 0n, returned: 0n, expires: 0n },
		...{ quote: "q", invoice: "lnbc1", preimage: "" },
		code: state === "refused" ? "limit-exceeded" : "",
		reason: state === "refused" ? "its mint makes no more" : "",
		...{ swap: NOTHING, back_swap: NOTHING, token: NOTHING, asked: 1n },
		...{ over_heard: 0n, over_seen: 0n, had: 0n },
	};
	await store.transact(
		done([insert(ecashTables.ECASH_ORDERS, row)], undefined),
	);
	const host = { store, mints: [MINT], order, receive: order };
	return {
		store,
		ecash: new OwnerEcash(host),
		[Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
	};
}

const MINTED = {
	...({ kind: "ecash", what: "mint", state: "minted" } as const),
	...{ request: REQUEST, issuer, amount: 50n, fee: 0n, returned: 0n },
	...{ invoice: "lnbc1", error: undefined },
};

describe("whoever waits for an invoice to be minted", () => {
	test("and gives up after it was, is not heard of any more", async () => {
		await using owner = await ownerOf("minted");
		const stop = new AbortController();
		const { signal } = stop;
		assert.equal(await owner.ecash.minted(hex(REQUEST), { signal }), 50n);
		// What nobody handles fails this file.
		stop.abort();
		await turn();
	});

	test("and has given up already is not kept waiting", async () => {
		await using owner = await ownerOf("unpaid");
		const signal = AbortSignal.abort();
		await assert.rejects(owner.ecash.minted(hex(REQUEST), { signal }), {
			name: "AbortError",
		});
	});

	test("for one that was given up before is told so", async () => {
		await using owner = await ownerOf("lapsed");
		const signal = AbortSignal.timeout(2_000);
		await assert.rejects(owner.ecash.minted(hex(REQUEST), { signal }), {
			code: "timed-out",
		});
	});

	test("for one that there never was, or that was refused, is told so", async () => {
		await using owner = await ownerOf("refused");
		const signal = AbortSignal.timeout(2_000);
		const other = hex(filled(16, 0x52));
		await assert.rejects(owner.ecash.minted(other, { signal }), {
			code: "invalid-argument",
		});
		await assert.rejects(owner.ecash.minted(hex(REQUEST), { signal }), {
			code: "limit-exceeded",
			message: "its mint makes no more",
		});
	});

	test("is told beside others who do", async () => {
		await using owner = await ownerOf("unpaid");
		const signal = AbortSignal.timeout(2_000);
		const both = [1, 2].map(() => owner.ecash.minted(hex(REQUEST), { signal }));
		owner.ecash.hear(MINTED);
		assert.deepEqual(await Promise.all(both), [50n, 50n]);
	});
});

test("what a purse in no module is asked for rejects once, and giving up after that does nothing", async () => {
	const why = new TetradError("invalid-argument", "it is in no module");
	await using owner = await ownerOf("unpaid", () => {
		throw why;
	});
	const stop = new AbortController();
	const { signal } = stop;
	for (const asked of [
		() => owner.ecash.send(1n, { signal }),
		() => owner.ecash.takeBack(hex(REQUEST), { signal }),
		async () => owner.ecash.receive("cashuA", { signal }),
	])
		await assert.rejects(asked, { code: "invalid-argument" });
	stop.abort();
	await turn();
});

test("whoever waits for what becomes of an order is told when the purse is closed, and whoever asks after that", async () => {
	await using owner = await ownerOf("unpaid");
	const purse = await Purse.over(owner.store, { issuers: [], mints: [MINT] });
	const signal = AbortSignal.timeout(2_000);
	const waiting = purse.ecash.minted(hex(REQUEST), { signal });
	waiting.catch(() => {});
	await purse[Symbol.asyncDispose]();
	await assert.rejects(waiting, { code: "tetrad-closed" });
	await assert.rejects(purse.ecash.minted(hex(REQUEST), { signal }), {
		code: "tetrad-closed",
	});
});

test("whoever waits for what becomes of an order is told when the store of the purse has failed", async () => {
	await using owner = await ownerOf("unpaid");
	const why = new TetradError("store-failed", "the disk is gone");
	const failed = Promise.withResolvers<Error>();
	const { store } = owner;
	const failing = {
		failed: failed.promise,
		transact: store.transact.bind(store),
		snapshot: store.snapshot.bind(store),
		[Symbol.asyncDispose]: async () => {},
	};
	const { identity } = await moduleOf("X", "purse.example");
	const options = { issuers: [], mints: [MINT] };
	await using purse = await Purse.over(failing, options);
	await using _ = new MoneyModule({
		...{ identity, purse },
		policy: await policyOf(),
	});
	const signal = AbortSignal.timeout(2_000);
	const waiting = purse.ecash.minted(hex(REQUEST), { signal });
	failed.resolve(why);
	await assert.rejects(waiting, { code: "store-failed" });
});
