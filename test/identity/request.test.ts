import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	grantDevice,
	grantIntermediate,
	issueUntrustedList,
	makeAuthorityRequest,
	makeRenewal,
	makeRequest,
	openRenewal,
	parseCertificate,
	parseRequest,
	validateChain,
} from "../../src/identity/index.ts";
import {
	ANY_POLICY_OID,
	LEVEL_OID,
	MAX_CLOCK_SKEW_MS,
	MAX_RENEWAL_AGE_MS,
} from "../../src/identity/x509/profile.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat, enc, signedBytes } from "../../src/wire/index.ts";
import { DAY, makeWorld, TEST_NOW } from "../support/authority.ts";
import {
	attribute,
	bytes,
	commonName,
	ED25519,
	EXTENSIONS,
	extension,
	forgeRequest,
	oid,
	type RequestFields,
	refusal,
	sequence,
	spkiOf,
	tlv,
	wishFor,
} from "./forge.ts";

const key = generateSoftwareKey("P-256");
const VALIDITY = { notBefore: TEST_NOW - DAY, notAfter: TEST_NOW + DAY };
const wish = (...extensions: Uint8Array[]) => ({
	attributes: tlv(0xa0, wishFor(...extensions)),
});

suite("a request", () => {
	for (const algorithm of ["P-256", "Ed25519"] as const)
		test(`is made in the device and read by the authority, ${algorithm}`, async () => {
			const signer = generateSoftwareKey(algorithm);
			const der = await makeRequest(nodeCrypto, {
				role: "module",
				name: "purse",
				signer,
				tamperResistance: "tpm",
			});
			const request = parseRequest(nodeCrypto, der);
			assert.equal(request.name, "purse");
			assert.equal(request.subject, "device");
			assert.equal(request.role, "module");
			assert.deepEqual(request.levels, ["tpm"]);
			assert.equal(request.algorithm, algorithm);
			assert.deepEqual(request.publicKey, signer.publicKey);
			assert.deepEqual(request.hash, nodeCrypto.sha256(der));
		});

	test("may wish for nothing, and be for an authority", async () => {
		for (const change of [{}, { attributes: tlv(0xa0) }]) {
			const read = parseRequest(nodeCrypto, await forgeRequest(key, change));
			assert.equal(read.role, undefined);
			assert.deepEqual(read.levels, []);
		}
		const der = await makeAuthorityRequest(nodeCrypto, {
			kind: "bank",
			name: "Bank 1",
			signer: key,
			attests: ["token", "tpm"],
		});
		const request = parseRequest(nodeCrypto, der);
		assert.equal(request.subject, "authority");
		assert.deepEqual(request.levels, ["token", "tpm"]);
	});

	test("is copied, so that its sender's buffer may be used again", async () => {
		const der = Buffer.from(await forgeRequest(key));
		const request = parseRequest(nodeCrypto, der);
		der.fill(0);
		assert.deepEqual(request.publicKey, key.publicKey);
	});

	const refuses = (
		name: string,
		code: "malformed" | "chain-refused",
		change: Partial<RequestFields>,
		gist: RegExp,
	) =>
		test(`is refused ${name}`, async () => {
			const der = await forgeRequest(key, change);
			assert.throws(() => parseRequest(nodeCrypto, der), refusal(code, gist));
		});

	const other = generateSoftwareKey("P-256");
	refuses(
		"without proof that its sender has the key",
		"chain-refused",
		{ signer: other },
		/^a request is not signed by the key that it asks to have certified$/,
	);
	refuses(
		"with a signature of another kind of key",
		"chain-refused",
		{ signer: generateSoftwareKey("Ed25519") },
		/not signed by the key/,
	);
	refuses(
		"with somebody else's key in it",
		"chain-refused",
		{ spki: spkiOf(other) },
		/not signed by the key/,
	);
	refuses(
		"with a signature that calls itself another kind than its key",
		"chain-refused",
		{ algorithm: ED25519, encodeSignature: (raw) => raw },
		/not signed by the key/,
	);
	refuses(
		"with another version",
		"chain-refused",
		{ version: bytes("020101") },
		/not of version 1/,
	);
	refuses(
		"with SHA-1",
		"chain-refused",
		{ algorithm: bytes("300906072a8648ce3d0401") },
		/^a request is signed with algorithm 1\.2\.840\.10045\.4\.1; only/,
	);
	refuses(
		"with a key of RSA",
		"chain-refused",
		{
			spki: sequence(
				bytes("300d06092a864886f70d0101010500"),
				tlv(3, new Uint8Array(140)),
			),
		},
		/^a request is for a key of algorithm 1\.2\.840\.113549\.1\.1\.1;/,
	);
	refuses(
		"with a name that no device has",
		"chain-refused",
		{ subject: commonName("Shop") },
		/name in a request is not one of 1 to 64/,
	);
	refuses(
		"with more than a common name",
		"chain-refused",
		{
			subject: sequence(
				attribute("2.5.4.3", "shop"),
				attribute("2.5.4.10", "Shop"),
			),
		},
		/one common name/,
	);
	refuses(
		"with a second attribute",
		"malformed",
		{
			attributes: tlv(
				0xa0,
				wishFor(EXTENSIONS.signs),
				wishFor(EXTENSIONS.signs),
			),
		},
		/left over/,
	);
	refuses(
		"with a challenge password",
		"chain-refused",
		{
			attributes: tlv(
				0xa0,
				sequence(oid("1.2.840.113549.1.9.7"), tlv(0x31, tlv(12))),
			),
		},
		/attribute 1\.2\.840\.113549\.1\.9\.7, which is not understood/,
	);
	refuses(
		"with a wish to be both",
		"chain-refused",
		wish(EXTENSIONS.roles("agent", "module")),
		/an agent and a module at once/,
	);
	refuses(
		"with a wish for two levels",
		"chain-refused",
		wish(EXTENSIONS.policies(LEVEL_OID.token, LEVEL_OID.tpm)),
		/two levels of tamper resistance at once/,
	);
	refuses(
		"with a wish for any policy",
		"chain-refused",
		wish(EXTENSIONS.policies(ANY_POLICY_OID)),
		/"any policy"/,
	);
	refuses(
		"with a wish that must not be ignored",
		"chain-refused",
		wish(extension("1.2.3.4", true, bytes("0500"))),
		/extension that nobody may have here: 1\.2\.3\.4/,
	);
	refuses(
		"with a wish that comes twice",
		"malformed",
		wish(EXTENSIONS.signs, EXTENSIONS.signs),
		/^a request has extension 2\.5\.29\.15 twice/,
	);
	refuses(
		"with an empty wish",
		"malformed",
		{ attributes: tlv(0xa0, wishFor()) },
		/tag none/,
	);
	refuses(
		"with something after the attributes",
		"malformed",
		{ trailer: bytes("0500") },
		/left over/,
	);
	refuses(
		"without attributes",
		"malformed",
		{ attributes: new Uint8Array() },
		/tag none where 160 belongs/,
	);

	test("is refused when it is too long, or cut short anywhere", async () => {
		assert.throws(
			() => parseRequest(nodeCrypto, new Uint8Array(4097)),
			refusal("malformed", /over the limit/),
		);
		const der = await forgeRequest(key);
		for (let length = 0; length < der.length; length++)
			assert.throws(
				() => parseRequest(nodeCrypto, der.subarray(0, length)),
				refusal("malformed", /./),
			);
		assert.throws(
			() => parseRequest(nodeCrypto, concat(der, Uint8Array.of(0))),
			refusal("malformed", /left over/),
		);
	});

	test("is not made for a name that is none, or by a key that signs wrongly", async () => {
		await assert.rejects(
			makeRequest(nodeCrypto, { role: "agent", name: "Shop", signer: key }),
			refusal("invalid-argument", /name of a device/),
		);
		await assert.rejects(
			makeAuthorityRequest(nodeCrypto, {
				kind: "bank",
				name: "",
				signer: key,
			}),
			refusal("invalid-argument", /name of an authority/),
		);
		for (const signature of [new Uint8Array(63), new Uint8Array(64).fill(1)])
			await assert.rejects(
				makeRequest(nodeCrypto, {
					role: "agent",
					name: "shop",
					signer: {
						algorithm: key.algorithm,
						publicKey: key.publicKey,
						sign: async () => signature,
					},
				}),
				refusal("key-store-failed", /"shop" made a wrong signature/),
			);
	});
});

suite("an authority that answers a request", async () => {
	const world = await makeWorld();
	const { issuer, anchor } = world.agency;
	const requestFor = async (change: Partial<RequestFields> = {}) =>
		parseRequest(nodeCrypto, await forgeRequest(key, change));

	test("certifies its name and key, and decides the rest itself", async () => {
		const request = await requestFor(
			wish(EXTENSIONS.roles("agent"), EXTENSIONS.policies(LEVEL_OID.tpm)),
		);
		const leaf = await grantDevice(nodeCrypto, request, {
			issuer,
			...VALIDITY,
		});
		const device = validateChain(
			nodeCrypto,
			encodeChain([leaf]),
			"agent",
			[anchor],
			TEST_NOW,
		);
		assert.equal(device.name, "shop.example");
		assert.deepEqual(device.publicKey, key.publicKey);
		assert.equal(device.tamperResistance, "software");
	});

	test("refuses one for another role, or for an authority", async () => {
		const grant = { issuer, ...VALIDITY };
		const refuses = async (
			change: Partial<RequestFields>,
			gist: RegExp,
			answer: typeof grantDevice = grantDevice,
		) => {
			const request = await requestFor(change);
			await assert.rejects(
				answer(nodeCrypto, request, grant),
				refusal("chain-refused", gist),
			);
		};
		await refuses(
			wish(EXTENSIONS.roles("module")),
			/"shop\.example" asks for the role "module", and the issuer certifies for "agent"/,
		);
		await refuses(
			wish(EXTENSIONS.authority()),
			/asks for the certificate of an authority and not of a device/,
		);
		await refuses(
			{},
			/asks for the certificate of a device and not of an authority/,
			grantIntermediate,
		);
	});

	test("begins no validity before the recertification that it asked for", async () => {
		const recertifyBefore = TEST_NOW - DAY / 2;
		const leaf = await grantDevice(nodeCrypto, await requestFor(), {
			issuer,
			recertifyBefore,
			...VALIDITY,
		});
		assert.equal(parseCertificate(leaf).notBefore, recertifyBefore);
		await assert.rejects(
			grantDevice(nodeCrypto, await requestFor(), {
				issuer,
				recertifyBefore: VALIDITY.notAfter,
				...VALIDITY,
			}),
			refusal("invalid-argument", /valid before it expires/),
		);
	});
});

suite("a renewal", async () => {
	const world = await makeWorld({ withIntermediate: true });
	const { issuer, intermediates } = world.agency;
	const device = await world.agent("shop.example");
	const newKey = generateSoftwareKey("Ed25519");
	const requestOf = (name: string) =>
		makeRequest(nodeCrypto, { role: "agent", name, signer: newKey });
	const request = await requestOf("shop.example");
	const make = (change: object = {}) =>
		makeRenewal(nodeCrypto, {
			request,
			chain: device.chain,
			signer: device.signer,
			now: TEST_NOW,
			...change,
		});
	const verdicts = () => new ChainVerdicts(nodeCrypto, world.policy);
	const open = (renewal: Uint8Array, at = TEST_NOW, judged = verdicts()) =>
		openRenewal(nodeCrypto, renewal, "agent", judged, at);

	test("keeps the device id under a new key", async () => {
		const renewal = open(await make());
		assert.equal(renewal.device.name, "shop.example");
		assert.equal(renewal.instant, TEST_NOW);
		const leaf = await grantDevice(nodeCrypto, renewal.request, {
			issuer,
			...VALIDITY,
		});
		const chain = encodeChain([leaf, ...intermediates]);
		const renewed = verdicts().judge(chain, "agent", TEST_NOW);
		assert.deepEqual(renewed.deviceId, renewal.device.deviceId);
		assert.deepEqual(renewed.publicKey, newKey.publicKey);
	});

	test("is signed over exactly these bytes", async () => {
		const signed: Uint8Array[] = [];
		const signer = {
			algorithm: device.signer.algorithm,
			publicKey: device.signer.publicKey,
			sign(message: Uint8Array) {
				signed.push(message);
				return device.signer.sign(message);
			},
		};
		await make({ signer, now: 0x0102030405 + 0.5 });
		const expected = signedBytes(
			"RC",
			nodeCrypto.sha256(request),
			nodeCrypto.sha256(device.chain),
			bytes("0000000102030405"),
		);
		assert.deepEqual(signed, [expected]);
	});

	test("is refused when the current key did not sign it", async () => {
		const stranger = generateSoftwareKey("P-256");
		await assert.rejects(
			make().then(async (renewal) => {
				const at = renewal.length - 1;
				renewal[at] = (renewal[at] ?? 0) ^ 1;
				open(renewal);
			}),
			refusal("authentication-failed", /could not be authenticated/),
		);
		const forged = await make({ signer: stranger });
		assert.throws(
			() => open(forged),
			refusal("authentication-failed", /could not be authenticated/),
		);
		const theirs = await world.agent("other.example");
		const stolen = await make({ signer: theirs.signer });
		assert.throws(() => open(stolen), refusal("authentication-failed", /./));
	});

	test("is refused for another name", async () => {
		const renewal = await make({ request: await requestOf("bank.example") });
		assert.throws(
			() => open(renewal),
			refusal(
				"chain-refused",
				/^"shop\.example" asks to be recertified as "bank\.example"; a device keeps its name$/,
			),
		);
	});

	test("is refused when the request wants something else than the device is", async () => {
		for (const [change, gist] of [
			[wish(EXTENSIONS.roles("module")), /asks for the role "module"/],
			[wish(EXTENSIONS.authority()), /certificate of an authority and not/],
		] as const) {
			const wrong = await forgeRequest(key, change);
			const renewal = await make({ request: wrong });
			assert.throws(() => open(renewal), refusal("chain-refused", gist));
		}
	});

	test("is refused for another role, and from a stranger's authority", async () => {
		const renewal = await make();
		assert.throws(
			() => openRenewal(nodeCrypto, renewal, "module", verdicts(), TEST_NOW),
			refusal("chain-refused", /for the role "agent" and not for "module"/),
		);
		const stranger = await makeWorld();
		const judged = new ChainVerdicts(nodeCrypto, stranger.policy);
		assert.throws(
			() => open(renewal, TEST_NOW, judged),
			refusal("chain-refused", /./),
		);
	});

	test("counts for seven days", async () => {
		const renewal = await make();
		open(renewal, TEST_NOW + MAX_RENEWAL_AGE_MS);
		open(renewal, TEST_NOW - MAX_CLOCK_SKEW_MS);
		for (const [at, gist] of [
			[
				TEST_NOW + MAX_RENEWAL_AGE_MS + 1,
				/asked to be recertified on 2026-06-01T12:00:00\.000Z, which is too long ago; ask again/,
			],
			[TEST_NOW - MAX_CLOCK_SKEW_MS - 1, /at a time that is still to come/],
		] as const)
			assert.throws(() => open(renewal, at), refusal("chain-refused", gist));
		assert.throws(
			() => open(renewal, Number.NaN),
			refusal("invalid-argument", /not a number/),
		);
		await assert.rejects(
			make({ now: Number.NaN }),
			refusal("invalid-argument", /not a number/),
		);
	});

	test("is refused once the certificate has expired", async () => {
		const late = TEST_NOW + 91 * DAY;
		const renewal = await make({ now: late });
		assert.throws(
			() => open(renewal, late),
			refusal("chain-refused", /"shop\.example" expired/),
		);
	});

	test("is answered though the authority asked all for recertification, and refused from a device on the list", async () => {
		const judged = verdicts();
		const offer = async (number: bigint, serials: readonly Uint8Array[]) => {
			const list = await issueUntrustedList(nodeCrypto, {
				issuer,
				number,
				thisUpdate: TEST_NOW,
				nextUpdate: TEST_NOW + DAY,
				entries: serials.map((serial) => ({ serial, instant: TEST_NOW })),
				recertifyBefore: TEST_NOW - DAY,
			});
			judged.lists.offer(
				encodeBundle(list, encodeChain(intermediates)),
				TEST_NOW,
			);
		};
		await offer(1n, []);
		assert.throws(
			() => judged.judge(device.chain, "agent", TEST_NOW),
			refusal("recertification-due", /./),
		);
		const renewal = await make();
		const { request: asked } = open(renewal, TEST_NOW, judged);
		const leaf = await grantDevice(nodeCrypto, asked, {
			issuer,
			recertifyBefore: TEST_NOW - DAY,
			notBefore: TEST_NOW - 2 * DAY,
			notAfter: TEST_NOW + DAY,
		});
		judged.judge(encodeChain([leaf, ...intermediates]), "agent", TEST_NOW);
		const [old] = device.certificates as [Uint8Array];
		await offer(2n, [parseCertificate(old).serial]);
		assert.throws(
			() => open(renewal, TEST_NOW, judged),
			refusal("untrusted", /"shop\.example" is on the untrusted list/),
		);
	});

	test("is read exactly", async () => {
		const renewal = await make();
		assert.throws(
			() => open(concat(renewal, enc(new Uint8Array()))),
			refusal("malformed", /./),
		);
		for (const length of [0, 4, renewal.length - 1])
			assert.throws(
				() => open(renewal.subarray(0, length)),
				refusal("malformed", /./),
			);
	});
});
