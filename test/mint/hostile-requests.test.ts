/* Whatever a request says, the mint answers, and what it refused changed nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JSONInt } from "@cashu/cashu-ts";
import fc from "fast-check";
import {
	FaultyMint,
	MINT_FAULTS,
	type MintFault,
} from "../../src/mint/index.ts";
import { parseUtf8, utf8 } from "../../src/wire/index.ts";
import { Client, keyLock, playMint, purchaseLock } from "./support.ts";

const POSTED = [
	"swap",
	"checkstate",
	"restore",
	"mint/quote/bolt11",
	"mint/bolt11",
	"melt/quote/bolt11",
	"melt/bolt11",
] as const;

const mint = playMint();
const client = new Client(mint);
const proofs = client.mint([1, 2, 4], [keyLock(), purchaseLock()]);
const { outputs } = client.blind([1, 2, 4]);
const { quote } = client.post("mint/quote/bolt11", { unit: "sat", amount: 7 });

const asText = (value: unknown) => JSONInt.stringify(value) ?? "";

/** Anything, or what would be right there. */
const like = (right: readonly unknown[]) =>
	fc.oneof(fc.constantFrom(...right), fc.jsonValue(), fc.bigInt());

const lock = fc.tuple(like(["P2PK", "HTLC"]), fc.jsonValue()).map(asText);

const proof = fc.record(
	{
		id: like([outputs[0]?.id]),
		amount: like([1, 2, 4]),
		secret: fc.oneof(lock, like(proofs.map(({ secret }) => secret))),
		C: like(proofs.map(({ C }) => C)),
		witness: like(['{"signatures":["00"],"preimage":"00"}', "{"]),
	},
	{ requiredKeys: [] },
);

const body = fc.record(
	{
		inputs: fc.oneof(fc.array(proof, { maxLength: 3 }), fc.jsonValue()),
		outputs: fc.oneof(fc.constant(outputs), like([[]])),
		Ys: fc.array(like(outputs.map(({ B_ }) => B_)), { maxLength: 3 }),
		quote: like([quote]),
		unit: like(["sat"]),
		amount: like([1]),
		request: like(["lnplaysat10n1"]),
	},
	{ requiredKeys: [] },
);

describe("a play mint that is asked anything", () => {
	test("answers JSON, and forgets what it refused", () => {
		fc.assert(
			fc.property(
				fc.constantFrom(...POSTED),
				fc.oneof(body.map(asText), fc.string()),
				(path, text) => {
					mint.takeChanges();
					const request = { method: "POST", path: `/v1/${path}` };
					const { status, body } = mint.handle(
						{ ...request, body: utf8(text) },
						client.now,
					);
					const answer = JSON.parse(parseUtf8(body));
					if (status === 200) return;
					assert.equal(status, 400);
					assert.equal(typeof answer.code, "number");
					assert.deepEqual(
						mint.takeChanges().filter(({ table }) => table !== "mintQuotes"),
						[],
					);
				},
			),
			{ numRuns: 300 },
		);
	});

	test("answers anything at all when everything is wrong with it", () => {
		const faulty = new FaultyMint(mint);
		for (const kind of Object.keys(MINT_FAULTS) as MintFault["kind"][])
			if (kind !== "down" && kind !== "answer-lost" && kind !== "not-json")
				faulty.add({
					kind,
					ms: 1,
					bytes: 1,
					seconds: 1,
					state: "SPENT",
					isAnnounced: true,
				} as MintFault);
		fc.assert(
			fc.property(fc.constantFrom(...POSTED), body, (path, fields) => {
				const request = { method: "POST", path: `/v1/${path}` };
				const reply = faulty.handle(
					{ ...request, body: utf8(asText(fields)) },
					client.now,
				);
				assert.equal(reply.kind, "answer");
			}),
			{ numRuns: 100 },
		);
	});
});
