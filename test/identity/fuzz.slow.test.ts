/* Whatever the bytes, certificates, requests, lists, bundles, renewals and numbers end in a value or a TetradError, and soon. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	encodeListNumbers,
	issueUntrustedList,
	makeAuthorityRequest,
	makeRenewal,
	makeRequest,
	openRenewal,
	openUntrustedList,
	parseCertificate,
	parseListNumbers,
	parsePemBlock,
	parseRequest,
	printPemBlock,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { DAY, makeWorld, TEST_NOW } from "../support/authority.ts";

/** Together, in milliseconds. */
const BUDGET: number = process.env["CI"] === "true" ? 10_000 : 1000;
/** What no input may take, in milliseconds: far above the slowest, so that only a hang meets it. */
const HANG = 2000;

const world = await makeWorld({ withIntermediate: true });
const { agency } = world;
const device = await world.agent("shop.example");
const [leaf, sub] = device.certificates as [Uint8Array, Uint8Array];
const issuer = parseCertificate(sub);
const request = await makeRequest(nodeCrypto, {
	role: "agent",
	name: "shop.example",
	signer: generateSoftwareKey("Ed25519"),
	tamperResistance: "tpm",
});
const list = await issueUntrustedList(nodeCrypto, {
	issuer: agency.issuer,
	number: 300n,
	thisUpdate: TEST_NOW,
	nextUpdate: TEST_NOW + DAY,
	entries: Array.from({ length: 20 }, (_, i) => ({
		serial: nodeCrypto.random(1 + i).with(0, 1 + i * 12),
		instant: TEST_NOW,
		...(i % 3 === 0 && { reason: "keyCompromise" as const }),
	})),
	recertifyBefore: TEST_NOW - 2000 * DAY,
});
const verdicts = () => new ChainVerdicts(nodeCrypto, world.policy);

const readers: Record<
	string,
	readonly [valid: Uint8Array, read: (bytes: Uint8Array) => unknown]
> = {
	certificate: [leaf, parseCertificate],
	chain: [device.chain, (bytes) => verdicts().judge(bytes, "agent", TEST_NOW)],
	request: [request, (bytes) => parseRequest(nodeCrypto, bytes)],
	"request of an intermediate": [
		await makeAuthorityRequest(nodeCrypto, {
			kind: "bank",
			name: "Bank 1",
			signer: generateSoftwareKey("P-256"),
			attests: ["token"],
		}),
		(bytes) => parseRequest(nodeCrypto, bytes),
	],
	renewal: [
		await makeRenewal(nodeCrypto, {
			request,
			chain: device.chain,
			signer: device.signer,
			now: TEST_NOW,
		}),
		(bytes) => openRenewal(nodeCrypto, bytes, "agent", verdicts(), TEST_NOW),
	],
	list: [list, (bytes) => openUntrustedList(nodeCrypto, bytes, issuer)],
	// As if the signature held, so that the entries are read too.
	"list with any signature": [
		list,
		(bytes) => [
			...openUntrustedList(
				{ ...nodeCrypto, verify: () => true },
				bytes,
				issuer,
			).entries(),
		],
	],
	bundle: [
		encodeBundle(list, encodeChain([sub])),
		(bytes) => {
			const { lists } = verdicts();
			try {
				return lists.offer(bytes, TEST_NOW);
			} catch (thrown) {
				assert.equal(lists.generation, 0);
				throw thrown;
			}
		},
	],
	numbers: [
		encodeListNumbers([
			{ authority: nodeCrypto.random(32), number: 5n },
			{ authority: nodeCrypto.random(32), number: 0n },
		]),
		parseListNumbers,
	],
	PEM: [
		new TextEncoder().encode(printPemBlock("X509 CRL", list)),
		(bytes) => parsePemBlock(new TextDecoder().decode(bytes), "X509 CRL"),
	],
};

function onlyRefuses(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array) {
	const start = performance.now();
	try {
		read(bytes);
	} catch (thrown) {
		assert.ok(thrown instanceof TetradError, String(thrown));
		assert.equal(thrown.family, "peer", thrown.message);
	}
	assert.ok(performance.now() - start < HANG, "it hangs");
}

const EDGES = [
	0, 1, 2, 3, 4, 5, 6, 0x0a, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84,
	0xa0, 0xff,
];

/** Bytes replaced, removed, put in or repeated, at a few places of something valid. */
function mutations(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
	const octet = fc.oneof(fc.constantFrom(...EDGES), fc.nat({ max: 255 }));
	const edit = fc.record({
		at: fc.nat({ max: valid.length - 1 }),
		drop: fc.oneof(fc.constant(1), fc.nat({ max: 40 })),
		insert: fc.oneof(
			fc.array(octet, { minLength: 1, maxLength: 1 }),
			fc.array(octet, { maxLength: 6 }),
		),
		repeat: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
	});
	return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
		const bytes = [...valid];
		for (const { at, drop, insert, repeat } of edits)
			bytes.splice(at, drop, ...insert, ...bytes.slice(at, at + repeat));
		return Uint8Array.from(bytes);
	});
}

suite("only a TetradError is thrown", () => {
	const share = BUDGET / Object.keys(readers).length;
	for (const [name, [valid, read]] of Object.entries(readers))
		test(`for whatever stands in the place of a ${name}`, () => {
			read(valid);
			fc.assert(
				fc.property(
					fc.oneof(
						{ weight: 9, arbitrary: mutations(valid) },
						{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
					),
					(bytes) => onlyRefuses(read, bytes),
				),
				{
					numRuns: Number.MAX_SAFE_INTEGER,
					interruptAfterTimeLimit: share,
					markInterruptAsFailure: false,
				},
			);
		});
});
