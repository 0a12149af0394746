import { resolve } from "node:path";
import {
	type Address,
	parseAddress,
	type TcpAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { formatAmount, type IssuerTerms } from "../../money/index.ts";
import { dec, enc, hex, utf8 } from "../../wire/index.ts";
import { readPolicy } from "../home/index.ts";
import {
	type AccountJson,
	type AuditJson,
	auditAsJson,
	type Operator,
	readIssuerSettings,
	runAudit,
	type SaleJson,
	termsOf,
	viewLedger,
} from "../issuer/index.ts";
import { runIssuerProcess } from "../process/index.ts";
import {
	findSide,
	makeRunFolder,
	type Side,
	secretsOfSide,
} from "../side/index.ts";
import type { MoneyOf } from "./agent-service.ts";
import type {
	CreditedAccount,
	CreditOptions,
	IssuerAccount,
	IssuerAudit,
	IssuerConflict,
	IssuerSale,
	IssuerService,
	RunIssuerOptions,
} from "./issuer-service.ts";
import { moneyOf } from "./purse-views.ts";

const DEVICE_ID = /^([0-9a-f]{2}){41,104}$/;
const HASH = /^[0-9a-f]{64}$/;

/** Opens the issuer of a side, or of the home of an issuer's module. Rejects with `home-unusable` where there is none. */
export async function openIssuer(home: string): Promise<IssuerService> {
	const side = await findSide(home);
	const path = side?.module.home ?? home;
	const settings = await readIssuerSettings(path);
	return new OperatedIssuer(path, side, await termsOf(path, settings));
}

class OperatedIssuer implements IssuerService {
	readonly home: string;
	readonly money: MoneyOf;
	readonly #side: Side | undefined;
	/** Its device id. */
	readonly #issuer: Uint8Array;
	readonly #closing = new AbortController();
	#running: Promise<void> | undefined;
	/** Settles, never rejecting, when what was asked last is over. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor(home: string, side: Side | undefined, terms: IssuerTerms) {
		this.home = home;
		this.#side = side;
		this.#issuer = terms.issuer;
		this.money = moneyOf(terms);
	}

	async *accounts(): AsyncIterable<IssuerAccount> {
		for await (const account of this.#pages(async (operator, after) => {
			const { accounts: rows, next } = await operator.accounts({ after });
			return { rows, next };
		}))
			yield this.#account(account);
	}

	async account(module: string): Promise<IssuerAccount | undefined> {
		const id = this.#idOf(module);
		if (id === undefined) return undefined;
		const account = await this.#operate((operator) => operator.account(id));
		return account && this.#account(account);
	}

	async open(module: string): Promise<IssuerAccount> {
		const id = this.#requireId(module);
		return this.#account(await this.#operate((operator) => operator.open(id)));
	}

	async credit(
		module: string,
		amount: bigint,
		{ reference }: CreditOptions,
	): Promise<CreditedAccount> {
		const id = this.#requireId(module);
		const { currency: code, exponent } = this.money;
		const asked = {
			amount: formatAmount(amount, { code, exponent }),
			reference,
		};
		const done = await this.#operate((operator) => operator.credit(id, asked));
		if (done === undefined)
			throw invalid("no account is open for that module; open it first");
		const { account, credited, isNew } = done;
		return {
			...this.#account(account),
			credited: this.#minor(credited),
			isNew,
		};
	}

	async *conflicts(): AsyncIterable<IssuerConflict> {
		for await (const { holder, name, ...conflict } of this.#pages(
			async (operator, after) => {
				const { conflicts: rows, next } = await operator.conflicts({ after });
				return { rows, next };
			},
		))
			yield { ...conflict, holder: name, holderId: holder };
	}

	async evidence(conflict: string): Promise<Uint8Array> {
		if (!HASH.test(conflict)) throw noHash("conflict", conflict);
		const evidence = await this.#operate((operator) =>
			operator.evidence(conflict),
		);
		if (evidence === undefined)
			throw invalid("this issuer knows of no such conflict");
		return evidence;
	}

	async *sales({
		contract,
	}: {
		readonly contract?: string | undefined;
	} = {}): AsyncIterable<IssuerSale> {
		if (contract !== undefined && !HASH.test(contract))
			throw noHash("contract", contract);
		for await (const sale of this.#pages(async (operator, after) => {
			const { sales: rows, next } = await operator.sales({ after, contract });
			return { rows, next };
		}))
			yield this.#sale(sale);
	}

	async audit(): Promise<IssuerAudit> {
		const audit = await this.#audit();
		return {
			issued: this.#minor(audit.issued),
			outstanding: this.#minor(audit.outstanding),
			returned: this.#minor(audit.returned),
			expired: this.#minor(audit.expired),
			owed: this.#minor(audit.owed),
			isBalanced: audit.balanced,
			problems: audit.problems,
			...this.money,
		};
	}

	async run({
		listen,
		secrets,
		http,
		unsafeHttpAnywhere: unsafeAnywhere = false,
		databaseFile,
		databaseSynchronous,
		timeoutMs,
		signal,
		step = () => {},
	}: RunIssuerOptions = {}): Promise<void> {
		const side = this.#side;
		const at: Address | undefined =
			listen === undefined ? side?.module.at : parseAddress(listen);
		if (at === undefined)
			throw invalid("say where the agent of the issuer finds it");
		if (this.#running !== undefined)
			throw new TetradError("busy", "this issuer runs already");
		if (side !== undefined) await makeRunFolder(side);
		const operators = http === undefined ? side?.operate.http : tcp(http);
		const closing = this.#closing.signal;
		this.#running = runIssuerProcess(
			{
				home: this.home,
				listen: at,
				secrets:
					secrets ?? (side === undefined ? {} : secretsOfSide(side, "module")),
				signal:
					signal === undefined ? closing : AbortSignal.any([closing, signal]),
				...(operators === undefined
					? {}
					: { http: { ...operators, unsafeAnywhere } }),
				...(databaseFile === undefined && databaseSynchronous === undefined
					? {}
					: {
							database: {
								...(databaseFile === undefined
									? {}
									: { file: resolve(databaseFile) }),
								synchronous: databaseSynchronous,
							},
						}),
				...(timeoutMs === undefined ? {} : { timeoutMs }),
			},
			step,
		);
		try {
			await this.#running;
		} finally {
			this.#running = undefined;
		}
	}

	async close(): Promise<void> {
		this.#closing.abort();
		await this.#running?.catch(() => {});
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** The ledger can be looked at while it is in use, unless it is elsewhere. */
	async #audit(): Promise<AuditJson> {
		const settings = await readIssuerSettings(this.home);
		const view = await viewLedger(this.home, settings);
		if (view === undefined)
			return this.#operate((operator) => operator.audit());
		await using _ = view;
		const terms = await termsOf(this.home, settings);
		const roots = await readPolicy(this.home);
		return auditAsJson(await runAudit(terms, roots, view), terms);
	}

	/** One has the ledger while it does not run, so that whatever is asked at once takes turns. */
	#operate<Result>(
		act: (operator: Operator) => Promise<Result>,
	): Promise<Result> {
		const turn = this.#turn.then(async () => {
			// What speaks HTTP is loaded when it is needed: it takes long to load.
			const { asOperator } = await import("../issuer/http/index.ts");
			return asOperator(this.home, act);
		});
		this.#turn = turn.catch(() => {});
		return turn;
	}

	/** One page after another. */
	async *#pages<Row>(
		page: (
			operator: Operator,
			after: string | undefined,
		) => Promise<{
			readonly rows: readonly Row[];
			readonly next: string | undefined;
		}>,
	): AsyncGenerator<Row, void, undefined> {
		let after: string | undefined;
		do {
			const { rows, next } = await this.#operate((operator) =>
				page(operator, after),
			);
			yield* rows;
			after = next;
		} while (after !== undefined);
	}

	/**
	 * A name is that of a module of the issuer's own bank, which names no two alike. Other banks may
	 * call theirs the same, and whoever pays opens an account for any payee: those go by device id.
	 */
	#idOf(module: string): string | undefined {
		if (DEVICE_ID.test(module)) return module;
		if (!/^[a-z0-9.-]{1,64}$/.test(module)) return undefined;
		const [bank = new Uint8Array()] = dec(this.#issuer, 2);
		return hex(enc(bank, utf8(module)));
	}

	#requireId(module: string): string {
		const id = this.#idOf(module);
		if (id === undefined)
			throw invalid(
				`${JSON.stringify(module.slice(0, 64))} is neither the device id of a module nor its certified name`,
			);
		return id;
	}

	#account({ id, name, balance, opened }: AccountJson): IssuerAccount {
		return { id, name, balance: this.#minor(balance), opened, ...this.money };
	}

	#sale(sale: SaleJson): IssuerSale {
		const { transfer, contract, state, amount, buyer, buyerName } = sale;
		const { merchant, merchantName, at, credited } = sale;
		return {
			...{ transfer, contract, state },
			amount: this.#minor(amount),
			buyer: buyerName,
			buyerId: buyer,
			merchant: merchantName,
			merchantId: merchant,
			at,
			...(credited === undefined ? {} : { credited }),
			...this.money,
		};
	}

	/** Operators are told all decimals of the currency. */
	#minor(text: string): bigint {
		return BigInt(text.replace(".", ""));
	}
}

function tcp(text: string): TcpAddress {
	const address = parseAddress(text);
	if (address.kind === "tcp") return address;
	throw invalid("operators are answered at a TCP address");
}

function noHash(what: string, text: string): TetradError {
	return invalid(
		`${JSON.stringify(text.slice(0, 64))} is no ${what}; those have 64 hexadecimal digits, in small letters`,
	);
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
