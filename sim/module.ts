/*
 * A module: its end of the link, its tetrads, and a machine of money, run as `MoneyModule` and
 * `MoneyDriver` of `src/device/runtime` run them.
 */
import { asTetradError, type TetradError } from "../src/errors.ts";
import {
	BINDING_BYTES,
	BINDING_LABEL,
	type MoneyContext,
	type MoneyEffect,
	type MoneyEvent,
	type MoneyMachine,
	unpackMessages,
} from "../src/money/index.ts";
import {
	DEFAULT_TIMEOUT_MS,
	moduleInitiator,
	moduleResponder,
	type Pairing,
	placeThatBegins,
	SignedHashes,
} from "../src/tetrad/index.ts";
import {
	EXPORTER_BYTES,
	EXPORTER_LABEL,
} from "../src/trade/documents/index.ts";
import { copy, hex, type LinkMessageType } from "../src/wire/index.ts";
import type { Identity } from "./certificates.ts";
import { Device } from "./device.ts";
import { Driver, signLater } from "./driver.ts";
import { Link } from "./link.ts";
import type { CarrierEnd } from "./network.ts";
import { type Tetrad, TetradRun, type TetradUser } from "./tetrad.ts";
import type { World } from "./world.ts";

export interface ModuleOptions<Report> {
	readonly world: World;
	readonly name: string;
	readonly identity: Identity;
	readonly pairing: () => Pairing;
	/** Made anew at each start, of what is on the disk. */
	readonly machine: (
		self: Module<Report>,
		context: MoneyContext,
	) => MoneyMachine<Report>;
	/** Hears what the machine reports. */
	readonly report: (report: Report) => void;
	/** It runs from now on. */
	readonly begun?: () => void;
	/** Asked before a message is handed over to the machine. What it throws ends the tetrad. */
	readonly before?: (self: Module<Report>) => void;
}

export class Module<Report = unknown> extends Device {
	readonly #options: ModuleOptions<Report>;
	readonly #links = new Set<Link>();
	readonly #runs = new Map<string, TetradRun>();
	readonly #tetrads = new Map<number, Tetrad>();
	#signedHashes = new SignedHashes();
	#driver: Driver<MoneyEvent, MoneyEffect<Report>> | undefined;
	#machine: MoneyMachine<Report> | undefined;
	#numbers = 0;

	constructor(options: ModuleOptions<Report>) {
		super(options.world, options.name, "module", options.identity);
		this.#options = options;
	}

	/** What its machine waits for. */
	get pending(): number {
		return this.#machine?.pending.size ?? 0;
	}

	get tetrads(): number {
		return this.#tetrads.size;
	}

	/** Its agent has connected. */
	linked(carrier: CarrierEnd): void {
		let link: Link;
		try {
			link = new Link("module", {
				device: this,
				pairing: this.#options.pairing(),
				carrier,
				ready: () => {},
				stranger: (tetradId, type, body) =>
					this.#begin(link, tetradId, type, body),
				ended: () => {
					this.#links.delete(link);
				},
			});
			this.#links.add(link);
		} catch {
			carrier.close();
		}
	}

	/** Hands over a document of its owner, or something else that happens by itself. */
	tell(event: MoneyEvent): void {
		if (this.isUp) this.#feed(event);
	}

	protected override started(): void {
		const { verdicts } = this.context;
		this.#signedHashes = new SignedHashes();
		const machine = this.#options.machine(this, {
			crypto: this.crypto,
			own: this.own,
			judge: (chain, now) => verdicts.judge(chain, "module", now),
			judgeSigned: (chain, at) => verdicts.judgeSigned(chain, "module", at),
			certified: (chain) => verdicts.certified(chain, "module"),
			certifiedAgent: (chain) => verdicts.certified(chain, "agent"),
		});
		this.disk.syncAll();
		this.#machine = machine;
		this.#driver = new Driver<MoneyEvent, MoneyEffect<Report>>({
			device: this,
			machine,
			handlers: {
				"to-agent": ({ tetrad, bytes }) =>
					this.#tetrads.get(tetrad)?.send("agent", copy(bytes)),
				"to-module": ({ tetrad, bytes }) =>
					this.#tetrads.get(tetrad)?.send("module", copy(bytes)),
				sign: (effect) => signLater(this, effect, (event) => this.#feed(event)),
				transact: ({ id, transaction, ...options }) =>
					this.transact(id, transaction, (event) => this.#feed(event), options),
				ask: (asked) =>
					this.world.mints.ask(this, asked, (event) => this.#feed(event)),
				end: ({ tetrad, error }) => {
					this.world.tell({
						who: this.name,
						what: `ends the tetrad: ${error.code}, ${error.message}`,
					});
					this.#tetrads.get(tetrad)?.close();
				},
				report: ({ report }) => this.#options.report(report),
			},
			ended: ({ error }) => this.#broke(error),
			failed: (error) => this.#broke(error),
		});
		const { begun } = this.#options;
		if (begun !== undefined) this.later(begun);
	}

	protected override died(): void {
		this.#driver = undefined;
		this.#machine = undefined;
		this.#links.clear();
		this.#runs.clear();
		this.#tetrads.clear();
		this.world.hangUp(this);
	}

	protected override listsChanged(): void {
		for (const run of [...this.#runs.values()]) run.listsChanged();
		for (const link of [...this.#links]) link.listsChanged();
	}

	#feed(event: MoneyEvent): void {
		try {
			this.#driver?.feed(event);
		} catch (thrown) {
			this.#broke(asTetradError(thrown));
		}
	}

	/** A machine of money that has thrown is not known to be sound any more. */
	#broke(error: TetradError | undefined): void {
		this.world.broke(this, error);
	}

	#begin(
		link: Link,
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const place = placeThatBegins(type);
		if (place === undefined) return;
		const id = copy(tetradId);
		this.believeClock();
		const options = {
			device: this.context,
			link: link.contextFor(id),
			now: this.now(),
			timeoutMs: DEFAULT_TIMEOUT_MS,
			signedHashes: this.#signedHashes,
		};
		const machine =
			place === "X" ? moduleInitiator(options) : moduleResponder(options);
		const run = TetradRun.module(machine, {
			device: this,
			link,
			tetradId: id,
			confirmed: (tetrad) => this.#serve(tetrad),
			ended: () => {
				this.#runs.delete(hex(id));
			},
		});
		this.#runs.set(hex(id), run);
		run.linkMessage(type, body);
	}

	#serve(tetrad: Tetrad): TetradUser {
		const number = ++this.#numbers;
		this.#tetrads.set(number, tetrad);
		const { A, B, X, Y } = tetrad.parties;
		const isX = tetrad.place === "X";
		this.#feed({
			kind: "opened",
			meeting: {
				tetrad: number,
				place: isX ? "X" : "Y",
				ids: { A: A.deviceId, B: B.deviceId, X: X.deviceId, Y: Y.deviceId },
				binding: tetrad.export(BINDING_LABEL, BINDING_BYTES),
				exporter: tetrad.export(EXPORTER_LABEL, EXPORTER_BYTES),
				peer: isX ? Y : X,
				agents: isX ? { own: A, other: B } : { own: B, other: A },
			},
		});
		return {
			message: (from, bytes) => {
				for (const one of unpackMessages(bytes)) {
					this.#options.before?.(this);
					if (from === "module")
						this.world.checks.taken(this as unknown as Device, one, tetrad);
					this.#feed({ kind: `from-${from}`, tetrad: number, bytes: one });
				}
			},
			over: () => {
				this.#tetrads.delete(number);
				this.#feed({ kind: "closed", tetrad: number });
				this.writeWhatWaits();
			},
		};
	}
}
