import type { HomeSecrets } from "../home/index.ts";
import type { AskOptions, MoneyOf } from "./agent-service.ts";

/** The account of a module at an issuer. */
export interface IssuerAccount extends MoneyOf {
	/** Device id of the module. */
	readonly id: string;
	readonly name: string;
	readonly balance: bigint;
	readonly opened: string;
}

/** An account with what was put into it. */
export interface CreditedAccount extends IssuerAccount {
	readonly credited: bigint;
	/** Whether that was done now, and not before under the same reference. */
	readonly isNew: boolean;
}

/** A module that spent one range of a note twice. */
export interface IssuerConflict {
	/** Names its evidence. */
	readonly id: string;
	/** Of the module, by its certified name and its device id. */
	readonly holder: string;
	readonly holderId: string;
	readonly note: string;
	/** Hashes of the two transfers. */
	readonly first: string;
	readonly second: string;
	readonly at: string;
}

/** A sale that was handed in to an issuer. */
export interface IssuerSale extends MoneyOf {
	readonly transfer: string;
	readonly contract: string;
	/** `declined` because a part of its notes was spent before; of a void one its buyer gets the amount back. */
	readonly state: "booked" | "void" | "declined";
	readonly amount: bigint;
	/** The modules of both, by their certified names and their device ids. */
	readonly buyer: string;
	readonly buyerId: string;
	readonly merchant: string;
	readonly merchantId: string;
	readonly at: string;
	/** Of a void one: when its buyer was credited; it is owed the amount before that. */
	readonly credited?: string | undefined;
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
	/** The loopback address of the HTTP API for operators, such as `127.0.0.1:7180`; what the side says unless given. */
	readonly http?: string | undefined;
	/** Lets that be any address: the operator's token travels in clear. */
	readonly unsafeHttpAnywhere?: boolean | undefined;
	/** The file with the address of the PostgreSQL database that has the ledger; kept in the settings, and as they say unless given. */
	readonly databaseFile?: string | undefined;
	/** Whether only a server of PostgreSQL will do whose commits wait for a standby; kept in the settings, and as they say unless given. */
	readonly databaseSynchronous?: boolean | undefined;
	/** How long an establishment may take, in milliseconds. */
	readonly timeoutMs?: number | undefined;
}

/** An issuer, for its operator. While it runs elsewhere, it is asked through its HTTP API. */
export interface IssuerService extends AsyncDisposable {
	/** Of its module. */
	readonly home: string;
	readonly money: MoneyOf;
	accounts(): AsyncIterable<IssuerAccount>;
	/** The account of a module; `undefined` where none is open. A module is named by its device id, or by its certified name where the issuer's own bank certified it. */
	account(module: string): Promise<IssuerAccount | undefined>;
	/** Opens the account of a module; one that is open stays as it is. */
	open(module: string): Promise<IssuerAccount>;
	/**
	 * Credits the account of a module, which has to be open. After any code but `invalid-argument`,
	 * `limit-exceeded` and `authentication-failed` it is not known whether it was credited: the same
	 * reference again credits once.
	 */
	credit(
		module: string,
		amount: bigint,
		options: CreditOptions,
	): Promise<CreditedAccount>;
	/** Modules that spent a range of a note twice. */
	conflicts(): AsyncIterable<IssuerConflict>;
	/** What proves it of one of them, as `tetrad verify` and the bank judge it. */
	evidence(conflict: string): Promise<Uint8Array>;
	/** Sales that were handed in; with `contract` those that pay for that one. */
	sales(options?: {
		readonly contract?: string | undefined;
	}): AsyncIterable<IssuerSale>;
	/** Computes everything again from the tables alone. */
	audit(): Promise<IssuerAudit>;
	/** Runs the issuer in this process, until the signal. */
	run(options?: RunIssuerOptions): Promise<void>;
	close(): Promise<void>;
}
