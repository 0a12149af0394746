/* Pairs of ends that others' packages have made, as a bench compares them with a tetrad: turn by turn, in CPU time of this process. */
import { takeTurns } from "../x402/turns.ts";

/** One end of what two have between them. */
export interface End {
	send(bytes: Uint8Array): Promise<unknown> | unknown;
	/** Resolves when so many bytes more have come. */
	receive(bytes: number): Promise<void>;
}

export interface Pair {
	readonly left: End;
	readonly right: End;
	end(): Promise<unknown> | unknown;
}

/** In one turn. */
const TURN = { establishments: 20, pingPongs: 200, burst: 2000 } as const;
const MESSAGE_BYTES = 256;

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
	const before = process.cpuUsage();
	await work();
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1000;
}

/** Takes turns in which one establishment, one message there and back, and one of a burst cost so many milliseconds of CPU. */
export async function takePairTurns(make: () => Promise<Pair>): Promise<void> {
	const { left, right } = await make();
	const message = new Uint8Array(MESSAGE_BYTES);
	await takeTurns({
		async establish() {
			let sum = 0;
			for (let i = 0; i < TURN.establishments; i++) {
				let pair: Pair | undefined;
				sum += await cpuOf(async () => {
					pair = await make();
				});
				await pair?.end();
			}
			return sum / TURN.establishments;
		},
		async "ping-pong"() {
			const cpu = await cpuOf(async () => {
				for (let i = 0; i < TURN.pingPongs; i++) {
					const there = right.receive(MESSAGE_BYTES);
					await left.send(message);
					await there;
					const back = left.receive(MESSAGE_BYTES);
					await right.send(message);
					await back;
				}
			});
			return cpu / TURN.pingPongs;
		},
		async burst() {
			const cpu = await cpuOf(async () => {
				const there = right.receive(TURN.burst * MESSAGE_BYTES);
				for (let i = 0; i < TURN.burst; i++) await left.send(message);
				await there;
			});
			return cpu / TURN.burst;
		},
	});
	process.exit(0);
}

/** Counts the bytes that come, for `receive`. */
export class Counter {
	#come = 0;
	#waiting: { readonly bytes: number; resolve(): void } | undefined;

	came(bytes: number): void {
		this.#come += bytes;
		const { bytes: wanted, resolve } = this.#waiting ?? {};
		if (wanted === undefined || this.#come < wanted) return;
		this.#come -= wanted;
		this.#waiting = undefined;
		resolve?.();
	}

	receive(bytes: number): Promise<void> {
		return new Promise((resolve) => {
			this.#waiting = { bytes, resolve };
			this.came(0);
		});
	}
}
