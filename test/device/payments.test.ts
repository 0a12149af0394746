/* Agents that have their modules pay, over tetrads in one process. */
import assert from "node:assert/strict";
import {
	copyFile,
	cp,
	mkdir,
	readdir,
	rename,
	rm,
	stat,
	utimes,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Payments } from "../../src/device/purse/index.ts";
import { openPlaced } from "../../src/device/purse/purse-place.ts";
import { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad } from "../../src/device/runtime/index.ts";
import { TetradError } from "../../src/errors.ts";
import type { Store } from "../../src/machine/index.ts";
import {
	messages,
	openReceipt,
	type PurseReport,
	purseTables,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { textMessage } from "../../src/talk/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Purses } from "./purse-support.ts";
import { until } from "./support.ts";

const code = (expected: string) => (thrown: unknown) =>
	thrown instanceof TetradError && thrown.code === expected;

test("a module pays the other, offline, and both agents hear of it", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n, 700n);
	await using running = await purses.start();
	const { A, B, tetrads } = await purses.meet(running.devices);
	const payment = purses.payment(650n);

	const text = "a book\u001b[2J";
	await B.expect(payment, { text });
	const coming = B.received(payment.contract);
	const paid = await A.pay(payment, { text });
	const received = await coming;

	assert.equal(paid.amount, 650n);
	assert.deepEqual(received, paid, "one receipt, at both");
	const receipt = openReceipt(nodeCrypto, paid.receipt, tetrads.A.parties.Y);
	assert.deepEqual(receipt.value.contract, payment.contract);
	await purses.reported("X", "paid", 1);
	const [[x], [y]] = [await running.X.balances(), await running.Y.balances()];
	assert.equal(x?.spendable, 550n);
	assert.equal(x?.inDoubt, 0n);
	assert.equal(y?.toDeposit, 650n);
	assert.equal(y?.spendable, 0n);
	assert.equal((await running.X.notes()).length, 1);

	await test("and asked again, the answer is the same and nothing is paid", async () => {
		assert.deepEqual(await A.pay(payment), paid);
		const [x] = await running.X.balances();
		assert.equal(x?.spendable, 550n);
	});
	await test("history says what happened, and the heads are witnessed", async () => {
		const [newest] = await running.X.history({ limit: 1 });
		assert.equal(newest?.what, "paid");
		assert.equal(newest?.amount, 650n);
		assert.equal(newest?.terms?.name, "mint");
		assert.equal(newest.text, text);
		const own = tetrads.A.parties.X.deviceId;
		await until(
			() => purses.witnesses.A.head(own)?.number === newest?.number,
			"the witness has the newest head",
		);
		const [latest] = await running.Y.history({ limit: 1 });
		assert.equal(latest?.what, "received");
		assert.equal(latest.text, text);
	});
	await test("what the other did not agree to is refused, and nothing changes", async () => {
		const unwanted = purses.payment(1n);
		await assert.rejects(A.pay(unwanted), code("payment-refused"));
		await assert.rejects(A.pay(purses.payment(99_999n)), (thrown) =>
			["insufficient-funds", "payment-refused"].includes(
				(thrown as TetradError).code,
			),
		);
		const [x] = await running.X.balances();
		assert.equal(x?.spendable, 550n);
	});
	await test("64 at once are all paid", async () => {
		const many = Array.from({ length: 64 }, () => purses.payment(2n));
		await Promise.all(many.map((payment) => B.expect(payment)));
		await Promise.all(many.map((payment) => A.pay(payment)));
		await Promise.all(many.map(({ contract }) => B.received(contract)));
		await purses.reported("X", "paid", 65);
		const [x] = await running.X.balances();
		assert.equal(x?.spendable, 550n - 128n);
		assert.equal(x?.inDoubt, 0n);
		const [y] = await running.Y.balances();
		assert.equal(y?.toDeposit, 650n + 128n);
	});
	await tetrads.A.close();
	await assert.rejects(A.pay(purses.payment(1n)), code("tetrad-closed"));
});

test("a payment whose outcome is not heard is in doubt, and asked again it is made once", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const payment = purses.payment(200n);
	{
		const { A, B, tetrads } = await purses.meet(running.devices);
		await B.expect(payment);
		const paying = A.pay(payment);
		// The answer of the module is on its way when the tetrad ends.
		await tetrads.A.close();
		await assert.rejects(paying, code("payment-in-doubt"));
	}
	{
		const { A, B } = await purses.meet(running.devices);
		await B.expect(payment);
		assert.equal((await A.pay(payment)).amount, 200n);
		await purses.reported("X", "paid", 1);
	}
	const [x] = await running.X.balances();
	const [y] = await running.Y.balances();
	assert.deepEqual([x?.spendable, x?.inDoubt], [300n, 0n]);
	assert.equal(y?.toDeposit, 200n);
});

test("giving up a wait does not undo a payment, so it is in doubt", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const { A, B } = await purses.meet(running.devices);
	const payment = purses.payment(200n);
	await B.expect(payment);
	const signal = AbortSignal.abort();
	await assert.rejects(A.pay(payment, { signal }), code("payment-in-doubt"));
	await B.received(payment.contract);
	assert.equal((await A.pay(payment)).amount, 200n);
});

test("what becomes of a contract that is paid is not mistaken for one that is expected", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await using running = await purses.start();
	const { A, B } = await purses.meet(running.devices);
	const payment = purses.payment(200n);
	await B.expect(payment);
	const paying = A.pay(payment);
	// The other agent knows the contract, and wants to "pay" it in money that nobody takes.
	const other = { ...payment, currency: "GOLD" };
	await assert.rejects(A.expect(other), code("payment-refused"));
	assert.equal((await paying).amount, 200n);
	const expecting = A.expect(purses.payment(1n, new Uint8Array(32)));
	const same = A.pay(purses.payment(1n, new Uint8Array(32)));
	await assert.rejects(same, code("payment-refused"));
	await expecting;
});

test("a purse that was put back to an old backup pays nobody", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	await cp(purses.path("X"), `${purses.path("X")}.backup`);
	{
		await using running = await purses.start();
		const { A, B } = await purses.meet(running.devices);
		const payment = purses.payment(200n);
		await B.expect(payment);
		await A.pay(payment);
	}
	for (const end of ["-wal", "-shm"])
		await rm(`${purses.path("X")}${end}`, { force: true });
	await cp(`${purses.path("X")}.backup`, purses.path("X"));
	await using running = await purses.start();
	const { A, B } = await purses.meet(running.devices);
	const payment = purses.payment(300n);
	await B.expect(payment);
	await assert.rejects(A.pay(payment), code("purse-behind"));
	const [x] = await running.X.balances();
	assert.deepEqual(
		[x?.spendable, x?.held, x?.heldBecause],
		[0n, 500n, "behind"],
		"the old state, which buys nothing",
	);
});

describe("a purse whose files were put back, and its agent's with them", () => {
	/** Alice has paid 100 before the backup and 100 after it. */
	async function restored(
		putBack: (backup: string, folder: string) => Promise<void>,
		backUp: "closed" | "open",
	): Promise<{
		code: string;
		reports: readonly PurseReport[];
		balances: readonly (readonly unknown[])[];
	}> {
		await using around = await temporaryFolder();
		const [folder, backup] = [`${around.path}/home`, `${around.path}/backup`];
		await mkdir(folder, { mode: 0o700 });
		await using purses = await Purses.make(folder);
		await purses.give("X", 500n);
		const pay = async (after = async () => {}) => {
			await using running = await purses.start();
			const { A, B } = await purses.meet(running.devices);
			const payment = purses.payment(100n);
			await B.expect(payment);
			const refused = await A.pay(payment).catch((thrown) => thrown);
			await after();
			const [x] = await running.X.balances();
			balances.push([x?.spendable, x?.held, x?.heldBecause]);
			return refused instanceof TetradError ? refused.code : "";
		};
		const balances: (readonly unknown[])[] = [];
		let heads = purses.witnesses.A.heads;
		const copy = async () => {
			// Before the files: what is written meanwhile its agent would know of, and they not.
			heads = new Map(purses.witnesses.A.heads);
			await mkdir(backup);
			await over(folder, backup);
		};
		assert.equal(await pay(backUp === "open" ? copy : undefined), "");
		if (backUp === "closed") await copy();
		assert.equal(await pay(), "");
		await putBack(backup, folder);
		for (const [id, head] of heads) purses.witnesses.A.heads.set(id, head);
		purses.reports.X.length = 0;
		return { code: await pay(), reports: purses.reports.X, balances };
	}
	/** As `cp -a` does: into the files that are there, with their old times. */
	const over = async (from: string, into: string, only = /./) => {
		for (const name of (await readdir(from)).filter((name) =>
			only.test(name),
		)) {
			const [old, path] = [join(from, name), join(into, name)];
			const { atime, mtime } = await stat(old);
			await copyFile(old, path);
			await utimes(path, atime, mtime);
		}
	};
	const anew = async (backup: string, folder: string) => {
		await rm(folder, { recursive: true });
		await mkdir(folder, { mode: 0o700 });
		await over(backup, folder);
	};
	const database = (backup: string, folder: string) =>
		over(backup, folder, /^X\.db$/);
	for (const [name, putBack, backUp] of [
		["as a new folder", anew, "closed"],
		["as a new folder, from a copy of open files", anew, "open"],
		["into the old folder", over, "closed"],
		["into the old folder, from a copy of open files", over, "open"],
		["by its database alone", database, "closed"],
	] as const)
		test(`${name}, pays nobody before it has met its issuer`, async () => {
			const { code, reports, balances } = await restored(putBack, backUp);
			assert.equal(code, "purse-behind");
			assert.deepEqual(balances, [
				[400n, 0n, undefined],
				[300n, 0n, undefined],
				[0n, 400n, "issuer-not-met"],
			]);
			const [said] = reports;
			assert.ok(said?.kind === "trouble");
			assert.match(said.error.message, /not where it was .* settle first/);
		});

	test("is none whose folder was renamed", async () => {
		const { code, reports } = await restored(async (_, folder) => {
			await rename(folder, `${folder}-moved`);
			await rename(`${folder}-moved`, folder);
		}, "closed");
		assert.equal(code, "");
		assert.ok(reports.every(({ kind }) => kind !== "trouble"));
	});

	test("leaves one mark beside its database, also after a process that died over it", async () => {
		await using around = await temporaryFolder();
		await using purses = await Purses.make(around.path);
		await purses.give("X", 500n);
		const marks = async () =>
			(await readdir(around.path)).filter((name) => /X\.db\.place/.test(name));
		for (let i = 0; i < 2; i++) {
			await using running = await purses.start();
			const { A, B } = await purses.meet(running.devices);
			const payment = purses.payment(100n);
			await B.expect(payment);
			await A.pay(payment);
			assert.equal((await marks()).length, 1);
			await writeFile(purses.path("X").concat(".place-", "0".repeat(32)), "");
		}
		assert.equal((await marks()).length, 1);
	});
});

test("a purse that is where it was starts on a full disk, and one that was put back does not", async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, "purse.db");
	const { PURSE_SCHEMA } = purseTables;
	await using store = await openSqliteStore({ path, schema: PURSE_SCHEMA });
	const full = (): Pick<Store, "transact"> => {
		let count = 0;
		return {
			transact: (transaction) =>
				++count === 2
					? Promise.reject(new TetradError("store-full", "no room"))
					: store.transact(transaction),
		};
	};
	const { state } = await openPlaced(path, store, false);
	for (let i = 0; i < 2; i++) {
		const again = await openPlaced(path, full(), false);
		assert.equal(again.wasMoved, false);
		assert.deepEqual(again.state.invoiceKey, state.invoiceKey);
	}
	const marks = (await readdir(folder.path)).filter((name) =>
		name.includes(".place-"),
	);
	for (const name of marks) {
		await rm(join(folder.path, name));
		await writeFile(join(folder.path, name), "");
	}
	await assert.rejects(openPlaced(path, full(), false), code("store-full"));
});

test("a purse that shall meet its issuer at every start pays nobody before", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	await purses.give("X", 500n);
	for (const expected of ["", "purse-behind"]) {
		await using running = await purses.start({ meetIssuerAtStart: true });
		const { A, B } = await purses.meet(running.devices);
		const payment = purses.payment(100n);
		await B.expect(payment);
		const refused = await A.pay(payment).catch((thrown) => thrown);
		// Nothing had happened to it before the first payment.
		assert.equal(refused instanceof TetradError ? refused.code : "", expected);
	}
});

/** A tetrad of an agent whose module is played by the test. */
function alone() {
	const made = { ended: false, sent: [] as Uint8Array[] };
	const send = async (bytes: Uint8Array) => void made.sent.push(bytes);
	const channel = () => new Channel({ send, full: () => {} });
	const module = channel();
	const close = async () => {
		made.ended = true;
		module.end(undefined);
	};
	const parties = { X: { deviceId: new Uint8Array(41) } };
	const tetrad = { place: "A", agent: channel(), module, parties, close };
	return Object.assign(made, {
		module,
		tetrad: tetrad as unknown as Tetrad,
	});
}

const ISSUER = new Uint8Array(41);
const OF_ONE = {
	contract: new Uint8Array(32),
	issuer: ISSUER,
	currency: "EUR",
	amount: 1n,
};

test("whoever takes what is not of money and throws ends the tetrad, and a payment is in doubt", async () => {
	const agent = alone();
	const payments = new Payments(agent.tetrad, {
		other: () => {
			throw new TetradError("malformed", "no");
		},
	});
	const paying = payments.pay(OF_ONE);
	agent.module.deliver([textMessage("hello")]);
	await assert.rejects(paying, code("payment-in-doubt"));
	await payments.over;
	assert.ok(agent.ended);
	await assert.rejects(payments.settle(ISSUER), code("malformed"));
});

test("a payment is told of with its receipt, and that the head was not kept, when a witness throws at it", async () => {
	const agent = alone();
	let throws = true;
	const payments = new Payments(agent.tetrad, {
		witness: {
			head: () => undefined,
			keep: () => {
				if (throws) throw new RangeError("?");
				return Promise.resolve();
			},
		},
	});
	const { WITH_AGENT, message } = messages;
	const chain = new Uint8Array(30);
	const told = (number: bigint) => {
		const head = { number, hash: new Uint8Array(32) };
		agent.module.deliver([message(WITH_AGENT.witness, head)]);
		const { contract, amount } = OF_ONE;
		const receipt = new Uint8Array(20);
		agent.module.deliver([
			message(WITH_AGENT.paid, {
				contract,
				amount,
				receipt,
				chain,
				key: undefined,
			}),
		]);
	};
	const paying = payments.pay(OF_ONE);
	told(1n);
	const { amount, receipt, unkept } = await paying;
	assert.deepEqual(
		[amount, receipt.length, unkept?.code],
		[1n, 20, "internal"],
	);
	throws = false;
	const again = payments.pay(OF_ONE);
	told(2n);
	assert.deepEqual(await again, { amount: 1n, receipt, chain });
	assert.ok(!agent.ended);
});

describe("an agent whose other processes hear of heads, too", () => {
	const head = { number: 5n, hash: new Uint8Array(32).fill(7) };

	/** Payments whose witness has to look first how far others have come. */
	function catchingUp() {
		const agent = alone();
		const looking = Promise.withResolvers<void>();
		let known: typeof head | undefined;
		const payments = new Payments(agent.tetrad, {
			witness: {
				head: () => known,
				catchUp: () => looking.promise,
				keep: async () => {},
			},
		});
		const caughtUp = () => {
			known = head;
			looking.resolve();
		};
		return { agent, payments, caughtUp, fails: looking.reject };
	}

	test("says nothing to its module before it knows how far all of them have seen its purse come, and that first", async () => {
		const { agent, payments, caughtUp } = catchingUp();
		const paying = payments.pay(OF_ONE);
		paying.catch(() => {});
		payments.tell(textMessage("a question"));
		await new Promise(setImmediate);
		assert.equal(agent.sent.length, 0);
		caughtUp();
		await new Promise(setImmediate);
		const { WITH_AGENT, body } = messages;
		const [first, ...others] = agent.sent;
		assert.deepEqual(body(WITH_AGENT.witness, first as Uint8Array), head);
		assert.equal(others.length, 2);
		agent.module.end(undefined);
		await assert.rejects(paying, code("payment-in-doubt"));
	});

	test("gives the tetrad up when it cannot know that, and nothing is paid", async () => {
		const { agent, payments, fails } = catchingUp();
		const paying = payments.pay(OF_ONE);
		fails(new TetradError("store-failed", "the server is gone"));
		await assert.rejects(paying, code("store-failed"));
		await payments.over;
		assert.ok(agent.ended);
		assert.equal(agent.sent.length, 0);
	});
});

test("messages that are not of money end the tetrad, unless somebody takes them", async () => {
	await using folder = await temporaryFolder();
	await using purses = await Purses.make(folder.path);
	const refused: string[] = [];
	await using running = await purses.start({
		refused: (_, { code }) => refused.push(code),
	});
	const { A, tetrads } = await purses.meet(running.devices);
	await tetrads.A.module.send(textMessage("hello"));
	await A.over;
	await tetrads.A.closed.catch(() => {});
	assert.deepEqual(refused, ["unexpected-message"]);
	assert.equal(tetrads.A.ended, true);
});
