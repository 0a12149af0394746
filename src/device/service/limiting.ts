/* What the owner of a purse lets it pay, as the service says and changes it. */
import { TetradError } from "../../errors.ts";
import type { SecretSource } from "../../keys/index.ts";
import {
	type IssuerTerms,
	type LimitsBody,
	type MoneyLimits,
	nameInDeviceId,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	isTakenDown,
	moduleIdOf,
	NOTHING_SPENT,
	openOwner,
	placeLimits,
	readPurseSettings,
	viewPurse,
	viewSpending,
	viewWaiting,
} from "../purse/index.ts";
import type { OrderTaken } from "./agent-service.ts";

import type { LimitChanges, OwnerLimits } from "./module-service.ts";
import { moneyOf } from "./purse-views.ts";

const AMOUNTS = {
	perPayment: "perPayment",
	perDay: "perDay",
	perMerchantPerDay: "perMerchantDay",
	inAll: "inAll",
	approvalAbove: "approvalAbove",
} as const;

const NAMES: readonly (keyof typeof AMOUNTS)[] = [
	"perPayment",
	"perDay",
	"perMerchantPerDay",
	"inAll",
	"approvalAbove",
];

/** The limits of the purse in a home: those that were ordered last, also while they are not in force. */
export async function limitsIn(home: string): Promise<OwnerLimits> {
	const { rules, isInForce, spent, issuers } = await look(home);
	return {
		inForce: isInForce,
		money: issuers.map((terms) => {
			const limits = limitsOf(rules?.money ?? [], terms);
			const { inDay, inAll } = spent.get(hex(terms.issuer)) ?? NOTHING_SPENT;
			return {
				...moneyOf(terms),
				...Object.fromEntries(
					NAMES.flatMap((name) => {
						const limit = limits?.[AMOUNTS[name]];
						return limit === undefined ? [] : [[name, limit]];
					}),
				),
				used: { perDay: inDay, inAll },
			};
		}),
		...(rules?.merchants === undefined
			? {}
			: { merchants: rules.merchants.map(hex) }),
		approveNewMerchants: rules?.approveNewMerchants ?? false,
	};
}

/** Orders changed limits of the purse in a home, as its owner. */
export async function changeLimits(
	home: string,
	changes: LimitChanges,
	owner: SecretSource,
): Promise<OrderTaken> {
	const { rules, issuers } = await look(home);
	const settings = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	const { merchants = rules?.merchants?.map(hex) ?? null } = changes;
	const file = await placeLimits(home, key, {
		purse,
		number: (rules?.number ?? 0n) + 1n,
		money: changedMoney(rules?.money ?? [], issuers, changes),
		merchants: merchants === null ? undefined : merchants.map(merchantId),
		approveNewMerchants:
			changes.approveNewMerchants ?? rules?.approveNewMerchants ?? false,
	});
	return { inForce: await isTakenDown(home, file) };
}

async function look(home: string) {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const { limits: waiting } = await viewWaiting(home);
	const { limits, spent } = await viewSpending(view.store, Date.now());
	const isNewer =
		waiting !== undefined && waiting.number > (limits?.number ?? 0n);
	const rules: LimitsBody | undefined = isNewer ? waiting : limits;
	return { rules, isInForce: !isNewer, spent, issuers: view.issuers };
}

function changedMoney(
	before: readonly MoneyLimits[],
	issuers: readonly IssuerTerms[],
	changes: LimitChanges,
): MoneyLimits[] {
	const said = NAMES.filter((name) => changes[name] !== undefined);
	if (said.length === 0) return [...before];
	const terms = issuerNamed(issuers, changes.issuer);
	const none = {
		issuer: terms.issuer,
		perPayment: undefined,
		perDay: undefined,
		perMerchantDay: undefined,
		inAll: undefined,
		approvalAbove: undefined,
	};
	const next: MoneyLimits = {
		...(limitsOf(before, terms) ?? none),
		...Object.fromEntries(
			said.map((name) => [AMOUNTS[name], changes[name] ?? undefined]),
		),
	};
	const isNone = NAMES.every((name) => next[AMOUNTS[name]] === undefined);
	return [
		...before.filter(({ issuer }) => !sameBytes(issuer, terms.issuer)),
		...(isNone ? [] : [next]),
	];
}

/** The issuer of that name, or the only one. Throws `invalid-argument`. */
export function issuerNamed(
	issuers: readonly IssuerTerms[],
	name: string | undefined,
): IssuerTerms {
	const named = issuers.filter(
		(terms) => name === undefined || terms.name === name,
	);
	const [first, second] = named;
	if (first !== undefined && second === undefined) return first;
	const known = issuers.map((terms) => terms.name).join(", ");
	throw new TetradError(
		"invalid-argument",
		`say of which issuer's money; known are: ${known}`,
	);
}

function limitsOf(
	money: readonly MoneyLimits[],
	terms: IssuerTerms,
): MoneyLimits | undefined {
	return money.find(({ issuer }) => sameBytes(issuer, terms.issuer));
}

/** Throws `invalid-argument` for what is no device id. */
function merchantId(text: string): Uint8Array {
	if (!/^([0-9a-f]{2}){41,104}$/.test(text))
		throw new TetradError(
			"invalid-argument",
			"a merchant is named by the device id of its module, in hexadecimal",
		);
	const id = new Uint8Array(Buffer.from(text, "hex"));
	nameInDeviceId(id);
	return id;
}
