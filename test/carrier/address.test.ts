import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/carrier/index.ts";
import { TetradError } from "../../src/errors.ts";

const GOOD: readonly (readonly [string, object, string])[] = [
	[
		"tcp:localhost:80",
		{ kind: "tcp", host: "localhost", port: 80 },
		"tcp:localhost:80",
	],
	[
		"192.0.2.7:65535",
		{ kind: "tcp", host: "192.0.2.7", port: 65535 },
		"tcp:192.0.2.7:65535",
	],
	["[::1]:0", { kind: "tcp", host: "::1", port: 0 }, "tcp:[::1]:0"],
	[
		"tcp:[fe80::1%eth0]:9",
		{ kind: "tcp", host: "fe80::1%eth0", port: 9 },
		"tcp:[fe80::1%eth0]:9",
	],
	[
		"a-b.example_x.:443",
		{ kind: "tcp", host: "a-b.example_x.", port: 443 },
		"tcp:a-b.example_x.:443",
	],
	["unix:/run/s", { kind: "unix", path: "/run/s" }, "unix:/run/s"],
	["unix:a b:c", { kind: "unix", path: "a b:c" }, "unix:a b:c"],
];

for (const [text, address, formatted] of GOOD)
	test(`reads ${text}`, () => {
		assert.deepEqual(parseAddress(text), address);
		assert.equal(formatAddress(parseAddress(text)), formatted);
		assert.deepEqual(parseAddress(formatted), address);
	});

const BAD: readonly (readonly [string, RegExp])[] = [
	["", /no port/],
	["localhost", /no port/],
	["tcp:9000", /no port/],
	[":9000", /no host/],
	["localhost:", /port from 0 to 65535/],
	["localhost:65536", /port from 0 to 65535/],
	["localhost:+1", /port from 0 to 65535/],
	["localhost:1e3", /port from 0 to 65535/],
	["localhost: 1", /port from 0 to 65535/],
	["::1:9000", /brackets/],
	["[localhost]:9", /IPv6/],
	["127.1:9", /incomplete IPv4/],
	["1:9", /incomplete IPv4/],
	["http://x:80", /brackets/],
	["a b:80", /no name/],
	["-rf:80", /no name/],
	["unix:", /no path/],
	["unix:a\0b", /zero byte/],
	[`unix:/${"x".repeat(107)}`, /108 bytes, and the system takes 107/],
	[`unix:/${"é".repeat(54)}`, /109 bytes/],
];

for (const [text, message] of BAD)
	test(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
		assert.throws(() => parseAddress(text), {
			code: "invalid-argument",
			message,
		});
	});

test("takes a path of 107 bytes", () => {
	assert.equal(parseAddress(`unix:/${"x".repeat(106)}`).kind, "unix");
});

test("any text is an address that survives formatting, or invalid-argument", () => {
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.string().map((s) => `${s}:9`),
				fc.webUrl(),
			),
			(text) => {
				try {
					const address = parseAddress(text);
					assert.deepEqual(parseAddress(formatAddress(address)), address);
				} catch (error) {
					assert.ok(error instanceof TetradError);
					assert.equal(error.code, "invalid-argument");
				}
			},
		),
	);
});
