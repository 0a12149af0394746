/* A home that several processes of one device have open together. */
import assert from "node:assert/strict";
import { cp, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import { importList, listStatus } from "../../src/device/home/home-lists.ts";
import { HomeLock, readHome } from "../../src/device/home/index.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { TetradError } from "../../src/errors.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { sameBytes } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { issueList, type NewList, until } from "./support.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let home: string;
let count = 0;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(() => folder[Symbol.asyncDispose]());
beforeEach(async () => {
	home = homes.at(`home-${++count}`);
	await cp(homes.of("B"), home, { recursive: true });
});

async function list(kind: "agency" | "bank", of: NewList): Promise<Uint8Array> {
	const [root = new Uint8Array()] = await readRoots(homes.at(kind));
	const key = await readSoftwareKey(homes.at(kind, "key.pem"));
	return issueList(new SoftwareAuthority(root, key), of);
}

/** One process of the agent, which follows the others. */
async function start(
	number: number,
	now: () => number = Date.now,
): Promise<{
	readonly agent: TrustedAgent;
	/** Numbers of lists that came into force. */
	readonly learned: readonly bigint[];
	/** Whether it would begin a tetrad now, and why not. */
	whyNot(): Promise<string>;
	[Symbol.asyncDispose](): Promise<void>;
}> {
	await using open = new AsyncDisposableStack();
	const read = await readHome(home, "agent", {
		now,
		oneOf: { number, of: 3 },
	});
	open.use(read);
	const learned: bigint[] = [];
	const agent = new TrustedAgent({
		...read,
		observeLists: (event) => {
			if (event.kind === "learned") learned.push(event.number);
		},
	});
	open.use(agent);
	open.use(read.follow((bundle) => agent.learnList(bundle)));
	const held = open.move();
	return {
		agent,
		learned,
		async whyNot() {
			const refused = await agent
				.connect({ close() {} } as never)
				.catch((thrown) => thrown);
			return refused.code;
		},
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

const busy = { code: "busy" };

describe("a home of several processes", () => {
	test("is had by each of them once, and by nobody else meanwhile", async () => {
		{
			await using _ = await start(1);
			await using __ = await start(2);
			await assert.rejects(start(2), { ...busy, message: /process 2 / });
			await assert.rejects(readHome(home, "agent"), busy);
			await assert.rejects(
				importList(home, await list("bank", { number: 1n })),
				busy,
			);
			assert.deepEqual(await HomeLock.holders(home), [
				{ process: process.pid, number: 1 },
				{ process: process.pid, number: 2 },
			]);
			assert.equal(await HomeLock.holder(home), process.pid);
		}
		assert.deepEqual(await HomeLock.holders(home), []);
		await using alone = await readHome(home, "agent");
		assert.ok(alone);
		await assert.rejects(start(1), busy);
		assert.deepEqual(await HomeLock.holders(home), [{ process: process.pid }]);
	});

	test("learns in all of them what one learns, and forgets nothing that another has stored", async () => {
		await using one = await start(1);
		await using two = await start(2);
		await Promise.all([
			one.agent.learnList(await list("bank", { number: 4n })),
			two.agent.learnList(await list("agency", { number: 9n })),
		]);
		for (const { learned } of [one, two])
			await until(
				() => learned.includes(4n) && learned.includes(9n),
				"it learns of both lists",
			);
		// An older one that reaches another process does not come back.
		await assert.rejects(
			two.agent.learnList(await list("bank", { number: 3n })),
			{
				code: "list-refused",
			},
		);
		await two.agent.learnList(await list("bank", { number: 6n }));
		await until(() => one.learned.includes(6n), "it learns of the newer list");
		const held = await listStatus(home);
		assert.deepEqual(
			held.map(({ list }) => list?.number),
			[9n, 6n],
		);
		await using three = await start(3);
		await assert.rejects(
			three.agent.learnList(await list("bank", { number: 5n })),
			{ code: "list-refused" },
		);
	});

	test("has a list tried again that could not be learned for a reason that passes, and none that is refused", async () => {
		await using one = await start(1);
		await using two = await readHome(home, "agent", {
			oneOf: { number: 2, of: 3 },
		});
		const passing = await list("bank", { number: 4n });
		const refused = await list("agency", { number: 9n });
		await one.agent.learnList(passing);
		await one.agent.learnList(refused);
		const tries = { passing: 0, refused: 0 };
		await using _ = two.follow(async (bundle) => {
			if (!sameBytes(bundle, passing)) {
				tries.refused++;
				throw new TetradError("list-refused", "it is of no use here");
			}
			if (++tries.passing < 3)
				throw new TetradError("home-unusable", "the disk is full");
		});
		await until(() => tries.passing === 3, "the one is tried again");
		assert.deepEqual(tries, { passing: 3, refused: 1 });
	});

	test("learns the other lists while one cannot be read, and that one when it can", async () => {
		await using one = await start(1);
		await using two = await readHome(home, "agent", {
			oneOf: { number: 2, of: 3 },
		});
		const bank = await list("bank", { number: 4n });
		const agency = await list("agency", { number: 9n });
		await one.agent.learnList(bank);
		const [name = ""] = await readdir(join(home, "lists"));
		await one.agent.learnList(agency);
		const file = join(home, "lists", name);
		await rename(file, join(home, "elsewhere"));
		const learned: Uint8Array[] = [];
		await using _ = two.follow(async (bundle) => void learned.push(bundle));
		await until(() => learned.length > 0, "it learns of the other list");
		await rename(join(home, "elsewhere"), file);
		await until(() => learned.length > 1, "it learns of both");
		assert.ok(sameBytes(learned[0] ?? bank, agency));
		assert.ok(sameBytes(learned[1] ?? agency, bank));
	});

	test("is not had by a process whose clock is behind what another has seen, whichever began first", async () => {
		const ahead = Date.now() + 3 * 86_400_000;
		let setRight = false;
		await using late = await start(1, () => (setRight ? ahead : Date.now()));
		assert.equal(await late.whyNot(), "not-paired");
		await using early = await start(2, () => ahead);
		assert.equal(await early.whyNot(), "not-paired");
		let refused = "";
		for (let looked = 0; refused !== "clock-wrong" && looked < 500; looked++) {
			await delay(20);
			refused = await late.whyNot();
		}
		assert.equal(refused, "clock-wrong", "it hears what the other has seen");
		await assert.rejects(start(3), { code: "clock-wrong" });
		setRight = true;
		assert.equal(await late.whyNot(), "not-paired");
	});
});
