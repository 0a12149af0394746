import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	archiveStore,
	logNames,
	readArchive,
} from "../../src/device/purse/index.ts";
import { TetradError } from "../../src/errors.ts";
import { encodeChain, issueDevice } from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import {
	done,
	insert,
	put,
	type Store,
	type Transaction,
} from "../../src/machine/index.ts";
import {
	ARCHIVE_START,
	FIRST_HEAD,
	findToArchive,
	type Head,
	messages,
	nextHead,
	openArchive,
	pruneArchived,
} from "../../src/money/index.ts";
import {
	ISSUER_CHAINS,
	LOG,
	logBytes,
	PAYMENTS,
	PURSE_SCHEMA,
	RECEIPTS,
	REQUESTS,
	type What,
} from "../../src/money/purse/purse-tables.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { contractOf, type Module, Town } from "../money/town.ts";
import { makeWorld, type TestDevice } from "../support/authority.ts";
import { temporaryFolder } from "../support/folders.ts";

/* Payments that are over leave the tables for files, and everything about them can still be shown. */

const DAY = 86_400_000;

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has paid Bob so often, and he has deposited it. */
async function scene(payments: number): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 2 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 10_000n);
	const here = { town, mint, ann, bob };
	for (let i = 1; i <= payments; i++) await pay(here, i);
	await town.visit(bob, mint);
	return here;
}

async function pay(
	{ town, mint, ann, bob }: Scene,
	contract: number,
): Promise<void> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), 3n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), 3n, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
}

/** A module's store, as the device sees one. */
function storeOf({ store }: Module): Pick<Store, "transact"> {
	return {
		transact: <Result>(transaction: Transaction<Result>) =>
			Promise.resolve().then(() => store.run(transaction)),
	};
}

/** Everything that expired in the town's time counts, and not in that of this machine. */
const forDays = ({ town }: Scene) => (Date.now() - town.now) / DAY;

async function archive(
	here: Scene,
	module: Module,
	folder: string,
	store: Pick<Store, "transact"> = storeOf(module),
	options: Partial<Parameters<typeof archiveStore>[2]> = {},
) {
	const { deviceId } = module.device;
	const expiredForDays = forDays(here);
	const { banks } = here.town.world.policy;
	const into = { purse: deviceId, banks, folder };
	return await archiveStore(store, into, { expiredForDays, ...options });
}

/** The log is the chain of the heads. */
function requireChain({ store }: Module): void {
	let head: Head = FIRST_HEAD;
	for (const row of store.rows(LOG)) {
		const entry = { ...row, what: row.what as What };
		head = nextHead(nodeCrypto, head, logBytes(entry, Number(row.time)));
		assert.equal(hex(row.hash), hex(head.hash));
	}
}

const sizeOf = ({ store }: Module) => store.dump().length;

describe("payments that are over", () => {
	test("are archived in files that verify, and leave hashes, receipts and outcomes", async () => {
		await using folder = await temporaryFolder();
		const here = await scene(70);
		const { town, mint, bob, ann } = here;
		const receipts = bob.store.rows(RECEIPTS);
		const history = bob.store.rows(LOG);
		const size = sizeOf(bob);
		town.now += 23 * DAY;
		const to = join(folder.path, "archive");
		const said = await archive(here, bob, to);
		assert.deepEqual(said, {
			...{ folder: to, files: 2, payments: 70, stayed: 0 },
		});
		assert.ok(sizeOf(bob) * 2 < size, `${sizeOf(bob)} of ${size}`);
		assert.deepEqual(bob.store.rows(REQUESTS), []);
		for (const row of bob.store.rows(RECEIPTS)) {
			assert.equal(row.transfer.length + row.notes.length, 0);
			const before = receipts.find(
				({ contract }) => hex(contract) === hex(row.contract),
			);
			assert.ok(before);
			const { transfer, notes, chains, archive: none } = before;
			assert.equal(none.length, 0);
			const { archive: hash } = row;
			assert.equal(hash.length, 32);
			assert.deepEqual(
				{ ...row, transfer, notes, chains, archive: none },
				before,
			);
		}
		// What each payment was is still told, and the log is one chain.
		const after = bob.store.rows(LOG);
		assert.deepEqual(after.slice(0, history.length), history);
		const named = after.slice(history.length);
		assert.deepEqual(
			named.map(({ what }) => what),
			["archived", "archived"],
		);
		requireChain(bob);
		let previous = new Uint8Array(32);
		const found: string[] = [];
		for (const [i, name] of (await readdir(to)).toSorted().entries()) {
			const { banks } = town.world.policy;
			const opened = await readArchive(join(to, name), banks);
			assert.ok(opened);
			assert.deepEqual(opened.purse, bob.device.deviceId);
			assert.equal(opened.number, BigInt(i + 1));
			assert.equal(hex(opened.previous), hex(previous));
			assert.equal(hex(opened.hash), hex(named[i]?.subject as Uint8Array));
			previous = new Uint8Array(opened.hash);
			for (const {
				kind,
				state,
				credited,
				transfer,
				receipt,
			} of opened.payments) {
				assert.deepEqual(
					[kind, state, credited],
					["received", "deposited", 3n],
				);
				assert.ok(receipt);
				found.push(hex(transfer.value.transfer.contract));
				assert.ok(
					receipts.some(
						(row) => hex(row.receipt) === hex(receipt.value.document),
					),
				);
			}
		}
		assert.deepEqual(
			found.toSorted(),
			receipts.map(({ contract }) => hex(contract)).toSorted(),
		);
		assert.deepEqual(await archive(here, bob, to), {
			folder: to,
			files: 0,
			payments: 0,
			stayed: 0,
		});
		town.restart(bob);
		await pay(here, 1);
		assert.equal(ann.last("paid").receipt, hex(receiptOf(receipts, 1)));
		assert.equal(bob.last("received").receipt, hex(receiptOf(receipts, 1)));
		town.requireConserved(mint);
	});

	test("are archived by their payer, too, who is still asked for none twice", async () => {
		await using folder = await temporaryFolder();
		const here = await scene(2);
		const { town, mint, ann, bob } = here;
		town.giveBack(ann, mint);
		await town.visit(ann, mint);
		town.now += 23 * DAY;
		const { payments } = await archive(here, ann, folder.path);
		assert.equal(payments, 3);
		const [name, ...others] = await readdir(folder.path);
		assert.ok(name !== undefined && others.length === 0);
		const opened = await readArchive(
			join(folder.path, name),
			town.world.policy.banks,
		);
		assert.deepEqual(
			opened?.payments
				.map(({ kind, state, credited }) => `${kind} ${state} ${credited}`)
				.toSorted(),
			["paid settled 3", "paid settled 3", "paid settled 9994"],
		);
		for (const row of ann.store.rows(PAYMENTS))
			assert.equal(row.transfer.length, 0);
		requireChain(ann);
		town.restart(ann);
		const { total } = { total: town.account(mint, bob) };
		await pay(here, 1);
		assert.equal(ann.last("paid").amount, 3n);
		await town.visit(bob, mint);
		assert.equal(town.account(mint, bob), total);
	});

	test("stay as long as anything can still come of them", async () => {
		await using folder = await temporaryFolder();
		const here = await scene(1);
		const { town, bob, ann } = here;
		// Received and not deposited.
		await pay(here, 2);
		const before = [bob.store.dump(), ann.store.dump()];
		// Its notes have not expired.
		assert.equal((await archive(here, bob, folder.path)).payments, 0);
		assert.equal((await archive(here, ann, folder.path)).payments, 0);
		assert.deepEqual([bob.store.dump(), ann.store.dump()], before);
		town.now += 23 * DAY;
		assert.equal((await archive(here, bob, folder.path)).payments, 1);
		const whole = bob.store
			.rows(RECEIPTS)
			.filter((row) => row.transfer.length > 0);
		assert.deepEqual(
			whole.map(({ state }) => state),
			["to-deposit"],
		);
	});
});

test("a payment with notes from before and after its issuer was certified anew verifies, in whatever order its chains came", async () => {
	const made = await makeWorld({ algorithm: "Ed25519" });
	let now = made.now;
	const world = {
		...made,
		get now() {
			return now;
		},
		/** Certified a moment ago. */
		async module(name: string): Promise<TestDevice> {
			const signer = generateSoftwareKey("Ed25519");
			const leaf = await issueDevice(nodeCrypto, {
				role: "module",
				name,
				algorithm: "Ed25519",
				publicKey: signer.publicKey,
				issuer: made.bank.issuer,
				notBefore: now - 60_000,
				notAfter: now + 90 * DAY,
			});
			return { signer, chain: encodeChain([leaf]), certificates: [leaf] };
		},
	};
	const town = await Town.make({ noteDays: 20, graceDays: 2, world });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 100n);
	now = town.now += DAY;
	await town.recertify(mint);
	await town.withdraw(ann, mint, 100n);
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(1), 150n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(1), 150n, mint);
	await town.work();
	const { deliver } = messages.BETWEEN_MODULES;
	while (town.wire[0]?.bytes?.[0] !== deliver.type) await town.deliver();
	const [wired] = town.wire;
	assert.ok(wired?.bytes);
	const fields = messages.body(deliver, wired.bytes);
	assert.equal(fields.chains.length, 2);
	const chains = fields.chains.toReversed();
	town.wire[0] = {
		...wired,
		bytes: messages.message(deliver, { ...fields, chains }),
	};
	await town.quiet();
	assert.equal(ann.last("paid").amount, 150n);
	await town.visit(bob, mint);
	town.now += 23 * DAY;
	for (const { store, device } of [ann, bob]) {
		const { deviceId } = device;
		const find = (cursor = ARCHIVE_START): Uint8Array => {
			const { step, next } = store.run(
				findToArchive(
					nodeCrypto,
					{ purse: deviceId, banks: made.policy.banks, before: town.now },
					cursor,
				),
			);
			return step?.archive ?? find(next ?? assert.fail());
		};
		const { payments } = openArchive(nodeCrypto, find(), made.policy.banks);
		assert.equal(payments.length, 1);
		assert.equal(payments[0]?.transfer.value.transfer.amount, 150n);
	}
});

const receiptOf = (
	rows: readonly { contract: Uint8Array; receipt: Uint8Array }[],
	contract: number,
): Uint8Array => {
	const row = rows.find(
		(row) => hex(row.contract) === hex(contractOf(contract)),
	);
	assert.ok(row);
	return row.receipt;
};

describe("an archive that is interrupted", () => {
	test("has lost nothing at any of its steps, and the next run goes on", async () => {
		const here = await scene(70);
		const { town, bob } = here;
		town.now += 23 * DAY;
		const whole = bob.store.copy();
		const { banks } = town.world.policy;
		let kills = 0;
		let stopAt = 1;
		for (let last = -1; kills > last; stopAt++) {
			last = kills;
			for (const when of ["before", "after"] as const) {
				bob.store = whole.copy();
				await using folder = await temporaryFolder();
				const inFiles = async () => {
					const contracts = new Set<string>();
					for (const name of await readdir(folder.path)) {
						const file = new Uint8Array(
							await readFile(join(folder.path, name)),
						);
						for (const { transfer } of openArchive(nodeCrypto, file, banks)
							.payments)
							contracts.add(hex(transfer.value.transfer.contract));
					}
					return contracts;
				};
				let transactions = 0;
				const store = storeOf(bob);
				const stopping: Pick<Store, "transact"> = {
					async transact(transaction) {
						const isLast = ++transactions === stopAt;
						if (isLast && when === "before") throw new Error("killed");
						const result = await store.transact(transaction);
						if (isLast) throw new Error("killed");
						return result;
					},
				};
				await archive(here, bob, folder.path, stopping).catch((thrown) => {
					assert.equal((thrown as Error).message, "killed");
					kills++;
				});
				const files = await inFiles();
				for (const { contract, transfer } of bob.store.rows(RECEIPTS))
					assert.ok(transfer.length > 0 || files.has(hex(contract)));
				await archive(here, bob, folder.path);
				assert.equal((await inFiles()).size, 70);
				// What was written before it was stopped is written again as it was: no second one.
				assert.equal((await readdir(folder.path)).length, 2);
				requireChain(bob);
			}
		}
		// Each was killed there, before and after, but the last, which had no such step.
		assert.ok(stopAt - 2 >= 7, `${stopAt}`);
		assert.equal(kills, 2 * (stopAt - 2));
	});

	test("prunes nothing that is not in it as it is now, and nothing twice", async () => {
		const here = await scene(2);
		const { town, bob, mint } = here;
		await pay(here, 3);
		town.now += 23 * DAY;
		const { deviceId } = bob.device;
		const { banks } = town.world.policy;
		const what = { purse: deviceId, banks, before: town.now };
		const find = () =>
			bob.store.run(findToArchive(nodeCrypto, what, ARCHIVE_START)).step ??
			assert.fail();
		const stale = find();
		assert.deepEqual(find(), stale);
		const prune = () =>
			bob.store.run(pruneArchived(nodeCrypto, deviceId, stale, town.now));
		prune();
		const before = bob.store.dump();
		assert.throws(prune, { code: "internal" });
		assert.equal(bob.store.dump(), before);
		town.requireConserved(mint);
	});
});

/** A bit of a value that some row has there. */
function rot(
	{ store }: Module,
	table: typeof RECEIPTS | typeof ISSUER_CHAINS,
	row: number,
	column: string,
	bit: number,
): void {
	const there = store.rows(table as typeof RECEIPTS)[row];
	assert.ok(there);
	const bytes = copy(there[column as "transfer"]);
	bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	store.run(
		done(
			[put(table as typeof RECEIPTS, { ...there, [column]: bytes })],
			undefined,
		),
	);
}

describe("what has rotted on the disk", () => {
	for (const column of ["transfer", "notes", "chains", "receipt"] as const)
		test(`is in no archive and stays, and is named: a bit of ${column}`, async () => {
			const here = await scene(3);
			const { town, bob } = here;
			town.now += 23 * DAY;
			const whole = bob.store.copy();
			const [, row] = whole.rows(RECEIPTS);
			assert.ok(row);
			const { length } = row[column];
			for (const byte of [0, 3, 4, length >> 1, length - 1]) {
				await using folder = await temporaryFolder();
				bob.store = whole.copy();
				rot(bob, RECEIPTS, 1, column, 8 * byte + 1);
				const rotten = bob.store.rows(RECEIPTS)[1];
				const stayed: string[] = [];
				const told = await archive(here, bob, folder.path, undefined, {
					stayed: ({ kind, contract }) =>
						stayed.push(`${kind} ${hex(contract)}`),
				});
				assert.deepEqual([told.payments, told.stayed], [2, 1]);
				assert.deepEqual(stayed, [`received ${hex(row.contract)}`]);
				assert.deepEqual(bob.store.rows(RECEIPTS)[1], rotten);
				const [name, ...others] = await readdir(folder.path);
				assert.equal(others.length, 0);
				const path = join(folder.path, name ?? "");
				const opened = await readArchive(path, town.world.policy.banks);
				assert.equal(opened?.payments.length, 2);
				requireChain(bob);
			}
		});

	test("is in no archive: a bit of the chain under which all their notes were signed", async () => {
		await using folder = await temporaryFolder();
		const here = await scene(3);
		const { town, bob } = here;
		town.now += 23 * DAY;
		rot(bob, ISSUER_CHAINS, 0, "chain", 900);
		const before = bob.store.dump();
		const { files, payments, stayed } = await archive(here, bob, folder.path);
		assert.deepEqual([files, payments, stayed], [0, 0, 3]);
		assert.equal(bob.store.dump(), before);
	});

	test("is noticed in the file, too, before anything of it is taken out of the purse", async () => {
		await using folder = await temporaryFolder();
		const here = await scene(3);
		const { town, bob } = here;
		town.now += 23 * DAY;
		const before = bob.store.dump();
		const { transact } = storeOf(bob);
		const banks = [...town.world.policy.banks];
		let isFound = false;
		const into = { purse: bob.device.deviceId, banks, folder: folder.path };
		const store: Pick<Store, "transact"> = {
			async transact(transaction) {
				const result = await transact(transaction);
				// Whoever reads the file knows no root any more.
				if (!isFound) banks.splice(0);
				isFound = true;
				return result;
			},
		};
		await assert.rejects(
			archiveStore(store, into, { expiredForDays: forDays(here) }),
			{ code: "home-unusable", message: /nothing was taken out of the purse/ },
		);
		assert.equal(bob.store.dump(), before);
	});
});

test("an archive is named by the log of its purse, which has to be the chain of its heads", async () => {
	await using folder = await temporaryFolder();
	const here = await scene(1);
	const { town, bob, ann } = here;
	town.now += 23 * DAY;
	await archive(here, bob, folder.path);
	const [name] = await readdir(folder.path);
	const { banks } = town.world.policy;
	const opened = await readArchive(join(folder.path, name ?? ""), banks);
	assert.ok(opened);
	const inStore = async ({ store: from }: Module, changed?: Uint8Array) => {
		await using store = await openSqliteStore({
			path: join(folder.path, `${hex(nodeCrypto.random(8))}.db`),
			schema: PURSE_SCHEMA,
		});
		const rows = from.rows(LOG).map((row, i) => ({
			...row,
			...(i === 1 && changed !== undefined ? { subject: changed } : {}),
		}));
		await store.transact(
			done(
				rows.map((row) => insert(LOG, row)),
				undefined,
			),
		);
		return await logNames(store, opened);
	};
	assert.equal(await inStore(bob), true);
	assert.equal(await inStore(ann), false);
	await assert.rejects(inStore(bob, new Uint8Array(32)), {
		code: "store-failed",
	});
});

/** Somebody looked at the file and said no; nothing broke. */
function requireRefusal(thrown: unknown): void {
	assert.ok(thrown instanceof TetradError, String(thrown));
	const { code } = thrown;
	const refusals = ["malformed", "payment-refused", "authentication-failed"];
	assert.ok(refusals.includes(code), `${code}: ${thrown.message}`);
}

describe("an archive that was changed", () => {
	test("does not verify, and none of another purse's does for this one", async () => {
		const here = await scene(2);
		const { town, bob } = here;
		town.now += 23 * DAY;
		const { deviceId } = bob.device;
		const { banks } = town.world.policy;
		const what = { purse: deviceId, banks, before: town.now };
		const { step } = bob.store.run(findToArchive(nodeCrypto, what));
		assert.ok(step);
		const { archive: file, hash } = step;
		assert.equal(openArchive(nodeCrypto, file, banks).payments.length, 2);
		let refused = 0;
		for (let at = 0; at < file.length; at += 7) {
			const changed = new Uint8Array(file);
			changed[at] = (changed[at] as number) ^ 1;
			let opened: ReturnType<typeof openArchive> | undefined;
			try {
				opened = openArchive(nodeCrypto, changed, banks);
			} catch (thrown) {
				requireRefusal(thrown);
				refused++;
				continue;
			}
			// What nobody signed is held by the hash in the purse's log.
			assert.notEqual(hex(opened.hash), hex(hash));
			for (const { transfer, receipt } of opened.payments) {
				assert.equal(transfer.value.transfer.amount, 3n);
				assert.ok(receipt === undefined || receipt.value.amount === 3n);
			}
		}
		assert.ok(refused > 400, `${refused} of ${Math.ceil(file.length / 7)}`);
		assert.throws(() => openArchive(nodeCrypto, file.subarray(1), banks), {
			code: "malformed",
		});
		assert.throws(() => openArchive(nodeCrypto, file, []), {
			code: "chain-refused",
		});
	});
});
