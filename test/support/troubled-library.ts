import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL(".", import.meta.url));
const HEADERS = fileURLToPath(
	new URL("../../node_modules/pkcs11js/includes/pkcs11", import.meta.url),
);

type Trouble =
	| "final-try"
	| "locked"
	| "pin-pad"
	| "crash-at-login"
	| "device-error-at-login"
	| "hang"
	| "crash-at-sign"
	| "once-device-removed"
	| "wrong-signature"
	| "none";

/** A PKCS#11 library before another one that makes trouble when told so. Whoever built pkcs11js has the compiler that it needs. */
export class TroubledLibrary implements AsyncDisposable {
	readonly modulePath: string;
	readonly #folder: string;

	static async make(behind: string): Promise<TroubledLibrary> {
		const folder = await mkdtemp(join(tmpdir(), "tetrad-troubled-"));
		process.once("exit", () =>
			rmSync(folder, { recursive: true, force: true }),
		);
		const library = new TroubledLibrary(folder);
		await run("cc", [
			...["-shared", "-fPIC", "-o", library.modulePath, "-I", HEADERS],
			...[join(HERE, "troubled-library.c"), "-ldl"],
		]);
		process.env["TROUBLED_LIBRARY"] = behind;
		process.env["TROUBLED_FILE"] = join(folder, "trouble");
		return library;
	}

	private constructor(folder: string) {
		this.#folder = folder;
		this.modulePath = join(folder, "troubled.so");
	}

	make(trouble: Trouble): Promise<void> {
		return writeFile(join(this.#folder, "trouble"), trouble);
	}

	/** Logins that were ever tried. */
	async logins(): Promise<number> {
		const path = join(this.#folder, "trouble.logins");
		return (await readFile(path).catch(() => "")).length;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#folder, { recursive: true, force: true });
	}
}
