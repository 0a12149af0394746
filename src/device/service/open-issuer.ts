import { resolve } from "node:path";
import { type Address, parseAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { formatAmount } from "../../money/index.ts";
import { type HomeSecrets, readPolicy } from "../home/index.ts";
import {
	type AccountJson,
	type AuditJson,
	auditAsJson,
	type Operator,
	readIssuerSettings,
	runAudit,
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
import type { AskOptions, MoneyOf } from "./agent-service.ts";

/** The account of a module at an issuer. */
export interface IssuerAccount extends MoneyOf {
	/** Device id of the module. */
	readonly id: string;
	readonly name: string;
	readonly balance: bigint;
	readonly opened: string;
}

/** What the ledger of an issuer comes to, in minor units. */
export interface IssuerAudit extends MoneyOf {
	readonly issued: bigint;
	readonly outstanding: bigint;
	readonly returned: bigint;
	readonly expired: bigint;
	/** Of sales that are void, and whose payers have not asked yet. */
	readonly owed: bigint;
	readonly isBalanced: boolean;
	readonly problems: readonly string[];
}

/** How an account is credited. */
export interface CreditOptions {
	/** One reference is credited once, however often it is asked for. */
	readonly reference: string;
}

/** How an issuer is run. */
export interface RunIssuerOptions extends AskOptions {
	/** Where its agent finds it; what the side says unless given. */
	readonly listen?: string | undefined;
	/** Where the passphrase or the PIN of its key comes from; what the side says unless given. */
	readonly secrets?: HomeSecrets | undefined;
}

/** An issuer, for its operator. While it runs elsewhere, it is asked through its HTTP API. */
export interface IssuerService extends AsyncDisposable {
	/** Of its module. */
	readonly home: string;
	readonly money: MoneyOf;
	accounts(): AsyncIterable<IssuerAccount>;
	/** Opens the account of the module with that device id; one that is open stays as it is. */
	open(id: string): Promise<IssuerAccount>;
	/** Credits the account of the module with that device id, which has to be open. */
	credit(
		id: string,
		amount: bigint,
		options: CreditOptions,
	): Promise<IssuerAccount>;
	audit(): Promise<IssuerAudit>;
	/** Runs the issuer in this process, until the signal. */
	run(options?: RunIssuerOptions): Promise<void>;
	close(): Promise<void>;
}

/** Opens the issuer of a side, or of the home of an issuer's module. Rejects with `home-unusable` where there is none. */
export async function openIssuer(home: string): Promise<IssuerService> {
	const side = await findSide(home);
	const path = side?.module.home ?? resolve(home);
	const settings = await readIssuerSettings(path);
	const { name, currency, isPlay } = await termsOf(path, settings);
	return new OperatedIssuer(path, side, {
		currency: currency.code,
		exponent: currency.exponent,
		play: isPlay,
		issuer: name,
	});
}

class OperatedIssuer implements IssuerService {
	readonly home: string;
	readonly money: MoneyOf;
	readonly #side: Side | undefined;
	readonly #closing = new AbortController();
	#running: Promise<void> | undefined;

	constructor(home: string, side: Side | undefined, money: MoneyOf) {
		this.home = home;
		this.#side = side;
		this.money = money;
	}

	async *accounts(): AsyncIterable<IssuerAccount> {
		let after: string | undefined;
		do {
			const page = await this.#operate((operator) =>
				operator.accounts({ after }),
			);
			yield* page.accounts.map((account) => this.#account(account));
			after = page.next;
		} while (after !== undefined);
	}

	async open(id: string): Promise<IssuerAccount> {
		return this.#account(await this.#operate((operator) => operator.open(id)));
	}

	async credit(
		id: string,
		amount: bigint,
		{ reference }: CreditOptions,
	): Promise<IssuerAccount> {
		const { currency: code, exponent } = this.money;
		const asked = {
			amount: formatAmount(amount, { code, exponent }),
			reference,
		};
		const credited = await this.#operate((operator) =>
			operator.credit(id, asked),
		);
		if (credited === undefined)
			throw new TetradError(
				"invalid-argument",
				"no account is open for that module; open it first",
			);
		return this.#account(credited.account);
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
		signal,
		step = () => {},
	}: RunIssuerOptions = {}): Promise<void> {
		const side = this.#side;
		const at: Address | undefined =
			listen === undefined ? side?.module.at : parseAddress(listen);
		if (at === undefined)
			throw new TetradError(
				"invalid-argument",
				"say where the agent of the issuer finds it",
			);
		if (this.#running !== undefined)
			throw new TetradError("busy", "this issuer runs already");
		if (side !== undefined) await makeRunFolder(side);
		const http = side?.operate.http;
		const closing = this.#closing.signal;
		this.#running = runIssuerProcess(
			{
				home: this.home,
				listen: at,
				secrets:
					secrets ?? (side === undefined ? {} : secretsOfSide(side, "module")),
				signal:
					signal === undefined ? closing : AbortSignal.any([closing, signal]),
				...(http === undefined
					? {}
					: { http: { ...http, unsafeAnywhere: false } }),
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
		const { banks } = await readPolicy(this.home);
		return auditAsJson(await runAudit(terms, banks, view), terms);
	}

	/** What speaks HTTP is loaded when it is needed: it takes long to load. */
	async #operate<Result>(
		act: (operator: Operator) => Promise<Result>,
	): Promise<Result> {
		const { asOperator } = await import("../issuer/http/index.ts");
		return asOperator(this.home, act);
	}

	#account({ id, name, balance, opened }: AccountJson): IssuerAccount {
		return { id, name, balance: this.#minor(balance), opened, ...this.money };
	}

	/** Operators are told all decimals of the currency. */
	#minor(text: string): bigint {
		return BigInt(text.replace(".", ""));
	}
}
