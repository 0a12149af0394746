import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueIntermediate,
	issueRoot,
	type NewIntermediate,
	type NewRoot,
	parseCertificate,
	parseTrustAnchor,
	ROLE_OID,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat } from "../../src/wire/index.ts";
import { DAY, makeWorld, TEST_NOW } from "../support/authority.ts";
import { attribute, forgeRoot, refusal, sequence } from "./forge.ts";

const VALIDITY = { notBefore: TEST_NOW - DAY, notAfter: TEST_NOW + DAY };

function rootRequest(change: Partial<NewRoot> = {}): NewRoot {
	return {
		kind: "agency",
		name: "Root",
		signer: generateSoftwareKey("P-256"),
		...VALIDITY,
		...change,
	};
}

async function makeRoot(
	change: Partial<NewRoot> = {},
): Promise<IssuingAuthority> {
	const request = rootRequest(change);
	return {
		certificate: await issueRoot(nodeCrypto, request),
		signer: request.signer,
	};
}

function intermediateRequest(
	issuer: IssuingAuthority,
	change: Partial<NewIntermediate> = {},
): NewIntermediate {
	const { algorithm, publicKey } = generateSoftwareKey("P-256");
	return {
		name: "Intermediate",
		algorithm,
		publicKey,
		issuer,
		...VALIDITY,
		...change,
	};
}

function device(
	issuer: IssuingAuthority,
	change: object = {},
): Promise<Uint8Array> {
	const { algorithm, publicKey } = generateSoftwareKey("P-256");
	return issueDevice(nodeCrypto, {
		role: "agent",
		name: "shop.example",
		algorithm,
		publicKey,
		issuer,
		...VALIDITY,
		...change,
	});
}

suite("what is issued", () => {
	for (const algorithm of ["P-256", "Ed25519"] as const)
		for (const withIntermediate of [false, true])
			test(`is certified: ${algorithm}, ${withIntermediate ? "one intermediate" : "no intermediate"}`, async () => {
				const world = await makeWorld({ algorithm, withIntermediate });
				const { agencies, banks } = world.policy;
				const agent = await world.agent("shop");
				const module = await world.module("purse");
				const a = validateChain(
					nodeCrypto,
					agent.chain,
					"agent",
					agencies,
					world.now,
				);
				const m = validateChain(
					nodeCrypto,
					module.chain,
					"module",
					banks,
					world.now,
				);
				assert.deepEqual([a.name, m.name], ["shop", "purse"]);
				assert.deepEqual(a.publicKey, agent.signer.publicKey);
				const message = Uint8Array.of(1, 2, 3);
				assert.ok(
					nodeCrypto.verify(
						a.algorithm,
						a.publicKey,
						message,
						await agent.signer.sign(message),
					),
				);
			});

	test("says what the profile asks for", async () => {
		const root = await makeRoot();
		const leaf = await device(root);
		const ca = parseCertificate(root.certificate);
		const end = parseCertificate(leaf);
		assert.deepEqual(ca.basicConstraints, { ca: true, pathLength: 1 });
		assert.equal(ca.keyUsage, 0x60);
		assert.deepEqual(ca.extendedKeyUsage, [ROLE_OID.agent]);
		assert.equal(ca.subjectKeyIdentifier?.length, 20);
		assert.equal(end.basicConstraints, undefined);
		assert.equal(end.keyUsage, 1);
		assert.deepEqual(end.extendedKeyUsage, [ROLE_OID.agent]);
		assert.deepEqual([end.unenforced, ca.unenforced], [[], []]);
		assert.equal(end.notBefore, VALIDITY.notBefore);
		assert.equal(end.notAfter, VALIDITY.notAfter);
	});

	test("has a serial number of 16 bytes that is positive, whatever the random bytes", async () => {
		for (const byte of [0, 0x7f, 0x80, 0xff]) {
			const crypto = {
				...nodeCrypto,
				random: (length: number) => new Uint8Array(length).fill(byte),
			};
			const { serial } = parseCertificate(
				await issueRoot(crypto, rootRequest()),
			);
			assert.equal(serial.length, 16);
			assert.deepEqual(serial.subarray(1), new Uint8Array(15).fill(byte));
		}
	});

	test("has no two serial numbers alike", async () => {
		const root = await makeRoot();
		const [a, b] = [await device(root), await device(root)].map(
			parseCertificate,
		);
		assert.notDeepEqual(a?.serial, b?.serial);
	});

	test("cuts times to whole seconds", async () => {
		const certificate = parseCertificate(
			await issueRoot(
				nodeCrypto,
				rootRequest({ notBefore: 1999, notAfter: Date.UTC(2060, 0, 1) + 1 }),
			),
		);
		assert.equal(certificate.notBefore, 1000);
		assert.equal(certificate.notAfter, Date.UTC(2060, 0, 1));
	});

	test("encodes every ECDSA signature so that it reads back", async () => {
		const edge = fc.constantFrom(0, 1, 0x7f, 0x80, 0xff);
		const half = fc
			.array(edge, { minLength: 32, maxLength: 32 })
			.filter((octets) => octets.some((octet) => octet !== 0))
			.map((octets) => Uint8Array.from(octets));
		const key = generateSoftwareKey("P-256");
		await fc.assert(
			fc.asyncProperty(half, half, async (r, s) => {
				const signature = concat(r, s);
				let seen: Uint8Array | undefined;
				// It looks at what would have been verified, and lets it pass.
				const crypto: typeof nodeCrypto = {
					...nodeCrypto,
					verify: (_algorithm, _key, _message, value) => {
						seen = value;
						return true;
					},
				};
				const signer = {
					...key,
					algorithm: key.algorithm,
					publicKey: key.publicKey,
					sign: async () => signature,
				};
				await issueRoot(crypto, rootRequest({ signer }));
				assert.deepEqual(seen, signature);
			}),
			{ seed: 7, numRuns: 200 },
		);
	});

	test("allows paths as deep as it says and no deeper", async () => {
		const root = await makeRoot({ pathLength: 3 });
		const chain: Uint8Array[] = [];
		let issuer = root;
		for (const pathLength of [2, 1, 0]) {
			const signer = generateSoftwareKey("P-256");
			const certificate = await issueIntermediate(
				nodeCrypto,
				intermediateRequest(issuer, {
					name: `Intermediate ${pathLength}`,
					publicKey: signer.publicKey,
					pathLength,
				}),
			);
			chain.unshift(certificate);
			issuer = { certificate, signer };
		}
		chain.unshift(await device(issuer));
		const anchors = [parseTrustAnchor(nodeCrypto, root.certificate)];
		validateChain(nodeCrypto, encodeChain(chain), "agent", anchors, TEST_NOW);
		await assert.rejects(
			issueIntermediate(nodeCrypto, intermediateRequest(issuer)),
			refusal("invalid-argument", /to devices only/),
		);
	});
});

suite("nothing is issued", () => {
	const refuses = async (promise: Promise<unknown>, gist: RegExp) =>
		assert.rejects(promise, refusal("invalid-argument", gist));

	test("to a module by an agency", async () => {
		await refuses(
			device(await makeRoot(), { role: "module" }),
			/agency "Root" certifies no module/,
		);
	});

	test("to an agent by a bank", async () => {
		await refuses(
			device(await makeRoot({ kind: "bank" })),
			/bank "Root" certifies no agent/,
		);
	});

	test("to a device whose name is not one", async () => {
		await refuses(
			device(await makeRoot(), { name: "Shop" }),
			/name of a device/,
		);
	});

	test("to an authority whose name is not one", async () => {
		for (const name of ["", "a\nb", "a".repeat(65)])
			await refuses(
				issueRoot(nodeCrypto, rootRequest({ name })),
				/name of an authority/,
			);
		const request = intermediateRequest(await makeRoot(), { name: "" });
		await refuses(
			issueIntermediate(nodeCrypto, request),
			/name of an authority/,
		);
	});

	test("under the name of its issuer", async () => {
		const root = await makeRoot({ name: "shop" });
		await refuses(device(root, { name: "shop" }), /its issuer's name too/);
	});

	test("that would outlive its issuer, or be valid before it", async () => {
		const root = await makeRoot();
		await refuses(
			device(root, { notAfter: TEST_NOW + 2 * DAY }),
			/within that of the issuer "Root"/,
		);
		await refuses(
			device(root, { notBefore: TEST_NOW - 2 * DAY }),
			/within that of the issuer "Root"/,
		);
	});

	test("that expires before it is valid, or has no time at all", async () => {
		for (const change of [
			{ notAfter: VALIDITY.notBefore },
			{ notBefore: Number.NaN },
			{ notAfter: Number.NaN },
			{ notAfter: Number.POSITIVE_INFINITY },
			{ notBefore: -1000 },
		])
			await refuses(
				issueRoot(nodeCrypto, rootRequest(change)),
				/before it expires/,
			);
	});

	test("with a path length that makes no sense", async () => {
		for (const pathLength of [-1, 4, 0.5])
			await refuses(
				issueRoot(nodeCrypto, rootRequest({ pathLength })),
				/path length must be 0 to 3/,
			);
		const root = await makeRoot({ pathLength: 2 });
		await refuses(
			issueIntermediate(
				nodeCrypto,
				intermediateRequest(root, { pathLength: 2 }),
			),
			/path length must be 0 to 1/,
		);
	});

	test("with a key that is not the issuer's", async () => {
		const { certificate } = await makeRoot();
		const signer = generateSoftwareKey("P-256");
		await refuses(
			device({ certificate, signer }),
			/not the key of the issuer "Root"/,
		);
	});

	test("by a device", async () => {
		const signer = generateSoftwareKey("P-256");
		const certificate = await device(await makeRoot(), {
			publicKey: signer.publicKey,
		});
		await assert.rejects(
			device({ certificate, signer }, { name: "other" }),
			refusal("chain-refused", /issuer "shop.example" .* no basic constraints/),
		);
	});

	test("for a key that is none", async () => {
		await assert.rejects(
			device(await makeRoot(), { publicKey: new Uint8Array(64) }),
			refusal("invalid-argument", /public key must be raw: 65 bytes/),
		);
	});

	test("when the key store signs wrongly", async () => {
		const key = generateSoftwareKey("P-256");
		const signer = {
			algorithm: key.algorithm,
			publicKey: key.publicKey,
			sign: () => key.sign(Uint8Array.of(1)),
		};
		await assert.rejects(makeRoot({ signer }), {
			code: "key-store-failed",
			message: /"Root" made a wrong signature/,
		});
	});

	test("when the key store does not answer", async () => {
		const key = generateSoftwareKey("P-256");
		const lost = new Error("lost");
		const signer = {
			algorithm: key.algorithm,
			publicKey: key.publicKey,
			sign: () => Promise.reject(lost),
		};
		await assert.rejects(makeRoot({ signer }), lost);
	});

	test("when the key store's signature has another length", async () => {
		const key = generateSoftwareKey("P-256");
		for (const length of [0, 63, 65, 200]) {
			const signer = {
				algorithm: key.algorithm,
				publicKey: key.publicKey,
				sign: async () => new Uint8Array(length).fill(1),
			};
			await assert.rejects(makeRoot({ signer }), { code: "key-store-failed" });
		}
	});
});

test("an authority's name is repeated byte for byte, however it is encoded", async () => {
	for (const tag of [5, 12, 19, 23, 28, 30, 48]) {
		const subject = sequence(attribute("2.5.4.3", "odd", tag));
		const root = await forgeRoot("agency", { subject });
		const leaf = await device({ certificate: root.der, signer: root.key });
		assert.deepEqual(parseCertificate(leaf).issuer, subject);
		const { name } = validateChain(
			nodeCrypto,
			encodeChain([leaf]),
			"agent",
			[parseTrustAnchor(nodeCrypto, root.der)],
			TEST_NOW,
		);
		assert.equal(name, "shop.example");
	}
});

test("an authority whose name our issuing would not choose can still issue", async () => {
	const root = await forgeRoot("agency", { name: "Agentur für Agenten" });
	const certificate = await device({ certificate: root.der, signer: root.key });
	const { issuer } = parseCertificate(certificate);
	assert.deepEqual(issuer, root.subject);
});
