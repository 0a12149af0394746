/*
 * What came to somebody, and is still there: whoever took it may have been put back since, to before
 * that, and then nobody has it.
 */

import { purseTables } from "../../src/money/index.ts";
import { SALES, TRANSFERS } from "../../src/money/issuer/ledger-tables.ts";
import { sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { World } from "../world.ts";

const { RECEIPTS } = purseTables;

export function isStillAt(
	world: World,
	taker: Device,
	what: { readonly transfer: Uint8Array } | { readonly contract: Uint8Array },
): boolean {
	const issuer = world.issuers.find(({ module }) => module.name === taker.name);
	const { wasRestored } = world.sideOf(taker) ?? issuer ?? {};
	if (wasRestored !== true) return true;
	const { disk } = taker;
	return "transfer" in what
		? disk
				.rows(RECEIPTS)
				.some((row) => sameBytes(row.transfer_id, what.transfer)) ||
				disk.rows(TRANSFERS).some((row) => sameBytes(row.id, what.transfer))
		: [RECEIPTS, SALES].some((table) =>
				disk
					.rows(table as typeof RECEIPTS)
					.some((row) => sameBytes(row.contract, what.contract)),
			);
}
