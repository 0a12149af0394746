/*
 * What a mint answers late, wrongly or not at all while money goes back or is claimed, and purses
 * that were put back: nothing that the mint has signed is forgotten, and what was bought is there.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { FaultyMint } from "../../src/mint/index.ts";
import {
	KnownKeysets,
	makeOutputs,
	parseKeys,
	parseKeysets,
	swapRequest,
	writeToken,
} from "../../src/money/cashu/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/index.ts";
import { ecashTables, messages } from "../../src/money/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_URL, seedOf } from "./ecash-market.ts";
import { requireRest } from "./rail-contract.ts";

const { message } = messages;
const world = await makeWorld({ algorithm: "Ed25519" });

type Request = Parameters<FaultyMint["handle"]>[0];
type Reply = ReturnType<FaultyMint["handle"]>;
type Handle = (request: Request, now: number) => Reply;

/** Stands between all and the mint. */
function between(
	{ mint }: EcashMarket,
	hears: (request: Request, ask: () => Reply) => Reply,
): void {
	const handle: Handle = mint.handle.bind(mint);
	mint.handle = (request, now) => hears(request, () => handle(request, now));
}

const SILENCE: Reply = { kind: "silence" };

function refusal(code: number): Reply {
	const body = utf8(JSON.stringify({ detail: "no", code }));
	return { kind: "answer", delayMs: 0, status: 400, body };
}

/** The same with all proofs as if nobody had spent them. */
function asUnspent(reply: Reply): Reply {
	if (reply.kind !== "answer") return reply;
	const said = parseUtf8(reply.body).replaceAll('"SPENT"', '"UNSPENT"');
	return { ...reply, body: utf8(said) };
}

async function until(kind: keyof typeof ABOUT_LOCKS) {
	const ecash = await EcashMarket.make({ world });
	return { ecash, ...(await ecash.buyUntil(kind)) };
}

/** The answer to the first swap is lost, and the mint that has signed it neither does it again nor knows, when it is asked first, that its inputs are spent. */
function signsUnknowingly(ecash: EcashMarket): void {
	ecash.mint.add({ kind: "answers-forgotten" });
	let swaps = 0;
	let lies = 1;
	between(ecash, ({ path }, ask) => {
		if (path === "/v1/swap") swaps++;
		if (path === "/v1/swap" && swaps === 2) return refusal(11003);
		const reply = ask();
		if (path === "/v1/swap" && swaps === 1) return SILENCE;
		if (path === "/v1/checkstate" && swaps === 2 && lies-- > 0)
			return asUnspent(reply);
		return reply;
	});
}

describe("money that goes back after the deadline", () => {
	test("is there when the answer was lost and the mint did not know then that it had done it", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint, rail } = ecash;
		market.town.wire.splice(0, 1);
		mint.add({ kind: "answers-forgotten" });
		let swaps = 0;
		let lies = 1;
		between(ecash, ({ path }, ask) => {
			if (path === "/v1/swap") swaps++;
			const reply = ask();
			if (path === "/v1/swap" && swaps === 1) return SILENCE;
			if (path === "/v1/checkstate" && swaps > 1 && lies-- > 0)
				return asUnspent(reply);
			return reply;
		});
		await ecash.passDeadline();
		await requireRest(rail, contract, "refunded");
	});

	test("is there when the answer was lost and the mint did not know for a while what it had signed", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint, rail } = ecash;
		market.town.wire.splice(0, 1);
		mint.add({ kind: "answers-forgotten" });
		mint.add({ kind: "signatures-forgotten" });
		let swaps = 0;
		between(ecash, ({ path }, ask) => {
			const reply = ask();
			return path === "/v1/swap" && ++swaps === 1 ? SILENCE : reply;
		});
		await ecash.passDeadline();
		assert.notEqual(ecash.stateOf(contract.hash, market.ann), "refunded");
		mint.clear();
		await ecash.passDeadline();
		await requireRest(rail, contract, "refunded");
	});

	test("is asked for less and less often while the mint's clock is behind, and with the same outputs", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint, rail } = ecash;
		const { town, ann } = market;
		town.wire.splice(0, 1);
		mint.add({ kind: "clock-skewed", at: "swap", seconds: -864_000 });
		const asked = new Set<string>();
		let swaps = 0;
		between(ecash, ({ path, body }, ask) => {
			if (path === "/v1/swap") {
				swaps++;
				asked.add(parseUtf8(body));
			}
			return ask();
		});
		await town.pass(6 * 86_400_000);
		const before = ann.writes;
		for (let i = 0; i < 50; i++) await town.pass(60_000);
		assert.ok(swaps < 20, `${swaps} swaps in 50 minutes`);
		assert.equal(asked.size, 1);
		assert.ok(ann.writes - before < 40);
		mint.clear();
		await ecash.passDeadline();
		await requireRest(rail, contract, "refunded");
	});

	test("is not forgotten when the payee gives the key, and has not claimed, while the mint is asked", async () => {
		const { ecash, visit, contract } = await until("lock");
		const { market, rail } = ecash;
		const { town, ann } = market;
		town.wire.splice(0, 1);
		const key = market.keys.get(hex(contract.termsHash));
		assert.ok(key);
		const bytes = message(ABOUT_LOCKS.lockClaimed, {
			...{ contract: contract.hash, key },
			receipt: new Uint8Array(1),
			chain: new Uint8Array(),
		});
		let isFirst = true;
		between(ecash, ({ path }, ask) => {
			const reply = ask();
			if (path !== "/v1/swap" || !isFirst) return reply;
			isFirst = false;
			ann.events.push({ kind: "from-module", tetrad: visit.tetrad, bytes });
			return SILENCE;
		});
		await ecash.passDeadline();
		await requireRest(rail, contract, "refunded");
	});
});

describe("a claim", () => {
	test("whose outputs the mint has signed before, and which it says is unspent, is not forgotten when it is made again", async () => {
		const { ecash, contract } = await until("lock");
		const { market, rail } = ecash;
		signsUnknowingly(ecash);
		await market.quiet();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, market.bob), "claimed");
		await requireRest(rail, contract, "bought");
	});

	test("that the mint refuses with each keyset is made again less and less often", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint, rail } = ecash;
		const { town, bob } = market;
		mint.add({ kind: "answers-forgotten" });
		let swaps = 0;
		let isWell = false;
		between(ecash, ({ path }, ask) => {
			if (path !== "/v1/swap" || isWell) return ask();
			swaps++;
			return refusal(12002);
		});
		await market.quiet();
		const before = bob.writes;
		for (let i = 0; i < 50; i++) await town.pass(60_000);
		assert.ok(swaps < 25, `${swaps} swaps in 50 minutes`);
		assert.ok(bob.writes - before < 25);
		isWell = true;
		await ecash.pass();
		await requireRest(rail, contract, "bought");
	});
});

describe("a purchase that is asked for again", () => {
	test("while its key is written down is told of again", async () => {
		const { ecash, visit, contract } = await until("lockClaimed");
		const { market, rail } = ecash;
		const { town, ann } = market;
		const [wired] = town.wire.splice(0, 1);
		assert.ok(wired?.bytes);
		const { bytes } = wired;
		ann.events.push({ kind: "from-module", tetrad: visit.tetrad, bytes });
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought", "bought"]);
		await requireRest(rail, contract, "bought");
	});
});

describe("a payee that says no, or gives a wrong key, again and again", () => {
	test("is told of once to whoever waits, and does not have the mint asked each time", async () => {
		const { ecash, visit, contract } = await until("lock");
		const { market, rail } = ecash;
		const { town, ann } = market;
		town.wire.splice(0, 1);
		let asked = 0;
		between(ecash, (_, ask) => {
			asked++;
			return ask();
		});
		const said = { contract: contract.hash, code: "busy", reason: "no" };
		const given = {
			...{ contract: contract.hash, key: new Uint8Array(32) },
			...{ receipt: new Uint8Array(1), chain: new Uint8Array() },
		};
		for (let i = 0; i < 20; i++)
			for (const bytes of [
				message(messages.BETWEEN_MODULES.refused, said),
				message(ABOUT_LOCKS.lockClaimed, given),
			]) {
				ann.events.push({ kind: "from-module", tetrad: visit.tetrad, bytes });
				await market.quiet();
			}
		assert.deepEqual(market.brief(contract), [
			"in-doubt 250: payment-in-doubt",
		]);
		assert.ok(asked <= 2, `${asked} requests`);
		await ecash.passDeadline();
		await requireRest(rail, contract, "refunded");
	});
});

describe("ecash that is received", () => {
	test("is not forgotten when it was signed, and its mint did not know that then", async () => {
		const ecash = await EcashMarket.make({ world });
		const { ann } = ecash.market;
		signsUnknowingly(ecash);
		ann.events.push({
			kind: "receive-ecash",
			request: new Uint8Array(16),
			token: writeToken({
				...{ mint: MINT_URL, unit: "sat", proofs: ecash.token(100n) },
			}),
		});
		await ecash.pass();
		assert.equal(ecash.balance(ann), 1100n);
		ecash.requireConserved(1100n);
	});
});

describe("a purse that was put back", () => {
	test("to where it was about to lock what its payee has claimed since has the key", async () => {
		const { ecash, contract } = await until("lockAgreed");
		const { market, mint, rail } = ecash;
		const { town, ann } = market;
		mint.add({ kind: "answers-forgotten" });
		// It is committed, and has not heard what came of the lock.
		let isCut = true;
		between(ecash, ({ path }, ask) => {
			if (path === "/v1/swap" && isCut) return SILENCE;
			return ask();
		});
		await market.quiet();
		assert.equal(ecash.stateOf(contract.hash, ann), "locking");
		const store = ann.store.copy();
		isCut = false;
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, ann), "keyed");
		ann.store = store;
		town.restart(ann);
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, ann), "keyed");
		await requireRest(rail, contract, "bought");
	});

	test("whose change had been signed in its other life is told that its money was spent", async () => {
		const { ecash, contract } = await until("lockAgreed");
		const { market } = ecash;
		const { ann } = market;
		const cashu = ecash.crypto;
		const rows = ann.store.rows(ecashTables.PROOFS);
		const spent = rows.find(({ amount }) => amount === 256n);
		assert.ok(spent);
		const { keyset } = spent;
		const [counted] = ann.store.rows(ecashTables.COUNTERS);
		assert.ok(counted);
		const get = (path: string) =>
			ecash.ask({ method: "GET", path, body: new Uint8Array() });
		const notices = parseKeysets(get("/v1/keysets"));
		const keysets = new KnownKeysets(
			parseKeys(nodeCrypto, cashu, get("/v1/keys"), notices),
		);
		assert.ok(keysets.get(keyset));
		// Six proofs of the lock, and then the change: 2 and 4.
		const counter = Number(counted.next) + 6;
		const place = { seed: seedOf(ann), keyset, counter };
		const outputs = makeOutputs(cashu, place, [
			2n,
			4n,
			250n - 186n,
			128n,
			32n,
			16n,
			8n,
			2n,
		]);
		const input = { ...spent, dleq: undefined, witness: undefined };
		ecash.ask(swapRequest([input], outputs));
		await market.quiet();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, ann), "declined");
		assert.match(market.brief(contract).at(-1) ?? "", /double-spent/);
		assert.equal(ecash.balance(ann), 1000n - 256n);
	});
});
