import { moneyText } from "../../device/process/index.ts";
import {
	moduleIdOf,
	openOwner,
	type PurseOrder,
	placeCancellation,
	readPurseSettings,
	viewOrders,
	viewPurse,
	viewWaiting,
} from "../../device/purse/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { chosen } from "../chosen.ts";
import { money } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface CancelFlags extends OwnerFlags {
	readonly home: string;
	readonly json?: true;
}

interface NamedOrder {
	readonly order: PurseOrder;
	readonly terms: IssuerTerms;
}

export async function showOrders({ home, json }: CancelFlags): Promise<void> {
	const orders = await ordersOf(home);
	if (json) return sayJson({ home, orders: orders.map(orderJson) });
	if (orders.length === 0) return say("no withdrawal is ordered");
	const rows = orders.map((named) => [
		hex(named.order.request),
		plain(named.terms.name),
		money(moneyText(named.order.amount, named.terms)),
		stateOf(named.order),
	]);
	for (const line of plainTable(["order", "issuer", "amount", ""], rows))
		say(line);
}

function stateOf({ state, isCancelled }: PurseOrder): string {
	if (isCancelled)
		return "cancelled, which the module takes down when it starts or settles";
	switch (state) {
		case "waiting":
		case "taken-down":
			return "waits until its issuer is met";
		case "sent":
			return "sent; its issuer has not answered";
		default:
			return unreachable(state);
	}
}

/** Cancels an order that was not sent. */
export async function cancel(name: string, flags: CancelFlags): Promise<void> {
	const { home } = flags;
	const named = chosen(await ordersOf(home), name, {
		id: ({ order }) => order.request,
		what: "order",
		see: `tetrad purse orders --home ${home}`,
	});
	const { request, issuer, amount, state, isCancelled } = named.order;
	if (state === "sent")
		throw new TetradError(
			"issuer-refused",
			"this order was sent to its issuer, which may have carried it out: settle, and the issuer says so",
		);
	if (!isCancelled) {
		const { owner } = await readPurseSettings(home);
		const purse = await moduleIdOf(home);
		const key = await openOwner(owner, ownerSecret(flags));
		await placeCancellation(home, key, { purse, request, issuer, amount });
	}
	if (flags.json) return sayJson({ home, cancelled: orderJson(named) });
	say(
		`cancelled the order to withdraw ${money(moneyText(amount, named.terms))}; the module takes that down when it starts or settles`,
	);
}

async function ordersOf(home: string): Promise<NamedOrder[]> {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const { orders: waiting, cancelled } = await viewWaiting(home);
	const orders = await viewOrders(view.store, { waiting, cancelled });
	return orders.flatMap((order) => {
		const terms = view.issuers.find(({ issuer }) =>
			sameBytes(issuer, order.issuer),
		);
		return terms === undefined ? [] : [{ order, terms }];
	});
}

function orderJson({ order, terms }: NamedOrder) {
	const { request, amount, state, isCancelled } = order;
	return {
		request: hex(request),
		...moneyText(amount, terms),
		state,
		cancelled: isCancelled,
	};
}
