/* Commands of an issuer's operator. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import { makeCarriedFolder, writeCarried } from "../../device/home/index.ts";
import type { AccountJson, Operator } from "../../device/issuer/index.ts";
import { TetradError } from "../../errors.ts";
import { dec, enc, hex, utf8 } from "../../wire/index.ts";
import { jsonFlag } from "../flags.ts";
import { money } from "../money.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson, tell } from "../voice.ts";
import { asOperator } from "./as-operator.ts";

export function addCreditCommand(issuer: Command): void {
	issuer
		.command("credit")
		.description(
			"put money into the account of a module; a device id opens its account",
		)
		.requiredOption("--home <folder>", "the issuer's home")
		.requiredOption(
			"--account <id>",
			"a module's device id in hexadecimal, or the certified name of one that has an account",
		)
		.requiredOption("--amount <amount>", 'such as "100.00"')
		.option(
			"--open",
			"open the account of the module of that name that the issuer's own bank certifies",
		)
		.option(
			"--reference <text>",
			"what it is for; the same one credits once, however often it is given; a new one unless given",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The first time, for a module of the same bank; of another bank, say its device id:
    tetrad issuer credit --home mint --account alice-purse --amount 100.00 --open
    tetrad issuer credit --home mint --account alice-purse --amount 100.00 --reference "march 2026"`,
		)
		.action(
			async (flags: {
				home: string;
				account: string;
				amount: string;
				reference?: string;
				open?: true;
				json?: true;
			}) => {
				const { home, account, amount, reference = randomUUID() } = flags;
				const credited = await asOperator(home, async (operator) => {
					const { id } = await accountOf(
						operator,
						account,
						flags.open === true,
					);
					return operator.credit(id, { amount, reference });
				});
				if (credited === undefined) throw noAccount(account);
				if (flags.json) return sayJson(credited);
				const { name, balance } = credited.account;
				if (!credited.isNew) tell("that reference was credited before");
				say(
					`${credited.isNew ? "credited" : "was credited"} ${money({ ...credited.account, amount: credited.credited })} to ${plain(name)}, which holds ${balance}`,
				);
			},
		);
}

const DEVICE_ID = /^([0-9a-f]{2}){41,104}$/;

async function accountOf(
	operator: Operator,
	account: string,
	mayOpen: boolean,
): Promise<AccountJson> {
	if (DEVICE_ID.test(account)) return operator.open(account);
	if (!/^[a-z0-9.-]{1,64}$/.test(account)) throw noAccount(account);
	const { accounts } = await operator.accounts({ name: account });
	const [first, second] = accounts;
	if (first === undefined) {
		if (!mayOpen) throw noAccount(account);
		const { issuer } = await operator.terms();
		return operator.open(deviceOfSameBank(issuer, account));
	}
	if (second !== undefined)
		throw new TetradError(
			"invalid-argument",
			`${accounts.length} modules are called ${account}; say which by its device id (tetrad issuer accounts)`,
		);
	return first;
}

function deviceOfSameBank(issuer: string, name: string): string {
	const [bank = new Uint8Array()] = dec(Buffer.from(issuer, "hex"), 2);
	return hex(enc(bank, utf8(name)));
}

function noAccount(account: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`no account is open for "${plain(account.slice(0, 64))}"; say the module's device id, or --open for one of the issuer's own bank`,
	);
}

export function addAccountsCommand(issuer: Command): void {
	issuer
		.command("accounts")
		.description("show the accounts of modules")
		.requiredOption("--home <folder>", "the issuer's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad issuer accounts --home mint`,
		)
		.action(async ({ home, json }: { home: string; json?: true }) => {
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
		});
}

export function addConflictsCommand(issuer: Command): void {
	issuer
		.command("conflicts")
		.description("show modules that spent one range of a note twice")
		.requiredOption("--home <folder>", "the issuer's home")
		.option(
			"--evidence <folder>",
			"write the evidence of each into this folder, for tetrad verify and the bank",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad issuer conflicts --home mint
    tetrad issuer conflicts --home mint --evidence evidence`,
		)
		.action(async (flags: { home: string; evidence?: string; json?: true }) => {
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
		});
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
