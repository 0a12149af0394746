/* A town whose devices have homes and run in this process: a buyer, a shop, and an issuer with its agent. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { formatAddress, parseAddress } from "../../../src/carrier/index.ts";
import { asOperator } from "../../../src/device/issuer/http/index.ts";
import { makeIssuer, termsPath } from "../../../src/device/issuer/index.ts";
import {
	type ProcessEvent,
	type Report,
	runAgentProcess,
	runIssuerProcess,
	runModuleProcess,
} from "../../../src/device/process/index.ts";
import {
	createPurse,
	defaultUndeposited,
	isTakenDown,
	moduleIdOf,
	newOwner,
	openOwner,
	placeLimits,
	placeWithdrawal,
	readPurseSettings,
} from "../../../src/device/purse/index.ts";
import type { LocalAgent } from "../../../src/device/service/local-agent.ts";
import {
	type LocalHomeOptions,
	openLocalAgent,
} from "../../../src/device/service/open-local-agent.ts";
import type { SecretSource } from "../../../src/keys/index.ts";
import type { IssuerTerms } from "../../../src/money/index.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { Homes } from "../../support/homes.ts";
import { makeMintHomes } from "../../support/mint-homes.ts";

/** The passphrase of the owner of both purses. */
export const owner: SecretSource = async () => utf8("correct horse");

/** What runs until it is stopped, and what it has said. */
export class Running implements AsyncDisposable {
	readonly events: ProcessEvent[] = [];
	readonly #stop = new AbortController();
	readonly #over: Promise<void>;
	readonly #watchers = new Set<() => void>();
	#failed: unknown;

	constructor(run: (signal: AbortSignal, report: Report) => Promise<void>) {
		this.#over = run(this.#stop.signal, (event) => {
			this.events.push(event);
			for (const watcher of [...this.#watchers]) watcher();
		}).catch((thrown: unknown) => {
			this.#failed = thrown;
			for (const watcher of [...this.#watchers]) watcher();
		});
	}

	/** The first event of this kind after `skip` of them, also if it was before. Rejects when it fails first. */
	async expect<Name extends ProcessEvent["event"]>(
		name: Name,
		skip = 0,
	): Promise<Extract<ProcessEvent, { readonly event: Name }>> {
		type Wanted = Extract<ProcessEvent, { readonly event: Name }>;
		const { promise, resolve, reject } = Promise.withResolvers<Wanted>();
		const check = () => {
			const found = this.events.filter(({ event }) => event === name)[skip];
			if (found !== undefined) resolve(found as Wanted);
			else if (this.#failed !== undefined) reject(this.#failed);
		};
		this.#watchers.add(check);
		check();
		try {
			return await promise;
		} finally {
			this.#watchers.delete(check);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.#over;
	}
}

/** It runs until it is disposed of. */
export class ServiceTown implements AsyncDisposable {
	readonly homes: Homes;
	readonly terms: IssuerTerms;
	/** Where the issuer's agent answers. */
	readonly issuerAt: string;
	readonly #stack: AsyncDisposableStack;
	readonly #modules = new Map<"X" | "Y", Running>();
	#limits = 0n;
	#shop: Running | undefined;
	#shopAt = "127.0.0.1:0";

	private constructor(
		homes: Homes,
		terms: IssuerTerms,
		issuerAt: string,
		stack: AsyncDisposableStack,
	) {
		this.homes = homes;
		this.terms = terms;
		this.issuerAt = issuerAt;
		this.#stack = stack;
	}

	/** With 100.00 in the buyer's account, and 50.00 of it in its purse. */
	static async open(): Promise<ServiceTown> {
		await using open = new AsyncDisposableStack();
		const folder = open.use(await temporaryFolder());
		const homes = await Homes.make(folder.path);
		await makeMintHomes(homes);
		const terms = await makeIssuer(homes.at("mint"), {
			currency: { code: "PLAY", exponent: 2 },
			isPlay: true,
		});
		await asOperator(homes.at("mint"), async (operator) => {
			const id = hex(await moduleIdOf(homes.of("X")));
			await operator.open(id);
			await operator.credit(id, { amount: "100.00", reference: "start" });
		});
		for (const place of ["X", "Y"] as const)
			await createPurse(
				homes.of(place),
				[{ terms, undeposited: defaultUndeposited(terms) }],
				() => newOwner(owner),
			);
		const issuer = open.use(
			new Running((signal, report) =>
				runIssuerProcess(
					{
						home: homes.at("mint"),
						listen: parseAddress(homes.socket("mint")),
						signal,
					},
					report,
				),
			),
		);
		await issuer.expect("listening");
		const clerk = open.use(
			new Running((signal, report) =>
				runAgentProcess(
					{
						home: homes.at("clerk"),
						module: parseAddress(homes.socket("mint")),
						listen: parseAddress("127.0.0.1:0"),
						link: "paired",
						routing: "direct",
						root: "transcript",
						signal,
					},
					report,
				),
			),
		);
		const { address } = await clerk.expect("listening");
		const stack = open.move();
		const town = new ServiceTown(homes, terms, address, stack);
		stack.defer(() => town.#shop?.[Symbol.asyncDispose]());
		stack.defer(async () => {
			for (const module of town.#modules.values())
				await module[Symbol.asyncDispose]();
		});
		await mkdir(homes.at("bought"));
		await town.startModule("X");
		await town.startModule("Y");
		await town.withdraw(5000n);
		return town;
	}

	get termsPath(): string {
		return termsPath(this.homes.at("mint"));
	}

	/** Where a module listens. */
	module(place: "X" | "Y"): LocalHomeOptions["module"] {
		return parseAddress(this.homes.socket(place));
	}

	async startModule(place: "X" | "Y"): Promise<void> {
		const module = new Running((signal, report) =>
			runModuleProcess(
				{
					home: this.homes.of(place),
					listen: this.module(place),
					link: "paired",
					signal,
				},
				report,
			),
		);
		this.#modules.set(place, module);
		await module.expect("listening");
	}

	async stopModule(place: "X" | "Y"): Promise<void> {
		await this.#modules.get(place)?.[Symbol.asyncDispose]();
		this.#modules.delete(place);
	}

	/** From an account into its purse: the buyer's unless given, where no other agent of it runs. */
	async withdraw(
		amount: bigint,
		place: "X" | "Y" = "X",
		running?: LocalAgent,
	): Promise<void> {
		const home = this.homes.of(place);
		const settings = await readPurseSettings(home);
		await placeWithdrawal(home, await openOwner(settings.owner, owner), {
			purse: await moduleIdOf(home),
			issuer: this.terms.issuer,
			amount,
		});
		if (running !== undefined) return running.settle();
		await using agent = await this.openBuyer();
		await agent.settle();
	}

	/** What the buyer's purse may pay, in the place of what held before; all of it unless given. */
	async limit({
		approvalAbove,
	}: {
		readonly approvalAbove?: bigint;
	}): Promise<void> {
		const home = this.homes.of("X");
		const settings = await readPurseSettings(home);
		const file = await placeLimits(
			home,
			await openOwner(settings.owner, owner),
			{
				purse: await moduleIdOf(home),
				number: ++this.#limits,
				money: [
					{
						issuer: this.terms.issuer,
						perPayment: undefined,
						perDay: undefined,
						perMerchantDay: undefined,
						inAll: undefined,
						approvalAbove,
					},
				],
				merchants: undefined,
				approveNewMerchants: false,
			},
		);
		assert.ok(await isTakenDown(home, file));
	}

	/** The buyer's agent, in this process. */
	openBuyer(options: Partial<LocalHomeOptions> = {}): Promise<LocalAgent> {
		return openLocalAgent({
			home: this.homes.of("A"),
			module: this.module("X"),
			link: "paired",
			moduleHome: this.homes.of("X"),
			issuerAt: parseAddress(this.issuerAt),
			buyFolder: this.homes.at("bought"),
			...options,
		});
	}

	/** A shop that sells a folder. */
	async startShop(
		folder: string,
		{
			price = "4.20",
			onOrder,
		}: { readonly price?: string; readonly onOrder?: string } = {},
	): Promise<string> {
		this.#shop = new Running(async (signal, report) => {
			await using agent = await openLocalAgent({
				home: this.homes.of("B"),
				module: this.module("Y"),
				listen: parseAddress(this.#shopAt),
				link: "paired",
				terms: this.terms,
				issuerAt: parseAddress(this.issuerAt),
				settleEveryMs: 60_000,
				environment: process.env,
				report,
				signal,
			});
			await agent.sell({ folder, price, onOrder, signal });
		});
		const { address } = await this.#shop.expect("listening");
		await this.#shop.expect("settled");
		this.#shopAt = formatAddress(parseAddress(address));
		return this.#shopAt;
	}

	async stopShop(): Promise<void> {
		await this.#shop?.[Symbol.asyncDispose]();
		this.#shop = undefined;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
