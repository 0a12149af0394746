/* Commands of an issuer's operator. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { makeCarriedFolder, writeCarried } from "../../device/home/index.ts";
import { PLAY_MONEY } from "../../device/issuer/index.ts";
import {
	type IssuerAccount,
	type IssuerSale,
	type IssuerService,
	type MoneyOf,
	openIssuer,
} from "../../device/service/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { parseAmount } from "../../money/index.ts";
import { allOf } from "../all-of.ts";
import { amountText, money } from "../money.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson, tell } from "../voice.ts";

export interface CreditFlags {
	readonly home: string;
	readonly account: string;
	readonly amount: string;
	readonly reference?: string;
	readonly open?: true;
	readonly json?: true;
}

/** A module that is named by its device id. */
const DEVICE_ID = /^([0-9a-f]{2}){41,104}$/;

export async function credit(flags: CreditFlags): Promise<void> {
	const { home, account: named, reference = randomUUID() } = flags;
	await using issuer = await openIssuer(home);
	const account =
		flags.open || DEVICE_ID.test(named)
			? await issuer.open(named)
			: await issuer.account(named);
	if (account === undefined) throw noAccount(named);
	if (flags.reference === undefined)
		tell(`the reference of this credit is ${reference}`);
	const credited = await creditWith(issuer, account, flags.amount, reference);
	const { isNew } = credited;
	const amount = amountText({ ...credited, amount: credited.credited });
	if (flags.json)
		return sayJson({
			credited: amount.amount,
			...{ reference, isNew },
			account: accountJson(credited),
		});
	if (!isNew) tell("that reference was credited before");
	say(
		`${isNew ? "credited" : "was credited"} ${money(amount)} to ${plain(credited.name)}, which holds ${balanceOf(credited).amount}`,
	);
}

async function creditWith(
	issuer: IssuerService,
	{ id }: IssuerAccount,
	text: string,
	reference: string,
): ReturnType<IssuerService["credit"]> {
	const { currency: code, exponent } = issuer.money;
	const amount = parseAmount(text, { code, exponent });
	try {
		return await issuer.credit(id, amount, { reference });
	} catch (thrown) {
		throw creditFailure(thrown, reference);
	}
}

/** Why it was not credited, or that whether it was is not known. */
function creditFailure(thrown: unknown, reference: string): TetradError {
	const error = asTetradError(thrown);
	switch (error.code) {
		case "invalid-argument":
		case "limit-exceeded":
		case "authentication-failed":
			return error;
		default:
			return new TetradError(
				error.code,
				`${error.message}; whether the account was credited is not known: ask for the same again with --reference "${plain(reference)}", and it is credited once`,
				{ cause: error },
			);
	}
}

function noAccount(account: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`no account of the issuer's own bank is open for "${plain(account.slice(0, 64))}"; say the module's device id, or --open for one of that bank`,
	);
}

export interface AccountsFlags {
	readonly home: string;
	readonly json?: true;
}

export async function showAccounts({
	home,
	json,
}: AccountsFlags): Promise<void> {
	await using issuer = await openIssuer(home);
	const accounts = await allOf(issuer.accounts());
	if (json) return sayJson({ accounts: accounts.map(accountJson) });
	for (const line of plainTable(
		["name", "balance", "device id"],
		accounts.map((account) => [
			account.name,
			money(balanceOf(account)),
			account.id,
		]),
	))
		say(line);
}

export interface ConflictsFlags {
	readonly home: string;
	readonly evidence?: string;
	readonly json?: true;
}

export async function showConflicts(flags: ConflictsFlags): Promise<void> {
	const { home, evidence: folder, json } = flags;
	await using issuer = await openIssuer(home);
	const found = await allOf(issuer.conflicts());
	if (folder !== undefined) await makeCarriedFolder(folder);
	const conflicts = [];
	for (const { holder: name, holderId: holder, ...conflict } of found) {
		const { id } = conflict;
		const file = folder && join(folder, `${id}.evidence`);
		if (file !== undefined) await writeCarried(file, await issuer.evidence(id));
		const { note, first, second, at } = conflict;
		conflicts.push({ id, holder, name, note, first, second, at, file });
	}
	if (json) return sayJson({ conflicts });
	if (conflicts.length === 0) say("nobody has spent anything twice");
	for (const { id, name, note, file } of conflicts)
		say(
			`${plain(name)} spent a part of note ${note} twice: ${file ?? `conflict ${id}`}`,
		);
}

export interface SalesFlags {
	readonly home: string;
	readonly contract?: string;
	readonly json?: true;
}

export async function showSales({
	home,
	contract,
	json,
}: SalesFlags): Promise<void> {
	await using issuer = await openIssuer(home);
	const sales = await allOf(issuer.sales({ contract }));
	if (json) return sayJson({ sales: sales.map(saleJson) });
	if (sales.length === 0) return say("nobody has handed in a sale");
	for (const line of plainTable(
		["at", "state", "amount", "buyer", "merchant", "contract"],
		sales.map((sale) => [
			sale.at,
			sale.state === "void" && sale.credited === undefined
				? "void, owed"
				: sale.state,
			money(amountText(sale)),
			sale.buyer,
			sale.merchant,
			sale.contract,
		]),
	))
		say(line);
}

function balanceOf(account: IssuerAccount): ReturnType<typeof amountText> {
	return amountText({ ...account, amount: account.balance });
}

function accountJson(account: IssuerAccount) {
	const { id, name, opened } = account;
	const { amount: balance } = balanceOf(account);
	return { ...{ id, name, balance, opened }, ...kindOf(account) };
}

function saleJson(sale: IssuerSale) {
	const { transfer, contract, state, at, credited } = sale;
	return {
		...{ transfer, contract, state },
		amount: amountText(sale).amount,
		buyer: sale.buyerId,
		buyerName: sale.buyer,
		merchant: sale.merchantId,
		merchantName: sale.merchant,
		at,
		...(credited === undefined ? {} : { credited }),
		...kindOf(sale),
	};
}

/** What is said beside each amount, as the HTTP API does. */
function kindOf({ currency, play }: MoneyOf) {
	return {
		...{ currency, play },
		...(play ? { note: `this is ${PLAY_MONEY}` } : {}),
	};
}
