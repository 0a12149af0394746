import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
	checkPairing,
	checkRun,
	type PairingVector,
	type RunVector,
} from "./reference.ts";
import { makeVectors, vectorFile } from "./vector-files.ts";
import { VECTOR_FOLDER, VECTOR_NAMES } from "./vector-names.ts";

/** Throws for a file that is absent or empty. */
function read(name: string): string {
	const content = readFileSync(vectorFile(name), "utf8");
	assert.notEqual(content.trim(), "", `${name} is empty`);
	return content;
}

test("the vector files are the ones that must be there", () => {
	const present = readdirSync(VECTOR_FOLDER)
		.filter((file) => file.startsWith("tetrad-"))
		.sort();
	assert.deepEqual(present, VECTOR_NAMES.map((name) => `${name}.json`).sort());
});

test("the second implementation has nothing of the first", () => {
	for (const file of ["reference.ts", "document.ts"]) {
		const code = readFileSync(new URL(file, import.meta.url), "utf8");
		const imports = [...code.matchAll(/from "(\.[^"]*)"/g)].map(
			([, from]) => from,
		);
		assert.deepEqual(imports, file === "reference.ts" ? ["./document.ts"] : []);
	}
});

test("the device code makes the vectors byte for byte", async () => {
	const made = await makeVectors();
	assert.deepEqual(
		made.map(({ name }) => name).sort(),
		[...VECTOR_NAMES].sort(),
	);
	for (const { name, text } of made)
		assert.ok(
			text === read(name),
			`${name} differs; if that is meant: node test/protocol/generate-vectors.ts`,
		);
});

describe("a second implementation, made from the document, agrees with every vector", () => {
	for (const name of VECTOR_NAMES)
		test(name, () => {
			const vector: unknown = JSON.parse(read(name));
			assert.equal((vector as { name: string }).name, name);
			if (name === "tetrad-pairing") checkPairing(vector as PairingVector);
			else {
				const run = vector as RunVector;
				const { routing, suite, link, cookie, secrets } = run;
				const root = secrets.resumes ? "resumed" : run.root;
				const choice =
					link === "paired"
						? `tetrad-${routing}-${root}-${suite}`
						: `tetrad-${routing}-${link}`;
				assert.equal(name, cookie ? `tetrad-${routing}-cookie` : choice);
				checkRun(run);
			}
		});
});

for (const name of [
	"tetrad-crossed-transcript-hybrid-aesgcm",
	"tetrad-direct-resumed-hybrid-aesgcm",
])
	describe(`the second implementation notices a change in ${name}`, () => {
		const original = JSON.parse(read(name)) as RunVector;

		for (const [i, { wire, name: message }] of original.wires.entries())
			test(`of the last byte of frame ${i}, ${message} on ${wire}`, () => {
				const wires = original.wires.map((frame, j) =>
					i === j ? { ...frame, frame: flipLast(frame.frame) } : frame,
				);
				assert.throws(() => checkRun({ ...original, wires }));
			});

		for (const path of leaves(original.secrets.resumes ?? {}))
			test(`of secrets.resumes.${path.join(".")}`, () => {
				const changed = structuredClone(original);
				const resumes = changed.secrets.resumes as unknown as Record<
					string,
					string
				>;
				const key = path.at(-1) as string;
				resumes[key] = flipLast(resumes[key] as string);
				assert.throws(() => checkRun(changed));
			});

		for (const path of leaves(original.derived))
			test(`of derived.${path.join(".")}`, () => {
				const changed = structuredClone(original);
				let at = changed.derived as unknown as Record<string, unknown>;
				for (const key of path.slice(0, -1))
					at = at[key] as Record<string, unknown>;
				const key = path.at(-1) as string;
				at[key] = flipLast(at[key] as string);
				assert.throws(() => checkRun(changed));
			});
	});

describe("the second implementation notices a change of a cookie", () => {
	const original = JSON.parse(read("tetrad-direct-cookie")) as RunVector;
	for (const message of ["cookie", "cookieOffer"])
		test(`in the frame ${message}`, () => {
			const wires = original.wires.map((frame) =>
				frame.name === message
					? { ...frame, frame: flipLast(frame.frame) }
					: frame,
			);
			assert.throws(() => checkRun({ ...original, wires }));
		});

	test("in what it is made of", () => {
		const { address, secret } = original.cookie as NonNullable<
			RunVector["cookie"]
		>;
		for (const cookie of [
			{ address: address.replace("7000", "7001"), secret },
			{ address, secret: flipLast(secret) },
		])
			assert.throws(() => checkRun({ ...original, cookie }));
	});
});

function flipLast(text: string): string {
	return text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
}

function leaves(value: object, path: readonly string[] = []): string[][] {
	return Object.entries(value).flatMap(([key, inner]) =>
		typeof inner === "object"
			? leaves(inner, [...path, key])
			: [[...path, key]],
	);
}
