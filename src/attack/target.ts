/*
 * What is attacked: a shop that answers on this machine, and as many sides of the deployment
 * around it as its owner has lent. In a sandbox of our own that is all of them, and authorities
 * that certify whoever attacks.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpAddress } from "../carrier/index.ts";
import { Authority } from "../device/authority/index.ts";
import type { ProcessEvent } from "../device/process/index.ts";
import { readIssuerTerms } from "../device/purse/index.ts";
import {
	type AgentService,
	type CatalogueItem,
	openAgent,
	type Purchase,
} from "../device/service/index.ts";
import { creditInSandbox, makeSide } from "../device/setup/index.ts";
import { readSide, type Side } from "../device/side/index.ts";
import { asTetradError } from "../errors.ts";
import { HostileSide, HostileWire } from "./hostile/index.ts";
import { NotTried } from "./not-tried.ts";

/** The sides of a deployment, as they are named here. */
export type SideName = "merchant" | "buyer" | "issuer";

/** Something that a process of a sandbox has said. */
export interface Heard {
	/** Such as "shop agent". */
	readonly process: string;
	readonly event: ProcessEvent;
}

export interface TargetOptions {
	/** Where the merchant's agent answers. */
	readonly merchantAt: TcpAddress;
	/** Where the issuer's agent answers. */
	readonly issuerAt: TcpAddress | undefined;
	readonly sides: Readonly<Partial<Record<SideName, Side>>>;
	/** A folder of the suite's own, which goes with it. */
	readonly scratch: string;
	/** The folder of the sandbox, where this is one of our own. */
	readonly sandbox: string | undefined;
	/** The folder of a side that attacks, of which only copies are used. */
	readonly lent: string | undefined;
	/** What may be paid in all, in minor units; nothing is bought without it. */
	readonly spend: bigint | undefined;
	/** Everything that the processes of a sandbox have said. */
	readonly heard: readonly Heard[];
}

/** A cheap item of a sandbox, which is made on order: it never runs out, and is told apart by what was ordered. */
const SANDBOX_ITEM = "capitals";

/** What a process leaves in a side while it runs. */
const OF_A_PROCESS = /\/(run|lock\.(db|txt))$/;

/** How long an honest caller waits for what it asks for. */
const HONEST_MS = 20_000;

/** What is attacked, and what attackers have to work with. */
export class Target implements AsyncDisposable {
	readonly kind: "sandbox" | "deployment";
	readonly merchantAt: TcpAddress;
	readonly issuerAt: TcpAddress | undefined;
	/** A folder of the suite's own; what attacks write goes into folders of theirs in it. */
	readonly scratch: string;
	readonly sides: Readonly<Partial<Record<SideName, Side>>>;
	readonly #options: TargetOptions;
	readonly #stack = new AsyncDisposableStack();
	readonly #hostile = new Map<string, Promise<HostileSide>>();
	readonly #shared = new Map<string, Promise<AsyncDisposable>>();
	readonly #names = new Set<string>();
	#folders = 0;
	#orders = 0;
	#spent = 0n;

	constructor(options: TargetOptions) {
		this.#options = options;
		this.kind = options.sandbox === undefined ? "deployment" : "sandbox";
		this.merchantAt = options.merchantAt;
		this.issuerAt = options.issuerAt;
		this.scratch = options.scratch;
		this.sides = options.sides;
	}

	/** One of the sides. Throws `NotTried` where nobody has lent it. */
	side(name: SideName): Side {
		const side = this.sides[name];
		if (side === undefined)
			throw new NotTried(`it needs the ${name}: say --${name} FOLDER`);
		return side;
	}

	/** The folder of the sandbox. Throws `NotTried` in a deployment, with what for. */
	sandbox(what: string): string {
		const { sandbox } = this.#options;
		if (sandbox === undefined)
			throw new NotTried(`it needs ${what}, which only a sandbox has`);
		return sandbox;
	}

	/** A new path in the folder of the suite. */
	newPath(name: string): string {
		return join(this.scratch, `${++this.#folders}-${name}`);
	}

	/** An authority of the sandbox. Throws `NotTried` in a deployment. */
	authority(kind: "agency" | "bank"): Promise<Authority> {
		return Authority.open(
			join(this.sandbox("authorities that certify at will"), kind),
		);
	}

	/**
	 * The folder of a new side, certified by the authorities of the sandbox; one of a kind that pays
	 * has 100.00 in its account. In a deployment it is a copy of the one that was lent. Throws
	 * `NotTried` where none was.
	 */
	async newSide(wanted: string, kind: "buyer" | "shop"): Promise<string> {
		const { sandbox, lent } = this.#options;
		// A name is certified once.
		const name = this.#names.has(wanted)
			? `${wanted}-${this.#names.size}`
			: wanted;
		this.#names.add(name);
		const folder = this.newPath(name);
		if (sandbox === undefined) {
			if (lent === undefined)
				throw new NotTried(
					"it needs certified devices to attack with: lend a side that may be misused by --as FOLDER",
				);
			await cp(lent, folder, {
				recursive: true,
				filter: (path) => !OF_A_PROCESS.test(path),
			});
			return folder;
		}
		const terms = await readIssuerTerms(
			join(sandbox, "issuer", "issuer.terms.json"),
		);
		await using agency = await this.authority("agency");
		await using bank = await this.authority("bank");
		const device = (deviceName: string) => ({
			name: deviceName,
			key: { unsafeUnsealedFile: "key.pem" },
			secrets: {},
		});
		const { issuerAt } = this;
		await makeSide(
			{
				folder,
				algorithm: "P-256",
				devices: { agent: device(name), module: device(`${name}-module`) },
				money: { kind: "purse", terms, owner: () => "unsafe-no-owner" },
				settings: {
					name,
					kind,
					module: { runs: "apart" },
					...(issuerAt === undefined
						? {}
						: {
								issuer: {
									at: `${issuerAt.host}:${issuerAt.port}`,
									terms: "issuer.terms.json",
									"settle-every": 1800,
								},
							}),
					...(kind === "buyer"
						? { buy: { folder: "inbox" } }
						: { agent: { listen: "127.0.0.1:0" }, sell: { folder: "goods" } }),
				},
			},
			{ agency, bank },
		);
		if (kind === "buyer")
			await creditInSandbox(sandbox, join(folder, "module"));
		return folder;
	}

	/**
	 * Certified devices of an attacker, an agent and its module, in our hands; the same ones for the
	 * same name. Throws `NotTried` where there are none.
	 */
	hostile(name: "mallory" | "eve" | "rogue" = "mallory"): Promise<HostileSide> {
		if (this.kind === "deployment" && name !== "mallory")
			throw new NotTried("it needs two sides to attack with");
		const known = this.#hostile.get(name);
		if (known !== undefined) return known;
		const made = this.newSide(name, "buyer").then(async (folder) =>
			this.#stack.use(await HostileSide.open(await readSide(folder, {}))),
		);
		this.#hostile.set(name, made);
		return made;
	}

	/** What several attacks use: made for the first of them, the same for all of one name, and disposed of with the target. */
	shared<Of extends AsyncDisposable>(
		name: string,
		make: () => Promise<Of>,
	): Promise<Of> {
		const known = this.#shared.get(name);
		// Whoever asks for a name asks for what is made under it.
		if (known !== undefined) return known as Promise<Of>;
		const made = make().then((one) => this.#stack.use(one));
		this.#shared.set(name, made);
		return made;
	}

	/** A connection to the merchant's agent, on which nothing was said. */
	connect(signal: AbortSignal): Promise<HostileWire> {
		return HostileWire.connect(this.merchantAt, signal);
	}

	/** What the processes of a sandbox have said, or of one of them; nothing of a deployment. */
	heard(process?: string): readonly Heard[] {
		const { heard } = this.#options;
		return process === undefined
			? heard
			: heard.filter((one) => one.process === process);
	}

	/** Runs with the buyer's agent, which is asked where it runs, or runs here meanwhile. Throws `NotTried` where nobody has lent it. */
	async withBuyer<Value>(
		act: (agent: AgentService) => Promise<Value>,
	): Promise<Value> {
		await using agent = await openAgent(this.side("buyer").path);
		return await act(agent);
	}

	/** The merchant's address as commands take it. */
	get merchant(): string {
		const { host, port } = this.merchantAt;
		return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
	}

	/**
	 * Why honest business does not work any more, or `undefined` where it does: an honest caller gets
	 * the merchant's catalogue. Where nobody has lent one, whoever calls is at least refused.
	 */
	async isAlive(signal: AbortSignal): Promise<string | undefined> {
		const patience = AbortSignal.any([signal, AbortSignal.timeout(HONEST_MS)]);
		try {
			if (this.kind === "sandbox" || this.#options.lent !== undefined) {
				const side = await this.hostile();
				return await side.honestly(this.merchantAt, patience);
			}
			await using wire = await this.connect(patience);
			wire.send(Uint8Array.of(0xff, 0, 0, 0, 0));
			const next = await wire.next(HONEST_MS);
			return next.kind === "silent"
				? "it says nothing to strangers"
				: undefined;
		} catch (thrown) {
			if (signal.aborted) throw thrown;
			return asTetradError(thrown).message;
		}
	}

	/**
	 * Buys one cheap thing, by the buyer that was lent. Throws `NotTried` where there is none, or no
	 * money to spend, and what buying throws.
	 */
	async buyOnce(signal: AbortSignal): Promise<Purchase> {
		const { spend } = this.#options;
		if (this.kind === "sandbox") {
			const order = `order ${++this.#orders}`;
			return this.withBuyer(async (agent) => {
				const asked = { order, signal };
				const quote = await agent.quote(this.merchant, SANDBOX_ITEM, asked);
				return agent.buy(quote, { maximum: 50n, signal });
			});
		}
		if (spend === undefined)
			throw new NotTried("it needs money: say --spend AMOUNT");
		return this.withBuyer(async (agent) => {
			let cheapest: CatalogueItem | undefined;
			for await (const item of agent.catalogue(this.merchant, { signal }))
				if (cheapest === undefined || item.amount < cheapest.amount)
					cheapest = item;
			if (cheapest === undefined)
				throw new NotTried("the merchant sells nothing");
			if (this.#spent + cheapest.amount > spend)
				throw new NotTried("what may be spent is spent: say a larger --spend");
			const quote = await agent.quote(this.merchant, cheapest.item, { signal });
			this.#spent += quote.amount;
			return agent.buy(quote, { maximum: cheapest.amount, signal });
		});
	}

	/** Waits until a sandbox has said something, or until so many milliseconds have passed. */
	async hears(
		is: (heard: Heard) => boolean,
		{ from = 0, withinMs = 5000 }: { from?: number; withinMs?: number } = {},
	): Promise<Heard | undefined> {
		const until = performance.now() + withinMs;
		for (;;) {
			const found = this.#options.heard.slice(from).find(is);
			if (found !== undefined || performance.now() > until) return found;
			await sleep(20);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#stack.disposeAsync();
	}
}
