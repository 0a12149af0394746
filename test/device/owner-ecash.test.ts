/* Who waits for what becomes of an owner's ecash, and is told once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { OwnerEcash } from "../../src/device/purse/owner-ecash.ts";
import { trustedMint } from "../../src/device/purse/purse-mints.ts";
import { TetradError } from "../../src/errors.ts";
import { done, insert } from "../../src/machine/index.ts";
import { ecashTables, purseTables } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";

const MINT = { url: "https://mint.example", unit: "sat", isPlay: true };
const { issuer } = trustedMint(MINT);
const REQUEST = filled(16, 0x51);
const NOTHING = new Uint8Array();

/** An owner whose purse has an invoice in that state. */
async function ownerOf(
	state: "unpaid" | "minted" | "lapsed",
	order: () => void = () => {},
) {
	const { PURSE_SCHEMA: schema } = purseTables;
	const store = await openSqliteStore({ path: ":memory:", schema });
	const row = {
		...{ request: REQUEST, kind: "mint", mint: issuer, currency: "SAT", state },
		...{ amount: 50n, fee: 0n, spends: 0n, returned: 0n, expires: 0n },
		...{ quote: "q", invoice: "lnbc1", preimage: "", code: "", reason: "" },
		...{ swap: NOTHING, back_swap: NOTHING, token: NOTHING, asked: 1n },
		...{ over_heard: 0n, over_seen: 0n },
	};
	await store.transact(
		done([insert(ecashTables.ECASH_ORDERS, row)], undefined),
	);
	const host = { store, mints: [MINT], order, receive: order };
	return {
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
