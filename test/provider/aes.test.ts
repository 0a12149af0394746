import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { hasAesInstructions, type Processor } from "../../src/provider/aes.ts";

const XEON = `processor\t: 0
model name\t: Intel(R) Xeon(R)
flags\t\t: fpu vme pclmulqdq ssse3 aes xsave avx
bugs\t\t: spectre_v1

processor\t: 1
flags\t\t: fpu
`;

/** A Raspberry Pi 4 has no instructions for AES, and one of the fifth generation has. */
const PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n";
const PI_5 =
	"processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\n";

const processor = (change: Partial<Processor>): Processor => ({
	platform: "linux",
	arch: "x64",
	environment: {},
	description: XEON,
	...change,
});

suite("instructions for AES", () => {
	const there: readonly Partial<Processor>[] = [
		{},
		{ arch: "arm64", description: PI_5 },
		{ platform: "darwin", arch: "arm64", description: "" },
		{ platform: "darwin", description: "" },
	];
	for (const change of there)
		test(`are there with ${JSON.stringify(change)}`, () => {
			assert.equal(hasAesInstructions(processor(change)), true);
		});

	const absent: readonly Partial<Processor>[] = [
		{ description: XEON.replace(" aes", "") },
		{ description: XEON.replace(" pclmulqdq", "") },
		{ description: XEON.replace(" aes", " vaes") },
		{ description: "" },
		{ arch: "arm64", description: PI_4 },
		{ arch: "arm64" },
		{ arch: "arm64", description: PI_5.replace(" pmull", "") },
		{ arch: "ppc64" },
		{ platform: "win32", description: "" },
		{ platform: "freebsd" },
		{ environment: { OPENSSL_ia32cap: "~0x200000200000000" } },
		{ platform: "darwin", environment: { OPENSSL_armcap: "0" } },
	];
	for (const change of absent)
		test(`are not known of with ${JSON.stringify(change)}`, () => {
			assert.equal(hasAesInstructions(processor(change)), false);
		});

	test("are looked for on this machine without a failure", () => {
		assert.equal(typeof hasAesInstructions(), "boolean");
	});
});
