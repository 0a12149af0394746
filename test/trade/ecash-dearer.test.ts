/* A mint that asks for more than it had said, when what was made for it is on its way: it refuses that, and it is made anew. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { standInEcash } from "../../sim/ecash-crypto.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { PlayMint, type PlayMintOptions } from "../../src/mint/index.ts";
import {
	deriveKeysetId,
	mintQuoteRequest,
	type Proof,
	parseMintQuote,
	writeToken,
} from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER, MINT_URL } from "./ecash-market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const REQUEST = filled(16, 0x4e);

/** With ids of version 00, which cover no fee: a keyset that is made again is the same, at what it costs then. */
const CRYPTOGRAPHY = (() => {
	const { purse, mint } = standInEcash(nodeCrypto);
	const labelled = /\|keyset\|sat\|\d+\|\d+\|/;
	return {
		purse,
		mint: {
			...mint,
			hash: (text: string) => mint.hash(text.replace(labelled, "|keyset|sat|")),
			keysetId: (publicKeys: Readonly<Record<string, string>>) => {
				const keys = Object.entries(publicKeys).map(
					([amount, key]) =>
						[BigInt(amount), new Uint8Array(Buffer.from(key, "hex"))] as const,
				);
				const of = { id: Uint8Array.of(0), unit: "sat", inputFeePpk: 0n };
				const all = { ...of, finalExpiry: undefined, keys: new Map(keys) };
				return hex(deriveKeysetId(nodeCrypto, all));
			},
		},
	};
})();

/** Ann and Bob, and a mint that asks for nothing yet. */
class Scene {
	readonly ecash: EcashMarket;
	/** The code with which every swap is refused; nothing where the mint says what it has to. */
	refuses: number | undefined;
	/** What happens right before a swap is looked at. */
	before: () => void = () => {};
	/** The bodies of all swaps that were asked for. */
	readonly swaps: string[] = [];

	private constructor(ecash: EcashMarket) {
		this.ecash = ecash;
		const { mint } = ecash;
		const handle = mint.handle.bind(mint);
		mint.handle = (request, now) => {
			if (request.path !== "/v1/swap") return handle(request, now);
			this.swaps.push(hex(request.body));
			this.before();
			const code = this.refuses;
			if (code === undefined) return handle(request, now);
			const body = utf8(JSON.stringify({ detail: "no", code }));
			return { kind: "answer", status: 400, delayMs: 0, body };
		};
	}

	static async make(play: PlayMintOptions = {}): Promise<Scene> {
		const scene = new Scene(
			await EcashMarket.make({ world }, play, CRYPTOGRAPHY),
		);
		scene.given = scene.ann.store
			.rows(ecashTables.PROOFS)
			.map((row) => ({ ...row, dleq: undefined }));
		return scene;
	}

	get ann() {
		return this.ecash.market.ann;
	}

	/** From now on its only keyset costs so many thousandths for each input. */
	asksFor(ppk: number): void {
		this.ecash.mint.mint.rotate("sat", ppk);
	}

	async receive(amount: bigint): Promise<void> {
		const proofs = this.ecash.token(amount);
		this.ann.events.push({
			...{ kind: "receive-ecash", request: REQUEST },
			token: writeToken({ mint: MINT_URL, unit: "sat", proofs }),
		});
		await this.ecash.market.quiet();
	}

	async order(order: object): Promise<void> {
		this.ann.events.push({
			kind: "ecash-order",
			order: { request: REQUEST, mint: MINT_ISSUER, ...order } as never,
		});
		await this.ecash.market.quiet();
	}

	/** Of another mint. */
	invoice(amount: bigint): string {
		const other = PlayMint.create(filled(32, 1), {
			primitives: CRYPTOGRAPHY.mint,
		});
		const { now } = this.ecash.market.town;
		const { body } = other.handle(mintQuoteRequest("sat", amount), now);
		return parseMintQuote(body).invoice;
	}

	get received() {
		return this.ann.store.rows(ecashTables.RECEIVED)[0];
	}

	get orderReports() {
		return this.ann.reports.flatMap((report) =>
			report.kind === "ecash" ? [report] : [],
		);
	}

	troubles({ reports }: Module): readonly string[] {
		return reports.flatMap((report) =>
			report.kind === "trouble" ? [report.error.code] : [],
		);
	}

	/** What Ann had in the beginning. */
	given: readonly Proof[] = [];

	get ordered() {
		return this.ann.store.rows(ecashTables.ECASH_ORDERS)[0];
	}
}

describe("a mint that asks for more than it had said", () => {
	test("gives what is left of a token that is received", async () => {
		const scene = await Scene.make();
		await scene.ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		// 4, 32 and 64.
		await scene.receive(100n);
		await scene.ecash.pass();
		assert.equal(scene.received?.state, "received");
		assert.equal(scene.received?.amount, 97n);
		scene.ecash.requireConserved(1097n);
	});

	test("also where the purse was started again meanwhile", async () => {
		const scene = await Scene.make();
		await scene.ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		await scene.receive(100n);
		scene.ecash.market.town.restart(scene.ann);
		await scene.ecash.pass();
		assert.equal(scene.received?.amount, 97n);
		scene.ecash.requireConserved(1097n);
	});

	test("gives what is left of a lock to whoever claims it, who is told", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		const { market } = ecash;
		const { contract } = await ecash.buyUntil("lock");
		const inputs = market.ann.store.rows(ecashTables.LOCKED).length;
		assert.equal(inputs, 1);
		scene.asksFor(1000);
		await market.quiet();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, market.bob), "claimed");
		const came = ecash.balance(market.bob);
		assert.ok(came > 0n && came < 250n, `${came}`);
		const told = market.bob.reports.flatMap((report) =>
			report.kind === "received" ? [report.amount] : [],
		);
		assert.deepEqual(told, [came]);
		assert.equal(ecash.balance(market.ann), 750n);
	});

	test("makes a token that is sent, and takes its fee from the change", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		await ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		await scene.order({ kind: "send", amount: 35n });
		await ecash.pass();
		const { state, fee = 0n, amount } = scene.ordered ?? {};
		assert.deepEqual([state, amount], ["sent", 35n]);
		assert.ok(fee > 0n);
		assert.equal(ecash.balance(scene.ann), 1000n - 35n - fee);
	});

	test("gives back what is left of a token that is taken back", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		await scene.order({ kind: "send", amount: 35n });
		await ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		await scene.order({
			...{ kind: "take-back", of: REQUEST, request: filled(16, 2) },
		});
		await ecash.pass();
		// 1, 2 and 32.
		const { state, returned } = scene.ordered ?? {};
		assert.deepEqual([state, returned], ["taken-back", 32n]);
		assert.equal(ecash.balance(scene.ann), 997n);
	});

	test("gives back what is left of a lock that nobody has claimed", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		const { market } = ecash;
		const { contract } = await ecash.buyUntil("lock");
		market.town.wire.splice(0);
		market.town.die(market.bob);
		let isFirst = true;
		scene.before = () => {
			if (isFirst) scene.asksFor(1000);
			isFirst = false;
		};
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "refunded");
		assert.ok(scene.swaps.length > 1);
		const back = ecash.balance(market.ann);
		assert.ok(back > 750n && back < 1000n, `${back}`);
	});
});

/** One whose mint does the first swap for what it asks for then, says no, and that nothing is spent, and asks for more after that. */
async function doneNevertheless(): Promise<Scene> {
	const scene = await Scene.make();
	const { mint, market } = scene.ecash;
	await market.town.pass(60_000);
	const handle = mint.handle.bind(mint);
	let isFirst = true;
	mint.handle = (request, now) => {
		const reply = handle(request, now);
		if (!isFirst || request.path !== "/v1/swap") return reply;
		isFirst = false;
		scene.asksFor(1000);
		mint.add({ kind: "state-lied", state: "UNSPENT", times: 1 });
		const body = utf8(JSON.stringify({ detail: "no", code: 11005 }));
		return { kind: "answer", status: 400, delayMs: 0, body };
	};
	return scene;
}

describe("what was made before the mint asked for more", () => {
	test("is received when the mint has done it and said no, and says so late", async () => {
		const scene = await doneNevertheless();
		const { ecash } = scene;
		await scene.receive(100n);
		await ecash.pass();
		assert.ok(scene.swaps.length > 1);
		assert.equal(new Set(scene.swaps).size, scene.swaps.length);
		assert.equal(scene.received?.state, "received");
		assert.equal(scene.received?.amount, 100n);
		ecash.requireConserved(1100n);
	});

	test("is the token that is sent, at what it has cost", async () => {
		const scene = await doneNevertheless();
		const { ecash } = scene;
		await scene.order({ kind: "send", amount: 35n });
		await ecash.pass();
		assert.ok(scene.swaps.length > 1);
		assert.deepEqual([scene.ordered?.state, scene.ordered?.fee], ["sent", 0n]);
		ecash.requireConserved(965n);
	});
});

describe("a mint that always says that a swap is not balanced", () => {
	test("is asked for the same as long as it asks for the same, and less and less often", async () => {
		const scene = await Scene.make();
		const { town } = scene.ecash.market;
		scene.refuses = 11005;
		await scene.receive(100n);
		for (let second = 0; second < 600; second++) await town.pass(1000);
		assert.equal(new Set(scene.swaps).size, 1);
		assert.ok(scene.swaps.length <= 10, `${scene.swaps.length}`);
		assert.ok(scene.swaps.length >= 5, `${scene.swaps.length}`);
		scene.refuses = undefined;
		await scene.ecash.pass();
		scene.ecash.requireConserved(1100n);
	});

	test("and for another fee each time is asked for another one, and not more often", async () => {
		const scene = await Scene.make();
		const { town } = scene.ecash.market;
		let ppk = 0;
		scene.refuses = 11005;
		scene.before = () => {
			ppk += 1000;
			scene.asksFor(ppk);
		};
		await scene.receive(100n);
		for (let second = 0; second < 600; second++) await town.pass(1000);
		assert.equal(new Set(scene.swaps).size, scene.swaps.length);
		assert.ok(scene.swaps.length <= 10, `${scene.swaps.length}`);
		scene.refuses = undefined;
		scene.before = () => {};
		scene.asksFor(0);
		await scene.ecash.pass();
		scene.ecash.requireConserved(1100n);
	});
});

describe("a token that cannot be made any more of what it is made of", () => {
	/** All that there is goes into it, and the mint asks for six of that by then. */
	async function tooDear(): Promise<Scene> {
		const scene = await Scene.make();
		await scene.ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		await scene.order({ kind: "send", amount: 1000n });
		return scene;
	}

	const over = ["failed", "insufficient-funds", 994n, 6n];

	test("is not sent: its ecash comes back, and its owner is told why", async () => {
		const scene = await tooDear();
		await scene.ecash.pass();
		const { state, code, returned, fee } = scene.ordered ?? {};
		assert.deepEqual([state, code, returned, fee], over);
		scene.ecash.requireConserved(994n);
		const told = scene.orderReports.at(-1);
		assert.equal(told?.state, "failed");
		assert.equal(told?.error?.code, "insufficient-funds");
		assert.match(told?.error?.message ?? "", /asks for more than it did/);
	});

	test("is counted as in doubt until its ecash is back, also over a start", async () => {
		const scene = await tooDear();
		const { ecash } = scene;
		const { town } = ecash.market;
		for (let second = 0; second < 20; second++) {
			scene.ecash.mint.add({ kind: "down", at: "swap", times: 1 });
			await town.pass(1000);
		}
		assert.equal(scene.ordered?.state, "taking-back");
		assert.equal(ecash.told(scene.ann).inDoubt, 1000n);
		ecash.mint.clear();
		town.restart(scene.ann);
		await ecash.pass();
		assert.equal(scene.ordered?.state, "failed");
		assert.equal(ecash.told(scene.ann).inDoubt, 0n);
		ecash.requireConserved(994n);
	});

	test("and that the mint has made after all is the purse's own", async () => {
		const scene = await doneNevertheless();
		await scene.order({ kind: "send", amount: 1000n });
		await scene.ecash.pass();
		const { state, returned, fee } = scene.ordered ?? {};
		assert.deepEqual([state, returned, fee], ["failed", 1000n, 0n]);
		scene.ecash.requireConserved(1000n);
	});

	test("and whose ecash somebody else has spent is declined", async () => {
		const scene = await tooDear();
		scene.before = () => {
			scene.before = () => {};
			scene.asksFor(0);
			scene.ecash.swapAway(scene.given, filled(64, 1));
		};
		await scene.ecash.pass();
		const { state, code } = scene.ordered ?? {};
		assert.deepEqual([state, code], ["declined", ""]);
		assert.equal(scene.ecash.balance(scene.ann), 0n);
	});
});

describe("what costs as much as it is worth", () => {
	test("goes on to be asked for, and its owner is told once", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		ecash.giveOnly(scene.ann, ecash.token(1n));
		await ecash.market.town.pass(60_000);
		scene.asksFor(1000);
		await scene.order({ kind: "send", amount: 1n });
		await ecash.pass();
		assert.equal(scene.ordered?.state, "swapping");
		assert.deepEqual(scene.troubles(scene.ann), ["insufficient-funds"]);
		const { length } = scene.swaps;
		assert.ok(length > 2 && length < 20, `${length}`);
		scene.asksFor(0);
		await ecash.pass();
		assert.equal(scene.ordered?.state, "sent");
		assert.deepEqual(scene.troubles(scene.ann), ["insufficient-funds"]);
	});

	test("of a lock goes on to be claimed, and its payee is told once", async () => {
		const scene = await Scene.make();
		const { ecash } = scene;
		const { market } = ecash;
		const visit = await market.meet();
		const contract = await market.contract(visit, { amount: 1n });
		market.buy(visit, contract);
		// The payer has locked it by then, and the payee claims it.
		scene.before = () => {
			if (scene.swaps.length === 2) scene.asksFor(1000);
		};
		await market.quiet();
		await ecash.pass();
		assert.deepEqual(scene.troubles(market.bob), ["insufficient-funds"]);
		assert.equal(ecash.stateOf(contract.hash, market.bob), "claiming");
		scene.asksFor(0);
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, market.bob), "claimed");
		assert.equal(ecash.balance(market.bob), 1n);
	});

	test("of what was to pay an invoice is told once as well, and comes back later", async () => {
		const scene = await Scene.make({ melting: "by-hand" });
		const { ecash } = scene;
		ecash.giveOnly(scene.ann, ecash.token(4n));
		const invoice = scene.invoice(1n);
		await scene.order({ kind: "melt", invoice, maxFee: 3n });
		assert.equal(scene.ordered?.state, "melting");
		scene.asksFor(10_000);
		// The purse asks its mint anew once in an hour.
		await ecash.market.town.pass(3_600_000);
		ecash.mint.mint.settleMelt(scene.ordered?.quote ?? "", false);
		for (let times = 0; times < 3; times++) await ecash.pass();
		assert.equal(scene.ordered?.state, "melting");
		assert.deepEqual(scene.troubles(scene.ann), ["insufficient-funds"]);
		scene.asksFor(0);
		await ecash.market.town.pass(3_600_000);
		await ecash.pass();
		assert.notEqual(scene.ordered?.state, "melting");
	});
});
