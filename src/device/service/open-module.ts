import { resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";
import {
	balancesOf,
	moduleIdOf,
	openOwner,
	placeGiveBack,
	placeWithdrawal,
	readPurseSettings,
	viewNotes,
	viewPurse,
} from "../purse/index.ts";
import { findSide } from "../side/index.ts";
import type {
	Approval,
	Balance,
	HistoryEntry,
	ListOptions,
	OrderTaken,
	OwnerOptions,
} from "./agent-service.ts";
import { decideIn } from "./deciding.ts";
import { changeLimits, issuerNamed, limitsIn } from "./limiting.ts";
import { DEFAULT_LIST_ROWS } from "./limits.ts";
import type {
	LimitChanges,
	ModuleService,
	Ordered,
	OwnedNote,
	OwnerLimits,
} from "./module-service.ts";
import {
	approvalOf,
	balanceOf,
	historyIn,
	moneyOf,
	waitingIn,
} from "./purse-views.ts";

/**
 * Opens the purse of a side, or of the home of a module, for its owner: it need not run, and may.
 * Rejects with `home-unusable` where there is no purse.
 */
export async function openModule(home: string): Promise<ModuleService> {
	const side = await findSide(home);
	const path = side?.module.home ?? resolve(home);
	await readPurseSettings(path);
	return new OwnedModule(path);
}

/** A purse in a home. Everything is read from the disk when it is asked for, and ordered there. */
class OwnedModule implements ModuleService {
	readonly home: string;
	#isClosed = false;

	constructor(home: string) {
		this.home = home;
	}

	async balance(): Promise<readonly Balance[]> {
		return (await balancesOf(this.#open())).map(balanceOf);
	}

	async *history({
		limit = DEFAULT_LIST_ROWS,
	}: ListOptions = {}): AsyncIterable<HistoryEntry> {
		yield* await historyIn(this.#open(), limit);
	}

	async notes(): Promise<readonly OwnedNote[]> {
		await using view = await viewPurse(this.#open());
		const notes = await viewNotes(view.store, view.issuers, Date.now());
		return notes.map(({ id, terms, value, left, expires }) => ({
			id: hex(id),
			value,
			left,
			expires: new Date(expires).toISOString(),
			...moneyOf(terms),
		}));
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

	async approve(
		contract: string,
		{ owner }: OwnerOptions,
	): Promise<OrderTaken> {
		return decideIn(this.#open(), contract, true, owner);
	}

	async deny(contract: string, { owner }: OwnerOptions): Promise<OrderTaken> {
		return decideIn(this.#open(), contract, false, owner);
	}

	async withdraw(
		amount: bigint,
		{
			issuer: name,
			owner: secret,
		}: OwnerOptions & { readonly issuer?: string | undefined },
	): Promise<Ordered> {
		const home = this.#open();
		const { issuers, owner } = await readPurseSettings(home);
		const all = issuers.map(({ terms }) => terms);
		const { issuer } = issuerNamed(all, name);
		const purse = await moduleIdOf(home);
		const key = await openOwner(owner, secret);
		const order = { purse, issuer, amount };
		return { request: hex(await placeWithdrawal(home, key, order)) };
	}

	async giveBack({
		issuer: name,
	}: {
		readonly issuer?: string | undefined;
	} = {}): Promise<Ordered> {
		const home = this.#open();
		const { issuers } = await readPurseSettings(home);
		const all = issuers.map(({ terms }) => terms);
		const { issuer } = issuerNamed(all, name);
		return { request: hex(await placeGiveBack(home, issuer)) };
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
