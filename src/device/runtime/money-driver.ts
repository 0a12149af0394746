import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	type AskEffect,
	done,
	type SignEffect,
	type Store,
	type WorkEffect,
} from "../../machine/index.ts";
import {
	BINDING_BYTES,
	BINDING_LABEL,
	type EcashOrder,
	type FourIds,
	isOfMoney,
	type MoneyEffect,
	type MoneyEvent,
	type MoneyMachine,
	REQUEST_ID_BYTES,
	unpackMessages,
} from "../../money/index.ts";
import { chosenCrypto } from "../../provider/index.ts";
import type { Parties } from "../../tetrad/index.ts";
import {
	EXPORTER_BYTES,
	EXPORTER_LABEL,
	isAboutPurchases,
} from "../../trade/documents/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { type Ask, askOverHttp } from "./asking.ts";
import { Driver } from "./driver.ts";
import { MoneySender } from "./money-sender.ts";
import { signFor } from "./signing.ts";
import type { Tetrad } from "./tetrad.ts";

/** Transactions and signatures under way before no more messages are read. */
const MAX_WORK = 256;

/** Messages of one tetrad that wait for room on its way before no more of its messages are read. */
const MAX_UNSENT = 16;

export interface MoneyDriverOptions<Report> {
	readonly machine: MoneyMachine<Report>;
	/** The driver does not close it. */
	readonly store: Store;
	/** The module's own key. */
	readonly signer: Signer;
	/** With keys that the module had before; none unless given. */
	readonly earlier?: readonly Signer[];
	/** Hears what the machine reports. */
	readonly report: (report: Report) => void;
	/** Takes messages that are neither of money nor about purchases; without it they end their tetrad. What it throws does so too. */
	readonly other?: (
		tetrad: Tetrad,
		from: "agent" | "module",
		bytes: Uint8Array,
	) => void | Promise<void>;
	/** Is waited for before a message is handed over to the machine. What it throws ends the tetrad. */
	readonly before?: (
		from: "agent" | "module",
		bytes: Uint8Array,
	) => Promise<void> | undefined;
	/** Asks servers, such as mints; over HTTP unless given. */
	readonly ask?: Ask;
	/** Hears why a tetrad was ended by this side. */
	readonly refused?: (tetrad: Tetrad, error: TetradError) => void;
	/** `Date.now` unless given. */
	readonly now?: () => number;
	/** The provider of the process unless given: libsodium where it is there, and `nodeCrypto` otherwise. */
	readonly crypto?: CryptoProvider;
}

type TransactEffect = Extract<WorkEffect, { readonly kind: "transact" }>;

/** Of what a tetrad exports. */
const NO_CONTEXT: Uint8Array = new Uint8Array();

interface Served {
	readonly tetrad: Tetrad;
	readonly unsent: Load;
	readonly to: Readonly<Record<"agent" | "module", MoneySender>>;
}

/**
 * Runs a machine of money in a module: hands it what happens, one thing after another, and carries
 * out what it answers, in order.
 */
export class MoneyDriver<Report> implements AsyncDisposable {
	/**
	 * Resolves, with why, when the store has failed or the machine broke. Everything has stopped
	 * then: the process has to end, and to start again from what is durable. Never rejects.
	 */
	readonly failed: Promise<TetradError>;
	readonly #options: MoneyDriverOptions<Report>;
	readonly #driver: Driver<MoneyEvent, MoneyEffect<Report>>;
	readonly #crypto: CryptoProvider;
	readonly #served = new Map<number, Served>();
	readonly #serving = new Set<Promise<void>>();
	readonly #work = new Load();
	/** Aborted when nobody waits for the answers of servers any more. */
	readonly #asking = new AbortController();
	readonly #failed = Promise.withResolvers<TetradError>();
	#tetrads = 0;

	constructor(options: MoneyDriverOptions<Report>) {
		this.#options = options;
		this.#crypto = options.crypto ?? chosenCrypto();
		this.failed = this.#failed.promise;
		this.#driver = new Driver<MoneyEvent, MoneyEffect<Report>>({
			machine: options.machine,
			now: options.now ?? Date.now,
			handlers: {
				"to-agent": ({ tetrad, bytes }) => this.#send(tetrad, "agent", bytes),
				"to-module": ({ tetrad, bytes }) => this.#send(tetrad, "module", bytes),
				sign: (effect) => this.#sign(effect),
				transact: (effect) => this.#transact(effect),
				ask: (asked) => this.#askServer(asked),
				end: ({ tetrad, error }) => this.#endAt(tetrad, error),
				report: ({ report }) => options.report(report),
			},
			ended: ({ error }) => this.#fail(error),
			failed: (error) => this.#fail(error),
		});
		void options.store.failed.then((error) => this.#fail(error));
	}

	/**
	 * Gives a confirmed tetrad to the machine, which alone reads its channels from now on, also what
	 * came before an end. It is to be given in the turn in which it was confirmed: one that has
	 * ended is not read. Resolves when the tetrad is over. Rejects with `tetrad-closed` after the
	 * driver has stopped.
	 */
	async serve(tetrad: Tetrad): Promise<void> {
		if (this.#driver.stopped) {
			await tetrad.close();
			throw stopped();
		}
		const serving = this.#serve(tetrad);
		this.#serving.add(serving);
		try {
			await serving;
		} finally {
			this.#serving.delete(serving);
		}
	}

	/** Hands over an order of the owner; what comes of it is reported. Throws `tetrad-closed` after the driver has stopped. */
	order(document: Uint8Array): void {
		this.#ask({ kind: "order", document });
	}

	/** Hands over an override of the owner; what comes of it is reported. Throws as `order`. */
	override(document: Uint8Array): void {
		this.#ask({ kind: "override", document });
	}

	/** Hands over a cancellation of the owner; what comes of it is reported. Throws as `order`. */
	cancel(document: Uint8Array): void {
		this.#ask({ kind: "cancel", document });
	}

	/** Hands over limits of the owner; what comes of it is reported. Throws as `order`. */
	limits(document: Uint8Array): void {
		this.#ask({ kind: "limits", document });
	}

	/** Hands over an approval or a denial of the owner; what comes of it is reported. Throws as `order`. */
	approval(document: Uint8Array): void {
		this.#ask({ kind: "approval", document });
	}

	/** Asks for all own notes of that issuer to be given back to it; what comes of it is reported. `request` is random, and names it for ever. Throws as `order`. */
	giveBack(
		issuer: Uint8Array,
		request: Uint8Array = this.#crypto.random(REQUEST_ID_BYTES),
	): void {
		this.#ask({ kind: "give-back", request, issuer });
	}

	/** Hands over a token of ecash that the owner puts into the purse; what comes of it is reported under the name of `request`. Throws as `order`. */
	receive(request: Uint8Array, token: string): void {
		this.#ask({ kind: "receive-ecash", request, token });
	}

	/** Orders something of a mint; what comes of it is reported. Throws as `order`. */
	orderEcash(order: EcashOrder): void {
		this.#ask({ kind: "ecash-order", order });
	}

	/** Ends every tetrad, and resolves when nothing is under way any more. */
	async close(): Promise<void> {
		this.#stop();
		this.#writeWhatWaits();
		await Promise.all([...this.#serving, this.#work.under(1)]);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #serve(tetrad: Tetrad): Promise<void> {
		if (tetrad.place !== "X" && tetrad.place !== "Y")
			throw new TetradError("invalid-argument", "only modules hold money");
		const id = ++this.#tetrads;
		const over = tetrad.closed.then(
			() => {},
			() => {},
		);
		const served = this.#servedBy(tetrad);
		// The key that its binding is made of is gone.
		if (tetrad.ended) return;
		this.#served.set(id, served);
		const { place, parties } = tetrad;
		const { A, B, X, Y } = parties;
		const isX = place === "X";
		this.#feed({
			kind: "opened",
			meeting: {
				tetrad: id,
				place,
				ids: idsOf(parties),
				binding: tetrad.export(BINDING_LABEL, NO_CONTEXT, BINDING_BYTES),
				exporter: tetrad.export(EXPORTER_LABEL, NO_CONTEXT, EXPORTER_BYTES),
				peer: isX ? Y : X,
				agents: isX ? { own: A, other: B } : { own: B, other: A },
			},
		});
		await Promise.all([
			this.#hear(id, served, "agent"),
			this.#hear(id, served, "module"),
		]);
		await over;
		this.#served.delete(id);
		this.#feed({ kind: "closed", tetrad: id });
		this.#writeWhatWaits();
	}

	/** What could wait for another transaction comes with this one, unless the store has failed. */
	#writeWhatWaits(): void {
		if (!this.#work.isUnder(1))
			this.#options.store.transact(done([], undefined)).catch(() => {});
	}

	#servedBy(tetrad: Tetrad): Served {
		const unsent = new Load();
		const sender = (to: "agent" | "module") =>
			new MoneySender(tetrad[to], (count, error) => {
				unsent.leave(count);
				if (error !== undefined && !tetrad.ended) this.#end(tetrad, error);
			});
		return {
			tetrad,
			unsent,
			to: { agent: sender("agent"), module: sender("module") },
		};
	}

	/** Reads one channel to its end, no faster than what comes of it can be done. */
	async #hear(
		id: number,
		{ tetrad, unsent }: Served,
		from: "agent" | "module",
	): Promise<void> {
		try {
			for await (const bytes of tetrad[from]) {
				if (this.#driver.stopped) return;
				if (isForMachine(bytes))
					for (const one of unpackMessages(bytes)) {
						const waiting = this.#options.before?.(from, one);
						if (waiting !== undefined) await waiting;
						this.#feed({ kind: `from-${from}`, tetrad: id, bytes: one });
					}
				else await this.#other(tetrad, from, bytes);
				if (!unsent.isUnder(MAX_UNSENT)) await unsent.under(MAX_UNSENT);
				if (!this.#work.isUnder(MAX_WORK)) await this.#work.under(MAX_WORK);
			}
		} catch (thrown) {
			// How a tetrad ended is for whoever looks at `closed`.
			if (!tetrad.ended) this.#end(tetrad, asTetradError(thrown));
		}
	}

	async #other(
		tetrad: Tetrad,
		from: "agent" | "module",
		bytes: Uint8Array,
	): Promise<void> {
		const { other } = this.#options;
		if (other === undefined)
			throw new TetradError(
				"unexpected-message",
				`the ${from === "agent" ? "own agent" : "other module"} sent a message that is not of money`,
			);
		await other(tetrad, from, bytes);
	}

	#ask(event: MoneyEvent): void {
		if (this.#driver.stopped) throw stopped();
		this.#feed(event);
	}

	/** A machine of money is not known to be sound any more once it has thrown. */
	#feed(event: MoneyEvent): void {
		try {
			this.#driver.feed(event);
		} catch (thrown) {
			this.#fail(thrown);
		}
	}

	/** What is sent in a tetrad that has just ended is lost, as it would be on the way. */
	#send(id: number, to: "agent" | "module", bytes: Uint8Array): void {
		const served = this.#served.get(id);
		if (served === undefined || served.tetrad.ended) return;
		served.unsent.enter();
		served.to[to].send(bytes);
	}

	#sign(effect: SignEffect): void {
		const { signer, earlier = [] } = this.#options;
		const { under } = effect;
		this.#work.enter();
		const named =
			under === undefined
				? signer
				: earlier.find(({ publicKey }) => sameBytes(publicKey, under));
		signFor(named ?? noSigner(signer), effect, (event) => {
			this.#work.leave();
			this.#feed(event);
		});
	}

	#transact({ id, transaction, ...options }: TransactEffect): void {
		this.#work.enter();
		this.#options.store.transact(transaction, options).then(
			(result) => {
				this.#work.leave();
				this.#feed({ kind: "written", id, result });
			},
			(thrown: unknown) => {
				this.#work.leave();
				const error = asTetradError(thrown);
				if (error.code === "store-failed") this.#fail(error);
				else this.#feed({ kind: "not-written", id, error });
			},
		);
	}

	/** It is not waited for when this driver is closed: what a server has done is found out when it is asked again. */
	#askServer(asked: AskEffect): void {
		const { ask = askOverHttp } = this.#options;
		void ask(asked, this.#asking.signal).then((event) => {
			if (!this.#driver.stopped) this.#feed(event);
		});
	}

	/** What was said in the tetrad before goes out before it is closed. */
	#endAt(id: number, error: TetradError): void {
		const served = this.#served.get(id);
		if (served === undefined) return;
		served.to.agent.flush();
		served.to.module.flush();
		this.#end(served.tetrad, error);
	}

	#end(tetrad: Tetrad, error: TetradError): void {
		if (tetrad.ended) return;
		this.#options.refused?.(tetrad, error);
		void tetrad.close();
	}

	#fail(thrown: unknown): void {
		const error = asTetradError(thrown);
		this.#stop();
		this.#failed.resolve(error);
	}

	#stop(): void {
		this.#driver.stop();
		this.#asking.abort();
		for (const { tetrad } of this.#served.values()) void tetrad.close();
	}
}

/** Whether the machine of a purse or of an issuer hears a message; one that it does not know ends its tetrad. */
function isForMachine(bytes: Uint8Array): boolean {
	return isOfMoney(bytes) || isAboutPurchases(bytes);
}

/** Counts what is under way, for those who wait until it is less. */
class Load {
	#count = 0;
	#waiting: { readonly below: number; readonly go: () => void }[] = [];

	enter(): void {
		this.#count++;
	}

	leave(count = 1): void {
		this.#count -= count;
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const one of waiting)
			if (this.isUnder(one.below)) one.go();
			else this.#waiting.push(one);
	}

	isUnder(below: number): boolean {
		return this.#count < below;
	}

	/** Resolves when less than `below` is under way. */
	async under(below: number): Promise<void> {
		while (!this.isUnder(below))
			await new Promise<void>((go) => this.#waiting.push({ below, go }));
	}
}

function idsOf({ A, B, X, Y }: Parties): FourIds {
	return { A: A.deviceId, B: B.deviceId, X: X.deviceId, Y: Y.deviceId };
}

/** Nobody has that key any more. */
function noSigner({ algorithm, publicKey }: Signer): Signer {
	const sign = () =>
		Promise.reject(
			new TetradError(
				"key-store-failed",
				"a key that the module had before is not there any more",
			),
		);
	return { algorithm, publicKey, sign };
}

function stopped(): TetradError {
	return new TetradError("tetrad-closed", "this purse or issuer has stopped");
}
