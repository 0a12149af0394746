/* A merchant's agent as it listens: each tetrad with a buyer goes its own way until all are over. */
import { type Carrier, type Listener, listen } from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import type { MetModule } from "../../trade/agent/index.ts";
import { OFFER_KEY_BYTES } from "../../trade/documents/index.ts";
import { type TetradEvent, untilAborted } from "../runtime/index.ts";
import { type SellerEvent, sellIn } from "./seller.ts";
import type { Shop } from "./shop.ts";
import type { TradingAgentOptions } from "./trade-options.ts";
import { tradeTetrad } from "./trade-session.ts";

/** What a merchant may want to see of its sales. */
export type SalesEvent =
	| {
			readonly kind: "listening";
			readonly address: Listener["address"];
			/** Device id of the module with which the agent is met there; at the address of all where there is none. */
			readonly module?: Uint8Array;
	  }
	/** Somebody has come; what follows has the same number. */
	| {
			readonly kind: "tetrad";
			readonly number: number;
			readonly event: TetradEvent;
	  }
	| {
			readonly kind: "sale";
			readonly number: number;
			readonly buyer: CertifiedDevice;
			readonly event: SellerEvent;
	  }
	/** A connection that came to nothing. */
	| {
			readonly kind: "refused";
			readonly peer: string;
			readonly error: TetradError;
	  };

/** How a merchant's agent listens. */
interface SellAtOptions {
	readonly signal: AbortSignal;
	readonly observe?: (event: SalesEvent) => void;
	/** Where it is met with each of several modules. */
	readonly modules?: readonly {
		readonly deviceId: Uint8Array;
		readonly address: string;
	}[];
}

/** As `TradingAgent.sell`. */
export async function sellAt(
	options: TradingAgentOptions,
	address: string,
	shop: Shop,
	{ signal, observe = () => {}, modules = [] }: SellAtOptions,
): Promise<void> {
	const { signer } = options;
	if (signer === undefined)
		throw new TetradError(
			"invalid-argument",
			"an agent that sells signs contracts: give it its signer",
		);
	const { offerKey = nodeCrypto.random(OFFER_KEY_BYTES) } = options;
	const running = new Set<Promise<void>>();
	let tetrads = 0;
	const listening = options.listen ?? listen;
	const met: MetModule[] = [];
	const takeOne = (module: Uint8Array | undefined) => (carrier: Carrier) => {
		const number = ++tetrads;
		const run = serve(options, carrier, {
			...{ number, module, modules: met },
			shop,
			signal,
			observe,
			offerKey,
			signer,
		}).catch((thrown: unknown) =>
			observe({
				kind: "refused",
				peer: carrier.peer,
				error: asTetradError(thrown),
			}),
		);
		running.add(run);
		void run.then(() => running.delete(run));
	};
	const turnsAway = (source: string) => {
		const error = options.agent.turnsAway(source);
		if (error === undefined) return false;
		observe({ kind: "refused", peer: source, error });
		return true;
	};
	await using listeners = new AsyncDisposableStack();
	const listenAt = async (address: string, module?: Uint8Array) =>
		listeners.use(await listening(address, takeOne(module), { turnsAway }));
	// Whoever comes can be told where each is met.
	const ofModules: SalesEvent[] = [];
	for (const { deviceId, address } of modules) {
		const at = (await listenAt(address, deviceId)).address;
		if (at.kind === "tcp") met.push({ deviceId, port: at.port });
		ofModules.push({ kind: "listening", address: at, module: deviceId });
	}
	const { address: here } = await listenAt(address);
	observe({ kind: "listening", address: here });
	for (const event of ofModules) observe(event);
	await untilAborted(signal);
	await listeners.disposeAsync();
	await Promise.all(running);
}

async function serve(
	{ agent, store }: TradingAgentOptions,
	carrier: Carrier,
	{
		number,
		module,
		modules,
		shop,
		signal,
		observe,
		offerKey,
		signer,
	}: {
		readonly number: number;
		/** With which module; with any unless given. */
		readonly module: Uint8Array | undefined;
		readonly modules: readonly MetModule[];
		readonly shop: Shop;
		readonly signal: AbortSignal;
		readonly observe: (event: SalesEvent) => void;
		readonly offerKey: Uint8Array;
		readonly signer: Signer;
	},
): Promise<void> {
	const tetrad = await agent.accept(carrier, {
		...{ signal, module },
		observe: (event) => observe({ kind: "tetrad", number, event }),
	});
	const close = () => void tetrad.close();
	try {
		// Who has come may have ended it as soon as it was confirmed; then this throws.
		const { own, other } = tradeTetrad(tetrad);
		const buyer = other.agent;
		signal.addEventListener("abort", close, { once: true });
		if (signal.aborted) close();
		await sellIn({
			tetrad,
			witness: store,
			cannotSell: () => agent.spareModule(own.module.deviceId),
			...{ shop, signer, modules },
			offerKey,
			now: () => agent.now(),
			observe: (event) => observe({ kind: "sale", number, buyer, event }),
		});
	} catch (thrown) {
		// How a tetrad ended was observed.
		if (!tetrad.ended) throw thrown;
	} finally {
		signal.removeEventListener("abort", close);
		await tetrad.close();
	}
}
