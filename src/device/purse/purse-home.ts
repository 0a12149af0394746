import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	encodeChain,
	parseCertificate,
	TAMPER_RESISTANCE,
	type TamperResistance,
	validateChain,
} from "../../identity/index.ts";
import { requireBearable } from "../../keys/index.ts";
import {
	formatAmount,
	type HolderKey,
	type IssuerTerms,
	type LimitsBody,
	loadPurse,
	type OrderBody,
	openCancellation,
	openLimits,
	openOrder,
	parseAmount,
	purseTables,
} from "../../money/index.ts";
import {
	openSqliteSnapshot,
	openSqliteStore,
	type StoreView,
} from "../../store/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	isThere,
	parseJson,
	readCertificates,
	readDeviceFile,
	readPolicy,
	readText,
	replaceFile,
	unusable,
} from "../home/index.ts";
import { termsFile, termsFromFile, termsToFile } from "./issuer-terms.ts";
import {
	type PurseBalance,
	viewBalances,
	viewUnfinished,
} from "./owner-view.ts";
import {
	mintsFile,
	type PurseMint,
	requireDistinct,
	trustedMint,
} from "./purse-mints.ts";
import { readOrders } from "./purse-orders.ts";
import { type Owner, ownerKey, type PurseOwner } from "./purse-owner.ts";

/*
 * The purse in the home of a module:
 *
 *   purse.json   whose notes it takes, how much of them undeposited, and the owner's public key
 *   purse.db     what it holds (docs/stores.md)
 *   orders/      what the owner has ordered and the module has not taken down yet (purse-orders.ts)
 */

/** Issuers that one purse knows. */
const MAX_ISSUERS = 16;

const SALT = /^[0-9a-f]{32}$/;

/** How much of an issuer's money a purse takes undeposited from payers of each level, in minor units. */
export type Undeposited = Readonly<Record<TamperResistance, bigint>>;

/** An issuer whose notes a purse takes, and how much of them it holds before they are deposited. */
export interface PurseIssuer {
	readonly terms: IssuerTerms;
	readonly undeposited: Undeposited;
}

export interface PurseSettings {
	readonly issuers: readonly PurseIssuer[];
	readonly owner: Owner;
	/** Whether it meets each issuer after every start before it pays with its notes. */
	readonly meetIssuerAtStart: boolean;
	/** Whose ecash it takes. */
	readonly mints: readonly PurseMint[];
}

const amountText = z.string().min(1).max(32);

const purseFile = z.strictObject({
	version: z.literal(1),
	issuers: z
		.array(
			z.strictObject({
				terms: termsFile,
				/** Decimal, such as "100.00"; "0" for nothing. */
				undeposited: z.strictObject({
					software: amountText,
					token: amountText,
					tpm: amountText,
				}),
			}),
		)
		.min(1)
		.max(MAX_ISSUERS),
	owner: z.union(
		[
			z.literal("unsafe-no-owner"),
			z.strictObject({
				publicKey: z.string().regex(/^[0-9a-f]{64}$/),
				salt: z.string().regex(SALT),
				cost: z.strictObject({
					memoryKib: z.int(),
					passes: z.int(),
					lanes: z.int(),
				}),
			}),
		],
		'is neither an owner\'s key nor "unsafe-no-owner"',
	),
	meetIssuerAtStart: z.boolean().optional(),
	mints: mintsFile.optional(),
});

function purseFilePath(home: string): string {
	return join(home, "purse.json");
}

export function purseStorePath(home: string): string {
	return join(home, "purse.db");
}

function isIssuer(home: string): Promise<boolean> {
	return isThere(join(home, "issuer.json"));
}

export function hasPurse(home: string): Promise<boolean> {
	return isThere(purseFilePath(home));
}

/** Reads the purse of a home. Throws `home-unusable`, also when there is none. */
export async function readPurseSettings(home: string): Promise<PurseSettings> {
	await readDeviceFile(home, "module");
	const path = purseFilePath(home);
	if (!(await isThere(path)) && (await isIssuer(home)))
		throw unusable(`${home} is the home of an issuer, and has no purse`);
	if (!(await isThere(path)))
		throw unusable(
			`there is no purse in ${home}; make one with: tetrad purse create --home ${home} --issuer issuer.terms.json`,
		);
	const file = parseJson(purseFile, await readText(path), path);
	const { issuers, owner, meetIssuerAtStart = false, mints = [] } = file;
	try {
		const known = issuers.map(({ terms, undeposited }) => {
			const read = termsFromFile(terms);
			return { terms: read, undeposited: parseLimits(undeposited, read) };
		});
		return {
			issuers: known,
			owner: owner === "unsafe-no-owner" ? owner : parseOwner(owner),
			mints: requireDistinct(
				mints.map(({ url, unit, play: isPlay }) => ({ url, unit, isPlay })),
				known.map(({ terms }) => terms),
			),
			meetIssuerAtStart,
		};
	} catch (thrown) {
		throw unusable(`${path}: ${asTetradError(thrown).message}`, thrown);
	}
}

/**
 * Writes purse.json, durably. Throws `home-unusable` when there is a purse already, and
 * `invalid-argument` for two issuers of one id or too many.
 */
async function writePurseSettings(
	home: string,
	{ issuers, owner, meetIssuerAtStart, mints }: PurseSettings,
): Promise<void> {
	await requireNoPurse(home);
	if (issuers.length === 0 || issuers.length > MAX_ISSUERS)
		throw invalid(`a purse knows 1 to ${MAX_ISSUERS} issuers`);
	for (const [i, { terms }] of issuers.entries())
		for (const other of issuers.slice(i + 1))
			if (sameBytes(terms.issuer, other.terms.issuer))
				throw invalid(`the issuer ${terms.name} is named twice`);
	const file: z.infer<typeof purseFile> = {
		version: 1,
		issuers: issuers.map(({ terms, undeposited }) => ({
			terms: termsToFile(terms),
			undeposited: {
				software: formatAmount(undeposited.software, terms.currency),
				token: formatAmount(undeposited.token, terms.currency),
				tpm: formatAmount(undeposited.tpm, terms.currency),
			},
		})),
		owner:
			owner === "unsafe-no-owner"
				? owner
				: {
						publicKey: hex(owner.publicKey),
						salt: hex(owner.salt),
						cost: { ...owner.cost },
					},
		...(meetIssuerAtStart ? { meetIssuerAtStart } : {}),
		...(mints.length === 0
			? {}
			: {
					mints: mints.map(({ url, unit, isPlay: play }) => ({
						...{ url, unit, play },
					})),
				}),
	};
	await replaceFile(
		purseFilePath(home),
		`${JSON.stringify(file, null, "\t")}\n`,
	);
}

/** Throws `home-unusable` when a home has a purse. */
async function requireNoPurse(home: string): Promise<void> {
	if (await hasPurse(home))
		throw unusable(
			`there is a purse in ${home}, and one that is there is never overwritten; to change whom it trusts, edit ${purseFilePath(home)}`,
		);
}

/**
 * Makes the purse of a module; `owner` is asked once everything else is known to be right. Throws
 * `home-unusable` when there is one already, and what `owner` throws.
 */
export async function createPurse(
	home: string,
	issuers: readonly PurseIssuer[],
	owner: () => Owner | Promise<Owner>,
	{ meetIssuerAtStart = false, mints = [] }: Partial<PurseSettings> = {},
): Promise<void> {
	await readDeviceFile(home, "module");
	await requireNoPurse(home);
	if (await isIssuer(home))
		throw unusable(
			`the module at ${home} is an issuer; a purse needs a module of its own`,
		);
	const settings: PurseSettings = {
		issuers,
		owner: await owner(),
		meetIssuerAtStart,
		mints,
	};
	const store = await openSqliteStore({
		path: purseStorePath(home),
		schema: purseTables.PURSE_SCHEMA,
	});
	try {
		await store.transact(loadPurse(nodeCrypto));
	} finally {
		await store[Symbol.asyncDispose]();
	}
	// Last: a home without it has no purse.
	await writePurseSettings(home, settings);
}

/** Looks at the purse of a home, also while its module runs. Throws `home-unusable` when there is none. */
export async function viewPurse(home: string): Promise<
	{
		readonly store: StoreView;
		readonly issuers: readonly IssuerTerms[];
	} & AsyncDisposable
> {
	const { issuers, mints } = await readPurseSettings(home);
	const store = await openSqliteSnapshot({
		path: purseStorePath(home),
		schema: purseTables.PURSE_SCHEMA,
		command: `tetrad module --home ${home} --listen …`,
	});
	return {
		store,
		issuers: [...issuers.map(({ terms }) => terms), ...mints.map(trustedMint)],
		[Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
	};
}

/** What the owner has ordered and the module has not taken down yet. What is not the owner's is left out. */
export interface WaitingOrders {
	/** To withdraw. */
	readonly orders: readonly OrderBody[];
	/** Not to do that: request ids of the orders, in hexadecimal. */
	readonly cancelled: ReadonlySet<string>;
	/** What the purse may pay: of several the one with the highest number. */
	readonly limits: LimitsBody | undefined;
}

/** Reads what waits in orders/ of a home. */
export async function viewWaiting(home: string): Promise<WaitingOrders> {
	const { owner } = await readPurseSettings(home);
	const files = await readOrders(home);
	if (files.length === 0)
		return { orders: [], cancelled: new Set(), limits: undefined };
	const purse = await moduleIdOf(home);
	const signer = {
		algorithm: "Ed25519",
		publicKey: await ownerKey(owner),
	} as const;
	const owners = <Of extends { readonly request: Uint8Array }>(
		kind: "order" | "cancel" | "limits",
		open: (document: Uint8Array) => { readonly value: Of },
	): Of[] =>
		files.flatMap((file) => {
			if (file.kind !== kind) return [];
			try {
				const { value } = open(file.document);
				return sameBytes(value.request, file.request) ? [value] : [];
			} catch {
				return [];
			}
		});
	const orders = owners("order", (document) =>
		openOrder(nodeCrypto, document, purse, signer),
	);
	const cancelled = owners("cancel", (document) =>
		openCancellation(nodeCrypto, document, purse, signer),
	);
	return {
		orders,
		cancelled: new Set(cancelled.map(({ request }) => hex(request))),
		limits: owners<LimitsBody>("limits", (document) =>
			openLimits(nodeCrypto, document, purse, signer),
		)
			.toSorted((a, b) => (a.number < b.number ? -1 : 1))
			.at(-1),
	};
}

/**
 * Throws `home-unusable` while a home's purse holds what needs the module's present key: notes are
 * made out to it, and a purse with another could neither spend them nor deliver what is in doubt.
 */
export async function requireNothingHeld(home: string): Promise<void> {
	if (!(await hasPurse(home))) return;
	await using view = await viewPurse(home);
	const { liveNotes, toDeposit, toBook, inDoubt, unanswered } =
		await viewUnfinished(view.store);
	if (liveNotes + toDeposit + toBook + inDoubt + unanswered === 0) return;
	throw unusable(
		`the purse in ${home} holds ${liveNotes} notes made out to the present key, ${toDeposit} payments to deposit, ${toBook} to book and ${inDoubt} in doubt, and waits for ${unanswered} answers of issuers; deposit first, with: tetrad purse deposit --all --home ${home}`,
	);
}

/** The device id of the module in a home, without its key. Throws `home-unusable` and `chain-refused`. */
export async function moduleIdOf(home: string): Promise<Uint8Array> {
	const { chain } = await readDeviceFile(home, "module");
	const certificates = await readCertificates(join(home, chain));
	const { banks } = await readPolicy(home);
	const { deviceId } = validateChain(
		nodeCrypto,
		encodeChain(certificates),
		"module",
		banks,
		Date.now(),
	);
	return deviceId;
}

/** What the purse of a home holds, one balance for each issuer, with what waits in orders/. Throws as `viewPurse`. */
export async function balancesOf(home: string): Promise<PurseBalance[]> {
	await using view = await viewPurse(home);
	// Before the snapshot: an order goes only when the purse knows it.
	const { orders, cancelled } = await viewWaiting(home);
	const waiting = orders.filter(({ request }) => !cancelled.has(hex(request)));
	const key = await moduleKeyOf(home);
	return await viewBalances(view.store, view.issuers, Date.now(), {
		waiting,
		key,
	});
}

/** The key that the module in a home signs with, by its certificate. Throws `home-unusable`. */
export async function moduleKeyOf(home: string): Promise<HolderKey> {
	const { chain } = await readDeviceFile(home, "module");
	const [der = new Uint8Array()] = await readCertificates(join(home, chain));
	return parseCertificate(der);
}

/** Without another word: a hundred of the currency from software, and a thousand from anything better. */
export function defaultUndeposited({ currency }: IssuerTerms): Undeposited {
	const one = 10n ** BigInt(currency.exponent);
	return { software: 100n * one, token: 1000n * one, tpm: 1000n * one };
}

/** Reads decimals, of which "0" is one here. Throws `invalid-argument`. */
export function parseLimits(
	limits: Readonly<Record<TamperResistance, string>>,
	{ currency }: IssuerTerms,
): Undeposited {
	const read = (level: TamperResistance) =>
		/^0(\.0*)?$/.test(limits[level])
			? 0n
			: parseAmount(limits[level], currency);
	return Object.fromEntries(
		TAMPER_RESISTANCE.map((level) => [level, read(level)]),
	) as Record<TamperResistance, bigint>;
}

function parseOwner(
	file: Exclude<z.infer<typeof purseFile>["owner"], string>,
): PurseOwner {
	requireBearable(file.cost);
	return {
		publicKey: fromHex(file.publicKey),
		salt: fromHex(file.salt),
		cost: file.cost,
	};
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
