/* What every key store does, wherever it keeps its keys. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { inspect, promisify } from "node:util";
import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	besideKey,
	createKey,
	type KeyAccess,
	type KeyLocation,
	type KeyStore,
	openKey,
	openKeyStore,
	removeKey,
	secretFromFile,
} from "../../src/keys/index.ts";
import { eventually } from "../support/tokens.ts";

const run = promisify(execFile);
const ROOM = new URL("../../src/keys/index.ts", import.meta.url).href;
const MESSAGE = Uint8Array.of(1, 2, 3);

export interface StoreUnderTest extends AsyncDisposable {
	/** Another instance of the same store. */
	open(): Promise<KeyStore>;
	/** A location in the store. */
	readonly location: KeyLocation;
	readonly folder: string;
	/** The file with the passphrase, for stores that have one. */
	readonly passphraseFile?: string;
}

interface Contract {
	readonly algorithms: readonly SignatureAlgorithm[];
	readonly make: () => Promise<StoreUnderTest>;
	readonly skip?: string | false;
}

export function keyStoreContract(
	name: string,
	{ algorithms, make, skip = false }: Contract,
): void {
	describe(`${name} key store`, { skip }, () => {
		let under: StoreUnderTest;
		let access: KeyAccess;
		let another: KeyStore;
		before(async () => {
			under = await make();
			access = accessOf(under);
			// Stores in one process share a token's library; loading it anew for each test takes long.
			another = await under.open();
		});
		after(async () => {
			await another[Symbol.asyncDispose]();
			await under[Symbol.asyncDispose]();
		});
		for (const algorithm of algorithms)
			describe(algorithm, () => keyContract(() => under, algorithm));
		describe("names", () =>
			nameContract(() => under, algorithms[0] ?? "P-256"));
		describe("the end", () =>
			endContract(() => under, algorithms[0] ?? "P-256"));
		describe("locations", () =>
			locationContract(() => [under, access], algorithms[0] ?? "P-256"));
	});
}

let names = 0;
const fresh = () => `key-${names++}`;

function accessOf({ folder, passphraseFile }: StoreUnderTest): KeyAccess {
	return {
		folder,
		...(passphraseFile === undefined
			? {}
			: { passphrase: secretFromFile(passphraseFile) }),
	};
}

const failing = { code: "key-store-failed" };
const invalid = { code: "invalid-argument" };
const aborted = { code: "aborted" };

function keyContract(
	under: () => StoreUnderTest,
	algorithm: SignatureAlgorithm,
): void {
	const verifies = (publicKey: Uint8Array, signature: Uint8Array) =>
		nodeCrypto.verify(algorithm, publicKey, MESSAGE, signature);

	test("a new key signs what its public key verifies", async () => {
		await using store = await under().open();
		const key = await store.generate(fresh(), algorithm);
		assert.equal(key.algorithm, algorithm);
		assert.equal(key.publicKey.length, algorithm === "P-256" ? 65 : 32);
		for (const length of [1, 3, 400, 5000]) {
			const message = nodeCrypto.random(length);
			const signature = await key.sign(message);
			assert.equal(signature.length, 64);
			assert.ok(
				nodeCrypto.verify(algorithm, key.publicKey, message, signature),
			);
		}
	});

	test("another instance of the store opens the same key", async () => {
		const name = fresh();
		await using store = await under().open();
		const made = await store.generate(name, algorithm);
		await using other = await under().open();
		const opened = await other.open(name);
		assert.equal(opened.algorithm, algorithm);
		assert.deepEqual(opened.publicKey, made.publicKey);
		assert.ok(verifies(made.publicKey, await opened.sign(MESSAGE)));
	});

	test("another process opens the same key", async () => {
		await using store = await under().open();
		const key = await store.generate(fresh(), algorithm);
		const signature = await signElsewhere(under(), key.location);
		assert.ok(verifies(key.publicKey, signature));
	});

	test("a key that another process made meanwhile is there", async () => {
		const [own, theirs, taken] = [fresh(), fresh(), fresh()];
		await using store = await under().open();
		await store.generate(own, algorithm);
		await makeElsewhere(under(), store.locationOf(theirs), algorithm);
		const key = await store.open(theirs);
		assert.ok(verifies(key.publicKey, await key.sign(MESSAGE)));
		assert.ok((await store.list()).includes(theirs));
		await makeElsewhere(under(), store.locationOf(taken), algorithm);
		await assert.rejects(store.generate(taken, algorithm), {
			...failing,
			message: /already/,
		});
		await store.remove(taken);
	});

	test("fifty signatures at once are all good", async () => {
		await using store = await under().open();
		const key = await store.generate(fresh(), algorithm);
		const messages = Array.from({ length: 50 }, (_, i) => Uint8Array.of(i));
		const signatures = await Promise.all(messages.map((m) => key.sign(m)));
		for (const [i, signature] of signatures.entries())
			assert.ok(
				nodeCrypto.verify(
					algorithm,
					key.publicKey,
					messages[i] as Uint8Array,
					signature,
				),
			);
	});

	test("a name that is taken is refused, and its key goes on", async () => {
		const name = fresh();
		await using store = await under().open();
		const key = await store.generate(name, algorithm);
		await assert.rejects(store.generate(name, algorithm), {
			...failing,
			message: /already/,
		});
		await using other = await under().open();
		await assert.rejects(other.generate(name, algorithm), failing);
		assert.deepEqual((await other.open(name)).publicKey, key.publicKey);
		assert.ok(verifies(key.publicKey, await key.sign(MESSAGE)));
	});

	test("of processes that want one name, one gets it", async () => {
		const name = fresh();
		await using store = await under().open();
		const location = store.locationOf(name);
		const made = await Promise.allSettled(
			[1, 2, 3].map(() => makeElsewhere(under(), location, algorithm)),
		);
		const won = made.filter(({ status }) => status === "fulfilled").length;
		assert.equal(won, 1);
		const held = (await store.list()).filter((other) => other === name);
		assert.equal(held.length, won);
		await store.open(name);
	});

	test("a removed key is gone, and the others are not", async () => {
		const [name, other] = [fresh(), fresh()];
		await using store = await under().open();
		const key = await store.generate(name, algorithm);
		const kept = await store.generate(other, algorithm);
		await store.remove(name);
		await assert.rejects(key.sign(MESSAGE), failing);
		await assert.rejects(store.open(name), failing);
		await assert.rejects(store.remove(name), failing);
		const listed = await store.list();
		assert.ok(!listed.includes(name) && listed.includes(other));
		assert.ok(verifies(kept.publicKey, await kept.sign(MESSAGE)));
		const again = await store.generate(name, algorithm);
		assert.notDeepEqual(again.publicKey, key.publicKey);
	});
}

function nameContract(
	under: () => StoreUnderTest,
	algorithm: SignatureAlgorithm,
): void {
	test("an unknown name is refused with a sentence that says so", async () => {
		await using store = await under().open();
		for (const work of [
			() => store.open("nobody"),
			() => store.remove("nobody"),
		])
			await assert.rejects(work, {
				...failing,
				message: /^there is no key called nobody in /,
			});
	});

	test("odd names are names", async () => {
		const odd = [
			" a b ",
			"schlüssel",
			"ключ 🗝",
			"x=1;y?z&a#b%41",
			"../up",
			".hidden",
			"-rf",
			"a/b\\c",
			"'\"$(x)`*",
			"n".repeat(64),
			"ü".repeat(32),
		];
		await using store = await under().open();
		for (const name of odd) {
			const key = await store.generate(name, algorithm);
			assert.equal(key.name, name);
			assert.deepEqual(key.location, store.locationOf(name));
		}
		const listed = await store.list();
		for (const name of odd) assert.ok(listed.includes(name), name);
		assert.deepEqual(listed, listed.toSorted());
		await using other = await under().open();
		for (const name of odd) {
			assert.equal((await other.open(name)).name, name);
			await other.remove(name);
		}
	});

	test("what can be no name is refused", async () => {
		await using store = await under().open();
		for (const name of [
			"",
			"n".repeat(65),
			`${"ü".repeat(32)}x`,
			"a\nb",
			"a\0b",
			"\u009b",
			"\ud800",
		]) {
			await assert.rejects(store.generate(name, algorithm), invalid);
			await assert.rejects(store.open(name), invalid);
			await assert.rejects(store.remove(name), invalid);
			assert.throws(() => store.locationOf(name), invalid);
		}
	});
}

function endContract(
	under: () => StoreUnderTest,
	algorithm: SignatureAlgorithm,
): void {
	test("a closed store refuses everything, and its keys sign no more", async () => {
		const name = fresh();
		const store = await under().open();
		const key = await store.generate(name, algorithm);
		await store[Symbol.asyncDispose]();
		await store[Symbol.asyncDispose]();
		await assert.rejects(key.sign(MESSAGE), { ...failing, message: /closed/ });
		for (const work of [
			() => store.generate(fresh(), algorithm),
			() => store.open(name),
			() => store.list(),
			() => store.remove(name),
		])
			await assert.rejects(work, { ...invalid, message: /closed/ });
		await using other = await under().open();
		await other.open(name);
	});

	test("a closed key signs no more, and its store goes on", async () => {
		await using store = await under().open();
		const name = fresh();
		const key = await store.generate(name, algorithm);
		await key[Symbol.asyncDispose]();
		await assert.rejects(key.sign(MESSAGE), { ...failing, message: /closed/ });
		await (await store.open(name)).sign(MESSAGE);
	});

	test("closing in the middle of signatures leaves none hanging", async () => {
		const store = await under().open();
		const key = await store.generate(fresh(), algorithm);
		const signing = Array.from({ length: 20 }, () => key.sign(MESSAGE));
		const settled = Promise.allSettled(signing);
		await store[Symbol.asyncDispose]();
		for (const outcome of await settled)
			if (outcome.status === "rejected")
				assert.equal(outcome.reason.code, "key-store-failed");
	});

	test("an aborted signal ends the waiting, and no key stays behind", async () => {
		await using store = await under().open();
		const early = AbortSignal.abort();
		for (const work of [
			() => store.generate(fresh(), algorithm, { signal: early }),
			() => store.open("nobody", { signal: early }),
			() => store.list({ signal: early }),
			() => store.remove("nobody", { signal: early }),
		])
			await assert.rejects(work, aborted);
		for (const delay of [0, 1, 5, 20]) {
			const name = fresh();
			const stop = new AbortController();
			const making = store.generate(name, algorithm, { signal: stop.signal });
			setTimeout(() => stop.abort(), delay);
			const made = await making.then(
				() => true,
				(thrown) => {
					assert.equal(thrown.code, "aborted", inspect(thrown));
					return false;
				},
			);
			await eventually(
				"the key that nobody waits for is gone",
				async () => (await store.list()).includes(name) === made,
			);
		}
	});

	test("a process that does not close its key can end", async () => {
		await using store = await under().open();
		const key = await store.generate(fresh(), algorithm);
		const script = `${PREAMBLE}
			const key = await openKey(location, access);
			await key.sign(new Uint8Array(3));
			console.log("signed");`;
		assert.equal(await elsewhere(under(), key.location, script), "signed\n");
	});
}

function locationContract(
	of: () => [StoreUnderTest, KeyAccess],
	algorithm: SignatureAlgorithm,
): void {
	test("a key is made, opened and removed by its location alone", async () => {
		const [under, access] = of();
		const location = JSON.parse(
			JSON.stringify(besideKey(under.location, fresh())),
		);
		const made = await createKey(location, algorithm, access);
		await made.sign(MESSAGE);
		await made[Symbol.asyncDispose]();
		await assert.rejects(made.sign(MESSAGE), failing);
		const opened = await openKey(location, access);
		assert.deepEqual(opened.publicKey, made.publicKey);
		assert.deepEqual(opened.location, location);
		await opened[Symbol.asyncDispose]();
		await removeKey(location, access);
		await assert.rejects(openKey(location, access), failing);
	});

	test("a new key is used beside the old one, which is then removed", async () => {
		const [under, access] = of();
		const old = besideKey(under.location, fresh());
		await using before = await createKey(old, algorithm, access);
		const next = besideKey(before.location, fresh());
		await using after = await createKey(next, algorithm, access);
		assert.notDeepEqual(before.publicKey, after.publicKey);
		await before.sign(MESSAGE);
		await removeKey(before.location, access);
		await after.sign(MESSAGE);
		await using store = await openKeyStore(next, access);
		const listed = await store.list();
		assert.ok(listed.includes(after.name) && !listed.includes(before.name));
	});
}

const PREAMBLE = `
	const { createKey, openKey, secretFromFile } = await import(${JSON.stringify(ROOM)});
	const { location, folder, passphraseFile } = JSON.parse(process.argv[1]);
	const access = { folder, ...(passphraseFile ? { passphrase: secretFromFile(passphraseFile) } : {}) };`;

/** What a script in a process of its own says. */
async function elsewhere(
	{ folder, passphraseFile }: StoreUnderTest,
	location: KeyLocation,
	script: string,
): Promise<string> {
	const { stdout } = await run(process.execPath, [
		...["--input-type=module", "-e", script],
		JSON.stringify({ location, folder, passphraseFile }),
	]);
	return stdout;
}

async function signElsewhere(
	under: StoreUnderTest,
	location: KeyLocation,
): Promise<Uint8Array> {
	const script = `${PREAMBLE}
		await using key = await openKey(location, access);
		process.stdout.write(Buffer.from(await key.sign(Uint8Array.of(1, 2, 3))).toString("hex"));`;
	const said = await elsewhere(under, location, script);
	return Uint8Array.from(Buffer.from(said, "hex"));
}

async function makeElsewhere(
	under: StoreUnderTest,
	location: KeyLocation,
	algorithm: SignatureAlgorithm,
): Promise<void> {
	const script = `${PREAMBLE}
		await using key = await createKey(location, ${JSON.stringify(algorithm)}, access);`;
	await elsewhere(under, location, script);
}
