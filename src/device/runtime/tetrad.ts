import type {
	ClosedBy,
	Ended,
	Parties,
	Place,
	Transcript,
} from "../../tetrad/index.ts";
import type { Channel } from "./channel.ts";

/**
 * A confirmed tetrad as one of its four devices holds it. On an agent, `agent` speaks with the
 * other agent (session 1) and `module` with the own module (session 3 or 4). On a module,
 * `module` speaks with the other module (session 2) and `agent` with the own agent.
 */
export interface Tetrad extends AsyncDisposable {
	readonly agent: Channel;
	readonly module: Channel;
	/** Which of the four this device is. */
	readonly place: Place;
	/** The four devices, certified and the same for all four. */
	readonly parties: Parties;
	/** What was negotiated and hashed. */
	readonly transcript: Transcript;
	/** Six words, the same on all four devices, for a person to compare. */
	readonly safetyCode: string;
	/** Whether the tetrad is over. */
	readonly ended: boolean;
	/**
	 * Whether it ends because of this side alone: `close` was called here, or the link between this
	 * device and the other one of its side was lost, before anybody else had ended it. What the other
	 * side does, or has this side's devices refuse, never makes it so.
	 */
	readonly isCutHere: boolean;
	/**
	 * Resolves when the tetrad was closed in order, with who closed it, and rejects with the error
	 * that ended it otherwise. On a module, `agent` means that its own agent said so, which proves
	 * nothing about what the other module still had to say; `module` is that module's own seal.
	 * Whoever reads session 2 to its end hears the same: `unsealed-end` unless it was that seal.
	 */
	readonly closed: Promise<ClosedBy>;
	/** A key for the application, the same on all four devices; at most 8160 bytes. */
	export(label: string, context: Uint8Array, length: number): Uint8Array;
	/** Ends the tetrad in order; the other three hear of it. Idempotent. */
	close(): Promise<void>;
}

/** What a running tetrad tells its device, for logs and progress. */
export type TetradEvent =
	| { readonly kind: "bound" }
	| { readonly kind: "confirmed"; readonly tetrad: Tetrad }
	| Ended;
