import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeysFlag } from "../../cli/index.ts";
import { TetradError } from "../../errors.ts";
import type { DeviceRole, TamperResistance } from "../../identity/index.ts";
import {
	type KeyLocation,
	parsePkcs11Uri,
	printPkcs11Uri,
} from "../../keys/index.ts";
import { programFile } from "../../package-file.ts";
import type { Place } from "../../tetrad/index.ts";
import type {
	ExaminedKey,
	ExaminerJob,
	ExaminerReply,
	TokenToMake,
} from "./token-examiner.ts";

/** Where the key of one device is made, and what an authority that has made sure of it attests. */
export interface KeyPlan {
	readonly location: KeyLocation;
	readonly level: TamperResistance;
}

export interface KeyRoom extends AsyncDisposable {
	/**
	 * Whether devices have to start one after the other. SoftHSM writes its token's file at each
	 * login, and another process that reads it at that moment finds no token.
	 */
	readonly oneByOne: boolean;
	plan(role: DeviceRole, name: string): KeyPlan;
}

/** The environment variable that names SoftHSM's library when it lies in none of the usual places. */
const MODULE_VARIABLE = "TETRAD_SOFTHSM_MODULE";

/** Where Debian, Fedora, others and Homebrew put the library. */
const MODULE_PATHS: readonly string[] = [
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/lib/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

const EXAMINER: string = programFile("show/stage/token-examiner");

/** How long the examiner may take over a job. */
const EXAMINER_MS = 30_000;

/** SoftHSM's library. Throws `key-store-failed` with what to install when there is none. */
export function softHsmModule(paths: readonly string[] = MODULE_PATHS): string {
	const named = process.env[MODULE_VARIABLE];
	if (named !== undefined && named !== "") {
		if (existsSync(named)) return named;
		throw new TetradError(
			"key-store-failed",
			`there is no file at ${named}, where ${MODULE_VARIABLE} says that SoftHSM's library is; correct it`,
		);
	}
	const found = paths.find((path) => existsSync(path));
	if (found !== undefined) return found;
	throw new TetradError(
		"key-store-failed",
		`keys in tokens need SoftHSM 2, which is not installed: on Debian and Ubuntu apt-get install softhsm2, on a Mac brew install softhsm; when it lies elsewhere, set ${MODULE_VARIABLE} to the path of libsofthsm2.so`,
	);
}

/** Keys in files of the homes, in clear: what needs nothing installed, and what anybody who reads the disk can copy. */
export function inSoftware(): KeyRoom {
	return {
		oneByOne: false,
		plan: () => ({
			location: { unsafeUnsealedFile: "key.pem" },
			level: "software",
		}),
		async [Symbol.asyncDispose]() {},
	};
}

/**
 * Two tokens of SoftHSM in `folder`, one for agents and one for modules. The library reads where
 * its tokens are from the environment, and the processes that use it inherit ours: it is set
 * until the room is disposed of, so a program can have one such room at a time.
 */
export async function inSoftHsm(folder: string): Promise<KeyRoom> {
	const modulePath = softHsmModule();
	const tokens = join(folder, "tokens");
	await mkdir(folder, { mode: 0o700 });
	await mkdir(tokens, { mode: 0o700 });
	const settings = join(folder, "softhsm2.conf");
	await writeFile(
		settings,
		[
			`directories.tokendir = ${tokens}`,
			"objectstore.backend = file",
			"log.level = ERROR",
			"",
		].join("\n"),
		{ mode: 0o600 },
	);
	const pinFile = (token: string) => join(folder, `${token}.pin`);
	const toMake: TokenToMake[] = [];
	for (const label of ["agents", "modules"]) {
		const [pin, officerPin] = [crypto.randomUUID(), crypto.randomUUID()];
		await writeFile(pinFile(label), `${pin}\n`, { mode: 0o600, flag: "wx" });
		toMake.push({ label, pin, officerPin });
	}
	const before = process.env["SOFTHSM2_CONF"];
	process.env["SOFTHSM2_CONF"] = settings;
	const restore = async () => {
		if (before === undefined) delete process.env["SOFTHSM2_CONF"];
		else process.env["SOFTHSM2_CONF"] = before;
	};
	try {
		await askExaminer({ kind: "make", modulePath, tokens: toMake });
	} catch (thrown) {
		await restore();
		throw thrown;
	}
	return {
		oneByOne: true,
		plan(role, object) {
			const token = role === "agent" ? "agents" : "modules";
			const pkcs11 = printPkcs11Uri({
				token: { token },
				object,
				modulePath,
				pinFile: pinFile(token),
			});
			return { location: { pkcs11 }, level: "token" };
		},
		[Symbol.asyncDispose]: restore,
	};
}

/** By what the flag --keys says. */
export const KEY_ROOMS: Readonly<
	Record<KeysFlag, (folder: string) => KeyRoom | Promise<KeyRoom>>
> = { software: inSoftware, softhsm: inSoftHsm };

/** What its token says of each key; `undefined` for one that lies in no token. */
export async function examineKeys(
	locations: Readonly<Record<Place, KeyLocation>>,
): Promise<Record<Place, ExaminedKey | undefined>> {
	const examined: Record<Place, ExaminedKey | undefined> = {
		A: undefined,
		B: undefined,
		X: undefined,
		Y: undefined,
	};
	const byModule = new Map<string, Place[]>();
	const uris = Object.entries(locations).flatMap(([place, location]) =>
		"pkcs11" in location
			? [[place as Place, parsePkcs11Uri(location.pkcs11)] as const]
			: [],
	);
	for (const [place, { modulePath }] of uris)
		byModule.set(modulePath, [...(byModule.get(modulePath) ?? []), place]);
	for (const [modulePath, places] of byModule) {
		const keys = await Promise.all(
			uris
				.filter(([place]) => places.includes(place))
				.map(async ([, { token, object = "", pinFile = "" }]) => ({
					token: token.token ?? "",
					object,
					pin: (await readFile(pinFile, "utf8")).trimEnd(),
				})),
		);
		const reply = await askExaminer({ kind: "examine", modulePath, keys });
		for (const [at, place] of places.entries())
			examined[place] = reply.kind === "examined" ? reply.keys[at] : undefined;
	}
	return examined;
}

/** Throws `key-store-failed` unless the examiner could do what it was asked. */
async function askExaminer(job: ExaminerJob): Promise<ExaminerReply> {
	const child = fork(EXAMINER, {
		execArgv: [],
		// SoftHSM tells standard error what the reply says in our own words.
		stdio: ["ignore", "ignore", "ignore", "ipc"],
	});
	const { promise, resolve } = Promise.withResolvers<ExaminerReply>();
	const failed = (why: string) => resolve({ kind: "failed", why });
	const timer = setTimeout(() => failed("it did not answer"), EXAMINER_MS);
	child.once("message", (reply) => resolve(reply as ExaminerReply));
	child.once("error", () => failed("no process could be started for it"));
	child.once("exit", () => failed("its process ended"));
	child.send(job, (error) => error && failed("its process ended"));
	const reply = await promise;
	clearTimeout(timer);
	child.kill("SIGKILL");
	if (reply.kind !== "failed") return reply;
	throw new TetradError(
		"key-store-failed",
		`the tokens behind ${job.modulePath} could not be ${job.kind === "make" ? "made" : "asked"}: ${reply.why}`,
	);
}
