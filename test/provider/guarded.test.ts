import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Sodium } from "../../src/crypto/index.ts";
import type { GuardedSecret as Guarded } from "../../src/provider/guarded.ts";

/** As it is in a process that has made no secret: how many there may be is counted, and tests beside this one hold some. */
const ALONE = "../../src/provider/guarded.ts?alone";
const { GuardedSecret, guardedSecrets, MAX_GUARDED_SECRETS } = (await import(
	ALONE
)) as typeof import("../../src/provider/guarded.ts");

/** Memory of the engine in the place of libsodium's, which says what may be done with it: what a read against that would do to this process no test can survive. */
class TellingMemory {
	readonly said: string[] = [];
	readonly given: Uint8Array[] = [];
	readonly #sodium: Partial<Sodium> = {
		sodium_malloc: (bytes) => {
			const memory = new Uint8Array(bytes);
			this.given.push(memory);
			return memory;
		},
		sodium_free: () => this.said.push("free"),
		sodium_mprotect_noaccess: () => this.said.push("noaccess"),
		sodium_mprotect_readonly: () => this.said.push("readonly"),
		sodium_mprotect_readwrite: () => this.said.push("readwrite"),
	};

	get sodium(): Sodium {
		return this.#sodium as Sodium;
	}
}

const make = (memory: TellingMemory, byte = 7) =>
	GuardedSecret.make(memory.sodium, 32, (bytes) => bytes.fill(byte));

suite("a guarded secret", () => {
	test("can be read while it is lent and at no other time", () => {
		const memory = new TellingMemory();
		const secret = make(memory);
		assert.deepEqual(memory.said, ["noaccess"]);
		const seen = secret?.read((bytes) => {
			assert.equal(memory.said.at(-1), "readonly");
			return Uint8Array.from(bytes);
		});
		assert.deepEqual(seen, new Uint8Array(32).fill(7));
		assert.deepEqual(memory.said, ["noaccess", "readonly", "noaccess"]);
		assert.throws(() =>
			secret?.read(() => {
				throw new Error("while it is lent");
			}),
		);
		assert.equal(memory.said.at(-1), "noaccess");
		secret?.wipe();
	});

	test("that is lent again while it is lent stays readable until the last has given it back", () => {
		const memory = new TellingMemory();
		const secret = make(memory);
		secret?.read(() => {
			assert.equal(
				secret.read(([byte]) => byte),
				7,
			);
			assert.throws(() =>
				secret.read(() => {
					throw new Error("while it is lent twice");
				}),
			);
			assert.equal(memory.said.at(-1), "readonly");
		});
		assert.equal(memory.said.at(-1), "noaccess");
		secret?.wipe();
	});

	test("that is wiped while it is lent is not touched again", () => {
		const memory = new TellingMemory();
		const secret = make(memory);
		secret?.read(() => secret.wipe());
		assert.equal(memory.said.at(-1), "free");
	});

	test("is none of no bytes, of which the library has no page to protect", () => {
		const before = guardedSecrets();
		const memory = new TellingMemory();
		const empty = GuardedSecret.make(memory.sodium, 0, () => {});
		assert.equal(empty, undefined);
		assert.deepEqual(memory.said, []);
		assert.equal(guardedSecrets(), before);
	});

	test("is overwritten before its memory is given back, once, and is not there any more", () => {
		const before = guardedSecrets();
		const memory = new TellingMemory();
		const secret = make(memory);
		assert.equal(guardedSecrets(), before + 1);
		secret?.wipe();
		assert.deepEqual(memory.said.slice(-2), ["readwrite", "free"]);
		assert.deepEqual(memory.given, [new Uint8Array(32)]);
		secret?.wipe();
		assert.equal(memory.said.filter((what) => what === "free").length, 1);
		assert.equal(guardedSecrets(), before);
		assert.equal(
			secret?.read(() => assert.fail()),
			undefined,
		);
	});

	test("is none where it cannot be filled", () => {
		const before = guardedSecrets();
		const memory = new TellingMemory();
		assert.throws(() =>
			GuardedSecret.make(memory.sodium, 32, (bytes) => {
				bytes.fill(7);
				throw new Error("half of it");
			}),
		);
		assert.deepEqual(memory.given, [new Uint8Array(32)]);
		assert.equal(guardedSecrets(), before);
	});

	test("is none beyond the limit, until another is given back", () => {
		const memory = new TellingMemory();
		const held: Guarded[] = [];
		for (let secret = make(memory); secret; secret = make(memory))
			held.push(secret);
		assert.equal(guardedSecrets(), MAX_GUARDED_SECRETS);
		held.pop()?.wipe();
		const another = make(memory);
		assert.ok(another);
		for (const secret of [another, ...held]) secret.wipe();
	});
});
