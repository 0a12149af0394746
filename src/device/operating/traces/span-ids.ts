import { type IdGenerator, RandomIdGenerator } from "@opentelemetry/sdk-trace";
import type { TraceIds } from "./trace-ids.ts";

/** Random ids, but for the one span of a trace whose ids follow from its contract. */
export class SpanIds implements IdGenerator {
	readonly #random = new RandomIdGenerator();
	#next: TraceIds | undefined;

	/** What `start` starts has these ids. */
	as<Of>(ids: TraceIds, start: () => Of): Of {
		this.#next = ids;
		try {
			return start();
		} finally {
			this.#next = undefined;
		}
	}

	generateTraceId(): string {
		return this.#next?.trace ?? this.#random.generateTraceId();
	}

	generateSpanId(): string {
		return this.#next?.root ?? this.#random.generateSpanId();
	}
}
