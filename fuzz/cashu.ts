/* What mints answer, and what payers and strangers hand over of their ecash. */
import { nodeCrypto } from "../src/crypto/index.ts";
import { parseCbor, writeCbor } from "../src/money/cashu/cbor.ts";
import * as cashu from "../src/money/cashu/index.ts";
import { parseJson, writeJson } from "../src/money/cashu/json.ts";
import { encodeKeyset, parseKeyset } from "../src/money/cashu/kept-keyset.ts";
import { readLockSecret } from "../src/money/cashu/read-lock.ts";
import { loadEcash } from "../src/provider/index.ts";
import * as trade from "../src/trade/documents/index.ts";
import {
	enc,
	hex,
	malformed,
	parseUtf8,
	sameBytes,
	utf8,
} from "../src/wire/index.ts";
import { broken, type Target } from "./target.ts";

const JSON_TOKENS = [
	...["{", "}", "[", "]", '"', ":", ",", "null", "true", "-1", "0", "1e999"],
	...['"__proto__":1,', '""', "[[[[", '{"a":', "\\ud800", "9007199254740993"],
	...['["locktime","1"],', '"n_sigs"', '"SPENT"', '"dleq":null,', " "],
];

const json = (value: unknown) => utf8(JSON.stringify(value));

export function cashuTargets(): Target[] {
	const ecash = loadEcash();
	const seed = new Uint8Array(64).fill(1);
	const privateKey = nodeCrypto.sha256(utf8("a mint"));
	const key = ecash.publicKey(privateKey);
	const said = {
		unit: "sat",
		inputFeePpk: 100n,
		finalExpiry: undefined,
		isActive: true,
		keys: new Map([[1n, key]]),
	};
	const id = cashu.deriveKeysetId(nodeCrypto, {
		...said,
		id: Uint8Array.of(1),
	});
	const keyset: cashu.Keyset = { ...said, id };
	const terms: cashu.LockTerms = {
		keyHash: nodeCrypto.sha256(utf8("k")),
		payee: key,
		deadline: 1_900_000_000,
		refund: ecash.publicKey(nodeCrypto.sha256(utf8("payer"))),
		contract: nodeCrypto.sha256(utf8("h")),
		binding: nodeCrypto.sha256(utf8("b")),
	};
	const outputs = cashu.makeLockOutputs(
		ecash,
		{ seed, keyset: id, counter: 0 },
		[1n],
		terms,
	);
	const [output] = outputs;
	if (output === undefined) throw broken("there is no output");
	const proof = {
		keyset: id,
		amount: 1n,
		secret: output.secret,
		signature: key,
		dleq: { e: privateKey, s: privateKey, r: output.factor },
	};
	const signature = {
		id: hex(id),
		amount: 1,
		C_: hex(key),
		dleq: { e: hex(privateKey), s: hex(privateKey) },
	};
	const written = {
		id: hex(id),
		unit: "sat",
		active: true,
		input_fee_ppk: 100,
		keys: { "1": hex(key) },
	};
	const token = { mint: "https://mint.example", unit: "sat", proofs: [proof] };
	const ys = cashu.pointsOf(ecash, [proof]);
	const state = {
		Y: hex(ys[0] ?? key),
		state: "SPENT",
		witness: JSON.stringify({ preimage: hex(privateKey), signatures: [] }),
	};
	return [
		{
			name: "JSON of a mint",
			covers: [
				"money/cashu/json.ts#parseJson",
				"money/cashu/json.ts#parseJsonText",
			],
			seeds: [json({ a: [1, "é\n", null, true], b: {} })],
			tokens: JSON_TOKENS,
			take(bytes) {
				const value = parseJson(bytes);
				const again = writeJson(value);
				if (writeJson(parseJson(utf8(again))) !== again)
					throw broken("a value in JSON is another when it is read again");
			},
		},
		{
			name: "CBOR of a token",
			covers: ["money/cashu/cbor.ts#parseCbor"],
			seeds: [writeCbor({ a: 1n, b: ["c", key], d: 2n ** 40n })],
			take: (bytes) => void parseCbor(bytes),
		},
		{
			name: "keyset that was kept",
			covers: ["money/cashu/kept-keyset.ts#parseKeyset"],
			seeds: [encodeKeyset(keyset)],
			take(bytes) {
				if (!sameBytes(encodeKeyset(parseKeyset(bytes)), bytes))
					throw broken("a keyset is another when it is kept again");
			},
		},
		{
			name: "token",
			covers: ["money/cashu/token.ts#parseToken"],
			seeds: [utf8(cashu.writeToken(token))],
			tokens: ["cashuA", "cashuB", "cashu:", "=", "_", "-"],
			take: (bytes) => void cashu.parseToken(parseUtf8(bytes)),
		},
		{
			name: "keysets of a mint",
			covers: [
				"money/cashu/keyset.ts#parseKeysets",
				"money/cashu/keyset.ts#parseKeys",
			],
			seeds: [json({ keysets: [written] })],
			tokens: JSON_TOKENS,
			take(bytes) {
				const notices = cashu.parseKeysets(bytes);
				cashu.parseKeys(nodeCrypto, ecash, bytes, notices);
			},
		},
		{
			name: "signatures of a mint",
			covers: [
				"money/cashu/signatures.ts#parseSignatures",
				"money/cashu/signatures.ts#readSignature",
			],
			seeds: [json({ signatures: [signature] })],
			tokens: JSON_TOKENS,
			take: (bytes) => void cashu.parseSignatures(bytes),
		},
		{
			name: "restored signatures",
			covers: ["money/cashu/signatures.ts#parseRestored"],
			seeds: [
				json({
					outputs: [{ amount: 1, id: hex(id), B_: hex(output.blinded) }],
					signatures: [{ ...signature, dleq: null }],
				}),
				json({ outputs: [], signatures: [] }),
			],
			tokens: JSON_TOKENS,
			take(bytes) {
				const known = new cashu.KnownKeysets([keyset]);
				const restored = cashu.parseRestored(bytes);
				cashu.unblindRestored(ecash, known, outputs, restored, "outputs");
			},
		},
		{
			name: "states of proofs",
			covers: ["money/cashu/states.ts#parseStates"],
			seeds: [json({ states: [state] })],
			tokens: JSON_TOKENS,
			take(bytes) {
				const states = cashu.parseStates(bytes, ys);
				const { keyHash } = terms;
				const found = cashu.lockState(nodeCrypto, states, keyHash);
				if (
					found.kind === "claimed" &&
					!sameBytes(nodeCrypto.sha256(found.key), keyHash)
				)
					throw broken("a key was found that has another hash");
			},
		},
		{
			name: "quotes of a mint",
			covers: [
				"money/cashu/quote.ts#parseMintQuote",
				"money/cashu/quote.ts#parseMeltQuote",
			],
			seeds: [
				json({ quote: "q", request: "lnbc1", state: "PAID", amount: 1 }),
				json({
					...{ quote: "q", request: "lnbc1", state: "PAID", amount: 1 },
					...{ fee_reserve: 2, expiry: 9, change: [signature] },
				}),
			],
			tokens: JSON_TOKENS,
			take(bytes) {
				cashu.parseMintQuote(bytes);
				cashu.parseMeltQuote(bytes);
			},
		},
		{
			name: "what a mint says of itself",
			covers: ["money/cashu/mint-info.ts#parseMintInfo"],
			seeds: [
				json({
					name: "a mint",
					time: 1,
					nuts: {
						4: { methods: [{ method: "bolt11", unit: "sat" }] },
						14: { supported: true },
						19: { ttl: 1, cached_endpoints: [] },
					},
				}),
			],
			tokens: JSON_TOKENS,
			take: (bytes) => void cashu.parseMintInfo(bytes),
		},
		{
			name: "refusal of a mint",
			covers: ["money/cashu/mint-error.ts#parseMintError"],
			seeds: [json({ code: 11001, detail: "spent" })],
			tokens: JSON_TOKENS,
			take: (bytes) => void cashu.parseMintError(bytes),
		},
		{
			name: "lock",
			covers: ["money/cashu/proof.ts#parseLock"],
			seeds: [cashu.encodeLock([proof])],
			take(bytes) {
				const proofs = cashu.parseLock(bytes);
				if (!sameBytes(cashu.encodeLock(proofs), bytes))
					throw broken("a lock has two forms");
			},
		},
		{
			name: "proofs",
			covers: ["money/cashu/proof.ts#parseProofs"],
			seeds: [cashu.encodeProofs([{ ...proof, dleq: undefined }, proof])],
			take: (bytes) => void cashu.parseProofs(bytes),
		},
		{
			name: "secret of a lock",
			covers: ["money/cashu/read-lock.ts#readLockSecret"],
			seeds: [utf8(output.secret)],
			tokens: JSON_TOKENS,
			take(bytes) {
				const secret = parseUtf8(bytes);
				// Of what a stranger has given.
				void cashu.anybodysFrom(secret);
				const read = readLockSecret(secret, terms);
				if (read.kind === "wrong") throw malformed(read.why);
				const { refund, nonce } = read;
				if (secret !== cashu.lockSecret({ ...terms, refund }, nonce))
					throw broken("a secret that fits is none of the lock");
			},
		},
		{
			name: "terms of a mint's money",
			covers: [
				"trade/documents/mint-terms.ts#parseMintTerms",
				"trade/documents/seller.ts#parseSeller",
			],
			seeds: [
				trade.encodeMintTerms({
					mint: "https://mint.example",
					unit: "sat",
					module: enc(terms.contract, utf8("module")),
					agent: enc(terms.binding, utf8("agent")),
					generation: 1,
					payeeKey: key,
				}),
			],
			take(bytes) {
				const read = trade.parseMintTerms(bytes);
				if (!sameBytes(trade.encodeMintTerms(read), bytes))
					throw broken("terms of a mint's money have two forms");
				trade.sellerOf(trade.parseSeller(nodeCrypto, bytes));
			},
		},
	];
}
