import { ecashTables, messages, purseTables } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	parseContract,
} from "../../src/trade/documents/index.ts";
import { PURCHASES, type SaleRow } from "../../src/trade/records/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isOfCostlyMint } from "./mint-sins.ts";
import { isStillAt } from "./taken.ts";

const { body } = messages;

/** What an owner or an agent is told is true: paid means paid, and what is said not to have been paid never is. */
export const toldTruth: MakeInvariant = (world, fail) => {
	/** Contracts that a module has committed, and that it has called off. */
	const committed = new Set<string>();
	/** And those whose transfer has come to its payee, or to its issuer: with the rest, a purse that is put back loses nothing. It goes through the own agent, behind the head that tells of it. */
	const given = new Map<string, Set<Device>>();
	const calledOff = new Set<string>();
	/** By a purse that was put back, by contract. */
	const calledOffWhenBack = new Map<string, string>();
	/** Contracts of which an agent was told that what was paid has come back. */
	const refunded = new Set<string>();
	const received = new Set<string>();
	/** Requests that issuers have carried out, and orders that owners were told are off. */
	const carriedOut = new Set<string>();
	const cancelled = new Set<string>();
	const issuers = new Set(world.issuers.map(({ module }) => module.name));
	/** What is committed to a mint that says that it was spent before is lost there, and never paid. */
	const isLost = (contract: string): boolean =>
		world.sides.some(({ module }) =>
			module.disk
				.rows(ecashTables.LOCKED)
				.some(
					(row) =>
						hex(row.contract) === contract &&
						row.state === "declined" &&
						isOfCostlyMint(world, row.mint),
				),
		);
	const short = (contract: string) => contract.slice(0, 8);
	const hasCome = (contract: string): boolean =>
		[...(given.get(contract) ?? [])].some((taker) =>
			isStillAt(world, taker, { contract: Buffer.from(contract, "hex") }),
		);
	const wasPaid = (device: Device, contract: string): boolean =>
		world.sideOf(device)?.wasRestored === true
			? hasCome(contract)
			: committed.has(contract) && !isLost(contract);
	/** Who has bought it is who the contract says, which its buyer has kept. */
	const boughtBy = (device: Device, { contract, buyer_agent }: SaleRow) => {
		const [bought] = world.buyers.flatMap(({ agent }) =>
			agent.disk
				.rows(PURCHASES)
				.filter((row) => sameBytes(row.contract, contract)),
		);
		if (bought === undefined) return;
		const { buyerAgent } = parseContract(device.crypto, bought.document);
		if (!sameBytes(buyerAgent, buyer_agent))
			fail(
				`${device.name} tells its owner that ${short(hex(contract))} was bought by somebody else than it was`,
			);
	};
	return {
		rested() {
			// Elsewhere it may not have heard that: it is told once, and has the goods.
			if (world.plan.merchantsLose !== true) return;
			for (const { agent } of world.buyers)
				for (const { contract, state } of agent.disk.rows(PURCHASES))
					if (state === "final" && refunded.has(hex(contract)))
						fail(
							`${agent.name} says that ${short(hex(contract))} was bought, and has been told that it is void`,
						);
		},
		reported({ module, wasRestored }, report) {
			if (module.lie !== undefined) return;
			const isOfMint =
				"issuer" in report && world.mints.of(report.issuer) !== undefined;
			if (report.kind === "paid" && !isOfMint) {
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
				// With another amount it is not paid, and the owner is told that it was, before.
				!report.error.message.startsWith("this contract was paid before") &&
				wasPaid(module as unknown as Device, hex(report.contract)) &&
				[purseTables.PAYMENTS, ecashTables.LOCKED].some((table) =>
					module.disk
						.rows(table as typeof purseTables.PAYMENTS)
						.some(({ contract }) => sameBytes(contract, report.contract)),
				)
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
				if (table.name === "payments" || table.name === "ecash_paid") {
					committed.add(contract);
					if (calledOff.has(contract))
						fail(
							`${device.name} has paid for ${short(contract)}, which it had said that it never would`,
						);
				}
				if (table.name === "receipts" && row["state"] !== "to-book")
					received.add(contract);
				if (table.name === "ecash_sold" && row["state"] === "claimed")
					received.add(contract);
				const isGiven =
					table.name === "receipts" ||
					(table.name === "sales" && issuers.has(device.name));
				if (isGiven && contract !== "") {
					given.set(contract, (given.get(contract) ?? new Set()).add(device));
					const off = calledOffWhenBack.get(contract);
					if (off !== undefined)
						fail(
							`${off} had said that nothing would be paid for ${short(contract)}, and it comes to ${device.name}`,
						);
				}
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
				if (table.name === "sales") boughtBy(device, row as SaleRow);
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
			if (to !== "agent") return;
			if (bytes[0] !== ABOUT_PURCHASES.notBought.type) return;
			const { contract, outcome } = body(ABOUT_PURCHASES.notBought, bytes);
			if (outcome === "refunded") refunded.add(hex(contract));
			if (outcome !== "aborted") return;
			calledOff.add(hex(contract));
			if (world.sideOf(device)?.wasRestored === true)
				calledOffWhenBack.set(hex(contract), device.name);
			if (wasPaid(device, hex(contract)))
				fail(
					`${device.name} says that nothing was paid for ${short(hex(contract))}, and it was`,
				);
		},
	};
};
