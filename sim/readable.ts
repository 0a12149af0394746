/*
 * Documents as messages and rows of a disk that rots have them (rot.ts): what has changed there is
 * none any more, or one that nobody has signed.
 */
import { TetradError } from "../src/errors.ts";
import {
	draftTransfer,
	parseTransfer,
	type Transfer,
} from "../src/money/index.ts";
import type { Device } from "./device.ts";

/** What a document says, or nothing where it is malformed. */
export function readable<Said>(read: () => Said): Said | undefined {
	try {
		return read();
	} catch (thrown) {
		if (thrown instanceof TetradError && thrown.code === "malformed")
			return undefined;
		throw thrown;
	}
}

/** The transfer in a message of a device, or nothing where that device has not signed what is there now. */
export function transferBy(
	device: Device,
	document: Uint8Array,
): Transfer | undefined {
	const transfer = readable(() => parseTransfer(device.crypto, document));
	return transfer !== undefined &&
		device.hasSigned(draftTransfer(transfer).toSign)
		? transfer
		: undefined;
}
