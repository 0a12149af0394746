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
import { suitesOfNewHome } from "../src/device/home/policy-file.ts";
import { pairInProcess } from "../src/device/runtime/in-process.ts";
import {
	type MoneyHolder,
	MoneyModule,
} from "../src/device/runtime/money-module.ts";
import type { Tetrad } from "../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../src/device/runtime/trusted-agent.ts";
import type { Signer } from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import type { SuiteName } from "../src/session/index.ts";
import {
	type LoadLimits,
	makePolicy,
	type Place,
	type Policy,
	type Routing,
} from "../src/tetrad/index.ts";

/** All that a bench establishes comes from one address and one device, as fast as it can, and may stay. */
export const UNLIMITED: Partial<LoadLimits> = {
	perSecondOfAddress: 1_000_000,
	burstOfAddress: 1_000_000,
	perMinuteOfDevice: 1_000_000,
	tetrads: 1_000_000,
	tetradsOfDevice: 1_000_000,
};

/** What a module is made with. */
export interface ModuleIdentity {
	readonly place: "X" | "Y";
	readonly signer: Signer;
	readonly chain: Uint8Array;
	readonly bank: SoftwareAuthority;
}

/** How four devices are made that are not as most benches want them. */
export interface FourOptions {
	readonly crypto?: CryptoProvider;
	/** Keys of software unless given. */
	readonly signerOf?: (place: Place) => Signer | Promise<Signer>;
	readonly purseOf?: (identity: ModuleIdentity) => Promise<MoneyHolder>;
	/** `no` unless given. */
	readonly resumption?: "no" | "yes";
	/** The first choice of a new home unless given. */
	readonly suite?: SuiteName;
	/** What is between the agents: loopback TCP unless given. */
	readonly over?: "tcp" | "memory";
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

/** Two ends between agents, by who holds them. */
interface Wire extends AsyncDisposable {
	open(): Promise<{ readonly left: Carrier; readonly right: Carrier }>;
}

/** Four devices in one process, links in memory. */
export class Four {
	readonly #left: Side;
	readonly #right: Side;
	readonly #wire: Wire;

	private constructor(left: Side, right: Side, wire: Wire) {
		this.#left = left;
		this.#right = right;
		this.#wire = wire;
	}

	static async make(
		algorithm: SignatureAlgorithm,
		{
			crypto,
			signerOf = () => generateSoftwareKey(algorithm),
			purseOf,
			resumption = "no",
			suite = suitesOfNewHome()[0] as SuiteName,
			over = "tcp",
		}: FourOptions = {},
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
			suites: [suite],
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
		return new Four(
			await side("left", ["A", "X"]),
			await side("right", ["B", "Y"]),
			over === "tcp" ? await LoopbackWire.make() : MEMORY_WIRE,
		);
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
		const { left, right } = await this.#wire.open();
		return Promise.all([
			this.#left.agent.connect(left, { routing }),
			this.#right.agent.accept(right),
		]);
	}

	async end({ a, b, x, y }: FourEnds): Promise<void> {
		await a.close();
		await Promise.all([b.closed, x.closed, y.closed]);
	}

	async close(): Promise<void> {
		await this.#left.agent.close();
		await this.#right.agent.close();
		await this.#wire[Symbol.asyncDispose]();
	}
}

const MEMORY_WIRE: Wire = {
	async open() {
		const [left, right] = memoryCarriers();
		return { left, right };
	},
	async [Symbol.asyncDispose]() {},
};

/** Connections to a port of this machine, one after another. */
class LoopbackWire implements Wire {
	readonly #listener: Listener;
	readonly #accepted: () => Promise<Carrier>;

	private constructor(listener: Listener, accepted: () => Promise<Carrier>) {
		this.#listener = listener;
		this.#accepted = accepted;
	}

	static async make(): Promise<LoopbackWire> {
		let accept: (carrier: Carrier) => void = () => {};
		const listener = await listen("127.0.0.1:0", (carrier) => accept(carrier));
		const accepted = () =>
			new Promise<Carrier>((resolve) => {
				accept = resolve;
			});
		return new LoopbackWire(listener, accepted);
	}

	async open(): Promise<{ readonly left: Carrier; readonly right: Carrier }> {
		const accepted = this.#accepted();
		const left = await connect(this.#listener.address);
		return { left, right: await accepted };
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#listener.close();
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
