import { nodeCrypto } from "../crypto/index.ts";
import {
	type AuditRoots,
	Issuer,
	LedgerOperator,
} from "../device/issuer/index.ts";
import {
	accountOf,
	type Currency,
	claimLedger,
	claimSellingMaster,
	type IssuerTerms,
	LEDGER_SCHEMA,
	masterHash,
	parseAmount,
} from "../money/index.ts";
import { hex } from "../wire/index.ts";
import type { TestDevice } from "./device.ts";
import type { Mint } from "./holder.ts";
import { type Surroundings, TestSide } from "./side.ts";

/** What merchants' selling secrets follow from. */
const SELLING_MASTER_BYTES = 32;

/** What an issuer has done, as its audit says, decimal. */
export type TestAudit = Awaited<ReturnType<LedgerOperator["audit"]>>;

/** The issuer of a town's money, with its agent. */
export class TestIssuer implements Mint, AsyncDisposable {
	readonly terms: IssuerTerms;
	readonly #side: TestSide<Issuer>;
	readonly #operator: LedgerOperator;
	/** All that was ever credited, in minor units. */
	#credited = 0n;
	#credits = 0;

	private constructor(
		side: TestSide<Issuer>,
		terms: IssuerTerms,
		operator: LedgerOperator,
	) {
		this.#side = side;
		this.terms = terms;
		this.#operator = operator;
	}

	static async make(
		{
			currency,
			isPlay,
			roots,
		}: {
			readonly currency: Currency;
			readonly isPlay: boolean;
			readonly roots: AuditRoots;
		},
		around: Surroundings,
	): Promise<TestIssuer> {
		const sellingMaster = nodeCrypto.random(SELLING_MASTER_BYTES);
		const parameters = { currency, isPlay };
		const address = "issuer:7100";
		const side = await TestSide.make<Issuer>(
			{
				name: "issuer",
				address,
				schema: LEDGER_SCHEMA,
				holder: async (store) =>
					new Issuer({ parameters, store, sellingMaster, report: () => {} }),
				serve: async ({ agent }, at, signal) => {
					around.network.listen(at, address, (carrier) => {
						agent.accept(carrier, { signal }).catch(() => {});
					});
				},
			},
			around,
		);
		const { deviceId, name } = side.certified;
		const terms = { issuer: deviceId, name, currency, isPlay };
		await side.store.transact(claimLedger(terms));
		const master = masterHash(nodeCrypto, sellingMaster);
		await side.store.transact(claimSellingMaster(master));
		const operator = new LedgerOperator({
			store: side.store,
			terms,
			roots,
			now: around.clock.now,
		});
		return new TestIssuer(side, terms, operator);
	}

	get address(): string {
		return this.#side.address;
	}

	get agent(): TestDevice {
		return this.#side.agent;
	}

	get module(): TestDevice {
		return this.#side.module;
	}

	/** All that was ever credited to accounts, in minor units. */
	get credited(): bigint {
		return this.#credited;
	}

	/** Credits an account, which it opens. Throws `invalid-argument` for an amount that is none. */
	async credit(module: Uint8Array, amount: string): Promise<void> {
		const minor = parseAmount(amount, this.terms.currency);
		const reference = `credit ${++this.#credits}`;
		await this.#operator.open(hex(module));
		await this.#operator.credit(hex(module), { amount, reference });
		this.#credited += minor;
	}

	/** What is in an account, in minor units. */
	async account(module: Uint8Array): Promise<bigint> {
		const account = await this.#side.store.transact(accountOf(module));
		return account?.balance ?? 0n;
	}

	audit(): Promise<TestAudit> {
		return this.#operator.audit();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#side[Symbol.asyncDispose]();
	}
}
