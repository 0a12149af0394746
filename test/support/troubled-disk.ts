import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL("troubled-disk.c", import.meta.url));

export type DiskTrouble = "full" | "write" | "fsync";

/** A library that makes the disk of a process fail while a file says so. Whoever built pkcs11js has the compiler that it needs. */
export class TroubledDisk implements AsyncDisposable {
	readonly folder: string;

	static async make(): Promise<TroubledDisk> {
		const folder = await mkdtemp(join(tmpdir(), "tetrad-disk-"));
		process.once("exit", () =>
			rmSync(folder, { recursive: true, force: true }),
		);
		// A server under test may run as somebody else.
		await chmod(folder, 0o755);
		const disk = new TroubledDisk(folder);
		await run("cc", ["-shared", "-fPIC", "-o", disk.#library, SOURCE, "-ldl"]);
		return disk;
	}

	private constructor(folder: string) {
		this.folder = folder;
	}

	get #library(): string {
		return join(this.folder, "troubled.so");
	}

	/** What a process needs in its environment; the trouble is for paths that contain `part`. */
	env(part: string): Record<string, string> {
		return {
			LD_PRELOAD: this.#library,
			TROUBLED_DISK: this.folder,
			TROUBLED_PATH: part,
		};
	}

	make(trouble: DiskTrouble): Promise<void> {
		return writeFile(join(this.folder, trouble), "");
	}

	end(trouble: DiskTrouble): Promise<void> {
		return rm(join(this.folder, trouble));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}
}
