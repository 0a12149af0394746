import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	CertifiedDevice,
	certificateId,
	chainHash,
	encodeChain,
	parseTrustAnchor,
	TrustAnchor,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { enc, utf8 } from "../../src/wire/index.ts";
import {
	DAY,
	makeAuthority,
	makeWorld,
	TEST_NOW,
} from "../support/authority.ts";
import {
	anchorOf,
	attribute,
	bytes,
	type Change,
	commonName,
	EXTENSIONS,
	extension,
	type Forged,
	forgeIntermediate,
	forgeLeaf,
	forgeRoot,
	judge,
	refusal,
	sequence,
	spkiOf,
} from "./forge.ts";

const root = await forgeRoot();
const anchors = anchorOf(root);
const intermediate = await forgeIntermediate(root);

/** The leaf is wrong in one way, and the rest of the path is right. */
async function refusesLeaf(change: Change, gist: RegExp): Promise<void> {
	const leaf = await forgeLeaf(root, change);
	assert.throws(() => judge([leaf], anchors), refusal("chain-refused", gist));
}

async function refusesIntermediate(change: Change, gist: RegExp) {
	const wrong = await forgeIntermediate(root, change);
	const chain = [await forgeLeaf(wrong), wrong];
	assert.throws(() => judge(chain, anchors), refusal("chain-refused", gist));
}

async function refusesRoot(change: Change, gist: RegExp): Promise<void> {
	const wrong = await forgeRoot("agency", change);
	assert.throws(
		() => parseTrustAnchor(nodeCrypto, wrong.der),
		refusal("chain-refused", gist),
	);
}

const UNKNOWN_CRITICAL = extension("1.2.3.4", true, bytes("0500"));

suite("a chain that is in order", () => {
	test("certifies its device", async () => {
		const leaf = await forgeLeaf(intermediate, {
			notBefore: TEST_NOW - DAY,
			notAfter: TEST_NOW + DAY,
		});
		const device = judge([leaf, intermediate], anchors);
		const encoded = encodeChain([leaf.der, intermediate.der]);
		assert.ok(device instanceof CertifiedDevice);
		assert.equal(device.role, "agent");
		assert.equal(device.name, "shop.example");
		assert.equal(device.algorithm, "P-256");
		assert.deepEqual(device.publicKey, leaf.key.publicKey);
		assert.deepEqual(device.encodedChain, encoded);
		assert.deepEqual(device.chainHash, chainHash(nodeCrypto, encoded));
		assert.deepEqual(device.certificateId, certificateId(nodeCrypto, leaf.der));
		assert.deepEqual(
			device.deviceId,
			enc(nodeCrypto.sha256(spkiOf(root.key)), utf8("shop.example")),
		);
		assert.equal(device.notBefore, TEST_NOW - DAY);
		assert.equal(device.notAfter, TEST_NOW + DAY);
	});

	test("may have three intermediates", async () => {
		const chain: Forged[] = [root];
		for (const name of ["a", "b", "c"])
			chain.unshift(await forgeIntermediate(chain[0] as Forged, { name }));
		chain.unshift(await forgeLeaf(chain[0] as Forged));
		assert.equal(judge(chain.slice(0, -1), anchors).name, "shop.example");
	});

	test("may mix P-256 and Ed25519 on its path", async () => {
		const mixedRoot = await forgeRoot(
			"agency",
			{},
			generateSoftwareKey("Ed25519"),
		);
		const mixed = await forgeIntermediate(mixedRoot);
		const leaf = await forgeLeaf(mixed, {}, generateSoftwareKey("Ed25519"));
		const device = judge([leaf, mixed], anchorOf(mixedRoot));
		assert.equal(device.algorithm, "Ed25519");
	});

	test("is copied, so that its sender's buffer may be used again", async () => {
		const leaf = await forgeLeaf(root);
		const expected = encodeChain([leaf.der]);
		// `slice` of a Buffer is no copy, so both kinds are tried.
		for (const encoded of [expected.slice(), Buffer.from(expected)]) {
			const device = validateChain(
				nodeCrypto,
				encoded,
				"agent",
				anchors,
				TEST_NOW,
			);
			encoded.fill(0);
			assert.deepEqual(device.encodedChain, expected);
			assert.deepEqual(device.publicKey, leaf.key.publicKey);
		}
		const der = Buffer.from(root.der);
		const anchor = parseTrustAnchor(nodeCrypto, der);
		der.fill(0);
		assert.deepEqual(anchor.certificate.publicKey, root.key.publicKey);
	});

	test("keeps the device id through recertification under a renewed root", async () => {
		const renewed = await forgeRoot(
			"agency",
			{
				serial: bytes("02014e"),
				notBefore: TEST_NOW + DAY,
				notAfter: TEST_NOW + 90 * DAY,
			},
			root.key,
		);
		const later = TEST_NOW + 60 * DAY;
		const both = anchorOf(root, renewed);
		const old = judge([await forgeLeaf(root)], both);
		const next = { notBefore: TEST_NOW + DAY, notAfter: TEST_NOW + 80 * DAY };
		const renewedLeaf = await forgeLeaf(renewed, next);
		assert.deepEqual(judge([renewedLeaf], both, later).deviceId, old.deviceId);
	});

	test("gives two names or two roots different device ids", async () => {
		const otherRoot = await forgeRoot();
		const a = judge([await forgeLeaf(root)], anchors);
		const b = judge([await forgeLeaf(root, { name: "shop" })], anchors);
		const c = judge([await forgeLeaf(otherRoot)], anchorOf(otherRoot));
		assert.notDeepEqual(a.deviceId, b.deviceId);
		assert.notDeepEqual(a.deviceId, c.deviceId);
	});

	test("is valid in its first and its last millisecond", async () => {
		const notBefore = TEST_NOW - DAY;
		const notAfter = TEST_NOW + DAY;
		const leaf = await forgeLeaf(root, { notBefore, notAfter });
		judge([leaf], anchors, notBefore);
		judge([leaf], anchors, notAfter);
	});
});

suite("a chain is refused", () => {
	const empty =
		(...certificates: Uint8Array[]) =>
		() =>
			validateChain(
				nodeCrypto,
				enc(...certificates),
				"agent",
				anchors,
				TEST_NOW,
			);

	test("when it is empty", () => {
		assert.throws(empty(), refusal("chain-refused", /chain is empty/));
	});

	test("when it has five certificates", async () => {
		const { der } = await forgeLeaf(root);
		assert.throws(
			empty(der, der, der, der, der),
			refusal("chain-refused", /5 certificates, and 4 is the limit/),
		);
	});

	test("when a certificate is empty", () => {
		assert.throws(
			empty(new Uint8Array()),
			refusal("chain-refused", /certificate in the chain is empty/),
		);
	});

	test("when a certificate is over 4096 bytes", () => {
		assert.throws(
			empty(new Uint8Array(4097)),
			refusal("chain-refused", /4097 bytes, and 4096 is the limit/),
		);
	});

	test("when it is longer than any chain", () => {
		assert.throws(
			empty(new Uint8Array(20_000)),
			refusal("chain-refused", /chain has 20004 bytes/),
		);
	});

	test("when its own encoding is cut short", async () => {
		const encoded = encodeChain([(await forgeLeaf(root)).der]);
		assert.throws(
			() =>
				validateChain(
					nodeCrypto,
					encoded.subarray(0, -1),
					"agent",
					anchors,
					TEST_NOW,
				),
			refusal("malformed", /runs past the end/),
		);
	});

	test("when no anchor is trusted at all", async () => {
		const leaf = await forgeLeaf(root);
		assert.throws(
			() => judge([leaf], []),
			refusal("chain-refused", /trusts no agency yet/),
		);
	});

	test("when its root is not trusted", async () => {
		const stranger = await forgeRoot("agency", { name: "stranger" });
		const leaf = await forgeLeaf(stranger);
		assert.throws(
			() => judge([leaf], anchors),
			refusal("chain-refused", /leads to no root that is trusted here/),
		);
	});

	test("when its root has the trusted name and another key", async () => {
		const impostor = await forgeRoot();
		const leaf = await forgeLeaf(impostor);
		assert.throws(
			() => judge([leaf], anchors),
			refusal("chain-refused", /"shop.example" is not signed by the authority/),
		);
	});

	test("when the leaf expired", async () => {
		await refusesLeaf(
			{ notAfter: TEST_NOW - 1000 },
			/certificate of "shop.example" expired on 2026-06-01T11:59:59/,
		);
	});

	test("when the leaf is not yet valid", async () => {
		await refusesLeaf(
			{ notBefore: TEST_NOW + 1000 },
			/certificate of "shop.example" is not valid before 2026-06-01T12:00:01/,
		);
	});

	test("when an intermediate expired", async () => {
		await refusesIntermediate(
			{ notAfter: TEST_NOW - 1000 },
			/certificate of "intermediate" expired/,
		);
	});

	test("when an intermediate is not yet valid", async () => {
		await refusesIntermediate(
			{ notBefore: TEST_NOW + 1000 },
			/certificate of "intermediate" is not valid before/,
		);
	});

	test("when the anchor expired", async () => {
		const old = await forgeRoot("agency", { notAfter: TEST_NOW - 1000 });
		const leaf = await forgeLeaf(old);
		assert.throws(
			() => judge([leaf], anchorOf(old)),
			refusal("chain-refused", /certificate of "agency root" expired/),
		);
	});

	test("when the anchor is not yet valid", async () => {
		const early = await forgeRoot("agency", { notBefore: TEST_NOW + 1000 });
		const leaf = await forgeLeaf(early);
		assert.throws(
			() => judge([leaf], anchorOf(early)),
			refusal(
				"chain-refused",
				/certificate of "agency root" is not valid before/,
			),
		);
	});

	test("when the time is not a number", async () => {
		const leaf = await forgeLeaf(root);
		assert.throws(
			() => judge([leaf], anchors, Number.NaN),
			refusal("invalid-argument", /time is not a number/),
		);
	});

	test("when the leaf has the other role", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.signs, EXTENSIONS.roles("module")] },
			/is for the role "module" and not for "agent"/,
		);
	});

	test("when the leaf has both roles", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent", "module")] },
			/"shop.example" is for an agent and a module at once/,
		);
	});

	test("when the leaf has no extended key usage", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.signs] },
			/"shop.example" .* has no extended key usage/,
		);
	});

	test("when the leaf is for another purpose only", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.signs, EXTENSIONS.clientAuthentication] },
			/"shop.example" is for no role of Tetrad/,
		);
	});

	test("when the leaf is for any purpose", async () => {
		const any = extension("2.5.29.37", false, sequence(bytes("0604551d2500")));
		await refusesLeaf(
			{ extensions: [EXTENSIONS.signs, any] },
			/"shop.example" is for no role of Tetrad/,
		);
	});

	test("when an intermediate is for the other role", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.certifies,
					EXTENSIONS.roles("module"),
				],
			},
			/intermediate "intermediate" is for the role "module" and not for "agent"/,
		);
	});

	test("when an intermediate is for both roles", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.certifies,
					EXTENSIONS.roles("agent", "module"),
				],
			},
			/"intermediate" is for an agent and a module at once/,
		);
	});

	test("when an intermediate has no extended key usage", async () => {
		await refusesIntermediate(
			{ extensions: [EXTENSIONS.authority(), EXTENSIONS.certifies] },
			/"intermediate" .* has no extended key usage/,
		);
	});

	test("when the anchor that it leads to is for the other role", async () => {
		const bank = await forgeRoot("bank");
		const leaf = await forgeLeaf(bank);
		assert.throws(
			() => judge([leaf], anchorOf(bank)),
			refusal("chain-refused", /belongs to a bank, which certifies no agent/),
		);
	});

	test("when the leaf has the CA bit", async () => {
		await refusesLeaf(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.signs,
					EXTENSIONS.roles("agent"),
				],
			},
			/"shop.example" is an authority's and not a device's/,
		);
	});

	test("when the leaf may not make signatures", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.enciphers, EXTENSIONS.roles("agent")] },
			/"shop.example" does not allow its key to make signatures/,
		);
	});

	test("when the leaf has no key usage", async () => {
		await refusesLeaf(
			{ extensions: [EXTENSIONS.roles("agent")] },
			/"shop.example" does not allow its key to make signatures/,
		);
	});

	test("when a device issued as if it were an intermediate", async () => {
		await refusesIntermediate(
			{ extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent")] },
			/"intermediate" .* has no basic constraints/,
		);
	});

	test("when an intermediate has the CA bit off", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.notAuthority,
					EXTENSIONS.certifies,
					EXTENSIONS.roles("agent"),
				],
			},
			/"intermediate" is not an authority/,
		);
	});

	test("when an intermediate has no key usage", async () => {
		await refusesIntermediate(
			{ extensions: [EXTENSIONS.authority(), EXTENSIONS.roles("agent")] },
			/"intermediate" .* has no key usage/,
		);
	});

	test("when an intermediate may not sign certificates", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.signs,
					EXTENSIONS.roles("agent"),
				],
			},
			/"intermediate" does not allow its key to sign certificates/,
		);
	});

	const authority = (pathLength: number): Change => ({
		extensions: [
			EXTENSIONS.authority(pathLength),
			EXTENSIONS.certifies,
			EXTENSIONS.roles("agent"),
		],
	});

	test("when it goes deeper than an intermediate allows", async () => {
		const upper = await forgeIntermediate(root, {
			name: "upper",
			...authority(0),
		});
		const lower = await forgeIntermediate(upper, { name: "lower" });
		const chain = [await forgeLeaf(lower), lower, upper];
		assert.throws(
			() => judge(chain, anchors),
			refusal(
				"chain-refused",
				/"upper" allows 0 intermediates below it, and there are 1/,
			),
		);
	});

	test("when the anchor allows no intermediate", async () => {
		const flat = await forgeRoot("agency", authority(0));
		const lower = await forgeIntermediate(flat);
		const chain = [await forgeLeaf(lower), lower];
		assert.throws(
			() => judge(chain, anchorOf(flat)),
			refusal(
				"chain-refused",
				/root "agency root" allows 0 intermediates below it, and there are 1/,
			),
		);
		judge([await forgeLeaf(flat)], anchorOf(flat));
	});

	test("when an issuer and the next subject differ", async () => {
		const other = await forgeIntermediate(
			root,
			{ name: "other" },
			intermediate.key,
		);
		const chain = [await forgeLeaf(other), intermediate];
		assert.throws(
			() => judge(chain, anchors),
			refusal(
				"chain-refused",
				/was not issued by "intermediate", which follows/,
			),
		);
	});

	test("when an issuer's name has the same text and another string type", async () => {
		const leaf = await forgeLeaf(intermediate, {
			issuer: sequence(attribute("2.5.4.3", "intermediate", 19)),
		});
		assert.throws(
			() => judge([leaf, intermediate], anchors),
			refusal("chain-refused", /was not issued by "intermediate"/),
		);
	});

	test("when the leaf's signature is wrong", async () => {
		const twin = await forgeIntermediate(root);
		const chain = [await forgeLeaf(twin), intermediate];
		assert.throws(
			() => judge(chain, anchors),
			refusal("chain-refused", /"shop.example" is not signed by the authority/),
		);
	});

	test("when an intermediate's signature is wrong", async () => {
		const impostor = await forgeRoot();
		const lower = await forgeIntermediate(impostor);
		const chain = [await forgeLeaf(lower), lower];
		assert.throws(
			() => judge(chain, anchors),
			refusal("chain-refused", /"intermediate" is not signed by the authority/),
		);
	});

	test("when the signature's algorithm is not that of the issuer's key", async () => {
		const edRoot = await forgeRoot(
			"agency",
			{},
			generateSoftwareKey("Ed25519"),
		);
		const leaf = await forgeLeaf({ ...root, subject: edRoot.subject });
		assert.throws(
			() => judge([leaf], anchorOf(edRoot)),
			refusal("chain-refused", /"shop.example" is not signed by the authority/),
		);
	});

	test("when a certificate comes twice", async () => {
		const leaf = await forgeLeaf(intermediate);
		assert.throws(
			() => judge([leaf, intermediate, intermediate], anchors),
			refusal(
				"chain-refused",
				/certificate of "intermediate" is in the chain twice/,
			),
		);
	});

	test("when two authorities on it name each other", async () => {
		const a = await forgeIntermediate(root, { name: "a" });
		const b = await forgeIntermediate(a, { name: "b" });
		const aAgain = await forgeIntermediate(b, { name: "a" }, a.key);
		const chain = [await forgeLeaf(aAgain), aAgain, b, a];
		assert.throws(
			() => judge(chain, anchors),
			refusal(
				"chain-refused",
				/two certificates on the path are for the same name, "a"/,
			),
		);
	});

	test("when an intermediate has the anchor's name", async () => {
		const same = await forgeIntermediate(root, { name: "agency root" });
		const chain = [await forgeLeaf(same), same];
		assert.throws(
			() => judge(chain, anchors),
			refusal("chain-refused", /same name, "agency root"/),
		);
	});

	test("when it contains the anchor", async () => {
		const chain = [await forgeLeaf(root), root];
		assert.throws(
			() => judge(chain, anchors),
			refusal(
				"chain-refused",
				/holds the trusted root, which must be left out/,
			),
		);
	});

	test("when its leaf is the anchor", () => {
		assert.throws(
			() => judge([root], anchors),
			refusal("chain-refused", /its leaf is the trusted root itself/),
		);
	});

	test("when the leaf has an unknown critical extension", async () => {
		await refusesLeaf(
			{
				extensions: [
					EXTENSIONS.signs,
					EXTENSIONS.roles("agent"),
					UNKNOWN_CRITICAL,
				],
			},
			/"shop.example" has an extension that is not understood .*1\.2\.3\.4/,
		);
	});

	test("when an intermediate has an unknown critical extension", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.certifies,
					EXTENSIONS.roles("agent"),
					UNKNOWN_CRITICAL,
				],
			},
			/"intermediate" has an extension that is not understood .*1\.2\.3\.4/,
		);
	});

	test("when an intermediate has name constraints, critical or not", async () => {
		await refusesIntermediate(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.certifies,
					EXTENSIONS.roles("agent"),
					extension("2.5.29.30", false, sequence()),
				],
			},
			/"intermediate" has an extension that is not understood .*2\.5\.29\.30/,
		);
	});

	test("but not for an unknown extension that is not critical", async () => {
		const leaf = await forgeLeaf(root, {
			extensions: [
				EXTENSIONS.signs,
				EXTENSIONS.roles("agent"),
				extension("1.2.3.4", false, bytes("0500")),
			],
		});
		judge([leaf], anchors);
	});
});

suite("a name is refused", () => {
	const gist = /does not name its subject by one common name/;
	const cases: Record<string, Uint8Array> = {
		"when it is empty": commonName(""),
		"when it is over 64 characters": commonName("a".repeat(65)),
		"with upper case": commonName("Shop"),
		"with a space": commonName("shop example"),
		"with a line end": commonName("shop\n"),
		"when it starts with a dot": commonName(".shop"),
		"with a letter that looks alike": commonName("shоp"),
		"when there is no subject": sequence(),
		"with two common names": sequence(
			attribute("2.5.4.3", "a"),
			attribute("2.5.4.3", "b"),
		),
		"beside an organisation": sequence(
			attribute("2.5.4.10", "a"),
			attribute("2.5.4.3", "b"),
		),
		"in another attribute": sequence(attribute("2.5.4.10", "shop")),
		"as a BMPString": sequence(attribute("2.5.4.3", "shop", 30)),
	};
	for (const [name, subject] of Object.entries(cases))
		test(name, () => refusesLeaf({ subject }, gist));

	test("but not at 64 characters, nor as a PrintableString", async () => {
		const long = "a".repeat(64);
		const a = await forgeLeaf(root, { name: long });
		assert.equal(judge([a], anchors).name, long);
		const subject = sequence(attribute("2.5.4.3", "shop", 19));
		const b = await forgeLeaf(root, { subject });
		assert.equal(judge([b], anchors).name, "shop");
	});

	test("without upsetting the owner's terminal", async () => {
		const leaf = await forgeLeaf(root, { name: '\u001b[2J"x' });
		assert.throws(
			() => judge([leaf], anchors),
			refusal("chain-refused", /^[ -~–]*"\?\[2J\?x"[ -~–]*$/),
		);
	});
});

suite("a root is refused as an anchor", () => {
	const base = [
		EXTENSIONS.authority(),
		EXTENSIONS.certifies,
		EXTENSIONS.roles("agent"),
	];

	test("when another authority issued it", () => {
		assert.throws(
			() => parseTrustAnchor(nodeCrypto, intermediate.der),
			refusal("chain-refused", /not a root: another authority issued it/),
		);
	});

	test("when its own key did not sign it", async () => {
		const wrong = await forgeIntermediate(root, { name: "agency root" });
		assert.throws(
			() => parseTrustAnchor(nodeCrypto, wrong.der),
			refusal("chain-refused", /not signed by its own key/),
		);
	});

	test("when it has no basic constraints", () =>
		refusesRoot({ extensions: base.slice(1) }, /no basic constraints/));

	test("when it has the CA bit off", () =>
		refusesRoot(
			{ extensions: [EXTENSIONS.notAuthority, ...base.slice(1)] },
			/is not an authority/,
		));

	test("when it has no key usage", () =>
		refusesRoot(
			{ extensions: [EXTENSIONS.authority(), EXTENSIONS.roles("agent")] },
			/no key usage/,
		));

	test("when it may not sign certificates", () =>
		refusesRoot(
			{
				extensions: [
					EXTENSIONS.authority(),
					EXTENSIONS.signs,
					EXTENSIONS.roles("agent"),
				],
			},
			/does not allow its key to sign certificates/,
		));

	test("when it is for no role", () =>
		refusesRoot({ extensions: base.slice(0, 2) }, /no extended key usage/));

	test("when it is for both roles", () =>
		refusesRoot(
			{
				extensions: [...base.slice(0, 2), EXTENSIONS.roles("agent", "module")],
			},
			/an agent and a module at once/,
		));

	test("when it has an unknown critical extension", () =>
		refusesRoot(
			{ extensions: [...base, UNKNOWN_CRITICAL] },
			/not understood .*1\.2\.3\.4/,
		));
});

suite("an agency cannot certify a module, nor a bank an agent", () => {
	test("when the roles are mixed up in the policy", async () => {
		const world = await makeWorld();
		const { chain } = await world.module("purse");
		assert.throws(
			() =>
				validateChain(
					nodeCrypto,
					chain,
					"agent",
					world.policy.banks,
					world.now,
				),
			refusal("chain-refused", /role "module" and not for "agent"/),
		);
	});

	test("when the right list is asked", async () => {
		const world = await makeWorld({ withIntermediate: true });
		const { chain } = await world.agent("shop");
		assert.throws(
			() =>
				validateChain(
					nodeCrypto,
					chain,
					"module",
					world.policy.banks,
					world.now,
				),
			refusal("chain-refused", /role "agent" and not for "module"/),
		);
	});
});

suite("proofs of a check", () => {
	test("cannot be made by hand", async () => {
		const { anchor } = await makeAuthority("agency");
		const Device = CertifiedDevice as unknown as new (
			...args: unknown[]
		) => unknown;
		const Anchor = TrustAnchor as unknown as new (
			...args: unknown[]
		) => unknown;
		assert.throws(() => new Device(Symbol()), { code: "internal" });
		assert.throws(() => new Anchor(Symbol(), anchor.certificate, "agent"), {
			code: "internal",
		});
	});
});
