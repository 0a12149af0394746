import { nodeCrypto } from "../../crypto/index.ts";
import { readPolicy } from "../../device/home/index.ts";
import {
	isTakenDown,
	moduleIdOf,
	NOTHING_SPENT,
	openOwner,
	type PurseSpending,
	placeLimits,
	readPurseSettings,
	type SpentMoney,
	viewPurse,
	viewSpending,
	viewWaiting,
} from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { deviceId } from "../../identity/index.ts";
import {
	formatAmount,
	type IssuerTerms,
	type LimitsBody,
	type MoneyLimits,
	nameInDeviceId,
	parseAmount,
	type SpendingRules,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { chooseIssuer } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface LimitsFlags extends OwnerFlags {
	readonly home: string;
	readonly issuer?: string;
	readonly perPayment?: string;
	readonly perDay?: string;
	readonly perMerchantPerDay?: string;
	readonly inAll?: string;
	readonly approvalAbove?: string;
	readonly merchant?: readonly string[];
	readonly forgetMerchant?: readonly string[];
	readonly allMerchants?: true;
	readonly approveNewMerchants?: boolean;
	readonly json?: true;
}

/** The flags of amounts, and what each sets. */
const AMOUNTS = {
	perPayment: "perPayment",
	perDay: "perDay",
	perMerchantPerDay: "perMerchantDay",
	inAll: "inAll",
	approvalAbove: "approvalAbove",
} as const;

type AmountFlag = keyof typeof AMOUNTS;

const AMOUNT_FLAGS: readonly AmountFlag[] = [
	"perPayment",
	"perDay",
	"perMerchantPerDay",
	"inAll",
	"approvalAbove",
];

const NO_RULES: SpendingRules = {
	money: [],
	merchants: undefined,
	approveNewMerchants: false,
};

interface Looked extends PurseSpending {
	readonly issuers: readonly IssuerTerms[];
	/** What was ordered and is not taken down yet, if that is newer. */
	readonly ordered: LimitsBody | undefined;
}

export async function limits(flags: LimitsFlags): Promise<void> {
	const looked = await look(flags.home);
	if (sets(flags)) await set(flags, looked);
	else show(flags, looked);
}

async function look(home: string): Promise<Looked> {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const { limits: waiting } = await viewWaiting(home);
	const spending = await viewSpending(view.store, Date.now());
	const isNewer =
		waiting !== undefined && waiting.number > (spending.limits?.number ?? 0n);
	return {
		...spending,
		issuers: view.issuers,
		ordered: isNewer ? waiting : undefined,
	};
}

function sets(flags: LimitsFlags): boolean {
	return (
		AMOUNT_FLAGS.some((flag) => flags[flag] !== undefined) ||
		flags.merchant !== undefined ||
		flags.forgetMerchant !== undefined ||
		flags.allMerchants !== undefined ||
		flags.approveNewMerchants !== undefined
	);
}

// Setting them.

async function set(flags: LimitsFlags, looked: Looked): Promise<void> {
	const { home } = flags;
	const before = looked.ordered ?? looked.limits;
	const rules = await changed(flags, looked.issuers, before ?? NO_RULES);
	const number = (before?.number ?? 0n) + 1n;
	const { owner } = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(owner, ownerSecret(flags));
	const body = { ...rules, purse, number };
	const file = await placeLimits(home, key, body);
	const isInForce = await isTakenDown(home, file);
	const now = isInForce
		? await look(home)
		: { ...looked, ordered: { ...body, request: purse, ordered: 0 } };
	show(flags, now);
}

/** The limits with what the flags change. */
async function changed(
	flags: LimitsFlags,
	issuers: readonly IssuerTerms[],
	before: SpendingRules,
): Promise<SpendingRules> {
	const { merchant = [], forgetMerchant = [], allMerchants } = flags;
	if (allMerchants && merchant.length + forgetMerchant.length > 0)
		throw invalid("say --all-merchants or which, and not both");
	const named = await merchantsOf(flags.home, merchant);
	const forgotten = await merchantsOf(flags.home, forgetMerchant);
	const kept = (before.merchants ?? []).filter(
		(known) => !contains([...named, ...forgotten], known),
	);
	const isAny =
		allMerchants || (before.merchants === undefined && named.length === 0);
	return {
		money: money(flags, issuers, before.money),
		merchants: isAny ? undefined : [...kept, ...named],
		approveNewMerchants:
			flags.approveNewMerchants ?? before.approveNewMerchants,
	};
}

function money(
	flags: LimitsFlags,
	issuers: readonly IssuerTerms[],
	before: readonly MoneyLimits[],
): MoneyLimits[] {
	const said = AMOUNT_FLAGS.filter((flag) => flags[flag] !== undefined);
	if (said.length === 0) return [...before];
	const terms = chooseIssuer(issuers, flags.issuer);
	const isOf = ({ issuer }: MoneyLimits) => sameBytes(issuer, terms.issuer);
	const limits = before.find(isOf) ?? {
		issuer: terms.issuer,
		perPayment: undefined,
		perDay: undefined,
		perMerchantDay: undefined,
		inAll: undefined,
		approvalAbove: undefined,
	};
	const changes = said.map((flag) => [
		AMOUNTS[flag],
		limitOf(flags[flag] ?? "", terms),
	]);
	const next: MoneyLimits = { ...limits, ...Object.fromEntries(changes) };
	const isNone = AMOUNT_FLAGS.every(
		(flag) => next[AMOUNTS[flag]] === undefined,
	);
	return [
		...before.filter((limits) => !isOf(limits)),
		...(isNone ? [] : [next]),
	];
}

function limitOf(text: string, { currency }: IssuerTerms): bigint | undefined {
	if (text === "none") return undefined;
	return /^0(\.0*)?$/.test(text) ? 0n : parseAmount(text, currency);
}

/** Device ids of modules that are named by their certified names, or by the ids themselves. */
async function merchantsOf(
	home: string,
	names: readonly string[],
): Promise<Uint8Array[]> {
	if (names.length === 0) return [];
	const { banks } = await readPolicy(home);
	return names.map((name) => {
		if (/^([0-9a-f]{2}){41,104}$/.test(name)) {
			const id = new Uint8Array(Buffer.from(name, "hex"));
			nameInDeviceId(id);
			return id;
		}
		const [id, ...more] = banks.map(({ certificate }) =>
			deviceId(nodeCrypto, certificate.spki, name),
		);
		if (id === undefined || more.length > 0)
			throw invalid(
				`several banks are trusted here, and each may have certified "${plain(name)}": say its device id, in hexadecimal, as tetrad approvals --json and the module's own events have it`,
			);
		nameInDeviceId(id);
		return id;
	});
}

// Showing them.

function show({ home, json }: LimitsFlags, looked: Looked): void {
	const { issuers, ordered, spent } = looked;
	const rules = ordered ?? looked.limits;
	if (json)
		return sayJson({
			home,
			...(rules === undefined ? {} : { number: String(rules.number) }),
			inForce: ordered === undefined,
			money: issuers.map((terms) =>
				moneyJson(terms, limitsOf(rules, terms), spentOf(spent, terms)),
			),
			merchants: rules?.merchants?.map(merchantJson) ?? "all",
			approveNewMerchants: rules?.approveNewMerchants ?? false,
		});
	if (ordered !== undefined)
		say(
			`ordered, and not in force: the module takes it down when it starts (${home}/orders)`,
		);
	for (const terms of issuers)
		sayMoney(terms, limitsOf(rules, terms), spentOf(spent, terms));
	const merchants = rules?.merchants;
	say(
		merchants === undefined
			? "any merchant may be paid"
			: `merchants that may be paid: ${merchants.map((id) => plain(nameInDeviceId(id))).join(", ") || "none"}`,
	);
	if (rules?.approveNewMerchants)
		say("the first payment to a merchant waits for your approval");
}

function sayMoney(
	terms: IssuerTerms,
	limits: MoneyLimits | undefined,
	{ inDay, inAll, toMerchants }: SpentMoney,
): void {
	const { currency } = terms;
	const of = `${currency.code} of ${plain(terms.name)}`;
	if (limits === undefined) return say(`${of}: no limits, all of it is paid`);
	const text = (amount: bigint | undefined) =>
		amount === undefined ? "none" : formatAmount(amount, currency);
	say(of);
	const [most] = [...toMerchants].toSorted(([, a], [, b]) => (b > a ? 1 : -1));
	const rows = [
		["per payment", text(limits.perPayment), ""],
		["per day", text(limits.perDay), text(inDay)],
		[
			"per merchant per day",
			text(limits.perMerchantDay),
			most === undefined
				? text(0n)
				: `${text(most[1])}, to ${plain(nameInDeviceId(fromHex(most[0])))}`,
		],
		[
			"in all",
			text(limits.inAll),
			limits.inAll === undefined ? "" : text(inAll),
		],
		["approval above", text(limits.approvalAbove), ""],
	];
	for (const line of plainTable(["limit", "", "used"], rows)) say(line);
}

function moneyJson(
	{ name, currency, isPlay }: IssuerTerms,
	limits: MoneyLimits | undefined,
	{ inDay, inAll, toMerchants }: SpentMoney,
) {
	const said = Object.fromEntries(
		AMOUNT_FLAGS.flatMap((flag) => {
			const limit = limits?.[AMOUNTS[flag]];
			return limit === undefined ? [] : [[flag, formatAmount(limit, currency)]];
		}),
	);
	return {
		issuer: name,
		currency: currency.code,
		play: isPlay,
		limits: said,
		used: {
			perDay: formatAmount(inDay, currency),
			inAll: formatAmount(inAll, currency),
			perMerchantPerDay: [...toMerchants].map(([id, amount]) => ({
				...merchantJson(fromHex(id)),
				amount: formatAmount(amount, currency),
			})),
		},
	};
}

function merchantJson(id: Uint8Array) {
	return { id: hex(id), name: nameInDeviceId(id) };
}

function limitsOf(
	rules: SpendingRules | undefined,
	terms: IssuerTerms,
): MoneyLimits | undefined {
	return rules?.money.find(({ issuer }) => sameBytes(issuer, terms.issuer));
}

function spentOf(spent: PurseSpending["spent"], terms: IssuerTerms) {
	return spent.get(hex(terms.issuer)) ?? NOTHING_SPENT;
}

function contains(ids: readonly Uint8Array[], id: Uint8Array): boolean {
	return ids.some((known) => sameBytes(known, id));
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
