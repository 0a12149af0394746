/* What a store says that has failed, while it is being closed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { TetradError } from "../../src/errors.ts";
import { done } from "../../src/machine/index.ts";
import { Declared } from "../../src/store/declared.ts";
import { DurableStore } from "../../src/store/durable-store.ts";

/** What comes of a transaction, and of a look, by their codes. */
function asked(store: DurableStore): Promise<unknown[]> {
	const codeOf = ({ code }: TetradError) => code;
	return Promise.all([
		store.transact(done([], undefined)).catch(codeOf),
		store.snapshot(async () => {}).catch(codeOf),
	]);
}

test("a store that has failed says so also while it is being closed, and after that", async () => {
	const gone = new TetradError("store-failed", "the connection was lost");
	const closing = Promise.withResolvers<void>();
	const store = new DurableStore({
		declared: new Declared([]),
		carryOut: () => Promise.reject(gone),
		snapshot: () => Promise.reject(gone),
		close: () => closing.promise,
	});
	const said = ["store-failed", "store-failed"];
	assert.deepEqual(await asked(store), said);
	// Whoever had it open closes it to open it again, which takes a while where a server is gone.
	const closed = store[Symbol.asyncDispose]();
	await turn();
	assert.deepEqual(await asked(store), said);
	closing.resolve();
	await closed;
	assert.deepEqual(await asked(store), said);
});
