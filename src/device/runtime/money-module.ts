import type { Carrier } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import type { MoneyContext } from "../../money/index.ts";
import {
	DEFAULT_TIMEOUT_MS,
	type LinkMode,
	moduleInitiator,
	moduleResponder,
	type Pairing,
	PairingTries,
	placeThatBegins,
	SignedHashes,
} from "../../tetrad/index.ts";
import {
	copy,
	type LinkMessageType,
	remembering,
	sameBytes,
} from "../../wire/index.ts";
import { aborted } from "./channel.ts";
import {
	type Device,
	type DeviceOptions,
	learnList,
	makeDevice,
	requireDeviceOptions,
} from "./identity.ts";
import { LinkConnection } from "./link-connection.ts";
import { runModule } from "./module-run.ts";
import {
	type ModulePairOptions,
	type Paired,
	runPairing,
} from "./pairing-run.ts";
import type { Tetrad, TetradEvent } from "./tetrad.ts";

/** Tetrads that may wait for `accept` before new ones are refused. */
const MAX_WAITING_TETRADS = 64;

/** Whose link a module serves. */
export interface AgentAccess {
	readonly pairing: Pairing;
	/** `paired` unless given. */
	readonly mode?: LinkMode;
	/** Hears once how a link that was ready ended: without an error when it was closed in order. */
	readonly ended?: (error: TetradError | undefined) => void;
}

/** What a module lends to the purse that it is made with. */
export interface PurseHost {
	readonly context: MoneyContext;
	/** The module's own key. */
	readonly signer: Signer;
	/** The module's clock, in milliseconds since the epoch. */
	readonly now: () => number;
}

/** Holds the money of one module, and takes all its tetrads: `Purse` is one. */
export interface MoneyHolder {
	/** Called once, by the module that it is given to. Throws `invalid-argument` for a second one. */
	attach(host: PurseHost): void;
	/** Called in the turn in which the tetrad was confirmed. Resolves when it is over. */
	serve(tetrad: Tetrad): Promise<void>;
}

/** What a module is made of. */
export interface MoneyModuleOptions extends DeviceOptions {
	/** Hears what becomes of every tetrad, which it numbers from 1, for logs. */
	readonly observe?: (event: TetradEvent, number: number) => void;
	/**
	 * Takes every confirmed tetrad, with its number. Without it they wait for `accept`, 64 at most;
	 * a further one is closed.
	 */
	readonly onTetrad?: (tetrad: Tetrad, number: number) => void;
	/** Tries of pairing that were made before this module was, as `tried` numbered them; 0 unless given. */
	readonly pairingTries?: number;
	/** The money of this module. It takes every confirmed tetrad, so `onTetrad` and `accept` get none. It is closed after the module. */
	readonly purse?: MoneyHolder;
}

/**
 * Device 3 or 4: holds money, and talks to nobody but through the one agent that it is paired with.
 *
 * @example
 * ```ts
 * import { listen, MoneyModule } from "tetrad";
 *
 * await using module = new MoneyModule({ identity, policy });
 * await using listener = await listen("unix:module.sock", (carrier) => {
 * 	module.serve(carrier, { pairing }).catch(console.error);
 * });
 * await using tetrad = await module.accept();
 * for await (const message of tetrad.module) console.log(message);
 * ```
 */
export class MoneyModule implements AsyncDisposable {
	readonly #options: MoneyModuleOptions;
	readonly #device: Device;
	readonly #timeoutMs: number;
	readonly #signedHashes = new SignedHashes();
	readonly #links = new Set<LinkConnection>();
	readonly #tries: PairingTries;
	readonly #waiting: Tetrad[] = [];
	#tetrads = 0;
	#agentId: Uint8Array | undefined;
	#closed = false;
	readonly #takers: {
		readonly resolve: (tetrad: Tetrad) => void;
		readonly reject: (error: TetradError) => void;
	}[] = [];

	/** Throws as `TrustedAgent` does, and `invalid-argument` for a purse along with `onTetrad`, or one that another module has. */
	constructor(options: MoneyModuleOptions) {
		requireDeviceOptions("MoneyModule", options);
		const { purse, onTetrad } = options;
		if (purse !== undefined && onTetrad !== undefined)
			throw new TetradError(
				"invalid-argument",
				"a purse takes every tetrad of its module: leave onTetrad out",
			);
		this.#options = options;
		this.#device = makeDevice("module", options);
		this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
		this.#tries = new PairingTries(options.pairingTries);
		const { context, clock } = this.#device;
		const { crypto, own, verdicts } = context;
		purse?.attach({
			context: {
				crypto: remembering(crypto),
				own,
				judge: (chain, now) => verdicts.judge(chain, "module", now),
				judgeSigned: (chain, at) => verdicts.judgeSigned(chain, "module", at),
				certified: (chain) => verdicts.certified(chain, "module"),
				certifiedAgent: (chain) => verdicts.certified(chain, "agent"),
			},
			signer: options.identity.signer,
			now: clock.now,
		});
	}

	/** This module, as its own policy judges it. */
	get device(): CertifiedDevice {
		return this.#device.context.own;
	}

	/** As `TrustedAgent.learnList`. */
	learnList(bundle: Uint8Array): Promise<void> {
		return learnList(this.#device, bundle);
	}

	/**
	 * Pairs with the agent at the other end of `carrier`. Keep what it resolves to; `serve` takes it.
	 * Rejects with `limit-exceeded` when three were tried and none was made.
	 */
	pair(carrier: Carrier, options: ModulePairOptions): Promise<Paired> {
		const { signer } = this.#options.identity;
		const end = { role: "module", tries: this.#tries } as const;
		return runPairing(end, carrier, this.#device, signer, options);
	}

	/** The owner knows of the tries that `tried` told of, and lets this module wait for three more. */
	allowPairing(): void {
		this.#tries.allow();
	}

	/**
	 * Serves the agent at the other end of `carrier`. Resolves when it proved to be the paired one;
	 * rejects when not. Throws `invalid-argument` for a second agent: a module has one.
	 */
	async serve(carrier: Carrier, access: AgentAccess): Promise<void> {
		let link: LinkConnection;
		const over = Promise.withResolvers<TetradError | undefined>();
		try {
			if (this.#closed) throw moduleClosed();
			this.#agentId ??= access.pairing.peerDeviceId;
			if (!sameBytes(this.#agentId, access.pairing.peerDeviceId))
				throw new TetradError(
					"invalid-argument",
					"this module already serves another agent",
				);
			link = new LinkConnection("module", carrier, {
				device: this.#device,
				signer: this.#options.identity.signer,
				pairing: access.pairing,
				mode: access.mode ?? "paired",
				timeoutMs: this.#timeoutMs,
				stranger: (tetradId, type, body) =>
					this.#begin(link, tetradId, type, body),
				ended: (error) => {
					this.#links.delete(link);
					over.resolve(error);
				},
			});
		} catch (thrown) {
			carrier.close();
			throw thrown;
		}
		this.#links.add(link);
		await link.ready;
		void over.promise.then((error) => access.ended?.(error));
	}

	/** The next tetrad that was confirmed. Rejects with `aborted`, and with `tetrad-closed` once this module is closed. */
	accept(options: { readonly signal?: AbortSignal } = {}): Promise<Tetrad> {
		const { signal } = options;
		const tetrad = this.#waiting.shift();
		if (tetrad !== undefined) return Promise.resolve(tetrad);
		if (this.#closed) return Promise.reject(moduleClosed());
		if (signal?.aborted) return Promise.reject(aborted(signal));
		const { promise, resolve, reject } = Promise.withResolvers<Tetrad>();
		const taker = { resolve, reject };
		this.#takers.push(taker);
		if (signal === undefined) return promise;
		const onAbort = () => {
			const at = this.#takers.indexOf(taker);
			if (at >= 0) this.#takers.splice(at, 1);
			reject(aborted(signal));
		};
		signal.addEventListener("abort", onAbort, { once: true });
		return promise.finally(() => signal.removeEventListener("abort", onAbort));
	}

	/** Closes every link, and with it every tetrad of this module. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const link of [...this.#links]) link.close();
		for (const { reject } of this.#takers.splice(0)) reject(moduleClosed());
		this.#device.context.tokens?.wipe();
		await this.#device.clock.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** A tetrad starts with its first message; any other message about an unknown one came too late. */
	#begin(
		link: LinkConnection,
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const place = placeThatBegins(type);
		if (place === undefined) return;
		const id = copy(tetradId);
		const { context, clock } = this.#device;
		const options = {
			device: context,
			link: link.contextFor(id),
			now: clock.believable(context.own, context.verdicts.lists),
			timeoutMs: this.#timeoutMs,
			signedHashes: this.#signedHashes,
		};
		const machine =
			place === "X" ? moduleInitiator(options) : moduleResponder(options);
		const { observe, purse } = this.#options;
		const number = ++this.#tetrads;
		const run = runModule(machine, {
			device: this.#device,
			tetradId: id,
			link,
			signer: this.#options.identity.signer,
			observe: (event) => {
				observe?.(event, number);
				// At once: a tetrad that ends in this very turn may have brought messages before.
				if (event.kind === "confirmed" && purse !== undefined)
					serve(purse, event.tetrad);
			},
		});
		if (purse === undefined)
			run.confirmed.then(
				(tetrad) => this.#offer(tetrad, number),
				() => {},
			);
		run.linkMessage(type, body);
	}

	#offer(tetrad: Tetrad, number: number): void {
		if (this.#options.onTetrad !== undefined)
			return this.#options.onTetrad(tetrad, number);
		const taker = this.#takers.shift();
		if (taker !== undefined) taker.resolve(tetrad);
		else if (this.#waiting.length < MAX_WAITING_TETRADS)
			this.#waiting.push(tetrad);
		else void tetrad.close();
	}
}

/** A purse that has stopped says so by itself, and closes what it is given. */
function serve(purse: MoneyHolder, tetrad: Tetrad): void {
	purse.serve(tetrad).catch(() => {});
}

function moduleClosed(): TetradError {
	return new TetradError("tetrad-closed", "this module is closed");
}
