/*
 * Throwaway tokens: SoftHSM in a folder of its own, and a software TPM with its resource
 * manager on a message bus of its own. `env` is what a process needs to see them; nothing of
 * them outlives the process that made them.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import {
	mkdir,
	mkdtemp,
	readdir,
	rename,
	rm,
	writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long anything is waited for before the test fails. Nothing that goes well takes it. */
const PATIENCE_MS = 20_000;

export const PIN = "4711-user";
const SO_PIN = "0815-officer";

const MULTIARCH = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
const LIBRARIES = {
	softhsm: [
		"/usr/lib/softhsm/libsofthsm2.so",
		...MULTIARCH.map((arch) => `/usr/lib/${arch}/softhsm/libsofthsm2.so`),
		"/opt/homebrew/lib/softhsm/libsofthsm2.so",
	],
	tpm: MULTIARCH.map((arch) => `/usr/lib/${arch}/pkcs11/libtpm2_pkcs11.so`),
};
const PROGRAMS = {
	softhsm: ["softhsm2-util"],
	tpm: [
		"swtpm",
		"tpm2-abrmd",
		"tpm2_getcap",
		"dbus-daemon",
		"dbus-send",
		"pkcs11-tool",
	],
};

export type TokenKind = "softhsm" | "tpm";

/**
 * `false` when all that these tokens need is installed, else why their tests skip; under
 * `CI=true` it throws instead.
 */
export function skipUnless(kind: TokenKind): string | false {
	const folders = `${process.env["PATH"]}:/usr/sbin:/sbin`.split(delimiter);
	const missing = PROGRAMS[kind].filter(
		(program) => !folders.some((folder) => existsSync(join(folder, program))),
	);
	if (libraryOf(kind) === undefined) missing.push("its PKCS#11 library");
	if (missing.length === 0) return false;
	const message = `NO ${kind.toUpperCase()}: ${missing.join(", ")} missing; .ci/run shows what to install`;
	if (process.env["CI"] === "true") throw new Error(message);
	return message;
}

function libraryOf(kind: TokenKind): string | undefined {
	return LIBRARIES[kind].find((path) => existsSync(path));
}

const folders = new Set<string>();
const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
	for (const folder of folders)
		rmSync(folder, { recursive: true, force: true });
});

async function temporary(name: string): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), `tetrad-${name}-`));
	folders.add(folder);
	return folder;
}

/** What a test needs to know of a token. */
export interface TestToken {
	readonly env: Readonly<Record<string, string>>;
	readonly modulePath: string;
	/** An URI without a key; with the file that holds the PIN, or without. */
	uri(options?: { readonly pin?: boolean; readonly token?: string }): string;
	/** The file that holds the PIN. */
	readonly pinFile: string;
}

/** Tokens of SoftHSM that lie in one folder, and so can be taken away and brought back. */
export class SoftHsm implements TestToken, AsyncDisposable {
	readonly env: Readonly<Record<string, string>>;
	readonly modulePath: string;
	readonly pinFile: string;
	readonly #folder: string;
	readonly #labels: readonly string[];

	static async make(...labels: readonly string[]): Promise<SoftHsm> {
		const folder = await temporary("softhsm");
		const hsm = new SoftHsm(folder, labels);
		await mkdir(join(folder, "tokens"), { mode: 0o700 });
		await writeFile(hsm.pinFile, `${PIN}\n`, { mode: 0o600 });
		await writeFile(
			join(folder, "softhsm2.conf"),
			[
				`directories.tokendir = ${join(folder, "tokens")}`,
				"objectstore.backend = file",
				"log.level = ERROR",
				"slots.removable = true",
				"",
			].join("\n"),
		);
		for (const label of labels) await hsm.#initialize(label);
		Object.assign(process.env, hsm.env);
		return hsm;
	}

	private constructor(folder: string, labels: readonly string[]) {
		const modulePath = libraryOf("softhsm");
		assert.ok(modulePath !== undefined);
		this.modulePath = modulePath;
		this.#folder = folder;
		this.#labels = labels;
		this.pinFile = join(folder, "pin");
		this.env = { SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
	}

	uri({
		pin = true,
		token = this.#labels[0] ?? "",
	}: {
		readonly pin?: boolean;
		readonly token?: string;
	} = {}): string {
		return uriOf(token, this.modulePath, pin ? this.pinFile : undefined);
	}

	/** Pulls all tokens out. */
	async unplug(): Promise<void> {
		await move(this.#folder, "tokens", "away");
	}

	async plugIn(): Promise<void> {
		await move(this.#folder, "away", "tokens");
	}

	/** Makes another token of the same label in the place of one that was pulled out. */
	async initialize(label: string): Promise<void> {
		await this.#initialize(label);
	}

	async #initialize(label: string): Promise<void> {
		await run(
			"softhsm2-util",
			[
				...["--init-token", "--free", "--label", label],
				...["--so-pin", SO_PIN, "--pin", PIN],
			],
			{ env: { ...process.env, ...this.env } },
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		folders.delete(this.#folder);
		await rm(this.#folder, { recursive: true, force: true });
	}
}

async function move(folder: string, from: string, to: string): Promise<void> {
	await mkdir(join(folder, to), { recursive: true });
	for (const name of await readdir(join(folder, from)))
		await rename(join(folder, from, name), join(folder, to, name));
}

/** A software TPM that holds one token, reached through tpm2-abrmd as a hardware TPM is through the kernel's resource manager. */
export class SoftwareTpm implements TestToken, AsyncDisposable {
	readonly env: Readonly<Record<string, string>>;
	readonly modulePath: string;
	readonly pinFile: string;
	readonly #folder: string;
	#port = 0;
	#processes: ChildProcess[] = [];

	static async make(): Promise<SoftwareTpm> {
		const folder = await temporary("tpm");
		const tpm = new SoftwareTpm(folder);
		for (const name of ["state", "store"])
			await mkdir(join(folder, name), { mode: 0o700 });
		await writeFile(tpm.pinFile, `${PIN}\n`, { mode: 0o600 });
		await tpm.start();
		const tool = (...args: readonly string[]) =>
			run("pkcs11-tool", ["--module", tpm.modulePath, ...args], {
				env: { ...process.env, ...tpm.env },
			});
		await tool(
			...["--init-token", "--label", "tpm", "--so-pin", SO_PIN],
			...["--slot-index", "0"],
		);
		await tool(
			...["--init-pin", "--login", "--token-label", "tpm"],
			...["--so-pin", SO_PIN, "--pin", PIN],
		);
		Object.assign(process.env, tpm.env);
		return tpm;
	}

	private constructor(folder: string) {
		const modulePath = libraryOf("tpm");
		assert.ok(modulePath !== undefined);
		this.modulePath = modulePath;
		this.#folder = folder;
		this.pinFile = join(folder, "pin");
		this.env = {
			DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(folder, "bus")}`,
			TPM2_PKCS11_STORE: join(folder, "store"),
			TPM2_PKCS11_TCTI: "tabrmd:bus_type=session",
			TPM2TOOLS_TCTI: "tabrmd:bus_type=session",
			// The library tells every refusal to standard error.
			TPM2_PKCS11_LOG_LEVEL: "0",
			TSS2_LOG: "all+none",
		};
	}

	uri({
		pin = true,
		token = "tpm",
	}: {
		readonly pin?: boolean;
		readonly token?: string;
	} = {}): string {
		return uriOf(token, this.modulePath, pin ? this.pinFile : undefined);
	}

	/** Wrong PINs that the TPM has counted since it was last right about it (TPM2_PT_LOCKOUT_COUNTER). */
	async wrongPins(): Promise<number> {
		const { stdout } = await run("tpm2_getcap", ["properties-variable"], {
			env: { ...process.env, ...this.env },
		});
		const [, count] = /LOCKOUT_COUNTER: (0x[0-9a-f]+|\d+)/i.exec(stdout) ?? [];
		assert.ok(count !== undefined, stdout);
		return Number(count);
	}

	/** Starts the TPM with the state that it had. */
	async start(): Promise<void> {
		this.#port ||= await freePortPair();
		const host = "127.0.0.1";
		this.#spawn("swtpm", [
			...[
				"socket",
				"--tpm2",
				"--tpmstate",
				`dir=${join(this.#folder, "state")}`,
			],
			...["--server", `type=tcp,port=${this.#port},bindaddr=${host}`],
			...["--ctrl", `type=tcp,port=${this.#port + 1},bindaddr=${host}`],
			...["--flags", "not-need-init,startup-clear"],
		]);
		await rm(join(this.#folder, "bus"), { force: true });
		this.#spawn("dbus-daemon", [
			...["--session", "--nofork", "--nopidfile"],
			`--address=${this.env["DBUS_SESSION_BUS_ADDRESS"]}`,
		]);
		await eventually("the message bus", () =>
			this.#has("org.freedesktop.DBus"),
		);
		// It ends at once when the TPM does not answer yet.
		await eventually("the TPM's resource manager", async () => {
			const manager = this.#spawn("tpm2-abrmd", [
				...["--session", ...(process.getuid?.() === 0 ? ["--allow-root"] : [])],
				`--tcti=swtpm:host=${host},port=${this.#port}`,
			]);
			while (manager.exitCode === null && manager.signalCode === null)
				if (await this.#has("com.intel.tss2.Tabrmd")) return true;
			return false;
		});
	}

	/** Takes the TPM away from under whoever uses it. */
	async stop(): Promise<void> {
		for (const child of this.#processes.splice(0).reverse()) {
			const isOver = child.exitCode !== null || child.signalCode !== null;
			const ended = new Promise((resolve) => child.once("exit", resolve));
			child.kill("SIGKILL");
			if (!isOver) await ended;
		}
	}

	#spawn(program: string, args: readonly string[]): ChildProcess {
		const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
		const child = spawn(program, args, {
			stdio: "ignore",
			env: { ...process.env, ...this.env, PATH: path },
		});
		child.unref();
		running.add(child);
		this.#processes.push(child);
		child.once("exit", () => running.delete(child));
		child.once("error", () => running.delete(child));
		return child;
	}

	/** Whether somebody on the bus has this name. */
	async #has(name: string): Promise<boolean> {
		const asking = run(
			"dbus-send",
			[
				...["--session", "--print-reply", "--dest=org.freedesktop.DBus"],
				...["/", "org.freedesktop.DBus.NameHasOwner", `string:${name}`],
			],
			{ env: { ...process.env, ...this.env } },
		);
		return asking.then(
			({ stdout }) => stdout.includes("boolean true"),
			() => false,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		folders.delete(this.#folder);
		await rm(this.#folder, { recursive: true, force: true });
	}
}

function uriOf(
	token: string,
	modulePath: string,
	pinFile: string | undefined,
): string {
	const pin = pinFile === undefined ? "" : `&pin-source=file:${pinFile}`;
	return `pkcs11:token=${encodeURIComponent(token)}?module-path=${modulePath}${pin}`;
}

/** Two neighbouring ports that nobody uses: a software TPM wants its control port beside the other. */
async function freePortPair(): Promise<number> {
	for (let tries = 0; tries < 50; tries++) {
		const port = await listening(0);
		if (port !== undefined && (await listening(port + 1))) return port;
	}
	return assert.fail("there are no two free ports side by side");
}

async function listening(port: number): Promise<number | undefined> {
	const server = createServer();
	const { promise, resolve } = Promise.withResolvers<number | undefined>();
	server.once("error", () => resolve(undefined));
	server.listen(port, "127.0.0.1", () => {
		const bound = server.address();
		const number = typeof bound === "object" ? bound?.port : undefined;
		server.close(() => resolve(number));
	});
	return promise;
}

/** Asks until it is so. */
export async function eventually(
	what: string,
	holds: () => Promise<boolean>,
): Promise<void> {
	const deadline = Date.now() + PATIENCE_MS;
	while (!(await holds())) {
		assert.ok(Date.now() < deadline, `this did not happen: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
