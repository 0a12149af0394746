/* One end of a link between an agent and its module, as `LinkConnection` of `src/device/runtime` runs it. */
import { asTetradError, TetradError } from "../src/errors.ts";
import type { Ended } from "../src/machine/index.ts";
import {
	DEFAULT_TIMEOUT_MS,
	type LinkContext,
	type LinkEffect,
	type LinkEvent,
	LinkMachine,
	type ModuleEffect,
	type Pairing,
} from "../src/tetrad/index.ts";
import { hex, type LinkMessageType } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import { Driver, signLater } from "./driver.ts";
import type { CarrierEnd } from "./network.ts";

/** Whoever a link's messages of one tetrad are for. */
export interface LinkUser {
	linkMessage(type: LinkMessageType, body: Uint8Array): void;
	linkLost(error: TetradError): void;
}

export interface LinkOptions {
	readonly device: Device;
	readonly pairing: Pairing;
	readonly carrier: CarrierEnd;
	ready(): void;
	/** The other end speaks of a tetrad that nobody here uses. */
	stranger(tetradId: Uint8Array, type: LinkMessageType, body: Uint8Array): void;
	/** Called once. */
	ended(error: TetradError | undefined): void;
}

export class Link {
	readonly #options: LinkOptions;
	readonly #machine: LinkMachine;
	readonly #driver: Driver<LinkEvent, LinkEffect>;
	readonly #users = new Map<string, LinkUser>();
	#isReady = false;
	#isFlushing = false;

	constructor(role: "agent" | "module", options: LinkOptions) {
		const { device, pairing, carrier } = options;
		this.#options = options;
		this.#machine = new LinkMachine(role, {
			device: device.context,
			pairing,
			mode: "paired",
			now: device.now(),
			timeoutMs: DEFAULT_TIMEOUT_MS,
		});
		this.#driver = new Driver<LinkEvent, LinkEffect>({
			device,
			machine: this.#machine,
			handlers: {
				"send-frame": ({ bytes }) => carrier.send(bytes),
				sign: (effect) =>
					signLater(device, effect, (event) => this.#feed(event)),
				ready: () => {
					this.#isReady = true;
					options.ready();
				},
				message: ({ tetradId, type, body }) =>
					this.#dispatch(tetradId, type, body),
				list: ({ bundle }) => {
					const was = device.learnList(bundle);
					device.later(() => this.#feed({ kind: "list-dealt", was }));
				},
			},
			ended: (end) => this.#over(end),
			failed: (error) => this.#over({ kind: "ended", error }),
		});
		carrier.receive({
			frame: device.alive((bytes) => this.#feed({ kind: "frame", bytes })),
			closed: device.alive((error) =>
				this.#feed({ kind: "abort", error: error ?? lost() }),
			),
		});
		this.#feed({ kind: "start" });
	}

	/** Whether it is over, or its device died. */
	get stopped(): boolean {
		return this.#driver.stopped;
	}

	get isReady(): boolean {
		return this.#isReady && !this.#driver.stopped;
	}

	contextFor(tetradId: Uint8Array): LinkContext {
		return this.#machine.contextFor(tetradId);
	}

	attach(tetradId: Uint8Array, user: LinkUser): void {
		if (this.#driver.stopped) throw lost();
		this.#users.set(hex(tetradId), user);
	}

	detach(tetradId: Uint8Array): void {
		this.#users.delete(hex(tetradId));
	}

	send(
		tetradId: Uint8Array,
		{ type, body, chains }: Extract<ModuleEffect, { kind: "send-link" }>,
	): void {
		const atOnce = !this.#isFlushing;
		if (atOnce) this.#flushAtEnd();
		this.#feed({ kind: "send", tetradId, type, body, chains, atOnce });
	}

	listsChanged(): void {
		this.#feed({ kind: "lists-changed" });
	}

	#feed(event: LinkEvent): void {
		this.#driver.feed(event);
		this.#flushLater();
		if (this.#machine.listWaits && !this.#driver.stopped)
			this.#options.device.later(() => this.#feed({ kind: "next-list" }), 1);
	}

	/** At the end of the turn, as it is for a device: after what else happens at this moment. */
	#flushLater(): void {
		if (!this.#isFlushing && this.#flushWaits) this.#flushAtEnd();
	}

	get #flushWaits(): boolean {
		return !this.#driver.stopped && this.#machine.flushWaits;
	}

	#flushAtEnd(): void {
		this.#isFlushing = true;
		this.#options.device.later(() => {
			this.#isFlushing = false;
			if (this.#flushWaits) this.#feed({ kind: "flush" });
		});
	}

	#dispatch(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const user = this.#users.get(hex(tetradId));
		try {
			if (user === undefined) this.#options.stranger(tetradId, type, body);
			else user.linkMessage(type, body);
		} catch (thrown) {
			user?.linkLost(asTetradError(thrown));
		}
	}

	#over({ error }: Ended): void {
		this.#options.carrier.close();
		for (const user of [...this.#users.values()])
			user.linkLost(error ?? lost());
		this.#users.clear();
		this.#options.ended(error);
	}
}

function lost(): TetradError {
	return new TetradError(
		"carrier-failed",
		"the link between this agent and its module was lost",
	);
}
