import { purseTables, readLimits } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";

const { LIMITS_NAME, META, PAYMENTS } = purseTables;

/** No payment is committed that is more than its owner lets one be. */
export const limitsKept: MakeInvariant = (world, fail) => ({
	durable(device, writes) {
		const side = world.sides.find(({ module }) => module.name === device.name);
		if (side === undefined) return;
		for (const write of writes) {
			if (write.kind !== "insert" || write.table.name !== PAYMENTS.name)
				continue;
			const row = write.row as Parameters<typeof isSale>[0];
			if (!isSale(row)) continue;
			// What was committed before they were in force was durable before them, too.
			const limits = device.disk
				.rows(META)
				.find(({ name }) => name === LIMITS_NAME)?.value;
			if (limits === undefined) continue;
			const { money } = readLimits(limits);
			const most = money.find(({ issuer }) =>
				sameBytes(issuer, row.issuer),
			)?.perPayment;
			if (most !== undefined && row.amount > most)
				fail(
					`${device.name} has paid ${row.amount} for ${hex(row.contract).slice(0, 8)}, and its owner allows ${most}`,
				);
		}
	},
});

function isSale(row: {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	readonly terms: Uint8Array;
}): boolean {
	return row.terms.length > 0;
}
