import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type Address,
	formatAddress,
	parseAddress,
} from "../../carrier/index.ts";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	createAuthorityHome,
	issueDeviceHome,
	readRoots,
} from "../../device/authority-home.ts";
import { readCertificates } from "../../device/files.ts";
import type { ProcessEvent } from "../../device/process-events.ts";
import type { SuiteName } from "../../session/index.ts";
import { PLACES, type Place, type Routing } from "../../tetrad/index.ts";
import { type LinkFlag, linkOf, type RootFlag } from "../flags.ts";
import { DeviceProcess } from "./device-process.ts";
import { type Keylog, readKeylog } from "./keylog.ts";
import { type Captured, type Wire, Wiretap } from "./wiretap.ts";

/** The four devices of every run, by place. */
export const NAMES: Readonly<Record<Place, string>> = {
	A: "alice",
	X: "alice-purse",
	B: "bob",
	Y: "bob-till",
};

export interface RunOptions {
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly link: LinkFlag;
	readonly file: string;
	/** Hears every event of every process. */
	readonly hear?: (place: Place, event: ProcessEvent) => void;
	/** Called when something that takes time begins. */
	readonly step?: (what: string) => void;
}

/** What was said in a run, which a wiretap should not find. */
interface Plaintexts {
	readonly message: string;
	readonly greet: Readonly<Record<Place, string>>;
}

export interface Run {
	readonly options: RunOptions;
	readonly pids: Readonly<Record<Place, number>>;
	readonly events: Readonly<Record<Place, readonly ProcessEvent[]>>;
	readonly captures: readonly Captured[];
	readonly keylog: Keylog;
	readonly said: Plaintexts;
	/** The leaf of each device, in DER. */
	readonly certificates: Readonly<Record<Place, Uint8Array>>;
	/** Where a device's long-term key lies, if it lies in a file. */
	readonly keyFiles: Readonly<Record<Place, string | undefined>>;
}

interface PairEvent {
	readonly event: "listening" | "compare" | "paired";
	readonly address?: string;
	readonly code?: string;
}

type Process = DeviceProcess<ProcessEvent>;

/** A temporary folder with two authorities and four certified, paired devices, on which runs are made. */
export class Stage implements AsyncDisposable {
	readonly folder: string;
	readonly suite: SuiteName;
	readonly homes: Readonly<Record<Place, string>>;
	/** The code that each pairing showed at both of its devices. */
	readonly pairingCodes: string[] = [];
	readonly #signal: AbortSignal;
	#runs = 0;

	private constructor(folder: string, suite: SuiteName, signal: AbortSignal) {
		this.folder = folder;
		this.#signal = signal;
		this.suite = suite;
		this.homes = {
			A: join(folder, NAMES.A),
			B: join(folder, NAMES.B),
			X: join(folder, NAMES.X),
			Y: join(folder, NAMES.Y),
		};
	}

	static async set(options: {
		readonly suite: SuiteName;
		/** Stops every process of the stage, so that what is under way fails. */
		readonly signal: AbortSignal;
		readonly algorithm?: SignatureAlgorithm;
		readonly step?: (what: string) => void;
	}): Promise<Stage> {
		const { suite, signal, algorithm = "P-256", step = () => {} } = options;
		const folder = await mkdtemp(join(tmpdir(), "tetrad-"));
		const stage = new Stage(folder, suite, signal);
		try {
			step("an agency and a bank certify four devices");
			await stage.#certify(algorithm);
			step("each agent is paired with its module");
			await Promise.all([stage.#pair("A", "X"), stage.#pair("B", "Y")]);
			return stage;
		} catch (thrown) {
			await stage[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	/** Starts four processes with a tap on every wire, lets them use every session, and stops them. */
	async run(options: RunOptions): Promise<Run> {
		const { step = () => {}, hear = () => {}, file } = options;
		const folder = join(this.folder, `run-${++this.#runs}`);
		await mkdir(folder, { mode: 0o700 });
		const keylogs = byPlace((place) => join(folder, `${place}.keylog`));
		const said: Plaintexts = {
			message: `an order from ${NAMES.A}, number ${crypto.randomUUID()}`,
			greet: byPlace(
				(place) => `${NAMES[place]} says hello, number ${crypto.randomUUID()}`,
			),
		};
		await using processes = new AsyncDisposableStack();
		const start = (place: Place, args: readonly string[]): Process => {
			const device = new DeviceProcess<ProcessEvent>(
				NAMES[place],
				[
					place === "A" || place === "B" ? "agent" : "module",
					...["--home", this.homes[place]],
					...["--greet", said.greet[place]],
					...["--link", options.link],
					...["--unsafe-keylog", keylogs[place]],
					...args,
				],
				this.#signal,
			);
			device.listen((event) => hear(place, event));
			return processes.use(device);
		};
		const tap = async (wire: Wire, at: Address, target: Address) => {
			const placed = await Wiretap.place(wire, folder, at, target);
			processes.use(placed.tap);
			return placed;
		};

		step("the four processes start");
		const socket = (place: Place): Address => ({
			kind: "unix",
			path: join(folder, `${place}.sock`),
		});
		const tapped = (place: Place): Address => ({
			kind: "unix",
			path: join(folder, `${place}.tap`),
		});
		const X = start("X", ["--listen", formatAddress(socket("X"))]);
		const Y = start("Y", ["--listen", formatAddress(socket("Y"))]);
		await Promise.all([X.expect("listening"), Y.expect("listening")]);
		const ax = await tap("link A–X", tapped("X"), socket("X"));
		const by = await tap("link B–Y", tapped("Y"), socket("Y"));
		const B = start("B", [
			...["--module", formatAddress(by.address)],
			...["--listen", "127.0.0.1:0"],
			...["--receive", join(folder, "inbox")],
		]);
		const { address } = await B.expect("listening");
		const network = await tap(
			"network",
			{ kind: "tcp", host: "127.0.0.1", port: 0 },
			parseAddress(address),
		);
		step("they become one conversation and use every session");
		const A = start("A", [
			...["--module", formatAddress(ax.address)],
			...["--connect", formatAddress(network.address)],
			...["--routing", options.routing],
			...["--root", options.root],
			...["--message", said.message],
			...["--send", file],
		]);
		await A.succeed();
		await Promise.all([B, X, Y].map((device) => device.expect("ended")));
		const running = { A, B, X, Y };
		for (const place of ["B", "X", "Y"] as const) await running[place].stop();
		for (const { tap } of [network, ax, by]) await tap.flush();
		return {
			options,
			pids: byPlace((place) => running[place].pid),
			events: byPlace((place) => running[place].events),
			captures: [network, ax, by].flatMap(({ tap }) => [...tap.captured]),
			keylog: await readKeylog(keylogs),
			said,
			certificates: await this.#certificates(),
			keyFiles: byPlace((place) => {
				const path = join(this.homes[place], "key.pem");
				return existsSync(path) ? path : undefined;
			}),
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}

	async #certify(algorithm: SignatureAlgorithm): Promise<void> {
		const homes = {
			agency: join(this.folder, "agency"),
			bank: join(this.folder, "bank"),
		};
		const [agency, bank] = await Promise.all([
			createAuthorityHome(homes.agency, "agency", "Demo Agency", algorithm),
			createAuthorityHome(homes.bank, "bank", "Demo Bank", algorithm),
		]);
		for (const place of PLACES) {
			const isAgent = place === "A" || place === "B";
			await issueDeviceHome(isAgent ? agency : bank, {
				home: this.homes[place],
				name: NAMES[place],
				algorithm,
				trust: await readRoots(isAgent ? homes.bank : homes.agency),
				policy: {
					accept: {
						suites: [this.suite],
						// The stage shows every choice, the unsafe ones included; a run asks for one of them.
						roots: ["transcript", "unsafe-xor"],
						links: [linkOf("paired"), linkOf("open")],
					},
				},
			});
		}
	}

	async #certificates(): Promise<Record<Place, Uint8Array>> {
		const leaf = async (place: Place) => {
			const [der] = await readCertificates(
				join(this.homes[place], "chain.pem"),
			);
			return der ?? new Uint8Array();
		};
		return {
			A: await leaf("A"),
			B: await leaf("B"),
			X: await leaf("X"),
			Y: await leaf("Y"),
		};
	}

	async #pair(agent: Place, module: Place): Promise<void> {
		const at = `unix:${join(this.folder, `${agent}.pair`)}`;
		const pairing = (place: Place, ...args: string[]) =>
			new DeviceProcess<PairEvent>(
				`pairing ${NAMES[place]}`,
				["pair", "--yes", "--home", this.homes[place], ...args],
				this.#signal,
			);
		await using atModule = pairing(module, "--listen", at);
		await atModule.expect("listening");
		await using atAgent = pairing(agent, "--connect", at);
		await Promise.all([atModule.succeed(), atAgent.succeed()]);
		const { code } = await atAgent.expect("compare");
		this.pairingCodes.push(code ?? "");
	}
}

export function byPlace<T>(make: (place: Place) => T): Record<Place, T> {
	return { A: make("A"), B: make("B"), X: make("X"), Y: make("Y") };
}
