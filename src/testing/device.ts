import { TetradError } from "../errors.ts";
import { TestClock } from "./clock.ts";
import { TestDisk } from "./disk.ts";
import { Life } from "./life.ts";
import type { Party } from "./network.ts";

/** Starts what a device runs, which what it resolves with ends. */
export type Boot<Running extends AsyncDisposable> = (
	life: Life,
) => Promise<Running>;

/** One device of a town: a process that can be crashed and started again, with a clock and a disk of its own. */
export class TestDevice<Running extends AsyncDisposable = AsyncDisposable>
	implements Party, AsyncDisposable
{
	readonly name: string;
	/** The town's time, unless it is set wrong. */
	readonly clock: TestClock;
	readonly disk: TestDisk;
	/** The last time that it has seen, as a device keeps it. */
	lastSeen: number | undefined;
	readonly #ending = new Set<Promise<void>>();
	#boot: Boot<Running> | undefined;
	#life = new Life();
	#running: Running | undefined;

	constructor(name: string, clock: TestClock) {
		this.name = name;
		this.clock = new TestClock(clock);
		this.disk = new TestDisk(name);
	}

	get isRunning(): boolean {
		return this.#running !== undefined;
	}

	/** What it runs. Throws `carrier-failed` while it does not. */
	get running(): Running {
		if (this.#running === undefined)
			throw new TetradError(
				"carrier-failed",
				`${this.name} does not run; start it first`,
			);
		return this.#running;
	}

	/** Says what it is to run. */
	runs(boot: Boot<Running>): this {
		this.#boot = boot;
		return this;
	}

	/** Starts it, with what its disk holds. Does nothing while it runs. */
	async start(): Promise<void> {
		if (this.#running !== undefined || this.#boot === undefined) return;
		const life = new Life();
		this.#life = life;
		this.#running = await this.#boot(life);
	}

	/** Ends it at once, as losing its power does: all but its disk is gone, its connections break, and it says nothing more. */
	crash(): void {
		const running = this.#running;
		this.#running = undefined;
		this.#life.end();
		if (running === undefined) return;
		// Of no effect outside any more; timers and the like go.
		const ending = gone(running);
		this.#ending.add(ending);
		void ending.then(() => this.#ending.delete(ending));
	}

	/** Stops it in order. */
	async stop(): Promise<void> {
		const running = this.#running;
		this.#running = undefined;
		await running?.[Symbol.asyncDispose]();
		this.#life.end();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		await Promise.all(this.#ending);
	}
}

async function gone(running: AsyncDisposable): Promise<void> {
	try {
		await running[Symbol.asyncDispose]();
	} catch {
		// Nobody is there to hear of it.
	}
}
