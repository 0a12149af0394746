import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	ChainVerdicts,
	encodeChain,
	issueDevice,
	type TrustPolicy,
} from "../../src/identity/index.ts";
import { MAX_VERDICTS } from "../../src/identity/x509/profile.ts";
import { DAY, makeWorld, TEST_NOW } from "../support/authority.ts";
import { anchorOf, forgeLeaf, forgeRoot, refusal } from "./forge.ts";

const world = await makeWorld({ withIntermediate: true });

/** Counts the signatures that were verified, which is what a remembered verdict saves. */
function counting(policy: TrustPolicy): {
	verdicts: ChainVerdicts;
	verified: () => number;
} {
	let count = 0;
	const crypto: typeof nodeCrypto = {
		...nodeCrypto,
		verify(...args) {
			count++;
			return nodeCrypto.verify(...args);
		},
	};
	return { verdicts: new ChainVerdicts(crypto, policy), verified: () => count };
}

suite("verdicts", () => {
	test("are remembered: a chain seen before costs no signature", async () => {
		const { verdicts, verified } = counting(world.policy);
		const { chain } = await world.agent("shop");
		const first = verdicts.judge(chain, "agent", world.now);
		assert.equal(verified(), 2);
		assert.equal(verdicts.judge(chain.slice(), "agent", world.now), first);
		assert.equal(verified(), 2);
	});

	test("about who was certified whenever that was are remembered, too", async () => {
		const { verdicts, verified } = counting(world.policy);
		const { chain } = await world.agent("shop");
		const first = verdicts.certified(chain, "agent");
		assert.equal(verified(), 2);
		assert.equal(verdicts.certified(chain.slice(), "agent"), first);
		assert.equal(verified(), 2);
		assert.throws(
			() => verdicts.certified(chain, "module"),
			refusal("chain-refused", /role "agent" and not for "module"/),
		);
		// It is no verdict on whether to trust that device now.
		assert.throws(
			() => verdicts.judge(chain, "agent", world.now + 91 * DAY),
			refusal("chain-refused", /"shop" expired/),
		);
	});

	test("ask for the signatures of a chain once, whoever asks: a link, a tetrad, or a receipt", async () => {
		const { verdicts, verified } = counting(world.policy);
		const { chain } = await world.agent("shop");
		const { now } = world;
		const first = verdicts.judgeForLink(chain, "agent", now);
		assert.equal(verified(), 2);
		assert.equal(verdicts.judge(chain, "agent", now), first);
		assert.equal(verdicts.judgeSigned(chain, "agent", now), first);
		assert.equal(verdicts.certified(chain, "agent"), first);
		assert.equal(verified(), 2);
		for (const judge of [
			() => verdicts.judgeForLink(chain, "agent", now + 91 * DAY),
			() => verdicts.judgeSigned(chain, "agent", now + 91 * DAY),
		])
			assert.throws(judge, refusal("chain-refused", /"shop" expired/));
		assert.throws(
			() => verdicts.judgeForLink(chain, "module", now),
			refusal("chain-refused", /role "agent" and not for "module"/),
		);
	});

	test("find the root that is valid when one of the same name and key is not any more", async () => {
		const old = await forgeRoot("agency", { notAfter: TEST_NOW + DAY });
		const renewed = await forgeRoot(
			"agency",
			{ notAfter: TEST_NOW + 3 * DAY },
			old.key,
		);
		const verdicts = new ChainVerdicts(nodeCrypto, {
			agencies: [...anchorOf(old), ...anchorOf(renewed)],
			banks: [],
		});
		const chain = encodeChain([(await forgeLeaf(old)).der]);
		verdicts.judgeForLink(chain, "agent", TEST_NOW);
		const later = TEST_NOW + 2 * DAY;
		assert.ok(verdicts.judgeForLink(chain, "agent", later).notAfter > later);
	});

	test("hold for one role only", async () => {
		const { verdicts } = counting(world.policy);
		const { chain } = await world.agent("shop");
		verdicts.judge(chain, "agent", world.now);
		assert.throws(
			() => verdicts.judge(chain, "module", world.now),
			refusal("chain-refused", /role "agent" and not for "module"/),
		);
	});

	test("end when the leaf expires, and are asked before it is valid", async () => {
		const { verdicts } = counting(world.policy);
		const { chain } = await world.agent("shop");
		verdicts.judge(chain, "agent", world.now);
		assert.throws(
			() => verdicts.judge(chain, "agent", world.now + 91 * DAY),
			refusal("chain-refused", /"shop" expired/),
		);
		assert.throws(
			() => verdicts.judge(chain, "agent", world.now - 91 * DAY),
			refusal("chain-refused", /"shop" is not valid before/),
		);
		assert.throws(
			() => verdicts.judge(chain, "agent", Number.NaN),
			refusal("invalid-argument", /time is not a number/),
		);
		assert.equal(verdicts.judge(chain, "agent", world.now).name, "shop");
	});

	test("end when the anchor expires, even if the leaf would outlive it", async () => {
		const root = await forgeRoot("agency", { notAfter: TEST_NOW + DAY });
		const leaf = await forgeLeaf(root);
		const verdicts = new ChainVerdicts(nodeCrypto, {
			agencies: anchorOf(root),
			banks: [],
		});
		const chain = encodeChain([leaf.der]);
		verdicts.judge(chain, "agent", TEST_NOW);
		assert.throws(
			() => verdicts.judge(chain, "agent", TEST_NOW + 2 * DAY),
			refusal("chain-refused", /"agency root" expired/),
		);
	});

	test("are not remembered when they are refusals", async () => {
		const root = await forgeRoot();
		const { verdicts, verified } = counting({
			agencies: anchorOf(root),
			banks: [],
		});
		const leaf = await forgeLeaf(await forgeRoot());
		const chain = encodeChain([leaf.der]);
		for (const count of [1, 2]) {
			assert.throws(() => verdicts.judge(chain, "agent", TEST_NOW));
			assert.equal(verified(), count);
		}
	});

	test("are forgotten oldest first when there are too many", async () => {
		const { verdicts, verified } = counting(world.policy);
		const { issuer } = world.agency;
		const { algorithm, publicKey } = issuer.signer;
		const chains: Uint8Array[] = [];
		for (let i = 0; i <= MAX_VERDICTS; i++) {
			const leaf = await issueDevice(nodeCrypto, {
				role: "agent",
				name: `shop-${i}`,
				algorithm,
				publicKey,
				issuer,
				notBefore: world.now - DAY,
				notAfter: world.now + DAY,
			});
			chains.push(encodeChain([leaf, ...world.agency.intermediates]));
		}
		const judge = (i: number) => {
			const before = verified();
			verdicts.judge(chains[i] as Uint8Array, "agent", world.now);
			return verified() - before;
		};
		for (let i = 0; i < MAX_VERDICTS; i++) assert.equal(judge(i), 2);
		assert.equal(judge(0), 0, "all fit");
		assert.equal(judge(MAX_VERDICTS), 2, "one more");
		assert.equal(judge(1), 0, "only one was forgotten");
		assert.equal(judge(MAX_VERDICTS), 0);
		assert.equal(judge(0), 2, "and that was the oldest");
	});

	test("do not follow a policy that is changed afterwards", async () => {
		const agencies = [...world.policy.agencies];
		const verdicts = new ChainVerdicts(nodeCrypto, { agencies, banks: [] });
		agencies.length = 0;
		const { chain } = await world.agent("shop");
		assert.equal(verdicts.judge(chain, "agent", world.now).name, "shop");
	});
});

suite("without a policy there is no connection", () => {
	const nobody = new ChainVerdicts(nodeCrypto, { agencies: [], banks: [] });

	test("to an agent", async () => {
		const { chain } = await world.agent("shop");
		assert.throws(
			() => nobody.judge(chain, "agent", world.now),
			refusal("chain-refused", /trusts no agency yet, so it talks to no agent/),
		);
	});

	test("to a module", async () => {
		const { chain } = await world.module("purse");
		assert.throws(
			() => nobody.judge(chain, "module", world.now),
			refusal("chain-refused", /trusts no bank yet, so it talks to no module/),
		);
	});
});
