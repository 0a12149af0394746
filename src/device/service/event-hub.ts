import type { ProcessEvent, Report } from "../process/index.ts";
import type { AgentEvent } from "./agent-service.ts";
import { MAX_WAITING_EVENTS } from "./limits.ts";

/** Tells whoever listens what an agent does. One that does not read in time misses what it did not read, and hears how much that was. */
export class EventHub {
	readonly #queues = new Set<EventQueue>();
	#isOver = false;

	readonly report: Report = (event) => {
		for (const queue of this.#queues) queue.push(event);
	};

	/** What happens from this call on, until the signal or the end. */
	listen(signal?: AbortSignal): AsyncIterable<AgentEvent> {
		const queue = new EventQueue();
		const leave = () => {
			this.#queues.delete(queue);
			queue.end();
		};
		if (this.#isOver || signal?.aborted) leave();
		else {
			this.#queues.add(queue);
			signal?.addEventListener("abort", leave, { once: true });
		}
		return queue.read(() => {
			signal?.removeEventListener("abort", leave);
			leave();
		});
	}

	/** Nothing happens any more. What was not read yet can still be. */
	end(): void {
		this.#isOver = true;
		for (const queue of this.#queues) queue.end();
		this.#queues.clear();
	}
}

/** Events that wait for their reader. */
class EventQueue {
	readonly #events: ProcessEvent[] = [];
	#missed = 0;
	#isOver = false;
	#more = Promise.withResolvers<void>();

	push(event: ProcessEvent): void {
		if (this.#isOver) return;
		if (this.#events.length >= MAX_WAITING_EVENTS) {
			this.#events.shift();
			this.#missed++;
		}
		this.#events.push(event);
		this.#more.resolve();
	}

	end(): void {
		this.#isOver = true;
		this.#more.resolve();
	}

	async *read(left: () => void): AsyncGenerator<AgentEvent, void, undefined> {
		try {
			for (;;) {
				const count = this.#missed;
				this.#missed = 0;
				if (count > 0) yield { event: "missed", count };
				const event = this.#events.shift();
				if (event !== undefined) yield event;
				else if (this.#missed > 0) continue;
				else if (this.#isOver) return;
				else {
					await this.#more.promise;
					this.#more = Promise.withResolvers();
				}
			}
		} finally {
			left();
		}
	}
}
