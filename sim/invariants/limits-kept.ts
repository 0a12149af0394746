import { purseTables, readLimits } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";

const { LIMITS_NAME, META, PAYMENTS } = purseTables;

const DAY_MS = 86_400_000n;

/** No payment is committed that is more than its owner lets one be, or all of a day. */
export const limitsKept: MakeInvariant = (world, fail) => ({
	durable(device, writes) {
		if (world.sideOf(device)?.module.name !== device.name) return;
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
			const limit = money.find(({ issuer }) => sameBytes(issuer, row.issuer));
			const inDay = device.disk
				.rows(PAYMENTS)
				.filter(
					({ issuer, counted, state }) =>
						sameBytes(issuer, row.issuer) &&
						state !== "lapsed" &&
						counted > row.counted - DAY_MS,
				)
				.reduce((sum, { amount }) => sum + amount, 0n);
			const perDay = limit?.perDay;
			if (row.counted > 0n && perDay !== undefined && inDay > perDay)
				fail(
					`${device.name} has paid ${inDay} in a day, and its owner allows ${perDay}`,
				);
			const most = limit?.perPayment;
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
	/** When it counts; 0 for what is not limited. */
	readonly counted: bigint;
	readonly terms: Uint8Array;
}): boolean {
	return row.terms.length > 0;
}
