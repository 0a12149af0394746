import { ecashTables, purseTables, readLimits } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

const { LIMITS_NAME, META, PAYMENTS } = purseTables;
const { LOCKED } = ecashTables;

const DAY_MS = 86_400_000n;

interface Paid {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	/** What its mint asks for beside; notes have none. */
	readonly fee?: bigint;
	/** When it counts; 0 for what is not limited. */
	readonly counted: bigint;
	readonly terms: Uint8Array;
}

/**
 * No payment is committed that is more than its owner lets one be, or all of a day, and none for
 * which a mint asks more than its owner lets it. What counts is what was there when it was written:
 * limits may come while that is not durable yet. What has come back counts no more, but for what its
 * mint has taken.
 */
export const limitsKept: MakeInvariant = (world, fail) => {
	/** What is wrong with a payment that was written, by its module and contract. */
	const wrong = new Map<string, string>();
	for (const { module } of world.sides)
		module.disk.watchers.push(({ name }, before, after) => {
			if (before !== undefined || after === undefined) return;
			const isEcash = name === LOCKED.name;
			if (name !== PAYMENTS.name && !isEcash) return;
			const paid = (isEcash
				? { ...after, issuer: after["mint"] }
				: after) as unknown as Paid;
			const why = whyTooMuch(module, paid);
			if (why === undefined) wrong.delete(nameOf(module, paid));
			else wrong.set(nameOf(module, paid), why);
		});
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind !== "insert") continue;
				const { name } = write.table;
				if (name !== PAYMENTS.name && name !== LOCKED.name) continue;
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
	const { contract, issuer, fee = 0n, counted, terms } = paid;
	if (terms.length === 0) return undefined;
	const limits = disk
		.rows(META)
		.find(({ name }) => name === LIMITS_NAME)?.value;
	const limit =
		limits &&
		readLimits(limits).money.find((money) => sameBytes(money.issuer, issuer));
	const ofIt = hex(contract).slice(0, 8);
	const dearest = limit?.fee ?? (paid.amount > 200n ? paid.amount / 10n : 20n);
	if (fee > dearest)
		return `${device} has paid a fee of ${fee} for ${ofIt}, and its owner allows ${dearest}`;
	const amount = paid.amount + fee;
	const most = limit?.perPayment;
	if (most !== undefined && amount > most)
		return `${device} has paid ${amount} for ${ofIt}, and its owner allows ${most}`;
	const perDay = limit?.perDay;
	if (counted === 0n || perDay === undefined) return undefined;
	const before = [
		...disk.rows(PAYMENTS),
		...disk.rows(LOCKED).map((row) => ({ ...row, issuer: row.mint })),
	];
	const inDay = before
		.filter(
			(row) =>
				sameBytes(row.issuer, issuer) &&
				row.state !== "lapsed" &&
				row.counted > counted - DAY_MS,
		)
		.reduce((sum, row) => sum + countingOf(row), amount);
	if (inDay <= perDay) return undefined;
	return `${device} has paid ${inDay} in a day, and its owner allows ${perDay}`;
}

/** What of it counts. */
function countingOf(row: {
	readonly amount: bigint;
	readonly fee?: bigint;
	readonly state: string;
	readonly returned?: bigint;
}): bigint {
	const { amount, fee = 0n, state, returned = 0n } = row;
	return state === "refunded" ? amount + fee - returned : amount + fee;
}
