import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { auditWires } from "../../src/show/stage/audit.ts";
import { type Needle, search } from "../../src/show/stage/search.ts";
import type { Run } from "../../src/show/stage/stage.ts";
import type { Captured, Wire } from "../../src/show/stage/wiretap.ts";

/** What `search` reads at a time. */
const CHUNK = 2 ** 20;

let folder: string;
let count = 0;

before(async () => {
	folder = await mkdtemp(join(tmpdir(), "tetrad-test-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function file(bytes: Uint8Array): Promise<string> {
	const path = join(folder, String(++count));
	await writeFile(path, bytes);
	return path;
}

const needle = (name: string, bytes: Uint8Array): Needle => ({ name, bytes });

/** Hay with needles planted at these offsets. */
function planted(
	size: number,
	...plants: readonly (readonly [number, Uint8Array])[]
): Buffer {
	const hay = randomBytes(size);
	for (const [at, bytes] of plants) hay.set(bytes, at);
	return hay;
}

const offsets = (findings: readonly { offset: number }[]) =>
	findings.map(({ offset }) => offset).sort((a, b) => a - b);

describe("a search", () => {
	const secret = randomBytes(32);

	for (const at of [
		0,
		1,
		CHUNK - 33,
		CHUNK - 32,
		CHUNK - 31,
		CHUNK - 16,
		CHUNK - 1,
		CHUNK,
		CHUNK + 1,
		2 * CHUNK - 5,
		3 * CHUNK - 32,
	])
		test(`finds what lies at byte ${at} of three chunks, once`, async () => {
			const path = await file(planted(3 * CHUNK, [at, secret]));
			const found = await search(path, [needle("secret", secret)]);
			assert.deepEqual(offsets(found), [at]);
			assert.equal(found[0]?.needle.name, "secret");
		});

	test("finds everything, however many needles there are and where they lie", async () => {
		const needles = Array.from({ length: 500 }, (_, i) =>
			needle(`n${i}`, randomBytes(4 + (i % 60))),
		);
		const plants = needles.map(
			({ bytes }, i) => [i * 6000 + (i % 7), bytes] as const,
		);
		const path = await file(planted(3 * CHUNK, ...plants));
		const found = await search(path, needles);
		for (const [i, { name }] of needles.entries())
			assert.ok(
				found.some(
					({ needle, offset }) =>
						needle.name === name && offset === plants[i]?.[0],
				),
				name,
			);
	});

	test("finds short needles at a border beside long ones, each once", async () => {
		const short = randomBytes(4);
		const long = randomBytes(5000);
		const path = await file(
			planted(2 * CHUNK, [CHUNK - 2, short], [CHUNK - 4000, short]),
		);
		const needles = [needle("short", short), needle("long", long)];
		assert.deepEqual(offsets(await search(path, needles)), [
			CHUNK - 4000,
			CHUNK - 2,
		]);
	});

	test("finds needles that begin alike, that repeat and that overlap", async () => {
		const hay = Buffer.from("..aaaaaa..abcdefgh..");
		const path = await file(hay);
		const found = await search(path, [
			needle("aaaa", Buffer.from("aaaa")),
			needle("abcd", Buffer.from("abcd")),
			needle("abcdefgh", Buffer.from("abcdefgh")),
			needle("abcx", Buffer.from("abcx")),
		]);
		assert.deepEqual(
			found.map(({ needle, offset }) => `${needle.name} ${offset}`).sort(),
			["aaaa 2", "aaaa 3", "aaaa 4", "abcd 10", "abcdefgh 10"],
		);
	});

	test("finds nothing in an empty file, with no needle, and where only a part lies", async () => {
		const empty = await file(new Uint8Array());
		assert.deepEqual(await search(empty, [needle("s", secret)]), []);
		const part = await file(secret.subarray(0, 31));
		assert.deepEqual(await search(part, [needle("s", secret)]), []);
		assert.deepEqual(await search(part, []), []);
		const one = await file(Uint8Array.of(1));
		assert.deepEqual(await search(one, [needle("s", secret)]), []);
	});
});

describe("an audit", () => {
	const secret = randomBytes(32);
	const sent = randomBytes(100_000);

	/** A run whose wires carried these bytes. */
	async function run(wires: Partial<Record<Wire, Uint8Array>>): Promise<Run> {
		const captures = await Promise.all(
			Object.entries(wires).map(
				async ([wire, bytes]): Promise<Captured> => ({
					wire: wire as Wire,
					from: "A",
					to: "B",
					file: await file(bytes),
					bytes: bytes.length,
					arrivals: [],
				}),
			),
		);
		const place = <T>(value: T) => ({ A: value, B: value, X: value, Y: value });
		return {
			options: {
				routing: "direct",
				root: "transcript",
				link: "paired",
				file: await file(sent),
			},
			pids: place(1),
			events: place([]),
			captures,
			keylog: {
				...place(new Map()),
				A: new Map([
					["K", secret],
					["T", randomBytes(32)],
				]),
				X: new Map([["K", secret]]),
			},
			said: {
				message: "an order, number 4711",
				greet: {
					A: "greeting of A",
					B: "greeting of B",
					X: "greeting of X",
					Y: "greeting of Y",
				},
			},
			certificates: place(randomBytes(400)),
			custody: place({
				home: "/",
				location: { file: "key.sealed" },
				certifiedKey: "",
				judgedBy: {},
				searched: 0,
				found: [],
			}),
			impostors: [],
			strangers: [],
		};
	}

	const noise = (...plants: (readonly [number, Uint8Array])[]) =>
		planted(CHUNK + 1000, ...plants);

	test("of wires that show nothing reports what it looked for and finds nothing", async () => {
		const audits = await auditWires(
			await run({ network: noise(), "link A–X": noise(), "link B–Y": noise() }),
		);
		assert.deepEqual(
			audits.map(({ wire }) => wire),
			["network", "link A–X", "link B–Y"],
		);
		for (const { bytes, plaintexts, secrets, found } of audits) {
			assert.equal(bytes, CHUNK + 1000);
			// The message, four greetings, 256 pieces of the file; and K, which two devices share.
			assert.equal(plaintexts, 5 + 4 + 256);
			assert.equal(secrets, 1);
			assert.deepEqual(found, []);
		}
	});

	const leaks: Record<string, [Uint8Array, RegExp]> = {
		"the first message": [
			Buffer.from("...an order, number 4711..."),
			/^the first message$/,
		],
		"a greeting": [Buffer.from("..greeting of Y.."), /^the greeting of Y$/],
		"a secret": [secret, /^K of A, K of X$/],
		"a secret in hexadecimal": [
			Buffer.from(secret.toString("hex")),
			/^K of A, K of X$/,
		],
		"a piece of the file": [sent.subarray(0, 500), /^the file at byte \d+$/],
		"the end of the file": [sent.subarray(-32), /^the file at byte 99968$/],
	};
	for (const [what, [bytes, name]] of Object.entries(leaks))
		test(`reports ${what} on the wire where it lies, across a border of chunks too`, async () => {
			for (const at of [10, CHUNK - 20]) {
				const audits = await auditWires(
					await run({
						network: noise(),
						"link A–X": noise([at, bytes]),
						"link B–Y": noise(),
					}),
				);
				for (const { wire, found } of audits)
					if (wire !== "link A–X") assert.deepEqual(found, []);
					else {
						assert.ok(found.length > 0);
						for (const one of found) {
							assert.match(one.name, name);
							assert.equal(one.from, "A");
						}
					}
			}
		});

	test("looks at both directions of a wire", async () => {
		const quiet = await run({ network: noise() });
		const back = await run({ network: noise([77, secret]) });
		const captures = [
			...quiet.captures,
			...back.captures.map((captured) => ({ ...captured, from: "B" })),
		];
		const [network] = await auditWires({ ...quiet, captures });
		assert.deepEqual(network?.found, [
			{ name: "K of A, K of X", from: "B", offset: 77 },
		]);
		assert.equal(network?.bytes, 2 * (CHUNK + 1000));
	});
});
