/*
 * A certified side in hostile hands: an agent and a module of our own, with the machines of the
 * product, whose words are tampered with. It buys, sells, pays and meets the issuer as any other.
 */
import { join } from "node:path";
import {
	type Carrier,
	connect,
	formatAddress,
	listen,
	memoryCarriers,
	type TcpAddress,
} from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { readHome } from "../../device/home/index.ts";
import {
	AgentStore,
	openOwner,
	Purse,
	placeWithdrawal,
	readIssuerTerms,
} from "../../device/purse/index.ts";
import {
	type DeviceIdentity,
	type MoneyHolder,
	MoneyModule,
	type PurseHost,
	type Tetrad,
	TrustedAgent,
} from "../../device/runtime/index.ts";
import { readSide, type Side } from "../../device/side/index.ts";
import {
	Buyer,
	FolderShop,
	ItemCatalogue,
	type ItemForSale,
	sellIn,
	TradingAgent,
} from "../../device/trade/index.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { OFFER_KEY_BYTES } from "../../trade/documents/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import { HONEST, type Tampering, tampered } from "./tampering.ts";

/** Takes a tetrad at the module, in the place of its purse. */
type AtModule = (tetrad: Tetrad) => Promise<void>;

/** How the two devices misbehave. */
export interface Behaviour {
	readonly agent?: Tampering;
	readonly module?: Tampering;
	/** What the module does in the place of having a purse. */
	readonly atModule?: AtModule;
}

/** A shop of a rogue while it is open. */
interface RogueShop extends AsyncDisposable {
	/** Where it answers. */
	readonly at: string;
}

/** The purse of a rogue: honest, behind a tetrad that is not. */
class RogueHolder implements MoneyHolder {
	readonly #purse: Purse;
	behaviour: Behaviour = {};

	constructor(purse: Purse) {
		this.#purse = purse;
	}

	attach(host: PurseHost): void {
		this.#purse.attach(host);
	}

	serve(tetrad: Tetrad): Promise<void> {
		const { module = HONEST, atModule } = this.behaviour;
		return atModule === undefined
			? this.#purse.serve(tampered(tetrad, module))
			: atModule(tetrad);
	}
}

export class Rogue implements AsyncDisposable {
	readonly side: Side;
	readonly agent: TrustedAgent;
	readonly module: MoneyModule;
	readonly purse: Purse;
	readonly store: AgentStore;
	readonly trading: TradingAgent;
	readonly terms: IssuerTerms;
	/** Of both devices, with their keys. */
	readonly identities: Readonly<Record<"agent" | "module", DeviceIdentity>>;
	readonly #issuerAt: TcpAddress;
	readonly #holder: RogueHolder;
	readonly #open: AsyncDisposableStack;

	private constructor(
		parts: Pick<
			Rogue,
			| "side"
			| "agent"
			| "module"
			| "purse"
			| "store"
			| "trading"
			| "terms"
			| "identities"
		>,
		holder: RogueHolder,
		issuerAt: TcpAddress,
		open: AsyncDisposableStack,
	) {
		this.side = parts.side;
		this.agent = parts.agent;
		this.module = parts.module;
		this.purse = parts.purse;
		this.store = parts.store;
		this.trading = parts.trading;
		this.terms = parts.terms;
		this.identities = parts.identities;
		this.#holder = holder;
		this.#issuerAt = issuerAt;
		this.#open = open;
	}

	/** Opens a side that does not run. With `withdraws` it has so much of its account in its purse, in minor units. */
	static async open(
		side: Side,
		issuerAt: TcpAddress,
		{ withdraws = 0n }: { readonly withdraws?: bigint } = {},
	): Promise<Rogue> {
		await using open = new AsyncDisposableStack();
		const terms = await readIssuerTerms(join(side.path, "issuer.terms.json"));
		const atAgent = open.use(await readHome(side.agent.home, "agent"));
		const atModule = open.use(await readHome(side.module.home, "module"));
		const purse = open.use(await Purse.openHome(side.module.home));
		const holder = new RogueHolder(purse);
		const module = open.use(new MoneyModule({ ...atModule, purse: holder }));
		if (withdraws > 0n) {
			const owner = await openOwner("unsafe-no-owner", () => {
				throw new Error("a rogue has no secrets");
			});
			await placeWithdrawal(side.module.home, owner, {
				purse: module.device.deviceId,
				issuer: terms.issuer,
				amount: withdraws,
			});
		}
		const agent = open.use(new TrustedAgent(atAgent));
		const [forAgent, forModule] = [atAgent.pairing, atModule.pairing];
		if (forAgent === undefined || forModule === undefined)
			throw new Error("a rogue's devices are not paired");
		agent.useModule({
			pairing: forAgent,
			dial() {
				const [near, far] = memoryCarriers();
				module.serve(far, { pairing: forModule }).catch(() => {});
				return near;
			},
		});
		const store = open.use(await AgentStore.open(side.agent.home));
		const { signer } = atAgent.identity;
		const trading = new TradingAgent({ agent, store, signer });
		const identities = { agent: atAgent.identity, module: atModule.identity };
		const rogue = new Rogue(
			{ side, agent, module, purse, store, trading, terms, identities },
			holder,
			issuerAt,
			open.move(),
		);
		if (withdraws > 0n) await rogue.settle();
		return rogue;
	}

	get signer(): Signer {
		return this.identities.agent.signer;
	}

	get moduleSigner(): Signer {
		return this.identities.module.signer;
	}

	get certified(): Readonly<Record<"agent" | "module", CertifiedDevice>> {
		return { agent: this.agent.device, module: this.module.device };
	}

	/** Meets the issuer, honestly: money is withdrawn and deposited, and there is something to sell with. */
	async settle(): Promise<void> {
		await this.trading.resume(formatAddress(this.#issuerAt), {
			isIssuer: true,
			sells: true,
		});
	}

	/** Does something while the devices misbehave. */
	async behaving<Value>(
		behaviour: Behaviour,
		act: () => Promise<Value>,
	): Promise<Value> {
		this.#holder.behaviour = behaviour;
		try {
			return await act();
		} finally {
			this.#holder.behaviour = {};
		}
	}

	/** A tetrad with the agent at that address, as its machines see it. */
	async meet(
		at: TcpAddress | string,
		behaviour: Behaviour,
		signal: AbortSignal,
	): Promise<Tetrad> {
		return this.behaving(behaviour, async () => {
			const carrier = await connect(at, { signal });
			const tetrad = await this.agent.connect(carrier, { signal });
			return tampered(tetrad, behaviour.agent ?? HONEST);
		});
	}

	/** A buyer in such a tetrad. Its tetrad is to be closed. */
	async buyer(
		at: TcpAddress,
		behaviour: Behaviour,
		signal: AbortSignal,
	): Promise<Buyer> {
		return new Buyer({
			tetrad: await this.meet(at, behaviour, signal),
			store: this.store,
			address: formatAddress(at),
			learnedTo: (name) => join(this.side.path, "inbox", name),
		});
	}

	/** Hands the issuer's module to `act`, at a module without a purse. */
	async atIssuer<Value>(
		act: (tetrad: Tetrad) => Promise<Value>,
		signal: AbortSignal,
	): Promise<Value> {
		return this.atOther(this.#issuerAt, act, signal);
	}

	/** Hands the module of whoever answers there to `act`, at a module without a purse. */
	async atOther<Value>(
		at: TcpAddress,
		act: (tetrad: Tetrad) => Promise<Value>,
		signal: AbortSignal,
	): Promise<Value> {
		const acted = Promise.withResolvers<Value>();
		acted.promise.catch(() => {});
		const atModule: AtModule = async (tetrad) => {
			await act(tetrad).then(acted.resolve, acted.reject);
			await tetrad.close();
		};
		await using _ = await this.meet(at, { atModule }, signal);
		return await acted.promise;
	}

	/** Sells these things to whoever comes, until it is disposed of. */
	async sell(
		items: readonly ItemForSale[],
		behaviour: Behaviour = {},
	): Promise<RogueShop> {
		await using open = new AsyncDisposableStack();
		const { store, terms, signer } = this;
		const shop = await FolderShop.open({
			home: this.side.agent.home,
			store,
			catalogue: await ItemCatalogue.of(items, terms.currency),
			terms,
		});
		const offerKey = nodeCrypto.random(OFFER_KEY_BYTES);
		const running = new Set<Promise<void>>();
		const tetrads = new Set<Tetrad>();
		const serve = async (carrier: Carrier) => {
			const tetrad = await this.agent.accept(carrier);
			tetrads.add(tetrad);
			const seen = tampered(tetrad, behaviour.agent ?? HONEST);
			await sellIn({ tetrad: seen, witness: store, shop, signer, offerKey });
		};
		this.#holder.behaviour = behaviour;
		open.defer(async () => {
			this.#holder.behaviour = {};
			for (const tetrad of tetrads) await tetrad.close();
			await Promise.all(running);
		});
		const listener = open.use(
			await listen("127.0.0.1:0", (carrier) => {
				const run = serve(carrier).catch(() => {});
				running.add(run);
			}),
		);
		const held = open.move();
		return {
			at: formatAddress(listener.address).replace(/^tcp:/, ""),
			[Symbol.asyncDispose]: () => held.disposeAsync(),
		};
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#open.disposeAsync();
	}
}

/** What a rogue has in its purse, in minor units: for two hundred cheap things. */
const ROGUE_MONEY = 100_00n;

/**
 * A rogue of a target; the same one each time, of that name. The first has money: in a sandbox it
 * withdraws some, and in a deployment it has what is in the purse of the side that was lent.
 */
export function rogueOf(
	target: Target,
	name: "rogue" | "stranger" = "rogue",
): Promise<Rogue> {
	return target.shared(name, async () => {
		const { issuerAt, kind } = target;
		if (issuerAt === undefined)
			throw new NotTried("it needs to know where the issuer answers");
		if (kind === "deployment" && name === "stranger")
			throw new NotTried("it needs two sides to attack with");
		const side = await readSide(await target.newSide(name, "buyer"), {});
		const withdraws = kind === "sandbox" && name === "rogue" ? ROGUE_MONEY : 0n;
		const rogue = await Rogue.open(side, issuerAt, { withdraws });
		// A purse that was copied pays nobody before it has met its issuer.
		if (kind === "deployment") await rogue.settle();
		return rogue;
	});
}
