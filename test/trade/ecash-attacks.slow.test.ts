/* Who lies about ecash: a payer that locks something else, a payee that claims and is silent, and copies of both. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { realEcash } from "../../sim/ecash-crypto.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	encodeLock,
	type ProvenProof,
	parseLock,
} from "../../src/money/cashu/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/index.ts";
import { messages } from "../../src/money/index.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { requireRest } from "./rail-contract.ts";

const { body, message } = messages;
const world = await makeWorld({ algorithm: "Ed25519" });

type Lock = ReturnType<typeof lockIn>;

function lockIn(bytes: Uint8Array) {
	return body(ABOUT_LOCKS.lock, bytes);
}

async function until(kind: keyof typeof ABOUT_LOCKS) {
	const ecash = await EcashMarket.make({ world }, {}, realEcash());
	return { ecash, ...(await ecash.buyUntil(kind)) };
}

/** Changes the lock that is on its way. */
function alter(
	{ market }: EcashMarket,
	change: (lock: Lock, proofs: readonly ProvenProof[]) => Partial<Lock>,
): void {
	const [wired] = market.town.wire;
	assert.ok(wired?.bytes);
	const lock = lockIn(wired.bytes);
	const bytes = message(ABOUT_LOCKS.lock, {
		...lock,
		...change(lock, parseLock(lock.lock)),
	});
	market.town.wire[0] = { ...wired, bytes };
}

function withSecret(
	proofs: readonly ProvenProof[],
	change: (secret: string) => string,
): { lock: Uint8Array } {
	return {
		lock: encodeLock(
			proofs.map((proof) => ({ ...proof, secret: change(proof.secret) })),
		),
	};
}

const OTHER = "ab".repeat(32);

/** What a payer could give in the place of what it has to. */
const LIES: Readonly<
	Record<string, (lock: Lock, proofs: readonly ProvenProof[]) => Partial<Lock>>
> = {
	"another hash": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace(/"data":"[0-9a-f]{64}"/, `"data":"${OTHER}"`),
		),
	"another deadline": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace(/"locktime","\d+"/, '"locktime","99"'),
		),
	"another payee": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace(/"pubkeys","[0-9a-f]+"/, `"pubkeys","02${OTHER}"`),
		),
	"another contract in its tag": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace(
				/"tetrad_contract","[0-9a-f]+"/,
				`"tetrad_contract","${OTHER}"`,
			),
		),
	"another tetrad in its tag": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace(
				/"tetrad_binding","[0-9a-f]+"/,
				`"tetrad_binding","${OTHER}"`,
			),
		),
	"a second tag of one name": (_, proofs) =>
		withSecret(proofs, (secret) =>
			secret.replace('["locktime"', '["locktime","1"],["locktime"'),
		),
	"a lock to a key alone": (_, proofs) =>
		withSecret(proofs, (secret) => secret.replace('"HTLC"', '"P2PK"')),
	"less money": (_, proofs) => ({ lock: encodeLock(proofs.slice(1)) }),
	"one proof twice": (_, proofs) => ({
		lock: encodeLock([...proofs.slice(1), ...proofs.slice(1, 2)]),
	}),
	"another amount of a proof": (_, proofs) => ({
		lock: encodeLock(
			proofs.map((proof) => ({ ...proof, amount: 2n * proof.amount })),
		),
	}),
	"a proof of another keyset": (_, proofs) => ({
		lock: encodeLock(
			proofs.map((proof) => ({
				...proof,
				keyset: new Uint8Array(proof.keyset.length).fill(0),
			})),
		),
	}),
	"a signature that shows nothing": (_, proofs) => ({
		lock: encodeLock(
			proofs.map((proof) => ({
				...proof,
				dleq: { ...proof.dleq, s: proof.dleq.e },
			})),
		),
	}),
	"another price": ({ amount }) => ({ amount: amount - 1n }),
	"another currency": () => ({ currency: "USD" }),
};

describe("a lock that is not what its contract asks for is refused, and its payer has its money back", () => {
	for (const [name, lie] of Object.entries(LIES))
		test(name, async () => {
			const { ecash, contract, visit } = await until("lock");
			const { market, rail } = ecash;
			alter(ecash, lie);
			await market.quiet();
			assert.equal(ecash.stateOf(contract.hash, market.bob), undefined);
			assert.deepEqual(market.brief(contract), [
				"in-doubt 250: payment-in-doubt",
			]);
			assert.ok(!market.isKeyed(contract));
			// The same purchase goes on when what was locked is given after all, or is back.
			market.town.part(market.ann, visit.tetrad);
			await market.quiet();
			await ecash.passDeadline();
			await requireRest(rail, contract);
		});

	test("so many bytes that no message has them end the tetrad", async () => {
		const { ecash } = await until("lock");
		const { market } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired?.bytes);
		const bytes = new Uint8Array(10_000_000);
		bytes.set(wired.bytes);
		market.town.wire[0] = { ...wired, bytes };
		await market.quiet();
		assert.deepEqual(market.bob.ended, ["malformed"]);
	});
});

describe("a lock that was good once", () => {
	test("is nothing in another tetrad of other agents, or for another contract", async () => {
		const { ecash, contract, visit } = await until("lock");
		const { market } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired?.bytes);
		const old = lockIn(wired.bytes);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		market.town.part(market.ann, visit.tetrad);
		await market.quiet();
		// Another contract, in a tetrad of its own, for which the same proofs are given again.
		const { contract: other } = await ecash.buyUntil("lock");
		alter(ecash, () => ({ lock: old.lock }));
		await market.quiet();
		assert.equal(ecash.stateOf(other.hash, market.bob), undefined);
		await ecash.passDeadline();
		assert.equal(ecash.balance(market.bob), 250n);
		ecash.requireConserved();
	});

	test("given twice is claimed once, and its payer has the key twice", async () => {
		const { ecash, contract } = await until("lock");
		const { market } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired);
		market.town.wire.push({ ...wired });
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		assert.equal(ecash.balance(market.bob), 250n);
		ecash.requireConserved();
	});
});

describe("a payee", () => {
	test("that claims and says that it did not is found out by its mint", async () => {
		const { ecash, contract } = await until("lockClaimed");
		const { market, rail } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired);
		const refused = message(messages.BETWEEN_MODULES.refused, {
			contract: contract.hash,
			code: "payment-refused",
			reason: "nothing came",
		});
		market.town.wire[0] = { ...wired, bytes: refused };
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "bought");
		await requireRest(rail, contract, "bought");
	});

	test("that gives another key is asked no more than the mint is believed", async () => {
		const { ecash, contract } = await until("lockClaimed");
		const { market, rail } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired?.bytes);
		const claimed = body(ABOUT_LOCKS.lockClaimed, wired.bytes);
		const bytes = message(ABOUT_LOCKS.lockClaimed, {
			...claimed,
			key: nodeCrypto.sha256(claimed.key),
		});
		market.town.wire[0] = { ...wired, bytes };
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "bought");
		assert.ok(market.isKeyed(contract));
		await requireRest(rail, contract, "bought");
	});

	test("that gives the key with a receipt of something else has sold nevertheless", async () => {
		const { ecash, contract } = await until("lockClaimed");
		const { market, rail } = ecash;
		const [wired] = market.town.wire;
		assert.ok(wired?.bytes);
		const claimed = body(ABOUT_LOCKS.lockClaimed, wired.bytes);
		const receipt = claimed.receipt.slice();
		receipt.fill(0, receipt.length - 8);
		const bytes = message(ABOUT_LOCKS.lockClaimed, { ...claimed, receipt });
		market.town.wire[0] = { ...wired, bytes };
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		const heard = market.heard(contract)[0];
		assert.ok(heard?.kind === "bought" && heard.receipt.length === 0);
		await requireRest(rail, contract, "bought");
	});
});

describe("a payer", () => {
	test("that takes it back while the payee claims: one of them has it, and both are told the truth", async () => {
		for (const first of ["payer", "payee"] as const) {
			const { ecash, contract } = await until("lock");
			const { market, rail } = ecash;
			const { town } = market;
			const [lost] = town.wire.splice(0, 1);
			assert.ok(lost);
			// The payee hears of it only after the deadline.
			if (first === "payer") await ecash.passDeadline();
			else town.now += 6 * 86_400_000;
			if (first === "payer") {
				assert.equal(ecash.stateOf(contract.hash, market.ann), "refunded");
				assert.match(market.brief(contract).at(-1) ?? "", /^refunded 250/);
			}
			town.wire.push(lost);
			await market.quiet();
			await ecash.pass();
			// Past the deadline it is refused by the payee's own clock, so that nobody waits for it.
			assert.ok(!market.isKeyed(contract));
			await requireRest(rail, contract, "refunded");
		}
	});

	test("whose payee claims at the very end has the key from the mint, and not the money", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint, rail } = ecash;
		// The claim is made, and nobody hears that it was.
		mint.add({ kind: "answer-lost", at: "swap" });
		await market.quiet();
		mint.clear();
		market.town.die(market.bob);
		await market.quiet();
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "keyed");
		market.town.restart(market.bob);
		await ecash.pass();
		await requireRest(rail, contract, "bought");
	});

	test("whose mint shows a witness that is no key, or none, stays in doubt and is told why", async () => {
		const { ecash, contract } = await until("lock");
		const { market, mint } = ecash;
		mint.add({ kind: "answer-lost", at: "swap" });
		await market.quiet();
		mint.clear();
		market.town.die(market.bob);
		await market.quiet();
		mint.add({ kind: "witness-forgotten" });
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "locked");
		assert.match(
			market.ann.reports
				.flatMap((report) =>
					report.kind === "trouble" ? [report.error.message] : [],
				)
				.join("\n"),
			/shows no key/,
		);
		// The merchant still has it.
		market.town.restart(market.bob);
		await ecash.pass();
		await market.meet();
		await market.quiet();
		assert.ok(market.isKeyed(contract));
		mint.clear();
		await requireRest(ecash.rail, contract, "bought");
	});
});

describe("proofs that were spent", () => {
	test("by another copy of the purse before are told of, and what is left of them is there", async () => {
		const ecash = await EcashMarket.make({ world }, {}, realEcash());
		const { market } = ecash;
		ecash.spendBefore(market.ann, 256n);
		const visit = await market.meet();
		const contract = await market.contract(visit, { amount: 300n });
		market.buy(visit, contract);
		await market.quiet();
		await ecash.pass();
		assert.match(market.brief(contract).at(-1) ?? "", /double-spent/);
		// What it was paid with beside that is the purse's again.
		assert.equal(ecash.balance(market.ann), 1000n - 256n);
		ecash.requireConserved(1000n - 256n);
	});
});
