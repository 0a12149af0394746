import type {
	Approval,
	Balance,
	HistoryEntry,
	ListOptions,
	MoneyOf,
	OrderTaken,
	OwnerOptions,
} from "./agent-service.ts";

/** A note of which something is left. Amounts are in minor units. */
export interface OwnedNote extends MoneyOf {
	readonly id: string;
	readonly value: bigint;
	readonly left: bigint;
	readonly expires: string;
}

/** What an owner lets a purse pay of one money, in minor units; what is not there is not limited. */
export interface SpendingLimits {
	readonly perPayment?: bigint | undefined;
	/** Within any 24 hours. */
	readonly perDay?: bigint | undefined;
	readonly perMerchantPerDay?: bigint | undefined;
	/** Counted from when it is first set. */
	readonly inAll?: bigint | undefined;
	/** A payment of more than this waits for the owner. */
	readonly approvalAbove?: bigint | undefined;
}

/** The limits of a purse, and what is used of them. */
export interface OwnerLimits {
	/** Whether the module has taken down what was ordered last. */
	readonly inForce: boolean;
	readonly money: readonly (MoneyOf &
		SpendingLimits & {
			readonly used: { readonly perDay: bigint; readonly inAll: bigint };
		})[];
	/** Modules that may be paid, by device id; all unless given. */
	readonly merchants?: readonly string[] | undefined;
	/** Whether the first payment to a module waits for the owner. */
	readonly approveNewMerchants: boolean;
}

/** Limits in the place of those that are named; `null` takes one away. */
export interface LimitChanges {
	/** Of whose money the amounts are, by the issuer's name; where the purse knows one issuer, it is that. */
	readonly issuer?: string | undefined;
	readonly perPayment?: bigint | null | undefined;
	readonly perDay?: bigint | null | undefined;
	readonly perMerchantPerDay?: bigint | null | undefined;
	readonly inAll?: bigint | null | undefined;
	readonly approvalAbove?: bigint | null | undefined;
	/** Device ids in hexadecimal; `null` is all. */
	readonly merchants?: readonly string[] | null | undefined;
	readonly approveNewMerchants?: boolean | undefined;
}

/** What is ordered is done when the module meets its issuer. */
export interface Ordered {
	/** Names it. */
	readonly request: string;
}

/**
 * The owner's hand on the purse of a module, which may run meanwhile. Looking needs no secret, and
 * what lets money go needs the owner's. Nothing here goes through the agent.
 */
export interface ModuleService extends AsyncDisposable {
	/** Of the module. */
	readonly home: string;
	balance(): Promise<readonly Balance[]>;
	/** The newest first. */
	history(options?: ListOptions): AsyncIterable<HistoryEntry>;
	notes(): Promise<readonly OwnedNote[]>;
	limits(): Promise<OwnerLimits>;
	setLimits(changes: LimitChanges, options: OwnerOptions): Promise<OrderTaken>;
	/** Payments that wait for the owner. */
	approvals(): Promise<readonly Approval[]>;
	approve(contract: string, options: OwnerOptions): Promise<OrderTaken>;
	deny(contract: string, options: OwnerOptions): Promise<OrderTaken>;
	/** Orders so much from the account at the issuer into the purse. */
	withdraw(
		amount: bigint,
		options: OwnerOptions & { readonly issuer?: string | undefined },
	): Promise<Ordered>;
	/** Orders all notes back into the account at the issuer. */
	giveBack(options?: {
		readonly issuer?: string | undefined;
	}): Promise<Ordered>;
	close(): Promise<void>;
}
