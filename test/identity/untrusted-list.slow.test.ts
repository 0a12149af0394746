import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	authorityId,
	type IssuingAuthority,
	issueIntermediate,
	issueUntrustedList,
	type NewUntrustedList,
	openUntrustedList,
	parseCertificate,
	type UntrustedEntry,
	type UntrustedReason,
} from "../../src/identity/index.ts";
import { REASON_CODE } from "../../src/identity/untrusted/reasons.ts";
import { SerialIndex } from "../../src/identity/untrusted/serial-index.ts";
import {
	MAX_LIST_BYTES,
	MAX_LIST_NUMBER,
} from "../../src/identity/x509/profile.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat, hex, utf8 } from "../../src/wire/index.ts";
import { DAY, makeAuthority, TEST_NOW } from "../support/authority.ts";
import {
	bytes,
	ED25519,
	EXTENSIONS,
	extension,
	forgeList,
	forgeRoot,
	generalizedTime,
	KEY_ID,
	type ListFields,
	listEntry,
	reasonExtension,
	refusal,
	sequence,
	tlv,
	utcTime,
} from "./forge.ts";

const WITH_LISTS = [
	EXTENSIONS.authority(),
	EXTENSIONS.certifiesAndLists,
	EXTENSIONS.roles("agent"),
	extension("2.5.29.14", false, tlv(4, KEY_ID)),
];
const root = await forgeRoot("agency", { extensions: WITH_LISTS });
const certificate = parseCertificate(root.der);
const open = (der: Uint8Array) =>
	openUntrustedList(nodeCrypto, der, certificate);

suite("an untrusted list", () => {
	test("says what its authority signed", async () => {
		const der = await forgeList(root, {
			number: bytes("020900ffffffffffffffff"),
			entries: [
				listEntry("05"),
				listEntry("00ff", sequence(reasonExtension(1))),
				listEntry("7f".repeat(20), sequence(reasonExtension(9))),
			],
			more: [
				extension(
					"1.3.6.1.4.1.32473.5703949.3.1",
					false,
					generalizedTime(TEST_NOW - 2 * DAY),
				),
				extension("2.5.29.46", false, bytes("3000")),
			],
		});
		const list = open(der);
		assert.equal(list.number, MAX_LIST_NUMBER);
		assert.equal(list.thisUpdate, TEST_NOW - DAY);
		assert.equal(list.nextUpdate, TEST_NOW + DAY);
		assert.equal(list.recertifyBefore, TEST_NOW - 2 * DAY);
		assert.deepEqual(list.authority, authorityId(nodeCrypto, certificate));
		assert.equal(list.size, 3);
		const since = { instant: TEST_NOW - DAY };
		assert.deepEqual(
			[...list.entries()].map((entry) => ({
				...entry,
				serial: hex(entry.serial),
			})),
			[
				{ serial: "05", ...since, reason: undefined },
				{ serial: "ff", ...since, reason: "keyCompromise" },
				{ serial: "7f".repeat(20), ...since, reason: "privilegeWithdrawn" },
			],
		);
		assert.equal(list.find(bytes("ff"))?.reason, "keyCompromise");
		for (const serial of ["04", "0005", "00ff", "0500", "", "7f".repeat(19)])
			assert.equal(list.find(bytes(serial)), undefined, serial);
		assert.equal(list.find(new Uint8Array(21)), undefined);
	});

	test("may be empty, and from any year", async () => {
		const list = open(
			await forgeList(root, {
				thisUpdate: generalizedTime(Date.UTC(2050, 0)),
				nextUpdate: generalizedTime(Date.UTC(9999, 11, 31)),
			}),
		);
		assert.equal(list.size, 0);
		assert.deepEqual([...list.entries()], []);
		assert.equal(list.find(bytes("05")), undefined);
	});

	test("is copied, so that its sender's buffer may be used again", async () => {
		const der = Buffer.from(
			await forgeList(root, { entries: [listEntry("05")] }),
		);
		const list = open(der);
		der.fill(0);
		assert.ok(list.find(bytes("05")));
	});

	test("finds every serial number that is on it and no other, like a set", () => {
		const serial = fc
			.uint8Array({ minLength: 1, maxLength: 20 })
			.map((octets) => {
				octets[0] = (octets[0] ?? 0) || 1;
				return octets;
			});
		fc.assert(
			fc.property(
				fc.array(serial, { maxLength: 60 }),
				fc.array(serial, { maxLength: 20 }),
				(listed, others) => {
					const parts = listed.map((octets) =>
						listEntry(
							hex(
								(octets[0] ?? 0) < 0x80
									? octets
									: concat(Uint8Array.of(0), octets),
							),
						),
					);
					const content = concat(...parts);
					const index = new SerialIndex(nodeCrypto, content, parts.length);
					const model = new Map<string, number>();
					let at = 0;
					for (const [i, part] of parts.entries()) {
						const id = hex(listed[i] as Uint8Array);
						assert.equal(index.add(at), !model.has(id));
						if (!model.has(id)) model.set(id, at);
						at += part.length;
					}
					assert.equal(index.size, model.size);
					for (const octets of [...listed, ...others])
						assert.equal(index.find(octets), model.get(hex(octets)));
				},
			),
			{ seed: 5_703_949, numRuns: 300 },
		);
	});

	test("may have the most regular serial numbers, and still compares few of them", () => {
		// What a multiplicative hash without random multipliers stumbles over.
		for (const step of [1, 2 ** 8, 2 ** 16, 2 ** 24]) {
			const count = 4096;
			const parts = Array.from({ length: count }, (_, i) =>
				listEntry((2 ** 40 + i * step).toString(16).padStart(12, "0")),
			);
			const content = concat(...parts);
			const index = new SerialIndex(nodeCrypto, content, count);
			let at = 0;
			for (const part of parts) {
				assert.ok(index.add(at));
				at += part.length;
			}
			// A load of 1/2 or 1: with random serial numbers the longest chain has some 7 entries.
			assert.ok(index.longestChain() < 30, `${index.longestChain()}`);
		}
	});
});

suite("an untrusted list is refused", () => {
	const refuses = (
		name: string,
		code: "malformed" | "list-refused" | "chain-refused",
		change: Partial<ListFields>,
		gist: RegExp,
	) =>
		test(name, async () => {
			const der = await forgeList(root, change);
			assert.throws(() => open(der), refusal(code, gist));
		});

	test("with a wrong signature", async () => {
		const der = await forgeList(root);
		const at = der.length - 1;
		der[at] = (der[at] ?? 0) ^ 1;
		assert.throws(
			() => open(der),
			refusal(
				"list-refused",
				/^the untrusted list is not signed by "agency root", which it names$/,
			),
		);
	});

	test("from another authority, whatever it says about itself", async () => {
		const stranger = await forgeRoot("agency", { name: "stranger" });
		const theirs = await forgeList(stranger);
		assert.throws(
			() => open(theirs),
			refusal(
				"list-refused",
				/^the untrusted list is of another authority than "agency root"$/,
			),
		);
		const pretending = await forgeList(stranger, { issuer: root.subject });
		assert.throws(
			() => open(pretending),
			refusal("list-refused", /not signed by "agency root"/),
		);
		const ed = await forgeRoot("agency", {}, generateSoftwareKey("Ed25519"));
		const otherKind = await forgeList(ed);
		assert.throws(
			() => open(otherKind),
			refusal("list-refused", /not signed by "agency root"/),
		);
	});

	test("from an authority whose certificate does not let it", async () => {
		const silent = await forgeRoot();
		const list = await forgeList(silent);
		assert.throws(
			() => openUntrustedList(nodeCrypto, list, parseCertificate(silent.der)),
			refusal(
				"list-refused",
				/^the authority "agency root" may not sign untrusted lists: its certificate's key usage lacks cRLSign$/,
			),
		);
		const device = await forgeRoot("agency", {
			extensions: [EXTENSIONS.certifiesAndLists, EXTENSIONS.roles("agent")],
		});
		const theirs = await forgeList(device);
		assert.throws(
			() => openUntrustedList(nodeCrypto, theirs, parseCertificate(device.der)),
			refusal("chain-refused", /does not say that it is an authority/),
		);
	});

	refuses(
		"when it names another key",
		"list-refused",
		{ key: tlv(0x80, new Uint8Array(20)) },
		/names another key than that of "agency root"/,
	);
	refuses(
		"when it names no key",
		"list-refused",
		{ extensions: [extension("2.5.29.20", false, bytes("020101"))] },
		/does not name the key of its authority/,
	);
	refuses(
		"when it names its issuer's issuer too",
		"malformed",
		{ key: concat(tlv(0x80, KEY_ID), tlv(0x82, bytes("01"))) },
		/left over/,
	);
	refuses(
		"when it has no number",
		"list-refused",
		{
			extensions: [extension("2.5.29.35", false, sequence(tlv(0x80, KEY_ID)))],
		},
		/has no number/,
	);
	refuses(
		"when it has no extensions",
		"list-refused",
		{ extensions: [] },
		/has no number/,
	);
	for (const [name, number] of [
		["0", "020100"],
		["2⁶⁴", "0209010000000000000000"],
		["2⁶⁴ over and over", `0214${"7f".repeat(20)}`],
	] as const)
		refuses(
			`with the number ${name}`,
			"list-refused",
			{ number: bytes(number) },
			/is not one from 1 to 18446744073709551615/,
		);
	refuses(
		"with a negative number",
		"malformed",
		{ number: bytes("0201ff") },
		/negative/,
	);
	refuses(
		"of version 1",
		"list-refused",
		{ version: new Uint8Array() },
		/not an X\.509 CRL of version 2/,
	);
	refuses(
		"of version 3",
		"list-refused",
		{ version: bytes("020102") },
		/not an X\.509 CRL of version 2/,
	);
	refuses(
		"with two algorithms",
		"chain-refused",
		{ outerAlgorithm: ED25519 },
		/^an untrusted list names one signature algorithm inside and another outside/,
	);
	refuses(
		"with SHA-1",
		"chain-refused",
		{ innerAlgorithm: bytes("300906072a8648ce3d0401") },
		/^an untrusted list is signed with algorithm 1\.2\.840\.10045\.4\.1/,
	);
	refuses(
		"with a signature that calls itself another kind than the key",
		"list-refused",
		{ innerAlgorithm: ED25519, encodeSignature: (raw) => raw },
		/not signed by "agency root"/,
	);
	refuses(
		"without a next update",
		"list-refused",
		{ nextUpdate: new Uint8Array() },
		/does not say when the next one is due/,
	);
	for (const time of [TEST_NOW - DAY, TEST_NOW - 2 * DAY])
		refuses(
			`with the next update ${time === TEST_NOW - DAY ? "at" : "before"} this one`,
			"malformed",
			{ nextUpdate: utcTime(time) },
			/due again before it was issued/,
		);
	refuses(
		"when it asks for recertification from after itself",
		"malformed",
		{
			more: [
				extension(
					"1.3.6.1.4.1.32473.5703949.3.1",
					false,
					generalizedTime(TEST_NOW),
				),
			],
		},
		/recertification from a time after its own/,
	);
	refuses(
		"when the instant of recertification has another form",
		"malformed",
		{
			more: [
				extension(
					"1.3.6.1.4.1.32473.5703949.3.1",
					false,
					utcTime(TEST_NOW - DAY),
				),
			],
		},
		/tag 23 where 24 belongs/,
	);
	refuses(
		"when it has only changes",
		"list-refused",
		{ more: [extension("2.5.29.27", true, bytes("020101"))] },
		/only the changes since another one/,
	);
	for (const critical of [true, false])
		refuses(
			`when it is indirect or partial${critical ? "" : ", and says so in passing"}`,
			"list-refused",
			{
				more: [extension("2.5.29.28", critical, sequence(bytes("8401ff")))],
			},
			/only a part of an authority's certificates, or those of others/,
		);
	refuses(
		"with an entry of another issuer",
		"list-refused",
		{
			entries: [
				listEntry("05", sequence(extension("2.5.29.29", true, sequence()))),
			],
		},
		/has entries of other authorities/,
	);
	refuses(
		"with an unknown critical extension",
		"list-refused",
		{ more: [extension("1.2.3.4", true, bytes("0500"))] },
		/not understood here and must not be ignored: 1\.2\.3\.4$/,
	);
	refuses(
		"with an unknown critical extension in an entry",
		"list-refused",
		{
			entries: [
				listEntry("05", sequence(extension("1.2.3.4", true, bytes("0500")))),
			],
		},
		/an entry .* not understood here and must not be ignored: 1\.2\.3\.4$/,
	);
	refuses(
		"with an extension that comes twice",
		"malformed",
		{ more: [extension("2.5.29.20", false, bytes("020102"))] },
		/^an untrusted list has extension 2\.5\.29\.20 twice$/,
	);
	refuses(
		"with a serial number twice",
		"malformed",
		{ entries: [listEntry("05"), listEntry("06"), listEntry("05")] },
		/^an untrusted list has a serial number twice$/,
	);
	for (const [name, serial, gist] of [
		["negative", "85", /negative/],
		["of 21 bytes", "7f".repeat(21), /zero or too long/],
		["of zero", "00", /zero or too long/],
		["that is empty", "", /empty/],
		["not in its shortest form", "0005", /shortest form/],
	] as const)
		refuses(
			`with a serial number ${name}`,
			"malformed",
			{ entries: [listEntry("01"), listEntry(serial)] },
			gist,
		);
	for (const [name, entry, gist] of [
		["with a reason that is none", reasonExtension(7), /reason .* is none/],
		["that takes another back", reasonExtension(8), /reason .* is none/],
	] as const)
		refuses(
			`with an entry ${name}`,
			"malformed",
			{ entries: [listEntry("05", sequence(entry))] },
			gist,
		);
	refuses(
		"with an entry of 128 bytes",
		"malformed",
		{
			entries: [
				listEntry(
					"05",
					sequence(extension("1.2.3.4", false, new Uint8Array(100))),
				),
			],
		},
		/not one, or too long/,
	);
	refuses(
		"with an entry that is something else",
		"malformed",
		{ entries: [tlv(0x31, tlv(2, bytes("05")), utcTime(TEST_NOW))] },
		/not one, or too long/,
	);
	refuses(
		"with an entry without a time",
		"malformed",
		{ entries: [sequence(tlv(2, bytes("05")))] },
		/not one, or too long/,
	);
	refuses(
		"with an entry of a day that does not exist",
		"malformed",
		{
			entries: [sequence(tlv(2, bytes("05")), tlv(23, utf8("260230000000Z")))],
		},
		/time does not exist/,
	);
	refuses(
		"with bytes left over in an entry",
		"malformed",
		{ entries: [listEntry("05", sequence(reasonExtension(1)), bytes("0500"))] },
		/left over/,
	);
	refuses(
		"with empty extensions in an entry",
		"malformed",
		{ entries: [listEntry("05", sequence())] },
		/tag none/,
	);
	refuses(
		"with something after its extensions",
		"malformed",
		{ trailer: bytes("0500") },
		/left over/,
	);

	test("when an empty list of entries is written out", async () => {
		const signed = await forgeList(root, {
			nextUpdate: concat(utcTime(TEST_NOW + DAY), sequence()),
		});
		assert.throws(() => open(signed), refusal("malformed", /empty list/));
	});

	test("when it is too long, or cut short anywhere", async () => {
		assert.throws(
			() => open(new Uint8Array(MAX_LIST_BYTES + 1)),
			refusal("malformed", /and 11534336 is the limit/),
		);
		const der = await forgeList(root, {
			entries: [listEntry("05", sequence(reasonExtension(1)))],
		});
		for (let length = 0; length < der.length; length++)
			assert.throws(
				() => open(der.subarray(0, length)),
				refusal("malformed", /./),
			);
	});

	test("with more than 200,000 entries", async () => {
		const entries = Array.from({ length: 200_001 }, (_, i) =>
			listEntry(
				(0x1000000 + i).toString(16).padStart(8, "0").replace(/^00/, ""),
			),
		);
		const der = await forgeList(root, { entries: [concatAll(entries)] });
		assert.throws(
			() => open(der),
			refusal("malformed", /200001 entries, and 200000 is the limit/),
		);
		const fits = await forgeList(root, {
			entries: [concatAll(entries.slice(1))],
		});
		assert.equal(open(fits).size, 200_000);
	});
});

/** `concat` of more parts than a call can have arguments. */
function concatAll(parts: readonly Uint8Array[]): Uint8Array {
	return new Uint8Array(Buffer.concat(parts));
}

suite("an authority issues an untrusted list", async () => {
	const agency = await makeAuthority("agency");
	const serial = (n: number) => Uint8Array.of(n);
	const issue = (change: Partial<NewUntrustedList> = {}) =>
		issueUntrustedList(nodeCrypto, {
			issuer: agency.root,
			number: 1n,
			thisUpdate: TEST_NOW,
			nextUpdate: TEST_NOW + DAY,
			entries: [],
			...change,
		});
	const read = (der: Uint8Array, issuer: IssuingAuthority = agency.root) =>
		openUntrustedList(nodeCrypto, der, parseCertificate(issuer.certificate));

	test("that reads back, for every reason and either kind of key", async () => {
		const entries: UntrustedEntry[] = [...REASON_CODE.keys()].map(
			(reason: UntrustedReason, i) => ({
				serial: serial(i + 1),
				instant: TEST_NOW - i * 1000,
				reason,
			}),
		);
		entries.push({ serial: serial(255), instant: Date.UTC(2055, 0) });
		for (const algorithm of ["P-256", "Ed25519"] as const) {
			const { root: issuer } = await makeAuthority("bank", algorithm);
			const list = read(await issue({ issuer, entries }), issuer);
			assert.deepEqual(
				[...list.entries()],
				entries.map(({ serial, instant, reason }) => ({
					serial,
					instant,
					reason,
				})),
			);
		}
	});

	test("and the next one after it, whose entries may be more", async () => {
		const entries = [{ serial: serial(7), instant: TEST_NOW }];
		const first = read(
			await issue({ entries, recertifyBefore: TEST_NOW - DAY + 500 }),
		);
		assert.equal(first.recertifyBefore, TEST_NOW - DAY);
		const next = (change: Partial<NewUntrustedList>) =>
			issue({
				number: 2n,
				previous: first,
				recertifyBefore: TEST_NOW - DAY,
				entries: [...first.entries(), { serial: serial(8), instant: TEST_NOW }],
				...change,
			});
		assert.equal(read(await next({})).size, 2);
		for (const [change, gist] of [
			[{ number: 1n }, /must be 2 to 18446744073709551615, not 1/],
			[{ thisUpdate: TEST_NOW - DAY / 2 }, /from a later time/],
			[{ recertifyBefore: undefined }, /cannot be taken back/],
			[{ recertifyBefore: TEST_NOW - 2 * DAY }, /cannot be taken back/],
		] as const)
			await assert.rejects(next(change), refusal("invalid-argument", gist));
	});

	test("only when others would accept it", async () => {
		for (const [change, gist] of [
			[{ number: 0n }, /must be 1 to/],
			[{ number: -1n }, /must be 1 to/],
			[{ number: MAX_LIST_NUMBER + 1n }, /must be 1 to/],
			[{ nextUpdate: TEST_NOW }, /due after this one/],
			[{ nextUpdate: TEST_NOW - DAY }, /due after this one/],
			[{ nextUpdate: Number.NaN }, /due after this one/],
			[{ thisUpdate: Number.NaN }, /due after this one/],
			[{ thisUpdate: -1 }, /due after this one/],
			[{ nextUpdate: Number.POSITIVE_INFINITY }, /due after this one/],
			[{ recertifyBefore: TEST_NOW + 1 }, /not from after it/],
			[{ recertifyBefore: Number.NaN }, /not from after it/],
			[
				{ entries: [{ serial: new Uint8Array(), instant: 0 }] },
				/1 to 20 bytes/,
			],
			[
				{ entries: [{ serial: new Uint8Array(21).fill(1), instant: 0 }] },
				/1 to 20 bytes/,
			],
			[{ entries: [{ serial: serial(0), instant: 0 }] }, /first is not zero/],
			[
				{ entries: [{ serial: serial(1), instant: Number.NaN }] },
				/time of an entry/,
			],
			[
				{
					entries: [
						{ serial: serial(1), instant: 0 },
						{ serial: serial(1), instant: 1000 },
					],
				},
				/serial number 01 is on the list twice/,
			],
			[
				{
					entries: [
						{
							serial: serial(1),
							instant: 0,
							reason: "removeFromCRL" as UntrustedReason,
						},
					],
				},
				/"removeFromCRL" is no reason/,
			],
		] as const)
			await assert.rejects(issue(change), refusal("invalid-argument", gist));
	});

	test("only with its own key, which signs as it should", async () => {
		const { certificate, signer } = agency.root;
		await assert.rejects(
			issue({
				issuer: { certificate, signer: generateSoftwareKey("P-256") },
			}),
			refusal("invalid-argument", /not the key of the issuer/),
		);
		const broken = {
			algorithm: signer.algorithm,
			publicKey: signer.publicKey,
			sign: async () => new Uint8Array(64).fill(1),
		};
		await assert.rejects(
			issue({ issuer: { certificate, signer: broken } }),
			refusal("key-store-failed", /"Test agency" made a wrong signature/),
		);
		const silent = await forgeRoot();
		await assert.rejects(
			issue({ issuer: { certificate: silent.der, signer: silent.key } }),
			refusal("invalid-argument", /needs the key usage cRLSign/),
		);
	});

	test("as an intermediate too", async () => {
		const signer = generateSoftwareKey("P-256");
		const sub = await issueIntermediate(nodeCrypto, {
			name: "Sub",
			algorithm: signer.algorithm,
			publicKey: signer.publicKey,
			issuer: agency.root,
			notBefore: TEST_NOW - DAY,
			notAfter: TEST_NOW + DAY,
		});
		const issuer = { certificate: sub, signer };
		assert.equal(read(await issue({ issuer }), issuer).issuerText, '"Sub"');
	});
});
