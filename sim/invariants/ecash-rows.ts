/* What the rows of a purse say of ecash, for invariants. */
import type { Row, Table } from "../../src/machine/index.ts";
import type { Input, Output, Proof } from "../../src/money/cashu/index.ts";
import { parseProofs } from "../../src/money/cashu/index.ts";
import { ecashTables, purseTables } from "../../src/money/index.ts";
import {
	parseSwap,
	type StoredSwap,
} from "../../src/money/purse/ecash/stored-swap.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { SimulatedMint } from "../mint.ts";
import type { World } from "../world.ts";

const { PROOFS, LOCKED, CLAIMED, RECEIVED, ECASH_ORDERS } = ecashTables;

export type LockedRow = Row<(typeof ecashTables.LOCKED)["columns"]>;
export type ClaimedRow = Row<(typeof ecashTables.CLAIMED)["columns"]>;
export type ReceivedRow = Row<(typeof ecashTables.RECEIVED)["columns"]>;
export type OrderRow = Row<(typeof ecashTables.ECASH_ORDERS)["columns"]>;
type ProofRow = Row<(typeof ecashTables.PROOFS)["columns"]>;

/** States in which what was paid is not over. */
export const OPEN: ReadonlySet<string> = new Set([
	...["locking", "taking-back", "locked", "refunding"],
]);

/** States in which what an owner has ordered of a mint is not over; what waits for somebody is `sent` or `unpaid`. */
const MOVING: ReadonlySet<string> = new Set([
	...["swapping", "taking-back", "minting", "melting", "restoring"],
]);

export function isMoving({ state }: Pick<OrderRow, "state">): boolean {
	return MOVING.has(state);
}

/** A row of one of the tables of ecash, by what it is about. */
export type EcashRow =
	| { readonly kind: "proof"; readonly row: ProofRow }
	| { readonly kind: "paid"; readonly row: LockedRow }
	| { readonly kind: "sold"; readonly row: ClaimedRow }
	| { readonly kind: "received"; readonly row: ReceivedRow }
	| { readonly kind: "ordered"; readonly row: OrderRow };

export function ecashRow(
	{ name }: Pick<Table, "name">,
	row: Row,
): EcashRow | undefined {
	switch (name) {
		case PROOFS.name:
			return { kind: "proof", row: row as ProofRow };
		case LOCKED.name:
			return { kind: "paid", row: row as LockedRow };
		case CLAIMED.name:
			return { kind: "sold", row: row as ClaimedRow };
		case RECEIVED.name:
			return { kind: "received", row: row as ReceivedRow };
		case ECASH_ORDERS.name:
			return { kind: "ordered", row: row as OrderRow };
		default:
			return undefined;
	}
}

/** Reads the swaps of purses. */
export class Swaps {
	readonly #world: World;
	readonly #read = new Map<string, StoredSwap>();

	constructor(world: World) {
		this.#world = world;
	}

	/** Nothing of an empty one. */
	read(
		device: Pick<Device, "disk" | "name">,
		encoded: Uint8Array,
	): StoredSwap | undefined {
		if (encoded.length === 0) return undefined;
		const name = `${device.name} ${hex(encoded)}`;
		const known = this.#read.get(name);
		if (known !== undefined) return known;
		const seed = device.disk
			.rows(purseTables.META)
			.find(({ name: of }) => of === purseTables.ECASH_SEED_NAME)?.value;
		const { ecash } = this.#world.mints;
		if (seed === undefined || ecash === undefined)
			throw new Error(`${device.name} has a swap and no seed`);
		const read = parseSwap(ecash.purse, seed, encoded);
		this.#read.set(name, read);
		return read;
	}

	/** Those that stand in a row. */
	of(
		device: Pick<Device, "disk" | "name">,
		{ kind, row }: EcashRow,
	): readonly StoredSwap[] {
		const encoded =
			kind === "paid"
				? [row.lock_swap, row.back_swap]
				: kind === "sold"
					? [row.claim_swap]
					: kind === "received"
						? [row.swap]
						: kind === "ordered"
							? [row.swap, row.back_swap]
							: [];
		return encoded.flatMap((one) => this.read(device, one) ?? []);
	}

	/** Whether the mint has signed all outputs of a swap, or of one before it of the same inputs. */
	isSigned(
		device: Pick<Device, "disk" | "name">,
		mint: SimulatedMint,
		encoded: Uint8Array,
	): boolean {
		const swap = this.read(device, encoded);
		if (swap === undefined) return false;
		return [swap.outputs, ...swap.earlier].some((outputs) =>
			outputs.every(
				({ blinded, amount }) =>
					mint.kept.signatures.get(hex(blinded))?.amount === String(amount),
			),
		);
	}

	/** Y of a proof, in hexadecimal. */
	pointOf({ secret }: Pick<Proof, "secret">): string {
		const { ecash } = this.#world.mints;
		if (ecash === undefined) throw new Error("there is no ecash in this world");
		return hex(ecash.purse.hashToCurve(utf8(secret)));
	}
}

/** All outputs of a swap, and of those before it of the same inputs. */
export function outputsOf({ outputs, earlier }: StoredSwap): readonly Output[] {
	return [...outputs, ...earlier.flat()];
}

/** The proofs of a lock; none before it is locked. */
export function lockOf({ lock }: LockedRow): readonly Proof[] {
	return lock.length === 0 ? [] : parseProofs(lock);
}

/** The proofs of a token that an owner sent; none before it is made. */
export function tokenOf({ token }: OrderRow): readonly Proof[] {
	return token.length === 0 ? [] : parseProofs(token);
}

/** What is spent, and what is signed, by whatever the row says is not over. */
export function openCoins(
	swaps: Swaps,
	device: Pick<Device, "disk" | "name">,
	found: EcashRow,
): {
	readonly inputs: readonly (Proof | Input)[];
	readonly outputs: readonly Output[];
} {
	const isOpen =
		found.kind === "proof" ||
		(found.kind === "paid" && OPEN.has(found.row.state)) ||
		(found.kind === "sold" && found.row.state === "claiming") ||
		(found.kind === "received" && found.row.state === "swapping") ||
		(found.kind === "ordered" && isMoving(found.row));
	if (
		found.kind === "ordered" &&
		(found.row.state === "sent" || found.row.state === "pending")
	)
		return { inputs: tokenOf(found.row), outputs: [] };
	if (!isOpen) return { inputs: [], outputs: [] };
	if (found.kind === "proof")
		return { inputs: [found.row as never], outputs: [] };
	const of = swaps.of(device, found);
	// What was to lock it has brought its change by then, and of a recalled one it is not known any more.
	const isLocked =
		found.kind === "paid" &&
		found.row.lock_swap.length > 0 &&
		(found.row.state === "locked" || found.row.state === "refunding");
	const [first] = of;
	const left = isLocked ? of.filter((one) => one !== first) : of;
	// What was sent and is taken back was made, and its change came.
	if (found.kind === "ordered" && found.row.kind === "send" && isBack(found))
		return {
			inputs: tokenOf(found.row),
			outputs: of.slice(1).flatMap(outputsOf),
		};
	return {
		inputs: [
			...left.flatMap(({ spends }) => spends),
			...(found.kind === "paid" ? lockOf(found.row) : []),
		],
		outputs: left.flatMap(outputsOf),
	};
}

function isBack({ row }: { readonly row: OrderRow }): boolean {
	return row.state === "taking-back" && row.token.length > 0;
}
