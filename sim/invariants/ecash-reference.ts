import { type Proof, sumOf } from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { SimulatedMint } from "../mint.ts";
import type { Side } from "../side.ts";
import type { OrderRow } from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isAskedLate, isCostly } from "./mint-sins.ts";
import { needsPerson } from "./needs-person.ts";

const { PROOFS, LOCKED, CLAIMED, RECEIVED, ECASH_ORDERS } = ecashTables;

/**
 * A ledger of a few lines that knows nothing of proofs, swaps or keysets: who brought how much, and
 * which contracts were bought, and what owners have sent, minted and melted. At rest everybody has that, and whoever pays what mints ask for has
 * less by no more than that; and each mint takes all of it.
 */
export const ecashReference: MakeInvariant = (world, fail) => ({
	rested() {
		// A purse that does not start does not know yet what it has paid.
		const isOpen =
			world.wasPutBack ||
			world.sides.some(
				(side) => !side.module.isUp && needsPerson(side) !== undefined,
			);
		for (const mint of world.mints.all) {
			if (isCostly(mint)) continue;
			const owns = new Map<Side, bigint>();
			const paid = new Map<Side | undefined, bigint>();
			const add = (side: Side | undefined, amount: bigint) => {
				if (side !== undefined) owns.set(side, (owns.get(side) ?? 0n) + amount);
			};
			const isOf = (row: { readonly mint: Uint8Array }) =>
				hex(row.mint) === hex(mint.issuer);
			const sideOf = (id: Uint8Array) =>
				world.sides.find(
					({ module }) => hex(module.certified().deviceId) === hex(id),
				);
			for (const side of world.sides) {
				const { disk } = side.module;
				for (const { state, amount } of disk.rows(RECEIVED).filter(isOf))
					if (state === "received") add(side, amount);
				for (const row of disk.rows(ECASH_ORDERS).filter(isOf))
					add(side, broughtBy(row));
				for (const { state, amount, payee } of disk.rows(LOCKED).filter(isOf)) {
					if (state !== "keyed") continue;
					add(side, -amount);
					const to = sideOf(payee);
					add(to, amount);
					paid.set(to, (paid.get(to) ?? 0n) + amount);
				}
			}
			for (const side of world.sides) {
				const has = proofsOf(side, mint);
				const [sum, expected] = [sumOf(has), owns.get(side) ?? 0n];
				const hasPaid = side.module.disk.rows(LOCKED).some(isOf);
				const isRight =
					mint.asksForSpending && hasPaid ? sum <= expected : sum === expected;
				if (!isRight && !isOpen)
					fail(
						`${side.name} has ${sum} of ${mint.name}, and by the reference ledger ${expected}`,
					);
				const sold = side.module.disk
					.rows(CLAIMED)
					.filter((row) => isOf(row) && row.state === "claimed")
					.reduce((all, { amount }) => all + amount, 0n);
				const got = paid.get(side) ?? 0n;
				if (sold > got && !isOpen)
					fail(`${side.name} has sold for ${sold}, and was paid ${got}`);
				// A purse that was put back may have what it has spent since, unless it has asked its mint.
				const isSure = side.ecash.hasRestored(mint) && !isAskedLate(world);
				if (side.wasRestored && !isSure) continue;
				for (let at = 0; at < has.length; at += MAX_AT_ONCE) {
					const why = mint.whyNotTaken(has.slice(at, at + MAX_AT_ONCE));
					if (why !== undefined)
						fail(`${mint.name} does not take what ${side.name} has: ${why}`);
				}
			}
		}
	},
});

/** What an order of its owner has brought a purse by now, or cost it, as the owner is told. */
function broughtBy(row: OrderRow): bigint {
	const { kind, state, amount, fee, returned, spends } = row;
	switch (`${kind} ${state}`) {
		case "send sent":
		case "send redeemed":
			return -amount - fee;
		case "send taken-back":
			return returned - amount - fee;
		case "mint minted":
			return amount;
		case "melt paid":
			return -amount - fee;
		case "send failed":
		case "melt failed":
			return -fee;
		case "send declined":
		case "melt declined":
			return returned - spends;
		case "restore restored":
			return amount - spends;
		default:
			return 0n;
	}
}

const MAX_AT_ONCE = 100;

function proofsOf(
	{ module }: Side,
	{ issuer }: SimulatedMint,
): readonly Proof[] {
	return module.disk
		.rows(PROOFS)
		.filter(({ mint }) => hex(mint) === hex(issuer))
		.map((row) => ({ ...row, dleq: undefined }));
}
