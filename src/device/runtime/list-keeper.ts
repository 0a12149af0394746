import { asTetradError, TetradError } from "../../errors.ts";
import type {
	Examined,
	ListNumber,
	UntrustedLists,
} from "../../identity/index.ts";

/** Where a device keeps the untrusted lists that it learns. */
export interface ListStore {
	/** What was stored in earlier runs, in any order. */
	readonly bundles: readonly Uint8Array[];
	/** Keeps a bundle, durably, in the place of an earlier one of the same authority. */
	store(bundle: Uint8Array, list: ListNumber): Promise<void>;
	/** The list of an authority is held no longer: its certificate has expired, and others needed the room. */
	forget?(authority: Uint8Array): Promise<void>;
}

/** What becomes of lists, for logs. */
export type ListEvent =
	| {
			readonly kind: "learned";
			/** The authority's name. */
			readonly authority: string;
			readonly number: bigint;
			/** How many certificates are on it. */
			readonly entries: number;
	  }
	/** A list came that is of no use here, or it could not be stored; it then counts until the device is started again. */
	| { readonly kind: "trouble"; readonly error: TetradError };

export interface ListKeeperOptions {
	readonly lists: UntrustedLists;
	readonly now: () => number;
	readonly store: ListStore | undefined;
	readonly observe: ((event: ListEvent) => void) | undefined;
}

/**
 * The untrusted lists of one running device. Bundles come from the owner, over the link and from
 * other agents; each is verified, stored, and only then in force and told of.
 */
export class ListKeeper {
	readonly #options: ListKeeperOptions;
	readonly #followers = new Set<() => void>();
	#turn: Promise<unknown> = Promise.resolve();

	/** Takes back what was stored. Throws `list-refused` for a stored bundle that is none any more. */
	constructor(options: ListKeeperOptions) {
		this.#options = options;
		restoreLists(options.lists, options.store?.bundles ?? []);
	}

	/** Calls `changed` whenever a list has come into force, until what it returns is called. */
	follow(changed: () => void): () => void {
		this.#followers.add(changed);
		return () => this.#followers.delete(changed);
	}

	/**
	 * Takes a bundle, one after another. Resolves with what it was when it is in force and stored,
	 * or when it is of no use here. Rejects with `malformed` or `list-refused` for what speaks
	 * against whoever gave it, and with `home-unusable` when it could not be stored.
	 */
	learn(bundle: Uint8Array): Promise<Learned> {
		const learned = this.#turn.then(() => this.#learn(bundle));
		this.#turn = learned.catch(() => {});
		return learned;
	}

	async #learn(bundle: Uint8Array): Promise<Learned> {
		const { lists, now } = this.#options;
		const examined = lists.examine(bundle, now());
		if (examined.kind === "unusable") {
			this.#trouble(examined.error);
			return { kind: "unusable", error: examined.error, was: examined.was };
		}
		const { kind, list } = examined;
		const was = { authority: list.authority, number: list.number };
		if (kind === "same") return { kind, was };
		const failure = await this.#storeAndEnforce(examined, was);
		if (kind === "newer") {
			this.#options.observe?.({
				kind: "learned",
				authority: list.issuerText,
				number: list.number,
				entries: list.size,
			});
			for (const changed of [...this.#followers]) changed();
		}
		return failure === undefined
			? { kind, was }
			: { kind: "not-stored", error: failure, was };
	}

	/** A list that cannot be stored is in force all the same: whoever fills a disk must not keep his friends trusted. */
	async #storeAndEnforce(
		{ bundle, enforce }: Extract<Examined, { enforce: unknown }>,
		was: ListNumber,
	): Promise<TetradError | undefined> {
		const { lists, store } = this.#options;
		const before = lists.lists();
		let failure: TetradError | undefined;
		try {
			await store?.store(bundle, was);
		} catch (thrown) {
			failure = asTetradError(thrown);
			this.#trouble(failure);
		}
		enforce();
		for (const { authority } of before)
			if (lists.list(authority) === undefined)
				await store
					?.forget?.(authority)
					.catch((thrown: unknown) => this.#trouble(asTetradError(thrown)));
		return failure;
	}

	#trouble(error: TetradError): void {
		this.#options.observe?.({ kind: "trouble", error });
	}
}

/** What became of a bundle that spoke against nobody. */
export type Learned =
	| { readonly kind: "newer" | "renewed" | "same"; readonly was: ListNumber }
	| {
			readonly kind: "unusable";
			readonly error: TetradError;
			readonly was: ListNumber | undefined;
	  }
	| {
			readonly kind: "not-stored";
			readonly error: TetradError;
			readonly was: ListNumber;
	  };

/** Takes stored bundles back, without broken ones if asked for. One under a root that is trusted no longer is of no more use, and is passed over. */
export function restoreLists(
	lists: UntrustedLists,
	bundles: readonly Uint8Array[],
	withoutBroken = false,
): void {
	for (const bundle of bundles)
		try {
			lists.restore(bundle);
		} catch (thrown) {
			const { code, message } = asTetradError(thrown);
			if (code === "chain-refused" || withoutBroken) continue;
			throw new TetradError(
				"list-refused",
				`an untrusted list that this device stored is not accepted any more, so its file was changed: ${message}; import the newest list of that authority`,
				{ cause: thrown },
			);
		}
}
