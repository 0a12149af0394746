/* What the owner of several modules sees of their purses, and decides. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { after, before, test } from "node:test";
import {
	createPurse,
	moduleIdOf,
	purseStorePath,
} from "../../src/device/purse/purse-home.ts";
import { newOwner } from "../../src/device/purse/purse-owner.ts";
import {
	approvalsInAll,
	decideInAll,
	newestOf,
} from "../../src/device/service/module-homes.ts";
import type { SecretSource } from "../../src/keys/index.ts";
import {
	done,
	insert,
	purseTables,
	spendingTables,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";

const owner: SecretSource = async () => new TextEncoder().encode("correct");

/** Contracts that wait: the first two digits are those of another purse as well. */
const WAITING = [
	["ab01", "cd02"],
	["ab03", "ef04"],
].map((ofOne) => ofOne.map((digits) => digits.padEnd(64, "0")));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let tills: readonly [string, string];

before(async () => {
	folder = await temporaryFolder();
	const homes = await Homes.make(folder.path);
	tills = [homes.at("till-1"), homes.at("till-2")];
	const issuer = await moduleIdOf(homes.of("Y"));
	const terms = {
		...{ issuer, name: "mint", isPlay: true },
		currency: { code: "PLAY", exponent: 2 },
	};
	const undeposited = { software: 0n, token: 0n, tpm: 0n };
	for (const [at, home] of tills.entries()) {
		await cp(homes.of(at === 0 ? "X" : "Y"), home, { recursive: true });
		await createPurse(home, [{ terms, undeposited }], () => newOwner(owner));
		await using store = await openSqliteStore({
			path: purseStorePath(home),
			schema: purseTables.PURSE_SCHEMA,
		});
		await store.transact(
			done(
				(WAITING[at] ?? []).map((contract) =>
					insert(spendingTables.APPROVALS, {
						contract: new Uint8Array(Buffer.from(contract, "hex")),
						...{ payee: issuer, issuer, currency: "PLAY" },
						...{ amount: 100n, fee: 0n, what: "", why: "amount" },
						...{ asked: 1n, decided: 0n, state: "waiting" },
					}),
				),
				undefined,
			),
		);
	}
});
after(() => folder[Symbol.asyncDispose]());

test("what waits in each of several purses is decided in that one, and a beginning that fits in two is no name", async () => {
	const waiting = await approvalsInAll(tills);
	assert.deepEqual(
		waiting.map(({ contract, module }) => [contract.slice(0, 4), module]),
		[
			["ab01", "alice-purse"],
			["cd02", "alice-purse"],
			["ab03", "bob-till"],
			["ef04", "bob-till"],
		],
	);
	for (const beginning of ["ab", "AB", ""])
		await assert.rejects(decideInAll(tills, beginning, true, owner), {
			code: "invalid-argument",
			message: beginning === "" ? /no contract/ : /more than one contract/,
		});
	for (const beginning of ["ef", "AB03"]) {
		const { contract } = await decideInAll(tills, beginning, true, owner);
		assert.ok(contract.startsWith(beginning.toLowerCase()));
	}
	await assert.rejects(decideInAll(tills, "99", false, owner), {
		message: /no contract that waits .*till-1.*till-2/,
	});
});

test("what changed in several purses is told by time, and of each in its own order", () => {
	const at = (...times: number[]) =>
		times.map((time) => ({ time: new Date(time).toISOString() }));
	// The clock of the first was set back between two of its changes.
	const [first, second] = [at(50, 90, 10), at(60, 40)];
	const merged = newestOf([first, second], 10);
	assert.deepEqual(
		merged.map(({ time }) => Date.parse(time)),
		[60, 50, 90, 40, 10],
	);
	assert.deepEqual(newestOf([first, second], 2), merged.slice(0, 2));
	assert.deepEqual(newestOf([first], 2), first.slice(0, 2));
	assert.deepEqual(newestOf([], 2), []);
});
