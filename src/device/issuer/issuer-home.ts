import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { ChainVerdicts, encodeChain } from "../../identity/index.ts";
import type { Store } from "../../machine/index.ts";
import {
	GRACE_DAYS,
	type IssuerParameters,
	type IssuerTerms,
	LEDGER_SCHEMA,
	MAX_GRACE_DAYS,
	MAX_NOTE_DAYS,
	NOTE_DAYS,
	requireCurrency,
} from "../../money/index.ts";
import {
	examinePostgres,
	openPostgresStore,
	openSqliteSnapshot,
	openSqliteStore,
	type PostgresExamined,
	type StoreView,
} from "../../store/index.ts";
import {
	type DatabaseLocation,
	databaseLocation,
	databaseUrl,
	isThere,
	parseJson,
	readCertificates,
	readDeviceFile,
	readPolicy,
	readText,
	replaceFile,
	serverDemands,
	unusable,
} from "../home/index.ts";
import { hasPurse, writeIssuerTerms } from "../purse/index.ts";

/*
 * The issuer in the home of a module:
 *
 *   issuer.json         its currency, how long notes live, and where its ledger is
 *   issuer.terms.json   what owners import into purses (issuer-terms.ts)
 *   ledger.db           the ledger, unless it is in PostgreSQL
 *   ledger.primary.json which server of PostgreSQL had it last, where its commits wait for a standby
 *   selling.secret      what merchants' selling secrets follow from (selling-master.ts)
 *   operator.token      what the HTTP API asks for
 *   http.json           where that is, while the issuer runs
 */

const issuerFile = z.strictObject({
	version: z.literal(1),
	currency: z
		.string()
		.regex(/^[A-Z0-9]{1,8}$/, "is not 1 to 8 capital letters or digits"),
	exponent: z.int().min(0).max(8),
	/** Play money is for trying things; nobody exchanges it for anything. */
	play: z.boolean(),
	noteDays: z.int().min(1).max(MAX_NOTE_DAYS),
	graceDays: z.int().min(0).max(MAX_GRACE_DAYS),
	/** Where the address of a PostgreSQL server stands; SQLite in the home unless given. */
	database: databaseLocation.optional(),
});

export interface IssuerSettings extends Required<IssuerParameters> {
	readonly database?: DatabaseLocation;
}

const httpFile = z.strictObject({
	version: z.literal(1),
	url: z.url(),
});

function pathIn(home: string, file: string): string {
	return join(home, file);
}

export function termsPath(home: string): string {
	return pathIn(home, "issuer.terms.json");
}

/**
 * Makes the issuer of a module's home. Throws `home-unusable` when there is one already, or a
 * purse, `not-paired`, and `invalid-argument` for settings that no issuer has.
 */
export async function makeIssuer(
	home: string,
	{
		currency,
		isPlay,
		noteDays = NOTE_DAYS,
		graceDays = GRACE_DAYS,
		database,
	}: IssuerParameters & { readonly database?: DatabaseLocation },
): Promise<IssuerTerms> {
	requireCurrency(currency);
	await readDeviceFile(home, "module");
	const path = pathIn(home, "issuer.json");
	if (await isThere(path))
		throw unusable(
			`there is an issuer in ${home}, and its money is never changed; make another issuer in another home`,
		);
	if (await hasPurse(home))
		throw unusable(
			`the module at ${home} has a purse; an issuer needs a module of its own`,
		);
	if (!(await isThere(pathIn(home, "pairing.json"))))
		throw new TetradError(
			"not-paired",
			`the module at ${home} is paired with no agent yet; an issuer is reached through one: run tetrad pair`,
		);
	const file = issuerFile.safeParse({
		version: 1,
		currency: currency.code,
		exponent: currency.exponent,
		play: isPlay,
		noteDays,
		graceDays,
		...(database === undefined ? {} : { database }),
	});
	if (!file.success)
		throw new TetradError(
			"invalid-argument",
			`notes live 1 to ${MAX_NOTE_DAYS} days, and the grace lasts 0 to ${MAX_GRACE_DAYS}`,
		);
	const terms = await termsOf(home, { currency, isPlay });
	await replaceFile(
		pathIn(home, "operator.token"),
		`${randomBytes(32).toString("hex")}\n`,
	);
	await writeIssuerTerms(termsPath(home), terms);
	// Last: a home without it has no issuer.
	await replaceFile(path, `${JSON.stringify(file.data, null, "\t")}\n`);
	return terms;
}

/** Throws `home-unusable`, also when the home has no issuer. */
export async function readIssuerSettings(
	home: string,
): Promise<IssuerSettings> {
	await readDeviceFile(home, "module");
	const path = pathIn(home, "issuer.json");
	if (!(await isThere(path)))
		throw unusable(
			`there is no issuer in ${home}; make one with: tetrad issuer init --home ${home}`,
		);
	const { currency, exponent, play, noteDays, graceDays, database } = parseJson(
		issuerFile,
		await readText(path),
		path,
	);
	return {
		currency: { code: currency, exponent },
		isPlay: play,
		noteDays,
		graceDays,
		...(database === undefined ? {} : { database }),
	};
}

/**
 * The settings, with the ledger at `asked`, which is written into them: operators at the home
 * find the same ledger when the issuer does not run. That it waits for a standby stays as it was
 * where nothing is said of it. Throws `home-unusable` when there is a ledger in the home already,
 * and `invalid-argument` when a ledger that is in no database is to wait for a standby.
 */
export async function placeLedger(
	home: string,
	asked: Partial<DatabaseLocation> | undefined,
): Promise<IssuerSettings> {
	const settings = await readIssuerSettings(home);
	if (asked === undefined) return settings;
	const database = databaseOf(settings, asked);
	if (settings.database === undefined && (await isThere(ledgerPath(home))))
		throw unusable(
			`the ledger of this issuer is ${ledgerPath(home)}, and an issuer has one; run it without --database-file`,
		);
	const path = pathIn(home, "issuer.json");
	const file = parseJson(issuerFile, await readText(path), path);
	const text = JSON.stringify({ ...file, database }, null, "\t");
	await replaceFile(path, `${text}\n`);
	return { ...settings, database };
}

function databaseOf(
	{ database: before }: IssuerSettings,
	{ synchronous = before?.synchronous, ...location }: Partial<DatabaseLocation>,
): DatabaseLocation {
	const said = synchronous === undefined ? {} : { synchronous };
	if ("file" in location || "env" in location)
		return { ...(location as DatabaseLocation), ...said };
	if (before === undefined)
		throw new TetradError(
			"invalid-argument",
			"the ledger of this issuer is in its home, where no commit waits for a standby; say with --database-file where it is in PostgreSQL",
		);
	return { ...before, ...said };
}

/** What the home's certificate and settings make of it. Its key stays closed. */
export async function termsOf(
	home: string,
	{ currency, isPlay }: Pick<IssuerParameters, "currency" | "isPlay">,
): Promise<IssuerTerms> {
	const { chain } = await readDeviceFile(home, "module");
	const [policy, certificates] = await Promise.all([
		readPolicy(home),
		readCertificates(pathIn(home, chain)),
	]);
	const { deviceId, name } = new ChainVerdicts(nodeCrypto, {
		agencies: policy.agencies,
		banks: policy.banks,
	}).judgeForLink(encodeChain(certificates), "module", Date.now());
	return { issuer: deviceId, name, currency, isPlay };
}

/** Opens the ledger for writing: one process does. Throws `busy` while another one has it. */
export async function openLedger(
	home: string,
	{ database }: IssuerSettings,
): Promise<Store> {
	return database === undefined
		? openSqliteStore({ path: ledgerPath(home), schema: LEDGER_SCHEMA })
		: openPostgresStore({
				url: await databaseUrl(home, database),
				schema: LEDGER_SCHEMA,
				...demandsOf(home, database),
			});
}

/** How the servers are that may have a ledger, in the order of their address. */
export type LedgerServers = PostgresExamined;

/** How the servers are that may have the ledger; `undefined` when it is in the home. Throws when their address cannot be read. */
export async function examineLedger(
	home: string,
	{ database }: IssuerSettings,
): Promise<LedgerServers | undefined> {
	return database === undefined
		? undefined
		: examinePostgres({
				url: await databaseUrl(home, database),
				...demandsOf(home, database),
			});
}

/** Opens the ledger for looking, also while the issuer runs; `undefined` when only the issuer itself can be asked. */
export async function viewLedger(
	home: string,
	{ database }: IssuerSettings,
): Promise<StoreView | undefined> {
	if (database !== undefined) return undefined;
	const path = ledgerPath(home);
	if (!(await isThere(path)))
		throw unusable(
			`the issuer in ${home} has no ledger yet; run: tetrad issuer run --home ${home} …`,
		);
	return openSqliteSnapshot({
		path,
		schema: LEDGER_SCHEMA,
		command: `tetrad issuer run --home ${home} --listen …`,
	});
}

function demandsOf(
	home: string,
	database: DatabaseLocation,
): ReturnType<typeof serverDemands> {
	return serverDemands(database, pathIn(home, "ledger.primary.json"));
}

function ledgerPath(home: string): string {
	return pathIn(home, "ledger.db");
}

/** The token of the home's operator. Throws `home-unusable`. */
export async function readOperatorToken(home: string): Promise<string> {
	const path = pathIn(home, "operator.token");
	const text = (await readText(path)).trim();
	if (!/^[0-9a-f]{64}$/.test(text))
		throw unusable(`${path} holds no token; it has 64 hexadecimal digits`);
	return text;
}

/** Says where the HTTP API is. */
export async function announceHttp(home: string, url: string): Promise<void> {
	const text = JSON.stringify({ version: 1, url });
	await replaceFile(pathIn(home, "http.json"), `${text}\n`);
}

export function forgetHttp(home: string): Promise<void> {
	return rm(pathIn(home, "http.json"), { force: true });
}

/** Where the HTTP API of a running issuer is, as it said itself; it may be gone. */
export async function announcedHttp(home: string): Promise<string | undefined> {
	const path = pathIn(home, "http.json");
	if (!(await isThere(path))) return undefined;
	return parseJson(httpFile, await readText(path), path).url;
}
