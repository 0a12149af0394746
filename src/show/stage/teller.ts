import { formatAddress, parseAddress } from "../../carrier/index.ts";
import {
	type AuditJson,
	makeIssuer,
	termsPath,
} from "../../device/issuer/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import {
	createPurse,
	defaultUndeposited,
	moduleIdOf,
	newOwner,
	openOwner,
	type PurseBalance,
	type PurseMint,
	placeWithdrawal,
	readPurseSettings,
	viewBalances,
	viewPurse,
} from "../../device/purse/index.ts";
import { pairHomes } from "../../device/setup/index.ts";
import { DeviceProcess } from "../../device/supervisor/index.ts";
import type { SecretSource } from "../../keys/index.ts";
import {
	formatAmount,
	type IssuerTerms,
	parseAmount,
	purseTables,
	sumAmounts,
} from "../../money/index.ts";
import type { Place } from "../../tetrad/index.ts";
import type { RailName } from "../../trade/documents/index.ts";
import { hex, utf8 } from "../../wire/index.ts";
import { asOperator } from "./as-operator.ts";

/** The issuer's agent, through which devices reach it, and its module, which signs notes. */
export const CLERK = "clerk";
export const MINT = "mint";

/** What one agent has its module pay, and the other takes. */
export interface ShownPayment {
	/** Such as "12.50". */
	readonly amount: string;
	/** What it is for. */
	readonly text: string;
	/** The issuer's terms, in a file. */
	readonly terms: string;
}

/** Who has how much at one moment, in decimals of the issuer's currency. */
export interface ShownBalances {
	readonly when: string;
	/** What each purse can spend, has to deposit, and has in doubt, together. */
	readonly purses: Readonly<Record<"X" | "Y", string>>;
	/** At the issuer. */
	readonly accounts: Readonly<Record<"X" | "Y", string>>;
	readonly sum: string;
}

/** What a sale on a stage is paid with: who makes it, and what the modules have of it. */
export interface SaleMoney {
	readonly rail: RailName;
	readonly terms: IssuerTerms;
	/** What B is told of it beside what every shop is, and A beside what every buyer is. */
	readonly selling: readonly string[];
	readonly buying: readonly string[];
	/** The process that makes it. */
	readonly maker: {
		readonly name: string;
		readonly pid: number;
		kill(): Promise<NodeJS.Signals | null>;
	};
	/** Starts that again after it was killed. */
	reopen(): Promise<{ readonly pid: number }>;
	/** What the purse of a module has of it, read off its disk, whether it runs or not. */
	purse(place: "X" | "Y"): Promise<PurseBalance | undefined>;
	/** What a merchant's purse has taken, of a balance of it. */
	taken(balance: PurseBalance): bigint;
	/** Whether it has what was paid for a contract, and its answer may not be out. */
	hasTaken(place: "X" | "Y", contract: string): Promise<boolean>;
	/** Whether the issuer's books know of that sale; nothing where there are none. */
	hasBooked(contract: string): Promise<boolean | undefined>;
	text(amount: bigint): string;
	parse(text: string): bigint;
	balances(when: string): Promise<ShownBalances>;
	audit(): Promise<AuditJson>;
}

/** Where a teller opens. */
interface Site {
	readonly agent: string;
	readonly mint: string;
	readonly homes: Readonly<Record<Place, string>>;
	/** Whose ecash the purses take; nobody's unless given. */
	readonly mints?: readonly PurseMint[];
	readonly signal: AbortSignal;
}

/** How often the merchant's module does its business with the issuer, in seconds. */
const SETTLE_EVERY_S = "1";

/** Of the two modules that have a purse, the agents. */
const AGENT_OF = { X: "A", Y: "B" } as const;

/** An issuer of play money in two processes of its own, and the purses of the two modules X and Y. */
export class Teller implements SaleMoney, AsyncDisposable {
	readonly rail = "own-notes";
	readonly terms: IssuerTerms;
	readonly #site: Site;
	readonly #clerkAt: string;
	readonly #owner: SecretSource;
	readonly #processes: AsyncDisposableStack;
	#issuer: IssuerProcess;

	private constructor(
		terms: IssuerTerms,
		site: Site,
		clerkAt: string,
		owner: SecretSource,
		processes: AsyncDisposableStack,
		issuer: IssuerProcess,
	) {
		this.terms = terms;
		this.#site = site;
		this.#clerkAt = clerkAt;
		this.#owner = owner;
		this.#processes = processes;
		this.#issuer = issuer;
	}

	static async open(site: Site): Promise<Teller> {
		const { agent, mint, homes, mints = [], signal } = site;
		await pairHomes(agent, mint);
		const terms = await makeIssuer(mint, {
			currency: { code: "PLAY", exponent: 2 },
			isPlay: true,
		});
		const passphrase = crypto.randomUUID();
		const owner: SecretSource = async () => utf8(passphrase);
		const undeposited = defaultUndeposited(terms);
		for (const home of [homes.X, homes.Y])
			await createPurse(home, [{ terms, undeposited }], () => newOwner(owner), {
				mints,
			});
		await using processes = new AsyncDisposableStack();
		const issuer = processes.use(startIssuer(site));
		await issuer.expect("listening");
		const clerk = processes.use(
			new DeviceProcess<ProcessEvent>(
				CLERK,
				[
					...["agent", "--home", agent, "--module", linkOf(site)],
					...["--listen", "127.0.0.1:0"],
				],
				signal,
			),
		);
		const { address } = await clerk.expect("listening");
		const clerkAt = formatAddress(parseAddress(address));
		const held = processes.move();
		return new Teller(terms, site, clerkAt, owner, held, issuer);
	}

	/** Where the issuer's agent answers. */
	get address(): string {
		return this.#clerkAt;
	}

	/** The issuer's terms, in a file. */
	get termsFile(): string {
		return termsPath(this.#site.mint);
	}

	get maker(): SaleMoney["maker"] {
		const issuer = this.#issuer;
		return { name: MINT, pid: issuer.pid, kill: () => issuer.kill() };
	}

	get selling(): readonly string[] {
		return [
			...["--issuer-terms", this.termsFile],
			...["--settle-at", this.address, "--settle-every", SETTLE_EVERY_S],
		];
	}

	get buying(): readonly string[] {
		return ["--rail", this.rail];
	}

	taken({ toDeposit }: PurseBalance): bigint {
		return toDeposit;
	}

	/** Starts the issuer's module again after it was killed. */
	async reopen(): Promise<IssuerProcess> {
		this.#issuer = this.#processes.use(startIssuer(this.#site));
		await this.#issuer.expect("listening");
		return this.#issuer;
	}

	/** The operator puts play money into the account of a module. */
	async credit(place: "X" | "Y", amount: string): Promise<void> {
		const { mint, homes } = this.#site;
		const id = hex(await moduleIdOf(homes[place]));
		await asOperator(mint, async (operator) => {
			await operator.open(id);
			await operator.credit(id, { amount, reference: "a gift" });
		});
	}

	/** The owner orders notes, and the module fetches them. */
	async withdraw(place: "X" | "Y", amount: string): Promise<void> {
		const home = this.#site.homes[place];
		const { issuer, currency } = this.terms;
		const { owner } = await readPurseSettings(home);
		await placeWithdrawal(home, await openOwner(owner, this.#owner), {
			purse: await moduleIdOf(home),
			issuer,
			amount: parseAmount(amount, currency),
		});
		await this.settle(place);
	}

	/** A module does its business with the issuer, through its agent, in processes of their own. */
	async settle(place: "X" | "Y"): Promise<void> {
		const { homes, signal } = this.#site;
		const link = `unix:${homes[place]}.settle.sock`;
		await using module = new DeviceProcess<ProcessEvent>(
			place,
			["module", "--home", homes[place], "--listen", link],
			signal,
		);
		await module.expect("listening");
		await using agent = new DeviceProcess<ProcessEvent>(
			AGENT_OF[place],
			[
				...["agent", "--home", homes[AGENT_OF[place]], "--module", link],
				...["--connect", this.#clerkAt, "--settle"],
			],
			signal,
		);
		await agent.succeed();
		await module.expect("ended");
	}

	/** What A pays B. */
	payment(amount: string, text: string): ShownPayment {
		return { amount, text, terms: this.termsFile };
	}

	/** What the purse of a module has of this issuer's money, read off its disk, whether it runs or not. */
	async purse(place: "X" | "Y"): Promise<PurseBalance | undefined> {
		await using view = await viewPurse(this.#site.homes[place]);
		const [of] = await viewBalances(view.store, view.issuers, Date.now());
		return of;
	}

	/** Whether the purse of a module has taken what was paid for a contract, and not deposited it. */
	async hasTaken(place: "X" | "Y", contract: string): Promise<boolean> {
		await using view = await viewPurse(this.#site.homes[place]);
		return await view.store.snapshot(async (scan) => {
			const table = purseTables.RECEIPTS;
			const equals = { contract: new Uint8Array(Buffer.from(contract, "hex")) };
			for await (const { state } of scan({ table, equals }))
				return state === "to-deposit";
			return false;
		});
	}

	/** Whether the issuer's books know of that sale. */
	async hasBooked(contract: string): Promise<boolean> {
		const { sales } = await asOperator(this.#site.mint, (operator) =>
			operator.sales({ contract }),
		);
		return sales.some(({ state }) => state === "booked");
	}

	/** An amount in decimals. */
	text(amount: bigint): string {
		return formatAmount(amount, this.terms.currency);
	}

	/** An amount that the issuer or a purse has said; zero is one, too. */
	parse(text: string): bigint {
		return /^0(\.0*)?$/.test(text)
			? 0n
			: parseAmount(text, this.terms.currency);
	}

	async balances(when: string): Promise<ShownBalances> {
		const { homes, mint } = this.#site;
		const text = (amount: bigint) => this.text(amount);
		const purse = async (place: "X" | "Y") => {
			const of = await this.purse(place);
			return of === undefined
				? 0n
				: sumAmounts([
						of.spendable,
						of.held,
						of.toDeposit,
						of.inDoubt,
						of.toClaim,
					]);
		};
		const account = async (place: "X" | "Y") => {
			const id = hex(await moduleIdOf(homes[place]));
			const found = await asOperator(mint, (operator) => operator.account(id));
			return found === undefined ? 0n : this.parse(found.balance);
		};
		const purses = { X: await purse("X"), Y: await purse("Y") };
		const accounts = { X: await account("X"), Y: await account("Y") };
		return {
			when,
			purses: { X: text(purses.X), Y: text(purses.Y) },
			accounts: { X: text(accounts.X), Y: text(accounts.Y) },
			sum: text(sumAmounts([purses.X, purses.Y, accounts.X, accounts.Y])),
		};
	}

	/** The issuer's ledger, computed again from its tables. */
	audit(): Promise<AuditJson> {
		return asOperator(this.#site.mint, (operator) => operator.audit());
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#processes.disposeAsync();
	}
}

type IssuerProcess = DeviceProcess<ProcessEvent>;

/** Where the issuer's module waits for its agent. */
function linkOf({ mint }: Site): string {
	return `unix:${mint}.sock`;
}

function startIssuer(site: Site): IssuerProcess {
	const { mint, signal } = site;
	return new DeviceProcess<ProcessEvent>(
		MINT,
		[
			...["issuer", "run", "--home", mint, "--listen", linkOf(site)],
			...["--http", "127.0.0.1:0"],
		],
		signal,
	);
}
