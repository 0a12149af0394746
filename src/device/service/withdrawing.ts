/* What the owner of a purse moves between it and the account at its issuer, as the service says and orders it. */
import { TetradError } from "../../errors.ts";
import type { SecretSource } from "../../keys/index.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	moduleIdOf,
	openOwner,
	type PurseOrder,
	placeCancellation,
	placeGiveBack,
	placeWithdrawal,
	readPurseSettings,
	viewOrders,
	viewPurse,
	viewWaiting,
} from "../purse/index.ts";
import { chosen } from "./chosen.ts";
import { issuerNamed } from "./limiting.ts";
import type { Ordered, OrderedWithdrawal } from "./module-service.ts";
import { moneyOf } from "./purse-views.ts";

/** Orders so much into the purse in a home, as its owner. */
export async function withdrawIn(
	home: string,
	amount: bigint,
	name: string | undefined,
	owner: SecretSource,
): Promise<Ordered> {
	const settings = await readPurseSettings(home);
	const terms = issuerNamed(
		settings.issuers.map(({ terms }) => terms),
		name,
	);
	const { issuer } = terms;
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	const request = await placeWithdrawal(home, key, { purse, issuer, amount });
	return { request: hex(request), issuer: terms.name };
}

/** Orders all notes of the purse in a home back into the accounts. */
export async function giveBackIn(
	home: string,
	name: string | undefined,
): Promise<Ordered[]> {
	const { issuers } = await readPurseSettings(home);
	const all = issuers.map(({ terms }) => terms);
	const asked = name === undefined ? all : [issuerNamed(all, name)];
	const ordered: Ordered[] = [];
	for (const { issuer, name } of asked) {
		const request = await placeGiveBack(home, issuer);
		ordered.push({ request: hex(request), issuer: name });
	}
	return ordered;
}

/** Withdrawals that were ordered of the purse in a home and that are not over. */
export async function ordersIn(home: string): Promise<OrderedWithdrawal[]> {
	return (await namedOrders(home)).map(withdrawalOf);
}

/** Cancels the withdrawal whose request begins so, as the owner of the purse in a home. */
export async function cancelIn(
	home: string,
	beginning: string,
	owner: SecretSource,
): Promise<OrderedWithdrawal> {
	const named = chosen(await namedOrders(home), beginning, {
		id: ({ order }) => hex(order.request),
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
		const settings = await readPurseSettings(home);
		const purse = await moduleIdOf(home);
		const key = await openOwner(settings.owner, owner);
		await placeCancellation(home, key, { purse, request, issuer, amount });
	}
	return withdrawalOf(named);
}

interface NamedOrder {
	readonly order: PurseOrder;
	readonly terms: IssuerTerms;
}

async function namedOrders(home: string): Promise<NamedOrder[]> {
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

function withdrawalOf({ order, terms }: NamedOrder): OrderedWithdrawal {
	const { request, amount, state, isCancelled } = order;
	return {
		request: hex(request),
		...{ amount, state, isCancelled },
		...moneyOf(terms),
	};
}
