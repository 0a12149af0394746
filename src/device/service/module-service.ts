import type { ErrorCode } from "../../errors.ts";
import type { EcashOrderKind, EcashOrderState } from "../../money/index.ts";
import type {
	Approval,
	Balance,
	Decision,
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
	/** What a mint may ask for one payment beside its price. */
	readonly fee?: bigint | undefined;
}

/** What a mint may ask for where nothing was said of it: so much of the price, rounded down, or `always` where that is more. */
export interface DefaultFee {
	/** One part of so many. */
	readonly partOf: bigint;
	/** In minor units. */
	readonly always: bigint;
}

/** What is used of limits, in minor units. */
export interface UsedLimits {
	/** Within the last 24 hours, as below. */
	readonly perDay: bigint;
	/** Counted only while it is limited. */
	readonly inAll: bigint;
	/** Merchants' modules by device id, with the certified name in it. */
	readonly perMerchantPerDay: readonly {
		readonly id: string;
		readonly name: string;
		readonly amount: bigint;
	}[];
}

/** The limits of a purse, and what is used of them. */
export interface OwnerLimits {
	/** Of the order that set them: each has a higher one. Not there where none did. */
	readonly number?: bigint | undefined;
	/** Whether the module has taken down what was ordered last. */
	readonly inForce: boolean;
	readonly money: readonly (MoneyOf &
		SpendingLimits & {
			/** Of money of a mint for whose fee nothing was said: what holds then. */
			readonly feeByDefault?: DefaultFee | undefined;
			readonly used: UsedLimits;
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
	readonly fee?: bigint | null | undefined;
	/** Modules that may be paid, and no others: device ids in hexadecimal, or certified names where one bank is trusted. `null` is all. */
	readonly merchants?: readonly string[] | null | undefined;
	/** The same, beside those that may be paid already; where all may, these alone. Without effect beside `merchants`, as the next. */
	readonly addMerchants?: readonly string[] | undefined;
	/** Modules that may be paid no more, of those that were named. */
	readonly forgetMerchants?: readonly string[] | undefined;
	readonly approveNewMerchants?: boolean | undefined;
}

/** How an owner orders something of a mint. */
export interface OrderEcash extends OwnerOptions {
	/** The mint's address; needed where the purse knows several. */
	readonly mint?: string | undefined;
	/** How long to wait until it is over, in milliseconds. It goes on after that. */
	readonly waitMs: number;
}

/** Something that was ordered of a mint, or a token that was put into the purse. Amounts are in minor units. */
export interface EcashWork extends MoneyOf {
	/** Names it. */
	readonly request: string;
	readonly kind: EcashOrderKind | "receive";
	readonly state: EcashOrderState | "received";
	/** The mint's address. */
	readonly mint: string;
	readonly amount: bigint;
	/** What it has cost beside that, as far as it is known. */
	readonly fee: bigint;
	/** What of it has come back. */
	readonly returned: bigint;
	/** What is to be paid for new ecash, or what the mint pays. */
	readonly invoice?: string;
	/** Until when the mint lets that count. */
	readonly expires?: string;
	/** Whoever has it can redeem it. Secret. */
	readonly token?: string;
	/** That an invoice was paid, where the mint tells it. */
	readonly preimage?: string;
	/** Why it was not done. */
	readonly error?: { readonly code: string; readonly reason: string };
	readonly ordered: string;
}

/** A withdrawal that the owner has ordered and that is not over. */
export interface OrderedWithdrawal extends MoneyOf {
	/** Names it. */
	readonly request: string;
	readonly amount: bigint;
	/** `waiting` until the module has taken it down, `taken-down` until its issuer is met, then `sent`: it may have been carried out. */
	readonly state: "waiting" | "taken-down" | "sent";
	/** Whether the owner has taken it back, which the module has not taken down yet. */
	readonly isCancelled: boolean;
}

/** What a purse is behind, for which it pays nothing. */
export interface BehindHead {
	/** How many changes the purse had made by then. */
	readonly changes: bigint;
	/** Hash of the last of them, in hexadecimal. */
	readonly hash: string;
	/** Whether it is behind because it was restored from a backup, and not because a witness knows more. */
	readonly isRestored: boolean;
}

/** A backup that was written. */
export interface BackedUp {
	readonly made: string;
	/** How many changes the purse had made by then. */
	readonly changes: bigint;
	/** The size of the backup. */
	readonly bytes: number;
}

/** What goes into an archive, and where to. */
export interface ArchivePayments {
	/** `archive` in the home unless given. */
	readonly folder?: string | undefined;
	/** Only payments whose notes expired so many days ago, or more: the issuer's grace at least. */
	readonly expiredForDays: number;
	/** Hears of each file once it is written, and of how many payments are in it. */
	readonly wrote?: ((path: string, payments: number) => void) | undefined;
	/** Hears of each payment that stays in the purse because it does not verify, as when its row has rotted on the disk. */
	readonly stayed?: ((payment: UnarchivedPayment) => void) | undefined;
}

/** A payment that is over and stays in the purse: nobody could verify it in an archive. */
export interface UnarchivedPayment {
	readonly kind: "received" | "paid";
	/** Of its contract, in hexadecimal. */
	readonly contract: string;
	readonly code: ErrorCode;
	readonly reason: string;
}

/** What was archived. */
export interface Archived {
	readonly folder: string;
	readonly files: number;
	readonly payments: number;
	/** How many stay in the purse because they do not verify. */
	readonly stayed: number;
}

/** What is ordered is done when the module meets its issuer. */
export interface Ordered {
	/** Names it. */
	readonly request: string;
	/** The certified name of the issuer. */
	readonly issuer: string;
}

/**
 * The owner's hand on the purse of a module, which may run meanwhile. Looking needs no secret, and
 * what lets money go needs the owner's. Nothing here goes through the agent.
 */
export interface ModuleService extends AsyncDisposable {
	/** Of the module. */
	readonly home: string;
	/** What it takes. */
	readonly money: readonly MoneyOf[];
	balance(): Promise<readonly Balance[]>;
	/** The newest first. */
	history(options?: ListOptions): AsyncIterable<HistoryEntry>;
	/** Those that expire first before the others. */
	notes(): Promise<readonly OwnedNote[]>;
	/** Those that were ordered last, also while they are not in force. */
	limits(): Promise<OwnerLimits>;
	setLimits(changes: LimitChanges, options: OwnerOptions): Promise<OrderTaken>;
	/** Payments that wait for the owner. */
	approvals(): Promise<readonly Approval[]>;
	approve(contract: string, options: OwnerOptions): Promise<Decision>;
	deny(contract: string, options: OwnerOptions): Promise<Decision>;
	/** Orders so much from the account at the issuer into the purse; `issuer` is its name, where the purse knows several. */
	withdraw(
		amount: bigint,
		options: OwnerOptions & { readonly issuer?: string | undefined },
	): Promise<Ordered>;
	/** Withdrawals that are not over. */
	orders(): Promise<readonly OrderedWithdrawal[]>;
	/** Takes back the withdrawal whose request begins so. Throws `invalid-argument` when there is none, and `issuer-refused` when it was sent: it may have been carried out. */
	cancel(request: string, options: OwnerOptions): Promise<OrderedWithdrawal>;
	/** Orders all notes back into the account at the issuer of that name, or at each. */
	giveBack(options?: {
		readonly issuer?: string | undefined;
	}): Promise<readonly Ordered[]>;
	/** The money of the mint of that address, or of the only one. Throws `invalid-argument`. */
	mintNamed(mint?: string): MoneyOf;
	/**
	 * Puts a token of ecash into the purse. A module that runs does this and what follows, and where
	 * none runs it is done here. Each resolves when it is over, or `waitMs` is: it goes on then. What
	 * is not done is rejected with why.
	 */
	receiveEcash(
		token: string,
		options: Pick<OrderEcash, "waitMs">,
	): Promise<EcashWork>;
	/** Makes a token of so much ecash, for whoever it is given to. */
	sendEcash(amount: bigint, options: OrderEcash): Promise<EcashWork>;
	/** Takes back what is left of the token whose request begins so. */
	takeBackEcash(request: string, options: OrderEcash): Promise<EcashWork>;
	/** Has a mint make an invoice, and so much ecash once it is paid; `invoiced` hears of the invoice, and is needed to wait beyond that. */
	mintEcash(
		amount: bigint,
		options: OrderEcash & {
			readonly invoiced?: ((work: EcashWork) => void) | undefined;
		},
	): Promise<EcashWork>;
	/** Has a mint pay an invoice, for no more than `maxFee` beside. */
	meltEcash(
		invoice: string,
		options: OrderEcash & { readonly maxFee: bigint },
	): Promise<EcashWork>;
	/** Asks a mint for what follows from the seed of the purse and is not in it. */
	restoreEcash(options: OrderEcash): Promise<EcashWork>;
	/** What was ordered of mints, the newest first; only what is not over unless `all` is wanted. */
	ecashOrders(options?: {
		readonly all?: boolean;
	}): Promise<readonly EcashWork[]>;
	/** Writes the purse and the home around it into a new file, sealed with the owner's passphrase. */
	backUp(path: string, options: OwnerOptions): Promise<BackedUp>;
	/** Moves payments that are over into files that can be verified without the purse. Throws `busy` while the module runs. */
	archive(options: ArchivePayments): Promise<Archived>;
	/** Nothing while it is not behind. */
	behind(): Promise<BehindHead | undefined>;
	/**
	 * Lets it pay again although it is behind that head, and no other. If it was put back to an old
	 * state or copied, it signs ranges again that it has paid with, and is proved to have spent them
	 * twice. Throws `invalid-argument` where that is not what it is behind.
	 */
	unsafeOverrideBehind(head: BehindHead, options: OwnerOptions): Promise<void>;
	close(): Promise<void>;
}
