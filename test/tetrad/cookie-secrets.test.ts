/* How long a cookie is good for, for whom, and what becomes of the secrets behind it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	COOKIE_SECRET_MS,
	CookieSecrets,
} from "../../src/tetrad/admission/cookie-secrets.ts";
import { filled } from "../money/documents.ts";

const OFFER = filled(40, 1);
const PEER = "192.0.2.7:4711";

/** Secrets, and those that were drawn. */
function make() {
	const drawn: Uint8Array[] = [];
	const secrets = new CookieSecrets({
		...nodeCrypto,
		random(length) {
			const bytes = filled(length, 0x51 + drawn.length);
			drawn.push(bytes);
			return bytes;
		},
	});
	return { secrets, drawn };
}

test("a cookie is good in its own stretch of time and in the next one", () => {
	const start = 700 * COOKIE_SECRET_MS;
	for (const made of [start, start + COOKIE_SECRET_MS - 1])
		for (const [now, isOurs] of [
			[made, true],
			[start + COOKIE_SECRET_MS - 1, true],
			[start + COOKIE_SECRET_MS, true],
			[start + 2 * COOKIE_SECRET_MS - 1, true],
			[start + 2 * COOKIE_SECRET_MS, false],
			[start + 256 * COOKIE_SECRET_MS, false],
		] as const) {
			const { secrets } = make();
			const cookie = secrets.make(PEER, OFFER, made);
			assert.equal(cookie.length, 33);
			assert.equal(cookie[0], 700 & 0xff);
			assert.equal(secrets.isOurs(cookie, PEER, OFFER, now), isOurs);
		}
});

test("a cookie is for one address and one offer, and each byte of it counts", () => {
	const { secrets } = make();
	const now = 3 * COOKIE_SECRET_MS;
	const cookie = secrets.make(PEER, OFFER, now);
	assert.equal(secrets.isOurs(cookie, "192.0.2.7:4712", OFFER, now), false);
	assert.equal(secrets.isOurs(cookie, PEER, filled(40, 2), now), false);
	for (let at = 0; at < cookie.length; at++) {
		const other = Uint8Array.from(cookie);
		other[at] = (other[at] ?? 0) ^ 1;
		assert.equal(secrets.isOurs(other, PEER, OFFER, now), false);
	}
	assert.equal(secrets.isOurs(cookie.subarray(0, 32), PEER, OFFER, now), false);
	assert.equal(secrets.isOurs(new Uint8Array(), PEER, OFFER, now), false);
	assert.equal(make().secrets.isOurs(cookie, PEER, OFFER, now), true);
});

test("a stretch that was left out makes the cookies of the one before it too old", () => {
	const { secrets } = make();
	const cookie = secrets.make(PEER, OFFER, 0);
	const later = 2 * COOKIE_SECRET_MS;
	secrets.make(PEER, OFFER, later);
	assert.equal(secrets.isOurs(cookie, PEER, OFFER, later), false);
});

test("there is a secret for each stretch of time, and only the last two are kept", () => {
	const { secrets, drawn } = make();
	const isWiped = () => drawn.map((key) => key.every((byte) => byte === 0));
	for (const [period, wiped] of [
		[5, [false]],
		[5, [false]],
		[6, [false, false]],
		[7, [true, false, false]],
		[8, [true, true, false, false]],
	] as const) {
		secrets.make(PEER, OFFER, period * COOKIE_SECRET_MS + 1);
		assert.deepEqual(isWiped(), wiped);
	}
	assert.ok(drawn.every(({ length }) => length === 32));
});
