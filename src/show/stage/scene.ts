import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Address, formatAddress } from "../../carrier/index.ts";
import type { LinkFlag } from "../../cli/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import { answerOf, DeviceProcess } from "../../device/supervisor/index.ts";
import type { Place } from "../../tetrad/index.ts";
import { byPlace, NAMES } from "./names.ts";
import { type Captured, type Wire, Wiretap } from "./wiretap.ts";

/** A device of a stage as a process. */
export type Process = DeviceProcess<ProcessEvent>;

/** What a scene is played with. */
export interface SceneOptions {
	/** Where it keeps what it writes; it is made. */
	readonly folder: string;
	readonly homes: Readonly<Record<Place, string>>;
	readonly link: LinkFlag;
	/** Stops every process. */
	readonly signal: AbortSignal;
	/** Hears every event of every process. */
	readonly hear?: (place: Place, event: ProcessEvent) => void;
}

/** A tap, and the address that whoever is tapped connects to. */
export interface Placed {
	readonly tap: Wiretap;
	readonly address: Address;
}

/** Processes of the four devices with a tap on each wire between them, until it is disposed of. */
export class Scene implements AsyncDisposable {
	readonly folder: string;
	readonly homes: SceneOptions["homes"];
	/** Where each device writes its secrets down. */
	readonly keylogs: Readonly<Record<Place, string>>;
	readonly #options: SceneOptions;
	readonly #open = new AsyncDisposableStack();
	readonly #taps: Wiretap[] = [];

	private constructor(options: SceneOptions) {
		const { folder, homes } = options;
		this.folder = folder;
		this.homes = homes;
		this.keylogs = byPlace((place) => join(folder, `${place}.keylog`));
		this.#options = options;
	}

	static async open(options: SceneOptions): Promise<Scene> {
		await mkdir(options.folder, { mode: 0o700 });
		return new Scene(options);
	}

	/** Starts the device of a place with one of our commands and its arguments. */
	start(place: Place, args: readonly string[]): Process {
		const { link, signal, hear = () => {} } = this.#options;
		const device = new DeviceProcess<ProcessEvent>(
			NAMES[place],
			[
				...args,
				...["--home", this.homes[place]],
				...["--link", link],
				...["--unsafe-keylog", this.keylogs[place]],
			],
			signal,
		);
		device.listen((event) => hear(place, event));
		return this.#open.use(device);
	}

	/** Has one of our commands done. Resolves with whether it was. */
	async run(name: string, args: readonly string[]): Promise<boolean> {
		const { code } = await answerOf(name, args, this.#options.signal);
		return code === 0;
	}

	/** Starts a module. Resolves when its agent can reach it. */
	async startModule(
		place: "X" | "Y",
		args: readonly string[] = [],
	): Promise<Process> {
		const at = formatAddress(this.#socket(place, "sock"));
		const module = this.start(place, ["module", "--listen", at, ...args]);
		await module.expect("listening");
		return module;
	}

	/** Places a tap on the link of that module. */
	tapLink(place: "X" | "Y"): Promise<Placed> {
		return this.#tap(
			place === "X" ? "link A–X" : "link B–Y",
			this.#socket(place, "tap"),
			this.#socket(place, "sock"),
		);
	}

	/** Places a tap before the agent that answers at `address`. */
	tapNetwork(address: Address): Promise<Placed> {
		const at: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };
		return this.#tap("network", at, address);
	}

	/** Waits until everything that was captured is in its file, the network first. */
	async captured(): Promise<Captured[]> {
		for (const tap of this.#taps) await tap.flush();
		return this.#taps
			.flatMap(({ captured }) => [...captured])
			.sort((a, b) => ORDER.indexOf(a.wire) - ORDER.indexOf(b.wire));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#open.disposeAsync();
	}

	async #tap(wire: Wire, at: Address, target: Address): Promise<Placed> {
		const placed = await Wiretap.place(wire, this.folder, at, target);
		this.#taps.push(this.#open.use(placed.tap));
		return placed;
	}

	#socket(place: Place, kind: "sock" | "tap"): Address {
		return { kind: "unix", path: join(this.folder, `${place}.${kind}`) };
	}
}

const ORDER: readonly Wire[] = ["network", "link A–X", "link B–Y"];
