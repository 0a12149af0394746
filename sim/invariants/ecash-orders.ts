import { isDeepStrictEqual } from "node:util";
import { invoiceAmount, sumOf } from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { SimulatedMint } from "../mint.ts";
import { ecashRow, type OrderRow, Swaps, tokenOf } from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isCostly } from "./mint-sins.ts";

const { ECASH_ORDERS } = ecashTables;

/** What an order may become, by its kind and its state; without one it begins. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
	send: ["swapping", "refused"],
	"send swapping": ["swapping", "sent", "declined", "taking-back"],
	"send sent": ["redeemed", "taking-back"],
	"send taking-back": [
		...["taking-back", "taken-back", "redeemed"],
		// What was never made.
		...["failed", "declined"],
	],
	mint: ["unpaid", "refused"],
	"mint unpaid": ["unpaid", "minting", "lapsed"],
	"mint minting": ["minting", "minted"],
	melt: ["melting", "refused"],
	"melt melting": ["melting", "paid", "taking-back", "declined"],
	"melt taking-back": ["taking-back", "failed", "melting"],
	restore: ["restoring", "refused"],
	"restore restoring": ["pending", "restored", "failed"],
	"restore pending": ["pending", "restored"],
};

const HOUR_MS = 3_600_000n;

/** Why an order may not stay as it was, or lapse: only the time that its end is over may be another, an hour more at most, and a day of that has to have been seen. */
function wrongAboutTime(before: OrderRow, row: OrderRow): string | undefined {
	if (row.over_seen - before.over_seen > HOUR_MS)
		return "it has seen more than an hour go by between two answers";
	if (row.state === "lapsed" && row.over_seen < 24n * HOUR_MS)
		return "its end is not over for a day";
	if (row.state !== "unpaid") return undefined;
	const { over_heard, over_seen } = row;
	return isDeepStrictEqual({ ...before, over_heard, over_seen }, row)
		? undefined
		: "it is another one";
}

/**
 * What an owner orders of a mint is done once, however often it is ordered, and what the owner is
 * told of it is so by what the mint has on its disk: sent, redeemed and taken back, minted, paid and
 * not paid; it costs what the owner is told, and no more than it was to.
 */
export const ecashOrders: MakeInvariant = (world, fail) => {
	const swaps = new Swaps(world);
	/** As they are durable, by device and request. */
	const known = new Map<string, OrderRow>();
	/** By device, request and state. */
	const durable = new Set<string>();
	/** What may stand in no log, by device. */
	const secrets = new Set<string>();
	const nameOf = ({ name }: Pick<Device, "name">, request: Uint8Array) =>
		`${name} ${hex(request)}`;
	/** What the mint has signed of those outputs that it has carried out. */
	const signedSums = (
		mint: SimulatedMint,
		device: Device,
		encoded: Uint8Array,
	): readonly bigint[] => {
		const swap = swaps.read(device, encoded);
		return [swap?.outputs ?? [], ...(swap?.earlier ?? [])].flatMap((outputs) =>
			outputs.length > 0 &&
			outputs.every(({ blinded }) => mint.kept.signatures.has(hex(blinded)))
				? [sumOf(outputs)]
				: [],
		);
	};
	const isSpent = (mint: SimulatedMint, proof: { readonly secret: string }) =>
		mint.kept.proofs.get(swaps.pointOf(proof))?.state === "SPENT";
	/** Whether it is as the row says. A purse that was put back makes again what was something else's. */
	const judge = (device: Device, mint: SimulatedMint, row: OrderRow): void => {
		const { kind, state, amount, fee, quote, spends, returned } = row;
		const name = `the order ${hex(row.request).slice(0, 8)} to ${kind}`;
		const wrong = (what: string) =>
			fail(`${device.name} says that ${name} is ${state}, and ${what}`);
		const isBack = world.sideOf(device)?.wasRestored === true;
		const minted = mint.kept.mintQuotes.get(quote);
		const melted = mint.kept.meltQuotes.get(quote);
		const order = world.sideOf(device)?.ecash.orderOf(row.request);
		if (
			order !== undefined &&
			"amount" in order &&
			state !== "minted" &&
			order.amount !== amount
		)
			wrong(`it is for ${amount}, and ${order.amount} was ordered`);
		switch (`${kind} ${state}`) {
			case "send sent": {
				if (sumOf(tokenOf(row)) !== amount) wrong("its token is another sum");
				if (!swaps.isSigned(device, mint, row.swap))
					wrong("nothing was signed");
				return;
			}
			case "send redeemed": {
				if (tokenOf(row).some((proof) => !isSpent(mint, proof)))
					wrong("some of it is unspent");
				if (swaps.isSigned(device, mint, row.back_swap) && !isBack)
					wrong("it was taken back");
				return;
			}
			case "send taken-back": {
				const sums = signedSums(mint, device, row.back_swap);
				if (!sums.includes(returned) && !isBack)
					wrong(`${returned} has come back, which the mint has not signed`);
				return;
			}
			case "mint minting":
				if (minted?.state === "UNPAID") wrong("it was not paid");
				return;
			case "mint minted": {
				if (isBack) return;
				if (minted?.state !== "ISSUED") wrong("nothing was issued");
				if (minted?.amount !== String(amount)) wrong("it is another sum");
				if (!swaps.isSigned(device, mint, row.swap))
					wrong("nothing was signed");
				return;
			}
			case "melt paid": {
				if (melted?.state !== "PAID") wrong("it was not paid");
				if (isBack) return;
				const inputs = swaps.read(device, row.swap)?.spends ?? [];
				if (inputs.some((input) => !isSpent(mint, input)))
					wrong("what was to pay it is unspent");
				const change = (melted?.change ?? []).reduce(
					(sum, blinded) =>
						sum + BigInt(mint.kept.signatures.get(blinded)?.amount ?? 0),
					0n,
				);
				if (fee !== spends - amount - change)
					wrong(`it has cost ${spends - amount - change}, not ${fee}`);
				if (order?.kind !== "melt") return;
				if (fee > order.maxFee) wrong(`it has cost ${fee} beside`);
				if (amount !== invoiceAmount(order.invoice, "sat"))
					wrong(`it was paid with ${amount}`);
				return;
			}
			case "send failed":
			case "melt failed": {
				const sums = signedSums(mint, device, row.back_swap);
				if (!sums.includes(returned) && !isBack)
					wrong(`${returned} has come back, which the mint has not signed`);
				if (!isBack && fee !== spends - returned) wrong(`it has cost ${fee}`);
				return;
			}
			case "send declined":
			case "melt declined":
				if (!isBack) wrong("no other copy of the purse was ever there");
				return;
			case "restore restored":
				if (!isBack && (amount > 0n || spends > 0n))
					wrong(`it had had all, and has got ${amount} and lost ${spends}`);
				return;
		}
	};
	const rowOf = (device: Device, request: Uint8Array): OrderRow | undefined =>
		known.get(nameOf(device, request));
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete" || write.table.name !== ECASH_ORDERS.name)
					continue;
				const found = ecashRow(write.table, write.row);
				if (found?.kind !== "ordered") continue;
				const { row } = found;
				const { kind, state, request } = row;
				const name = nameOf(device, request);
				const before = known.get(name);
				known.set(name, row);
				durable.add(`${name} ${state}`);
				if (kind === "mint" && row.quote !== "") secrets.add(row.quote);
				for (const { secret } of tokenOf(row)) secrets.add(secret);
				const isBack = world.sideOf(device)?.wasRestored === true;
				const from = before === undefined ? kind : `${kind} ${before.state}`;
				// What a purse looks for by itself it looks for again, under the same name, when it hears of more.
				const isAgain =
					kind === "restore" &&
					state === "restoring" &&
					(before?.state === "restored" || before?.state === "failed") &&
					world.sideOf(device)?.ecash.orderOf(request) === undefined;
				if (!isBack && !isAgain && NEXT[from]?.includes(state) !== true)
					fail(
						`${device.name} has the order ${hex(request).slice(0, 8)} to ${from} become ${state}`,
					);
				const why =
					from === "mint unpaid" && before !== undefined && !isBack
						? wrongAboutTime(before, row)
						: undefined;
				if (why !== undefined)
					fail(
						`${device.name} has the order ${hex(request).slice(0, 8)} to mint ${state}, and ${why}`,
					);
				const mint = world.mints.of(row.mint);
				if (mint !== undefined && !isCostly(mint)) judge(device, mint, row);
			}
		},
		reported({ module, ecash }, report) {
			const device = module as unknown as Device;
			const told = "error" in report ? (report.error?.message ?? "") : "";
			for (const secret of told === "" ? [] : secrets)
				if (told.includes(secret))
					fail(`${module.name} writes a secret of ecash into its log`);
			if (report.kind === "ecash") {
				const { request, state } = report;
				// What was never begun is so whether or not that could be kept.
				const isSo =
					state === "refused"
						? rowOf(device, request) === undefined ||
							rowOf(device, request)?.state === "refused"
						: durable.has(`${nameOf(device, request)} ${state}`);
				if (!isSo)
					fail(
						`${module.name} tells its owner that ${hex(request).slice(0, 8)} is ${state}, and that is not so`,
					);
			}
			if (report.kind !== "ecash-ordered") return;
			const { request, error } = report;
			const order = ecash.orderOf(request);
			const of = order?.kind === "take-back" ? order.of : request;
			const row = rowOf(device, of);
			if (error === undefined && row === undefined)
				fail(
					`${module.name} tells its owner that ${hex(request).slice(0, 8)} is ordered, and that is not durable`,
				);
			const isDone =
				order?.kind !== "take-back" && row !== undefined && row.code === "";
			if (error !== undefined && isDone)
				fail(
					`${module.name} tells its owner that ${hex(request).slice(0, 8)} is not done, and it is ${row.state}`,
				);
		},
		/** Nobody has paid for nothing, and whoever was told that an invoice was not paid can rely on that. */
		rested() {
			for (const side of world.sides) {
				const device = side.module as unknown as Device;
				for (const row of device.disk.rows(ECASH_ORDERS)) {
					const mint = world.mints.of(row.mint);
					if (mint === undefined || isCostly(mint)) continue;
					judge(device, mint, row);
					const name = `${side.name}: the order ${hex(row.request).slice(0, 8)}`;
					const minted = mint.kept.mintQuotes.get(row.quote)?.state;
					if (
						row.kind === "mint" &&
						row.state === "lapsed" &&
						minted !== "UNPAID"
					)
						fail(`${name} is ${row.state}, and its invoice is ${minted}`);
					const melted = mint.kept.meltQuotes.get(row.quote);
					if (
						row.kind === "melt" &&
						row.state === "failed" &&
						melted?.state === "PAID" &&
						!wasPaidOtherwise(device, row)
					)
						fail(`${name} has failed, and its invoice is paid`);
				}
			}
		},
	};

	/** With what another order of the same quote had, or another copy of the purse. */
	function wasPaidOtherwise(device: Device, { quote, request }: OrderRow) {
		return (
			[...known.values()].some(
				(row) =>
					row.quote === quote &&
					row.state === "paid" &&
					hex(row.request) !== hex(request),
			) || world.sideOf(device)?.wasRestored === true
		);
	}
};
