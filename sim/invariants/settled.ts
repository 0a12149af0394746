import { purseTables } from "../../src/money/index.ts";
import { PURCHASES } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { Side } from "../side.ts";
import type { World } from "../world.ts";
import { isForgotten } from "./forgotten-notes.ts";
import type { MakeInvariant } from "./invariant.ts";
import { needsPerson } from "./needs-person.ts";

const { PAYMENTS, RECEIPTS, REQUESTS } = purseTables;

/** When nothing goes wrong any more, everything comes to its end in time, or it is said what a person has to do. */
export const settled: MakeInvariant = (world, fail) => ({
	rested() {
		for (const side of world.sides) {
			if (world.isLying(side.agent.name)) continue;
			const open = whatIsOpen(side, world);
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
	// What came too late to be booked is over when its payer hands it in.
	const waiting = new Set(
		(world?.sides ?? [])
			.filter((side) => needsPerson(side) !== undefined)
			.map((side) => hex(side.module.certified().deviceId)),
	);
	return [
		...agent.disk
			.rows(PURCHASES)
			.filter(({ state }) => state === "provisional")
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
				({ state, payer, contract }) =>
					(state === "to-deposit" && !forgotten.has(hex(contract))) ||
					(state === "to-book" && !waiting.has(hex(payer))),
			)
			.map(
				({ contract, state }) => `the receipt ${short(contract)} is ${state}`,
			),
		...module.disk
			.rows(REQUESTS)
			// A withdrawal whose answer was lost may stay ordered for a month after it was first declined.
			.filter(
				({ state, kind, subject, first_declined: declined }) =>
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
