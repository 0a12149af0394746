import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type DeviceDemand,
	encodeChain,
	issueDevice,
	issueIntermediate,
	issueRoot,
	parseCertificate,
	parseTrustAnchor,
	requireDemand,
	type TamperResistance,
	validateChain,
} from "../../src/identity/index.ts";
import { ANY_POLICY_OID, LEVEL_OID } from "../../src/identity/x509/profile.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat, utf8 } from "../../src/wire/index.ts";
import { DAY, makeWorld, TEST_NOW } from "../support/authority.ts";
import {
	anchorOf,
	bytes,
	EXTENSIONS,
	extension,
	type Forged,
	forgeIntermediate,
	forgeLeaf,
	forgeRoot,
	judge,
	oid,
	refusal,
	sequence,
	tlv,
} from "./forge.ts";

const VALIDITY = { notBefore: TEST_NOW - DAY, notAfter: TEST_NOW + DAY };
const LEAF = [EXTENSIONS.signs, EXTENSIONS.roles("agent")];
const AUTHORITY = [
	EXTENSIONS.authority(),
	EXTENSIONS.certifies,
	EXTENSIONS.roles("agent"),
];
const policies = (...levels: TamperResistance[]) =>
	EXTENSIONS.policies(...levels.map((level) => LEVEL_OID[level]));

/** A path on which each certificate has those policies; `undefined` leaves the extension out. */
async function pathOf(
	root: Uint8Array | undefined,
	intermediate: Uint8Array | undefined,
	leaf: Uint8Array | undefined,
): Promise<{ chain: Forged[]; root: Forged }> {
	const and = (list: Uint8Array[], more: Uint8Array | undefined) => ({
		extensions: more === undefined ? list : [...list, more],
	});
	const top = await forgeRoot("agency", and(AUTHORITY, root));
	const middle = await forgeIntermediate(top, and(AUTHORITY, intermediate));
	const end = await forgeLeaf(middle, and(LEAF, leaf));
	return { chain: [end, middle], root: top };
}

async function judged(...args: Parameters<typeof pathOf>) {
	const { chain, root } = await pathOf(...args);
	return judge(chain, anchorOf(root));
}

suite("the tamper resistance of a device", () => {
	test("is what its certificate attests, when every authority may attest it", async () => {
		for (const level of ["token", "tpm"] as const) {
			const device = await judged(
				policies("token", "tpm"),
				policies(level),
				policies(level),
			);
			assert.equal(device.tamperResistance, level);
		}
	});

	test("is software when nothing is attested, which everybody may", async () => {
		const none = await judged(undefined, undefined, undefined);
		const said = await judged(undefined, undefined, policies("software"));
		assert.equal(none.tamperResistance, "software");
		assert.equal(said.tamperResistance, "software");
		const others = EXTENSIONS.policies("1.2.3.4");
		assert.equal(
			(await judged(others, others, others)).tamperResistance,
			"software",
		);
	});

	test("is refused when an authority on the path may not attest it", async () => {
		const refuses = (root?: Uint8Array, middle?: Uint8Array, gist = /./) =>
			assert.rejects(
				judged(root, middle, policies("tpm")),
				refusal("chain-refused", gist),
			);
		const all = policies("software", "token", "tpm");
		await refuses(
			all,
			policies("token"),
			/^the certificate of "shop\.example" attests the tamper resistance "tpm", and the intermediate "intermediate" may not attest that$/,
		);
		await refuses(
			all,
			undefined,
			/the intermediate "intermediate" may not attest that/,
		);
		await refuses(
			policies("token"),
			all,
			/the root "agency root" may not attest that/,
		);
		await refuses(undefined, all, /the root "agency root" may not attest that/);
	});

	test("does not follow from a higher one that an authority may attest", async () => {
		await assert.rejects(
			judged(policies("tpm"), policies("tpm"), policies("token")),
			refusal("chain-refused", /attests the tamper resistance "token"/),
		);
	});

	test("is never two, and never any", async () => {
		const all = policies("software", "token", "tpm");
		await assert.rejects(
			judged(all, all, policies("token", "tpm")),
			refusal(
				"chain-refused",
				/attests two levels of tamper resistance at once, "token" and "tpm"/,
			),
		);
		const any = EXTENSIONS.policies(ANY_POLICY_OID);
		const gist = /has the policy "any policy", where it must name the levels/;
		await assert.rejects(judged(all, all, any), refusal("chain-refused", gist));
		await assert.rejects(
			judged(all, any, policies("tpm")),
			refusal("chain-refused", gist),
		);
		await assert.rejects(
			judged(any, all, policies("tpm")),
			refusal("chain-refused", gist),
		);
	});

	test("may stand in a critical extension, if nothing else does", async () => {
		const critical = (...parts: Uint8Array[]) =>
			extension("2.5.29.32", true, sequence(...parts));
		const token = sequence(oid(LEVEL_OID.token));
		const all = policies("token");
		const fine = await judged(
			critical(token),
			critical(token),
			critical(token),
		);
		assert.equal(fine.tamperResistance, "token");
		const qualifier = sequence(
			oid("1.3.6.1.5.5.7.2.1"),
			tlv(22, utf8("http://a.example")),
		);
		const qualified = sequence(oid(LEVEL_OID.token), sequence(qualifier));
		for (const policy of [
			critical(token, sequence(oid("1.2.3"))),
			critical(qualified),
		])
			await assert.rejects(
				judged(all, all, policy),
				refusal("chain-refused", /not understood here.*2\.5\.29\.32/),
			);
		const plain = extension("2.5.29.32", false, sequence(qualified));
		assert.equal((await judged(all, all, plain)).tamperResistance, "token");
	});

	test("comes from an extension that is DER", async () => {
		const token = sequence(oid(LEVEL_OID.token));
		const parse = async (value: Uint8Array) => {
			const { chain } = await pathOf(
				undefined,
				undefined,
				extension("2.5.29.32", false, value),
			);
			return parseCertificate(chain[0]?.der as Uint8Array);
		};
		for (const [value, gist] of [
			[sequence(token, token), /policy .* twice/],
			[sequence(), /tag none/],
			[concat(sequence(token), bytes("0500")), /left over/],
			[sequence(sequence(oid("1.2"), sequence(), sequence())), /left over/],
		] as const)
			await assert.rejects(parse(value), refusal("malformed", gist));
	});
});

suite("an authority that issues", () => {
	const key = generateSoftwareKey("P-256");
	const { algorithm, publicKey } = key;
	const root = (attests?: readonly TamperResistance[]) =>
		issueRoot(nodeCrypto, {
			kind: "bank",
			name: "Bank",
			signer: key,
			...(attests && { attests }),
			...VALIDITY,
		});

	test("attests what it may, and passes on what it has", async () => {
		const top = await root(["token", "tpm"]);
		const subKey = generateSoftwareKey("P-256");
		const middle = await issueIntermediate(nodeCrypto, {
			name: "Bank 1",
			algorithm,
			publicKey: subKey.publicKey,
			issuer: { certificate: top, signer: key },
			attests: ["tpm"],
			...VALIDITY,
		});
		const issue = (tamperResistance?: TamperResistance) =>
			issueDevice(nodeCrypto, {
				role: "module",
				name: "purse",
				algorithm,
				publicKey,
				issuer: { certificate: middle, signer: subKey },
				...(tamperResistance && { tamperResistance }),
				...VALIDITY,
			});
		const anchors = [parseTrustAnchor(nodeCrypto, top)];
		for (const level of ["software", "tpm", undefined] as const) {
			const chain = encodeChain([await issue(level), middle]);
			const device = validateChain(
				nodeCrypto,
				chain,
				"module",
				anchors,
				TEST_NOW,
			);
			assert.equal(device.tamperResistance, level ?? "software");
		}
		await assert.rejects(
			issue("token"),
			refusal(
				"invalid-argument",
				/issuer "Bank 1" may not attest the tamper resistance "token"/,
			),
		);
	});

	test("says nothing of levels when it may attest none", async () => {
		for (const attests of [undefined, [], ["software"]] as const)
			assert.equal(parseCertificate(await root(attests)).policies, undefined);
		await assert.rejects(
			issueIntermediate(nodeCrypto, {
				name: "Bank 1",
				algorithm,
				publicKey,
				issuer: { certificate: await root(), signer: key },
				attests: ["token"],
				...VALIDITY,
			}),
			refusal("invalid-argument", /may not attest .* "token"/),
		);
	});
});

suite("what a policy demands of a device", async () => {
	const world = await makeWorld();
	const { chain } = await world.agent("shop");
	const device = validateChain(
		nodeCrypto,
		chain,
		"agent",
		world.policy.agencies,
		world.now,
	);
	const other = Uint8Array.of(1, 2, 3);
	const demand = (peerAgent: DeviceDemand) =>
		requireDemand(device, "peerAgent", { peerAgent });

	test("is nothing, unless it says so for that place", () => {
		requireDemand(device, "peerAgent", undefined);
		requireDemand(device, "peerAgent", { peerModule: { minimum: "tpm" } });
		demand({});
		demand({ minimum: "software", allow: [other, device.deviceId] });
		demand({ refuse: [other] });
	});

	test("is a least tamper resistance, and certain device ids", () => {
		for (const [what, gist] of [
			[
				{ minimum: "token" },
				/^the other side's agent, "shop", attests the tamper resistance "software", and the policy demands at least "token"$/,
			],
			[{ minimum: "TPM" as TamperResistance }, /demands at least "TPM"/],
			[{ allow: [other] }, /none of those that the policy allows/],
			[{ allow: [] }, /none of those that the policy allows/],
			[
				{ allow: [device.deviceId], refuse: [other, device.deviceId] },
				/is one that the policy refuses/,
			],
		] as const)
			assert.throws(() => demand(what), refusal("chain-refused", gist));
	});
});
