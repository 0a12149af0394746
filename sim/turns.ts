/*
 * Machines that wait for whoever has them in hand: what they send stays on its way until it is
 * delivered, one thing at a time, and what they want signed until it is signed. A world draws when
 * things happen; here a test says it.
 */

/** A signature that a machine waits for. */
export interface Asked<Place> {
	readonly place: Place;
	readonly content: Uint8Array;
}

export abstract class Turns<Place, Delivery> {
	/** What is on its way, oldest first. */
	readonly pending: Delivery[] = [];
	/** All that was put on its way, as it was, oldest first. */
	readonly posted: Delivery[] = [];
	/** All that was delivered, oldest first. */
	readonly delivered: Delivery[] = [];
	/** Signatures that were asked for and not given yet. */
	readonly signing: Asked<Place>[] = [];
	/** Changes, drops or multiplies what is sent. */
	intercept: (delivery: Delivery) => readonly Delivery[] = (sent) => [sent];

	/** Hands a delivery to the machine that it is for. */
	protected abstract arrive(delivery: Delivery): void;

	/** Signs for a machine, and tells it. */
	protected abstract sign(asked: Asked<Place>): Promise<void>;

	put(delivery: Delivery): void {
		this.posted.push(delivery);
		this.pending.push(...this.intercept(delivery));
	}

	deliver(delivery: Delivery): void {
		this.delivered.push(delivery);
		this.arrive(delivery);
	}

	/** Delivers until nothing is on its way. */
	deliverAll(): void {
		for (
			let next = this.pending.shift();
			next !== undefined;
			next = this.pending.shift()
		)
			this.deliver(next);
	}

	/** Gives the oldest signature that was asked for. */
	async signNext(): Promise<void> {
		const next = this.signing.shift();
		if (next !== undefined) await this.sign(next);
	}

	/** Delivers and signs until nothing is on its way, or `until` holds. */
	run(until: () => boolean = () => false): Promise<void> {
		return this.runFor(() => true, until);
	}

	/** The same of those deliveries alone that `wanted` lets through; the others stay on their way. */
	async runFor(
		wanted: (delivery: Delivery) => boolean,
		until: () => boolean = () => false,
	): Promise<void> {
		while (!until()) {
			const at = this.pending.findIndex(wanted);
			const [next] = at < 0 ? [] : this.pending.splice(at, 1);
			if (next !== undefined) this.deliver(next);
			else if (this.signing.length > 0) await this.signNext();
			else return;
		}
	}
}
