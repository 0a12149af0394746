import { TetradError } from "../../errors.ts";
import type { TrustedMint } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { askOnce } from "../home/index.ts";
import {
	archivePurse,
	backUpPurse,
	mintNamed,
	type PurseBackup,
	readPurseSettings,
	restorePurse,
	takeSeed,
	trustedMint,
} from "../purse/index.ts";
import { findSide } from "../side/index.ts";
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
import { decideIn } from "./deciding.ts";
import { changeLimits, limitsIn } from "./limiting.ts";
import { DEFAULT_LIST_ROWS } from "./limits.ts";
import type {
	Archived,
	ArchivePayments,
	BackedUp,
	BehindHead,
	EcashWork,
	LimitChanges,
	ModuleService,
	OrderEcash,
	Ordered,
	OrderedWithdrawal,
	OwnedNote,
	OwnerLimits,
} from "./module-service.ts";
import { behindIn, overrideIn } from "./overriding.ts";
import { ecashIn, orderIn, receiveIn, takeBackIn } from "./owner-ecash.ts";
import {
	approvalOf,
	balancesIn,
	historyIn,
	moneyOf,
	notesIn,
	waitingIn,
} from "./purse-views.ts";
import { cancelIn, giveBackIn, ordersIn, withdrawIn } from "./withdrawing.ts";

/**
 * Opens the purse of a side, or of the home of a module, for its owner: it need not run, and may.
 * Rejects with `home-unusable` where there is no purse.
 */
export async function openModule(home: string): Promise<ModuleService> {
	const side = await findSide(home);
	const path = side?.module.home ?? home;
	const { issuers, mints } = await readPurseSettings(path);
	const money = issuers.map(({ terms }) => moneyOf(terms));
	return new OwnedModule(path, money, mints.map(trustedMint));
}

/**
 * Puts the purse of a backup into the home of a module: a new one, or that of the same module
 * when its purse is lost. What it had is held until its notes have expired, or its owner says
 * otherwise. Rejects with `home-unusable` where a purse is, `busy` while the module runs,
 * `file-unusable` for what is no backup, and `key-store-failed` for another passphrase than the
 * owner's when the backup was made.
 */
export async function restoreModule(
	file: string,
	home: string,
	{ owner }: OwnerOptions,
): Promise<BackedUp> {
	return backedUp(await restorePurse(file, home, owner));
}

/**
 * Brings what was written down of a purse's seed into the home of a module whose purse never had
 * any ecash, and asks a mint for all that follows from it. With the same seed it is that again.
 * Rejects as `takeSeed` and `restoreEcash`.
 */
export async function restoreFromSeed(
	home: string,
	text: string,
	{
		mint,
		owner,
		waitMs,
		taken,
	}: OrderEcash & {
		/** Hears that the purse has that seed now, whatever its mint says then. */
		readonly taken: () => void;
	},
): Promise<EcashWork> {
	const { ask, forget } = askOnce(owner);
	try {
		await using module = await openModule(home);
		// Before anything is changed: which mint is asked has to be known.
		module.mintNamed(mint);
		await takeSeed(module.home, text, ask);
		taken();
		return await module.restoreEcash({ mint, owner: ask, waitMs });
	} finally {
		forget();
	}
}

function backedUp({ made, ...backup }: PurseBackup): BackedUp {
	return { made: made.toISOString(), ...backup };
}

/** A purse in a home. Everything is read from the disk when it is asked for, and ordered there. */
class OwnedModule implements ModuleService {
	readonly home: string;
	readonly money: readonly MoneyOf[];
	readonly #mints: readonly TrustedMint[];
	#isClosed = false;

	constructor(
		home: string,
		money: readonly MoneyOf[],
		mints: readonly TrustedMint[],
	) {
		this.home = home;
		this.money = money;
		this.#mints = mints;
	}

	async balance(): Promise<readonly Balance[]> {
		return balancesIn(this.#open());
	}

	async *history({
		limit = DEFAULT_LIST_ROWS,
	}: ListOptions = {}): AsyncIterable<HistoryEntry> {
		yield* await historyIn(this.#open(), limit);
	}

	async notes(): Promise<readonly OwnedNote[]> {
		return notesIn(this.#open());
	}

	async limits(): Promise<OwnerLimits> {
		return limitsIn(this.#open());
	}

	async setLimits(
		changes: LimitChanges,
		{ owner }: OwnerOptions,
	): Promise<OrderTaken> {
		return changeLimits(this.#open(), changes, owner);
	}

	async approvals(): Promise<readonly Approval[]> {
		return (await waitingIn(this.#open())).map(approvalOf);
	}

	async approve(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		return decideIn(this.#open(), contract, true, owner);
	}

	async deny(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		return decideIn(this.#open(), contract, false, owner);
	}

	async withdraw(
		amount: bigint,
		{ issuer, owner }: OwnerOptions & { readonly issuer?: string | undefined },
	): Promise<Ordered> {
		return withdrawIn(this.#open(), amount, issuer, owner);
	}

	async orders(): Promise<readonly OrderedWithdrawal[]> {
		return ordersIn(this.#open());
	}

	async cancel(
		request: string,
		{ owner }: OwnerOptions,
	): Promise<OrderedWithdrawal> {
		return cancelIn(this.#open(), request, owner);
	}

	async giveBack({
		issuer,
	}: {
		readonly issuer?: string | undefined;
	} = {}): Promise<readonly Ordered[]> {
		return giveBackIn(this.#open(), issuer);
	}

	mintNamed(mint?: string): MoneyOf {
		return moneyOf(mintNamed(this.#mints, mint));
	}

	async receiveEcash(
		token: string,
		options: Pick<OrderEcash, "waitMs">,
	): Promise<EcashWork> {
		return receiveIn(this.#open(), token, options);
	}

	async sendEcash(amount: bigint, options: OrderEcash): Promise<EcashWork> {
		return orderIn(this.#open(), { kind: "send", amount }, options);
	}

	async takeBackEcash(
		request: string,
		options: OrderEcash,
	): Promise<EcashWork> {
		return takeBackIn(this.#open(), request, options);
	}

	async mintEcash(
		amount: bigint,
		options: Parameters<ModuleService["mintEcash"]>[1],
	): Promise<EcashWork> {
		const { invoiced } = options;
		return orderIn(this.#open(), { kind: "mint", amount }, options, invoiced);
	}

	async meltEcash(
		invoice: string,
		options: Parameters<ModuleService["meltEcash"]>[1],
	): Promise<EcashWork> {
		const { maxFee } = options;
		const order = { kind: "melt", invoice, maxFee } as const;
		return orderIn(this.#open(), order, options);
	}

	async restoreEcash(options: OrderEcash): Promise<EcashWork> {
		return orderIn(this.#open(), { kind: "restore" }, options);
	}

	async ecashOrders({
		all = false,
	}: {
		readonly all?: boolean;
	} = {}): Promise<readonly EcashWork[]> {
		return ecashIn(this.#open(), all);
	}

	async backUp(path: string, { owner }: OwnerOptions): Promise<BackedUp> {
		return backedUp(await backUpPurse(this.#open(), path, owner));
	}

	async archive({
		folder,
		expiredForDays,
		wrote,
		stayed,
	}: ArchivePayments): Promise<Archived> {
		return archivePurse(this.#open(), {
			expiredForDays,
			...(folder === undefined ? {} : { folder }),
			...(wrote === undefined ? {} : { wrote }),
			stayed: ({ kind, contract, error: { code, message: reason } }) =>
				stayed?.({ kind, contract: hex(contract), code, reason }),
		});
	}

	async behind(): Promise<BehindHead | undefined> {
		return behindIn(this.#open());
	}

	async unsafeOverrideBehind(
		head: BehindHead,
		{ owner }: OwnerOptions,
	): Promise<void> {
		await overrideIn(this.#open(), head, owner);
	}

	async close(): Promise<void> {
		this.#isClosed = true;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#open(): string {
		if (this.#isClosed)
			throw new TetradError("invalid-argument", "this module is closed");
		return this.home;
	}
}
