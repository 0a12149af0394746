import { messages, parseTransfer, purseTables } from "../../src/money/index.ts";
import { ABOUT_PURCHASES } from "../../src/trade/documents/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BETWEEN_MODULES, WITH_ISSUER, body } = messages;

/** What an owner or an agent is told is true: paid means paid, and what is said not to have been paid never is. */
export const toldTruth: MakeInvariant = (world, fail) => {
	/** Contracts that a module has committed, and that it has called off. */
	const committed = new Set<string>();
	/** And those whose transfer has left it: with the rest, a purse that is put back loses nothing. */
	const given = new Set<string>();
	const calledOff = new Set<string>();
	const received = new Set<string>();
	/** Requests that issuers have carried out, and orders that owners were told are off. */
	const carriedOut = new Set<string>();
	const cancelled = new Set<string>();
	const issuers = new Set(world.issuers.map(({ module }) => module.name));
	const short = (contract: string) => contract.slice(0, 8);
	const wasPaid = (device: Device, contract: string): boolean =>
		world.sideOf(device)?.wasRestored === true
			? given.has(contract)
			: committed.has(contract);
	return {
		reported({ module, wasRestored }, report) {
			if (module.lie !== undefined) return;
			if (report.kind === "paid") {
				const row = module.disk
					.rows(purseTables.PAYMENTS)
					.find(({ contract }) => sameBytes(contract, report.contract));
				if (row?.state !== "settled" && row?.state !== "keyed")
					fail(
						`${module.name} tells its owner that ${short(hex(report.contract))} is paid, and has no receipt`,
					);
			}
			if (
				report.kind === "refused" &&
				wasPaid(module as unknown as Device, hex(report.contract)) &&
				module.disk
					.rows(purseTables.PAYMENTS)
					.some(({ contract }) => sameBytes(contract, report.contract))
			)
				fail(
					`${module.name} tells its owner that ${short(hex(report.contract))} was refused, and it is committed`,
				);
			// A store that was put back does not know what was sent since.
			if (report.kind !== "cancelled" || !report.isDone || wasRestored) return;
			const request = hex(report.request);
			cancelled.add(request);
			if (carriedOut.has(request))
				fail(
					`${module.name} says that a withdrawal is off, and it was carried out`,
				);
		},
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const { table, row } = write;
				if (table.name === "answers") {
					const request = hex(row["request"] as Uint8Array);
					carriedOut.add(request);
					if (cancelled.has(request))
						fail(`${device.name} carries out a withdrawal that is off`);
				}
				const contract =
					row["contract"] instanceof Uint8Array ? hex(row["contract"]) : "";
				if (table.name === "payments") {
					committed.add(contract);
					if (calledOff.has(contract))
						fail(
							`${device.name} has paid for ${short(contract)}, which it had said that it never would`,
						);
				}
				if (table.name === "receipts" && row["state"] !== "to-book")
					received.add(contract);
				if (device.role !== "agent") continue;
				// What liars tell their owners is their own.
				if (world.isLying(device.name)) continue;
				if (table.name === "purchases" && row["state"] === "aborted") {
					calledOff.add(contract);
					if (wasPaid(device, contract))
						fail(
							`${device.name} tells its owner that ${short(contract)} was not paid, and it was`,
						);
				}
				if (
					table.name === "purchases" &&
					row["state"] === "final" &&
					!committed.has(contract)
				)
					fail(
						`${device.name} has goods of ${short(contract)}, which was never paid`,
					);
				if (table.name === "sales" && !received.has(contract))
					fail(
						`${device.name} tells its owner that ${short(contract)} was sold, and nothing was received`,
					);
			}
		},
		said(device, to, bytes) {
			if (
				device.role !== "module" ||
				issuers.has(device.name) ||
				device.lie !== undefined
			)
				return;
			for (const kind of [BETWEEN_MODULES.deliver, WITH_ISSUER.resolve]) {
				if (bytes[0] !== kind.type) continue;
				const { transfer } = body<{ readonly transfer: Uint8Array }>(
					kind as never,
					bytes,
				);
				given.add(hex(parseTransfer(device.crypto, transfer).contract));
			}
			if (to !== "agent") return;
			if (bytes[0] !== ABOUT_PURCHASES.notBought.type) return;
			const { contract, outcome } = body(ABOUT_PURCHASES.notBought, bytes);
			if (outcome !== "aborted") return;
			calledOff.add(hex(contract));
			if (wasPaid(device, hex(contract)))
				fail(
					`${device.name} says that nothing was paid for ${short(hex(contract))}, and it was`,
				);
		},
	};
};
