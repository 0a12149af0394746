import { formatAddress } from "../../carrier/index.ts";
import {
	type Counted,
	type DeviceStatus,
	findPatient,
	type SideStatus,
	statusOf,
} from "../../device/doctor/index.ts";
import { hasPurse } from "../../device/purse/index.ts";
import {
	type Balance,
	balancesInAll,
	type ModuleStatus,
} from "../../device/service/index.ts";
import {
	modulesOf,
	type Side,
	type SideModule,
} from "../../device/side/index.ts";
import { asTetradError } from "../../errors.ts";
import { formatAmount } from "../../money/index.ts";
import { balanceJson } from "../balances.ts";
import { requireSide } from "../side-flags.ts";
import { plainTable } from "../table.ts";
import {
	day,
	EXIT,
	moment,
	plain,
	say,
	sayFitting,
	sayJson,
} from "../voice.ts";

export interface StatusFlags {
	readonly home?: string;
	readonly json?: true;
}

const DAY_MS = 86_400_000;

/** Says how a side is, as its homes say. */
export async function status(flags: StatusFlags): Promise<void> {
	const side = await requireSide(flags.home);
	const patient = await findPatient(side.path);
	if (patient === undefined) return;
	const now = await statusOf(side, patient);
	const money = await moneyOf(modulesOf(side).map(({ home }) => home));
	const unreadable = unreadableOf(now, money);
	if (Object.keys(unreadable).length > 0) process.exitCode = EXIT.failed;
	if (flags.json) return sayJson(inJson(side, now, { money, unreadable }));
	const rows = [
		["side", `${side.name}, of ${AN[side.kind]}, in ${plain(side.path)}`],
		...now.devices.map((device) => [nameOf(device), aboutDevice(device)]),
		...(side.furtherModules.length === 0
			? [["link", aboutLink(formatAddress(side.module.at), now)]]
			: modulesOf(side).map((module, at) => [
					`link ${at + 1}`,
					aboutLinkOf(module, saidOf(module, now)),
				])),
		...(side.issuer === undefined
			? []
			: [["issuer", aboutIssuer(formatAddress(side.issuer.at), now)]]),
		...aboutPurse(money).map((text) => ["purse", text]),
		...(side.kind === "issuer"
			? []
			: [["purchases", aboutPurchases(now.inDoubt)]]),
		["crypto", now.crypto],
	];
	for (const line of plainTable(["status", ""], rows)) say(line);
	const waiting = waitsForYou(now, unreadable);
	if (waiting.length > 0) say();
	for (const line of waiting) sayFitting(line);
}

/** What the purse of a side has. */
type Money =
	| { readonly kind: "read"; readonly balances: readonly Balance[] }
	| { readonly kind: "unreadable"; readonly reason: string };

/** Of all modules that have a purse here. */
async function moneyOf(homes: readonly string[]): Promise<Money> {
	try {
		const here: string[] = [];
		for (const home of homes)
			if (await hasPurse(home).catch(() => false)) here.push(home);
		const [first, ...others] = here;
		const balances =
			first === undefined ? [] : await balancesInAll([first, ...others]);
		return { kind: "read", balances };
	} catch (thrown) {
		return { kind: "unreadable", reason: asTetradError(thrown).message };
	}
}

/** Why what cannot be read cannot, by the names under which `--json` has null for it. */
type Unreadable = Partial<Record<"balances" | "inDoubt" | "approvals", string>>;

function unreadableOf(
	{ inDoubt, approvals }: SideStatus,
	balances: Money,
): Unreadable {
	const all = Object.entries({ balances, inDoubt, approvals });
	return Object.fromEntries(
		all.flatMap(([name, one]) =>
			one.kind === "unreadable" ? [[name, one.reason]] : [],
		),
	);
}

function aboutPurse(money: Money): string[] {
	return money.kind === "unreadable"
		? [`cannot be read: ${plain(money.reason)}`]
		: money.balances.map(aboutMoney);
}

function aboutPurchases(inDoubt: Counted): string {
	if (inDoubt.kind === "unreadable")
		return `cannot be read, so some may be in doubt: ${plain(inDoubt.reason)}`;
	return inDoubt.count === 0
		? "none in doubt"
		: `${inDoubt.count} in doubt; tetrad resolve asks at once`;
}

const AN = { buyer: "a buyer", shop: "a shop", issuer: "an issuer" } as const;

function aboutDevice(device: DeviceStatus): string {
	const {
		process,
		others = [],
		trouble,
		name,
		certificateEnds,
		oldestList,
		pairedWith,
		alsoPairedWith = [],
	} = device;
	const runs =
		process === undefined
			? "does not run"
			: others.length === 0
				? `runs as process ${process}`
				: `runs as processes ${[process, ...others].join(", ")}`;
	if (trouble !== undefined) return `${runs}; ${plain(trouble)}`;
	return [
		`${plain(name ?? "")} ${runs}`,
		pairedWith === undefined
			? "paired with nobody"
			: `paired with ${[pairedWith, ...alsoPairedWith].map(plain).join(" and ")}`,
		`certified until ${day(certificateEnds ?? 0)}`,
		oldestList === undefined
			? "holds no lists"
			: `lists ${Math.max(0, Math.floor((Date.now() - oldestList) / DAY_MS))} days old`,
	].join(", ");
}

/** A side with several modules says of each which it is. */
function nameOf({ role, number }: DeviceStatus): string {
	return number === undefined || number === 1 ? role : `${role} ${number}`;
}

/** What the agent that runs says of a module. It may have been started before the settings were changed. */
function saidOf(
	{ at }: SideModule,
	{ modules }: SideStatus,
): ModuleStatus | undefined {
	return modules?.find(({ address }) => address === formatAddress(at));
}

/** One of several links, as the agent says that runs. */
function aboutLinkOf(
	{ at, port }: SideModule,
	said: ModuleStatus | undefined,
): string {
	const where = `at ${formatAddress(at)}`;
	const met =
		port === undefined ? "" : `; who comes back meets it at port ${port}`;
	if (said === undefined) return `not up; it is made ${where}${met}`;
	const { isLinked, trouble } = said;
	const settled =
		trouble === undefined
			? ""
			: `; has not met the issuer: ${plain(trouble.reason)}`;
	return `${isLinked ? "up" : "not up; it is made"} ${where}${met}${settled}`;
}

function aboutLink(at: string, { link }: SideStatus): string {
	if (link === undefined) return `at ${at}, never made yet`;
	return link.isUp
		? `up at ${at}, since ${moment(link.since)}`
		: `not up; it is made at ${at}`;
}

function aboutIssuer(at: string, { settled, trouble }: SideStatus): string {
	const met =
		settled === undefined
			? `at ${at}, not met yet`
			: `${plain(settled.issuer)} at ${at}, met at ${moment(settled.time)}`;
	return trouble === undefined ? met : `${met}; not since: ${plain(trouble)}`;
}

function aboutMoney(sums: Balance): string {
	const { currency: code, exponent, issuer } = sums;
	const text = (amount: bigint) => formatAmount(amount, { code, exponent });
	const others = [
		[sums.toDeposit, "to deposit"],
		[sums.toBook, "to book"],
		[sums.inDoubt, "in doubt"],
		[sums.held, "held"],
		[sums.toClaim, "to claim"],
		[sums.ordered, "ordered"],
	] as const;
	return [
		`${sums.module === undefined ? "" : `${plain(sums.module)}: `}${text(sums.spendable)} ${code} of ${plain(issuer)} to spend`,
		...others.flatMap(([amount, what]) =>
			amount === 0n ? [] : [`${text(amount)} ${what}`],
		),
	].join(", ");
}

/** What nobody but a person can do. */
function waitsForYou(
	{ approvals, devices }: SideStatus,
	unreadable: Unreadable,
): string[] {
	const isUnreadable = Object.keys(unreadable).length > 0;
	const tries = devices.reduce(
		(sum, { pairingTries = 0 }) => sum + pairingTries,
		0,
	);
	const unpaired = devices.filter(
		({ trouble, pairedWith }) =>
			trouble === undefined && pairedWith === undefined,
	);
	const [further] = unpaired.filter(({ number = 1 }) => number > 1);
	return [
		...aboutApprovals(approvals),
		...(unpaired.length === 0
			? []
			: unpaired[0] === further
				? [
						`module ${further?.number} waits to be paired with the agent: tetrad pair, there with --number ${further?.number}`,
					]
				: ["agent and module wait to be paired: tetrad pair"]),
		...(tries === 0
			? []
			: [`${tries} tries to pair came to nothing: tetrad doctor says more`]),
		...(devices.some(({ trouble }) => trouble !== undefined) || isUnreadable
			? ["something is wrong: tetrad doctor says what to do"]
			: []),
	];
}

function aboutApprovals(approvals: Counted): string[] {
	if (approvals.kind === "unreadable")
		return [
			"payments may wait for you, for what waits cannot be read: tetrad doctor says more",
		];
	return approvals.count === 0
		? []
		: [`${approvals.count} payments wait for you: tetrad approvals`];
}

function inJson(
	side: Side,
	now: SideStatus,
	{
		money,
		unreadable,
	}: { readonly money: Money; readonly unreadable: Unreadable },
) {
	const count = (of: Counted) => (of.kind === "counted" ? of.count : null);
	const time = (at: number | undefined) =>
		at === undefined ? undefined : new Date(at).toISOString();
	const { name, kind, path, module, issuer } = side;
	return {
		home: path,
		kind,
		name,
		devices: now.devices.map(({ certificateEnds, oldestList, ...device }) => ({
			...device,
			certificateEnds: time(certificateEnds),
			oldestList: time(oldestList),
		})),
		link: {
			module: formatAddress(module.at),
			isUp: now.link?.isUp ?? false,
			...(now.link?.isUp ? { since: time(now.link.since) } : {}),
		},
		...(side.furtherModules.length === 0
			? {}
			: {
					links: modulesOf(side).map((module, at) => {
						const said = saidOf(module, now);
						return {
							...{ number: at + 1, module: formatAddress(module.at) },
							...{ port: module.port, isUp: said?.isLinked ?? false },
							...said,
						};
					}),
				}),
		...(issuer === undefined
			? {}
			: {
					issuer: {
						at: formatAddress(issuer.at),
						...(now.settled === undefined
							? {}
							: {
									name: now.settled.issuer,
									settled: time(now.settled.time),
								}),
						...(now.trouble === undefined ? {} : { trouble: now.trouble }),
					},
				}),
		balances: money.kind === "read" ? money.balances.map(balanceJson) : null,
		crypto: now.crypto,
		inDoubt: count(now.inDoubt),
		approvals: count(now.approvals),
		...(Object.keys(unreadable).length === 0 ? {} : { unreadable }),
		waitsForYou: waitsForYou(now, unreadable),
	};
}
