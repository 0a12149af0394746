import { TetradError } from "../../errors.ts";
import type { Store } from "../../machine/index.ts";
import {
	IssuerMachine,
	type IssuerParameters,
	type IssuerReport,
} from "../../money/index.ts";
import { type HeldSecret, holdSecret } from "../../provider/index.ts";
import { parseText } from "../../talk/index.ts";
import { SaleDesk } from "../../trade/issuer/index.ts";
import {
	MoneyDriver,
	type MoneyDriverOptions,
	type MoneyHolder,
	type PurseHost,
	type Tetrad,
} from "../runtime/index.ts";

export interface IssuerOptions {
	readonly parameters: IssuerParameters;
	/** Of `LEDGER_SCHEMA`; whoever opened it closes it, after this. */
	readonly store: Store;
	/** The lasting master secret of this issuer, 32 bytes, the same whenever it runs on that ledger: merchants sell by what follows from it. It is copied, into guarded memory where there is some. Without it, nothing can be sold for this issuer's money. */
	readonly sellingMaster?: Uint8Array;
	readonly report: MoneyDriverOptions<IssuerReport>["report"];
	readonly refused?: MoneyDriverOptions<IssuerReport>["refused"];
}

/** What makes a module an issuer's: `new MoneyModule({ …, purse: issuer })` gives it every tetrad. */
export class Issuer implements MoneyHolder, AsyncDisposable {
	/** Resolves, with why, when it has stopped because its store failed. Never rejects. */
	readonly failed: Promise<TetradError>;
	readonly #options: Omit<IssuerOptions, "sellingMaster">;
	readonly #failed = Promise.withResolvers<TetradError>();
	readonly #master: HeldSecret | undefined;
	#driver: MoneyDriver<IssuerReport> | undefined;

	constructor({ sellingMaster, ...options }: IssuerOptions) {
		this.#options = options;
		this.#master = sellingMaster && holdSecret(Uint8Array.from(sellingMaster));
		this.failed = this.#failed.promise;
	}

	/** For `MoneyModule`. */
	attach({ context, signer, now }: PurseHost): void {
		if (this.#driver !== undefined)
			throw new TetradError(
				"invalid-argument",
				"this issuer is in a module already, and it goes with one",
			);
		const { parameters, store, report, refused } = this.#options;
		const sales =
			this.#master === undefined
				? undefined
				: new SaleDesk(context, this.#master);
		const driver = new MoneyDriver({
			machine: new IssuerMachine(context, parameters, sales),
			store,
			signer,
			crypto: context.crypto,
			now,
			report,
			other: requireText,
			// By a clock that is no time for a tetrad, what can still be booked would become void.
			before: () => {
				context.judge(context.own.encodedChain, now());
				return undefined;
			},
			...(refused === undefined ? {} : { refused }),
		});
		void driver.failed.then(this.#failed.resolve);
		this.#driver = driver;
	}

	/** For `MoneyModule`. */
	serve(tetrad: Tetrad): Promise<void> {
		if (this.#driver === undefined)
			throw new TetradError(
				"internal",
				"an issuer serves before it is attached",
			);
		return this.#driver.serve(tetrad);
	}

	/** Ends every tetrad, and resolves when nothing is under way any more. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.#driver?.close();
		this.#master?.wipe();
	}
}

/** Modules and agents may greet an issuer; it says nothing. Throws `unexpected-message` for anything else. */
function requireText(
	_: Tetrad,
	from: "agent" | "module",
	bytes: Uint8Array,
): void {
	if (parseText(bytes) === undefined)
		throw new TetradError(
			"unexpected-message",
			`the ${from === "agent" ? "own agent" : "other module"} sent something that an issuer does not know`,
		);
}
