/* What the owner of a purse lets it pay, as the service says and changes it. */
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { deviceId } from "../../identity/index.ts";
import type { SecretSource, SoftwareKey } from "../../keys/index.ts";
import {
	FEE_ALWAYS,
	FEE_PART,
	type IssuerTerms,
	type LimitsBody,
	type MoneyLimits,
	nameInDeviceId,
	type SpendingRules,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { lockHome, readPolicy } from "../home/index.ts";
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
import type {
	DefaultFee,
	LimitChanges,
	OwnerLimits,
} from "./module-service.ts";
import { moneyOf } from "./purse-views.ts";

const AMOUNTS = {
	perPayment: "perPayment",
	perDay: "perDay",
	perMerchantPerDay: "perMerchantDay",
	inAll: "inAll",
	approvalAbove: "approvalAbove",
	fee: "fee",
} as const;

const DEVICE_ID = /^([0-9a-f]{2}){41,104}$/;

const NAMES: readonly (keyof typeof AMOUNTS)[] = [
	"perPayment",
	"perDay",
	"perMerchantPerDay",
	"inAll",
	"approvalAbove",
	"fee",
];

/** The limits of the purse in a home: those that were ordered last, also while they are not in force. */
export async function limitsIn(home: string): Promise<OwnerLimits> {
	const { rules, isInForce, spent, issuers } = await look(home);
	return {
		...(rules === undefined ? {} : { number: rules.number }),
		inForce: isInForce,
		money: issuers.map((terms) => {
			const limits = limitsOf(rules?.money ?? [], terms);
			const used = spent.get(hex(terms.issuer)) ?? NOTHING_SPENT;
			return {
				...moneyOf(terms),
				...Object.fromEntries(
					NAMES.flatMap((name) => {
						const limit = limits?.[AMOUNTS[name]];
						return limit === undefined ? [] : [[name, limit]];
					}),
				),
				...defaultFee(terms, limits),
				used: {
					perDay: used.inDay,
					inAll: used.inAll,
					perMerchantPerDay: [...used.toMerchants].map(([id, amount]) => ({
						id,
						name: nameInDeviceId(fromHex(id)),
						amount,
					})),
				},
			};
		}),
		...(rules?.merchants === undefined
			? {}
			: { merchants: rules.merchants.map(hex) }),
		approveNewMerchants: rules?.approveNewMerchants ?? false,
	};
}

/** Without a word of the owner the purse holds the fees of mints to this. */
function defaultFee(
	terms: IssuerTerms,
	limits: MoneyLimits | undefined,
): { readonly feeByDefault?: DefaultFee } {
	const isOfMint = "url" in terms;
	if (!isOfMint || limits?.fee !== undefined) return {};
	return { feeByDefault: { partOf: FEE_PART, always: FEE_ALWAYS } };
}

/** Orders changed limits of the purse in a home, as its owner, who is asked once all else is known to be right. */
export async function changeLimits(
	home: string,
	changes: LimitChanges,
	owner: SecretSource,
): Promise<OrderTaken> {
	await changed(home, changes);
	const settings = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	const file = await placeChanged(home, changes, purse, key);
	return { inForce: await isTakenDown(home, file) };
}

/** Of two orders that follow on the same one, the purse would take one alone: they take turns. */
async function placeChanged(
	home: string,
	changes: LimitChanges,
	purse: Uint8Array,
	key: SoftwareKey,
): Promise<string> {
	await using _ = await lockHome(home);
	const { number, ...rules } = await changed(home, changes);
	return await placeLimits(home, key, { ...rules, purse, number });
}

/** What holds now with what changes, and the number of the order that says so. */
async function changed(
	home: string,
	changes: LimitChanges,
): Promise<SpendingRules & { readonly number: bigint }> {
	const { rules, issuers } = await look(home);
	return {
		...(await changedRules(home, rules, issuers, changes)),
		number: (rules?.number ?? 0n) + 1n,
	};
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

async function changedRules(
	home: string,
	before: SpendingRules | undefined,
	issuers: readonly IssuerTerms[],
	changes: LimitChanges,
): Promise<SpendingRules> {
	const { approveNewMerchants = before?.approveNewMerchants ?? false } =
		changes;
	return {
		merchants: await changedMerchants(home, before?.merchants, changes),
		money: changedMoney(before?.money ?? [], issuers, changes),
		approveNewMerchants,
	};
}

/** Where any module may be paid, to forget one changes nothing. */
async function changedMerchants(
	home: string,
	before: readonly Uint8Array[] | undefined,
	{ merchants, addMerchants = [], forgetMerchants = [] }: LimitChanges,
): Promise<readonly Uint8Array[] | undefined> {
	if (merchants === null) return undefined;
	if (merchants !== undefined) return merchantIds(home, merchants);
	const added = await merchantIds(home, addMerchants);
	const forgotten = await merchantIds(home, forgetMerchants);
	if (before === undefined && added.length === 0) return undefined;
	const isNamed = (id: Uint8Array) =>
		[...added, ...forgotten].some((named) => sameBytes(named, id));
	return [...(before ?? []).filter((id) => !isNamed(id)), ...added];
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

/** Device ids of modules that are named by their certified names, or by the ids themselves. Throws `invalid-argument`. */
async function merchantIds(
	home: string,
	names: readonly string[],
): Promise<Uint8Array[]> {
	if (names.length === 0) return [];
	const { banks } = await readPolicy(home);
	return names.map((name) => {
		const ids = DEVICE_ID.test(name)
			? [fromHex(name)]
			: banks.map(({ certificate: { spki } }) =>
					deviceId(nodeCrypto, spki, name),
				);
		const [id, ...more] = ids;
		if (id === undefined || more.length > 0)
			throw new TetradError(
				"invalid-argument",
				`several banks are trusted here, and each may have certified ${JSON.stringify(name)}: say its device id, in hexadecimal, as tetrad approvals --json and the module's own events have it`,
			);
		nameInDeviceId(id);
		return id;
	});
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
