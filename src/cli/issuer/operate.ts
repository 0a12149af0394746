/* Commands of an issuer's operator. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { makeCarriedFolder, writeCarried } from "../../device/home/index.ts";
import type { Operator } from "../../device/issuer/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { dec, enc, hex, utf8 } from "../../wire/index.ts";
import { money } from "../money.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson, tell } from "../voice.ts";
import { asOperator } from "./as-operator.ts";

export interface CreditFlags {
	readonly home: string;
	readonly account: string;
	readonly amount: string;
	readonly reference?: string;
	readonly open?: true;
	readonly json?: true;
}

export async function credit(flags: CreditFlags): Promise<void> {
	const { home, account, amount, reference = randomUUID() } = flags;
	const credited = await asOperator(home, async (operator) => {
		const id = await accountOf(operator, account, flags.open === true);
		if (flags.reference === undefined)
			tell(`the reference of this credit is ${reference}`);
		try {
			return await operator.credit(id, { amount, reference });
		} catch (thrown) {
			throw creditFailure(thrown, reference);
		}
	});
	if (credited === undefined) throw noAccount(account);
	if (flags.json) return sayJson(credited);
	const { name, balance } = credited.account;
	if (!credited.isNew) tell("that reference was credited before");
	say(
		`${credited.isNew ? "credited" : "was credited"} ${money({ ...credited.account, amount: credited.credited })} to ${plain(name)}, which holds ${balance}`,
	);
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

const DEVICE_ID = /^([0-9a-f]{2}){41,104}$/;

/**
 * A name is that of a module of the issuer's own bank, which names no two alike. Other banks may
 * call theirs the same, and whoever pays opens an account for any payee: those go by device id.
 */
async function accountOf(
	operator: Operator,
	account: string,
	mayOpen: boolean,
): Promise<string> {
	if (DEVICE_ID.test(account)) return (await operator.open(account)).id;
	if (!/^[a-z0-9.-]{1,64}$/.test(account)) throw noAccount(account);
	const { issuer } = await operator.terms();
	const id = deviceOfSameBank(issuer, account);
	return mayOpen ? (await operator.open(id)).id : id;
}

function deviceOfSameBank(issuer: string, name: string): string {
	const [bank = new Uint8Array()] = dec(Buffer.from(issuer, "hex"), 2);
	return hex(enc(bank, utf8(name)));
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
	const accounts = await asOperator(home, (operator) =>
		allOf(async (after) => {
			const { accounts, next } = await operator.accounts({ after });
			return { rows: accounts, next };
		}),
	);
	if (json) return sayJson({ accounts });
	for (const line of plainTable(
		["name", "balance", "device id"],
		accounts.map((account) => [
			account.name,
			money({ ...account, amount: account.balance }),
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
	const conflicts = await asOperator(home, async (operator) => {
		const found = await allOf(async (after) => {
			const { conflicts, next } = await operator.conflicts({ after });
			return { rows: conflicts, next };
		});
		if (folder === undefined)
			return found.map((conflict) => ({ ...conflict, file: undefined }));
		await makeCarriedFolder(folder);
		return Promise.all(
			found.map(async (conflict) => {
				const file = join(folder, `${conflict.id}.evidence`);
				const bytes = await operator.evidence(conflict.id);
				await writeCarried(file, bytes ?? new Uint8Array());
				return { ...conflict, file };
			}),
		);
	});
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
	if (contract !== undefined && !/^[0-9a-f]{64}$/.test(contract))
		throw new TetradError(
			"invalid-argument",
			`"${plain(contract.slice(0, 64))}" is no contract; those have 64 hexadecimal digits, in small letters`,
		);
	const sales = await asOperator(home, (operator) =>
		allOf(async (after) => {
			const { sales, next } = await operator.sales({ after, contract });
			return { rows: sales, next };
		}),
	);
	if (json) return sayJson({ sales });
	if (sales.length === 0) return say("nobody has handed in a sale");
	for (const line of plainTable(
		["at", "state", "amount", "buyer", "merchant", "contract"],
		sales.map((sale) => [
			sale.at,
			sale.state === "void" && sale.credited === undefined
				? "void, owed"
				: sale.state,
			money(sale),
			sale.buyerName,
			sale.merchantName,
			sale.contract,
		]),
	))
		say(line);
}

/** All pages, one after another. */
async function allOf<Of>(
	page: (
		after: string | undefined,
	) => Promise<{ rows: readonly Of[]; next: string | undefined }>,
): Promise<Of[]> {
	const all: Of[] = [];
	let after: string | undefined;
	do {
		const { rows, next } = await page(after);
		all.push(...rows);
		after = next;
	} while (after !== undefined);
	return all;
}
