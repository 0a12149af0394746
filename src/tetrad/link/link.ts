/*
 * One end of a link between an agent and its module.
 *
 *   authenticating (link-handshake.ts) ──the other end is the paired device──▶ ready (link-multiplexer.ts)
 */
import { TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	timedOut,
} from "../../machine/index.ts";
import { encodeFrame, FRAME, parseFrame } from "../../wire/index.ts";
import type { LinkContext } from "../context.ts";
import { demandSize, MAX_LINK_BODY_BYTES } from "../parameters.ts";
import { Signing } from "../signing.ts";
import type { LinkEffect, LinkEvent, LinkOptions } from "./link-events.ts";
import { LinkHandshake } from "./link-handshake.ts";
import { LinkMultiplexer } from "./link-multiplexer.ts";

type Phase =
	| { readonly kind: "authenticating"; readonly handshake: LinkHandshake }
	| { readonly kind: "ready"; readonly multiplexer: LinkMultiplexer };

/** One end of a link. The agent calls, the module answers. */
export class LinkMachine implements Machine<LinkEvent, LinkEffect> {
	readonly #options: LinkOptions;
	readonly #steps: Steps<LinkEffect>;
	readonly #signing: Signing = new Signing();
	#phase: Phase;

	constructor(role: "agent" | "module", options: LinkOptions) {
		this.#options = options;
		this.#steps = new Steps<LinkEffect>(
			options.now + options.timeoutMs,
			(error) => this.#tellOther(error),
		);
		this.#phase = {
			kind: "authenticating",
			handshake: new LinkHandshake(role, options, this.#steps, this.#signing),
		};
	}

	/** As `Machine` has it: milliseconds since the epoch. */
	get deadline(): number | undefined {
		return this.#steps.deadline;
	}

	/** Whether this link is over; its last effect said how. */
	get ended(): boolean {
		return this.#steps.ended;
	}

	/** What a tetrad's machine needs to know of this link. Throws `carrier-failed` before it is ready. */
	contextFor(tetradId: Uint8Array): LinkContext {
		return this.#ready().contextFor(tetradId);
	}

	/** Whether `next-list` may have something to send; to be looked at after each event. */
	get listWaits(): boolean {
		return (
			!this.ended &&
			this.#phase.kind === "ready" &&
			this.#phase.multiplexer.listWaits
		);
	}

	/** Whether `flush` has something to seal; to be looked at after each event. */
	get flushWaits(): boolean {
		return (
			!this.ended &&
			this.#phase.kind === "ready" &&
			this.#phase.multiplexer.flushWaits
		);
	}

	/** Hands over what happened at `now`, in milliseconds since the epoch, and returns what shall be done. Throws only for `send`. */
	handle(event: LinkEvent, now: number): readonly (LinkEffect | Ended)[] {
		if (event.kind === "send") {
			const multiplexer = this.#ready();
			demandSize(event.body, MAX_LINK_BODY_BYTES);
			return this.#steps.run(() => multiplexer.send(event));
		}
		return this.#steps.run(() => {
			const phase = this.#phase;
			if (phase.kind === "ready") return phase.multiplexer.step(event, now);
			this.#authenticate(phase.handshake, event, now);
			this.#carryIfAuthenticated(phase.handshake);
		});
	}

	#authenticate(
		handshake: LinkHandshake,
		event: Exclude<LinkEvent, { kind: "send" }>,
		now: number,
	): void {
		switch (event.kind) {
			case "start":
				return handshake.start();
			case "frame": {
				const frame = parseFrame(event.bytes);
				if (frame.type === FRAME.refusal)
					throw new TetradError(
						"refused-by-peer",
						"the other end of the link refused; are the two devices paired, and with each other?",
					);
				return handshake.frame(frame, event.bytes, now);
			}
			case "signed":
			case "not-signed":
				return handshake.signed(this.#signing.take(event));
			case "flush":
			case "next-list":
			case "list-dealt":
			case "lists-changed":
				return;
			case "close":
				return this.#steps.end("self");
			case "time":
				if (this.#steps.isDue(now))
					throw timedOut("the other end of the link authenticates");
				return;
			case "abort":
				throw event.error;
			default:
				return unreachable(event);
		}
	}

	#carryIfAuthenticated({ authenticated }: LinkHandshake): void {
		if (authenticated === undefined) return;
		const multiplexer = new LinkMultiplexer(
			this.#options,
			this.#steps,
			authenticated,
		);
		this.#phase = { kind: "ready", multiplexer };
		this.#steps.deadline = undefined;
		this.#steps.emit({ kind: "ready", peer: authenticated.peer });
	}

	#ready(): LinkMultiplexer {
		if (this.#phase.kind !== "ready")
			throw new TetradError("carrier-failed", "the link is not ready");
		return this.#phase.multiplexer;
	}

	#tellOther(error: TetradError): void {
		if (this.#phase.kind === "ready")
			return this.#phase.multiplexer.flushBeforeFailure();
		if (error.code === "refused-by-peer") return;
		this.#steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(FRAME.refusal, Uint8Array.of(0)),
		});
	}
}
