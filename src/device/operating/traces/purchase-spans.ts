import {
	ROOT_CONTEXT,
	type Span,
	TraceFlags,
	type Tracer,
	trace,
} from "@opentelemetry/api";
import type { ProcessEvent } from "../../process/index.ts";
import type { SpanIds } from "./span-ids.ts";
import { traceIds } from "./trace-ids.ts";

/** Purchases and sales that are open at a time; the oldest is ended for one more. */
const MAX_OPEN = 1000;

const OUTCOME = "tetrad.outcome";
const CODE = "tetrad.code";

type PurchaseEvent = Extract<ProcessEvent, { readonly event: "purchase" }>;

/** A span that goes on, and the tetrad that it ends with at the latest. */
interface Open {
	readonly span: Span;
	readonly tetrad: number | undefined;
}

/**
 * The spans of what a device has to do with purchases. Their names, outcomes and codes are words
 * of this program; no amount, name or text of anybody is in them.
 */
export class PurchaseSpans {
	readonly #tracer: Tracer;
	readonly #ids: SpanIds;
	/** By contract, in hexadecimal. */
	readonly #open = new Map<string, Open>();

	constructor(tracer: Tracer, ids: SpanIds) {
		this.#tracer = tracer;
		this.#ids = ids;
	}

	hear(event: ProcessEvent): void {
		switch (event.event) {
			case "purchase":
				return this.#purchase(event);
			case "bought":
				return this.#close(event.contract, "purchase", "bought");
			case "offered":
				return this.#begin(event.contract, "sale", event.tetrad);
			case "sold":
				return this.#close(event.contract, "sale", "sold");
			case "paying":
				return this.#begin(event.contract, "payment", event.tetrad, true);
			case "paid":
			case "in-doubt":
				return this.#close(event.contract, "payment", event.event);
			case "not-paid":
				return this.#close(event.contract, "payment", "not-paid", event.code);
			case "received":
				return this.#moment(event.contract, "payment received");
			case "purse":
				if (event.contract === undefined) return;
				return this.#moment(
					event.contract,
					`purse ${event.kind}`,
					undefined,
					event.code,
				);
			case "request":
				if (event.sale === undefined) return;
				return this.#moment(
					event.sale,
					`issuer ${event.asked}`,
					event.outcome,
					event.code,
				);
			case "ended":
				for (const [contract, { tetrad }] of this.#open)
					if (tetrad === event.tetrad) this.#end(contract, "left");
				return;
			default:
				return;
		}
	}

	/** Ends what is open: the device stops. */
	end(): void {
		for (const contract of this.#open.keys()) this.#end(contract, "left");
	}

	#purchase({ state, contract, code }: PurchaseEvent): void {
		if (contract === undefined) return;
		switch (state) {
			case "paying":
				return this.#begin(contract, "purchase", undefined, true);
			case "waiting":
			case "paid":
			case "fetching":
				this.#open.get(contract)?.span.addEvent(state);
				return;
			default:
				return this.#close(contract, "purchase", state, code);
		}
	}

	#begin(
		contract: string,
		name: string,
		tetrad: number | undefined,
		isRoot = false,
	): void {
		this.#end(contract, "left");
		const [oldest] = this.#open.keys();
		if (this.#open.size >= MAX_OPEN && oldest !== undefined)
			this.#end(oldest, "left");
		const span = isRoot
			? this.#ids.as(traceIds(contract), () =>
					this.#tracer.startSpan(name, { root: true }, ROOT_CONTEXT),
				)
			: this.#below(contract, name);
		this.#open.set(contract, { span, tetrad });
	}

	/** What was begun in another process, or in an earlier run, is a moment. */
	#close(contract: string, name: string, outcome: string, code?: string): void {
		if (!this.#end(contract, outcome, code))
			this.#moment(contract, name, outcome, code);
	}

	#moment(
		contract: string,
		name: string,
		outcome?: string,
		code?: string,
	): void {
		finish(this.#below(contract, name), outcome, code);
	}

	#below(contract: string, name: string): Span {
		const { trace: traceId, root: spanId } = traceIds(contract);
		const traceFlags = TraceFlags.SAMPLED;
		const above = { traceId, spanId, traceFlags, isRemote: true };
		const context = trace.setSpanContext(ROOT_CONTEXT, above);
		return this.#tracer.startSpan(name, {}, context);
	}

	#end(contract: string, outcome: string, code?: string): boolean {
		const open = this.#open.get(contract);
		if (open === undefined) return false;
		this.#open.delete(contract);
		finish(open.span, outcome, code);
		return true;
	}
}

function finish(
	span: Span,
	outcome: string | undefined,
	code: string | undefined,
): void {
	if (outcome !== undefined) span.setAttribute(OUTCOME, outcome);
	if (code !== undefined) span.setAttribute(CODE, code);
	span.end();
}
