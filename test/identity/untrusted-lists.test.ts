import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	authorityId,
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	encodeListNumbers,
	type FreshnessLimits,
	type IssuingAuthority,
	issueDevice,
	issueIntermediate,
	issueRoot,
	issueUntrustedList,
	MAX_BUNDLE_BYTES,
	type NewUntrustedList,
	openUntrustedList,
	parseCertificate,
	parseListNumbers,
	parseTrustAnchor,
	type Signer,
	type TrustPolicy,
	UntrustedLists,
	validateChain,
} from "../../src/identity/index.ts";
import { readListHeader } from "../../src/identity/untrusted/untrusted-list.ts";
import {
	MAX_ANCHORS,
	MAX_CLOCK_SKEW_MS,
	MAX_LISTS_PER_ROOT,
} from "../../src/identity/x509/profile.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { concat, dec, enc, hex } from "../../src/wire/index.ts";
import {
	DAY,
	makeAuthority,
	makeWorld,
	TEST_NOW,
	type TestAuthority,
} from "../support/authority.ts";
import {
	anchorOf,
	ECDSA_SHA256,
	EXTENSIONS,
	ecdsaValue,
	type Forged,
	forgeIntermediate,
	forgeList,
	forgeRoot,
	bytes as fromHex,
	refusal,
	sequence,
	tlv,
} from "./forge.ts";

const NONE = new Uint8Array();
const HOUR = DAY / 24;
const serialOf = (der: Uint8Array) => parseCertificate(der).serial;
const filled = (length: number) => new Uint8Array(length).fill(0x41);

/** In front of a field of enc: its length in 32 bits. */
const lengthOf = (field: Uint8Array) =>
	field.length.toString(16).padStart(8, "0");

const idOf = (der: Uint8Array) =>
	authorityId(nodeCrypto, parseCertificate(der));

function listOf(
	issuer: IssuingAuthority,
	number: bigint,
	listed: readonly Uint8Array[] = [],
	change: Partial<NewUntrustedList> = {},
): Promise<Uint8Array> {
	return issueUntrustedList(nodeCrypto, {
		issuer,
		number,
		thisUpdate: TEST_NOW,
		nextUpdate: TEST_NOW + DAY,
		entries: listed.map((der) => ({
			serial: serialOf(der),
			instant: TEST_NOW,
			reason: "keyCompromise",
		})),
		...change,
	});
}

/** The bundle of a list by the authority that issues to devices. */
async function bundleOf(
	{ issuer, intermediates }: TestAuthority,
	...args: [bigint, (readonly Uint8Array[])?, Partial<NewUntrustedList>?]
): Promise<Uint8Array> {
	const chain = intermediates.length === 0 ? NONE : encodeChain(intermediates);
	return encodeBundle(await listOf(issuer, ...args), chain);
}

const P256_ORDER =
	0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A list with that in its signature's BIT STRING. */
function resigned(list: Uint8Array, value: Uint8Array): Uint8Array {
	const { signedPart } = readListHeader(list);
	return sequence(signedPart, ECDSA_SHA256, tlv(3, Uint8Array.of(0), value));
}

async function intermediate(
	issuer: IssuingAuthority,
	name: string,
	change: { signer?: Signer; days?: number; pathLength?: number } = {},
): Promise<IssuingAuthority> {
	const { signer = generateSoftwareKey("P-256"), days = 30, ...rest } = change;
	const certificate = await issueIntermediate(nodeCrypto, {
		name,
		algorithm: signer.algorithm,
		publicKey: signer.publicKey,
		issuer,
		notBefore: TEST_NOW - 30 * DAY,
		notAfter: TEST_NOW + days * DAY,
		...rest,
	});
	return { certificate, signer };
}

const world = await makeWorld({ withIntermediate: true });
const { agency, bank } = world;
const shop = await world.agent("shop");
const [shopLeaf, agencySub] = shop.certificates as [Uint8Array, Uint8Array];
const newLists = (policy: TrustPolicy = world.policy) =>
	new UntrustedLists(nodeCrypto, policy);
const rootBundle = async (...args: Parameters<typeof listOf>) =>
	encodeBundle(await listOf(...args), NONE);

suite("the lists that a device holds", () => {
	test("are verified with the root alone, also an intermediate's", async () => {
		const lists = newLists();
		const offered = lists.offer(
			await bundleOf(agency, 5n, [shopLeaf]),
			TEST_NOW,
		);
		assert.equal(offered.kind, "newer");
		assert.equal(offered.list.number, 5n);
		assert.deepEqual(offered.authority, idOf(agencySub));
		assert.equal(lists.list(offered.authority), offered.list);
		assert.equal(lists.generation, 1);
		const ofRoot = lists.offer(await rootBundle(agency.root, 1n), TEST_NOW);
		assert.deepEqual(ofRoot.authority, idOf(agency.root.certificate));
		assert.equal(lists.lists().length, 2);
	});

	test("only move forward", async () => {
		const lists = newLists();
		const [second, third, fourth] = (await Promise.all(
			[2n, 3n, 4n].map((number) => bundleOf(agency, number)),
		)) as [Uint8Array, Uint8Array, Uint8Array];
		lists.offer(third, TEST_NOW);
		assert.throws(
			() => lists.offer(second, TEST_NOW),
			refusal(
				"list-refused",
				/^the untrusted list 2 of "Test agency 1" is older than list 3, which this device holds$/,
			),
		);
		assert.equal(lists.offer(third, TEST_NOW).kind, "same");
		assert.equal(lists.generation, 1);
		assert.equal(lists.offer(fourth, TEST_NOW).kind, "newer");
		assert.equal(lists.generation, 2);
		assert.deepEqual(lists.bundles(), [fourth]);
	});

	test("keep older ones out after a restart, though certificates expired and the clock was set back", async () => {
		const before = newLists();
		before.offer(await bundleOf(agency, 3n, [shopLeaf]), TEST_NOW);
		const stored = before.bundles().map((bundle) => Buffer.from(bundle));
		const lists = newLists();
		for (const bundle of stored) lists.restore(bundle);
		for (const bundle of stored) bundle.fill(0);
		assert.deepEqual(lists.bundles(), before.bundles());
		const second = await bundleOf(agency, 2n);
		assert.throws(
			() => lists.offer(second, TEST_NOW),
			refusal("list-refused", /older than list 3/),
		);
		// What is stored long after everything on it has expired is still verified.
		const [bundle] = before.bundles() as [Uint8Array];
		const later = newLists();
		assert.throws(
			() => later.offer(bundle, TEST_NOW + 2000 * DAY),
			refusal("chain-refused", /expired/),
		);
		later.restore(bundle);
		const broken = new Uint8Array(bundle);
		const end = 3 + new DataView(bundle.buffer, bundle.byteOffset).getUint32(0);
		broken[end] = (broken[end] ?? 0) ^ 1;
		assert.throws(
			() => newLists().restore(broken),
			refusal("list-refused", /not signed by "Test agency 1"/),
		);
	});

	test("are refused with a wrong signature, and nothing is lost", async () => {
		const lists = newLists();
		const held = await bundleOf(agency, 1n, [shopLeaf]);
		lists.offer(held, TEST_NOW);
		const thief = generateSoftwareKey("P-256");
		const { publicKey } = agency.issuer.signer;
		// A signer that is not what it says, past the check at issuing.
		const list = await issueUntrustedList(
			{ ...nodeCrypto, verify: () => true },
			{
				issuer: {
					certificate: agencySub,
					signer: {
						algorithm: "P-256",
						publicKey,
						sign: (message) => thief.sign(message),
					},
				},
				number: 9n,
				thisUpdate: TEST_NOW,
				nextUpdate: TEST_NOW + DAY,
				entries: [],
			},
		);
		assert.throws(
			() => lists.offer(encodeBundle(list, encodeChain([agencySub])), TEST_NOW),
			refusal("list-refused", /not signed by "Test agency 1", which it names/),
		);
		assert.deepEqual(lists.bundles(), [held]);
		assert.equal(lists.generation, 1);
	});

	test("are refused when two have one number, and the authority is named", async () => {
		const lists = newLists();
		const held = await bundleOf(agency, 1n);
		lists.offer(held, TEST_NOW);
		const other = await bundleOf(agency, 1n, [shopLeaf]);
		assert.throws(
			() => lists.offer(other, TEST_NOW),
			refusal(
				"list-refused",
				/^"Test agency 1" signed two different untrusted lists with the number 1, which it must never do; this device keeps the one it holds/,
			),
		);
		// An accusation needs a signature.
		const forged = new Uint8Array(other);
		const end = 3 + new DataView(forged.buffer).getUint32(0);
		forged[end] = (forged[end] ?? 0) ^ 1;
		assert.throws(
			() => lists.offer(forged, TEST_NOW),
			refusal("list-refused", /not signed by "Test agency 1"/),
		);
		assert.deepEqual(lists.bundles(), [held]);
	});

	test("are the same when somebody wrote the signature in its other form", async () => {
		const root = await forgeRoot("agency", {
			extensions: [
				EXTENSIONS.authority(),
				EXTENSIONS.certifiesAndLists,
				EXTENSIONS.roles("agent"),
			],
		});
		const lists = newLists({ agencies: anchorOf(root), banks: [] });
		const list = await forgeList(root);
		const { signature } = readListHeader(list);
		const s = BigInt(`0x${hex(signature.subarray(32))}`);
		const other = concat(
			signature.subarray(0, 32),
			fromHex((P256_ORDER - s).toString(16).padStart(64, "0")),
		);
		const twin = resigned(list, ecdsaValue(other));
		assert.notDeepEqual(twin, list);
		openUntrustedList(nodeCrypto, twin, parseCertificate(root.der));
		const bundle = encodeBundle(list, NONE);
		lists.offer(bundle, TEST_NOW);
		assert.equal(lists.offer(encodeBundle(twin, NONE), TEST_NOW).kind, "same");
		assert.deepEqual(lists.bundles(), [bundle]);
	});

	test("are refused from an authority that is not trusted", async () => {
		const stranger = await makeAuthority("agency", "P-256", TEST_NOW, true);
		const lists = newLists();
		const theirs = await bundleOf(stranger, 1n);
		const ofRoot = await rootBundle(stranger.root, 1n);
		for (const bundle of [theirs, ofRoot])
			assert.throws(() => lists.offer(bundle, TEST_NOW), {
				name: "TetradError",
			});
		const named = newLists({ agencies: [], banks: [bank.anchor] });
		const ours = await rootBundle(agency.root, 1n);
		assert.throws(
			() => named.offer(ours, TEST_NOW),
			refusal("chain-refused", /of no root that is trusted here/),
		);
		assert.deepEqual(lists.bundles(), []);
	});

	test("are refused with somebody else's chain", async () => {
		const lists = newLists();
		const list = await listOf(agency.issuer, 1n);
		const other = await intermediate(agency.root, "Other");
		for (const [chain, gist] of [
			[bank.intermediates, /of another authority than "Test bank 1"/],
			[[other.certificate], /of another authority than "Other"/],
			[[shopLeaf, agencySub], /"shop" does not say that it is an authority/],
			[[agency.root.certificate], /the trusted root itself/],
		] as const)
			assert.throws(
				() => lists.offer(encodeBundle(list, encodeChain(chain)), TEST_NOW),
				(thrown: Error & { code?: string }) => {
					assert.match(thrown.message, gist);
					assert.match(thrown.code ?? "", /^(list|chain)-refused$/);
					return true;
				},
			);
		assert.throws(
			() => lists.offer(encodeBundle(list, NONE), TEST_NOW),
			refusal("chain-refused", /of no root that is trusted here/),
		);
	});

	test("are refused from an intermediate of the same name with another key", async () => {
		const lists = newLists();
		const twin = await intermediate(agency.root, "Test agency 1");
		const list = await listOf(twin, 7n, [shopLeaf]);
		assert.throws(
			() => lists.offer(encodeBundle(list, encodeChain([agencySub])), TEST_NOW),
			refusal("list-refused", /names another key than that of "Test agency 1"/),
		);
		// Its own list is its own: it says nothing about what the other one issued.
		lists.offer(encodeBundle(list, encodeChain([twin.certificate])), TEST_NOW);
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy, lists);
		verdicts.judge(shop.chain, "agent", TEST_NOW);
	});

	test("are refused from too deep below the root", async () => {
		const extensions = [
			EXTENSIONS.authority(),
			EXTENSIONS.certifiesAndLists,
			EXTENSIONS.roles("agent"),
		];
		const root = await forgeRoot("agency", {
			extensions: [EXTENSIONS.authority(1), ...extensions.slice(1)],
		});
		const one = await forgeIntermediate(root, { name: "one", extensions });
		const two = await forgeIntermediate(one, { name: "two", extensions });
		const lists = newLists({ agencies: anchorOf(root), banks: [] });
		const bundle = async (...chain: Forged[]) =>
			encodeBundle(
				await forgeList(chain[0] as Forged),
				encodeChain(chain.map(({ der }) => der)),
			);
		assert.equal(lists.offer(await bundle(one), TEST_NOW).kind, "newer");
		const deep = await bundle(two, one);
		assert.throws(
			() => lists.offer(deep, TEST_NOW),
			refusal(
				"chain-refused",
				/root "agency root" allows 1 intermediates below it, and there are 2/,
			),
		);
		const four = await bundle(two, one, one, one);
		assert.throws(
			() => lists.offer(four, TEST_NOW),
			refusal("chain-refused", /3 intermediates above it, and no device/),
		);
		const notOne = await forgeIntermediate(root, {
			name: "no authority",
			extensions: [EXTENSIONS.certifiesAndLists, EXTENSIONS.roles("agent")],
		});
		const unsound = await bundle(notOne);
		assert.throws(
			() => lists.offer(unsound, TEST_NOW),
			refusal("chain-refused", /does not say that it is an authority/),
		);
	});

	test("that are not enc of a list and a chain, or whose chain is not enc, are malformed", async () => {
		const bundle = await bundleOf(agency, 1n);
		const [list = NONE, chain = NONE] = dec(bundle, 2);
		const lists = newLists();
		for (const wrong of [
			NONE,
			list,
			enc(list),
			enc(list, chain, NONE),
			concat(bundle, Uint8Array.of(0)),
			bundle.subarray(0, -1),
			enc(list, filled(7)),
			enc(list, chain.subarray(0, -1)),
			enc(list, concat(chain, Uint8Array.of(0))),
			enc(enc(list), chain),
		])
			assert.throws(
				() => lists.offer(wrong, TEST_NOW),
				{ code: "malformed" },
				hex(wrong.subarray(0, 20)),
			);
		assert.equal(lists.offer(bundle, TEST_NOW).kind, "newer");
	});

	test("are kept by the key and the name of their issuer as they stand in its certificate, whole DER elements", () => {
		const { spki, subject } = parseCertificate(agencySub);
		for (const element of [spki, subject]) {
			// A SEQUENCE with tag and length, and nothing behind it.
			assert.equal(element[0], 0x30);
			const isShort = (element[1] ?? 0) < 0x80;
			const header = isShort ? 2 : 2 + ((element[1] ?? 0) & 0x7f);
			const length = isShort
				? (element[1] ?? 0)
				: Number(`0x${hex(element.subarray(2, header))}`);
			assert.equal(element.length, header + length);
		}
		const expected = nodeCrypto.sha256(
			fromHex(lengthOf(spki)),
			spki,
			fromHex(lengthOf(subject)),
			subject,
		);
		assert.equal(hex(idOf(agencySub)), hex(expected));
	});

	test("are refused from the future, and at a time that is none", async () => {
		const lists = newLists();
		const bundle = await bundleOf(agency, 1n);
		assert.throws(
			() => lists.offer(bundle, TEST_NOW - MAX_CLOCK_SKEW_MS - 1),
			refusal("list-refused", /which is still to come; set the clock right/),
		);
		for (const now of [Number.NaN, Number.POSITIVE_INFINITY])
			assert.throws(
				() => lists.offer(bundle, now),
				refusal("invalid-argument", /time is not a number/),
			);
		lists.offer(bundle, TEST_NOW - MAX_CLOCK_SKEW_MS);
	});

	test("are refused from an intermediate that is on its root's list, or too old for it", async () => {
		const lists = newLists();
		lists.offer(await bundleOf(agency, 1n), TEST_NOW);
		lists.offer(await rootBundle(agency.root, 1n, [agencySub]), TEST_NOW);
		const next = await bundleOf(agency, 2n);
		assert.throws(
			() => lists.offer(next, TEST_NOW),
			refusal(
				"untrusted",
				/"Test agency 1" is on the untrusted list of "Test agency"/,
			),
		);
		const id = idOf(agencySub);
		assert.equal(lists.list(id)?.number, 1n);
		const theirs = [{ authority: idOf(agency.root.certificate), number: 1n }];
		assert.deepEqual(lists.newerThan(theirs), [], "and is not passed on");

		const asking = newLists();
		asking.offer(
			await rootBundle(agency.root, 1n, [], { recertifyBefore: TEST_NOW }),
			TEST_NOW,
		);
		assert.throws(
			() => asking.offer(next, TEST_NOW),
			refusal("recertification-due", /"Test agency 1" is from before/),
		);
	});

	test("go on when an authority is certified anew for the same key", async () => {
		const lists = newLists();
		const first = await bundleOf(agency, 4n, [shopLeaf]);
		lists.offer(first, TEST_NOW);
		const renewed = await intermediate(agency.root, "Test agency 1", {
			signer: agency.issuer.signer,
			days: 2000,
		});
		const chain = encodeChain([renewed.certificate]);
		const again = encodeBundle(await listOf(renewed, 3n), chain);
		assert.throws(
			() => lists.offer(again, TEST_NOW),
			refusal("list-refused", /older than list 4/),
		);
		// The same list with the new certificate travels for longer.
		const held = lists.list(idOf(agencySub));
		const { kind, bundle } = lists.offer(
			encodeBundle(held?.der as Uint8Array, chain),
			TEST_NOW,
		);
		assert.equal(kind, "renewed");
		assert.deepEqual(lists.bundles(), [bundle]);
		assert.equal(lists.offer(first, TEST_NOW).kind, "same");
		assert.deepEqual(lists.bundles(), [bundle]);
		// Under the new certificate too, what the old one issued is untrusted.
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy, lists);
		for (const above of [agencySub, renewed.certificate])
			assert.throws(
				() => verdicts.judge(encodeChain([shopLeaf, above]), "agent", TEST_NOW),
				refusal("untrusted", /./),
			);
	});

	test("go on when a root is renewed for the same key, and tell roots of one name apart", async () => {
		const make = async (signer: Signer, days: number) =>
			issueRoot(nodeCrypto, {
				kind: "agency",
				name: "Same",
				signer,
				notBefore: TEST_NOW - DAY,
				notAfter: TEST_NOW + days * DAY,
			});
		const [key, otherKey] = [
			generateSoftwareKey("P-256"),
			generateSoftwareKey("P-256"),
		];
		const roots = [
			await make(key, 1),
			await make(key, 100),
			await make(otherKey, 1000),
		] as const;
		const lists = newLists({
			agencies: roots.map((der) => parseTrustAnchor(nodeCrypto, der)),
			banks: [],
		});
		const list = await listOf({ certificate: roots[0], signer: key }, 2n);
		const bundle = encodeBundle(list, NONE);
		const offered = lists.offer(bundle, TEST_NOW + 50 * DAY);
		assert.deepEqual(offered.authority, idOf(roots[1]));
		const older = await rootBundle({ certificate: roots[1], signer: key }, 1n);
		assert.throws(
			() => lists.offer(older, TEST_NOW),
			refusal("list-refused", /older than list 2/),
		);
		const third = { certificate: roots[2], signer: otherKey };
		assert.deepEqual(
			lists.offer(await rootBundle(third, 1n), TEST_NOW).authority,
			idOf(roots[2]),
		);
	});

	test("have room under each root, which nobody else can fill", async () => {
		const lists = newLists();
		const offer = async (issuer: IssuingAuthority, now = TEST_NOW) =>
			lists.offer(
				encodeBundle(
					await listOf(issuer, 1n),
					encodeChain([issuer.certificate]),
				),
				now,
			);
		const days = (i: number) => (i === 3 ? 1 : 30);
		for (let i = 0; i < MAX_LISTS_PER_ROOT; i++)
			await offer(
				await intermediate(agency.root, `Sub ${i}`, { days: days(i) }),
			);
		const late = await intermediate(agency.root, "Late");
		await assert.rejects(
			offer(late),
			refusal(
				"list-refused",
				/no room for another untrusted list below one root/,
			),
		);
		lists.offer(await rootBundle(agency.root, 1n), TEST_NOW);
		lists.offer(await bundleOf(bank, 1n), TEST_NOW);
		// One of them has expired, and makes room for whoever has a valid list.
		const then = TEST_NOW + 2 * DAY;
		const list = await listOf(late, 1n);
		const forged = encodeBundle(list, encodeChain([late.certificate]));
		forged[4 + list.length - 1] = (forged[4 + list.length - 1] ?? 0) ^ 1;
		const count = lists.lists().length;
		assert.throws(
			() => lists.offer(forged, then),
			refusal("list-refused", /not signed/),
		);
		assert.equal(lists.lists().length, count, "and for nobody else");
		await offer(late, then);
		assert.equal(lists.lists().length, count);
	});

	test("are read exactly, and have a limit", async () => {
		const bundle = await bundleOf(agency, 1n);
		const lists = newLists();
		assert.throws(
			() => lists.offer(new Uint8Array(MAX_BUNDLE_BYTES + 1), TEST_NOW),
			refusal("list-refused", /is the limit/),
		);
		assert.throws(
			() => lists.offer(concat(bundle, enc(NONE)), TEST_NOW),
			refusal("malformed", /./),
		);
		for (const length of [0, 3, bundle.length - 1])
			assert.throws(
				() => lists.offer(bundle.subarray(0, length), TEST_NOW),
				refusal("malformed", /./),
			);
		const { anchor } = agency;
		assert.throws(
			() =>
				newLists({ agencies: Array(MAX_ANCHORS + 1).fill(anchor), banks: [] }),
			refusal("invalid-argument", /64 roots, and this one names 65/),
		);
	});
});

suite("two devices that meet", () => {
	test("pass on what the other lacks and can use, roots first", async () => {
		const [knowing, fresh] = [newLists(), newLists()];
		const both = await bundleOf(agency, 2n);
		const root = await rootBundle(agency.root, 7n);
		const banks = await bundleOf(bank, 1n);
		for (const bundle of [both, root, banks]) knowing.offer(bundle, TEST_NOW);
		const theirs = parseListNumbers(encodeListNumbers(fresh.numbers()));
		assert.deepEqual(
			theirs.map(({ number }) => number),
			[0n, 0n],
		);
		const sent = knowing.newerThan(theirs);
		assert.deepEqual(sent.map(hex), [root, both, banks].map(hex));
		for (const bundle of sent) fresh.offer(bundle, TEST_NOW);
		assert.deepEqual(knowing.newerThan(fresh.numbers()), []);
		assert.deepEqual(fresh.newerThan(knowing.numbers()), []);
		const newest = await bundleOf(agency, 3n);
		fresh.offer(newest, TEST_NOW);
		assert.deepEqual(fresh.newerThan(knowing.numbers()), [newest]);
		assert.deepEqual(knowing.newerThan(fresh.numbers()), []);
	});

	test("do not pass on what the other could not verify", async () => {
		const lists = newLists();
		lists.offer(await bundleOf(agency, 2n), TEST_NOW);
		const onlyBanks = newLists({ agencies: [], banks: [bank.anchor] });
		assert.deepEqual(lists.newerThan(onlyBanks.numbers()), []);
	});

	test("say what they hold in one form", () => {
		const authority = new Uint8Array(32).fill(7);
		const number = 2n ** 64n - 1n;
		const encoded = encodeListNumbers([{ authority, number }]);
		assert.equal(hex(encoded), `00000028${"07".repeat(32)}${"ff".repeat(8)}`);
		assert.deepEqual(parseListNumbers(encoded), [{ authority, number }]);
		assert.deepEqual(parseListNumbers(NONE), []);
		assert.throws(
			() => parseListNumbers(concat(encoded, encoded)),
			refusal("malformed", /an authority comes twice/),
		);
		assert.throws(
			() => parseListNumbers(enc(new Uint8Array(39))),
			refusal("malformed", /wrong length/),
		);
		assert.throws(
			() => parseListNumbers(enc(...Array(1089).fill(NONE))),
			refusal("limit-exceeded", /too many/),
		);
		assert.throws(
			() => encodeListNumbers([{ authority, number: 2n ** 64n }]),
			refusal("invalid-argument", /64 bits/),
		);
	});
});

suite("a chain under the lists", () => {
	const withLimits = (untrustedLists: FreshnessLimits) =>
		new ChainVerdicts(nodeCrypto, { ...world.policy, untrustedLists });
	const judge = (verdicts: ChainVerdicts, now = TEST_NOW) =>
		verdicts.judge(shop.chain, "agent", now);

	test("is refused once its device is listed, though the verdict was remembered", async () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		const device = judge(verdicts);
		verdicts.lists.offer(await bundleOf(agency, 1n), TEST_NOW);
		assert.equal(judge(verdicts), device);
		assert.equal(verdicts.whyNotTrusted(device, TEST_NOW), undefined);
		verdicts.lists.offer(await bundleOf(agency, 2n, [shopLeaf]), TEST_NOW);
		const expected = refusal(
			"untrusted",
			/^the certificate of "shop" is on the untrusted list of "Test agency 1" since 2026-06-01T12:00:00\.000Z \(keyCompromise\)$/,
		);
		for (const _ of [1, 2]) assert.throws(() => judge(verdicts), expected);
		assert.equal(verdicts.whyNotTrusted(device, TEST_NOW)?.code, "untrusted");
		verdicts.lists.offer(await bundleOf(agency, 3n), TEST_NOW);
		assert.equal(judge(verdicts), device, "a newer list may take it back");
	});

	test("is refused when an intermediate on it is listed", async () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		const device = judge(verdicts);
		verdicts.lists.offer(
			await rootBundle(agency.root, 1n, [agencySub]),
			TEST_NOW,
		);
		assert.throws(
			() => judge(verdicts),
			refusal("untrusted", /"Test agency 1" is on .* list of "Test agency"/),
		);
		assert.equal(verdicts.whyNotTrusted(device, TEST_NOW)?.code, "untrusted");
	});

	test("is not judged by another authority's list, a bank's for agents say", async () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		const both = [shopLeaf, agencySub];
		verdicts.lists.offer(await bundleOf(bank, 1n, both), TEST_NOW);
		verdicts.lists.offer(await rootBundle(bank.root, 1n, both), TEST_NOW);
		verdicts.lists.offer(
			await rootBundle(agency.root, 1n, [shopLeaf]),
			TEST_NOW,
		);
		judge(verdicts);
	});

	test("is refused when its issuer asks for recertification, until it is renewed", async () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		judge(verdicts);
		const recertifyBefore = TEST_NOW - HOUR;
		verdicts.lists.offer(
			await bundleOf(agency, 1n, [], { recertifyBefore }),
			TEST_NOW,
		);
		assert.throws(
			() => judge(verdicts),
			refusal(
				"recertification-due",
				/^the certificate of "shop" is from before 2026-06-01T11:00:00\.000Z, and "Test agency 1" asks that all older ones be renewed$/,
			),
		);
		const { algorithm, publicKey } = generateSoftwareKey("P-256");
		const leaf = await issueDevice(nodeCrypto, {
			role: "agent",
			name: "shop",
			algorithm,
			publicKey,
			issuer: agency.issuer,
			notBefore: TEST_NOW - DAY,
			notAfter: TEST_NOW + DAY,
			recertifyBefore,
		});
		const renewed = encodeChain([leaf, agencySub]);
		const device = verdicts.judge(renewed, "agent", TEST_NOW);
		const old = validateChain(
			nodeCrypto,
			shop.chain,
			"agent",
			world.policy.agencies,
			TEST_NOW,
		);
		assert.deepEqual(device.deviceId, old.deviceId);
	});

	test("is refused without a list, or with one that is too old, where the policy demands one", async () => {
		const verdicts = withLimits({ maxAgeMs: 2 * HOUR });
		const missing = (who: string) =>
			refusal(
				"list-stale",
				new RegExp(`^this device holds no untrusted list of ${who}, and its`),
			);
		assert.throws(() => judge(verdicts), missing('"Test agency 1"'));
		verdicts.lists.offer(await bundleOf(agency, 1n), TEST_NOW);
		assert.throws(() => judge(verdicts), missing('"Test agency"'));
		verdicts.lists.offer(await rootBundle(agency.root, 1n), TEST_NOW);
		const device = judge(verdicts);
		judge(verdicts, TEST_NOW + 2 * HOUR);
		const late = TEST_NOW + 2 * HOUR + 1;
		const stale = refusal(
			"list-stale",
			/^the untrusted list of "Test agency 1" that this device holds is from 2026-06-01T12:00:00\.000Z, which is older than its policy allows/,
		);
		assert.throws(() => judge(verdicts, late), stale);
		assert.equal(verdicts.whyNotTrusted(device, late)?.code, "list-stale");
		const at = { thisUpdate: late, nextUpdate: late + DAY };
		verdicts.lists.offer(await bundleOf(agency, 2n, [], at), late);
		assert.throws(
			() => judge(verdicts, late),
			refusal("list-stale", /list of "Test agency" that this device holds/),
		);
		const patient = new ChainVerdicts(
			nodeCrypto,
			{
				...world.policy,
				untrustedLists: { maxAgeMs: 2 * HOUR, maxAgeOfIntermediatesMs: DAY },
			},
			verdicts.lists,
		);
		assert.equal(judge(patient, late).name, "shop");
		for (const maxAgeMs of [Number.NaN, -1])
			assert.throws(
				() =>
					judge(
						new ChainVerdicts(
							nodeCrypto,
							{ ...world.policy, untrustedLists: { maxAgeMs } },
							verdicts.lists,
						),
					),
				refusal("list-stale", /./),
			);
	});

	test("is judged by a list past its next update, however old, where the policy demands none", async () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		verdicts.lists.offer(await bundleOf(agency, 1n, [shopLeaf]), TEST_NOW);
		assert.throws(
			() => judge(verdicts, TEST_NOW + 30 * DAY),
			refusal("untrusted", /./),
		);
	});

	test("is not trusted any longer when it has expired", () => {
		const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
		const device = judge(verdicts);
		const why = verdicts.whyNotTrusted(device, TEST_NOW + 91 * DAY);
		assert.equal(why?.code, "chain-refused");
		assert.equal(
			verdicts.whyNotTrusted(device, Number.NaN)?.code,
			"invalid-argument",
		);
	});

	test("costs no signature and no lookup while nothing changes", async () => {
		let calls = 0;
		const crypto: typeof nodeCrypto = {
			...nodeCrypto,
			verify(...args) {
				calls++;
				return nodeCrypto.verify(...args);
			},
			sha256(...parts) {
				calls++;
				return nodeCrypto.sha256(...parts);
			},
		};
		const verdicts = new ChainVerdicts(crypto, {
			...world.policy,
			untrustedLists: { maxAgeMs: DAY },
		});
		verdicts.lists.offer(await bundleOf(agency, 1n), TEST_NOW);
		verdicts.lists.offer(await rootBundle(agency.root, 1n), TEST_NOW);
		judge(verdicts);
		const before = calls;
		for (let i = 0; i < 10; i++) judge(verdicts);
		assert.equal(calls - before, 10, "the hash of the chain, and nothing else");
	});
});
