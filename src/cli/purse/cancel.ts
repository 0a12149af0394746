import {
	type OrderedWithdrawal,
	openModule,
} from "../../device/service/index.ts";
import { unreachable } from "../../errors.ts";
import { amountText, money } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface CancelFlags extends OwnerFlags {
	readonly home: string;
	readonly json?: true;
}

export async function showOrders({ home, json }: CancelFlags): Promise<void> {
	await using module = await openModule(home);
	const orders = await module.orders();
	if (json) return sayJson({ home, orders: orders.map(orderJson) });
	if (orders.length === 0) return say("no withdrawal is ordered");
	const rows = orders.map((order) => [
		order.request,
		plain(order.issuer),
		money(amountText(order)),
		stateOf(order),
	]);
	for (const line of plainTable(["order", "issuer", "amount", ""], rows))
		say(line);
}

function stateOf({ state, isCancelled }: OrderedWithdrawal): string {
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
	const { home, json } = flags;
	await using module = await openModule(home);
	const owner = ownerSecret(flags);
	const cancelled = await module.cancel(name, { owner });
	if (json) return sayJson({ home, cancelled: orderJson(cancelled) });
	say(
		`cancelled the order to withdraw ${money(amountText(cancelled))}; the module takes that down when it starts or settles`,
	);
}

function orderJson(order: OrderedWithdrawal) {
	const { request, state, isCancelled: cancelled } = order;
	return { request, ...amountText(order), state, cancelled };
}
