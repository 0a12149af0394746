import type { TestDevice } from "./device.ts";
import type { TestNetwork } from "./network.ts";

/** What may go wrong in a town. What is planned resolves when it has happened. */
export class Faults {
	readonly #network: TestNetwork;
	readonly #issuer: readonly TestDevice[];

	constructor(network: TestNetwork, issuer: readonly TestDevice[]) {
		this.#network = network;
		this.#issuer = issuer;
	}

	/**
	 * Cuts a connection of two devices at a message that is still to be sent by either, the next one
	 * being 1. That one does not arrive; both hear that the connection broke. Throws
	 * `invalid-argument`.
	 */
	cut(
		one: TestDevice,
		other: TestDevice,
		{ message = 1 }: { readonly message?: number } = {},
	): Promise<void> {
		return this.#network.cut([one, other], message);
	}

	/**
	 * Loses what a device answers to what makes it write durably: all its connections break when
	 * that is written, so that it has happened and nobody hears of it. `write` counts those that are
	 * still to come, from 1. Throws `invalid-argument`.
	 */
	loseAnswer(
		device: TestDevice,
		{ write = 1 }: { readonly write?: number } = {},
	): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		device.disk.atWrite(write, "after", () => {
			this.#network.cutOff(device);
			resolve();
		});
		return promise;
	}

	/**
	 * Crashes a device: at once, or before or after a durable write that is still to come, the first
	 * one being 1. Its disk stays; `device.start()` starts it again. Throws `invalid-argument`.
	 */
	crash(
		device: TestDevice,
		{
			write,
			when = "after",
		}: { readonly write?: number; readonly when?: "before" | "after" } = {},
	): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const crash = () => {
			device.crash();
			resolve();
		};
		if (write === undefined) crash();
		else device.disk.atWrite(write, when, crash);
		return promise;
	}

	/** Nothing can be written on a device's disk any more, until there is room again. */
	fillDisk(device: TestDevice): void {
		device.disk.isFull = true;
	}

	freeDisk(device: TestDevice): void {
		device.disk.isFull = false;
	}

	/** The issuer is not there for anybody, until it is brought back. */
	takeIssuerAway(): void {
		for (const device of this.#issuer) device.crash();
	}

	async bringIssuerBack(): Promise<void> {
		for (const device of this.#issuer) await device.start();
	}
}
