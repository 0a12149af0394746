import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	certificateId,
	deviceId,
	encodeChain,
	issueDevice,
	parseChain,
	parseTrustAnchor,
	type Signer,
} from "../../src/identity/index.ts";
import type { SignatureRole } from "../../src/session/index.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { concat, copy, hex, utf8 } from "../../src/wire/index.ts";
import {
	EXTENSIONS,
	extension,
	type Forged,
	forgeIntermediate,
	forgeLeaf,
	forgeRoot,
} from "../identity/forge.ts";
import {
	assertNothing,
	Cast,
	type Devices,
	ROUTINGS,
	Run,
	withKeylog,
} from "../support/attack.ts";
import { DAY } from "../support/authority.ts";
import { fixedRun } from "../support/fixed-run.ts";
import type { Device } from "../support/four-devices.ts";

const cast = await Cast.make();
const four = await cast.four();
const eve = await cast.agent("eve");
const evePurse = await cast.module("eve-purse");

const isAgent = (place: Place) => place === "A" || place === "B";

/** Signs something else than it was asked to. */
function misusing(
	device: Device,
	change: (content: Uint8Array) => Uint8Array,
): Device {
	const { signer } = device;
	const misused: Signer = {
		algorithm: signer.algorithm,
		publicKey: signer.publicKey,
		sign: (content) => signer.sign(change(content)),
	};
	return { ...device, signer: misused };
}

describe("a signature is offered in another place than it was made for", () => {
	const roles: SignatureRole[] = ["A", "B", "X", "Y", "LA", "LM", "PA", "PM"];
	for (const place of PLACES)
		for (const role of roles) {
			if (role === place) continue;
			test(`one for ${role}, in ${place}`, async () => {
				const device = misusing(four[place], (content) =>
					concat(utf8(`tetrad/1 ${role}\0`), content.subarray(11)),
				);
				for (const routing of ROUTINGS) {
					const devices = { ...four, [place]: device };
					const run = await Run.of(devices, cast.now, { routing }).establish();
					const judge = { A: "B", B: "A", X: "Y", Y: "X" } as const;
					assert.equal(run.outcomes[judge[place]], "authentication-failed");
					assertNothing(run);
				}
			});
		}

	for (const place of PLACES)
		test(`one of an earlier run, in ${place}`, async () => {
			for (const routing of ROUTINGS) {
				const earlier: Uint8Array[] = [];
				const recording = misusing(four[place], (content) => {
					earlier.push(copy(content));
					return content;
				});
				const before = { ...four, [place]: recording };
				await Run.of(before, cast.now, { routing }).establish();
				const replaying = misusing(four[place], () => earlier[0] as Uint8Array);
				const devices = { ...four, [place]: replaying };
				const run = await Run.of(devices, cast.now, { routing }).establish();
				assertNothing(run);
			}
		});

	test("one of the other layer: h_i where h_o belongs", async () => {
		for (const place of ["X", "Y"] as const) {
			const swap = misusing(four[place], (content) => {
				const changed = copy(content);
				// Behind the role: a length and h_o, a length and h_i.
				changed.set(content.subarray(15 + 36, 15 + 68), 15);
				changed.set(content.subarray(15, 15 + 32), 15 + 36);
				return changed;
			});
			const devices = { ...four, [place]: swap };
			const run = await Run.of(devices, cast.now).establish();
			assertNothing(run);
		}
	});

	test("one for the same key under another certificate", async () => {
		for (const place of PLACES) {
			const renewed = await renew(four[place]);
			const oldHash = four[place].context.own.chainHash;
			const newHash = renewed.context.own.chainHash;
			assert.notDeepEqual(oldHash, newHash);
			assert.deepEqual(
				four[place].context.own.deviceId,
				renewed.context.own.deviceId,
			);
			const honest = { ...four, [place]: renewed };
			const control = await Run.of(honest, cast.now).establish();
			assert.equal(control.confirmed, "ABXY");
			const device = misusing(renewed, (content) =>
				exchanging(content, newHash, oldHash),
			);
			const run = Run.of({ ...four, [place]: device }, cast.now);
			await run.establish();
			assertNothing(run);
		}
	});

	test("one that names another device of the other side", async () => {
		for (const routing of ROUTINGS)
			for (const [place, peer, other] of [
				["A", "B", eve],
				["X", "Y", evePurse],
			] as const) {
				const meant = four[peer].context.own.chainHash;
				const device = misusing(four[place], (content) =>
					exchanging(content, meant, other.context.own.chainHash),
				);
				const devices = { ...four, [place]: device };
				const run = await Run.of(devices, cast.now, { routing }).establish();
				assert.equal(run.outcomes[peer], "authentication-failed");
				assertNothing(run);
			}
	});

	test("one that names an earlier certificate of the other side", async () => {
		for (const [place, peer] of [
			["A", "B"],
			["X", "Y"],
		] as const) {
			const renewed = await renew(four[peer]);
			const newHash = renewed.context.own.chainHash;
			const device = misusing(four[place], (content) =>
				exchanging(content, newHash, four[peer].context.own.chainHash),
			);
			const devices = { ...four, [peer]: renewed, [place]: device };
			const run = await Run.of(devices, cast.now).establish();
			assert.equal(run.outcomes[peer], "authentication-failed");
			assertNothing(run);
		}
	});

	/** The signed bytes with one hash in the place of another one that is there. */
	function exchanging(
		content: Uint8Array,
		there: Uint8Array,
		instead: Uint8Array,
	): Uint8Array {
		const at = hex(content).indexOf(hex(there)) / 2;
		assert.ok(Number.isInteger(at) && at > 0, "it was signed");
		const changed = copy(content);
		changed.set(instead, at);
		return changed;
	}

	/** Another certificate for the same key and name. */
	async function renew(device: Device): Promise<Device> {
		const { role, name, algorithm, publicKey } = device.context.own;
		const authority = role === "agent" ? cast.world.agency : cast.world.bank;
		const leaf = await issueDevice(nodeCrypto, {
			...{ role, name, algorithm, publicKey },
			issuer: authority.issuer,
			notBefore: cast.now - DAY,
			notAfter: cast.now + 2 * DAY,
		});
		const { signer } = device;
		return cast.device(role, { signer, chain: encodeChain([leaf]) });
	}
});

test("a chain that is written over after it was judged stays what it was", async () => {
	const { certificates } = await cast.world.agent("alice");
	const [mine, other] = [encodeChain(certificates), eve.context.own];
	for (const make of [
		(bytes: Uint8Array) => copy(bytes),
		(bytes: Uint8Array) => Buffer.from(bytes),
	]) {
		const verdicts = new ChainVerdicts(nodeCrypto, cast.policy);
		const given = make(mine);
		const judged = verdicts.judge(given, "agent", cast.now);
		const key = hex(judged.publicKey);
		given.set(other.encodedChain.subarray(0, given.length));
		assert.equal(hex(judged.publicKey), key);
		assert.equal(hex(judged.encodedChain), hex(mine));
		assert.equal(hex(verdicts.judge(mine, "agent", cast.now).publicKey), key);
	}
});

describe("what a device signs is pinned", () => {
	/** SHA-256 of the signed bytes of one fixed run. */
	const EXPECTED: Readonly<Record<string, string>> = {
		"direct B":
			"d45e82c5f61c7d924c554e4e6cbac1bcc85fa220fb19b2c4efcad0a99e881d1e",
		"direct Y":
			"0131a46ce6d142858786280f6e4fc6ba632d6b2a65a1a5d1a9b6b1e4724a7953",
		"direct A":
			"b058b341bd5f4393b937e250b51250efb0f0a74ca04074d43223ef526bb48159",
		"direct X":
			"5476d8b6df4a696e9f6d5120c97cb5ccda50fdaaa3cd4eafe42e8b09008e139f",
		"crossed B":
			"34a5826c101e41888ed19b12a38a5e19cca33a34d69c3e03ac59c04476e0ab9f",
		"crossed Y":
			"2ed512d4c43172b0ccd82e8e00ad69d9de29b24a1396d2a1798d335cf1ebaade",
		"crossed A":
			"d508afc3722823108741d6a70e43ffe066458c3896aac913b3cfb4b0b84787fe",
		"crossed X":
			"666ee74000ebe0fb9bf0a183d81051f8d142b8d26537101172038ffc7791db53",
	};
	for (const routing of ROUTINGS)
		test(`byte for byte, against a golden vector (${routing})`, async () => {
			const run = await fixedRun({
				seed: "golden signatures",
				routing,
				root: "transcript",
				suite: "classical-aesgcm",
				link: "unsafe-open",
				withIntermediate: false,
			});
			const u32 = (n: number) => Uint8Array.of(0, 0, n >> 8, n & 0xff);
			const { session1, session2 } = run.derived;
			const { A, B, X, Y } = run.devices;
			const fieldsOf: Readonly<Record<Place, readonly Uint8Array[]>> = {
				A: [session1.h, A.chainHash, B.chainHash],
				B: [session1.h, B.chainHash],
				X: [session1.h, session2.h, A.deviceId, X.chainHash, Y.chainHash],
				Y: [session1.h, session2.h, B.deviceId, Y.chainHash],
			};
			assert.equal(run.signatures.length, 4);
			for (const { place, role, content } of run.signatures) {
				const fields = fieldsOf[place];
				const parts = fields.flatMap((field) => [u32(field.length), field]);
				const expected = concat(
					utf8("tetrad/1 "),
					utf8(role),
					Uint8Array.of(0),
					...parts,
				);
				assert.equal(role, place);
				assert.equal(hex(content), hex(expected), place);
				const digest = hex(nodeCrypto.sha256(content));
				assert.equal(digest, EXPECTED[`${routing} ${place}`], place);
			}
		});
});

describe("a certificate is used for the other role", () => {
	for (const routing of ROUTINGS)
		for (const place of PLACES)
			test(`in ${place} (${routing})`, async () => {
				const wrong = isAgent(place) ? evePurse : eve;
				const device = {
					...four[place],
					signer: wrong.signer,
					context: { ...four[place].context, own: wrong.context.own },
				};
				const sides = {
					A: { AX: { modulePairedWith: wrong } },
					X: { AX: { agentPairedWith: wrong } },
					B: { BY: { modulePairedWith: wrong } },
					Y: { BY: { agentPairedWith: wrong } },
				};
				const run = Run.of({ ...four, [place]: device }, cast.now, {
					routing,
					...sides[place],
				});
				await run.establish();
				const judge = { A: "X", X: "A", B: "Y", Y: "X" } as const;
				assert.equal(run.outcomes[judge[place]], "chain-refused");
				assertNothing(run);
			});
});

// Chains that must be refused. Everybody but one device is corrupt and takes them.

const agency = await forgeRoot("agency");
const bank = await forgeRoot("bank");
const otherAgency = await forgeRoot("agency");
const otherBank = await forgeRoot("bank");
const forgedPolicy = {
	agencies: [parseTrustAnchor(nodeCrypto, agency.der)],
	banks: [parseTrustAnchor(nodeCrypto, bank.der)],
};

interface Bad {
	readonly chain: readonly Uint8Array[];
	readonly key: Signer;
}

/** Every way in which a chain can be bad, for a device of that role. */
const BAD_CHAINS: Readonly<
	Record<string, (role: "agent" | "module", name: string) => Promise<Bad>>
> = {
	"has expired": (role, name) => bad(role, { name, notAfter: cast.now - 1000 }),
	"is not valid yet": (role, name) =>
		bad(role, { name, notBefore: cast.now + 1000 }),
	"comes from another root of the same name": async (role, name) => {
		const root = role === "agent" ? otherAgency : otherBank;
		return one(await forgeLeaf(root, { name, extensions: leafOf(role) }));
	},
	"is for both roles": (role, name) =>
		bad(role, {
			name,
			extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent", "module")],
		}),
	"is for the other role": (role, name) =>
		bad(role, {
			name,
			extensions: leafOf(role === "agent" ? "module" : "agent"),
		}),
	"has a critical extension that nobody knows": (role, name) =>
		bad(role, {
			name,
			extensions: [
				...leafOf(role),
				extension("1.3.6.1.4.1.32473.1", true, Uint8Array.of(5, 0)),
			],
		}),
	"is an authority's": (role, name) =>
		bad(role, {
			name,
			extensions: [...leafOf(role), EXTENSIONS.authority()],
		}),
	"was issued by a device": async (role, name) => {
		const issuer = await forgeLeaf(rootOf(role), {
			name: `${name}.boss`,
			extensions: leafOf(role),
		});
		const leaf = await forgeLeaf(issuer, { name, extensions: leafOf(role) });
		return { chain: [leaf.der, issuer.der], key: leaf.key };
	},
	"goes round in circles": async (role, name) => {
		const extensions = [
			EXTENSIONS.authority(),
			EXTENSIONS.certifies,
			EXTENSIONS.roles(role),
		];
		const down = { name: "down", extensions };
		const up = { name: "up", extensions };
		const first = await forgeIntermediate(rootOf(role), down);
		const second = await forgeIntermediate(first, up);
		const again = await forgeIntermediate(second, down, first.key);
		const leaf = await forgeLeaf(again, { name, extensions: leafOf(role) });
		const chain = [leaf.der, again.der, second.der, first.der];
		return { chain, key: leaf.key };
	},
	"has the root in it": async (role, name) => {
		const leaf = await forgeLeaf(rootOf(role), {
			name,
			extensions: leafOf(role),
		});
		return { chain: [leaf.der, rootOf(role).der], key: leaf.key };
	},
	"was signed by somebody else": async (role, name) => {
		const { key } = await forgeLeaf(rootOf(role), { name: "x" });
		const thief = { ...rootOf(role), key };
		return one(await forgeLeaf(thief, { name, extensions: leafOf(role) }));
	},
};

function rootOf(role: "agent" | "module"): Forged {
	return role === "agent" ? agency : bank;
}

function leafOf(role: "agent" | "module"): Uint8Array[] {
	return [EXTENSIONS.signs, EXTENSIONS.roles(role)];
}

function one(leaf: Forged): Bad {
	return { chain: [leaf.der], key: leaf.key };
}

async function bad(
	role: "agent" | "module",
	change: Parameters<typeof forgeLeaf>[1],
): Promise<Bad> {
	const extensions = leafOf(role);
	return one(await forgeLeaf(rootOf(role), { extensions, ...change }));
}

describe("a device presents a chain that", () => {
	/** As if the chain had been accepted; a corrupt device believes what it likes. */
	const pretend = (
		{ chain, key }: Bad,
		role: "agent" | "module",
		name: string,
	): CertifiedDevice => {
		const encodedChain = encodeChain(chain);
		const anchor = forgedPolicy[role === "agent" ? "agencies" : "banks"][0];
		const own = {
			...{ role, name, encodedChain },
			deviceId: deviceId(nodeCrypto, anchor?.certificate.spki as never, name),
			certificateId: certificateId(
				nodeCrypto,
				parseChain(encodedChain)[0] as Uint8Array,
			),
			chainHash: nodeCrypto.sha256(encodedChain),
			algorithm: key.algorithm,
			publicKey: key.publicKey,
		};
		return own as CertifiedDevice;
	};

	for (const [what, make] of Object.entries(BAD_CHAINS))
		test(what, async () => {
			for (const place of PLACES) {
				const devices = await honest();
				const role = isAgent(place) ? "agent" : "module";
				const { name } = devices[place].context.own;
				const made = await make(role, name);
				const own = pretend(made, role, name);
				for (const judge of PLACES) {
					if (judge === place) continue;
					const cornered = { ...devices };
					for (const other of PLACES)
						if (other !== judge)
							cornered[other] = gullible(devices[other], own);
					cornered[place] = withKeylog(
						{ ...devices[place], signer: made.key },
						{ ...gullible(devices[place], own).context, own },
					);
					const run = Run.of(cornered as Devices, cast.now);
					await run.establish();
					const error = run.error(judge);
					assert.equal(
						error?.code,
						"chain-refused",
						`${judge} judges ${place}: ${run.error(place)?.message}`,
					);
					assert.ok(
						!error.message.startsWith("the other device of this side"),
						`${judge} judges for itself`,
					);
					assertNothing(run);
				}
			}
		});

	test("is in order is accepted", async () => {
		const run = await Run.of(await honest(), cast.now).establish();
		assert.equal(run.confirmed, "ABXY");
	});

	/** Takes `known` for certified, whatever it is. */
	function gullible(device: Device, known: CertifiedDevice): Device {
		const { verdicts } = device.context;
		const judge = (chain: Uint8Array, role: "agent" | "module", now: number) =>
			hex(chain) === hex(known.encodedChain)
				? known
				: verdicts.judge(chain, role, now);
		return withKeylog(device, {
			verdicts: {
				judge,
				judgeNamed: (
					_: Uint8Array,
					...rest: Parameters<typeof judge>
				): CertifiedDevice => judge(...rest),
			} as unknown as typeof verdicts,
		});
	}

	async function honest(): Promise<Record<Place, Device>> {
		const device = async (place: Place) => {
			const role = isAgent(place) ? "agent" : "module";
			const { chain, key } = await bad(role, {
				name: four[place].context.own.name,
			});
			return cast.device(
				role,
				{ chain: encodeChain(chain), signer: key },
				forgedPolicy,
			);
		};
		return {
			A: await device("A"),
			B: await device("B"),
			X: await device("X"),
			Y: await device("Y"),
		};
	}
});
