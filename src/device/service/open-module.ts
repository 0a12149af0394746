import { TetradError } from "../../errors.ts";
import {
	archivePurse,
	backUpPurse,
	type PurseBackup,
	readPurseSettings,
	restorePurse,
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
	LimitChanges,
	ModuleService,
	Ordered,
	OrderedWithdrawal,
	OwnedNote,
	OwnerLimits,
} from "./module-service.ts";
import { behindIn, overrideIn } from "./overriding.ts";
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
	const { issuers } = await readPurseSettings(path);
	const money = issuers.map(({ terms }) => moneyOf(terms));
	return new OwnedModule(path, money);
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

function backedUp({ made, ...backup }: PurseBackup): BackedUp {
	return { made: made.toISOString(), ...backup };
}

/** A purse in a home. Everything is read from the disk when it is asked for, and ordered there. */
class OwnedModule implements ModuleService {
	readonly home: string;
	readonly money: readonly MoneyOf[];
	#isClosed = false;

	constructor(home: string, money: readonly MoneyOf[]) {
		this.home = home;
		this.money = money;
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

	async backUp(path: string, { owner }: OwnerOptions): Promise<BackedUp> {
		return backedUp(await backUpPurse(this.#open(), path, owner));
	}

	async archive({
		folder,
		expiredForDays,
		wrote,
	}: ArchivePayments): Promise<Archived> {
		return archivePurse(this.#open(), {
			expiredForDays,
			...(folder === undefined ? {} : { folder }),
			...(wrote === undefined ? {} : { wrote }),
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
