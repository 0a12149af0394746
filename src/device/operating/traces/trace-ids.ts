import { nodeCrypto } from "../../../crypto/index.ts";
import { enc, hex, utf8 } from "../../../wire/index.ts";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** The ids of the trace of one purchase, in hexadecimal. */
export interface TraceIds {
	readonly trace: string;
	/** Of the span that all others are below. */
	readonly root: string;
}

/**
 * All devices of a purchase make the same ids from its contract, in hexadecimal, which each of
 * them knows: no message says anything of traces. Nobody finds a contract from them.
 */
export function traceIds(contract: string): TraceIds {
	const bytes = new Uint8Array(Buffer.from(contract, "hex"));
	const from = (label: string, length: number) =>
		hex(nodeCrypto.sha256(enc(utf8(label), bytes)).subarray(0, length));
	return {
		trace: from("tetrad/1 trace", TRACE_ID_BYTES),
		root: from("tetrad/1 trace root", SPAN_ID_BYTES),
	};
}
