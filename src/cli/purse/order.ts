import { spawn } from "node:child_process";
import { type Address, formatAddress } from "../../carrier/index.ts";
import {
	type Balance,
	type ModuleService,
	type MoneyOf,
	openModule,
} from "../../device/service/index.ts";
import { TetradError } from "../../errors.ts";
import { parseAmount } from "../../money/index.ts";
import { packageFile } from "../../package-file.ts";
import { balanceJson, sayBalances } from "../balances.ts";
import { amountText, chooseMoney, money } from "../money.ts";
import type { OwnerFlags, SecretFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { EXIT, plain, say, sayJson, tellTrouble } from "../voice.ts";

const PROGRAM: string = packageFile("bin/tetrad.js");

export interface SettleFlags extends SecretFlags {
	readonly home: string;
	readonly issuer?: string;
	readonly agent?: string;
	readonly module?: Address;
	readonly issuerAt?: Address;
	/** The folder of the side that settles at once, where nothing else is said. */
	readonly side?: string;
	readonly json?: true;
}

export interface WithdrawFlags extends SettleFlags, OwnerFlags {}

export interface DepositFlags extends SettleFlags {
	readonly all?: true;
}

export async function withdraw(
	amount: string,
	flags: WithdrawFlags,
): Promise<void> {
	const { home } = flags;
	const route = routeOf(flags);
	await using module = await openModule(home);
	const of = chooseMoney(module.money, flags.issuer);
	const { issuer, currency: code, exponent } = of;
	const sum = parseAmount(amount, { code, exponent });
	const owner = ownerSecret(flags);
	const { request } = await module.withdraw(sum, { issuer, owner });
	const text = amountText({ ...of, amount: sum });
	if (!flags.json)
		say(
			`ordered ${money(text)} from ${plain(issuer)}; the order waits in ${home}/orders`,
		);
	await settle(flags, module, route, { ordered: { request, ...text } });
}

export async function deposit(flags: DepositFlags): Promise<void> {
	const { home, issuer, all = false } = flags;
	const route = routeOf(flags);
	await using module = await openModule(home);
	const chosen =
		issuer === undefined ? module.money : [chooseMoney(module.money, issuer)];
	const givingBack = all
		? (await module.giveBack({ issuer })).map(({ issuer }) => issuer)
		: [];
	if (!flags.json) sayDeposit(await module.balance(), chosen, all);
	await settle(flags, module, route, { givingBack });
}

function sayDeposit(
	balances: readonly Balance[],
	chosen: readonly MoneyOf[],
	isAll: boolean,
): void {
	for (const balance of balances) {
		const { issuer, toDeposit, toBook, spendable, held, heldBecause } = balance;
		const text = (amount: bigint) => money(amountText({ ...balance, amount }));
		// One that is behind gives nothing away.
		const own = spendable + (heldBecause === "behind" ? 0n : held);
		if (!chosen.some((one) => one.issuer === issuer)) continue;
		say(`${text(toDeposit)} is to deposit`);
		if (toBook > 0n) say(`${text(toBook)} is to book, and received only then`);
		if (isAll) say(`${text(own)} of own notes goes back to the account`);
	}
}

/** The command that settles at once. */
type Route = readonly string[];

function routeOf({
	side,
	agent,
	module,
	issuerAt,
}: SettleFlags): Route | undefined {
	if (side !== undefined) return ["settle", "--home", side];
	if (agent !== undefined && module !== undefined && issuerAt !== undefined)
		return [
			...["agent", "--home", agent, "--module", formatAddress(module)],
			...["--connect", formatAddress(issuerAt), "--settle"],
		];
	if (agent !== undefined || module !== undefined || issuerAt !== undefined)
		throw new TetradError(
			"invalid-argument",
			"to settle at once say --agent HOME, --module ADDRESS and --issuer-at ADDRESS, all three",
		);
	return undefined;
}

/** Settles through the agent, or says how that is done. */
async function settle(
	flags: SettleFlags & OwnerFlags,
	module: ModuleService,
	route: Route | undefined,
	done: object,
): Promise<void> {
	const { json } = flags;
	if (route === undefined) {
		const command =
			"tetrad agent --home AGENT --module ADDRESS --connect ISSUER --settle";
		if (json) return sayJson({ ...done, settled: false, command });
		return say(
			`it is done when the module meets the issuer, with the module running: ${command}`,
		);
	}
	const code = await runAgent(route, flags);
	if (code !== EXIT.done) {
		const left = await whatIsLeft(module, route);
		process.exitCode = EXIT.failed;
		if (json) sayJson({ ...done, settled: false, left });
		else tellTrouble(left);
		return;
	}
	const balances = await module.balance();
	if (json)
		return sayJson({
			...done,
			settled: true,
			balances: balances.map(balanceJson),
		});
	sayBalances(balances);
}

/** What a settling that came to nothing leaves to do. */
async function whatIsLeft(
	module: ModuleService,
	route: Route,
): Promise<string> {
	const ordered = (await module.balance()).filter(
		({ ordered }) => ordered > 0n,
	);
	if (ordered.length === 0) return "not settled; no withdrawal is ordered";
	const sums = ordered.map(({ ordered: amount, ...of }) =>
		money(amountText({ ...of, amount })),
	);
	return `not settled: ${sums.join(" and ")} stays ordered; do not order it again, but settle: tetrad ${route.join(" ")}`;
}

/** A process of its own: the owner's secret was in this one, and does not go over to the agent. */
async function runAgent(
	route: Route,
	flags: SettleFlags & OwnerFlags,
): Promise<number> {
	const { passphraseFile, passphraseEnv, pinFile, pinEnv, json } = flags;
	const { ownerPassphraseEnv } = flags;
	const { [ownerPassphraseEnv ?? ""]: _, ...env } = process.env;
	const secrets = {
		"--passphrase-file": passphraseFile,
		"--passphrase-env": passphraseEnv,
		"--pin-file": pinFile,
		"--pin-env": pinEnv,
	};
	const child = spawn(
		process.execPath,
		[
			PROGRAM,
			...route,
			...Object.entries(secrets).flatMap(([flag, value]) =>
				value === undefined ? [] : [flag, value],
			),
			...(json ? ["--json"] : []),
		],
		{ env, stdio: ["inherit", json ? "ignore" : "inherit", "inherit"] },
	);
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	child.once("error", reject);
	child.once("close", (code) => resolve(code ?? EXIT.failed));
	return promise;
}
