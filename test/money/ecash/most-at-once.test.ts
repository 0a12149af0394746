/* How much a purse has to do with its mints at once, at most; what is more is told so, and may come again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "../../../src/crypto/index.ts";
import { TetradError } from "../../../src/errors.ts";
import { writeToken } from "../../../src/money/cashu/index.ts";
import {
	ABOUT_LOCKS,
	body,
	type MessageKind,
	mintId,
} from "../../../src/money/documents/index.ts";
import { messages } from "../../../src/money/index.ts";
import { Claims } from "../../../src/money/purse/ecash/claiming.ts";
import type { Mints } from "../../../src/money/purse/ecash/mints.ts";
import { Offering } from "../../../src/money/purse/ecash/offering.ts";
import { OwnerOrders } from "../../../src/money/purse/ecash/owner-orders.ts";
import type { EcashParts } from "../../../src/money/purse/ecash/parts.ts";
import { Receivings } from "../../../src/money/purse/ecash/receiving.ts";
import { SoldOffers } from "../../../src/money/purse/ecash/sold-offers.ts";
import type { OpenMeeting } from "../../../src/money/purse/purse-core.ts";
import { filled } from "../documents.ts";

const { message, BETWEEN_MODULES } = messages;

const URL = "https://mint.example";
const MINT = mintId(nodeCrypto, URL);
const MEETING = {
	tetrad: 1,
	peer: { deviceId: filled(44, 5) },
} as unknown as OpenMeeting;

/** What is told of what is not done. */
interface Failed {
	readonly error?: TetradError;
}

/** Its mint is not reached, and its store has not answered. */
function purse() {
	const refusals: string[] = [];
	const reports: Failed[] = [];
	const parts = {
		core: {
			now: 0,
			meetings: new Map([[MEETING.tetrad, MEETING]]),
			options: { context: { crypto: nodeCrypto } },
			report: (report: Failed) => void reports.push(report),
			toModule: (_: number, bytes: Uint8Array) =>
				void refusals.push(body(BETWEEN_MODULES.refused, bytes).code),
		},
		options: { mints: [] },
		transact: () => {},
	} as unknown as EcashParts;
	const mints = {
		whyNot: () => new TetradError("busy", "it has not answered"),
		of: () => ({ currency: { code: "SAT" }, unit: "sat" }),
		need: () => {},
	} as unknown as Mints;
	return { parts, mints, refusals, reports };
}

/** As many names as are wanted. */
function name(length: number, number: number): Uint8Array {
	const bytes = filled(length, 0);
	new DataView(bytes.buffer).setUint32(0, number);
	return bytes;
}

function said<Fields>(
	kind: MessageKind<Fields>,
	number: number,
	more: object = {},
): Uint8Array {
	return message(kind, {
		...{ contract: name(32, number), issuer: MINT, currency: "SAT" },
		...{ amount: 1n, terms: filled(20, 1) },
		...more,
	} as Fields);
}

test("4096 offers wait for what their mints are", () => {
	const { parts, mints, refusals } = purse();
	const offers = new SoldOffers(parts, mints);
	for (let number = 0; number < 4096; number++)
		offers.offered(MEETING, said(ABOUT_LOCKS.lockOffer, number));
	assert.deepEqual(refusals, []);
	offers.offered(MEETING, said(ABOUT_LOCKS.lockOffer, 4096));
	assert.deepEqual(refusals, ["busy"]);
	// The answer to one that waits makes room for another.
	offers.closed(MEETING.tetrad);
	offers.offered(MEETING, said(ABOUT_LOCKS.lockOffer, 4096));
	assert.deepEqual(refusals, ["busy"]);
});

test("4096 locks are claimed", () => {
	const { parts, mints, refusals } = purse();
	const claims = new Claims(parts, mints, {} as never, []);
	const lock = (number: number) =>
		claims.lock(
			MEETING,
			said(ABOUT_LOCKS.lock, number, { lock: name(40, number) }),
		);
	for (let number = 0; number < 4096; number++) lock(number);
	// One that is being claimed is no other.
	lock(7);
	assert.deepEqual(refusals, []);
	lock(4096);
	assert.deepEqual(refusals, ["busy"]);
});

test("1024 tokens are put into a purse", () => {
	const { parts, mints, reports } = purse();
	const receivings = new Receivings(parts, mints, {} as never, []);
	const proof = {
		...{ keyset: filled(33, 1), amount: 1n, secret: "ab" },
		...{ signature: nodeCrypto.sha256(MINT), dleq: undefined },
	};
	const signature = Uint8Array.of(2, ...proof.signature);
	const token = writeToken({
		...{ mint: URL, unit: "sat", proofs: [{ ...proof, signature }] },
	});
	for (let number = 0; number < 1024; number++)
		receivings.receive(name(16, number), token);
	receivings.receive(name(16, 7), token);
	assert.equal(reports.length, 0);
	receivings.receive(name(16, 1024), token);
	assert.deepEqual(
		reports.map((report) => report.error?.code),
		["busy"],
	);
});

test("1024 orders are under way", () => {
	const { parts, mints, reports } = purse();
	const state = { orders: [], locked: [], claimed: [], received: [] };
	const orders = new OwnerOrders(parts, mints, {} as never, state as never);
	const order = (number: number) =>
		orders.order({
			...{ kind: "mint", request: name(16, number), mint: MINT, amount: 1n },
		});
	for (let number = 0; number < 1024; number++) order(number);
	order(7);
	assert.equal(reports.length, 0);
	order(1024);
	assert.deepEqual(
		reports.map((report) => report.error?.code),
		["busy"],
	);
});

test("1024 payments are under way, and each that is over makes room for another", () => {
	const { parts, mints, reports } = purse();
	const told: string[] = [];
	const limits = {
		judge: () => ({ kind: "allowed" }),
		begin: () => {},
		giveUp: () => told.push("given up"),
	};
	const happened = (event: { kind: string } & Failed) => {
		told.push(event.error?.code ?? event.kind);
	};
	const offering = new Offering(
		Object.assign(parts, {
			limits,
			sale: { happened },
			witnesses: { whyBehind: () => undefined },
		}) as unknown as EcashParts,
		mints,
		{} as never,
		{ join: () => false, size: 0 } as never,
	);
	const jobOf = (number: number) =>
		({ kind: "looking-up-paid", contract: name(32, number) }) as const;
	const pay = (number: number) =>
		offering.pay(
			MEETING.tetrad,
			{
				...{ contract: name(32, number), issuer: MINT, currency: "SAT" },
				...{ amount: 1n, payee: MEETING.peer.deviceId, payBy: 1000 },
				...{ terms: filled(20, 1), keyHash: filled(32, 2) },
				atMint: { unit: "sat" },
			} as never,
			[],
		);
	for (let number = 0; number < 1024; number++) pay(number);
	// One that is under way is no other.
	pay(7);
	assert.deepEqual(told, []);
	const full = () => {
		assert.deepEqual(told.splice(0), []);
		pay(5000);
		assert.deepEqual(told.splice(0), ["busy"]);
	};
	full();
	const row = { state: "keyed" } as never;
	const chain = new Uint8Array();
	const gone = new TetradError("store-failed", "the store is gone");
	const ends: [string, (number: number) => void][] = [
		["aborted", (one) => offering.lookedUp(jobOf(one), { kind: "aborted" })],
		[
			"keyed",
			(one) => offering.lookedUp(jobOf(one), { kind: "paid", row, chain }),
		],
		["store-failed", (one) => offering.notLookedUp(jobOf(one), gone)],
	];
	for (const [number, [kind, end]] of ends.entries()) {
		end(number);
		assert.deepEqual(told.splice(0), ["given up", kind]);
		assert.equal(offering.has(name(32, number)), false);
		pay(2000 + number);
		full();
	}
	offering.cancelled(name(32, 10));
	assert.deepEqual(told.splice(0), ["given up"]);
	pay(3000);
	full();
	assert.equal(reports.length, 1);
	offering.closed(MEETING.tetrad);
	assert.equal(told.length, 2 * 1024);
	assert.equal(reports.length, 1 + 1024);
});
