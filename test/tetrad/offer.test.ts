/* What an offer may say, and what a policy accepts of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteByName } from "../../src/session/index.ts";
import {
	acceptLink,
	acceptOffer,
	isResuming,
	MAX_OFFER_BYTES,
	makeOffer,
	makeResumingOffer,
	parseOffer,
	parseResumingOffer,
	parseSuites,
	pickSuite,
} from "../../src/tetrad/offer.ts";
import { makePolicy } from "../../src/tetrad/policy.ts";
import { makeWorld } from "../support/authority.ts";

const { policy: trust } = await makeWorld({ algorithm: "Ed25519" });
const SUITE = suiteByName("hybrid-aesgcm");
const OTHER = suiteByName("hybrid-chachapoly");
const CHOICE = {
	suites: Uint8Array.of(SUITE.id, OTHER.id),
	selected: SUITE,
	...({ routing: "crossed", root: "transcript", link: "paired" } as const),
};
const NEGOTIATION = "negotiation-failed";

/** The offer with the byte at a place from its end another one. */
function withByte(fromEnd: number, byte: number): Uint8Array {
	const { raw } = makeOffer(CHOICE);
	return raw.map((was, at) => (at === raw.length - fromEnd ? byte : was));
}

describe("an offer", () => {
	test("is read as it was made, with or without a token", () => {
		const offer = makeOffer(CHOICE);
		assert.deepEqual(parseOffer(offer.raw), offer);
		assert.deepEqual(parseSuites(offer.raw), {
			...{ suites: CHOICE.suites, selected: SUITE.id },
		});
		const resuming = makeResumingOffer({
			...{ ...CHOICE, token: new Uint8Array(16).fill(7) },
		});
		assert.deepEqual(parseResumingOffer(resuming.raw), resuming);
		assert.equal(isResuming(offer.raw), false);
		assert.equal(isResuming(resuming.raw), true);
		const most = makeOffer({
			...CHOICE,
			suites: new Uint8Array(16).map((_, at) => at + 1),
		});
		assert.equal(most.raw.length, MAX_OFFER_BYTES);
		assert.equal(isResuming(most.raw), false);
	});

	test("of what is unknown is refused, and so is another version", () => {
		// From its end, with what is written before each: link, root, routing, suite.
		const { raw } = makeOffer(CHOICE);
		const last = raw.length - raw.lastIndexOf(1);
		assert.equal(last, 1);
		let refused = 0;
		for (let fromEnd = 1; fromEnd <= raw.length; fromEnd++) {
			const changed = withByte(fromEnd, 0x77);
			try {
				parseOffer(changed);
			} catch (thrown) {
				const { code } = thrown as { code: string };
				assert.ok([NEGOTIATION, "malformed"].includes(code), code);
				if (code === NEGOTIATION) refused++;
			}
		}
		// Version, routing, root and link: the suite that is selected is in no list then.
		assert.equal(refused, 4);
	});

	test("whose selected suite is not in its list, or in it twice, is none", () => {
		for (const suites of [
			Uint8Array.of(OTHER.id),
			Uint8Array.of(SUITE.id, OTHER.id, SUITE.id),
		])
			assert.throws(() => parseOffer(makeOffer({ ...CHOICE, suites }).raw), {
				code: "malformed",
			});
		const unknown = { ...SUITE, id: 0x55 };
		const { raw } = makeOffer({
			...{ ...CHOICE, selected: unknown, suites: Uint8Array.of(0x55) },
		});
		assert.throws(() => parseOffer(raw), { code: NEGOTIATION });
	});
});

describe("a policy", () => {
	const policy = makePolicy(trust);

	test("accepts what it names, and says of what else it does not accept it", () => {
		acceptOffer(policy, makeOffer(CHOICE));
		for (const [what, demands, value] of [
			["suite", { suites: ["hybrid-chachapoly"] }, "hybrid-aesgcm"],
			["routing", { routings: ["direct"] }, "crossed"],
			["root", { roots: ["unsafe-xor"] }, "transcript"],
			["link", { links: ["unsafe-open"] }, "paired"],
		] as const)
			assert.throws(
				() =>
					acceptOffer(makePolicy({ ...trust, ...demands }), makeOffer(CHOICE)),
				{
					code: NEGOTIATION,
					message: `this device's policy does not accept the ${what} ${value}`,
				},
			);
	});

	test("accepts the other side's link, or says which it is", () => {
		assert.equal(acceptLink(policy, 1), "paired");
		for (const [byte, said] of [
			[2, "unsafe-open"],
			[0x2a, "0x2a"],
		] as const)
			assert.throws(() => acceptLink(policy, byte), {
				code: NEGOTIATION,
				message: `this device's policy does not accept the link ${said}`,
			});
	});

	test("picks its own first choice of what is offered", () => {
		const both = Uint8Array.of(OTHER.id, SUITE.id);
		assert.equal(pickSuite(policy, both), SUITE);
		assert.equal(pickSuite(policy, Uint8Array.of(OTHER.id)), OTHER);
		assert.equal(pickSuite(policy, Uint8Array.of(0x55)), undefined);
		const turned = makePolicy({
			...{ ...trust, suites: ["hybrid-chachapoly", "hybrid-aesgcm"] },
		});
		assert.equal(pickSuite(turned, both), OTHER);
	});

	test("that demands nothing of something is none", () => {
		for (const name of [
			...(["agencies", "banks", "suites"] as const),
			...(["routings", "roots", "links"] as const),
		])
			assert.throws(() => makePolicy({ ...trust, [name]: [] }), {
				code: "invalid-argument",
				message: `the policy's ${name} are empty, so nothing could ever be accepted`,
			});
	});
});
