import {
	BOOKINGS,
	NOTES as ISSUED,
	purseTables,
	TRANSFERS,
} from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { IssuerSide } from "../issuer-side.ts";
import type { World } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";

const { NOTES, PAYMENTS, RECEIPTS } = purseTables;

/**
 * Value in purses, in transit and in doubt equals value issued: not a minor unit more or less. What
 * the books of two modules both have at the moment counts once. A purse that was put back has what
 * it had then, so that nothing is said of worlds with one.
 */
export const conserved: MakeInvariant = (world, fail) => ({
	stepped() {
		if (world.wasPutBack) return;
		for (const issuer of world.issuers) {
			const { have, owed } = sums(world, issuer);
			if (have !== owed)
				fail(
					`purses have ${have} of ${issuer.name}, which owes ${owed} in notes`,
				);
		}
	},
});

function sums(
	world: World,
	issuer: IssuerSide,
): { readonly have: bigint; readonly owed: bigint } {
	const isOurs = ({ issuer: id }: { readonly issuer: Uint8Array }) =>
		hex(id) === hex(issuer.id);
	const purses = world.sides.map(({ module: { disk } }) => ({
		notes: disk.rows(NOTES).filter(isOurs),
		payments: disk.rows(PAYMENTS).filter(isOurs),
		receipts: disk.rows(RECEIPTS).filter(isOurs),
	}));
	const { disk } = issuer.module;
	const issued = disk.rows(ISSUED);
	const bookings = disk.rows(BOOKINGS);
	const handedIn = new Set(disk.rows(TRANSFERS).map(({ id }) => hex(id)));
	const received = new Set(
		purses.flatMap(({ receipts }) =>
			receipts
				.filter(
					({ state, receipt }) => state !== "to-book" && receipt.length > 0,
				)
				.map(({ transfer_id }) => hex(transfer_id)),
		),
	);
	const held = new Map(
		purses.flatMap(({ notes }) => notes.map((note) => [hex(note.id), note])),
	);
	let owed = 0n;
	for (const { value } of issued) owed += value;
	for (const { amount } of bookings) owed -= amount;
	let have = 0n;
	for (const { notes, payments, receipts } of purses) {
		for (const { state, value, spent } of notes)
			if (state === "live") have += value - spent;
		for (const { state, in_doubt, transfer_id } of payments)
			if (
				state === "committed" &&
				!received.has(hex(transfer_id)) &&
				!handedIn.has(hex(transfer_id))
			)
				have += in_doubt;
		// What its payee came too late for is nobody's until its payer hands it in.
		for (const { state, amount, transfer_id } of receipts)
			if (
				(state === "to-deposit" || state === "refused") &&
				!handedIn.has(hex(transfer_id))
			)
				have += amount;
	}
	for (const { id, value } of issued) if (!held.has(hex(id))) have += value;
	for (const { kind, note, amount } of bookings)
		if (kind === "claim" && held.get(hex(note))?.state !== "claimed")
			have -= amount;
	return { have, owed };
}
