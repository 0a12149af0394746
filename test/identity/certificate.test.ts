import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate as CertificateAsn } from "@peculiar/asn1-x509";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	encodeChain,
	parseCertificate,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat, utf8 } from "../../src/wire/index.ts";
import { makeWorld, TEST_NOW } from "../support/authority.ts";
import {
	anchorOf,
	attribute,
	bytes,
	type Change,
	commonName,
	ECDSA_SHA256,
	ED25519,
	EXTENSIONS,
	ecdsaValue,
	extension,
	forgeIntermediate,
	forgeLeaf,
	forgeRoot,
	judge,
	oid,
	refusal,
	sequence,
	tlv,
	utcTime,
} from "./forge.ts";

const root = await forgeRoot();
const edRoot = await forgeRoot("agency", {}, generateSoftwareKey("Ed25519"));
const LEAF = [EXTENSIONS.signs, EXTENSIONS.roles("agent")];

async function refuses(
	code: "malformed" | "chain-refused",
	change: Change,
	gist: RegExp,
	issuer: typeof root = root,
): Promise<void> {
	const { der } = await forgeLeaf(issuer, change);
	assert.throws(() => parseCertificate(der), refusal(code, gist));
}

const malformed = (name: string, change: Change, gist: RegExp) =>
	test(name, () => refuses("malformed", change, gist));

const refused = (name: string, change: Change, gist: RegExp) =>
	test(name, () => refuses("chain-refused", change, gist));

suite("a certificate", () => {
	test("is read as node:crypto and asn1-x509 read it", async () => {
		for (const issuer of [root, edRoot])
			for (const algorithm of ["P-256", "Ed25519"] as const) {
				const key = generateSoftwareKey(algorithm);
				const { der, subject } = await forgeLeaf(issuer, {}, key);
				const read = parseCertificate(der);
				const oracle = new X509Certificate(der);
				assert.equal(read.notBefore, oracle.validFromDate.getTime());
				assert.equal(read.notAfter, oracle.validToDate.getTime());
				assert.equal(
					Buffer.from(read.serial).toString("hex").toUpperCase(),
					oracle.serialNumber,
				);
				assert.deepEqual(
					Buffer.from(read.spki),
					oracle.publicKey.export({ format: "der", type: "spki" }),
				);
				assert.deepEqual(oracle.keyUsage, read.extendedKeyUsage);
				assert.deepEqual(read.subject, subject);
				assert.deepEqual(read.issuer, issuer.subject);
				assert.deepEqual(read.publicKey, key.publicKey);
				const other = AsnConvert.parse(der, CertificateAsn);
				assert.deepEqual(
					Buffer.from(read.signedPart),
					Buffer.from(other.tbsCertificateRaw as ArrayBuffer),
				);
				assert.ok(
					nodeCrypto.verify(
						issuer.key.algorithm,
						issuer.key.publicKey,
						read.signedPart,
						read.signature,
					),
				);
			}
	});

	test("keeps the very bytes that were signed", async () => {
		const { der } = await forgeLeaf(root);
		const { signedPart } = parseCertificate(der);
		assert.equal(signedPart.buffer, der.buffer);
		assert.equal(signedPart.byteOffset - der.byteOffset, 4);
	});

	test("has its ECDSA signature padded to 64 bytes when an integer is short", async () => {
		const short = new Uint8Array(64);
		short[31] = 1;
		short[63] = 0x80;
		const { der } = await forgeLeaf(root, {
			encodeSignature: () => ecdsaValue(short),
		});
		assert.deepEqual(parseCertificate(der).signature, short);
	});

	test("may end after 2049, in the form that belongs to those years", async () => {
		const { der } = await forgeLeaf(root, {
			validity: sequence(
				tlv(23, utf8("500101000000Z")),
				tlv(24, utf8("99991231235959Z")),
			),
		});
		const read = parseCertificate(der);
		assert.equal(read.notBefore, Date.UTC(1950, 0, 1));
		assert.equal(read.notAfter, Date.UTC(9999, 11, 31, 23, 59, 59));
	});

	test("names large object identifiers exactly", async () => {
		// 2.25 and a UUID, which some readers garble.
		const uuid = tlv(6, bytes("69" + "83f8b6bbf9e4c0bfa1e2aea8c6c6d3f5c8e201"));
		const { der } = await forgeLeaf(root, {
			extensions: [...LEAF, sequence(uuid, bytes("0101ff"), tlv(4))],
		});
		const expected = BigInt(
			`0b${[...bytes("83f8b6bbf9e4c0bfa1e2aea8c6c6d3f5c8e201")]
				.map((octet) => (octet & 0x7f).toString(2).padStart(7, "0"))
				.join("")}`,
		);
		assert.deepEqual(parseCertificate(der).unenforced, [`2.25.${expected}`]);
	});
});

suite("a certificate is refused", () => {
	refused(
		"when it is of version 1",
		{ version: new Uint8Array() },
		/version 3/,
	);
	refused(
		"when it says version 1",
		{ version: bytes("a003020100") },
		/version 3/,
	);
	refused(
		"when it is of version 2",
		{ version: bytes("a003020101") },
		/version 3/,
	);
	refused(
		"when it is of version 4",
		{ version: bytes("a003020103") },
		/version 3/,
	);

	refused(
		"when the inner signature algorithm is not the outer one",
		{ outerAlgorithm: ED25519 },
		/one signature algorithm inside and another outside/,
	);
	refused(
		"when it is signed with RSA",
		{ innerAlgorithm: bytes("300d06092a864886f70d01010b0500") },
		/signed with algorithm 1\.2\.840\.113549\.1\.1\.11;/,
	);
	refused(
		"when it is signed with SHA-1",
		{ innerAlgorithm: bytes("300906072a8648ce3d0401") },
		/signed with algorithm 1\.2\.840\.10045\.4\.1;/,
	);
	refused(
		"when it is signed with SHA-384",
		{ innerAlgorithm: bytes("300a06082a8648ce3d040303") },
		/signed with algorithm 1\.2\.840\.10045\.4\.3\.3;/,
	);
	refused(
		"when its signature algorithm has parameters",
		{ innerAlgorithm: bytes("300c06082a8648ce3d0403020500") },
		/only ECDSA with SHA-256 and Ed25519 are accepted/,
	);

	const spki = (algorithm: string, key: Uint8Array) => ({
		spki: sequence(bytes(algorithm), tlv(3, Uint8Array.of(0), key)),
	});
	const P256 = "301306072a8648ce3d020106082a8648ce3d030107";
	refused(
		"when its key is of RSA",
		spki("300d06092a864886f70d0101010500", new Uint8Array(270)),
		/for a key of algorithm 1\.2\.840\.113549\.1\.1\.1;/,
	);
	refused(
		"when its key is on P-384",
		spki("301006072a8648ce3d020106052b81040022", new Uint8Array(97).fill(4)),
		/on curve 1\.3\.132\.0\.34; only P-256/,
	);
	refused(
		"when its key is on secp256k1",
		spki("301006072a8648ce3d020106052b8104000a", new Uint8Array(65).fill(4)),
		/on curve 1\.3\.132\.0\.10; only P-256/,
	);
	refused(
		"when its P-256 key is compressed",
		spki(P256, new Uint8Array(33).fill(2)),
		/not an uncompressed point of 65 bytes/,
	);
	refused(
		"when its P-256 key has the hybrid form",
		spki(P256, new Uint8Array(65).fill(6)),
		/not an uncompressed point of 65 bytes/,
	);
	refused(
		"when its P-256 key has a byte too many",
		spki(P256, new Uint8Array(66).fill(4)),
		/not an uncompressed point of 65 bytes/,
	);
	refused(
		"when its Ed25519 key has 31 bytes",
		spki("300506032b6570", new Uint8Array(31)),
		/Ed25519 key in a certificate does not have 32 bytes/,
	);
	refused(
		"when its Ed25519 identifier has parameters",
		spki("300706032b65700500", new Uint8Array(32)),
		/for a key of algorithm 1\.3\.101\.112;/,
	);
	malformed(
		"when its key is no whole number of octets",
		{
			spki: sequence(bytes(P256), tlv(3, Uint8Array.of(1), new Uint8Array(65))),
		},
		/whole octets/,
	);
	malformed(
		"when bytes follow its key",
		{
			spki: sequence(
				bytes(P256),
				tlv(3, Uint8Array.of(0), new Uint8Array(65).fill(4)),
				bytes("0500"),
			),
		},
		/bytes left over/,
	);

	malformed(
		"when its serial number is zero",
		{ serial: bytes("020100") },
		/serial/,
	);
	malformed(
		"when its serial number is negative",
		{ serial: bytes("0201ff") },
		/negative/,
	);
	malformed(
		"when its serial number is empty",
		{ serial: bytes("0200") },
		/empty/,
	);
	malformed(
		"when its serial number is not in its shortest form",
		{ serial: bytes("0202007f") },
		/shortest form/,
	);
	malformed(
		"when its serial number has over 20 bytes",
		{ serial: tlv(2, new Uint8Array(21).fill(1)) },
		/serial number of a certificate is zero or too long/,
	);

	const validity = (tag: number, text: string) => ({
		validity: sequence(tlv(tag, utf8(text)), utcTime(TEST_NOW)),
	});
	malformed(
		"when a time has no seconds",
		validity(23, "2601010000Z"),
		/time .* not DER/,
	);
	malformed(
		"when a time has an offset",
		validity(23, "260101000000+0000"),
		/time .* not DER/,
	);
	malformed(
		"when a time has fractions",
		validity(24, "20600101000000.5Z"),
		/time .* not DER/,
	);
	malformed(
		"when a time is not text",
		validity(23, "26010100000\u00e9"),
		/time .* not DER/,
	);
	malformed(
		"when a day does not exist",
		validity(23, "260230000000Z"),
		/does not exist/,
	);
	malformed(
		"when an hour does not exist",
		validity(23, "260201240000Z"),
		/does not exist/,
	);
	malformed(
		"when a second does not exist",
		validity(23, "260201000060Z"),
		/does not exist/,
	);
	malformed(
		"when a month does not exist",
		validity(23, "261301000000Z"),
		/does not exist/,
	);
	malformed(
		"when a time before 2050 has the form for later ones",
		validity(24, "20260101000000Z"),
		/form for other years/,
	);
	malformed(
		"when its validity holds a third time",
		{
			validity: sequence(
				utcTime(TEST_NOW),
				utcTime(TEST_NOW),
				utcTime(TEST_NOW),
			),
		},
		/bytes left over/,
	);

	malformed(
		"when bytes follow its extensions",
		{ trailer: bytes("0500") },
		/left over/,
	);
	malformed(
		"when a second list of extensions follows the first",
		{
			extensions: [],
			trailer: tlv(0xa3, sequence(...LEAF), sequence(...LEAF)),
		},
		/left over/,
	);
	malformed(
		"when bytes follow the value of an extension",
		{
			extensions: [...LEAF, sequence(oid("1.2.3.4"), tlv(4), bytes("0500"))],
		},
		/left over/,
	);
	malformed(
		"when bytes follow its version",
		{ version: bytes("a0050201020500") },
		/left over/,
	);
	malformed(
		"when bytes follow the value of an attribute",
		{
			subject: sequence(
				tlv(0x31, sequence(oid("2.5.4.3"), tlv(12, utf8("a")), bytes("0500"))),
			),
		},
		/left over/,
	);
	malformed(
		"when an extension comes twice",
		{ extensions: [...LEAF, EXTENSIONS.signs] },
		/extension 2\.5\.29\.15 twice/,
	);
	malformed(
		"when an unknown extension comes twice",
		{
			extensions: [
				...LEAF,
				extension("1.2.3.4", false, bytes("0500")),
				extension("1.2.3.4", false, bytes("0500")),
			],
		},
		/extension 1\.2\.3\.4 twice/,
	);
	malformed(
		"when its list of extensions is there and empty",
		{ extensions: [new Uint8Array()] },
		/where 48 belongs/,
	);
	malformed(
		"when an extension says that it is not critical",
		{
			extensions: [...LEAF, sequence(oid("1.2.3.4"), bytes("010100"), tlv(4))],
		},
		/boolean .* not DER/,
	);
	malformed(
		"when critical is true in another way than DER has it",
		{
			extensions: [...LEAF, sequence(oid("1.2.3.4"), bytes("010101"), tlv(4))],
		},
		/boolean .* not DER/,
	);

	const value = (id: string, hex: string) => ({
		extensions: [extension(id, true, bytes(hex))],
	});
	malformed(
		"when its key usage is empty",
		value("2.5.29.15", "030100"),
		/list of bits/,
	);
	malformed(
		"when its key usage has no bit set",
		value("2.5.29.15", "03020700"),
		/list of bits/,
	);
	malformed(
		"when its key usage ends in zeros",
		value("2.5.29.15", "03020080"),
		/list of bits/,
	);
	malformed(
		"when its key usage sets an unused bit",
		value("2.5.29.15", "03020781"),
		/list of bits/,
	);
	malformed(
		"when its key usage is too long",
		value("2.5.29.15", "030400000001"),
		/list of bits/,
	);
	malformed(
		"when its key usage counts 8 unused bits",
		value("2.5.29.15", "03020880"),
		/list of bits/,
	);
	malformed(
		"when its key usage counts 32 unused bits",
		value("2.5.29.15", "03022001"),
		/list of bits/,
	);
	malformed(
		"when its key usage runs past its extension",
		value("2.5.29.15", "03030780"),
		/cut short/,
	);
	malformed(
		"when bytes follow its key usage",
		value("2.5.29.15", "0302078000"),
		/left over/,
	);
	malformed(
		"when it says CA false",
		value("2.5.29.19", "3003010100"),
		/boolean .* not DER/,
	);
	malformed(
		"when it has a path length and is no CA",
		value("2.5.29.19", "3003020100"),
		/path length/,
	);
	malformed(
		"when its path length is huge",
		value("2.5.29.19", "30070101ff02020100"),
		/path length/,
	);
	malformed(
		"when its path length is negative",
		value("2.5.29.19", "30060101ff0201ff"),
		/negative/,
	);
	malformed(
		"when bytes follow its path length",
		value("2.5.29.19", "30080101ff0201000500"),
		/left over/,
	);
	malformed(
		"when its extended key usage is empty",
		value("2.5.29.37", "3000"),
		/where 6 belongs/,
	);
	malformed(
		"when its key identifier is no octet string",
		value("2.5.29.14", "0500"),
		/where 4 belongs/,
	);
	malformed(
		"when bytes follow its key identifier",
		value("2.5.29.14", "04000500"),
		/left over/,
	);

	const object = (hex: string) => ({
		extensions: [sequence(tlv(6, bytes(hex)), tlv(4))],
	});
	malformed(
		"when an object identifier is empty",
		object(""),
		/identifier is cut short/,
	);
	malformed(
		"when an object identifier has 65 bytes",
		object("7f".repeat(65)),
		/identifier is too long/,
	);
	malformed(
		"when an object identifier is cut short",
		object("2a83"),
		/identifier is cut short/,
	);
	malformed(
		"when an object identifier is padded",
		object("2a8003"),
		/identifier is not in its shortest/,
	);

	malformed(
		"when a name has a set of two attributes",
		{
			subject: sequence(
				tlv(
					0x31,
					sequence(oid("2.5.4.3"), tlv(12, utf8("a"))),
					sequence(oid("2.5.4.3"), tlv(12, utf8("b"))),
				),
			),
		},
		/left over/,
	);
	malformed(
		"when an attribute of a name has no value",
		{ subject: sequence(tlv(0x31, sequence(oid("2.5.4.3")))) },
		/tag none/,
	);
	malformed(
		"when it has a unique identifier",
		{
			subject: commonName("shop"),
			spki: concat(
				sequence(
					bytes(P256),
					tlv(3, Uint8Array.of(0), new Uint8Array(65).fill(4)),
				),
				bytes("81020000"),
			),
		},
		/tag 129/,
	);

	const signature = (hex: string) => ({ encodeSignature: () => bytes(hex) });
	malformed("when r is zero", signature("3006020100020101"), /out of range/);
	malformed("when s is zero", signature("3006020101020100"), /out of range/);
	malformed("when r is negative", signature("30060201ff020101"), /negative/);
	malformed(
		"when r is padded",
		signature("300702020001020101"),
		/shortest form/,
	);
	malformed(
		"when r has 33 bytes",
		signature(`30260221${"7f".repeat(33)}020101`),
		/out of range/,
	);
	malformed(
		"when a third integer follows r and s",
		signature("3009020101020101020101"),
		/left over/,
	);
	malformed(
		"when bytes follow r and s",
		signature("300602010102010100"),
		/left over/,
	);
	malformed(
		"when its ECDSA signature is r‖s as it stands",
		{ encodeSignature: (raw) => raw },
		/tag/,
	);

	test("when its Ed25519 signature is short", () =>
		refuses(
			"malformed",
			{ encodeSignature: (raw) => raw.subarray(1) },
			/Ed25519 signature does not have 64 bytes/,
			edRoot,
		));

	test("when bytes follow it", async () => {
		const { der } = await forgeLeaf(root);
		assert.throws(
			() => parseCertificate(concat(der, Uint8Array.of(0))),
			refusal("malformed", /left over/),
		);
	});

	test("when bytes follow inside of it", async () => {
		const { der } = await forgeLeaf(root);
		const content = der.subarray(4);
		assert.throws(
			() => parseCertificate(sequence(content, bytes("0500"))),
			refusal("malformed", /left over/),
		);
	});

	test("when it is over 4096 bytes", async () => {
		const { der } = await forgeLeaf(root, {
			extensions: [...LEAF, extension("1.2.3.4", false, new Uint8Array(4096))],
		});
		assert.throws(
			() => parseCertificate(der),
			refusal("malformed", /over the limit/),
		);
	});

	test("when a length is indefinite, or not in the fewest octets", async () => {
		const { der } = await forgeLeaf(root);
		const content = der.subarray(4);
		const length = content.length;
		const headers = [
			[0x30, 0x80],
			[0x30, 0x83, 0, length >> 8, length & 0xff],
			[0x30, 0x84, 0, 0, length >> 8, length & 0xff],
			[0x30, 0xff],
		];
		for (const header of headers)
			assert.throws(
				() => parseCertificate(concat(Uint8Array.from(header), content)),
				refusal("malformed", /length is not DER/),
			);
		// A short length in a long form, where the whole is still consistent.
		const { der: padded } = await forgeLeaf(root, {
			serial: bytes("0281014d"),
		});
		assert.throws(
			() => parseCertificate(padded),
			refusal("malformed", /length is not DER/),
		);
		const { der: padded2 } = await forgeLeaf(root, {
			serial: bytes("028200014d"),
		});
		assert.throws(
			() => parseCertificate(padded2),
			refusal("malformed", /length is not DER/),
		);
	});

	test("when it is cut short anywhere", async () => {
		const { der } = await forgeLeaf(root);
		for (let length = 0; length < der.length; length++)
			assert.throws(() => parseCertificate(der.subarray(0, length)), {
				name: "TetradError",
				code: "malformed",
			});
	});

	test("when its last byte is missing", async () => {
		const { der } = await forgeLeaf(root);
		assert.throws(
			() => parseCertificate(der.subarray(0, -1)),
			refusal("malformed", /cut short/),
		);
	});

	test("when it is deeply nested", () => {
		let deep: Uint8Array = new Uint8Array();
		while (deep.length < 4000) deep = sequence(deep);
		assert.throws(() => parseCertificate(deep), refusal("malformed", /ASN\.1/));
	});
});

suite("whatever the bytes, only a TetradError is thrown", () => {
	const options = { seed: 5_703_949, numRuns: 2000 };
	const anchors = anchorOf(root);

	function onlyRefuses(chain: Uint8Array): boolean {
		try {
			validateChain(nodeCrypto, chain, "agent", anchors, TEST_NOW);
			return true;
		} catch (thrown) {
			assert.ok(thrown instanceof TetradError, String(thrown));
			assert.match(thrown.code, /^(malformed|chain-refused)$/);
			return false;
		}
	}

	test("for random bytes", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
				assert.equal(onlyRefuses(noise), false);
				assert.equal(
					onlyRefuses(
						encodeChain([
							Uint8Array.of(0),
							noise.length ? noise : Uint8Array.of(0),
						]),
					),
					false,
				);
			}),
			options,
		);
	});

	test("for a real chain with bytes changed, taken out or put in", async () => {
		const intermediate = await forgeIntermediate(root);
		const leaf = await forgeLeaf(intermediate);
		const chain = encodeChain([leaf.der, intermediate.der]);
		assert.ok(onlyRefuses(chain));
		const change = fc.record({
			at: fc.nat({ max: chain.length - 1 }),
			drop: fc.nat({ max: 3 }),
			insert: fc.uint8Array({ maxLength: 3 }),
		});
		fc.assert(
			fc.property(
				fc.array(change, { minLength: 1, maxLength: 3 }),
				(changes) => {
					let bytes = chain;
					for (const { at, drop, insert } of changes)
						bytes = concat(
							bytes.subarray(0, at),
							insert,
							bytes.subarray(at + drop),
						);
					const same = Buffer.compare(bytes, chain) === 0;
					assert.equal(onlyRefuses(bytes), same);
				},
			),
			options,
		);
	});

	test("for every single bit of a real chain", async () => {
		const leaf = await forgeLeaf(root);
		const chain = encodeChain([leaf.der]);
		for (let bit = 0; bit < chain.length * 8; bit++) {
			const flipped = chain.slice();
			flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			assert.equal(onlyRefuses(flipped), false, `bit ${bit}`);
		}
	});

	test("for well-formed elements in the wrong places", () => {
		const element: fc.Arbitrary<Uint8Array> = fc.letrec<{ node: Uint8Array }>(
			(tie) => ({
				node: fc.oneof(
					{ maxDepth: 6 },
					fc
						.tuple(
							fc.constantFrom(1, 2, 3, 4, 6, 12, 19, 23, 24),
							fc.uint8Array({ maxLength: 12 }),
						)
						.map(([tag, content]) => tlv(tag, content)),
					fc
						.tuple(
							fc.constantFrom(0x30, 0x31, 0xa0, 0xa3),
							fc.array(tie("node"), { maxLength: 5 }),
						)
						.map(([tag, parts]) => tlv(tag, ...parts)),
				),
			}),
		).node;
		fc.assert(
			fc.property(element, (der) => {
				if (der.length <= 4096)
					assert.equal(onlyRefuses(encodeChain([der])), false);
			}),
			options,
		);
	});

	test("for a signed part with well-formed elements put in", async () => {
		const world = await makeWorld();
		const { chain } = await world.agent("shop");
		assert.ok(
			validateChain(
				nodeCrypto,
				chain,
				"agent",
				world.policy.agencies,
				world.now,
			),
		);
		assert.equal(onlyRefuses(chain), false);
		for (const field of [
			attribute("2.5.4.3", "x"),
			bytes("0500"),
			ECDSA_SHA256,
		]) {
			const leaf = await forgeLeaf(root, {
				serial: concat(bytes("02014d"), field),
			});
			assert.throws(() => judge([leaf], anchors), TetradError);
		}
	});
});
