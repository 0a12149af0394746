import { parseLock, sumOf } from "../../src/money/cashu/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/index.ts";
import { ecashTables, messages } from "../../src/money/index.ts";
import { isLocked } from "../../src/money/purse/ecash/swap-run.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { SimulatedMint } from "../mint.ts";
import {
	type ClaimedRow,
	ecashRow,
	type LockedRow,
	lockOf,
	type ReceivedRow,
	Swaps,
} from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isCostly } from "./mint-sins.ts";

const { body } = messages;
const { LOCKED, CLAIMED, RECEIVED } = ecashTables;

const NO_SWAP = { outputs: [], earlier: [] };

/**
 * A lock is claimed or taken back, and never both; whoever says that it has the money has it by what
 * its mint has on its disk, and has that on its own before it says so. What is told to owners and
 * other devices follows from that alone. What a purchase takes from its payer is what the row says:
 * price and fee, and of what came back no more and no less than is gone.
 */
export const ecashEnds: MakeInvariant = (world, fail) => {
	const swaps = new Swaps(world);
	/** By device, contract and state. */
	const durable = new Set<string>();
	/** What locks each contract's money, by device and contract; also after a life that its purse has forgotten. */
	const locking = new Map<string, Uint8Array>();
	const lockSwapOf = (device: Device, row: LockedRow): Uint8Array => {
		const name = `${device.name} ${hex(row.contract)}`;
		if (row.lock_swap.length > 0) locking.set(name, row.lock_swap);
		else if (world.sideOf(device)?.wasRestored !== true)
			fail(`${device.name} has locked ${short(row.contract)} by no swap`);
		return locking.get(name) ?? row.lock_swap;
	};
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	const nameOf = ({ name }: Device, id: Uint8Array, state: string) =>
		`${name} ${hex(id)} ${state}`;
	/** With what the proofs of a lock were spent. */
	const endsOf = (
		mint: SimulatedMint,
		proofs: readonly { readonly secret: string }[],
	) =>
		new Set(
			proofs.map((proof) => {
				const found = mint.kept.proofs.get(swaps.pointOf(proof));
				if (found?.state !== "SPENT") return "open";
				const { preimage = "" } = JSON.parse(found.witness ?? "{}");
				return preimage === "" ? "taken back" : "claimed";
			}),
		);
	/** What a swap has brought its purse: of those outputs that its mint has signed, without what is locked. */
	const ownOf = (
		device: Device,
		mint: SimulatedMint,
		encoded: Uint8Array,
	): bigint => {
		const { outputs, earlier } = swaps.read(device, encoded) ?? NO_SWAP;
		const signed = [outputs, ...earlier].find((all) =>
			all.every(({ blinded }) => mint.kept.signatures.has(hex(blinded))),
		);
		return sumOf((signed ?? []).filter((one) => !isLocked(one)));
	};
	/** Value that was spent is value that was paid, came back, or was taken for fees. */
	const balanced = (device: Device, mint: SimulatedMint, row: LockedRow) => {
		const { contract, state, amount, fee, returned } = row;
		const swap = swaps.read(device, row.lock_swap);
		if (swap === undefined || world.sideOf(device)?.wasRestored === true)
			return;
		const own = sumOf(swap.outputs.filter((one) => !isLocked(one)));
		const spent = sumOf(swap.spends);
		if (["locking", "locked", "keyed"].includes(state)) {
			if (spent - own !== amount + fee)
				fail(
					`${device.name} says that ${short(contract)} takes ${amount} and ${fee}, and it takes ${spent - own}`,
				);
		} else if (state === "refunded") {
			const back =
				ownOf(device, mint, row.lock_swap) + ownOf(device, mint, row.back_swap);
			if (spent - back !== amount + fee - returned)
				fail(
					`${device.name} says that ${amount + fee - returned} of ${short(contract)} is gone, and ${spent - back} is`,
				);
		}
	};
	const paid = (device: Device, mint: SimulatedMint, row: LockedRow) => {
		balanced(device, mint, row);
		const { contract, state, key, key_hash: keyHash } = row;
		const lockSwap = lockSwapOf(device, row);
		const ends = endsOf(mint, lockOf(row));
		if (ends.size > 1)
			fail(`the lock of ${short(contract)} is ${[...ends].join(" and ")}`);
		if (state === "locked" && !swaps.isSigned(device, mint, lockSwap))
			fail(`${device.name} says that ${short(contract)} is locked`);
		const isBack = world.sideOf(device)?.wasRestored === true;
		// Only its payer's key takes a lock back: one that was put back may have done so by a swap that it has forgotten.
		const isBackBefore =
			isBack &&
			row.back_swap.length === 0 &&
			ends.size === 1 &&
			ends.has("taken back");
		if (
			state === "refunded" &&
			!isBackBefore &&
			!swaps.isSigned(device, mint, row.back_swap)
		)
			fail(
				`${device.name} says that the money of ${short(contract)} is back, and ${mint.name} has not given it back`,
			);
		if (
			state === "declined" &&
			(!isBack || swaps.isSigned(device, mint, lockSwap))
		)
			fail(`${device.name} says that ${short(contract)} was spent before`);
		if (state !== "keyed") return;
		if (!sameBytes(device.crypto.sha256(key), keyHash))
			fail(`${device.name} has a wrong key of ${short(contract)}`);
		if (ends.has("taken back"))
			fail(`${device.name} has the key of ${short(contract)} and its money`);
	};
	const sold = (device: Device, mint: SimulatedMint, row: ClaimedRow) => {
		const { contract, state } = row;
		// One that was put back makes outputs again that were another claim's, and what it has claimed since is spent.
		const isBack = world.sideOf(device)?.wasRestored === true;
		if (state === "claimed" && !swaps.isSigned(device, mint, row.claim_swap)) {
			// It may have claimed it in a life that it has forgotten, which its mint shows.
			const ends = endsOf(mint, parseLock(row.lock));
			if (!isBack || ends.size !== 1 || !ends.has("claimed"))
				fail(
					`${device.name} says that ${short(contract)} is claimed, and ${mint.name} has given it nothing`,
				);
		}
		if (
			state === "refused" &&
			!isBack &&
			swaps.isSigned(device, mint, row.claim_swap)
		)
			fail(
				`${device.name} says that ${short(contract)} was taken back, and it has the money`,
			);
	};
	const received = (device: Device, mint: SimulatedMint, row: ReceivedRow) => {
		const isTaken = swaps.isSigned(device, mint, row.swap);
		if (row.state === "received" && !isTaken)
			fail(`${device.name} has received what ${mint.name} has not signed`);
		const isBack = world.sideOf(device)?.wasRestored === true;
		if (row.state === "refused" && isTaken && !isBack)
			fail(`${device.name} has received what it says was spent`);
	};
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const found = ecashRow(write.table, write.row);
				if (found === undefined || found.kind === "proof") continue;
				if (found.kind === "ordered") continue;
				const { row } = found;
				const id = "contract" in row ? row.contract : row.request;
				durable.add(nameOf(device, id, row.state));
				const mint = world.mints.of(row.mint);
				if (mint === undefined || isCostly(mint)) continue;
				if (found.kind === "paid") paid(device, mint, found.row);
				else if (found.kind === "sold") sold(device, mint, found.row);
				else received(device, mint, found.row);
			}
		},
		said(device, to, bytes) {
			if (device.role !== "module" || to !== "module") return;
			if (device.lie !== undefined) return;
			const demand = (contract: Uint8Array, state: string, said: string) => {
				if (!durable.has(nameOf(device, contract, state)))
					fail(
						`${device.name} says "${said}" before ${short(contract)} is ${state}`,
					);
			};
			if (bytes[0] === ABOUT_LOCKS.lock.type)
				demand(body(ABOUT_LOCKS.lock, bytes).contract, "locked", "lock");
			if (bytes[0] !== ABOUT_LOCKS.lockClaimed.type) return;
			const { contract, key } = body(ABOUT_LOCKS.lockClaimed, bytes);
			demand(contract, "claimed", "lockClaimed");
			const row = device.disk
				.rows(CLAIMED)
				.find((one) => sameBytes(one.contract, contract));
			if (row !== undefined && !sameBytes(row.key, key))
				fail(`${device.name} gives a wrong key of ${short(contract)}`);
		},
		reported({ module }, report) {
			const device = module as unknown as Device;
			const is = (id: Uint8Array, state: string) =>
				durable.has(nameOf(device, id, state));
			const tell = (what: string, id: Uint8Array) =>
				fail(`${module.name} tells its owner that ${short(id)} ${what}`);
			switch (report.kind) {
				case "ecash-received":
					if (!is(report.request, "received")) tell("came", report.request);
					return;
				case "ecash-refused":
					if (is(report.request, "received")) tell("was none", report.request);
					return;
				case "received":
				case "paid":
				case "void": {
					if (world.mints.of(report.issuer) === undefined) return;
					const state = {
						received: "claimed",
						paid: "keyed",
						void: "refunded",
					};
					if (!is(report.contract, state[report.kind]))
						tell(`is ${report.kind}`, report.contract);
					return;
				}
			}
		},
		/** Whatever came between. */
		rested() {
			for (const { module } of world.sides) {
				const device = module as unknown as Device;
				for (const table of [LOCKED, CLAIMED, RECEIVED])
					for (const row of device.disk.rows(table as never)) {
						const found = ecashRow(table, row);
						const mint = found && world.mints.of(found.row.mint);
						if (mint === undefined || isCostly(mint)) continue;
						if (found?.kind === "paid") paid(device, mint, found.row);
						if (found?.kind === "sold") sold(device, mint, found.row);
					}
			}
		},
	};
};
