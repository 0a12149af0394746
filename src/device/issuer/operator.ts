/* What an operator can do at an issuer: at its ledger itself, or through the HTTP API of one that runs. */
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Store } from "../../machine/index.ts";
import {
	type Account,
	type AuditResult,
	accountOf,
	accountsNamed,
	type ConflictRow,
	credit,
	evidenceOf,
	formatAmount,
	type IssuerTerms,
	listAccounts,
	listConflicts,
	listSales,
	type NoteStatus,
	nameInDeviceId,
	noteStatus,
	openAccount,
	PAGE_ROWS,
	parseAmount,
	type SaleStatus,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { type AuditRoots, runAudit } from "./audit-run.ts";
import type {
	AccountJson,
	AccountsJson,
	AuditJson,
	ConflictsJson,
	CreditJson,
	NoteJson,
	SaleJson,
	SalesJson,
	TermsJson,
} from "./operator-schemas.ts";

export const PLAY_MONEY = "play money, which nobody exchanges for anything";

export interface Operator {
	terms(): Promise<TermsJson>;
	/** One page; `after` is the `next` of the one before. `name` asks for those of one certified name. */
	accounts(page: {
		readonly after?: string | undefined;
		readonly name?: string | undefined;
	}): Promise<AccountsJson>;
	account(id: string): Promise<AccountJson | undefined>;
	/** Opens a module's account; `name`, if given, must be the certified name in its device id. */
	open(id: string, name?: string): Promise<AccountJson>;
	/** The account has to be open. */
	credit(
		id: string,
		asked: { readonly amount: string; readonly reference: string },
	): Promise<CreditJson | undefined>;
	note(id: string): Promise<NoteJson | undefined>;
	/** As `accounts`; `holder` asks for those of the module with that device id. */
	conflicts(page: {
		readonly after?: string | undefined;
		readonly holder?: string | undefined;
	}): Promise<ConflictsJson>;
	evidence(id: string): Promise<Uint8Array | undefined>;
	/** As `accounts`; `contract` asks for those that pay for one. */
	sales(page: {
		readonly after?: string | undefined;
		readonly contract?: string | undefined;
	}): Promise<SalesJson>;
	audit(): Promise<AuditJson>;
}

/** An operator at the ledger. */
export class LedgerOperator implements Operator {
	readonly #store: Store;
	readonly #terms: IssuerTerms;
	readonly #roots: AuditRoots;
	readonly #now: () => number;
	#auditing = false;

	constructor(options: {
		readonly store: Store;
		readonly terms: IssuerTerms;
		readonly roots: AuditRoots;
		readonly now?: () => number;
	}) {
		this.#store = options.store;
		this.#terms = options.terms;
		this.#roots = options.roots;
		this.#now = options.now ?? Date.now;
	}

	async terms(): Promise<TermsJson> {
		const { issuer, name, currency, isPlay } = this.#terms;
		return {
			issuer: hex(issuer),
			name,
			currency: currency.code,
			exponent: currency.exponent,
			play: isPlay,
			...(isPlay ? { note: `this is ${PLAY_MONEY}` } : {}),
		};
	}

	async accounts({
		after,
		name,
	}: {
		readonly after?: string | undefined;
		readonly name?: string | undefined;
	}): Promise<AccountsJson> {
		if (name !== undefined) {
			const named = await this.#store.transact(accountsNamed(name));
			return { accounts: named.map((row) => this.#account(row)) };
		}
		const rows = await this.#store.transact(listAccounts(bytesOf(after)));
		const last = rows.at(-1);
		return {
			accounts: rows.map((row) => this.#account(row)),
			...(last !== undefined && rows.length === PAGE_ROWS
				? { next: hex(last.id) }
				: {}),
		};
	}

	async account(id: string): Promise<AccountJson | undefined> {
		const row = await this.#store.transact(accountOf(bytesOf(id)));
		return row && this.#account(row);
	}

	async open(id: string, name?: string): Promise<AccountJson> {
		const bytes = bytesOf(id);
		const certified = nameInDeviceId(bytes);
		if (name !== undefined && name !== certified)
			throw new TetradError(
				"invalid-argument",
				`this is the device id of ${certified}, and not of the name given`,
			);
		const transaction = openAccount(bytes, this.#now());
		return this.#account(await this.#store.transact(transaction));
	}

	async credit(
		id: string,
		{ amount, reference }: { amount: string; reference: string },
	): Promise<CreditJson | undefined> {
		const account = bytesOf(id);
		const minor = parseAmount(amount, this.#terms.currency);
		if ((await this.#store.transact(accountOf(account))) === undefined)
			return undefined;
		const credited = await this.#store.transact(
			credit(nodeCrypto, {
				account,
				amount: minor,
				reference,
				at: this.#now(),
			}),
		);
		return {
			credited: this.#money(minor),
			reference,
			isNew: credited.isNew,
			account: this.#account(credited.account),
		};
	}

	async note(id: string): Promise<NoteJson | undefined> {
		const status = await this.#store.transact(noteStatus(bytesOf(id)));
		return status && this.#note(status);
	}

	async conflicts({
		after,
		holder,
	}: {
		readonly after?: string | undefined;
		readonly holder?: string | undefined;
	}): Promise<ConflictsJson> {
		const rows = await this.#store.transact(
			listConflicts(bytesOf(after), PAGE_ROWS, bytesOf(holder)),
		);
		const last = rows.at(-1);
		return {
			conflicts: rows.map(conflictJson),
			...(last !== undefined && rows.length === PAGE_ROWS
				? { next: hex(last.id) }
				: {}),
		};
	}

	evidence(id: string): Promise<Uint8Array | undefined> {
		return this.#store.transact(evidenceOf(nodeCrypto, bytesOf(id)));
	}

	async sales({
		after,
		contract,
	}: {
		readonly after?: string | undefined;
		readonly contract?: string | undefined;
	}): Promise<SalesJson> {
		const rows = await this.#store.transact(
			listSales(nodeCrypto, bytesOf(after), PAGE_ROWS, bytesOf(contract)),
		);
		const last = rows.at(-1);
		return {
			sales: rows.map((row) => this.#sale(row)),
			...(last !== undefined && rows.length === PAGE_ROWS
				? { next: hex(last.transfer) }
				: {}),
		};
	}

	/** One at a time: it reads everything. Throws `busy`. */
	async audit(): Promise<AuditJson> {
		if (this.#auditing)
			throw new TetradError(
				"busy",
				"an audit is under way; ask again when it is done",
			);
		this.#auditing = true;
		try {
			return auditAsJson(
				await runAudit(this.#terms, this.#roots, this.#store),
				this.#terms,
			);
		} finally {
			this.#auditing = false;
		}
	}

	#account({ id, name, balance, opened }: Account): AccountJson {
		return {
			id: hex(id),
			name,
			balance: this.#money(balance),
			opened: moment(Number(opened)),
			...this.#kind(),
		};
	}

	#note(status: NoteStatus): NoteJson {
		const { id, holder, value, issued, expires, booked, claimed } = status;
		return {
			id: hex(id),
			holder: hex(holder),
			value: this.#money(value),
			booked: this.#money(booked),
			claimed: this.#money(claimed),
			bookings: status.bookings,
			issued: moment(issued),
			expires: moment(expires),
			...this.#kind(),
		};
	}

	#sale(status: SaleStatus): SaleJson {
		const { transfer, contract, state, payer, payee, credited } = status;
		return {
			transfer: hex(transfer),
			contract: hex(contract),
			state,
			amount: this.#money(status.amount),
			buyer: hex(payer),
			buyerName: nameInDeviceId(payer),
			merchant: hex(payee),
			merchantName: nameInDeviceId(payee),
			at: moment(status.at),
			...(credited === undefined ? {} : { credited: moment(credited) }),
			...this.#kind(),
		};
	}

	#kind() {
		const { currency, isPlay } = this.#terms;
		return {
			currency: currency.code,
			play: isPlay,
			...(isPlay ? { note: `this is ${PLAY_MONEY}` } : {}),
		};
	}

	#money(amount: bigint): string {
		return formatAmount(amount, this.#terms.currency);
	}
}

/** An audit's result as everybody prints it. */
export function auditAsJson(
	result: AuditResult,
	{ currency, isPlay }: IssuerTerms,
): AuditJson {
	const text = (amount: bigint) => formatAmount(amount, currency);
	return {
		issued: text(result.issued),
		outstanding: text(result.outstanding),
		returned: text(result.returned),
		expired: text(result.expired),
		owed: text(result.owed),
		balanced: result.balanced,
		currency: currency.code,
		play: isPlay,
		problems: [...result.problems],
	};
}

function conflictJson(row: ConflictRow) {
	return {
		id: hex(row.id),
		holder: hex(row.holder),
		name: nameInDeviceId(row.holder),
		note: hex(row.note),
		first: hex(row.first),
		second: hex(row.second),
		at: moment(Number(row.at)),
	};
}

function moment(milliseconds: number): string {
	return new Date(milliseconds).toISOString();
}

/** Ids are in hexadecimal, in small letters; whoever asks has checked that. */
function bytesOf(id: string): Uint8Array;
function bytesOf(id: string | undefined): Uint8Array | undefined;
function bytesOf(id: string | undefined): Uint8Array | undefined {
	return id === undefined ? undefined : new Uint8Array(Buffer.from(id, "hex"));
}
