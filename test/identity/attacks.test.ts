/* One test for each way to be trusted without a right to it. Each refuses with its reason, and loses nothing. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { TetradError } from "../../src/errors.ts";
import {
	ChainVerdicts,
	encodeBundle,
	encodeChain,
} from "../../src/identity/index.ts";
import { LEVEL_OID } from "../../src/identity/x509/profile.ts";
import { TEST_NOW } from "../support/authority.ts";
import {
	anchorOf,
	bytes,
	commonName,
	EXTENSIONS,
	extension,
	type Forged,
	forgeIntermediate,
	forgeLeaf,
	forgeList,
	forgeRoot,
	KEY_ID,
	listEntry,
	refusal,
	tlv,
} from "./forge.ts";

const NONE = new Uint8Array();
const AUTHORITY = [
	EXTENSIONS.certifiesAndLists,
	EXTENSIONS.roles("agent"),
	extension("2.5.29.14", false, tlv(4, KEY_ID)),
];
const root = await forgeRoot("agency", {
	extensions: [EXTENSIONS.authority(1), ...AUTHORITY],
});
const intermediate = await forgeIntermediate(root, {
	extensions: [EXTENSIONS.authority(), ...AUTHORITY],
});
const honest = encodeChain([
	(await forgeLeaf(intermediate)).der,
	intermediate.der,
]);

/** A device that holds the list 5 of the root, and has judged an honest chain. */
async function victim(): Promise<{
	verdicts: ChainVerdicts;
	unharmed: () => void;
}> {
	const verdicts = new ChainVerdicts(nodeCrypto, {
		agencies: anchorOf(root),
		banks: [],
	});
	const list = await forgeList(root, {
		number: bytes("020105"),
		entries: [listEntry("7777")],
	});
	const bundle = encodeBundle(list, NONE);
	verdicts.lists.offer(bundle, TEST_NOW);
	const judged = verdicts.judge(honest, "agent", TEST_NOW);
	return {
		verdicts,
		unharmed() {
			assert.equal(verdicts.judge(honest, "agent", TEST_NOW), judged);
			assert.deepEqual(verdicts.lists.bundles(), [bundle]);
			assert.equal(verdicts.lists.generation, 1);
		},
	};
}

async function refusesChain(
	chain: readonly Forged[],
	code: TetradError["code"],
	sentence: RegExp,
): Promise<void> {
	const { verdicts, unharmed } = await victim();
	const encoded = encodeChain(chain.map(({ der }) => der));
	assert.throws(
		() => verdicts.judge(encoded, "agent", TEST_NOW),
		refusal(code, sentence),
	);
	unharmed();
}

async function refusesList(
	list: Uint8Array,
	code: TetradError["code"],
	sentence: RegExp,
	chain: readonly Forged[] = [],
): Promise<void> {
	const { verdicts, unharmed } = await victim();
	const issuers = chain.map(({ der }) => der);
	const bundle = encodeBundle(
		list,
		issuers.length === 0 ? NONE : encodeChain(issuers),
	);
	assert.throws(
		() => verdicts.lists.offer(bundle, TEST_NOW),
		refusal(code, sentence),
	);
	unharmed();
}

suite("a chain is refused", () => {
	test("with an intermediate that has no CA bit", async () => {
		const device = await forgeIntermediate(root, {
			extensions: [EXTENSIONS.notAuthority, ...AUTHORITY],
		});
		await refusesChain(
			[await forgeLeaf(device), device],
			"chain-refused",
			/^the intermediate "intermediate" is not an authority$/,
		);
	});

	test("that is longer than the root allows", async () => {
		const second = await forgeIntermediate(intermediate, {
			name: "second",
			extensions: [EXTENSIONS.authority(), ...AUTHORITY],
		});
		await refusesChain(
			[await forgeLeaf(second), second, intermediate],
			"chain-refused",
			/^the root "agency root" allows 1 intermediates below it, and there are 2$/,
		);
	});

	test("whose names go round in a circle", async () => {
		const a = await forgeIntermediate(root, { name: "a" });
		const b = await forgeIntermediate(a, { name: "b" });
		const again = await forgeIntermediate(b, { name: "a" }, a.key);
		await refusesChain(
			[await forgeLeaf(again), again, b, a],
			"chain-refused",
			/^two certificates on the path are for the same name, "a"$/,
		);
		const self = await forgeIntermediate(root, { name: "agency root" });
		await refusesChain(
			[await forgeLeaf(self), self],
			"chain-refused",
			/^two certificates on the path are for the same name, "agency root"$/,
		);
	});

	test("with a certificate for both roles", async () => {
		const leaf = await forgeLeaf(root, {
			extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent", "module")],
		});
		await refusesChain(
			[leaf],
			"chain-refused",
			/^the certificate of "shop\.example" is for an agent and a module at once$/,
		);
	});

	test("with an unknown critical extension", async () => {
		const leaf = await forgeLeaf(root, {
			extensions: [
				EXTENSIONS.signs,
				EXTENSIONS.roles("agent"),
				extension("1.2.3.4", true, bytes("0500")),
			],
		});
		await refusesChain(
			[leaf],
			"chain-refused",
			/^the certificate of "shop\.example" has an extension that is not understood here and must not be ignored: 1\.2\.3\.4$/,
		);
	});

	test("that claims a TPM from an authority which may not attest one", async () => {
		const leaf = await forgeLeaf(intermediate, {
			extensions: [
				EXTENSIONS.signs,
				EXTENSIONS.roles("agent"),
				EXTENSIONS.policies(LEVEL_OID.tpm),
			],
		});
		await refusesChain(
			[leaf, intermediate],
			"chain-refused",
			/^the certificate of "shop\.example" attests the tamper resistance "tpm", and the intermediate "intermediate" may not attest that$/,
		);
	});
});

suite("an untrusted list is refused", () => {
	test("with a wrong signature", async () => {
		const list = await forgeList(root, { number: bytes("020106") });
		const at = list.length - 1;
		list[at] = (list[at] ?? 0) ^ 1;
		await refusesList(
			list,
			"list-refused",
			/^the untrusted list is not signed by "agency root", which it names$/,
		);
	});

	test("with a lower number", async () => {
		await refusesList(
			await forgeList(root, { number: bytes("020104") }),
			"list-refused",
			/^the untrusted list 4 of "agency root" is older than list 5, which this device holds$/,
		);
	});

	test("from another authority", async () => {
		const stranger = await forgeRoot("agency", {
			name: "stranger",
			extensions: [EXTENSIONS.authority(), ...AUTHORITY],
		});
		await refusesList(
			await forgeList(stranger),
			"chain-refused",
			/^an untrusted list is of no root that is trusted here, and no chain to one came with it$/,
		);
		await refusesList(
			await forgeList(stranger, {
				number: bytes("020106"),
				issuer: root.subject,
			}),
			"list-refused",
			/^the untrusted list is not signed by "agency root", which it names$/,
		);
		await refusesList(
			await forgeList(stranger),
			"list-refused",
			/^the untrusted list is of another authority than "intermediate"$/,
			[intermediate],
		);
	});

	test("that a device made with its own certificate", async () => {
		const device = await forgeLeaf(root);
		await refusesList(
			await forgeList(device),
			"chain-refused",
			/^the intermediate "shop\.example" does not say that it is an authority: it has no basic constraints$/,
			[device],
		);
	});

	test("of an intermediate that claims its root's name", async () => {
		const twin = await forgeIntermediate(root, {
			subject: commonName("agency root"),
			extensions: [EXTENSIONS.authority(), ...AUTHORITY],
		});
		await refusesList(
			await forgeList(twin, { number: bytes("020106") }),
			"chain-refused",
			/^two certificates on the path are for the same name, "agency root"$/,
			[twin],
		);
	});
});
