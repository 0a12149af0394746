import type { Carrier } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type {
	AgentEffect,
	AgentEvent,
	AgentMachine,
	Ended,
} from "../../tetrad/index.ts";
import { Driver } from "./driver.ts";
import { ListPump, learnFor } from "./list-pump.ts";
import { RunningTetrad, type RunOptions } from "./running-tetrad.ts";
import type { Tetrad } from "./tetrad.ts";

/** An agent's tetrad: its machine, the carrier to the other agent, and the link. */
export class AgentRun {
	/** Settles when the tetrad is confirmed or the establishment has failed. */
	readonly confirmed: Promise<Tetrad>;
	readonly #carrier: Carrier;
	readonly #driver: Driver<AgentEvent, AgentEffect>;
	readonly #running: RunningTetrad;
	readonly #pump: ListPump;
	#hasRoom = true;
	#pauses = 0;

	/** Throws as `RunningTetrad`. */
	constructor(machine: AgentMachine, carrier: Carrier, options: RunOptions) {
		const { device, link, tetradId } = options;
		const feed = (event: AgentEvent) => this.#feed(event);
		const running = new RunningTetrad(
			machine,
			options,
			{
				agent: {
					hasRoom: () => this.#hasRoom,
					drained: () => carrier.drained(),
					written: () => carrier.written(),
					full: (isFull) => this.#pause(isFull),
				},
				module: link,
			},
			feed,
		);
		const over = (end: Ended) => {
			this.#pump.stop();
			carrier.close();
			running.over(end);
		};
		this.#running = running;
		this.confirmed = running.confirmed;
		this.#carrier = carrier;
		this.#driver = new Driver<AgentEvent, AgentEffect>({
			machine,
			now: device.clock.now,
			handlers: {
				...running.handlers,
				"send-frame": ({ bytes }) => {
					this.#hasRoom = carrier.send(bytes, "owned");
				},
				"send-link": (effect) => {
					if (link.send(tetradId, effect)) return;
					// What the other side's module sends faster than our module takes it waits on the network.
					this.#pause(true);
					void link.drained().then(() => this.#pause(false));
				},
				list: ({ bundle }) =>
					learnFor(device.lists, bundle, (was) =>
						feed({ kind: "list-dealt", was }),
					),
			},
			ended: over,
			failed: (error) => over({ kind: "ended", error }),
		});
		this.#pump = new ListPump({
			waits: () => machine.listWaits,
			next: () => {
				feed({ kind: "next-list" });
				return this.#hasRoom;
			},
			drained: () => carrier.drained(),
		});
		carrier.receive({
			frame: (bytes) => feed({ kind: "frame", bytes }),
			closed: (error) => {
				// After every end: an error that nobody hears of costs its stack all the same.
				if (this.#driver.stopped) return;
				feed({
					kind: "abort",
					error:
						error ??
						new TetradError(
							"truncated",
							"the other agent went away without closing the tetrad",
						),
				});
			},
		});
	}

	/** Begins the establishment, as the agent that calls. */
	start(): this {
		this.#feed({ kind: "start" });
		return this;
	}

	#feed(event: AgentEvent): void {
		if (event.kind === "send") this.#driver.feedWhenever(event);
		else this.#driver.feed(event);
		this.#running.wake();
		this.#pump.wake();
	}

	#pause(pause: boolean): void {
		this.#pauses += pause ? 1 : -1;
		if (this.#pauses === 0) this.#carrier.resume();
		else if (pause && this.#pauses === 1) this.#carrier.pause();
	}
}
