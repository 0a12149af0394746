import {
	type Carrier,
	connect,
	type Listener,
	listen,
	memoryCarriers,
} from "../src/carrier/index.ts";
import type {
	CryptoProvider,
	SignatureAlgorithm,
} from "../src/crypto/index.ts";
import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import { pairInProcess } from "../src/device/runtime/in-process.ts";
import {
	type MoneyHolder,
	MoneyModule,
} from "../src/device/runtime/money-module.ts";
import type { Tetrad } from "../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../src/device/runtime/trusted-agent.ts";
import type { Signer } from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import { providing } from "../src/provider/index.ts";
import {
	type LoadLimits,
	makePolicy,
	type Place,
	type Policy,
	type Routing,
} from "../src/tetrad/index.ts";

/** The first choice of a new home. */
const SUITE = {
	AESGCM: "hybrid-aesgcm",
	ChaChaPoly: "hybrid-chachapoly",
} as const;

/** All that a bench establishes comes from one address and one device, as fast as it can. */
const UNLIMITED: Partial<LoadLimits> = {
	perSecondOfAddress: 1_000_000,
	burstOfAddress: 1_000_000,
	perMinuteOfDevice: 1_000_000,
};

/** What a module is made with. */
export interface ModuleIdentity {
	readonly place: "X" | "Y";
	readonly signer: Signer;
	readonly chain: Uint8Array;
	readonly bank: SoftwareAuthority;
}

interface Side {
	readonly agent: TrustedAgent;
	readonly module: MoneyModule;
}

/** A tetrad as all four of its devices hold it. */
export interface FourEnds {
	readonly a: Tetrad;
	readonly b: Tetrad;
	readonly x: Tetrad;
	readonly y: Tetrad;
}

/** Four devices in one process: agents over loopback TCP, links in memory. */
export class Four {
	readonly #left: Side;
	readonly #right: Side;
	readonly #listener: Listener;
	#accept: ((carrier: Carrier) => void) | undefined;

	private constructor(left: Side, right: Side, listener: Listener) {
		this.#left = left;
		this.#right = right;
		this.#listener = listener;
	}

	static async make(
		algorithm: SignatureAlgorithm,
		crypto?: CryptoProvider,
		signerOf: (place: Place) => Signer | Promise<Signer> = () =>
			generateSoftwareKey(algorithm),
		purseOf?: (identity: ModuleIdentity) => Promise<MoneyHolder>,
		resumption: "no" | "yes" = "no",
	): Promise<Four> {
		const agency = await SoftwareAuthority.create(
			"agency",
			"Agency",
			algorithm,
		);
		const bank = await SoftwareAuthority.create("bank", "Bank", algorithm);
		const policy: Policy = makePolicy({
			agencies: [agency.anchor],
			banks: [bank.anchor],
			suites: [SUITE[providing().shortAead]],
			load: UNLIMITED,
			resumption,
		});
		const identity = async (
			authority: SoftwareAuthority,
			name: string,
			place: Place,
		) => {
			const signer = await signerOf(place);
			return { signer, chain: await authority.issue(name, signer) };
		};
		const side = async (
			name: string,
			[ofAgent, ofModule]: readonly [Place, Place],
		): Promise<Side> => {
			const shared = { policy, ...(crypto === undefined ? {} : { crypto }) };
			const agent = new TrustedAgent({
				identity: await identity(agency, name, ofAgent),
				...shared,
			});
			const own = await identity(bank, name, ofModule);
			const place = ofModule === "X" ? "X" : "Y";
			const purse = await purseOf?.({ ...own, place, bank });
			const module = new MoneyModule({
				identity: own,
				...shared,
				...(purse === undefined ? {} : { purse }),
			});
			await pairInProcess(agent, module);
			await agent.reachModule();
			return { agent, module };
		};
		let accept: (carrier: Carrier) => void = () => {};
		const listener = await listen("127.0.0.1:0", (carrier) => accept(carrier));
		const four = new Four(
			await side("left", ["A", "X"]),
			await side("right", ["B", "Y"]),
			listener,
		);
		accept = (carrier) => four.#accept?.(carrier);
		return four;
	}

	/** One tetrad, until all four have confirmed; for modules without purses, which take theirs themselves. */
	async establish(routing: Routing = "direct"): Promise<FourEnds> {
		const [[a, b], x, y] = await Promise.all([
			this.meet(routing),
			this.#left.module.accept(),
			this.#right.module.accept(),
		]);
		return { a, b, x, y };
	}

	/** One tetrad, as its two agents hold it. */
	async meet(routing: Routing = "direct"): Promise<[Tetrad, Tetrad]> {
		const answering = new Promise<Carrier>((resolve) => {
			this.#accept = resolve;
		}).then((carrier) => this.#right.agent.accept(carrier));
		const carrier = await connect(this.#listener.address);
		return Promise.all([
			this.#left.agent.connect(carrier, { routing }),
			answering,
		]);
	}

	async end({ a, b, x, y }: FourEnds): Promise<void> {
		await a.close();
		await Promise.all([b.closed, x.closed, y.closed]);
	}

	async close(): Promise<void> {
		await this.#left.agent.close();
		await this.#right.agent.close();
		await this.#listener.close();
	}
}

/** Two ends of a carrier whose bytes and frames are counted; for the agents it is one to that address. */
export function countedCarriers(address: string): {
	readonly ends: [Carrier, Carrier];
	readonly sent: { frames: number; bytes: number }[];
} {
	const [left, right] = memoryCarriers();
	const sent = [
		{ frames: 0, bytes: 0 },
		{ frames: 0, bytes: 0 },
	];
	const count = (carrier: Carrier, index: 0 | 1): Carrier => ({
		// A carrier in memory says of no address that it leads there, and nothing is resumed over it.
		kind: "unix",
		peer: address,
		receive: (receiver) => carrier.receive(receiver),
		send(bytes) {
			const counter = sent[index];
			if (counter !== undefined) {
				counter.frames++;
				counter.bytes += bytes.length;
			}
			return carrier.send(bytes);
		},
		drained: () => carrier.drained(),
		written: () => carrier.written(),
		pause: () => carrier.pause(),
		resume: () => carrier.resume(),
		close: () => carrier.close(),
		destroy: (error) => carrier.destroy(error),
	});
	return { ends: [count(left, 0), count(right, 1)], sent };
}
