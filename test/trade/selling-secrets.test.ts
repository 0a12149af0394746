/* The selling secrets of a module: which it sells with, and for whom it still asks issuers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import { GENERATION_MS } from "../../src/trade/documents/limits.ts";
import { MAX_WANTED_SECRETS } from "../../src/trade/module/limits.ts";
import {
	type KeptSecret,
	type SecretOf,
	SellingSecrets,
} from "../../src/trade/module/selling-secrets.ts";
import { filled } from "../money/documents.ts";

const agent = filled(44, 1);
const issuer = filled(44, 2);
const whose: SecretOf = { agent, issuer };
const others: readonly SecretOf[] = [
	{ agent: filled(44, 3), issuer },
	{ agent, issuer: filled(44, 4) },
];
/** Nothing of it is looked at while something was asked for. */
const NOBODY = {} as CertifiedDevice;

const secret = (generation: number, of: SecretOf = whose): KeptSecret => ({
	...of,
	generation,
	secret: filled(32, generation),
	certificate: filled(20, generation),
	chain: filled(20, 9),
});

const missing = (secrets: SellingSecrets, of: SecretOf = whose) =>
	secrets.missing(of, NOBODY, 0);

test("it sells with the newest generation unless an older one is named", () => {
	const secrets = new SellingSecrets([secret(2), secret(5), secret(3)]);
	assert.equal(secrets.of(whose, 0)?.generation, 5);
	assert.equal(secrets.of(whose, 3)?.generation, 3);
	assert.equal(secrets.of(whose, 4), undefined);
	for (const other of others) assert.equal(secrets.of(other, 0), undefined);
	// The same generation again takes the place of the one that there was.
	secrets.kept({ ...secret(5), secret: filled(32, 77) });
	assert.deepEqual(secrets.of(whose, 5)?.secret, filled(32, 77));
	assert.equal(secrets.of(whose, 2)?.generation, 2);
});

test("what two tetrads want is asked for once, and both hear of it", () => {
	const secrets = new SellingSecrets([]);
	assert.equal(missing(secrets), undefined);
	secrets.want(whose, 7, 1);
	secrets.want(whose, 7, 2);
	assert.equal(missing(secrets), 7);
	for (const other of others) assert.equal(missing(secrets, other), undefined);
	assert.deepEqual(secrets.kept(secret(7)), [1, 2]);
	assert.deepEqual(secrets.kept(secret(7)), []);
});

test("another generation, agent or issuer is another one", () => {
	const secrets = new SellingSecrets([]);
	secrets.want(whose, 7, 1);
	secrets.want(whose, 8, 2);
	for (const [at, other] of others.entries()) secrets.want(other, 7, 3 + at);
	assert.deepEqual(secrets.kept(secret(8)), [2]);
	assert.deepEqual(secrets.kept(secret(7)), [1]);
	assert.deepEqual(
		others.map((other) => secrets.kept(secret(7, other))),
		[[3], [4]],
	);
});

test("the current one is whatever comes", () => {
	const secrets = new SellingSecrets([]);
	secrets.want(whose, 0, 1);
	assert.equal(missing(secrets), 0);
	assert.deepEqual(secrets.kept(secret(4)), [1]);
});

test("one that cannot be made is told to all who waited, and asked for no more", () => {
	const secrets = new SellingSecrets([]);
	secrets.want(whose, 7, 1);
	secrets.want(whose, 0, 2);
	for (const other of others) secrets.want(other, 7, 3);
	assert.deepEqual(secrets.givenUp(whose), [1, 2]);
	assert.deepEqual(secrets.givenUp(whose), []);
	for (const other of others) assert.equal(missing(secrets, other), 7);
});

test("it is asked for all the same when the tetrad of whoever waits is over", () => {
	const secrets = new SellingSecrets([]);
	secrets.want(whose, 7, 1);
	secrets.want(whose, 7, 2);
	secrets.closed(1);
	assert.equal(missing(secrets), 7);
	assert.deepEqual(secrets.kept(secret(7)), [2]);
});

test("so many are waited for, and no more", () => {
	const secrets = new SellingSecrets([]);
	for (let generation = 1; generation <= MAX_WANTED_SECRETS; generation++)
		secrets.want(whose, generation, 1);
	secrets.want(whose, 1, 2);
	const one = MAX_WANTED_SECRETS + 1;
	assert.throws(() => secrets.want(whose, one, 1), { code: "busy" });
});

/** With certificates of its issuer, whose current generation is the third. */
async function renewing() {
	const { Market } = await import("./market.ts");
	const market = await Market.make();
	const { certificate } = market.sellingOf(market.bob);
	const kept = { ...secret(3), certificate };
	const at = (generation: number) => GENERATION_MS * (generation - 1);
	const secrets = new SellingSecrets([kept]);
	return { market, secrets, at };
}

test("old ones, which buyers name, are asked for behind the current one, and keep none from asking for that", async () => {
	const { market, secrets, at } = await renewing();
	const { device } = market.mint;
	for (let generation = 1; generation <= MAX_WANTED_SECRETS; generation++)
		if (generation !== 3) secrets.want(whose, generation, 1);
	assert.equal(secrets.missing(whose, device, at(3)), 1);
	// The one that there is has grown old, or was signed under another certificate.
	assert.equal(secrets.missing(whose, device, at(4)), 0);
	assert.equal(secrets.missing(whose, market.bob.device, at(3)), 0);
	secrets.want(whose, MAX_WANTED_SECRETS + 1, 1);
	secrets.want(whose, 0, 2);
	assert.equal(secrets.missing(whose, device, at(3)), 0);
	assert.deepEqual(secrets.kept(secret(4)), [1, 2]);
});
