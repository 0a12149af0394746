import { SoftwareAuthority } from "../device/authority/index.ts";
import type { SalesEvent } from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";
import { type Currency, formatAmount } from "../money/index.ts";
import { makePolicy } from "../tetrad/index.ts";
import { TestBuyer } from "./buyer.ts";
import { TestClock } from "./clock.ts";
import { Faults } from "./faults.ts";
import { Holder, type TestBalance } from "./holder.ts";
import { TestIssuer } from "./issuer.ts";
import { MemoryShop, type TestItem } from "./items.ts";
import { TestNetwork } from "./network.ts";
import { TestShop } from "./shop.ts";
import type { Surroundings } from "./side.ts";

/** What a town begins as. */
export interface TownOptions {
	/** `{ code: "PLAY", exponent: 2 }` unless given. */
	readonly currency?: Currency;
	/** Whether its money is play money; it is unless given. */
	readonly play?: boolean;
	/** What its clock shows at first, in milliseconds since the epoch; the first noon of 2030 unless given. */
	readonly time?: number;
}

/** What everybody has. */
export interface TownBalances {
	/** By name. */
	readonly of: Readonly<Record<string, TestBalance>>;
	/** The sum of all, decimal. */
	readonly total: string;
	/** All that the issuer has ever credited, decimal. */
	readonly credited: string;
}

const PLAY: Currency = { code: "PLAY", exponent: 2 };
const NOON: number = Date.UTC(2030, 0, 1, 12);

/**
 * An agency, a bank, an issuer, buyers and shops in one process and in memory, for tests of what
 * buys and sells. The devices are the real ones; only what they stand on is not: carriers, stores
 * and goods are in memory, clocks stand still until they are set, and faults can be planned. Nothing
 * is written to the disk, and nothing is left running when the town is closed.
 *
 * @example
 * ```ts
 * import { TestTown } from "tetrad/testing";
 *
 * await using town = await TestTown.open();
 * const shop = await town.shop("bob", {
 * 	items: [{ name: "photo.jpg", price: "4.20", goods: "a harbour" }],
 * });
 * const alice = await town.buyer("alice", { balance: "20.00" });
 * const quote = await alice.quote(shop, "photo.jpg");
 * for await (const step of alice.buy(quote))
 * 	if (step.kind === "bought") console.log(step.path); // photo.jpg
 * console.log((await alice.balance()).spendable); // 15.80
 * console.log(await town.conserved()); // true
 * ```
 */
export class TestTown implements AsyncDisposable {
	/** Of all devices; `device.clock` is that of one. */
	readonly clock: TestClock;
	/** What may go wrong. */
	readonly faults: Faults;
	readonly issuer: TestIssuer;
	readonly #around: Surroundings;
	readonly #holders = new Map<string, Holder>();

	private constructor(
		around: Surroundings,
		issuer: TestIssuer,
		faults: Faults,
	) {
		this.#around = around;
		this.clock = around.clock;
		this.issuer = issuer;
		this.faults = faults;
	}

	/** Opens a town with an issuer. Throws `invalid-argument` for a currency that is none. */
	static async open({
		currency = PLAY,
		play: isPlay = true,
		time = NOON,
	}: TownOptions = {}): Promise<TestTown> {
		const clock = new TestClock(time);
		const network = new TestNetwork();
		const [agency, bank] = await Promise.all([
			SoftwareAuthority.create("agency", "Agency", "P-256", clock.now),
			SoftwareAuthority.create("bank", "Bank", "P-256", clock.now),
		]);
		const roots = { agencies: [agency.anchor], banks: [bank.anchor] };
		const around = {
			clock,
			network,
			policy: makePolicy(roots),
			certify: (role: "agent" | "module", name: string) =>
				(role === "agent" ? agency : bank).certify(name),
		};
		const money = { currency, isPlay, roots };
		const issuer = await TestIssuer.make(money, around);
		const faults = new Faults(network, [issuer.module, issuer.agent]);
		return new TestTown(around, issuer, faults);
	}

	/** Somebody who buys, with that much in the purse. Throws `invalid-argument` for a name that is taken, and for an amount that is none. */
	async buyer(
		name: string,
		{ balance }: { readonly balance?: string } = {},
	): Promise<TestBuyer> {
		const holder = await this.#holder(name);
		if (balance !== undefined) await holder.fund(balance);
		return new TestBuyer(holder);
	}

	/** Somebody who sells. Throws `invalid-argument` for a name that is taken, and for a price that is none. */
	async shop(
		name: string,
		{ items }: { readonly items: readonly TestItem[] },
	): Promise<TestShop> {
		const sold = new MemoryShop(this.issuer.terms, items);
		const events: SalesEvent[] = [];
		const holder = await this.#holder(name, sold, events);
		// It sells with what the issuer derives for it.
		await holder.settle({ sells: true });
		return new TestShop(holder, sold, events);
	}

	/** What everybody has; all modules have to run. */
	async balances(): Promise<TownBalances> {
		const of: Record<string, TestBalance> = {};
		let total = 0n;
		for (const [name, holder] of this.#holders) {
			of[name] = await holder.balance();
			for (const amount of Object.values(await holder.holds())) total += amount;
		}
		const { currency } = this.issuer.terms;
		return {
			of,
			total: formatAmount(total, currency),
			credited: formatAmount(this.issuer.credited, currency),
		};
	}

	/**
	 * Whether the ledger balances and all that was ever credited is somebody's, to the unit. It is to
	 * be asked when nothing is in doubt any more: until then what one has committed and another has
	 * received counts twice.
	 */
	async conserved(): Promise<boolean> {
		const { balanced, problems } = await this.issuer.audit();
		const { total, credited } = await this.balances();
		return balanced && problems.length === 0 && total === credited;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const holder of this.#holders.values())
			await holder[Symbol.asyncDispose]();
		await this.issuer[Symbol.asyncDispose]();
	}

	async #holder(
		name: string,
		sold?: MemoryShop,
		events: SalesEvent[] = [],
	): Promise<Holder> {
		if (this.#holders.has(name) || name === "issuer")
			throw new TetradError(
				"invalid-argument",
				`there is somebody called ${name} already`,
			);
		const address = `${name}:7000`;
		const holder = await Holder.make(
			{
				name,
				address,
				...(sold === undefined
					? {}
					: {
							serve: ({ trading }, _, signal) =>
								trading.sell(address, sold.shop, {
									signal,
									observe: (event) => events.push(event),
								}),
						}),
			},
			this.issuer,
			this.#around,
		);
		this.#holders.set(name, holder);
		return holder;
	}
}
