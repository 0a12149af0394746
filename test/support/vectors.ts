import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the public test vectors lie. They are never copied into this repository. */
export function vectorPath(name: string): string {
	const { TETRAD_VECTORS } = process.env;
	return resolve(TETRAD_VECTORS || resolve(ROOT, "../shared/vectors"), name);
}

/**
 * The vector file `name`, with `testsIn` counting its tests. A file that is absent, empty or
 * without tests skips the test `t` and yields `undefined`; under `CI=true` it fails.
 */
export function readVectors<File>(
	t: Pick<TestContext, "skip">,
	name: string,
	testsIn: (file: File) => number,
): File | undefined {
	const path = vectorPath(name);
	const problem = (what: string): undefined => {
		const message = `NO VECTORS: ${path} ${what}; TETRAD_VECTORS can name another folder`;
		const { CI } = process.env;
		if (CI === "true") throw new Error(message);
		t.skip(message);
		return undefined;
	};
	if (!existsSync(path)) return problem("is absent");
	const text = readFileSync(path, "utf8");
	if (text.trim() === "") return problem("is empty");
	const file = JSON.parse(text) as File;
	return testsIn(file) > 0 ? file : problem("holds no tests");
}

/** Strict: an odd length or a character that is not hexadecimal throws. */
export function unhex(text: string): Uint8Array {
	if (!/^([0-9a-f]{2})*$/i.test(text))
		throw new TypeError("this is not hexadecimal text");
	return new Uint8Array(Buffer.from(text, "hex"));
}
