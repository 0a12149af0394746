/*
 * A world to try things in, in one folder: two authorities, an issuer of play money, a shop and a
 * buyer. All keys are in clear, and the buyer's purse has no owner's secret.
 *
 *   sandbox.json     what the folder is, and whether it is whole
 *   agency/, bank/   the authorities
 *   issuer/, shop/, buyer/   the sides
 *   mint/            a play mint, where purchases can be paid with its ecash
 */
import { mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Address } from "../../carrier/index.ts";
import { formatAmount, nameInDeviceId } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { Authority, makeRoot } from "../authority/index.ts";
import {
	isThere,
	makePrivateFolder,
	parseJson,
	readHome,
	readText,
	replaceFile,
	unusable,
} from "../home/index.ts";
import { termsPath } from "../issuer/index.ts";
import { MintServer, playMoney } from "../mint/index.ts";
import {
	moduleIdOf,
	openOwner,
	Purse,
	placeLimits,
	placeWithdrawal,
	readIssuerTerms,
	trustedMint,
} from "../purse/index.ts";
import { MoneyModule } from "../runtime/index.ts";
import { readSide, type SideFile, type SideKind } from "../side/index.ts";
import {
	type Certifiers,
	deviceHome,
	makeSide,
	type NewMoney,
} from "./new-side.ts";

const SANDBOX_FILE = "sandbox.json";

const sandboxFile = z.strictObject({
	version: z.literal(1),
	/** One that is still being made, or was interrupted at that, has nothing worth keeping. */
	state: z.enum(["being-made", "made"]),
	/** Where its play mint listens, if it has one. */
	mintPort: z.int().min(1).max(65_535).optional(),
});

type SandboxFile = z.infer<typeof sandboxFile>;

/** What a process leaves that had the folder. */
const LOCK = /^lock\.(db|txt)$/;

/** What a process leaves that was killed while it wrote that. */
const DRAFT = `${SANDBOX_FILE}.new`;

const PARTS = ["agency", "bank", "issuer", "shop", "buyer", "mint"] as const;

/** The sides of a sandbox, in the order in which they start. */
export const SANDBOX_SIDES = ["issuer", "shop", "buyer"] as const;

export type SandboxSide = (typeof SANDBOX_SIDES)[number];

const CURRENCY = { code: "PLAY", exponent: 2 } as const;

/** What the buyer begins with, and may spend, in minor units. */
const MONEY = {
	balance: 100_00n,
	perPayment: 20_00n,
	perDay: 50_00n,
	approvalAbove: 10_00n,
} as const;

/** What the buyer begins with of a play mint's ecash, and may spend, in its unit. */
const ECASH = {
	unit: "sat",
	balance: 1000,
	perPayment: 200n,
	perDay: 500n,
	approvalAbove: 100n,
} as const;

/** How often shop and buyer meet the issuer, in seconds. */
const SETTLE_EVERY = 30;

/** Where the parts of a sandbox answer, such as "127.0.0.1:7000". */
interface SandboxAddresses {
	readonly issuer: string;
	readonly shop: string;
	/** Of the issuer's HTTP API. */
	readonly operators: string;
	/** The port of a play mint, where there is to be one. */
	readonly mintPort?: number;
}

export interface SandboxOptions {
	readonly addresses: SandboxAddresses;
	/** Called when something begins. */
	readonly step?: (what: string) => void;
}

/** Whether a folder has a whole sandbox. Throws `home-unusable` where there is something else than a sandbox. */
export async function hasSandbox(folder: string): Promise<boolean> {
	if (!(await isThere(folder))) return false;
	const file = join(folder, SANDBOX_FILE);
	if (await isThere(file))
		return parseJson(sandboxFile, await readText(file), file).state === "made";
	const other = (await readdir(folder)).find((name) => !LOCK.test(name));
	if (other !== undefined)
		throw unusable(
			`${folder} is not empty, and it is no sandbox: ${other} is in it; name a new folder`,
		);
	return false;
}

/**
 * Makes the sandbox of a folder that has none, or has one that was not finished. What was begun is
 * taken away again when it fails. Throws `home-unusable`.
 */
export async function makeSandbox(
	folder: string,
	options: SandboxOptions,
): Promise<void> {
	if (await hasSandbox(folder))
		throw unusable(`there is a sandbox in ${folder} already`);
	await makePrivateFolder(folder);
	await writeFileOf(folder, { state: "being-made" });
	await removeParts(folder);
	const { mintPort } = options.addresses;
	try {
		await makeParts(folder, options);
		await writeFileOf(folder, {
			state: "made",
			...(mintPort === undefined ? {} : { mintPort }),
		});
	} catch (thrown) {
		await removeParts(folder);
		await rm(join(folder, SANDBOX_FILE), { force: true });
		throw thrown;
	}
}

/** Makes a sandbox as one that was not finished: it is made anew when it is made again. */
export function forgetSandbox(folder: string): Promise<void> {
	return writeFileOf(folder, { state: "being-made" });
}

/** Takes away all that a sandbox made, and its folder unless something else is in it. Returns whether the folder is gone. */
export async function removeSandbox(folder: string): Promise<boolean> {
	if (!(await isThere(folder))) return true;
	await removeParts(folder);
	for (const name of await readdir(folder))
		if (name === SANDBOX_FILE || name === DRAFT || LOCK.test(name))
			await rm(join(folder, name), { force: true });
	try {
		await rmdir(folder);
		return true;
	} catch {
		// What somebody else put there stays.
		return false;
	}
}

function writeFileOf(
	folder: string,
	said: Omit<SandboxFile, "version">,
): Promise<void> {
	const text = JSON.stringify({ version: 1, ...said });
	return replaceFile(join(folder, SANDBOX_FILE), `${text}\n`);
}

async function removeParts(folder: string): Promise<void> {
	for (const part of PARTS)
		await rm(join(folder, part), { recursive: true, force: true });
}

async function makeParts(
	folder: string,
	{ addresses, step = () => {} }: SandboxOptions,
): Promise<void> {
	step("an agency and a bank");
	await using made = new AsyncDisposableStack();
	const found = async (kind: "agency" | "bank", name: string) => {
		const home = join(folder, kind);
		const key = { unsafeUnsealedFile: "key.pem" };
		const attests: [] = [];
		await makeRoot(home, { kind, name, algorithm: "P-256", attests, key }, {});
		return made.use(await Authority.open(home));
	};
	const [agency, bank] = await Promise.all([
		found("agency", "Sandbox Agency"),
		found("bank", "Sandbox Bank"),
	]);
	const certifiers: Certifiers = { agency, bank };
	step("an issuer of play money");
	await makeOne(folder, "issuer", certifiers, addresses, {
		kind: "issuer",
		parameters: { currency: CURRENCY, isPlay: true },
	});
	const mint = deviceHome(join(folder, "issuer"), "module");
	const terms = await readIssuerTerms(termsPath(mint));
	const { mintPort } = addresses;
	if (mintPort !== undefined) step("a play mint");
	const playMint =
		mintPort === undefined
			? undefined
			: made.use(await openMint(folder, mintPort));
	const mints =
		playMint === undefined
			? []
			: [{ url: playMint.url, unit: ECASH.unit, isPlay: true }];
	const money: NewMoney = {
		kind: "purse",
		terms,
		mints,
		owner: () => "unsafe-no-owner",
	};
	step("a shop with three things to sell");
	await makeOne(folder, "shop", certifiers, addresses, money);
	await stock(join(folder, "shop", "goods"), mints.length > 0);
	step(
		mints.length === 0
			? "a buyer with 100.00 and limits"
			: `a buyer with 100.00, ${ECASH.balance} ${ECASH.unit} of ecash, and limits`,
	);
	await makeOne(folder, "buyer", certifiers, addresses, money);
	const purseHome = deviceHome(join(folder, "buyer"), "module");
	const purse = await moduleIdOf(purseHome);
	await credit(mint, purse);
	const owner = await openOwner("unsafe-no-owner", nobody);
	const { issuer } = terms;
	const { balance: amount, ...limits } = MONEY;
	const { unit: _, balance, ...ofEcash } = ECASH;
	for (const { url } of mints)
		await receive(purseHome, await playMoney(url, balance));
	await placeWithdrawal(purseHome, owner, { purse, issuer, amount });
	const none = { perMerchantDay: undefined, inAll: undefined };
	await placeLimits(purseHome, owner, {
		purse,
		number: 1n,
		money: [
			{ issuer, ...limits, ...none },
			...mints.map((one) => ({
				...{ issuer: trustedMint(one).issuer, ...ofEcash },
				...none,
			})),
		],
		merchants: undefined,
		approveNewMerchants: false,
	});
}

function mintFile(folder: string): string {
	return join(folder, "mint", "mint.db");
}

async function openMint(folder: string, port: number): Promise<MintServer> {
	await makePrivateFolder(join(folder, "mint"));
	return MintServer.open({ path: mintFile(folder), port });
}

/** With what the play mint of a sandbox runs; nothing where it has none. */
export async function sandboxMint(
	folder: string,
): Promise<{ readonly path: string; readonly port: number } | undefined> {
	const file = join(folder, SANDBOX_FILE);
	const { mintPort } = parseJson(sandboxFile, await readText(file), file);
	return mintPort === undefined
		? undefined
		: { path: mintFile(folder), port: mintPort };
}

/** Takes a token into the purse of a module that does not run. */
async function receive(moduleHome: string, token: string): Promise<void> {
	await using home = await readHome(moduleHome, "module");
	await using purse = await Purse.openHome(moduleHome);
	await using _ = new MoneyModule({ ...home, purse });
	await purse.receive(token);
}

/** What an account begins with; one that has begun gets no more. */
async function credit(mint: string, purse: Uint8Array): Promise<void> {
	const { asOperator } = await import("../issuer/http/index.ts");
	await asOperator(mint, async (operator) => {
		await operator.open(hex(purse));
		const amount = formatAmount(MONEY.balance, CURRENCY);
		// The same reference credits once.
		const reference = `for ${nameInDeviceId(purse)} to begin with`;
		await operator.credit(hex(purse), { amount, reference });
	});
}

/** Puts 100.00 into the account of a buyer who became a part of a sandbox, whether it runs or not. */
export async function creditInSandbox(
	folder: string,
	purseHome: string,
): Promise<void> {
	const mint = deviceHome(join(folder, "issuer"), "module");
	await credit(mint, await moduleIdOf(purseHome));
}

/** A purse without an owner asks for no secret. */
function nobody(): never {
	throw unusable("a sandbox has no secrets");
}

async function makeOne(
	folder: string,
	name: SandboxSide,
	certifiers: Certifiers,
	addresses: SandboxAddresses,
	money: NewMoney,
): Promise<void> {
	const device = (deviceName: string) => ({
		name: deviceName,
		key: { unsafeUnsealedFile: "key.pem" },
		secrets: {},
	});
	await makeSide(
		{
			folder: join(folder, name),
			algorithm: "P-256",
			devices: { agent: device(name), module: device(MODULE_NAMES[name]) },
			money,
			settings: settingsOf(name, addresses),
		},
		certifiers,
	);
}

const MODULE_NAMES: Readonly<Record<SideKind, string>> = {
	issuer: "play-issuer",
	shop: "shop-till",
	buyer: "buyer-purse",
};

function settingsOf(
	name: SandboxSide,
	{ issuer, shop, operators, mintPort }: SandboxAddresses,
): SideFile {
	const mint = `http://127.0.0.1:${mintPort} ${ECASH.unit} play`;
	const side = {
		name,
		kind: name,
		module: { runs: "apart" as const },
	};
	const whose = {
		issuer: {
			at: issuer,
			terms: "issuer.terms.json",
			"settle-every": SETTLE_EVERY,
		},
	};
	switch (name) {
		case "issuer":
			return {
				...side,
				agent: { listen: issuer },
				operate: { http: operators },
			};
		case "shop":
			return {
				...side,
				...whose,
				agent: { listen: shop },
				sell: {
					folder: "goods",
					...(mintPort === undefined ? {} : { take: `notes, ${mint}` }),
				},
			};
		case "buyer":
			return {
				...side,
				...whose,
				buy: {
					folder: "inbox",
					...(mintPort === undefined ? {} : { rails: "cashu, own-notes" }),
				},
			};
	}
}

/** One file, one text, and one thing that is made on order. */
async function stock(folder: string, isForEcash: boolean): Promise<void> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	await writeFile(join(folder, "harbour.svg"), PICTURE);
	const items = [
		{
			file: "harbour.svg",
			price: "4.20",
			type: "image/svg+xml",
			description: "A harbour in the evening.",
		},
		{
			name: "licence",
			text: "KEY-7F3A-91C2",
			price: "9.00",
			description: "A key that opens nothing.",
		},
		{
			name: "capitals",
			onOrder: "tr a-z A-Z",
			price: "0.50",
			description: "Your text in capital letters.",
		},
	];
	const prices = ["42", "90", "5"].map((SAT) => ({ prices: { SAT } }));
	const priced = items.map((item, i) => ({
		...item,
		...(isForEcash ? prices[i] : {}),
	}));
	const text = JSON.stringify({ version: 1, items: priced }, null, "\t");
	await writeFile(join(folder, "catalogue.json"), `${text}\n`);
}

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200">
	<rect width="320" height="120" fill="#f7b267"/>
	<circle cx="230" cy="112" r="34" fill="#f25c54"/>
	<rect y="120" width="320" height="80" fill="#27476e"/>
	<path d="M60 132h90l-18 26H78z" fill="#1b2a41"/>
	<path d="M104 130V58l42 62z" fill="#fdf6ec"/>
</svg>
`;

/** Where others find what a sandbox has. */
export interface SandboxParts {
	/** Homes. */
	readonly agency: string;
	readonly bank: string;
	/** issuer.terms.json. */
	readonly terms: string;
	readonly issuerAt: Address;
}

/** What a side needs that becomes a part of a sandbox. Throws `home-unusable` where there is none. */
export async function sandboxParts(folder: string): Promise<SandboxParts> {
	if (!(await hasSandbox(folder)))
		throw unusable(
			`there is no sandbox in ${folder}; make one with: tetrad sandbox ${folder}`,
		);
	const { agent } = await readSide(join(folder, "issuer"), {});
	if (agent.listen === undefined)
		throw unusable(`the issuer of the sandbox in ${folder} listens nowhere`);
	return {
		agency: join(folder, "agency"),
		bank: join(folder, "bank"),
		terms: join(folder, "issuer", "issuer.terms.json"),
		issuerAt: agent.listen,
	};
}
