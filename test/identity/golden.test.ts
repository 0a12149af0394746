/*
 * What is issued stays the same, bit by bit: keys, serial numbers and times are fixed, and so is
 * the SHA-256 of every certificate, request, renewal and list that comes of them.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	encodeChain,
	grantDevice,
	grantIntermediate,
	issueDevice,
	issueRoot,
	issueUntrustedList,
	makeAuthorityRequest,
	makeRenewal,
	makeRequest,
	parseRequest,
	UNTRUSTED_REASONS,
	type UntrustedEntry,
} from "../../src/identity/index.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";
import { fixedCrypto, fixedSigner } from "../support/fixed-crypto.ts";

/** By name of what is issued. */
type Golden = Readonly<Record<string, string>>;

const GOLDEN: Readonly<Record<SignatureAlgorithm, Golden>> = {
	"P-256": {
		bank: "f46fd31842bc4148cb6661ddf87f3cb94321e8a6baaff5b0f043e67a3d680258",
		agency: "b8e46354924191baaea85c12abb9d3e80ac14ee8cab60f2faefbe43c60cfa925",
		"request of an authority without levels":
			"f73c16cd7f8435255fd369380c159263e012ca19e24ca8d9577e055e8e1d268d",
		"request of an intermediate":
			"39817ffea4a6117fc0eb3585f703327dddf087674780c1fa81aceec15b15cb0d",
		intermediate:
			"8c7aa35f2a1d258c1ff72d6258bac3f3c2303332ab168e1b5c2a15f01b6956ae",
		"request of a module":
			"4aa540fb4cf601ad57cc695e2779444084e30b28b51b5641e5258e5c0dadae39",
		module: "44c9323d8ac6f2f4fd5d36e59006e6557915ea876402a073fe42bfa52a70f5a5",
		agent: "b0997f986186cd3f36eed9ad6b7ca248afc0ce61ef44f0888d07b66f67115a8d",
		"request of a new key":
			"3dc4a000f75fb8cc357f76724c431bf2fe0cba71fca018a0cf3c2b3bdba8670a",
		renewal: "83d5ffbfda4572e4b86b192e072570a081bd38c080a8a781f9f6ceda50ae40af",
		"empty list":
			"d59aac3cc77a5bc032956fb092630724cbf51122ef776d1ef34892194584bff6",
		"full list":
			"c811a5f9f40aa4cd7d1b9148b19ed357372bc0e5db985402feee585ae5847faf",
		"list of an intermediate":
			"ea6b005340e94c33fd18c67e738262e14b02a66ce8ec7fd661b6721938e6ae71",
		"short list":
			"9ce41a46236c00817473bf854c5ed9ce219495e3becc946da445341f0420293b",
		"long list":
			"27924efc2f446b88aac0b45e14106e446258776c201580d24fe9ec1be99a9271",
	},
	Ed25519: {
		bank: "5dfb705a7791a45815d26b6cd5345e55ffe53dd6e1c0fbf9fbd6f36ce69875c3",
		agency: "cc9d443ef0fdb4752a3476ecafd5b443410e498bbb8fc1ed82518acb8d1fae00",
		"request of an authority without levels":
			"d056b86113f0ead8bd7f54dbc4017f8831a99c219901ea5955e0a6ed19c29ce5",
		"request of an intermediate":
			"4c3269bd61454d2bcd0df4eeb6d72e85c39d83779c815228dee25e89e05f0f69",
		intermediate:
			"dd1b0df6eeffd671a3c83d92e3892e67e5f76341f00407381e326bbe6e8013cb",
		"request of a module":
			"d94274316022ea12e2c00f36ced477f936229c232142dd57ed209dced6b191c2",
		module: "9e9faafd6a66fb11245ce01b48ee58fb11d156b183a0cc23cee031ea36c1fc38",
		agent: "6b9f66b6ae26926cb2bf082b9b68a86f36cfc16cf3e3e6df9df3f860fdcf69b2",
		"request of a new key":
			"ad9b66e7721dd4be21b120ea377bfd84c09724e85af60e4e9e3a37e8c3b1036b",
		renewal: "e121cf535dd2dda3cb3863474f4cf340366e11de6a3d6ded8124fcbbe85d87ae",
		"empty list":
			"ef96f3aeb1709af33012f4882b7da99ae2a67359e5041fdae04be6dc655fa5c1",
		"full list":
			"577b572f2a22ca8587d8e8d279caa460436d5de86791f0ae89a4171f0d0e4e17",
		"list of an intermediate":
			"dcd660b124db6ee364aa070f37d4d6c3d8ccd56b9c8d4668ce463ff31704a01a",
		"short list":
			"19f50c7bbcc2647f05d7b321d7eb175b6a4270c759ea751be7e0ed8b8d6202f6",
		"long list":
			"2436d25d25131b0d256e869d5c81d87959bc7f92c1209ee630c16a316cad4ee2",
	},
};

/** From here on times have four digits for the year (RFC 5280, 4.1.2.5). */
const YEAR_2050: number = Date.UTC(2050, 0, 1);

/** Each reason once and none at all, serial numbers of each length, and times of both forms. */
const ENTRIES: readonly UntrustedEntry[] = Array.from(
	{ length: 40 },
	(_, i) => ({
		serial: nodeCrypto
			.sha256(Uint8Array.of(i))
			.subarray(0, 1 + (i % 20))
			.map((byte, at) => (at === 0 ? byte | 1 : byte)),
		instant: i % 7 === 6 ? YEAR_2050 + i * DAY : TEST_NOW - i * DAY,
		reason:
			i % 10 === 9
				? undefined
				: UNTRUSTED_REASONS[i % UNTRUSTED_REASONS.length],
	}),
);

async function issueAll(
	algorithm: SignatureAlgorithm,
): Promise<Record<string, Uint8Array>> {
	const crypto = fixedCrypto(`what is issued ${algorithm}`);
	const keyOf = (name: string) => fixedSigner(algorithm, name);
	const validity = {
		notBefore: TEST_NOW - 10 * DAY,
		notAfter: TEST_NOW + 10 * DAY,
	};
	const bank = {
		signer: keyOf("bank"),
		certificate: await issueRoot(crypto, {
			kind: "bank",
			name: "Bank of (all) ~ tests",
			signer: keyOf("bank"),
			attests: ["tpm", "token"],
			pathLength: 3,
			notBefore: TEST_NOW - 20 * DAY + 999,
			notAfter: YEAR_2050 + 20 * DAY,
		}),
	};
	const agency = {
		signer: keyOf("agency"),
		certificate: await issueRoot(crypto, {
			kind: "agency",
			name: "Agency",
			signer: keyOf("agency"),
			...validity,
		}),
	};
	const intermediateRequest = await makeAuthorityRequest(crypto, {
		kind: "bank",
		name: "Bank 1",
		signer: keyOf("intermediate"),
		attests: ["token", "software"],
	});
	const intermediate = {
		signer: keyOf("intermediate"),
		certificate: await grantIntermediate(
			crypto,
			parseRequest(crypto, intermediateRequest),
			{ issuer: bank, attests: ["token"], ...validity },
		),
	};
	const request = await makeRequest(crypto, {
		role: "module",
		name: "purse.example",
		signer: keyOf("purse"),
		tamperResistance: "token",
	});
	const module = await grantDevice(crypto, parseRequest(crypto, request), {
		issuer: intermediate,
		tamperResistance: "token",
		...validity,
	});
	const other: SignatureAlgorithm = algorithm === "P-256" ? "Ed25519" : "P-256";
	const newKey = fixedSigner(other, "agent");
	const { publicKey } = newKey;
	const agent = await issueDevice(crypto, {
		role: "agent",
		name: "a",
		algorithm: other,
		publicKey,
		issuer: agency,
		recertifyBefore: validity.notBefore + DAY,
		...validity,
	});
	const newRequest = await makeRequest(crypto, {
		role: "module",
		name: "purse.example",
		signer: newKey,
	});
	const renewal = await makeRenewal(crypto, {
		request: newRequest,
		chain: encodeChain([module, intermediate.certificate]),
		signer: keyOf("purse"),
		now: TEST_NOW,
	});
	const update = { thisUpdate: TEST_NOW, nextUpdate: TEST_NOW + 7 * DAY };
	return {
		bank: bank.certificate,
		agency: agency.certificate,
		"request of an authority without levels": await makeAuthorityRequest(
			crypto,
			{ kind: "agency", name: "x".repeat(64), signer: keyOf("agency") },
		),
		"request of an intermediate": intermediateRequest,
		intermediate: intermediate.certificate,
		"request of a module": request,
		module,
		agent,
		"request of a new key": newRequest,
		renewal,
		"empty list": await issueUntrustedList(crypto, {
			issuer: agency,
			number: 1n,
			entries: [],
			...update,
		}),
		"full list": await issueUntrustedList(crypto, {
			issuer: bank,
			number: 2n ** 64n - 1n,
			entries: ENTRIES,
			recertifyBefore: TEST_NOW - DAY,
			thisUpdate: YEAR_2050 - DAY,
			nextUpdate: YEAR_2050 + DAY,
		}),
		"list of an intermediate": await issueUntrustedList(crypto, {
			issuer: intermediate,
			number: 128n,
			entries: ENTRIES.slice(0, 1),
			...update,
		}),
		"short list": await issueUntrustedList(crypto, {
			issuer: bank,
			number: 127n,
			entries: Array.from({ length: 6 }, (_, i) => ({
				serial: Uint8Array.of(i + 1),
				instant: TEST_NOW,
				reason: undefined,
			})),
			...update,
		}),
		"long list": await issueUntrustedList(crypto, {
			issuer: bank,
			number: 65_536n,
			entries: Array.from({ length: 4000 }, (_, i) => ({
				serial: Uint8Array.of(1, i >> 8, i & 0xff),
				instant: TEST_NOW,
				reason: "keyCompromise",
			})),
			...update,
		}),
	};
}

suite("what is issued is the same bytes", () => {
	for (const algorithm of ["P-256", "Ed25519"] as const)
		test(algorithm, async () => {
			const issued = Object.entries(await issueAll(algorithm)).map(
				([name, der]) => [name, hex(nodeCrypto.sha256(der))] as const,
			);
			assert.deepEqual(Object.fromEntries(issued), GOLDEN[algorithm]);
		});
});
