/* What a buyer's agent checks of a contract: every part of it by itself, and what it says of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto as crypto } from "../../src/crypto/index.ts";
import { checkContract } from "../../src/trade/agent/contract-check.ts";
import {
	type Contract,
	type ContractBody,
	encodeItemDescription,
	exporterHash,
	itemHash,
} from "../../src/trade/documents/index.ts";
import { copy, enc, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { SaleWorld } from "./issuer-world.ts";

const DESCRIPTION = {
	name: "map",
	mediaType: "image/png",
	about: "of the coast",
	order: "",
};
const SALT = filled(32, 0x5a);
const OTHER = filled(32, 0x77);

/** Of a device that is none of the four. */
const STRANGER = enc(OTHER, utf8("eve"));

/** A contract that is right, and one with each change, signed by the merchant's agent. */
async function meeting() {
	await using world = await SaleWorld.make();
	const { buyer, merchant, mint } = world;
	const selling = await world.secret(merchant);
	const tetrad = {
		own: { agent: buyer.agent, module: buyer.device },
		other: { agent: merchant.agent, module: merchant.device },
		binding: filled(32, 0xb1),
		exporter: filled(32, 0xe0),
	};
	const description = encodeItemDescription(DESCRIPTION);
	const right = {
		id: filled(16, 1),
		item: itemHash(crypto, SALT, description),
		exporterHash: exporterHash(crypto, tetrad.exporter),
		payBy: mint.now + 120_000,
	};
	const make = async (
		changes: Partial<ContractBody>,
		signer = merchant.agentSigner,
	) => {
		const by = { selling, signer };
		return (await world.contract({ ...right, ...changes }, by)).contract;
	};
	const made = await make({});
	const expected = {
		offer: {
			description: DESCRIPTION,
			kind: "file" as const,
			length: made.length,
			issuer: made.issuer,
			currency: made.currency,
			money: { isPlay: true, exponent: 2 },
			amount: made.amount,
			id: filled(16, 3),
			validUntil: mint.now + 60_000,
			nonce: filled(8, 4),
		},
		contractId: right.id,
		received: made,
	};
	const check = ({ document }: Contract, now = mint.now) =>
		checkContract(
			crypto,
			tetrad,
			{ document, salt: SALT, issuerChain: filled(9, 9) },
			{ ...expected, now },
		);
	return { tetrad, right, description, made, make, check, buyer };
}

const REFUSED: readonly (readonly [
	change: Partial<ContractBody>,
	why: string,
])[] = [
	[{ buyerModule: STRANGER }, "it is between other devices than these four"],
	[{ buyerAgent: STRANGER }, "it is between other devices than these four"],
	[{ binding: OTHER }, "it was made in another tetrad"],
	[{ exporterHash: OTHER }, "it was made in another tetrad"],
	[{ item: OTHER }, "it is about another item"],
	[{ currency: "EUR" }, "its price is not the one that was offered"],
	[{ amount: 41n }, "its price is not the one that was offered"],
	[{ amount: 39n }, "its price is not the one that was offered"],
	[{ id: filled(16, 2) }, "the merchandise was sealed for another one"],
	[{ length: 101n }, "the merchandise that came is not the one that it names"],
	[
		{ plaintextRoot: OTHER },
		"the merchandise that came is not the one that it names",
	],
	[
		{ ciphertextRoot: OTHER },
		"the merchandise that came is not the one that it names",
	],
];

test("a contract that is right is kept with all that its proof wants", async () => {
	const { tetrad, description, made, check } = await meeting();
	assert.deepEqual(check(made), {
		contract: made,
		chain: tetrad.other.agent.encodedChain,
		issuerChain: filled(9, 9),
		salt: SALT,
		description: copy(description),
		exporter: tetrad.exporter,
	});
});

test("a contract of which one part is another one is refused, and it is said which", async () => {
	const { make, check } = await meeting();
	for (const [change, why] of REFUSED) {
		const made = await make(change);
		const message = `the merchant's contract is refused, and nothing was paid: ${why}`;
		const [part] = Object.keys(change);
		assert.throws(
			() => check(made),
			{ code: "merchandise-wrong", message },
			part,
		);
	}
});

test("a contract that another agent signed is refused", async () => {
	const { make, check, buyer } = await meeting();
	const made = await make({}, buyer.agentSigner);
	assert.throws(() => check(made), { code: "authentication-failed" });
});

test("a contract can be paid until its time is over, and not then", async () => {
	const { made, check, right } = await meeting();
	check(made, right.payBy - 1);
	for (const now of [right.payBy, right.payBy + 1])
		assert.throws(() => check(made, now), { code: "offer-expired" });
});
