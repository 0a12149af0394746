/*
 * Whether this processor has instructions for AES-GCM. The processor is asked, and nothing measured:
 * without them OpenSSL's AES may take another time for another key, which no stopwatch rules out,
 * and a stopwatch says on a busy machine whatever comes. Where it cannot be asked, it has none.
 */
import { closeSync, openSync, readSync } from "node:fs";

/** What says so here. */
export interface Processor {
	readonly platform: string;
	readonly arch: string;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** The beginning of `/proc/cpuinfo`, where there is one. */
	readonly description: string;
}

/** The words for AES and for the multiplication of GCM, which is read from tables just as well. */
const WORDS: Readonly<Record<string, { line: RegExp; words: string[] }>> = {
	x64: { line: /^flags\s*:(.*)$/m, words: ["aes", "pclmulqdq"] },
	arm64: { line: /^Features\s*:(.*)$/m, words: ["aes", "pmull"] },
};

/** With these OpenSSL is told to leave instructions alone that the processor has. */
const MASKS = ["OPENSSL_ia32cap", "OPENSSL_armcap"];

/** One processor of many: each has a description of one to three thousand bytes. */
const READ_BYTES = 8192;

/** Whether AES-GCM is computed by instructions that are made for it, as far as can be known. */
export function hasAesInstructions(
	{ platform, arch, environment, description }: Processor = thisProcessor(),
): boolean {
	if (MASKS.some((mask) => environment[mask] !== undefined)) return false;
	// Every Mac that runs a Node of ours has them.
	if (platform === "darwin") return true;
	const known = WORDS[arch];
	if (platform !== "linux" || known === undefined) return false;
	const has = known.line.exec(description)?.[1]?.split(" ") ?? [];
	return known.words.every((word) => has.includes(word));
}

function thisProcessor(): Processor {
	const { platform, arch, env: environment } = process;
	const description = platform === "linux" ? beginningOf("/proc/cpuinfo") : "";
	return { platform, arch, environment, description };
}

function beginningOf(path: string): string {
	try {
		const file = openSync(path, "r");
		try {
			const bytes = Buffer.alloc(READ_BYTES);
			return bytes.toString("latin1", 0, readSync(file, bytes));
		} finally {
			closeSync(file);
		}
	} catch {
		return "";
	}
}
