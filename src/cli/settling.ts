/* How often the command line lets an agent settle. */
import type { Address } from "../carrier/index.ts";
import { TetradError } from "../errors.ts";
import { DEPOSIT_MARGIN_MS } from "../money/index.ts";

export interface SettlingFlags {
	readonly settleAt?: Address;
	/** In milliseconds. */
	readonly settleEvery?: number;
}

interface Settling {
	readonly address: Address;
	readonly everyMs: number;
}

/** A payment is taken up to the margin before its notes expire: at least one settling, and its retries, fall into that time. */
const SETTLE_EVERY_MS: number = DEPOSIT_MARGIN_MS / 4;

/** Where and how often an agent settles by itself, if it shall. Throws `invalid-argument`. */
export function settlingOf(flags: SettlingFlags): {
	readonly settleAt?: Settling;
} {
	const { settleAt, settleEvery: everyMs = SETTLE_EVERY_MS } = flags;
	if (settleAt === undefined && flags.settleEvery !== undefined)
		throw invalid("--settle-every goes with --settle-at");
	if (everyMs > DEPOSIT_MARGIN_MS / 2)
		throw invalid(
			`--settle-every is at most ${DEPOSIT_MARGIN_MS / 2000} seconds: what was received is deposited before its notes expire`,
		);
	return settleAt === undefined
		? {}
		: { settleAt: { address: settleAt, everyMs } };
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
