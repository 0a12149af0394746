/*
 * A buyer's module that was put back to before it paid with ecash, and an agent that still has the
 * contract: what was locked is found at the mint, the key is there or the money comes back, and
 * nothing is paid twice.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/index.ts";
import {
	ecashTables,
	FIRST_HEAD,
	markRestored,
	spendingTables,
} from "../../src/money/index.ts";
import { MAX_RECALLED } from "../../src/money/purse/purse-limits.ts";
import { LOG } from "../../src/money/purse/purse-tables.ts";
import {
	type Contract,
	encodeMintTerms,
	parseMintTerms,
} from "../../src/trade/documents/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";
import { MINUTE, type Visit } from "./market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

interface Purchase {
	readonly ecash: EcashMarket;
	readonly visit: Visit;
	readonly contract: Contract;
}

interface Scene extends Purchase {
	/** Puts the buyer's module back to before it was asked to pay. */
	putBack(): void;
	/** Puts the merchant's module back to the same time. */
	putMerchantBack(): void;
}

/** A purchase that goes on to before that message between the modules, or to its end. */
async function bought(
	before?: keyof typeof ABOUT_LOCKS,
	inputFeePpk = 0,
): Promise<Scene> {
	const ecash = await EcashMarket.make({ world }, { inputFeePpk });
	const { market } = ecash;
	const { town, ann, bob } = market;
	const visit = await market.meet();
	const contract = await market.contract(visit);
	const [annThen, bobThen] = [ann.store.copy(), bob.store.copy()];
	market.buy(visit, contract);
	await town.work();
	const type = before && ABOUT_LOCKS[before].type;
	for (let i = 0; town.wire.length > 0; i++) {
		assert.ok(i < 100);
		if (town.wire[0]?.bytes?.[0] === type) break;
		await town.deliver();
	}
	town.wire.splice(0);
	town.part(ann, visit.tetrad);
	await market.quiet();
	return {
		...{ ecash, visit, contract },
		putBack: () => {
			ann.store = annThen;
			town.restart(ann);
		},
		putMerchantBack: () => {
			bob.store = bobThen;
			town.restart(bob);
		},
	};
}

/** As a buyer's agent that has it provisional: it cancels, and recalls it when its module may have forgotten it. What it heard last. */
async function resume(
	{ ecash: { market }, visit, contract }: Purchase,
	meet: () => Promise<{ readonly tetrad: number }> = () => market.meet(),
): Promise<string> {
	const { tetrad } = await meet();
	market.about("cancel", tetrad, contract);
	await market.quiet();
	if (last({ market, contract }).endsWith(": purse-behind"))
		market.recall(tetrad, contract, visit);
	await market.quiet();
	return last({ market, contract });
}

function last({
	market,
	contract,
}: {
	readonly market: EcashMarket["market"];
	readonly contract: Contract;
}): string {
	return market.brief(contract).at(-1) ?? "";
}

/** Nobody is answered until that is called. */
function away(mint: EcashMarket["mint"]): () => void {
	const handle = mint.handle.bind(mint);
	mint.handle = () => ({ kind: "silence" });
	return () => {
		mint.handle = handle;
	};
}

/** How often the price of a contract was locked at the mint, and what became of it. */
function rowsOf({ ecash, contract }: Pick<Purchase, "ecash" | "contract">) {
	const { ann, bob } = ecash.market;
	const of = hex(contract.hash);
	return {
		paid: ann.store
			.rows(ecashTables.LOCKED)
			.filter((row) => hex(row.contract) === of),
		sold: bob.store
			.rows(ecashTables.CLAIMED)
			.filter((row) => hex(row.contract) === of),
	};
}

describe("a module that was put back to before it paid", () => {
	test("does not believe a mint that says it has signed more for a lock than one has, and asks it again", async () => {
		const scene = await bought();
		const { ecash, contract } = scene;
		const { market, mint } = ecash;
		const handle = mint.handle.bind(mint);
		mint.handle = (request, now) => {
			if (request.path !== "/v1/restore") return handle(request, now);
			const { outputs } = JSON.parse(parseUtf8(request.body)) as {
				outputs: { id: string; B_: string }[];
			};
			const said = {
				outputs: outputs.map((one) => ({ ...one, amount: 1 })),
				signatures: outputs.map(({ id, B_ }) => ({ id, amount: 1, C_: B_ })),
			};
			const body = utf8(JSON.stringify(said));
			return { kind: "answer", delayMs: 0, status: 200, body };
		};
		scene.putBack();
		await resume(scene);
		await ecash.pass();
		assert.ok(market.ann.machine);
		assert.equal(rowsOf(scene).paid.length, 0);
		mint.handle = handle;
		await ecash.pass();
		assert.equal(last({ market, contract }), "bought");
		assert.equal(rowsOf(scene).paid.length, 1);
	});

	test("goes on when its agent recalls what names no key that anything could be locked to", async () => {
		const scene = await bought("lockOffer");
		const { ecash, visit } = scene;
		const { market } = ecash;
		const terms = parseMintTerms(scene.contract.certificate);
		const certificate = encodeMintTerms({
			...terms,
			payeeKey: filled(33, 0xff),
		});
		const contract = await market.contract(visit, {
			...{ certificate, keyHash: scene.contract.keyHash },
		});
		const { tetrad } = await market.meet();
		market.recall(tetrad, contract, visit);
		await market.quiet();
		await ecash.pass();
		assert.match(last({ market, contract }), /^aborted/);
		assert.ok(market.ann.machine);
	});

	test("has the key and the receipt, once its agent recalls the purchase where the four meet", async () => {
		const scene = await bought();
		const { ecash, contract } = scene;
		const { market } = ecash;
		scene.putBack();
		assert.equal(await resume(scene), "bought");
		const heard = market.heard(contract).at(-1);
		assert.ok(heard?.kind === "bought" && heard.receipt.length > 0);
		assert.ok(market.isKeyed(contract));
		const { paid, sold } = rowsOf(scene);
		assert.deepEqual([paid.length, sold.length], [1, 1]);
		assert.equal(ecash.balance(market.bob), contract.amount);
		// It is known from then on, as any other, also to another agent.
		market.town.restart(market.ann);
		const there = await market.meet();
		const [learned] = await market.learn(there);
		assert.equal(learned?.step, "keyed");
		assert.deepEqual(learned?.exporter, scene.visit.exporter);
		market.buy(there, contract);
		await market.quiet();
		assert.equal(last({ market, contract }), "bought");
		assert.equal(ecash.balance(market.bob), contract.amount);
	});

	test("has the key of its mint where the merchant is gone", async () => {
		const scene = await bought();
		const { market } = scene.ecash;
		scene.putBack();
		market.town.die(market.bob);
		const meet = async () => ({
			tetrad: await market.town.meet(market.ann, market.mint),
		});
		assert.equal(await resume(scene, meet), "bought");
	});

	test("gives its merchant what was locked and never arrived", async () => {
		const scene = await bought("lock");
		const { ecash, contract } = scene;
		scene.putBack();
		assert.equal(await resume(scene), "bought");
		assert.equal(ecash.stateOf(contract.hash, ecash.market.bob), "claimed");
		assert.equal(ecash.balance(ecash.market.bob), contract.amount);
	});

	test("does not know whether it was paid while its owner names the mint no more, and has it when the mint is named again", async () => {
		const { ecash } = await bought();
		const { market } = ecash;
		const { town, ann } = market;
		const before = ann.store.copy();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		const scene = { ecash, visit, contract };
		ann.store = before;
		ann.head = FIRST_HEAD;
		ann.store.run(markRestored(nodeCrypto, town.now, ann.device.deviceId));
		ecash.names(ann, false);
		// Its owner says that nothing was paid with notes since.
		const [{ number } = assert.fail()] = ann.store
			.rows(LOG)
			.filter(({ what }) => what === "behind");
		await town.override(ann, { ...FIRST_HEAD, number: number - 1n });
		assert.equal(await resume(scene), "in-doubt 0: purse-behind");
		const heard = market.heard(contract).at(-1);
		assert.ok(heard?.kind === "notBought");
		assert.match(heard.reason, /name that mint again/);
		assert.equal(rowsOf(scene).paid.length, 0);
		ecash.names(market.ann, true);
		assert.equal(await resume(scene), "bought");
		assert.equal(rowsOf(scene).paid.length, 1);
	});

	for (const named of [true, false])
		test(`by a backup of a purse that nothing had happened to does not say that it never paid${named ? "" : ", while its owner does not name the mint"}`, async () => {
			const scene = await bought();
			const { ecash } = scene;
			const { town, ann } = ecash.market;
			scene.putBack();
			assert.equal(ann.store.rows(LOG).length, 0);
			// Nobody tells it of what came after: its agent was put back, too, or is another one.
			ann.head = FIRST_HEAD;
			ann.store.run(markRestored(nodeCrypto, town.now, ann.device.deviceId));
			ecash.names(ann, named);
			if (!named) {
				assert.equal(await resume(scene), "in-doubt 0: purse-behind");
				ecash.names(ann, true);
			}
			assert.equal(await resume(scene), "bought");
			assert.equal(rowsOf(scene).paid.length, 1);
		});

	test("has the money back at the deadline when nobody claims it", async () => {
		const scene = await bought("lock");
		const { ecash, contract } = scene;
		const { market } = ecash;
		scene.putBack();
		market.town.die(market.bob);
		const meet = async () => ({
			tetrad: await market.town.meet(market.ann, market.mint),
		});
		assert.equal(await resume(scene, meet), "in-doubt 0: payment-in-doubt");
		await market.town.pass(MINUTE);
		market.listen();
		assert.equal(last({ market, contract }), "in-doubt 250: payment-in-doubt");
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "refunded");
		assert.match(last({ market, contract }), /^refunded 250: /);
	});

	test("counts it against the owner's limits from when it is found, and what comes back no more", async () => {
		for (const until of [undefined, "lock"] as const) {
			const scene = await bought(until, 100);
			const { ecash, contract } = scene;
			const { market } = ecash;
			const { town, ann } = market;
			scene.putBack();
			const none = { perPayment: undefined, approvalAbove: undefined };
			const most = { perDay: 300n, perMerchantDay: 300n, inAll: 300n };
			await town.limits(ann, {
				money: [{ ...none, ...most, issuer: MINT_ISSUER }],
			});
			if (until !== undefined) town.die(market.bob);
			const meet = async () => ({
				tetrad: await town.meet(ann, until ? market.mint : market.bob),
			});
			await resume(scene, until ? meet : undefined);
			await ecash.pass();
			const [paid] = rowsOf(scene).paid;
			assert.ok(paid !== undefined && paid.fee > 0n);
			const taken = contract.amount + paid.fee;
			const counted = () => [
				ann.store.rows(spendingTables.SPENT)[0]?.amount,
				ann.store.rows(spendingTables.SPENT_IN_ALL)[0]?.amount,
			];
			assert.deepEqual(counted(), [taken, taken]);
			const logged = ann.store
				.rows(LOG)
				.filter(({ what }) => what === "committed");
			assert.deepEqual(
				logged.map(({ amount }) => amount),
				[taken],
			);
			if (until === undefined) {
				await town.override(ann, ann.head);
				for (const _ of ["in this life", "after a start"]) {
					const visit = await market.meet();
					const second = await market.contract(visit);
					market.buy(visit, second);
					await market.quiet();
					const heard = market.heard(second).at(-1);
					assert.ok(heard?.kind === "notBought");
					assert.match(heard.reason, /of which 251 SAT are paid/);
					town.restart(ann);
				}
			} else {
				await ecash.passDeadline();
				assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
				assert.deepEqual(counted(), [paid.fee, paid.fee]);
			}
		}
	});

	test("says that nothing was paid when its mint has locked nothing, and not before that is sure", async () => {
		const scene = await bought("lockAgreed");
		const { ecash, contract } = scene;
		const { market } = ecash;
		const { town, ann } = market;
		scene.putBack();
		// Its agent keeps a head that came after, of something else.
		ann.head = { number: 1000n, hash: filled(32, 7) };
		assert.equal(await resume(scene), "in-doubt 0: payment-in-doubt");
		await town.pass(41 * MINUTE);
		market.listen();
		assert.equal(last({ market, contract }), "in-doubt 0: payment-in-doubt");
		await town.pass(61 * MINUTE);
		market.listen();
		assert.equal(last({ market, contract }), "aborted 0: offer-expired");
		assert.deepEqual(rowsOf(scene).paid, []);
		ecash.requireConserved();
	});

	test("does not say so where its seed may have made locks as they were at first, of which the mint cannot be asked for all", async () => {
		const scene = await bought("lockAgreed");
		const { ecash, contract } = scene;
		const { market } = ecash;
		const { town, ann } = market;
		scene.putBack();
		ecash.hadCountedLocks(ann);
		// Its agent keeps a head that came after, of something else.
		ann.head = { number: 1000n, hash: filled(32, 7) };
		assert.equal(await resume(scene), "in-doubt 0: payment-in-doubt");
		await town.pass(102 * MINUTE);
		market.listen();
		assert.equal(last({ market, contract }), "in-doubt 0: payment-in-doubt");
		const heard = market.heard(contract).at(-1);
		assert.ok(heard?.kind === "notBought");
		assert.match(heard.reason, /up to 1000 that are empty in a row/);
		assert.equal(await resume(scene), "in-doubt 0: payment-in-doubt");
		// What it has locked apart is found all the same.
		const other = await bought();
		other.putBack();
		other.ecash.hadCountedLocks(other.ecash.market.ann);
		assert.equal(await resume(other), "bought");
	});

	test("waits for a mint that is away, and goes on when asked in many tetrads", async () => {
		const scene = await bought();
		const { ecash, visit, contract } = scene;
		const { market, mint } = ecash;
		scene.putBack();
		const isBack = away(mint);
		assert.equal(await resume(scene), "in-doubt 0: payment-in-doubt");
		for (let i = 0; i < 3; i++) {
			const { tetrad } = await market.meet();
			market.recall(tetrad, contract, visit);
			market.about("cancel", tetrad, contract);
		}
		await market.quiet();
		assert.equal(last({ market, contract }), "in-doubt 0: payment-in-doubt");
		isBack();
		await ecash.pass();
		assert.equal(last({ market, contract }), "bought");
		assert.equal(rowsOf(scene).paid.length, 1);
		assert.equal(ecash.balance(market.bob), contract.amount);
	});

	test("begins again when it is started in between", async () => {
		const scene = await bought();
		const { ecash } = scene;
		const { market, mint } = ecash;
		scene.putBack();
		const isBack = away(mint);
		await resume(scene);
		market.town.restart(market.ann);
		isBack();
		assert.equal(await resume(scene), "bought");
	});

	for (const when of ["before", "after"] as const)
		for (let write = 1; write <= 4; write++)
			test(`has the key when it is killed ${when} write ${write} after that`, async () => {
				const scene = await bought();
				const { ecash, contract } = scene;
				const { market } = ecash;
				scene.putBack();
				market.town.killAt(market.ann, { write, when });
				await resume(scene);
				market.town.restart(market.ann);
				await resume(scene);
				await ecash.pass();
				assert.equal(last({ market, contract }), "bought");
				assert.equal(rowsOf(scene).paid.length, 1);
			});

	test("does not say that nothing was paid because its owner says so", async () => {
		const scene = await bought();
		const { market } = scene.ecash;
		scene.putBack();
		const { tetrad } = await market.meet();
		await market.quiet();
		market.town.part(market.ann, tetrad);
		await market.town.override(market.ann, market.ann.head);
		assert.equal(await resume(scene), "bought");
	});

	test("has the key also when the merchant's module was put back as well", async () => {
		const scene = await bought();
		const { ecash } = scene;
		scene.putBack();
		scene.putMerchantBack();
		assert.equal(await resume(scene), "bought");
		await ecash.pass();
		assert.equal(ecash.balance(ecash.market.bob), scene.contract.amount);
	});

	test("never pays for a contract of another tetrad, whatever its agent asks for", async () => {
		const scene = await bought("lockAgreed");
		const { ecash, visit, contract } = scene;
		const { market } = ecash;
		scene.putBack();
		const there = await market.meet();
		market.recall(there.tetrad, contract, visit);
		market.buy(there, contract);
		await market.quiet();
		await ecash.pass();
		market.buy(there, contract);
		await market.quiet();
		assert.deepEqual(rowsOf(scene), { paid: [], sold: [] });
		assert.equal(ecash.balance(market.ann), 1000n);
	});
});

describe("an agent that makes purchases up", () => {
	test("has no more of them looked for at once than there may be, and the true one when it is asked for again", async () => {
		const scene = await bought();
		const { ecash, visit, contract } = scene;
		const { market } = ecash;
		scene.putBack();
		const isBack = away(ecash.mint);
		const { tetrad } = await market.meet();
		for (let made = 0; made < MAX_RECALLED; made++)
			market.recall(
				tetrad,
				await market.contract(visit, { keyHash: contract.keyHash }),
				visit,
			);
		market.recall(tetrad, contract, visit);
		await market.quiet();
		assert.equal(last({ market, contract }), "in-doubt 0: busy");
		isBack();
		market.town.restart(market.ann);
		assert.equal(await resume(scene), "bought");
	});
});

describe("somebody else", () => {
	test("finds nothing of a purchase whose contract it has", async () => {
		const scene = await bought();
		const { ecash, visit, contract } = scene;
		const { market } = ecash;
		// Bob's module is told to recall what Ann has bought.
		const { tetrad } = await market.meet();
		market.recall(tetrad, contract, visit, market.bob);
		await market.quiet();
		assert.ok(!market.bob.tetrads.has(tetrad));
		assert.equal(rowsOf(scene).paid.length, 1);
	});
});
