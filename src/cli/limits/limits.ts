import {
	type LimitChanges,
	type ModuleService,
	type OwnerLimits,
	openModule,
} from "../../device/service/index.ts";
import { TetradError } from "../../errors.ts";
import {
	formatAmount,
	nameInDeviceId,
	parseAmount,
} from "../../money/index.ts";
import { chooseMoney } from "../money.ts";
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
	readonly fee?: string;
	readonly merchant?: readonly string[];
	readonly forgetMerchant?: readonly string[];
	readonly allMerchants?: true;
	readonly approveNewMerchants?: boolean;
	readonly json?: true;
}

const AMOUNTS = [
	"perPayment",
	"perDay",
	"perMerchantPerDay",
	"inAll",
	"approvalAbove",
	"fee",
] as const;

type LimitedMoney = OwnerLimits["money"][number];

export async function limits(flags: LimitsFlags): Promise<void> {
	await using module = await openModule(flags.home);
	const changes = changesOf(flags, module);
	if (Object.keys(changes).length > 0)
		await module.setLimits(changes, { owner: ownerSecret(flags) });
	show(flags, await module.limits());
}

// Setting them.

function changesOf(
	flags: LimitsFlags,
	{ money }: Pick<ModuleService, "money">,
): LimitChanges {
	const { merchant, forgetMerchant, allMerchants } = flags;
	const { approveNewMerchants } = flags;
	if (allMerchants && (merchant ?? forgetMerchant) !== undefined)
		throw new TetradError(
			"invalid-argument",
			"say --all-merchants or which, and not both",
		);
	return {
		...amountsOf(flags, money),
		...(allMerchants ? { merchants: null } : {}),
		...(merchant === undefined ? {} : { addMerchants: merchant }),
		...(forgetMerchant === undefined
			? {}
			: { forgetMerchants: forgetMerchant }),
		...(approveNewMerchants === undefined ? {} : { approveNewMerchants }),
	};
}

function amountsOf(
	flags: LimitsFlags,
	money: ModuleService["money"],
): LimitChanges {
	const said = AMOUNTS.flatMap((name) => {
		const text = flags[name];
		return text === undefined ? [] : [{ name, text }];
	});
	if (said.length === 0) return {};
	const { issuer, currency: code, exponent } = chooseMoney(money, flags.issuer);
	const limits = said.map(({ name, text }) => [
		name,
		limitOf(text, { code, exponent }),
	]);
	return { issuer, ...Object.fromEntries(limits) };
}

function limitOf(
	text: string,
	currency: Parameters<typeof parseAmount>[1],
): bigint | null {
	if (text === "none") return null;
	return /^0(\.0*)?$/.test(text) ? 0n : parseAmount(text, currency);
}

// Showing them.

function show({ home, json }: LimitsFlags, limits: OwnerLimits): void {
	const { number, inForce, money, merchants, approveNewMerchants } = limits;
	if (json)
		return sayJson({
			home,
			...(number === undefined ? {} : { number: String(number) }),
			inForce,
			money: money.map(moneyJson),
			merchants: merchants?.map((id) => ({ id, name: nameOf(id) })) ?? "all",
			approveNewMerchants,
		});
	if (!inForce)
		say(
			`ordered, and not in force: the module takes it down when it starts (${home}/orders)`,
		);
	for (const one of money) sayMoney(one);
	say(
		merchants === undefined
			? "any merchant may be paid"
			: `merchants that may be paid: ${merchants.map((id) => plain(nameOf(id))).join(", ") || "none"}`,
	);
	if (approveNewMerchants)
		say("the first payment to a merchant waits for your approval");
}

function sayMoney(limits: LimitedMoney): void {
	const { currency: code, exponent, issuer, used } = limits;
	const of = `${code} of ${plain(issuer)}`;
	const fee = defaultFeeText(limits);
	if (AMOUNTS.every((name) => limits[name] === undefined))
		return say(
			fee === undefined
				? `${of}: no limits, all of it is paid`
				: `${of}: no limits, all of it is paid; the fee of its mint is at most ${fee}`,
		);
	const text = (amount: bigint | undefined) =>
		amount === undefined ? "none" : formatAmount(amount, { code, exponent });
	say(of);
	const [most] = used.perMerchantPerDay.toSorted((a, b) =>
		b.amount > a.amount ? 1 : -1,
	);
	const rows = [
		["per payment", text(limits.perPayment), ""],
		["per day", text(limits.perDay), text(used.perDay)],
		[
			"per merchant per day",
			text(limits.perMerchantPerDay),
			most === undefined
				? text(0n)
				: `${text(most.amount)}, to ${plain(most.name)}`,
		],
		[
			"in all",
			text(limits.inAll),
			limits.inAll === undefined ? "" : text(used.inAll),
		],
		["approval above", text(limits.approvalAbove), ""],
		...(limits.fee === undefined && fee === undefined
			? []
			: [["fee of a mint", fee ?? text(limits.fee), ""]]),
	];
	for (const line of plainTable(["limit", "", "used"], rows)) say(line);
}

/** What the fee of a mint may be where the owner has said nothing of it, said as such. */
function defaultFeeText({
	feeByDefault,
	currency: code,
	exponent,
}: LimitedMoney): string | undefined {
	if (feeByDefault === undefined) return undefined;
	const { partOf, always } = feeByDefault;
	return `1/${partOf} of the price, or ${formatAmount(always, { code, exponent })} where that is more (by default)`;
}

function moneyJson(limits: LimitedMoney) {
	const { issuer, currency, exponent, play, used, feeByDefault } = limits;
	const text = (amount: bigint) =>
		formatAmount(amount, { code: currency, exponent });
	const said = AMOUNTS.flatMap((name) => {
		const limit = limits[name];
		return limit === undefined ? [] : [[name, text(limit)]];
	});
	return {
		...{ issuer, currency, play },
		limits: Object.fromEntries(said),
		...(feeByDefault === undefined
			? {}
			: {
					feeByDefault: {
						partOfPrice: `1/${feeByDefault.partOf}`,
						orWhereMore: text(feeByDefault.always),
					},
				}),
		used: {
			perDay: text(used.perDay),
			inAll: text(used.inAll),
			perMerchantPerDay: used.perMerchantPerDay.map((merchant) => ({
				...merchant,
				amount: text(merchant.amount),
			})),
		},
	};
}

function nameOf(id: string): string {
	return nameInDeviceId(new Uint8Array(Buffer.from(id, "hex")));
}
