import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type Carrier,
	connect,
	formatAddress,
	type Listener,
	listen,
	memoryCarriers,
} from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import { suitesOfNewHome } from "../../src/device/home/policy-file.ts";
import { Issuer } from "../../src/device/issuer/issuer.ts";
import { AgentStore } from "../../src/device/purse/agent-store.ts";
import { Payments } from "../../src/device/purse/payments.ts";
import { Purse } from "../../src/device/purse/purse.ts";
import { pairInProcess } from "../../src/device/runtime/in-process.ts";
import {
	type MoneyHolder,
	MoneyModule,
} from "../../src/device/runtime/money-module.ts";
import type { ModuleAccess } from "../../src/device/runtime/own-modules.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { Buyer } from "../../src/device/trade/buyer.ts";
import { FolderCatalogue } from "../../src/device/trade/folder-catalogue.ts";
import { FolderShop } from "../../src/device/trade/folder-shop.ts";
import type { Shop } from "../../src/device/trade/shop.ts";
import { TradingAgent } from "../../src/device/trade/trading-agent.ts";
import { TetradError } from "../../src/errors.ts";
import {
	type CertifiedDevice,
	parseTrustAnchor,
	type Signer,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { SoftwareKey } from "../../src/keys/software.ts";
import {
	done,
	draftNote,
	type IssuerTerms,
	insert,
	LEDGER_SCHEMA,
	loadPurse,
	MAX_AMOUNT,
	messages,
	NOTES,
	openAccount,
	type PurseReport,
	purseTables,
	put,
	type Store,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import {
	type LoadLimits,
	makePolicy,
	type Policy,
} from "../../src/tetrad/index.ts";
import { ABOUT_PURCHASES } from "../../src/trade/documents/index.ts";

const DAY_MS = 86_400_000;
const CURRENCY = { code: "PLAY", exponent: 2 } as const;
const ALGORITHM = "P-256";

/** What each buyer has, as one note. */
const VALUE: bigint = 2n ** 40n;

/** What everything in the shop costs. */
const PRICE = 1n;

/** A device with its key. */
interface Identity {
	readonly signer: Signer;
	readonly chain: Uint8Array;
}

/** A device with its key, as bytes and in PEM. */
export interface IdentityAway {
	readonly key: string;
	readonly chain: Uint8Array;
}

/** One who buys, in another process: what `openAway` needs. */
export interface CustomerAway {
	readonly folder: string;
	readonly agent: IdentityAway;
	readonly module: IdentityAway;
	/** In DER. */
	readonly anchors: { readonly agency: Uint8Array; readonly bank: Uint8Array };
	readonly terms: IssuerTerms;
}

/** The authorities, and what all devices trust. */
interface Authorities {
	readonly agency: SoftwareAuthority;
	readonly bank: SoftwareAuthority;
	readonly policy: Policy;
}

/** An agent and its module, linked in memory. */
interface Pair {
	readonly agent: TrustedAgent;
	readonly signer: Signer;
}

/** One who buys: an agent with its store, a module with its purse, and a folder for the goods. */
export interface Customer {
	readonly agent: TrustedAgent;
	readonly store: AgentStore;
	readonly trading: TradingAgent;
	readonly folder: string;
}

/**
 * An issuer, a merchant and buyers, all of them in one process: agents over loopback TCP, links in
 * memory, and each purse, agent's store, ledger and file on the disk.
 */
export class DeviceMarket implements AsyncDisposable {
	/** Of everything that is written. */
	readonly folder: string;
	/** Of the merchant's agent. */
	readonly address: string;
	/** Of the issuer's agent. */
	readonly issuerAddress: string;
	readonly customers: readonly Customer[];
	/** Called with what the merchant's purses report, and the number of each. */
	atMerchant: (report: PurseReport, number: number) => void = () => {};
	readonly #merchant: Merchant;
	readonly #stack: AsyncDisposableStack;
	readonly #place: Place;

	private constructor(
		parts: Pick<
			DeviceMarket,
			"folder" | "address" | "issuerAddress" | "customers"
		>,
		merchant: Merchant,
		place: Place,
	) {
		this.#merchant = merchant;
		this.folder = parts.folder;
		this.address = parts.address;
		this.issuerAddress = parts.issuerAddress;
		this.customers = parts.customers;
		this.#stack = place.stack;
		this.#place = place;
	}

	/** So many buyers, and files of so many bytes, under the names that they are sold by, in a shop that may have another one in front, limits of its own, and several modules, of which those of the numbers in `unable` have nothing to sell with. */
	static async make(
		buyers: number,
		files: Readonly<Record<string, number>>,
		inFront: (shop: Shop) => Shop = (shop) => shop,
		load?: Partial<LoadLimits>,
		modules: number = 1,
		unable: readonly number[] = [],
	): Promise<DeviceMarket> {
		const stack = new AsyncDisposableStack();
		const folder = await mkdtemp(join(tmpdir(), "tetrad-market-"));
		stack.defer(() => rm(folder, { recursive: true, force: true }));
		const authorities = await makeAuthorities();
		const mint = await Mint.make(authorities, folder, stack);
		let heard: DeviceMarket["atMerchant"] = () => {};
		const merchant = await openShop(
			{
				...{ ...authorities, mint, folder, files, inFront, load, stack },
				...{ modules, unable },
			},
			(...said) => heard(...said),
		);
		const { address } = merchant;
		const customers: Customer[] = [];
		for (let i = 0; i < buyers; i++)
			customers.push(
				await customer({ ...authorities, mint, folder, stack }, i),
			);
		const { address: issuerAddress } = mint;
		const parts = { folder, address, issuerAddress, customers };
		const place = { ...authorities, mint, folder, stack };
		const market = new DeviceMarket(parts, merchant, place);
		heard = (...said) => market.atMerchant(...said);
		return market;
	}

	/** So many buyers with money, who open themselves in other processes. */
	async customersAway(count: number): Promise<CustomerAway[]> {
		const { agency, bank, mint, folder } = this.#place;
		const away: CustomerAway[] = [];
		for (let number = 0; number < count; number++) {
			const name = `away-${number}`;
			const home = join(folder, name);
			await mkdir(home, { mode: 0o700 });
			const agent = await identifyAway(agency, name);
			const module = await identifyAway(bank, name);
			const { signer } = opened(module);
			await mint.fill(
				join(home, "purse.db"),
				judge(bank, module.chain),
				signer,
			);
			const anchors = {
				agency: agency.anchor.certificate.der,
				bank: bank.anchor.certificate.der,
			};
			away.push({ folder: home, agent, module, anchors, terms: mint.terms });
		}
		return away;
	}

	/** What the merchant has under that name. */
	soldFile(name: string): string {
		return join(soldIn(this.folder), name);
	}

	/** A tetrad of that buyer with the merchant, to buy in as often as it likes. */
	async stand(
		{ agent, store }: Customer,
		address: string = this.address,
	): Promise<Buyer> {
		const tetrad = await agent.connect(await connect(address));
		return new Buyer({ tetrad, store, address, learnedTo: (name) => name });
	}

	/** The merchant's module meets its issuer, and hands in what it has taken: the first, or the one of that number. */
	async deposit(number = 1): Promise<void> {
		const { agent, store } = this.#merchant;
		const module = agent.modules[number - 1];
		await visit(agent, store, this.#place.mint, { module });
	}

	/** Device ids of the merchant's modules, the first one first. */
	get modules(): readonly Uint8Array[] {
		return this.#merchant.agent.modules;
	}

	/** The module of that number cannot be reached, until `back` is called. */
	takeAway(number: number): () => void {
		const till = this.#merchant.tills[number - 1];
		if (till === undefined) throw new Error("there is no such module");
		till.isAway = true;
		for (const cut of till.cuts.splice(0)) cut();
		return () => {
			till.isAway = false;
		};
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}

/** One who sells, and where. */
interface Merchant {
	readonly agent: TrustedAgent;
	readonly store: AgentStore;
	readonly address: string;
	readonly tills: readonly Till[];
}

/** A module of a merchant, and whether it can be reached. */
interface Till {
	isAway: boolean;
	/** What cuts the links that there are. */
	readonly cuts: (() => void)[];
}

interface Place extends Authorities {
	readonly mint: Mint;
	readonly folder: string;
	readonly stack: AsyncDisposableStack;
}

async function makeAuthorities(): Promise<Authorities> {
	const agency = await SoftwareAuthority.create("agency", "Agency", ALGORITHM);
	const bank = await SoftwareAuthority.create("bank", "Bank", ALGORITHM);
	const policy = makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
		suites: suitesOfNewHome(),
	});
	return { agency, bank, policy };
}

async function identify(
	authority: SoftwareAuthority,
	name: string,
): Promise<Identity> {
	const signer = generateSoftwareKey(ALGORITHM);
	return { signer, chain: await authority.issue(name, signer) };
}

function judge(bank: SoftwareAuthority, chain: Uint8Array): CertifiedDevice {
	return validateChain(nodeCrypto, chain, "module", [bank.anchor], Date.now());
}

async function pair(
	{ agency, policy }: Authorities,
	stack: AsyncDisposableStack,
	name: string,
	own: Identity,
	purse: MoneyHolder,
): Promise<Pair> {
	const identity = await identify(agency, name);
	const agent = new TrustedAgent({ identity, policy });
	const module = new MoneyModule({ identity: own, policy, purse });
	await pairInProcess(agent, module);
	await agent.reachModule();
	stack.defer(() => agent.close());
	return { agent, signer: identity.signer };
}

export async function identifyAway(
	authority: SoftwareAuthority,
	name: string,
): Promise<IdentityAway> {
	const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const key = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
	const signer = new SoftwareKey(privateKey);
	return { key, chain: await authority.issue(name, signer) };
}

export function opened({ key, chain }: IdentityAway): Identity {
	return { signer: new SoftwareKey(createPrivateKey(key)), chain };
}

/** Opens a buyer that was made elsewhere, who reaches others as `dial` does. */
export async function openAway(
	{ folder, agent: ofAgent, module, anchors, terms }: CustomerAway,
	dial: NonNullable<ConstructorParameters<typeof TradingAgent>[0]["dial"]>,
	stack: AsyncDisposableStack,
): Promise<Customer> {
	const policy = makePolicy({
		agencies: [parseTrustAnchor(nodeCrypto, anchors.agency)],
		banks: [parseTrustAnchor(nodeCrypto, anchors.bank)],
		suites: suitesOfNewHome(),
	});
	const path = join(folder, "purse.db");
	const purse = stack.use(
		await Purse.open({ path, issuers: takenFrom(terms) }),
	);
	const { signer, chain } = opened(ofAgent);
	const agent = new TrustedAgent({ identity: { signer, chain }, policy });
	const own = new MoneyModule({ identity: opened(module), policy, purse });
	await pairInProcess(agent, own);
	await agent.reachModule();
	stack.defer(() => agent.close());
	const store = stack.use(await AgentStore.open(folder));
	const trading = new TradingAgent({ agent, store, dial });
	return { agent, store, folder, trading };
}

/** Whose notes a purse takes that takes those of this issuer. */
function takenFrom(
	terms: IssuerTerms,
): NonNullable<Parameters<typeof Purse.open>[0]["issuers"]> {
	const undeposited = { software: MAX_AMOUNT, token: 0n, tpm: 0n };
	return [{ terms, undeposited }];
}

/** An issuer with its agent, and how the others' money got into the ledger. */
class Mint {
	readonly address: string;
	readonly terms: IssuerTerms;
	readonly #device: CertifiedDevice;
	readonly #signer: Signer;
	readonly #store: Store;

	private constructor(
		address: string,
		device: CertifiedDevice,
		signer: Signer,
		store: Store,
	) {
		const { deviceId: issuer, name } = device;
		this.address = address;
		this.terms = { issuer, name, currency: CURRENCY, isPlay: true };
		this.#device = device;
		this.#signer = signer;
		this.#store = store;
	}

	static async make(
		authorities: Authorities,
		folder: string,
		stack: AsyncDisposableStack,
	): Promise<Mint> {
		const { bank } = authorities;
		const own = await identify(bank, "mint");
		const path = join(folder, "ledger.db");
		const store = stack.use(
			await openSqliteStore({ path, schema: LEDGER_SCHEMA }),
		);
		const issuer = stack.use(
			new Issuer({
				parameters: { currency: CURRENCY, isPlay: true },
				store,
				sellingMaster: nodeCrypto.random(32),
				report: () => {},
			}),
		);
		const { agent } = await pair(authorities, stack, "clerk", own, issuer);
		const listener = stack.use(
			await listen("127.0.0.1:0", (carrier) => void answer(agent, carrier)),
		);
		const device = judge(bank, own.chain);
		return new Mint(addressOf(listener), device, own.signer, store);
	}

	openAccount(holder: CertifiedDevice): Promise<unknown> {
		return this.#store.transact(openAccount(holder.deviceId, Date.now()));
	}

	/** A purse at `path` that holds one note, which the ledger knows, as if it had been withdrawn. */
	async fill(
		path: string,
		holder: CertifiedDevice,
		holderKey: Signer,
	): Promise<void> {
		await this.openAccount(holder);
		const draft = draftNote({
			issuer: this.#device.deviceId,
			issuerCertificate: this.#device.certificateId,
			currency: CURRENCY,
			isPlay: true,
			value: VALUE,
			issued: Date.now() - 1000,
			expires: Date.now() + 30 * DAY_MS,
			holder: holder.deviceId,
			holderKey,
			serial: nodeCrypto.random(32),
		});
		const note = draft.sign(nodeCrypto, await this.#signer.sign(draft.toSign));
		const { id, document, value } = note;
		const expires = BigInt(note.expires);
		const row = {
			...{ id, holder: note.holder, value, expires, document },
			holder_certificate: holder.certificateId,
			request: nodeCrypto.random(16),
			issued: BigInt(note.issued),
		};
		await this.#store.transact(done([insert(NOTES, row)], undefined));
		const { chainHash: chain, encodedChain } = this.#device;
		const schema = purseTables.PURSE_SCHEMA;
		await using store = await openSqliteStore({ path, schema });
		await store.transact(loadPurse(nodeCrypto));
		await store.transact(
			done(
				[
					put(purseTables.ISSUER_CHAINS, { hash: chain, chain: encodedChain }),
					insert(purseTables.NOTES, {
						...{ id, document, value, expires, chain },
						issuer: note.issuer,
						currency: CURRENCY.code,
						spent: 0n,
						state: "live",
					}),
				],
				undefined,
			),
		);
	}

	/** Whose notes a purse takes. */
	get issuers(): NonNullable<Parameters<typeof Purse.open>[0]["issuers"]> {
		return takenFrom(this.terms);
	}
}

async function answer(agent: TrustedAgent, carrier: Carrier): Promise<void> {
	try {
		await (await agent.accept(carrier)).closed;
	} catch {
		// Whoever called sees it.
	}
}

function addressOf({ address }: Listener): string {
	return formatAddress(address);
}

function soldIn(folder: string): string {
	return join(folder, "sold");
}

async function openShop(
	{
		files,
		inFront,
		load,
		modules: count,
		unable,
		...place
	}: Place & {
		readonly modules: number;
		readonly unable: readonly number[];
		readonly files: Readonly<Record<string, number>>;
		readonly inFront: (shop: Shop) => Shop;
		readonly load: Partial<LoadLimits> | undefined;
	},
	report: DeviceMarket["atMerchant"],
): Promise<Merchant> {
	const { bank, mint, folder, stack } = place;
	const home = join(folder, "merchant");
	const sold = soldIn(folder);
	await mkdir(home, { mode: 0o700 });
	await mkdir(sold);
	for (const [name, bytes] of Object.entries(files))
		await writeFile(join(sold, name), nodeCrypto.random(bytes));
	const policy = load === undefined ? place.policy : { ...place.policy, load };
	const identity = await identify(place.agency, "merchant");
	const { signer } = identity;
	const agent = new TrustedAgent({ identity, policy });
	const tills: Till[] = [];
	const accesses: ModuleAccess[] = [];
	for (let number = 1; number <= count; number++) {
		const name = number === 1 ? "till" : `till-${number}`;
		const own = await identify(bank, name);
		await mint.openAccount(judge(bank, own.chain));
		const file = number === 1 ? "purse.db" : `purse-${number}.db`;
		const purse = stack.use(
			await Purse.open({
				path: join(home, file),
				issuers: mint.issuers,
				report: (said) => report(said, number),
			}),
		);
		const module = new MoneyModule({ identity: own, policy, purse });
		const till: Till = { isAway: false, cuts: [] };
		tills.push(till);
		accesses.push(await accessTo(agent, module, till));
	}
	agent.useModules(accesses);
	for (const module of agent.modules) await agent.reachModule(module);
	stack.defer(() => agent.close());
	const store = stack.use(await AgentStore.open(home));
	const trading = new TradingAgent({ agent, store, signer });
	const { terms } = mint;
	const secret = { issuer: terms.issuer, generation: 0 };
	const asked = messages.message(ABOUT_PURCHASES.selling, secret);
	for (const [at, module] of agent.modules.entries())
		if (!unable.includes(at + 1))
			await visit(agent, store, mint, { module, first: asked });
	const shop = await FolderShop.open({
		...{ home, store, terms },
		catalogue: await FolderCatalogue.read(sold, {
			currency: CURRENCY,
			price: PRICE,
		}),
	});
	const closing = new AbortController();
	const listening = Promise.withResolvers<string>();
	const selling = trading.sell("127.0.0.1:0", inFront(shop), {
		signal: closing.signal,
		modules:
			count === 1
				? []
				: agent.modules.map((deviceId) => ({
						...{ deviceId, address: "127.0.0.1:0" },
					})),
		observe(event) {
			if (event.kind === "listening" && event.module === undefined)
				listening.resolve(formatAddress(event.address));
		},
	});
	stack.defer(() => {
		closing.abort();
		return selling;
	});
	return { agent, store, tills, address: await listening.promise };
}

/** Pairs the two, and says how the one reaches the other. */
async function accessTo(
	agent: TrustedAgent,
	module: MoneyModule,
	till: Till,
): Promise<ModuleAccess> {
	const [agentEnd, moduleEnd] = memoryCarriers();
	const confirm = () => true;
	const [{ pairing }, atModule] = await Promise.all([
		agent.pair(agentEnd, { confirm }),
		module.pair(moduleEnd, { confirm, tried: () => {} }),
	]);
	return {
		pairing,
		dial() {
			if (till.isAway)
				throw new TetradError("carrier-failed", "nobody answers there");
			const [near, far] = memoryCarriers();
			till.cuts.push(() => far.destroy());
			module.serve(far, { pairing: atModule.pairing }).catch(() => {});
			return near;
		},
	};
}

/** A module meets its issuer, and does what there is to do; its agent may say something first. */
async function visit(
	agent: TrustedAgent,
	witness: AgentStore,
	{ address, terms: { issuer } }: Mint,
	{
		module,
		first,
	}: {
		/** The first one unless given. */
		readonly module?: Uint8Array | undefined;
		readonly first?: Uint8Array;
	} = {},
): Promise<void> {
	const tetrad = await agent.connect(await connect(address), { module });
	const payments = new Payments(tetrad, { witness });
	if (first !== undefined) await tetrad.module.send(first);
	await payments.settle(issuer);
	await tetrad.close();
	await payments.over;
}

async function customer(place: Place, number: number): Promise<Customer> {
	const { bank, mint, stack } = place;
	const folder = join(place.folder, `buyer-${number}`);
	await mkdir(folder, { mode: 0o700 });
	const own = await identify(bank, `purse-${number}`);
	const path = join(folder, "purse.db");
	await mint.fill(path, judge(bank, own.chain), own.signer);
	const purse = stack.use(await Purse.open({ path, issuers: mint.issuers }));
	const { agent } = await pair(place, stack, `buyer-${number}`, own, purse);
	const store = stack.use(await AgentStore.open(folder));
	return { agent, store, folder, trading: new TradingAgent({ agent, store }) };
}
