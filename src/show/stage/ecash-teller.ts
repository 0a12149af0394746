/* A play mint in a process of its own, and what the two modules have of its ecash. */
import { join } from "node:path";
import { readHome } from "../../device/home/index.ts";
import type { AuditJson } from "../../device/issuer/index.ts";
import { MintProcess, playMoney, unspentAt } from "../../device/mint/index.ts";
import {
	Purse,
	type PurseBalance,
	type PurseMint,
	trustedMint,
	viewBalances,
	viewPurse,
} from "../../device/purse/index.ts";
import { MoneyModule } from "../../device/runtime/index.ts";
import {
	ecashTables,
	formatAmount,
	parseAmount,
	sumAmounts,
} from "../../money/index.ts";
import type { Place } from "../../tetrad/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { SaleMoney, ShownBalances } from "./teller.ts";

/** What the mint is called where one of a stage's processes is named. */
const MINT = "mint";
const UNIT = "sat";

type Homes = Readonly<Record<Place, string>>;

export class EcashTeller implements SaleMoney, AsyncDisposable {
	readonly rail = "cashu";
	readonly terms: SaleMoney["terms"];
	readonly mint: PurseMint;
	readonly #path: string;
	readonly #homes: Homes;
	#process: MintProcess;

	private constructor(path: string, homes: Homes, process: MintProcess) {
		this.mint = { url: process.url, unit: UNIT, isPlay: true };
		this.terms = trustedMint(this.mint);
		this.#path = path;
		this.#homes = homes;
		this.#process = process;
	}

	/** Starts the mint. The purses have to be told of it. */
	static async open(folder: string, homes: Homes): Promise<EcashTeller> {
		const path = join(folder, "play-mint.db");
		return new EcashTeller(path, homes, await MintProcess.start({ path }));
	}

	/** Puts so much of it into the purse of a module that does not run. */
	async give(place: "X" | "Y", amount: string): Promise<void> {
		const path = this.#homes[place];
		const token = await playMoney(this.mint.url, Number(amount));
		await using home = await readHome(path, "module");
		await using purse = await Purse.openHome(path);
		await using _ = new MoneyModule({ ...home, purse });
		await purse.receive(token);
	}

	get selling(): readonly string[] {
		return ["--take", `${this.mint.url} ${UNIT} play`];
	}

	get buying(): readonly string[] {
		return ["--rail", this.rail];
	}

	get maker(): SaleMoney["maker"] {
		const process = this.#process;
		return {
			name: MINT,
			pid: process.pid,
			kill: () => process.kill(),
		};
	}

	async reopen(): Promise<{ readonly pid: number }> {
		const port = Number(new URL(this.mint.url).port);
		this.#process = await MintProcess.start({ path: this.#path, port });
		return this.#process;
	}

	async purse(place: "X" | "Y"): Promise<PurseBalance | undefined> {
		await using view = await viewPurse(this.#homes[place]);
		const all = await viewBalances(view.store, view.issuers, Date.now());
		return all.find(({ terms }) => sameBytes(terms.issuer, this.terms.issuer));
	}

	/** All that a purse has of it is what it was paid: the merchant begins with nothing. */
	taken({ spendable }: PurseBalance): bigint {
		return spendable;
	}

	async hasTaken(place: "X" | "Y", contract: string): Promise<boolean> {
		await using view = await viewPurse(this.#homes[place]);
		return await view.store.snapshot(async (scan) => {
			const table = ecashTables.CLAIMED;
			const equals = { contract: new Uint8Array(Buffer.from(contract, "hex")) };
			for await (const { state } of scan({ table, equals }))
				return state === "claimed";
			return false;
		});
	}

	/** A mint does not know what a sale is. */
	async hasBooked(): Promise<undefined> {
		return undefined;
	}

	text(amount: bigint): string {
		return formatAmount(amount, this.terms.currency);
	}

	parse(text: string): bigint {
		return text === "0" ? 0n : parseAmount(text, this.terms.currency);
	}

	async balances(when: string): Promise<ShownBalances> {
		const sum = async (place: "X" | "Y") => {
			const of = await this.purse(place);
			return of === undefined
				? 0n
				: sumAmounts([of.spendable, of.toBook, of.inDoubt]);
		};
		const purses = { X: await sum("X"), Y: await sum("Y") };
		const none = this.text(0n);
		return {
			when,
			purses: { X: this.text(purses.X), Y: this.text(purses.Y) },
			accounts: { X: none, Y: none },
			sum: this.text(sumAmounts([purses.X, purses.Y])),
		};
	}

	/** What of all proofs in the two purses the mint would still take, each once. */
	async audit(): Promise<AuditJson> {
		const proofs = [...(await this.#proofs("X")), ...(await this.#proofs("Y"))];
		const good = await unspentAt(this.mint.url, proofs);
		const secrets = new Set(proofs.map(({ secret }) => secret));
		const isOnce = secrets.size === proofs.length;
		const isGood = good.length === proofs.length && good.every(Boolean);
		const total = this.text(sumAmounts(proofs.map(({ amount }) => amount)));
		const none = this.text(0n);
		return {
			...{ issued: total, outstanding: total, returned: none, expired: none },
			...{ owed: none, balanced: isOnce && isGood },
			...{ currency: this.terms.currency.code, play: true },
			problems: isOnce && isGood ? [] : ["the mint does not take all of it"],
		};
	}

	async #proofs(place: "X" | "Y") {
		await using view = await viewPurse(this.#homes[place]);
		return await view.store.snapshot(async (scan) => {
			const found: {
				readonly id: string;
				readonly secret: string;
				readonly amount: bigint;
			}[] = [];
			const table = ecashTables.PROOFS;
			for await (const { keyset, secret, amount } of scan({ table }))
				found.push({ id: hex(keyset), secret, amount });
			return found;
		});
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#process[Symbol.asyncDispose]();
	}
}
