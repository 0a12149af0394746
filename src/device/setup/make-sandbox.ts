/*
 * A world to try things in, in one folder: two authorities, an issuer of play money, a shop and a
 * buyer. All keys are in clear, and the buyer's purse has no owner's secret.
 *
 *   sandbox.json     what the folder is, and whether it is whole
 *   agency/, bank/   the authorities
 *   issuer/, shop/, buyer/   the sides
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
	readText,
	replaceFile,
	unusable,
} from "../home/index.ts";
import { termsPath } from "../issuer/index.ts";
import {
	moduleIdOf,
	openOwner,
	placeLimits,
	placeWithdrawal,
	readIssuerTerms,
} from "../purse/index.ts";
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
});

type SandboxState = z.infer<typeof sandboxFile>["state"];

/** What a process leaves that had the folder. */
const LOCK = /^lock\.(db|txt)$/;

/** What a process leaves that was killed while it wrote that. */
const DRAFT = `${SANDBOX_FILE}.new`;

const PARTS = ["agency", "bank", "issuer", "shop", "buyer"] as const;

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

/** How often shop and buyer meet the issuer, in seconds. */
const SETTLE_EVERY = 30;

/** Where the parts of a sandbox answer, such as "127.0.0.1:7000". */
interface SandboxAddresses {
	readonly issuer: string;
	readonly shop: string;
	/** Of the issuer's HTTP API. */
	readonly operators: string;
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
	await writeState(folder, "being-made");
	await removeParts(folder);
	try {
		await makeParts(folder, options);
		await writeState(folder, "made");
	} catch (thrown) {
		await removeParts(folder);
		await rm(join(folder, SANDBOX_FILE), { force: true });
		throw thrown;
	}
}

/** Makes a sandbox as one that was not finished: it is made anew when it is made again. */
export function forgetSandbox(folder: string): Promise<void> {
	return writeState(folder, "being-made");
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

function writeState(folder: string, state: SandboxState): Promise<void> {
	const text = JSON.stringify({ version: 1, state });
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
	const money: NewMoney = {
		kind: "purse",
		terms,
		owner: () => "unsafe-no-owner",
	};
	step("a shop with three things to sell");
	await makeOne(folder, "shop", certifiers, addresses, money);
	await stock(join(folder, "shop", "goods"));
	step("a buyer with 100.00 and limits");
	await makeOne(folder, "buyer", certifiers, addresses, money);
	const purseHome = deviceHome(join(folder, "buyer"), "module");
	const purse = await moduleIdOf(purseHome);
	await credit(mint, purse);
	const owner = await openOwner("unsafe-no-owner", nobody);
	const { issuer } = terms;
	const { balance: amount, ...limits } = MONEY;
	await placeWithdrawal(purseHome, owner, { purse, issuer, amount });
	const none = { perMerchantDay: undefined, inAll: undefined };
	await placeLimits(purseHome, owner, {
		purse,
		number: 1n,
		money: [{ issuer, ...limits, ...none }],
		merchants: undefined,
		approveNewMerchants: false,
	});
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
	issuer: "play-mint",
	shop: "shop-till",
	buyer: "buyer-purse",
};

function settingsOf(
	name: SandboxSide,
	{ issuer, shop, operators }: SandboxAddresses,
): SideFile {
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
				sell: { folder: "goods" },
			};
		case "buyer":
			return { ...side, ...whose, buy: { folder: "inbox" } };
	}
}

/** One file, one text, and one thing that is made on order. */
async function stock(folder: string): Promise<void> {
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
	const text = JSON.stringify({ version: 1, items }, null, "\t");
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
