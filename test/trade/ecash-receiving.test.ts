/* Ecash that an owner puts into a purse. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeCbor } from "../../src/money/cashu/cbor.ts";
import { type Proof, writeToken } from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_URL } from "./ecash-market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const REQUEST = filled(16, 0x4e);

/** As it is handed over. */
function tokenOf(proofs: readonly Proof[], mint = MINT_URL): string {
	return writeToken({ mint, unit: "sat", proofs });
}

/** What a module was told of it. */
function toldOf({ reports }: Module): readonly string[] {
	return reports.flatMap((report) => {
		if (report.kind === "ecash-received") return [`received ${report.amount}`];
		return report.kind === "ecash-refused" ? [report.error.code] : [];
	});
}

async function given(): Promise<{
	ecash: EcashMarket;
	proofs: readonly Proof[];
	receive(proofs?: readonly Proof[], request?: Uint8Array): Promise<void>;
}> {
	const ecash = await EcashMarket.make({ world });
	const { market } = ecash;
	const proofs = ecash.token(100n);
	return {
		ecash,
		proofs,
		async receive(of = proofs, request = REQUEST) {
			market.ann.events.push({
				kind: "receive-ecash",
				request,
				token: tokenOf(of),
			});
			await market.quiet();
		},
	};
}

describe("ecash that an owner puts into a purse", () => {
	test("is its own once the mint has signed new proofs, and told of", async () => {
		const { ecash, receive, proofs } = await given();
		const { ann } = ecash.market;
		await receive();
		await ecash.pass();
		assert.deepEqual(toldOf(ann), ["received 100"]);
		assert.equal(ecash.balance(ann), 1100n);
		ecash.requireConserved(1100n);
		const secrets = ann.store
			.rows(ecashTables.PROOFS)
			.map(({ secret }) => secret);
		for (const { secret } of proofs) assert.ok(!secrets.includes(secret));
	});

	test("is received once, however often that is asked for, and told of again", async () => {
		const { ecash, receive } = await given();
		const { market } = ecash;
		await receive();
		await receive();
		await ecash.pass();
		market.town.restart(market.ann);
		await receive();
		await ecash.pass();
		assert.deepEqual(new Set(toldOf(market.ann)), new Set(["received 100"]));
		assert.equal(ecash.balance(market.ann), 1100n);
	});

	test("that was spent is refused, and nothing is added", async () => {
		const { ecash, receive } = await given();
		const { ann } = ecash.market;
		await receive();
		await ecash.pass();
		await receive(undefined, filled(16, 0x4f));
		await ecash.pass();
		assert.deepEqual(toldOf(ann), ["received 100", "double-spent"]);
		assert.equal(ecash.balance(ann), 1100n);
	});

	test("that its mint never signed is refused", async () => {
		const { ecash, receive, proofs } = await given();
		const [first] = proofs;
		assert.ok(first);
		await receive([{ ...first, secret: hex(filled(32, 7)) }]);
		await ecash.pass();
		assert.deepEqual(toldOf(ecash.market.ann), ["issuer-refused"]);
		assert.equal(ecash.balance(ecash.market.ann), 1000n);
	});

	for (const [name, count, change] of [
		["a secret", 1, { secret: "\u20ac".repeat(1024) }],
		["secrets", 200, { secret: "\0".repeat(1024) }],
		["what it is spent with", 1, { witness: "\u20ac".repeat(1024) }],
	] as const)
		test(`with ${name} that no request can have is refused, and its module goes on`, async () => {
			const { ecash, proofs } = await given();
			const { market } = ecash;
			const [first] = proofs;
			assert.ok(first);
			const p = Array.from({ length: count }, (_, number) => ({
				...{ a: 1n, c: first.signature, s: `${number}`, d: undefined },
				...("secret" in change
					? { s: `${number}${change.secret}`.slice(0, 1024), w: undefined }
					: { w: change.witness }),
			}));
			const t = [{ i: first.keyset, p }];
			const token = { m: MINT_URL, u: "sat", d: undefined, t };
			market.ann.events.push({
				kind: "receive-ecash",
				request: REQUEST,
				token: `cashuB${Buffer.from(writeCbor(token)).toString("base64url")}`,
			});
			await market.quiet();
			assert.deepEqual(toldOf(market.ann), ["limit-exceeded"]);
			assert.ok(market.ann.machine);
			assert.equal(ecash.balance(market.ann), 1000n);
		});

	test("of a mint that its owner has not named is refused at once", async () => {
		const { ecash, proofs } = await given();
		const { market } = ecash;
		market.ann.events.push({
			kind: "receive-ecash",
			request: REQUEST,
			token: tokenOf(proofs, "https://other.example"),
		});
		await market.quiet();
		assert.deepEqual(toldOf(market.ann), ["payment-refused"]);
	});

	for (const refusals of [6, 20])
		test(`is received also when its mint has signed the first of ${refusals} swaps that it says it never does`, async () => {
			const { ecash, receive } = await given();
			const { market, mint } = ecash;
			const handle = mint.handle.bind(mint);
			const said = (of: object, status: number) => ({
				...({ kind: "answer", delayMs: 0 } as const),
				...{ status, body: utf8(JSON.stringify(of)) },
			});
			const bodies = new Set<string>();
			let isLying = true;
			mint.handle = (request, now) => {
				if (!isLying) return handle(request, now);
				if (request.path === "/v1/checkstate") {
					const { Ys } = JSON.parse(parseUtf8(request.body)) as {
						Ys: string[];
					};
					const states = Ys.map((Y) => ({ Y, state: "UNSPENT" }));
					return said({ states }, 200);
				}
				if (request.path !== "/v1/swap") return handle(request, now);
				if (bodies.size === 0) handle(request, now);
				bodies.add(hex(request.body));
				isLying = bodies.size < refusals;
				return said({ detail: "inactive", code: 12002 }, 400);
			};
			await receive();
			for (let i = 0; i < refusals; i++) await ecash.pass();
			assert.equal(bodies.size, refusals);
			assert.ok(market.ann.reports.every(({ kind }) => kind !== "trouble"));
			isLying = false;
			await ecash.pass();
			assert.deepEqual(toldOf(market.ann), ["received 100"]);
			assert.equal(ecash.balance(market.ann), 1100n);
		});

	for (let write = 1; write <= 3; write++)
		for (const when of ["before", "after"] as const)
			test(`is received once when the module is killed ${when} write ${write}`, async () => {
				const { ecash, receive } = await given();
				const { market } = ecash;
				market.town.killAt(market.ann, { write, when });
				await receive();
				await ecash.pass();
				if (market.ann.machine === undefined) market.town.restart(market.ann);
				await receive();
				await ecash.pass();
				assert.equal(ecash.balance(market.ann), 1100n);
				ecash.requireConserved(1100n);
			});

	for (const kind of [
		"answer-lost",
		"down",
		"keyset-rotated",
		"not-json",
	] as const)
		test(`is received when its mint is wrong: ${kind}`, async () => {
			const { ecash, receive } = await given();
			const { market, mint } = ecash;
			mint.add({ kind, at: "swap", times: 2 });
			await receive();
			await ecash.pass();
			await ecash.pass();
			assert.deepEqual(toldOf(market.ann), ["received 100"]);
			assert.equal(ecash.balance(market.ann), 1100n);
		});
});
