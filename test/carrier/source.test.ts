import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceOf } from "../../src/carrier/source.ts";

test("limits are for an IPv4 address, or for the first half of an IPv6 address", () => {
	for (const [address, source] of [
		["192.0.2.1", "192.0.2.1"],
		["::ffff:192.0.2.1", "192.0.2.1"],
		["::FFFF:192.0.2.1", "192.0.2.1"],
		["2001:db8::1", "2001:db8:0:0/64"],
		["2001:0db8:0:0:ffff::1", "2001:db8:0:0/64"],
		["2001:db8:0:1:a:b:c:d", "2001:db8:0:1/64"],
		["2001:db8:0:1:a:b:192.0.2.1", "2001:db8:0:1/64"],
		["fe80::1%eth0", "fe80:0:0:0/64"],
		["::1", "0:0:0:0/64"],
	] as const)
		assert.equal(sourceOf(address), source);
});
