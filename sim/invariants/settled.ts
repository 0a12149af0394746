import { ecashTables, purseTables } from "../../src/money/index.ts";
import {
	parseContract,
	parsePurchaseTerms,
} from "../../src/trade/documents/index.ts";
import { PURCHASES } from "../../src/trade/records/index.ts";
import { enc, hex, utf8 } from "../../src/wire/index.ts";
import { readable } from "../readable.ts";
import type { Side } from "../side.ts";
import type { World } from "../world.ts";
import { isMoving, OPEN, type OrderRow, tokenOf } from "./ecash-rows.ts";
import { isForgotten } from "./forgotten-notes.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isOfCostlyMint } from "./mint-sins.ts";
import { needsPerson } from "./needs-person.ts";

const { NOTES, PAYMENTS, RECEIPTS, REQUESTS } = purseTables;
const { LOCKED, CLAIMED, RECEIVED, ECASH_ORDERS } = ecashTables;

/** When nothing goes wrong any more, everything comes to its end in time, or it is said what a person has to do. */
export const settled: MakeInvariant = (world, fail) => ({
	rested() {
		for (const side of world.sides) {
			if (world.isLying(side.agent.name)) continue;
			const open = [...whatIsOpen(side, world), ...whatIsLocked(side)];
			if (open.length > 0 && needsPerson(side) === undefined)
				fail(`${side.name} does not come to rest: ${open.join(", ")}`);
		}
	},
});

/** Tells payments that only the same four devices can end when one of these may be there no more: they are in doubt until their notes expire (docs/money.md). */
export function waitsForNobody(
	world: World | undefined,
): (payment: {
	readonly state: string;
	readonly terms: Uint8Array;
}) => boolean {
	const isReplaced = world?.sides.some(({ wasReplaced }) => wasReplaced);
	return ({ state, terms }) =>
		isReplaced === true && state === "committed" && terms.length === 0;
}

/** What a side still waits for at its mints. */
export function whatIsLocked({
	module: { disk },
	world,
	reports,
	wasRestored,
}: Side): readonly string[] {
	const { mints } = world;
	const isTold = reports.some(
		(report) =>
			report.kind === "trouble" && report.error.code === "payment-in-doubt",
	);
	/** What somebody else has done by now, the purse hears when it asks the next time. */
	const isToHear = (row: OrderRow): boolean => {
		const mint = mints.of(row.mint);
		const { ecash } = mints;
		if (mint === undefined || ecash === undefined) return false;
		const { proofs, mintQuotes } = mint.kept;
		if (row.state === "unpaid")
			return mintQuotes.get(row.quote)?.state !== "UNPAID";
		return (
			row.state === "sent" &&
			tokenOf(row).every(
				({ secret }) =>
					proofs.get(hex(ecash.purse.hashToCurve(utf8(secret))))?.state ===
					"SPENT",
			)
		);
	};
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	return [
		...disk
			.rows(LOCKED)
			.filter(({ state }) => OPEN.has(state))
			.map(
				({ contract, state }) => `the ecash for ${short(contract)} is ${state}`,
			),
		...disk
			.rows(CLAIMED)
			.filter(({ state }) => state === "claiming")
			.map(({ contract }) => `the lock of ${short(contract)} is claimed`),
		...disk
			.rows(RECEIVED)
			.filter(({ state }) => state === "swapping")
			.map(({ request }) => `the token ${short(request)} is swapped`),
		...disk
			.rows(ECASH_ORDERS)
			.filter((row) => isMoving(row) || isToHear(row))
			// What such a mint has signed is no ecash, and what a purse had before it was put back a restore finds: its owner has been told so.
			.filter(
				({ mint }) => !isTold || !(wasRestored || isOfCostlyMint(world, mint)),
			)
			.map(
				({ request, kind, state }) =>
					`the order ${short(request)} to ${kind} is ${state}`,
			),
	];
}

/** What a side still has, or asks, of what its issuer has forgotten. */
export function whatIsForgotten(
	{ module: { disk } }: Side,
	world: World,
): readonly string[] {
	const isOf = isForgotten(world);
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	const payments = disk.rows(PAYMENTS).filter(isOf);
	const receipts = disk.rows(RECEIPTS).filter(isOf);
	const contracts = new Set(
		[...payments, ...receipts].map(({ contract }) => hex(contract)),
	);
	return [
		...disk
			.rows(NOTES)
			.filter(
				({ state, issuer, document }) =>
					state === "live" && isOf({ issuer, notes: enc(document) }),
			)
			.map(({ id }) => `the note ${short(id)} is live`),
		...payments
			.filter(({ state }) => state === "committed" || state === "keyed")
			.map(
				({ contract, state }) => `the payment ${short(contract)} is ${state}`,
			),
		...receipts
			.filter(({ state }) => state === "to-deposit")
			.map(({ contract }) => `the receipt ${short(contract)} is to deposit`),
		...disk
			.rows(REQUESTS)
			.filter(
				({ state, subject }) =>
					state === "ordered" && contracts.has(hex(subject)),
			)
			.map(
				({ request, kind }) =>
					`the request ${short(request)} to ${kind} is open`,
			),
	];
}

/** Whether the issuer would not book it any more. */
function isTooLate(
	{ crypto, world }: Pick<Side["module"], "crypto" | "world">,
	terms: Uint8Array,
): boolean {
	if (terms.length === 0) return false;
	const contract = readable(() =>
		parseContract(crypto, parsePurchaseTerms(terms).contract),
	);
	return contract !== undefined && contract.bookBy < world.schedule.now;
}

/** What a side still has to do; with a world, but for what can wait because of those who lie in it. */
export function whatIsOpen(
	{ agent, module }: Side,
	world?: World,
): readonly string[] {
	const isLeft = waitsForNobody(world);
	const payments = module.disk.rows(PAYMENTS);
	const receipts = module.disk.rows(RECEIPTS);
	// By contract.
	const forgotten = new Set(
		[...payments, ...receipts]
			.filter(isForgotten(world))
			.map(({ contract }) => hex(contract)),
	);
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	const liars = new Set(
		(world?.sides ?? [])
			.filter(({ module: { lie } }) => lie !== undefined)
			.map((side) => hex(side.module.certified().deviceId)),
	);
	// They refuse a payment that comes again, when they cannot read any more what they gave for it.
	const rotten = new Set(
		(world?.sides ?? [])
			.filter(({ module: { disk } }) => disk.rotten > 0)
			.map((side) => hex(side.module.certified().deviceId)),
	);
	// What came too late to be booked is over when its payer hands it in, and so is a sale that its merchant brings after its time.
	const waiting = new Set(
		(world?.sides ?? [])
			.filter((side) => needsPerson(side) !== undefined)
			.map((side) => hex(side.module.certified().deviceId)),
	);
	const locked = new Set(
		module.disk
			.rows(LOCKED)
			.filter(({ state }) => OPEN.has(state))
			.map(({ contract }) => hex(contract)),
	);
	return [
		...agent.disk
			.rows(PURCHASES)
			.filter(
				({ state, contract }) =>
					state === "provisional" && !locked.has(hex(contract)),
			)
			.map(({ contract }) => `the purchase ${short(contract)} is provisional`),
		...payments
			.filter(
				(payment) =>
					(payment.state === "committed" || payment.state === "keyed") &&
					// A payment that its payee denies is in doubt until its notes have expired.
					!(payment.terms.length === 0 && liars.has(hex(payment.payee))) &&
					!(payment.terms.length === 0 && rotten.has(hex(payment.payee))) &&
					!isLeft(payment) &&
					!forgotten.has(hex(payment.contract)),
			)
			.map(
				({ contract, state }) => `the payment ${short(contract)} is ${state}`,
			),
		...receipts
			.filter(
				({ state, payer, contract, terms }) =>
					(state === "to-deposit" &&
						!forgotten.has(hex(contract)) &&
						!(waiting.has(hex(payer)) && isTooLate(module, terms))) ||
					(state === "to-book" && !waiting.has(hex(payer))),
			)
			.map(
				({ contract, state }) => `the receipt ${short(contract)} is ${state}`,
			),
		...module.disk
			.rows(REQUESTS)
			// A withdrawal whose answer was lost may stay ordered until it was declined for a month.
			.filter(
				({ state, kind, subject, declined_heard: declined }) =>
					state === "ordered" &&
					(kind !== "withdraw" || declined === 0n) &&
					!forgotten.has(hex(subject)),
			)
			.map(
				({ request, kind }) =>
					`the request ${short(request)} to ${kind} is open`,
			),
	];
}
