import { purseTables, readLimits } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

const { LIMITS_NAME, META, PAYMENTS } = purseTables;

const DAY_MS = 86_400_000n;

interface Paid {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	/** When it counts; 0 for what is not limited. */
	readonly counted: bigint;
	readonly terms: Uint8Array;
}

/**
 * No payment is committed that is more than its owner lets one be, or all of a day. What counts is
 * what was there when it was written: limits may come while that is not durable yet.
 */
export const limitsKept: MakeInvariant = (world, fail) => {
	/** What is wrong with a payment that was written, by its module and contract. */
	const wrong = new Map<string, string>();
	for (const { module } of world.sides)
		module.disk.watchers.push(({ name }, before, after) => {
			if (name !== PAYMENTS.name || before !== undefined || after === undefined)
				return;
			const paid = after as unknown as Paid;
			const why = whyTooMuch(module, paid);
			if (why === undefined) wrong.delete(nameOf(module, paid));
			else wrong.set(nameOf(module, paid), why);
		});
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind !== "insert" || write.table.name !== PAYMENTS.name)
					continue;
				const why = wrong.get(nameOf(device, write.row as unknown as Paid));
				if (why !== undefined) fail(why);
			}
		},
	};
};

function nameOf({ name }: Pick<Device, "name">, { contract }: Paid): string {
	return `${name} ${hex(contract)}`;
}

/** What a sale is too much for, before it is among the rows. */
function whyTooMuch(
	{ name: device, disk }: Pick<Device, "name" | "disk">,
	paid: Paid,
): string | undefined {
	const { contract, issuer, amount, counted, terms } = paid;
	if (terms.length === 0) return undefined;
	const limits = disk
		.rows(META)
		.find(({ name }) => name === LIMITS_NAME)?.value;
	if (limits === undefined) return undefined;
	const limit = readLimits(limits).money.find((money) =>
		sameBytes(money.issuer, issuer),
	);
	const most = limit?.perPayment;
	if (most !== undefined && amount > most)
		return `${device} has paid ${amount} for ${hex(contract).slice(0, 8)}, and its owner allows ${most}`;
	const perDay = limit?.perDay;
	if (counted === 0n || perDay === undefined) return undefined;
	const inDay = disk
		.rows(PAYMENTS)
		.filter(
			(row) =>
				sameBytes(row.issuer, issuer) &&
				row.state !== "lapsed" &&
				row.counted > counted - DAY_MS,
		)
		.reduce((sum, row) => sum + row.amount, amount);
	if (inDay <= perDay) return undefined;
	return `${device} has paid ${inDay} in a day, and its owner allows ${perDay}`;
}
