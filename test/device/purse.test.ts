/* The purse of a module and its owner, with an issuer at the other side of the tetrad. */
import assert from "node:assert/strict";
import {
	mkdir,
	readdir,
	readFile,
	rename,
	rmdir,
	symlink,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { writeDeviceFile } from "../../src/device/home/home.ts";
import {
	type IssuerSettings,
	viewLedger,
} from "../../src/device/issuer/issuer-home.ts";
import { AgentStore } from "../../src/device/purse/agent-store.ts";
import { Payments } from "../../src/device/purse/payments.ts";
import { Purse } from "../../src/device/purse/purse.ts";
import {
	createPurse,
	defaultUndeposited,
	purseStorePath,
	readPurseSettings,
	requireNothingHeld,
	viewPurse,
} from "../../src/device/purse/purse-home.ts";
import {
	placeGiveBack,
	placeToken,
	placeWithdrawal,
} from "../../src/device/purse/purse-orders.ts";
import {
	newOwner,
	type Owner,
	openOwner,
} from "../../src/device/purse/purse-owner.ts";
import { MoneyDriver } from "../../src/device/runtime/money-driver.ts";
import {
	type MoneyHolder,
	MoneyModule,
	type PurseHost,
} from "../../src/device/runtime/money-module.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import { TetradError } from "../../src/errors.ts";
import {
	generateSoftwareKey,
	type SecretSource,
} from "../../src/keys/index.ts";
import {
	accountOf,
	credit,
	done,
	draftEcashOrder,
	ecashTables,
	IssuerMachine,
	LEDGER_SCHEMA,
	type MoneyMachine,
	openAccount,
	type PurseReport,
	purseTables,
	put,
	type Store,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { textMessage } from "../../src/talk/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { copyOf } from "../store/old-stores.ts";
import { temporaryFolder } from "../support/folders.ts";
import {
	type Module,
	mintNote,
	moduleOf,
	PLAY,
	putNotes,
	termsOf,
} from "./purse-support.ts";
import { Devices, policyOf, settled, until } from "./support.ts";

const code = (expected: string) => (thrown: unknown) =>
	thrown instanceof TetradError && thrown.code === expected;
const passphrase =
	(text: string): SecretSource =>
	async () =>
		utf8(text);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let issuer: Module;
let alice: Module;
let owner: Owner;
let count = 0;
before(async () => {
	folder = await temporaryFolder();
	issuer = await moduleOf("Y", "mint");
	alice = await moduleOf("X", "alice-purse");
	owner = await newOwner(passphrase("correct horse"));
});
after(() => folder[Symbol.asyncDispose]());

/** A module whose money is driven by a machine on a store. */
class Holder<Report> implements MoneyHolder, AsyncDisposable {
	driver: MoneyDriver<Report> | undefined;
	readonly refused: TetradError[] = [];
	/** What came that is not of money. */
	readonly others: Uint8Array[] = [];
	readonly #store: Store;
	readonly #make: (host: PurseHost) => MoneyMachine<Report>;

	constructor(store: Store, make: (host: PurseHost) => MoneyMachine<Report>) {
		this.#store = store;
		this.#make = make;
	}

	attach(host: PurseHost): void {
		this.driver = new MoneyDriver({
			machine: this.#make(host),
			store: this.#store,
			signer: host.signer,
			now: host.now,
			report: () => {},
			other: (_, __, bytes) => void this.others.push(bytes),
			refused: (_, error) => this.refused.push(error),
		});
	}

	serve(tetrad: Tetrad): Promise<void> {
		return (this.driver as MoneyDriver<Report>).serve(tetrad);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.driver?.close();
	}
}

/** The home of a module with a new purse; its device is made elsewhere. */
async function purseHome(whose: Owner = owner): Promise<string> {
	const home = join(folder.path, `home-${++count}`);
	await mkdir(home, { mode: 0o700 });
	await writeDeviceFile(home, {
		version: 2,
		role: "module",
		name: "alice-purse",
		key: { unsafeUnsealedFile: "key.pem" },
	});
	const terms = termsOf(issuer);
	const undeposited = defaultUndeposited(terms);
	await createPurse(home, [{ terms, undeposited }], () => whose);
	return home;
}

/** Alice's purse and the issuer's module, in four devices. */
async function town(home: string) {
	const stack = new AsyncDisposableStack();
	const store = stack.use(
		await openSqliteStore({
			path: ":memory:",
			schema: LEDGER_SCHEMA,
		}),
	);
	const { deviceId } = alice.device;
	await store.transact(openAccount(deviceId, Date.now()));
	await store.transact(
		credit(nodeCrypto, {
			account: deviceId,
			amount: 10_000n,
			reference: "to begin with",
			at: Date.now(),
		}),
	);
	const mint = stack.use(
		new Holder(
			store,
			({ context }) =>
				new IssuerMachine(context, { currency: PLAY, isPlay: true }),
		),
	);
	const reports: PurseReport[] = [];
	const purse = stack.use(
		await Purse.openHome(home, { report: (report) => reports.push(report) }),
	);
	const devices = stack.use(
		await Devices.make({
			device: (place) => {
				if (place === "X") return { identity: alice.identity, purse };
				if (place === "Y") return { identity: issuer.identity, purse: mint };
				return {};
			},
		}),
	);
	return {
		purse,
		reports,
		async account(): Promise<bigint> {
			return (await store.transact(accountOf(deviceId)))?.balance ?? 0n;
		},
		async settle(): Promise<void> {
			const { connecting } = devices.meet();
			await using tetrad = await connecting;
			await new Payments(tetrad).settle(issuer.device.deviceId);
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

async function withdraw(home: string, amount: bigint): Promise<string> {
	const settings = await readPurseSettings(home);
	const key = await openOwner(settings.owner, passphrase("correct horse"));
	const request = await placeWithdrawal(home, key, {
		purse: alice.device.deviceId,
		issuer: issuer.device.deviceId,
		amount,
	});
	return `${hex(request)}.order`;
}

const orders = (home: string) => readdir(join(home, "orders"));

/** A file goes when its end has been reported, which is no part of the meeting. */
async function noOrdersAreLeft(home: string): Promise<void> {
	const patience = performance.now() + 20_000;
	while ((await orders(home)).length > 0)
		assert.ok(performance.now() < patience, "orders that are over are left");
}

describe("an owner", () => {
	test("orders a withdrawal, which is carried out once at the next settling", async () => {
		const home = await purseHome();
		await using town1 = await town(home);
		const name = await withdraw(home, 2_500n);
		const document = await readFile(join(home, "orders", name));
		await town1.settle();
		const [balance] = await town1.purse.balances();
		assert.equal(balance?.spendable, 2_500n);
		assert.equal(balance?.ordered, 0n);
		assert.equal(await town1.account(), 7_500n);
		await noOrdersAreLeft(home);

		await writeFile(join(home, "orders", name), document, { mode: 0o600 });
		await town1.settle();
		assert.equal(await town1.account(), 7_500n);
		await noOrdersAreLeft(home);
	});

	test("finds an order taken down that was placed while the module was off", async () => {
		const home = await purseHome();
		await withdraw(home, 100n);
		await using running = await town(home);
		await until(
			() => running.reports.some(({ kind }) => kind === "ordered"),
			"the order is taken down at the start",
		);
		const [balance] = await running.purse.balances();
		assert.equal(balance?.ordered, 100n);
		await running.settle();
		assert.equal(await running.account(), 9_900n);
	});

	test("cannot have the module take another key while an issuer's answer is on the way", async () => {
		const home = await purseHome();
		{
			await using running = await town(home);
			await placeGiveBack(home, issuer.device.deviceId);
			await running.settle();
		}
		await placeGiveBack(home, issuer.device.deviceId);
		await requireNothingHeld(home);
		await withdraw(home, 100n);
		{
			await using running = await town(home);
			await until(
				() => running.reports.some(({ kind }) => kind === "ordered"),
				"the order is taken down at the start",
			);
		}
		await assert.rejects(
			requireNothingHeld(home),
			/waits for 1 answers of issuers; deposit first/,
		);
	});

	test("cannot have the module take another key while a transfer waits to be booked", async () => {
		const home = await purseHome();
		{
			await using running = await town(home);
			await running.settle();
		}
		await requireNothingHeld(home);
		const { RECEIPTS, PURSE_SCHEMA } = purseTables;
		const none = new Uint8Array();
		const { deviceId } = issuer.device;
		{
			const path = purseStorePath(home);
			await using store = await openSqliteStore({ path, schema: PURSE_SCHEMA });
			const row = {
				...{ contract: new Uint8Array(32), transfer_id: new Uint8Array(32) },
				...{ transfer: none, notes: none, chains: none, payer: deviceId },
				...{ level: "software", issuer: deviceId, currency: "PLAY" },
				...{ amount: 250n, receipt: none, receipt_chain: none, accepted: 0n },
				...{ state: "to-book", request: none, credited: 0n, terms: none },
				...{ key: none, archive: none, what: "" },
			};
			await store.transact(done([put(RECEIPTS, row)], undefined));
		}
		await assert.rejects(requireNothingHeld(home), /1 to book .*deposit first/);
	});

	test("has an order by another key put aside, and nothing happens", async () => {
		const home = await purseHome();
		await using running = await town(home);
		await placeWithdrawal(home, generateSoftwareKey("Ed25519"), {
			purse: alice.device.deviceId,
			issuer: issuer.device.deviceId,
			amount: 1n,
		});
		await writeFile(join(home, "orders", `${"0".repeat(32)}.order`), "?", {
			mode: 0o600,
		});
		await placeGiveBack(home, alice.device.deviceId);
		await running.settle();
		assert.equal(await running.account(), 10_000n);
		const left = await orders(home);
		assert.equal(left.length, 3);
		assert.ok(left.every((name) => /\.(order|give-back)\.refused$/.test(name)));
		const trouble = running.reports.filter(({ kind }) => kind === "trouble");
		assert.equal(trouble.length, 3);
	});

	test("has no ecash given away by an order that nothing has taken down for more than a week", async () => {
		const home = await purseHome();
		const settings = await readPurseSettings(home);
		const key = await openOwner(settings.owner, passphrase("correct horse"));
		const place = async (order: object, days: number, first: number) => {
			const request = new Uint8Array(16).fill(first);
			const mint = issuer.device.deviceId;
			const draft = draftEcashOrder({ ...order, request, mint } as never, {
				purse: alice.device.deviceId,
				ordered: Date.now() - days * 86_400_000 + 60_000,
			});
			const document = draft.sign(await key.sign(draft.toSign));
			await placeWithdrawal(home, key, {
				purse: alice.device.deviceId,
				issuer: mint,
				amount: 1n,
			});
			const path = join(home, "orders", `${hex(request)}.ecash`);
			await writeFile(path, document, { mode: 0o600 });
		};
		const melt = { kind: "melt", invoice: "lnbc1", maxFee: 1n };
		await place({ kind: "send", amount: 1n }, 8, 1);
		await place(melt, 8, 2);
		// These are handed to the purse, which knows no mint.
		await place(melt, 7, 3);
		await place({ kind: "mint", amount: 1n }, 80, 4);
		await place({ kind: "take-back", of: new Uint8Array(16) }, 80, 5);
		await using running = await town(home);
		const told = () =>
			running.reports.flatMap((report) =>
				report.kind === "ecash-ordered"
					? [`${report.request[0]} ${report.error?.code}`]
					: [],
			);
		await until(() => told().length === 5, "all orders are answered");
		assert.deepEqual(told().toSorted(), [
			...["1 timed-out", "2 timed-out"],
			...["3 payment-refused", "4 payment-refused", "5 payment-refused"],
		]);
		await running.settle();
		const left = await orders(home);
		assert.deepEqual(
			left.map((name) => name.replace(/^(..).*?\./, "$1.")).toSorted(),
			["01.ecash.refused", "02.ecash.refused"],
		);
	});

	test("has no order of another purse obeyed, nor one under another name", async () => {
		const home = await purseHome();
		await using running = await town(home);
		const key = await openOwner(owner, passphrase("correct horse"));
		await placeWithdrawal(home, key, {
			purse: issuer.device.deviceId,
			issuer: issuer.device.deviceId,
			amount: 1n,
		});
		await running.settle();
		assert.equal(await running.account(), 10_000n);
		assert.match((await orders(home)).join(), /refused/);
	});

	test("is not told that ecash is refused which was received while its mint was named", async () => {
		const home = await purseHome();
		const { RECEIVED } = ecashTables;
		const mint = new Uint8Array(44);
		const known = await placeToken(home, "cashuA");
		const unknown = await placeToken(home, "cashuA");
		{
			const path = purseStorePath(home);
			const schema = purseTables.PURSE_SCHEMA;
			await using store = await openSqliteStore({ path, schema });
			const row = {
				...{ request: known, mint, amount: 5n, swap: new Uint8Array() },
				...{ code: "", reason: "", asked: 0n, state: "received" },
			};
			await store.transact(done([put(RECEIVED, row)], undefined));
		}
		await using running = await town(home);
		await noOrdersAreLeft(home);
		const refused = running.reports.flatMap((report) =>
			report.kind === "ecash-refused" ? [hex(report.request)] : [],
		);
		assert.deepEqual(refused, [hex(unknown)]);
	});

	test("is told of a wrong passphrase, and that nothing was ordered", async () => {
		await assert.rejects(
			openOwner(owner, passphrase("battery staple")),
			code("key-store-failed"),
		);
	});

	test("gives notes back, and what was received is deposited", async () => {
		const home = await purseHome();
		{
			await using running = await town(home);
			await withdraw(home, 2_500n);
			await running.settle();
			await placeGiveBack(home, issuer.device.deviceId);
			await running.settle();
			const [balance] = await running.purse.balances();
			assert.equal(balance?.spendable, 0n);
			assert.equal(await running.account(), 10_000n);
			await noOrdersAreLeft(home);
			assert.deepEqual(await running.purse.notes(), []);
		}
	});

	test("cannot make a second purse, nor leave too many orders", async () => {
		const home = await purseHome();
		await assert.rejects(
			createPurse(home, [], () => owner),
			code("home-unusable"),
		);
		for (let i = 0; i < 64; i++)
			await placeGiveBack(home, issuer.device.deviceId);
		await assert.rejects(withdraw(home, 1n), code("busy"));
	});
});

describe("a purse", () => {
	test("is open in one place, and in one module", async () => {
		const home = await purseHome();
		await using purse = await Purse.openHome(home);
		await assert.rejects(Purse.openHome(home), code("busy"));
		assert.throws(() => purse.giveBack(new Uint8Array()), /in no module/);
		const options = {
			identity: alice.identity,
			policy: await policyOf(),
			purse,
		};
		assert.throws(
			() => new MoneyModule({ ...options, onTetrad: () => {} }),
			code("invalid-argument"),
		);
		await using _ = new MoneyModule(options);
		assert.throws(() => new MoneyModule(options), code("invalid-argument"));
	});

	test("has limits of its own for each issuer", async () => {
		const home = await purseHome();
		const { issuers } = await readPurseSettings(home);
		assert.deepEqual(issuers[0]?.undeposited, {
			software: 10_000n,
			token: 100_000n,
			tpm: 100_000n,
		});
	});

	test("is not opened with settings that say something else", async () => {
		const home = await purseHome();
		const path = join(home, "purse.json");
		const good = JSON.parse(await readFile(path, "utf8"));
		for (const wrong of [
			{ ...good, version: 2 },
			{ ...good, owner: "nobody" },
			{ ...good, more: 1 },
			{ ...good, issuers: [] },
			{
				...good,
				owner: { ...good.owner, cost: { memoryKib: 1e9, passes: 1, lanes: 1 } },
			},
			{
				...good,
				issuers: [
					{
						...good.issuers[0],
						undeposited: { software: "1.001", token: "1", tpm: "1" },
					},
				],
			},
		]) {
			await writeFile(path, JSON.stringify(wrong));
			await assert.rejects(Purse.openHome(home), code("home-unusable"));
		}
	});
});

describe("whoever looks at a store of an older version", () => {
	const names = (command: RegExp) => (thrown: unknown) =>
		code("store-failed")(thrown) &&
		thrown instanceof TetradError &&
		/is still in version 1 .* for writing once/.test(thrown.message) &&
		command.test(thrown.message);

	test("is told the command that brings a purse to the newest one", async () => {
		const home = await purseHome();
		await using own = await temporaryFolder();
		await rename(await copyOf("purse", own.path), purseStorePath(home));
		await assert.rejects(
			viewPurse(home),
			names(/with: tetrad module --home \S+\/home-\d+ --listen …$/),
		);
	});

	test("is told the command that brings a ledger to the newest one", async () => {
		await using own = await temporaryFolder();
		await copyOf("ledger", own.path);
		const settings = { currency: PLAY, isPlay: true } as IssuerSettings;
		await assert.rejects(
			viewLedger(own.path, settings),
			names(/with: tetrad issuer run --home \S+ --listen …$/),
		);
	});
});

describe("a driver", () => {
	/** Four devices in which X holds nothing but a machine that asks its store for something whatever it hears. */
	async function withStore(transact: Store["transact"]) {
		const stack = new AsyncDisposableStack();
		const events: string[] = [];
		const store = {
			transact,
			failed: new Promise<Error>(() => {}),
		} as unknown as Store;
		const holder = stack.use(
			new Holder(store, () => ({
				deadline: undefined,
				pending: new Map(),
				handle: (event) => {
					events.push(event.kind);
					return event.kind === "opened" || event.kind === "from-agent"
						? [
								{
									kind: "transact",
									id: 1,
									transaction: {
										kind: "done",
										writes: [],
										result: undefined,
									},
								},
							]
						: [];
				},
			})),
		);
		const devices = stack.use(
			await Devices.make({
				device: (place) => (place === "X" ? { purse: holder } : {}),
			}),
		);
		const { connecting } = devices.meet();
		const tetrad = await connecting;
		return {
			holder,
			events,
			tetrad,
			[Symbol.asyncDispose]: () => stack.disposeAsync(),
		};
	}

	test("hands over what came together with the last flight and the end of its tetrad", async () => {
		const events: string[] = [];
		await using holder = new Holder(
			{ failed: new Promise<Error>(() => {}) } as unknown as Store,
			() => ({
				deadline: undefined,
				pending: new Map(),
				handle({ kind }) {
					events.push(kind);
					return [];
				},
			}),
		);
		await using devices = await Devices.make({
			device: (place) => (place === "X" ? { purse: holder } : {}),
		});
		const isBound = () => devices.events.X.some(({ kind }) => kind === "bound");
		const held: (() => void)[] = [];
		const serve = devices.X.serve.bind(devices.X);
		devices.X.serve = (carrier, access) =>
			serve(
				{
					...carrier,
					receive: (receiver) =>
						carrier.receive({
							frame(bytes) {
								if (!isBound()) return receiver.frame(bytes);
								const lent = bytes.slice();
								held.push(() => receiver.frame(lent));
							},
							closed: (error) => receiver.closed(error),
						}),
				},
				access,
			);
		const { connecting } = devices.meet();
		await connecting;
		const far = await devices.Y.accept();
		await far.module.send(textMessage("hello"));
		await far.module.send(Uint8Array.of(0x21));
		await far.close();
		await settled(() => held.length);
		for (const give of held.splice(0)) give();
		await until(() => events.includes("closed"), "the tetrad is over");
		assert.deepEqual(events, ["opened", "from-module", "closed"]);
		assert.deepEqual(holder.others, [textMessage("hello")]);
		assert.deepEqual(holder.refused, []);
	});

	test("goes on after a store that was full", async () => {
		await using run = await withStore(async () => {
			throw new TetradError("store-full", "there is no room");
		});
		await until(() => run.events.includes("not-written"), "it is told");
		assert.equal(run.tetrad.ended, false);
	});

	test("stops everything after a store that failed", async () => {
		await using run = await withStore(async () => {
			throw new TetradError("store-failed", "nobody knows what is there");
		});
		const error = await run.holder.driver?.failed;
		assert.equal(error?.code, "store-failed");
		await run.tetrad.closed.catch(() => {});
		assert.ok(!run.events.includes("not-written"), "the machine is not told");
		assert.throws(
			() => run.holder.driver?.giveBack(new Uint8Array()),
			code("tetrad-closed"),
		);
	});

	test("reads no faster than its store writes", async () => {
		const { promise, resolve } = Promise.withResolvers<never>();
		await using run = await withStore(() => promise);
		const settle = Uint8Array.of(0x47);
		const sending = (async () => {
			for (let i = 0; i < 2000; i++) await run.tetrad.module.send(settle);
		})();
		sending.catch(() => {});
		const heard = () =>
			run.events.filter((kind) => kind === "from-agent").length;
		await until(() => heard() > 200, "much is read");
		await settled(heard);
		assert.ok(heard() < 300, `${heard()} messages were read`);
		resolve(undefined as never);
		await until(() => heard() === 2000, "all are read in the end");
	});
});

describe("an agent's store", () => {
	const head = (number: bigint) => ({ number, hash: nodeCrypto.random(32) });

	test("keeps the newest head, through many at once and a restart", async () => {
		const home = join(folder.path, `home-${++count}`);
		await mkdir(home, { mode: 0o700 });
		const own = alice.device.deviceId;
		const witness = await AgentStore.open(home);
		assert.equal(witness.head(own), undefined);
		assert.deepEqual(await readdir(home), [], "who never pays has none");
		const heads = Array.from({ length: 200 }, (_, i) => head(BigInt(i + 1)));
		await Promise.all(heads.map((head) => witness.keep(own, head)));
		assert.deepEqual(witness.head(own), heads.at(-1));
		await witness.keep(own, head(7n));
		await assert.rejects(AgentStore.open(home), code("busy"));
		await witness[Symbol.asyncDispose]();
		await assert.rejects(
			witness.keep(own, head(900n)),
			code("invalid-argument"),
		);
		await using again = await AgentStore.open(home);
		assert.deepEqual(again.head(own), heads.at(-1));
		assert.equal(again.head(issuer.device.deviceId), undefined);
	});

	test("takes in what an older program kept, once, and puts that aside", async () => {
		const home = join(folder.path, `home-${++count}`);
		await mkdir(home, { mode: 0o700 });
		const own = alice.device.deviceId;
		const { hash } = head(5n);
		const old = { version: 1, module: hex(own), number: "5", hash: hex(hash) };
		const path = join(home, "witness.json");
		await writeFile(path, JSON.stringify(old));
		{
			await using store = await AgentStore.open(home);
			assert.deepEqual(store.head(own), { number: 5n, hash });
			await store.keep(own, head(8n));
		}
		assert.equal(await readFile(`${path}.read`, "utf8"), JSON.stringify(old));
		// A crash may leave it there, and nothing goes back for that.
		await rename(`${path}.read`, path);
		await using store = await AgentStore.open(home);
		assert.equal(store.head(own)?.number, 8n);
		await assert.rejects(readFile(path), { code: "ENOENT" });
	});

	test("keeps no head that no purse comes to", async () => {
		const home = join(folder.path, `home-${++count}`);
		await mkdir(home, { mode: 0o700 });
		const own = alice.device.deviceId;
		await using store = await AgentStore.open(home);
		await assert.rejects(store.keep(own, head(2n ** 63n)), code("malformed"));
		assert.equal(store.head(own), undefined);
		await store.keep(own, head(2n ** 63n - 1n));
		assert.equal(store.head(own)?.number, 2n ** 63n - 1n);
	});

	test("takes nothing in that an older program kept and that cannot be read", async () => {
		const home = join(folder.path, `home-${++count}`);
		await mkdir(home, { mode: 0o700 });
		for (const content of ["", "{}", '{"version":1}', "\0"]) {
			await writeFile(join(home, "witness.json"), content);
			await assert.rejects(AgentStore.open(home), code("home-unusable"));
		}
	});

	test("is not taken for empty where a link says that it lies on a disk that is not there", async () => {
		for (const [name, expected] of [
			["agent.db", "store-failed"],
			["witness.json", "home-unusable"],
		] as const) {
			const home = join(folder.path, `home-${++count}`);
			await mkdir(home, { mode: 0o700 });
			await symlink(join(home, "unmounted", name), join(home, name));
			await assert.rejects(AgentStore.open(home), code(expected));
		}
	});

	test("says when it could not be written, and tries the next head all the same", async () => {
		const home = join(folder.path, `home-${++count}`);
		await mkdir(home, { mode: 0o700 });
		const own = alice.device.deviceId;
		await using witness = await AgentStore.open(home);
		await mkdir(join(home, "agent.db"));
		await assert.rejects(witness.keep(own, head(1n)), code("store-failed"));
		assert.equal(witness.head(own), undefined);
		await rmdir(join(home, "agent.db"));
		await witness.keep(own, head(1n));
		assert.equal(witness.head(own)?.number, 1n);
	});
});

test("a purse with notes made out to its key keeps its module from taking another", async () => {
	const home = await purseHome();
	await requireNothingHeld(home);
	const note = await mintNote(issuer, alice.device, 100n);
	await putNotes(join(home, "purse.db"), issuer, [note]);
	await assert.rejects(requireNothingHeld(home), code("home-unusable"));
});
