import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	type Signer,
} from "../../src/identity/index.ts";
import {
	AuthenticatedDevice,
	authenticate,
	type SignatureRole,
	signedBytes,
} from "../../src/session/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";

const ROLES = [
	...(["A", "B", "X", "Y", "LA", "LM", "PA", "PM", "RC"] as const),
	...([
		"NO",
		"TR",
		"RE",
		"OW",
		"OV",
		"OC",
		"OE",
		"LI",
		"AP",
		"SC",
		"CO",
	] as const),
] as const;

describe("the signed bytes", () => {
	const fields = [Uint8Array.of(0xaa, 0xbb), Uint8Array.of(0xcc)];
	/** "tetrad/1 ", the role, a zero byte, and each field after its 32-bit length. */
	const golden: Record<SignatureRole, string> = {
		A: "7465747261642f3120 41 00 00000002 aabb 00000001 cc",
		B: "7465747261642f3120 42 00 00000002 aabb 00000001 cc",
		X: "7465747261642f3120 58 00 00000002 aabb 00000001 cc",
		Y: "7465747261642f3120 59 00 00000002 aabb 00000001 cc",
		LA: "7465747261642f3120 4c41 00 00000002 aabb 00000001 cc",
		LM: "7465747261642f3120 4c4d 00 00000002 aabb 00000001 cc",
		PA: "7465747261642f3120 5041 00 00000002 aabb 00000001 cc",
		PM: "7465747261642f3120 504d 00 00000002 aabb 00000001 cc",
		RC: "7465747261642f3120 5243 00 00000002 aabb 00000001 cc",
		NO: "7465747261642f3120 4e4f 00 00000002 aabb 00000001 cc",
		TR: "7465747261642f3120 5452 00 00000002 aabb 00000001 cc",
		RE: "7465747261642f3120 5245 00 00000002 aabb 00000001 cc",
		OW: "7465747261642f3120 4f57 00 00000002 aabb 00000001 cc",
		OV: "7465747261642f3120 4f56 00 00000002 aabb 00000001 cc",
		OC: "7465747261642f3120 4f43 00 00000002 aabb 00000001 cc",
		OE: "7465747261642f3120 4f45 00 00000002 aabb 00000001 cc",
		LI: "7465747261642f3120 4c49 00 00000002 aabb 00000001 cc",
		AP: "7465747261642f3120 4150 00 00000002 aabb 00000001 cc",
		SC: "7465747261642f3120 5343 00 00000002 aabb 00000001 cc",
		CO: "7465747261642f3120 434f 00 00000002 aabb 00000001 cc",
	};
	for (const role of ROLES)
		test(`of role ${role} are exactly these`, () => {
			assert.equal(
				hex(signedBytes(role, ...fields)),
				golden[role].replaceAll(" ", ""),
			);
		});

	test("of no fields are the label alone", () => {
		assert.equal(hex(signedBytes("A")), "7465747261642f31204100");
	});

	test("of two roles or of two splits of the same bytes are never the same, nor one the beginning of another", () => {
		const all = [
			...ROLES.map((role) => hex(signedBytes(role, ...fields))),
			hex(signedBytes("A", Uint8Array.of(0xaa), Uint8Array.of(0xbb, 0xcc))),
			hex(signedBytes("A", Uint8Array.of(0xaa, 0xbb, 0xcc))),
			hex(signedBytes("A", ...fields, new Uint8Array())),
		];
		assert.equal(new Set(all).size, all.length);
		const roles = ROLES.map((role) => hex(signedBytes(role)));
		for (const one of roles)
			for (const other of roles)
				if (one !== other) assert.ok(!other.startsWith(one));
	});
});

for (const algorithm of ["P-256", "Ed25519"] as const)
	describe(`authentication with ${algorithm}`, () => {
		const hash = nodeCrypto.random(32);
		let device: CertifiedDevice;
		let stranger: CertifiedDevice;
		let signer: Signer;

		before(async () => {
			const world = await makeWorld({ algorithm });
			const verdicts = new ChainVerdicts(nodeCrypto, world.policy);
			const [alice, bob] = [
				await world.agent("alice"),
				await world.agent("bob"),
			];
			device = verdicts.judge(alice.chain, "agent", world.now);
			stranger = verdicts.judge(bob.chain, "agent", world.now);
			signer = alice.signer;
		});

		test("accepts a signature for its own role and for no other", async () => {
			for (const signed of ROLES) {
				const signature = await signer.sign(
					signedBytes(signed, hash, device.chainHash),
				);
				for (const role of ROLES) {
					const check = () =>
						authenticate(
							nodeCrypto,
							device,
							signature,
							role,
							hash,
							device.chainHash,
						);
					if (role === signed) {
						const proof = check();
						assert.equal(proof.device, device);
						assert.equal(proof.role, role);
					} else assert.throws(check, { code: "authentication-failed" });
				}
			}
		});

		test("fails with one and the same error whatever was wrong", async () => {
			const signature = await signer.sign(
				signedBytes("A", hash, device.chainHash),
			);
			const flipped = signature.slice();
			flipped[10] = (flipped[10] as number) ^ 1;
			const check = (
				signature: Uint8Array,
				role: SignatureRole = "A",
				of = device,
				...fields: Uint8Array[]
			) =>
				authenticate(
					nodeCrypto,
					of,
					signature,
					role,
					...(fields.length > 0 ? fields : [hash, device.chainHash]),
				);
			const wrong: Record<string, () => unknown> = {
				"a bit flipped": () => check(flipped),
				"a byte short": () => check(signature.subarray(1)),
				"a byte too many": () =>
					check(Buffer.concat([signature, Uint8Array.of(0)])),
				empty: () => check(new Uint8Array()),
				"all zero": () => check(new Uint8Array(64)),
				"another role": () => check(signature, "LA"),
				"another key": () => check(signature, "A", stranger),
				"another hash": () =>
					check(signature, "A", device, utf8("x"), device.chainHash),
				"a field too few": () => check(signature, "A", device, hash),
				"a field too many": () =>
					check(signature, "A", device, hash, device.chainHash, hash),
			};
			const seen = new Set<string>();
			for (const [what, run] of Object.entries(wrong))
				assert.throws(
					run,
					(error: Error & { code?: string; cause?: unknown }) => {
						assert.equal(error.code, "authentication-failed", what);
						assert.equal(error.cause, undefined);
						seen.add(error.message);
						return true;
					},
				);
			assert.equal(seen.size, 1);
		});

		test("is the only way to a proof", () => {
			const forge = AuthenticatedDevice as unknown as new (
				...args: unknown[]
			) => AuthenticatedDevice;
			assert.throws(() => new forge(Symbol(), device, "A"), {
				code: "authentication-failed",
			});
		});
	});
