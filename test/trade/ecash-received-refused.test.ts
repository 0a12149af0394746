/* A token whose mint does not let its owner have it: which refusals end that, and what is told of each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PlayMintOptions } from "../../src/mint/index.ts";
import { writeCbor } from "../../src/money/cashu/cbor.ts";
import type { Proof } from "../../src/money/cashu/index.ts";
import { ecashTables, type PurseReport } from "../../src/money/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER, MINT_URL } from "./ecash-market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const REQUEST = filled(16, 0x4e);
const AGAIN = filled(16, 0x4f);

type Refused = Extract<PurseReport, { readonly kind: "ecash-refused" }>;

/** Ann's purse, that is given tokens, and what its mint says to each swap. */
class Scene {
	readonly ecash: EcashMarket;
	/** The code with which swaps are refused; nothing where they are not. */
	refuses: number | undefined;
	/** How often it does yet. */
	times = Number.POSITIVE_INFINITY;
	/** Whether they are carried out all the same. */
	isDone = false;
	/** How many were asked for, and which. */
	swaps = 0;
	readonly requests: Parameters<EcashMarket["ask"]>[0][] = [];

	private constructor(ecash: EcashMarket) {
		this.ecash = ecash;
		const { mint } = ecash;
		const handle = mint.handle.bind(mint);
		mint.handle = (request, now) => {
			if (request.path !== "/v1/swap") return handle(request, now);
			this.swaps++;
			this.requests.push(request);
			const code = this.refuses;
			if (code === undefined || --this.times < 0) return handle(request, now);
			if (this.isDone) handle(request, now);
			const body = utf8(JSON.stringify({ detail: "no", code }));
			return { kind: "answer", status: 400, delayMs: 0, body };
		};
	}

	static async make(play?: PlayMintOptions): Promise<Scene> {
		return new Scene(await EcashMarket.make({ world }, play));
	}

	get ann() {
		return this.ecash.market.ann;
	}

	/** `witness` stands beside each of its proofs. */
	async receive(
		proofs: readonly Proof[],
		{
			request = REQUEST,
			witness,
		}: { request?: Uint8Array; witness?: string } = {},
	): Promise<void> {
		const t = proofs.map(({ keyset, amount, secret, signature }) => ({
			i: keyset,
			p: [{ a: amount, s: secret, c: signature, w: witness }],
		}));
		const written = writeCbor({ m: MINT_URL, u: "sat", t });
		const token = `cashuB${Buffer.from(written).toString("base64url")}`;
		this.ann.events.push({ kind: "receive-ecash", request, token });
		await this.ecash.market.quiet();
		await this.ecash.market.town.pass(11_000);
		await this.ecash.pass();
	}

	/** What was told, the latest at the end. */
	get told(): readonly string[] {
		return this.ann.reports.flatMap((report) => {
			if (report.kind === "ecash-received")
				return [`received ${report.amount}`];
			return report.kind === "ecash-refused" ? [report.error.code] : [];
		});
	}

	/** What its owner is told of a token that is still asked for: why not yet. */
	get troubles(): readonly string[] {
		return this.ann.reports.flatMap((report) =>
			report.kind === "trouble"
				? [report.error.message.replace(/^.*refuses it (.*\)).*$/, "$1")]
				: [],
		);
	}

	get why(): string {
		const refused = this.ann.reports.filter(
			(report): report is Refused => report.kind === "ecash-refused",
		);
		return refused.at(-1)?.error.message ?? "";
	}

	row(request = REQUEST) {
		return this.ann.store
			.rows(ecashTables.RECEIVED)
			.find((row) => hex(row.request) === hex(request));
	}
}

/** A lock to a key that nobody here has. */
function lockedTo(nonce: number, ...tags: readonly (readonly string[])[]) {
	const key =
		"02abe8999316c01d129e77c5bb6a24ad3a08045b3b90ac8e1c26b191a66f8da571";
	const said = { nonce: hex(filled(32, nonce)), data: key, tags };
	return JSON.stringify(["P2PK", said]);
}

describe("a token that its mint refuses for good", () => {
	for (const code of [
		...[10_001, 11_006, 11_007, 11_008, 11_009, 11_010, 11_013],
		...[11_014, 11_015, 12_001, 12_003, 20_008],
	])
		test(`with ${code} is refused, its owner is told why, and nobody is asked any more`, async () => {
			const scene = await Scene.make();
			const proofs = scene.ecash.token(100n);
			scene.refuses = code;
			await scene.receive(proofs);
			assert.deepEqual(scene.told, ["issuer-refused"]);
			assert.match(scene.why, new RegExp(`\\(the mint: no, code ${code}\\)`));
			assert.match(scene.why, /nothing was received/);
			const row = scene.row();
			assert.deepEqual(
				[row?.state, row?.code, row?.reason],
				["refused", "issuer-refused", scene.why],
			);
			const { swaps } = scene;
			await scene.ecash.pass();
			assert.equal(scene.swaps, swaps);
			assert.equal(scene.ecash.balance(scene.ann), 1000n);
		});

	for (const [code, said] of [
		[10_001, /has not signed that ecash/],
		[11_006, /as it is in the token/],
		[11_014, /more proofs than its mint takes/],
		[11_015, /more proofs than its mint gives/],
		[12_001, /does not know the keyset/],
		[12_003, /keyset of that ecash is over/],
		[20_008, /a lock/],
	] as const)
		test(`with ${code} is told as what that code means`, async () => {
			const scene = await Scene.make();
			scene.refuses = code;
			await scene.receive(scene.ecash.token(100n));
			assert.match(scene.why, said);
		});

	test("stays so over a start, and its ecash is as good as before", async () => {
		const scene = await Scene.make();
		const proofs = scene.ecash.token(100n);
		scene.refuses = 11_014;
		await scene.receive(proofs);
		const { why, swaps } = scene;
		scene.ecash.market.town.restart(scene.ann);
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["issuer-refused", "issuer-refused"]);
		assert.equal(scene.why, why);
		assert.equal(scene.swaps, swaps);
		scene.refuses = undefined;
		await scene.receive(proofs, { request: AGAIN });
		assert.equal(scene.told.at(-1), "received 100");
		scene.ecash.requireConserved(1100n);
	});

	test("and is carried out later all the same is found by a restore", async () => {
		const scene = await Scene.make();
		const { mint, market } = scene.ecash;
		scene.refuses = 11_014;
		await scene.receive(scene.ecash.token(100n));
		assert.equal(scene.row()?.state, "refused");
		const [late] = scene.requests;
		assert.ok(late);
		assert.equal(mint.mint.handle(late, market.town.now).status, 200);
		scene.refuses = undefined;
		scene.ann.events.push({
			kind: "ecash-order",
			order: { kind: "restore", request: AGAIN, mint: MINT_ISSUER },
		});
		await market.quiet();
		await scene.ecash.pass();
		scene.ecash.requireConserved(1100n);
	});

	for (const code of [12_001, 12_003])
		test(`with ${code} was asked for with what it has shown since`, async () => {
			const scene = await Scene.make();
			scene.refuses = code;
			await scene.receive(scene.ecash.token(100n));
			assert.equal(scene.swaps, 2);
		});
});

describe("a token that was spent", () => {
	test("is refused as such, also over a start", async () => {
		const scene = await Scene.make();
		const proofs = scene.ecash.token(100n);
		scene.ecash.swapAway(proofs, filled(64, 1));
		await scene.receive(proofs);
		scene.ecash.market.town.restart(scene.ann);
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["double-spent", "double-spent"]);
		assert.match(scene.why, /was spent before/);
	});

	test("in part is refused, and its owner is told how much of it is not", async () => {
		const scene = await Scene.make();
		const proofs = scene.ecash.token(100n);
		const spent = proofs.filter(({ amount }) => amount === 32n);
		scene.ecash.swapAway(spent, filled(64, 1));
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["double-spent"]);
		assert.match(scene.why, /32 of that ecash was spent before.* 68 /);
	});

	test("by this very purse, whose mint has done it and says no, is received", async () => {
		for (const code of [10_001, 11_001, 11_014, 12_001, 20_008]) {
			const scene = await Scene.make();
			scene.refuses = code;
			scene.isDone = true;
			await scene.receive(scene.ecash.token(100n));
			assert.deepEqual(scene.told, ["received 100"], `${code}`);
			scene.ecash.requireConserved(1100n);
		}
	});
});

describe("a token with a lock", () => {
	for (const code of [0, 10_001, 11_000, 20_008])
		test(`that is not its owner's is refused when its mint says ${code}, and told as such`, async () => {
			const scene = await Scene.make();
			const proofs = scene.ecash.tokenWith([lockedTo(1), lockedTo(2)]);
			scene.refuses = code;
			await scene.receive(proofs);
			assert.deepEqual(scene.told, ["issuer-refused"]);
			assert.match(scene.why, /a lock/);
		});

	for (const [what, tags, said] of [
		[
			"anybody's later on",
			[["locktime", "1900000000"]],
			/from 2030-03-17T17:46:40.000Z on; .* into the purse again then/,
		],
		[
			"somebody else's later on",
			[
				["locktime", "1900000000"],
				["refund", hex(filled(33, 2))],
			],
			/not locked \(/,
		],
		[
			"over later than can be",
			[["locktime", "999999999999999"]],
			/not locked \(/,
		],
		["never over", [["locktime", "soon"]], /not locked \(/],
	] as const)
		test(`that is ${what} is refused, and its owner is told what it is`, async () => {
			const scene = await Scene.make();
			scene.refuses = 20_008;
			await scene.receive(scene.ecash.tokenWith([lockedTo(1, ...tags)]));
			assert.deepEqual(scene.told, ["issuer-refused"]);
			assert.match(scene.why, said);
		});

	test("that was anybody's later on is received when it is put in again then", async () => {
		const scene = await Scene.make();
		const { town } = scene.ecash.market;
		const from = Math.ceil(town.now / 1000) + 3600;
		const proofs = scene.ecash.tokenWith([
			lockedTo(1, ["locktime", `${from}`]),
		]);
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["issuer-refused"]);
		await town.pass(3_600_000);
		await scene.receive(proofs, { request: AGAIN });
		assert.deepEqual(scene.told, ["issuer-refused", "received 1"]);
	});

	for (const code of [10_001, 11_000, 20_008])
		test(`that is over, but not by the clock of its mint, which says ${code}, goes on to be asked for`, async () => {
			const scene = await Scene.make();
			const { town } = scene.ecash.market;
			const over = Math.floor(town.now / 1000);
			scene.refuses = code;
			scene.times = 1;
			await scene.receive(
				scene.ecash.tokenWith([lockedTo(1, ["locktime", `${over}`])]),
			);
			assert.deepEqual(scene.told, ["received 1"]);
		});

	test("that is over, is refused for good by a mint that will not have it much later", async () => {
		const scene = await Scene.make();
		scene.refuses = 20_008;
		const lock = lockedTo(1, ["locktime", "1700000000"]);
		await scene.receive(scene.ecash.tokenWith([lock]));
		assert.deepEqual(scene.told, ["issuer-refused"]);
		assert.match(scene.why, /a lock/);
	});

	test("that is over, and is somebody else's then, is refused", async () => {
		const scene = await Scene.make();
		const tags = [
			["locktime", "1700000000"],
			["refund", hex(filled(33, 2))],
		];
		scene.refuses = 11_000;
		await scene.receive(scene.ecash.tokenWith([lockedTo(1, ...tags)]));
		assert.deepEqual(scene.told, ["issuer-refused"]);
		assert.match(scene.why, /a lock/);
	});

	test("that is over, and lets anybody, is received", async () => {
		const scene = await Scene.make();
		const lock = lockedTo(1, ["locktime", "1700000000"]);
		await scene.receive(scene.ecash.tokenWith([lock]));
		assert.deepEqual(scene.told, ["received 1"]);
	});

	for (const [what, secrets, witness] of [
		["over", [lockedTo(1, ["locktime", "1700000000"])], undefined],
		["to be opened with what stands beside it", [lockedTo(1)], "{}"],
		[
			"none that a mint reads",
			['["other",{"nonce":"1","data":""}]'],
			undefined,
		],
		["no JSON", ['["P2PK",{'], undefined],
	] as const)
		test(`that is ${what} goes on to be asked for after a refusal that says nothing`, async () => {
			const scene = await Scene.make();
			const proofs = scene.ecash.tokenWith(secrets);
			scene.refuses = 11_000;
			await scene.receive(proofs, witness === undefined ? {} : { witness });
			assert.deepEqual(scene.told, []);
			assert.equal(scene.row()?.state, "swapping");
		});
});

describe("a token that its mint may let its owner have yet", () => {
	for (const code of [
		...[0, 11_000, 11_001, 11_002, 11_004, 11_005, 12_002],
		...[20_001, 20_003, 30_001, 99_999],
	])
		test(`goes on to be asked for after ${code}, and is received then`, async () => {
			const scene = await Scene.make();
			scene.refuses = code;
			await scene.receive(scene.ecash.token(100n));
			assert.deepEqual(scene.told, []);
			assert.equal(scene.row()?.state, "swapping");
			// What passes, or is made anew, is no news; what is called unbalanced again, and is not, is.
			const isNews = ![11_002, 11_004, 12_002].includes(code);
			assert.deepEqual(
				scene.troubles,
				isNews ? [`for now: no (code ${code})`] : [],
			);
			scene.ecash.market.town.restart(scene.ann);
			scene.refuses = undefined;
			await scene.ecash.pass();
			assert.deepEqual(scene.told, ["received 100"]);
			scene.ecash.requireConserved(1100n);
		});
});

describe("a token of a keyset that its mint had not shown", () => {
	test("is received once the mint has been asked again", async () => {
		const scene = await Scene.make();
		await scene.receive(scene.ecash.token(1n));
		scene.ecash.mint.mint.rotateAll();
		await scene.receive(scene.ecash.token(100n), { request: AGAIN });
		assert.deepEqual(scene.told, ["received 1", "received 100"]);
	});

	test("is not refused for good while the mint does not answer", async () => {
		const scene = await Scene.make();
		await scene.receive(scene.ecash.token(1n));
		scene.ecash.mint.mint.rotateAll();
		const proofs = scene.ecash.token(100n);
		scene.ecash.mint.add({ kind: "down" });
		await scene.receive(proofs, { request: AGAIN });
		assert.deepEqual(scene.told, ["received 1", "busy"]);
		assert.equal(scene.row(AGAIN), undefined);
		scene.ecash.mint.clear();
		await scene.receive(proofs, { request: AGAIN });
		assert.equal(scene.told.at(-1), "received 100");
	});
});

describe("a token that is refused before its mint is asked", () => {
	test("is kept with why, and refused again under its name", async () => {
		const scene = await Scene.make();
		const [proof] = scene.ecash.token(4n);
		assert.ok(proof);
		await scene.receive([{ ...proof, keyset: filled(33, 1) }]);
		assert.deepEqual(scene.told, ["malformed"]);
		const { why } = scene;
		assert.match(why, /keyset/);
		const row = scene.row();
		assert.deepEqual([row?.state, row?.code], ["refused", "malformed"]);
		scene.ecash.market.town.restart(scene.ann);
		await scene.receive([proof]);
		assert.deepEqual(scene.told, ["malformed", "malformed"]);
		assert.equal(scene.why, why);
	});

	test("and cannot be kept so is so when it comes again", async () => {
		const scene = await Scene.make({ inputFeePpk: 1000 });
		const { store } = scene.ann;
		const proofs = scene.ecash.token(1n);
		let written = 0;
		scene.ann.refuses = (what) => what === "transaction" && ++written === 3;
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["store-full"]);
		await scene.receive(proofs);
		assert.deepEqual(scene.told, ["store-full", "insufficient-funds"]);
		assert.equal(store.rows(ecashTables.RECEIVED)[0]?.state, "refused");
	});
});
