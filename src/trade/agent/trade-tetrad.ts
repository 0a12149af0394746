import type { CertifiedDevice } from "../../identity/index.ts";

/** An agent and its module. */
interface TradeSide {
	readonly agent: CertifiedDevice;
	readonly module: CertifiedDevice;
}

/** A confirmed tetrad, as one of its agents trades in it; either may have dialled. */
export interface TradeTetrad {
	readonly own: TradeSide;
	readonly other: TradeSide;
	/** `BINDING_BYTES` exported by the tetrad under `BINDING_LABEL`. */
	readonly binding: Uint8Array;
	/** `EXPORTER_BYTES` exported by the tetrad under `EXPORTER_LABEL`. */
	readonly exporter: Uint8Array;
}
