import {
	type Carrier,
	type Listener,
	memoryCarriers,
	parseAddress,
} from "../carrier/index.ts";
import { TetradError } from "../errors.ts";
import type { Life } from "./life.ts";

/** Who is connected. */
export interface Party {
	readonly name: string;
}

/** A party in one of its lives. */
export interface Place {
	readonly party: Party;
	readonly life: Life;
}

interface Listening extends Place {
	readonly take: (carrier: Carrier) => void;
}

/** A connection between two parties. */
interface Line {
	readonly parties: readonly [Party, Party];
	readonly breakOff: () => void;
}

/** A connection that is going to break. */
interface Cut {
	readonly parties: readonly [Party, Party];
	/** Messages until then, the one that is lost included. */
	left: number;
	readonly happened: () => void;
}

/** Carriers in memory by address, whose messages are counted and whose connections can be cut. */
export class TestNetwork {
	readonly #listening = new Map<string, Listening>();
	readonly #lines = new Set<Line>();
	readonly #cuts = new Set<Cut>();

	/** Takes connections at an address until the listener is closed or that life is over. Throws `address-in-use`. */
	listen(
		{ party, life }: Place,
		address: string,
		take: (carrier: Carrier) => void,
	): Listener {
		if (this.#at(address) !== undefined)
			throw new TetradError(
				"address-in-use",
				`somebody listens at ${address} already`,
			);
		const listening = { party, life, take };
		this.#listening.set(address, listening);
		const close = async () => {
			if (this.#listening.get(address) === listening)
				this.#listening.delete(address);
		};
		return {
			address: parseAddress(address),
			close,
			[Symbol.asyncDispose]: close,
		};
	}

	/** Rejects with `carrier-failed` when nobody listens there. */
	async connect({ party, life }: Place, address: string): Promise<Carrier> {
		const there = this.#at(address);
		if (there === undefined || life.isOver)
			throw new TetradError(
				"carrier-failed",
				`cannot connect to ${address}: nobody listens there`,
			);
		const [near, far] = memoryCarriers();
		const forget: (() => void)[] = [];
		const line: Line = {
			parties: [party, there.party],
			breakOff: () => {
				this.#lines.delete(line);
				for (const one of forget) one();
				near.destroy();
				far.destroy();
			},
		};
		this.#lines.add(line);
		forget.push(life.atEnd(line.breakOff), there.life.atEnd(line.breakOff));
		const isLost = () => this.#isLost(line);
		there.take(tapped(far, isLost));
		return tapped(near, isLost);
	}

	/** Resolves when a connection of the two was cut: at their next message, or one of those after it, in whichever direction. It does not arrive. */
	cut(parties: readonly [Party, Party], message: number): Promise<void> {
		if (!Number.isSafeInteger(message) || message < 1)
			throw new TetradError("invalid-argument", "messages are counted from 1");
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#cuts.add({ parties, left: message, happened: resolve });
		return promise;
	}

	/** Cuts all connections of a party now. */
	cutOff(party: Party): void {
		for (const line of [...this.#lines])
			if (line.parties.includes(party)) line.breakOff();
	}

	#at(address: string): Listening | undefined {
		const found = this.#listening.get(address);
		return found?.life.isOver === false ? found : undefined;
	}

	#isLost(line: Line): boolean {
		if (!this.#lines.has(line)) return true;
		for (const cut of [...this.#cuts]) {
			if (!cut.parties.every((party) => line.parties.includes(party))) continue;
			if (--cut.left > 0) continue;
			this.#cuts.delete(cut);
			line.breakOff();
			cut.happened();
			return true;
		}
		return false;
	}
}

/** A carrier that asks before each message whether it is lost. */
function tapped(carrier: Carrier, isLost: () => boolean): Carrier {
	return {
		kind: carrier.kind,
		peer: carrier.peer,
		receive: (receiver) => carrier.receive(receiver),
		send: (bytes, owned) => !isLost() && carrier.send(bytes, owned),
		drained: () => carrier.drained(),
		written: () => carrier.written(),
		pause: () => carrier.pause(),
		resume: () => carrier.resume(),
		close: () => carrier.close(),
		destroy: (error) => carrier.destroy(error),
	};
}
