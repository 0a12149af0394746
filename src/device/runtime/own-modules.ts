import type { Carrier } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { LinkMode, Pairing } from "../../tetrad/index.ts";
import { sameBytes } from "../../wire/index.ts";
import type { LinkConnection } from "./link-connection.ts";

/** How an agent reaches a module that it is paired with. */
export interface ModuleAccess {
	readonly pairing: Pairing;
	/** `paired` unless given. */
	readonly mode?: LinkMode;
	/** A new carrier to the module; called again after the link was lost. */
	dial(): Carrier | Promise<Carrier>;
	/** Hears when the link is there, and when it is over before the agent is closed. */
	readonly observe?: (event: ModuleLinkEvent) => void;
}

/** What becomes of an agent's link with its module. */
export type ModuleLinkEvent =
	| { readonly kind: "linked" }
	/** Without an error the module has closed it in order. */
	| { readonly kind: "unlinked"; readonly error?: TetradError };

/** Modules that one agent may have. */
export const MAX_OWN_MODULES = 16;

/** How often a module that is out of reach is tried again while others do its work, in milliseconds. */
const REACH_AGAIN_MS = 1_000;

/** How long a module that can do nothing for its callers is spared, in milliseconds: what it fails at is over at once, so that it would have the fewest tetrads, and nearly all callers. */
const SPARED_MS = 10_000;

/** A link that is made, or there. */
interface Linking {
	/** Settles when it is there, or comes to nothing. */
	readonly reached: PromiseWithResolvers<LinkConnection>;
	/** Since its module was dialled. */
	connection: LinkConnection | undefined;
	isThere: boolean;
}

/** One of them, and the link with it. */
interface OwnModule {
	readonly access: ModuleAccess;
	/** Until it is over, or came to nothing. */
	linking: Linking | undefined;
	/** When it was last tried to be reached, by a clock that nobody sets. */
	triedAt: number;
	/** Until when others are chosen before it, by the same clock. */
	sparedUntil: number;
}

/** Makes a link over a new carrier. `ended` is called once, when it is over, also when it never was there. */
export type MakeLink = (
	access: ModuleAccess,
	carrier: Carrier,
	ended: (error: TetradError | undefined) => void,
) => LinkConnection;

/** The modules of an agent, of which each tetrad is with one. A link is made when it is first needed, and again after it was lost. */
export class OwnModules {
	readonly #makeLink: MakeLink;
	#all: readonly OwnModule[] = [];
	#isClosed = false;

	constructor(makeLink: MakeLink) {
		this.#makeLink = makeLink;
	}

	/** These, in the place of those before. Throws `invalid-argument` for none, too many, and one that is there twice. */
	use(accesses: readonly ModuleAccess[]): void {
		const isTwice = accesses.some((one, at) =>
			accesses
				.slice(0, at)
				.some((other) =>
					sameBytes(other.pairing.peerDeviceId, one.pairing.peerDeviceId),
				),
		);
		if (isTwice || accesses.length === 0 || accesses.length > MAX_OWN_MODULES)
			throw new TetradError(
				"invalid-argument",
				`an agent has from 1 to ${MAX_OWN_MODULES} modules, and none of them twice`,
			);
		this.#all = accesses.map((access) => ({
			...{ access, linking: undefined },
			triedAt: Number.NEGATIVE_INFINITY,
			sparedUntil: Number.NEGATIVE_INFINITY,
		}));
	}

	/** Their device ids, that of the first one first. */
	get ids(): readonly Uint8Array[] {
		return this.#all.map(({ access }) => access.pairing.peerDeviceId);
	}

	/** The link with the module of that device id, or with the first one. Rejects with `not-paired`, or with why there is none. */
	async reach(deviceId?: Uint8Array): Promise<LinkConnection> {
		const module =
			deviceId === undefined
				? this.#all[0]
				: this.#all.find(({ access }) =>
						sameBytes(access.pairing.peerDeviceId, deviceId),
					);
		if (module === undefined) throw this.#notPaired();
		return this.#reach(module);
	}

	/** Has `reachAny` choose others before the one of that device id for a while. */
	spare(deviceId: Uint8Array): void {
		for (const module of this.#all)
			if (sameBytes(module.access.pairing.peerDeviceId, deviceId))
				module.sparedUntil = performance.now() + SPARED_MS;
	}

	/** The link with the one of them that has the fewest tetrads, of those that can be reached now and are not spared, if there are such. Rejects as `reach` where none can. */
	async reachAny(): Promise<LinkConnection> {
		const mixed = this.#mixed();
		const now = performance.now();
		const [free] = mixed
			.flatMap(({ linking, sparedUntil }) => {
				const connection = linking?.isThere ? linking.connection : undefined;
				if (connection === undefined) return [];
				return { connection, isSpared: sparedUntil > now };
			})
			.toSorted(
				(a, b) =>
					Number(a.isSpared) - Number(b.isSpared) ||
					a.connection.tetrads - b.connection.tetrads,
			);
		if (free !== undefined) {
			this.#tryOthers(mixed);
			return free.connection;
		}
		if (mixed.length === 0) throw this.#notPaired();
		// One that says nothing, as where its host has vanished, holds up none of the others.
		const reaching = mixed.map((module) => this.#reach(module));
		return Promise.any(reaching).catch(({ errors }: AggregateError) => {
			throw errors.at(-1);
		});
	}

	/** Closes the links that there are, and makes none any more. Nobody waits for a module that says nothing. */
	close(): void {
		this.#isClosed = true;
		for (const { linking } of this.#all) {
			linking?.reached.reject(closed());
			linking?.connection?.close();
		}
	}

	/** From any of them on: who calls twice for each thing would find the same one each time if they took turns. */
	#mixed(): readonly OwnModule[] {
		const at = Math.floor(Math.random() * this.#all.length);
		return [...this.#all.slice(at), ...this.#all.slice(0, at)];
	}

	/** Nobody waits for those that are out of reach. */
	#tryOthers(modules: readonly OwnModule[]): void {
		const since = performance.now() - REACH_AGAIN_MS;
		for (const module of modules)
			if (module.linking === undefined && module.triedAt < since)
				this.#reach(module).catch(() => {});
	}

	#reach(module: OwnModule): Promise<LinkConnection> {
		if (module.linking !== undefined) return module.linking.reached.promise;
		const reached = Promise.withResolvers<LinkConnection>();
		const linking = { reached, connection: undefined, isThere: false };
		module.linking = linking;
		this.#link(module, linking).then(reached.resolve, (thrown: unknown) => {
			forget(module, linking);
			reached.reject(thrown);
		});
		return reached.promise;
	}

	async #link(module: OwnModule, linking: Linking): Promise<LinkConnection> {
		if (this.#isClosed) throw closed();
		const { access } = module;
		module.triedAt = performance.now();
		const carrier = await access.dial();
		let connection: LinkConnection;
		try {
			if (this.#isClosed) throw closed();
			connection = this.#makeLink(access, carrier, (error) => {
				forget(module, linking);
				if (linking.isThere && !this.#isClosed)
					access.observe?.({
						kind: "unlinked",
						...(error === undefined ? {} : { error }),
					});
			});
		} catch (thrown) {
			carrier.close();
			throw thrown;
		}
		linking.connection = connection;
		await connection.ready;
		// It may be over again.
		if (module.linking === linking) {
			linking.isThere = true;
			access.observe?.({ kind: "linked" });
		}
		return connection;
	}

	#notPaired(): TetradError {
		return this.#isClosed
			? closed()
			: new TetradError(
					"not-paired",
					this.#all.length === 0
						? "this agent has no module: pair it with one first"
						: "this agent has no such module",
				);
	}
}

/** Another link may be there, or be made, by the time one is known to be over. */
function forget(module: OwnModule, linking: Linking): void {
	if (module.linking === linking) module.linking = undefined;
}

function closed(): TetradError {
	return new TetradError("tetrad-closed", "this agent is closed");
}
