/* An issuer of a simulated world, and the agent that it stands behind. */
import {
	accountOf,
	claimLedger,
	claimSellingMaster,
	credit,
	IssuerMachine,
	type IssuerReport,
	type IssuerTerms,
	masterHash,
	openAccount,
} from "../src/money/index.ts";
import type { Listing } from "../src/trade/documents/index.ts";
import { SaleDesk } from "../src/trade/issuer/index.ts";
import { Agent } from "./agent.ts";
import type { Identity } from "./certificates.ts";
import type { Backup } from "./disk.ts";
import { Module } from "./module.ts";
import type { World } from "./world.ts";

const COIN = { code: "COIN", exponent: 2 } as const;

/** What a price says of its money. */
export type PriceMoney = Pick<
	Listing,
	"issuer" | "currency" | "money" | "mint"
>;

export interface IssuerOptions {
	readonly world: World;
	readonly name: string;
	readonly identities: { readonly agent: Identity; readonly module: Identity };
	readonly noteDays: number;
	readonly graceDays: number;
}

export class IssuerSide {
	readonly world: World;
	readonly name: string;
	readonly agent: Agent;
	readonly module: Module<IssuerReport>;
	readonly id: Uint8Array;
	readonly terms: IssuerTerms;
	readonly master: Uint8Array;
	/** Whether its ledger was ever put back. */
	wasRestored = false;
	#credits = 0;
	#backup: Backup | undefined;

	constructor(options: IssuerOptions) {
		const { world, name, identities, noteDays, graceDays } = options;
		this.world = world;
		this.name = name;
		this.master = world.stream(`master of ${name}`).bytes(32);
		const pairing = world.pairing(name);
		this.module = new Module<IssuerReport>({
			world,
			name: `${name}-module`,
			identity: identities.module,
			pairing: () => pairing.ofModule(this.agent.certified().deviceId),
			machine: (_, context) =>
				new IssuerMachine(
					context,
					{ currency: COIN, isPlay: true, noteDays, graceDays },
					new SaleDesk(context, { read: (use) => use(this.master) }),
				),
			report: (report) => world.issuerReported(this, report),
			before: ({ context, own }) => {
				const { verdicts } = context;
				verdicts.judge(own.encodedChain, "module", this.module.now());
			},
		});
		this.agent = new Agent({
			world,
			name: `${name}-agent`,
			identity: identities.agent,
			pairing: () => pairing.ofAgent(this.module.certified().deviceId),
			dialModule: () => world.dialModule(this.agent, this.module),
			serve: () => ({ message: () => {}, over: () => {} }),
			begun: () => {},
			gone: () => {},
		});
		this.id = this.module.certified().deviceId;
		this.terms = { issuer: this.id, name, currency: COIN, isPlay: true };
		const { disk, crypto } = this.module;
		disk.runNow(claimLedger(this.terms));
		disk.runNow(claimSellingMaster(masterHash(crypto, this.master)));
	}

	/** What a price says of it. */
	get money(): PriceMoney {
		return {
			...{ issuer: this.id, currency: COIN.code },
			money: { exponent: COIN.exponent, isPlay: true },
		};
	}

	start(): void {
		this.module.start();
		this.agent.start();
	}

	/** Opens an account with so much more in it. */
	credit(account: Uint8Array, amount: bigint): void {
		const { disk, crypto } = this.module;
		const at = this.world.schedule.now;
		disk.runNow(openAccount(account, at));
		const reference = `credit ${++this.#credits}`;
		disk.runNow(credit(crypto, { account, amount, reference, at }));
	}

	backup(): void {
		const { disk } = this.module;
		if (disk.unsynced === 0) this.#backup = disk.backup();
	}

	/** The ledger is what it was then, and knows of nothing since. Answers whether there was a backup. */
	restore(): boolean {
		if (this.#backup === undefined) return false;
		this.module.die();
		this.module.isDamaged = false;
		// On another disk, if that one has failed.
		this.module.disk.mend();
		this.module.disk.restore(this.#backup);
		this.wasRestored = true;
		this.module.start();
		return true;
	}

	balanceOf(account: Uint8Array): bigint {
		return this.module.disk.run(accountOf(account)).result?.balance ?? 0n;
	}
}
