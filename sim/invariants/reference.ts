import type { Row } from "../../src/machine/index.ts";
import {
	MAX_PIECES,
	parseList,
	readNote,
} from "../../src/money/documents/index.ts";
import {
	noBalance,
	purseTables,
	readBalances,
	TRANSFERS,
} from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { IssuerSide } from "../issuer-side.ts";
import type { Side } from "../side.ts";
import type { MakeInvariant } from "./invariant.ts";
import { needsPerson } from "./needs-person.ts";
import { waitsForNobody } from "./settled.ts";

const { PAYMENTS, RECEIPTS } = purseTables;

type ReceiptRow = Row<typeof RECEIPTS.columns>;

const DAY_MS = 86_400_000;

/**
 * A ledger of a few lines that knows nothing of notes, transfers or receipts: who was credited with
 * how much, and which contracts were paid and not made void. At rest everybody has exactly that.
 */
export const reference: MakeInvariant = (world, fail) => {
	const owns = new Map<string, bigint>();
	const sold = new Map<
		string,
		{
			issuer: string;
			payer: string;
			payee: string;
			amount: bigint;
			isVoid: boolean;
			/** Somebody lies who pays, or who is paid and has not said so. */
			isLie: boolean;
			transfer: string;
		}
	>();
	const add = (issuer: string, module: string, amount: bigint) =>
		owns.set(
			`${issuer} ${module}`,
			(owns.get(`${issuer} ${module}`) ?? 0n) + amount,
		);
	const isLiar = (id: Uint8Array) =>
		world.sides.some(
			(side) => idOf(side) === hex(id) && world.isLying(side.module.name),
		);
	const idOf = ({ module }: Side) => hex(module.certified().deviceId);
	/** Transfers that their payees have given up when, by their own clocks, that was right. */
	const cameTooLate = new Set<string>();
	for (const { module } of world.sides)
		module.disk.watchers.push(({ name }, before, after) => {
			if (name !== RECEIPTS.name || after === undefined) return;
			const { transfer_id, notes, state } = after as ReceiptRow;
			if (state !== "refused" || before?.["state"] === "refused") return;
			if (isOver(notes, module.now() - world.plan.graceDays * DAY_MS))
				cameTooLate.add(hex(transfer_id));
			else cameTooLate.delete(hex(transfer_id));
		});
	return {
		credited: (issuer, side, amount) => add(hex(issuer.id), idOf(side), amount),
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete" || write.table.name !== PAYMENTS.name)
					continue;
				const { contract, issuer, payee, amount, state, transfer_id } =
					write.row as Row<typeof PAYMENTS.columns>;
				// What goes to its own issuer is exchanged, and stays its holder's.
				if (hex(payee) === hex(issuer)) continue;
				const payer = hex(device.certified().deviceId);
				sold.set(hex(contract), {
					issuer: hex(issuer),
					payer,
					payee: hex(payee),
					amount,
					isVoid: state === "lapsed",
					isLie:
						world.isLying(device.name) ||
						(state === "committed" && isLiar(payee)),
					transfer: hex(transfer_id),
				});
			}
		},
		rested() {
			if (world.wasPutBack || world.sides.some(needsPerson)) return;
			const isLeft = waitsForNobody(world);
			if (
				world.sides.some(({ module }) =>
					module.disk.rows(PAYMENTS).some(isLeft),
				)
			)
				return;
			const handedIn = new Set(
				world.issuers.flatMap(({ module }) =>
					module.disk.rows(TRANSFERS).map(({ id }) => hex(id)),
				),
			);
			const givenUp = new Set(
				world.sides.flatMap(({ module }) =>
					module.disk
						.rows(RECEIPTS)
						.filter(({ state }) => state === "refused")
						.map(({ transfer_id }) => hex(transfer_id)),
				),
			);
			// Nobody's, until its payer hands it in.
			const late = givenUp.intersection(cameTooLate);
			for (const one of sold.values()) {
				const { issuer, payer, payee, amount, isVoid, isLie } = one;
				// What a liar has committed it may never have given away, and what one denies it may not have.
				if (isVoid || (isLie && !handedIn.has(one.transfer))) continue;
				add(issuer, payer, -amount);
				if (!late.has(one.transfer) || handedIn.has(one.transfer))
					add(issuer, payee, amount);
			}
			for (const issuer of world.issuers)
				for (const side of world.sides) {
					if (world.isLying(side.agent.name)) continue;
					const expected = owns.get(`${hex(issuer.id)} ${idOf(side)}`) ?? 0n;
					const has = balanceOf(side, issuer);
					if (has !== expected)
						fail(
							`${side.name} has ${has} of ${issuer.name}, and by the reference ledger ${expected}`,
						);
				}
		},
	};
};

/** Whether one of them had expired by then. */
function isOver(notes: Uint8Array, at: number): boolean {
	return parseList(notes, MAX_PIECES).some(
		(note) => readNote(note).expires <= at,
	);
}

/** In the purse and in the account. */
function balanceOf({ module }: Side, issuer: IssuerSide): bigint {
	const own = module.certified();
	const { result } = module.disk.run(readBalances(module.now(), own));
	const { spendable, held, toDeposit, inDoubt, toClaim } =
		result.get(hex(issuer.id)) ??
		noBalance(issuer.id, issuer.terms.currency.code);
	return (
		spendable +
		held +
		toDeposit +
		inDoubt +
		toClaim +
		issuer.balanceOf(own.deviceId)
	);
}
