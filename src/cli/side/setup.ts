/*
 * Making a side. What was answered stands in setup.json of its folder until the side is made, so
 * that the command goes on when it is given again.
 */
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
	Authority,
	finishEnrolment,
	readRoots,
} from "../../device/authority/index.ts";
import {
	askOnce,
	type HomeSecrets,
	isThere,
	parseJson,
	readCarriedPem,
	readText,
	replaceFile,
	unusable,
	writeCarried,
} from "../../device/home/index.ts";
import {
	moduleIdOf,
	newOwner,
	readIssuerTerms,
	writeIssuerTerms,
} from "../../device/purse/index.ts";
import {
	completeSide,
	creditInSandbox,
	deviceHome,
	freePorts,
	isCertified,
	makeSideFolder,
	type NewMoney,
	type NewSide,
	requestDevice,
	sandboxParts,
	UNFINISHED,
} from "../../device/setup/index.ts";
import { ANSWERS_FILE, isSide } from "../../device/side/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type DeviceRole,
	MAX_CHAIN_BYTES,
	parsePem,
	parsePemBlock,
} from "../../identity/index.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { ourName, word } from "../our-name.ts";
import { ownerSecret, secretsOf } from "../secrets.ts";
import { plain, say, sayJson, tell } from "../voice.ts";
import { askText, canAsk } from "./ask-text.ts";
import {
	type Answers,
	answersFile,
	answersOf,
	type SetupFlags,
} from "./setup-answers.ts";

export type { SetupFlags } from "./setup-answers.ts";

const TERMS = "issuer.terms.json";
const ROLES = ["agent", "module"] as const;
const REQUESTS: readonly string[] = ROLES.map((role) => `${role}.csr`);

export async function setup(given: SetupFlags): Promise<void> {
	const folder = resolve(await folderOf(given));
	const file = join(folder, ANSWERS_FILE);
	const begun = (await isThere(file))
		? parseJson(answersFile, await readText(file), file)
		: undefined;
	if (begun === undefined) await requireFree(folder);
	else if (begun.settings.kind !== given.kind)
		throw unusable(
			`${folder} is being set up as ${begun.settings.kind}, and not as ${given.kind}; go on as it was begun, or name another folder`,
		);
	const flags = await withSandbox({
		...given,
		...defined({ sandbox: given.sandbox ?? begun?.sandbox }),
	});
	if (begun !== undefined && (await isSide(folder)))
		return finish(await sideOf(folder, begun, flags), flags.json === true);
	requireSecrets(flags, begun);
	requireMissing(flags, begun);
	const terms = await termsOf(flags, folder, begun);
	const answers = begun ?? (await answersOf(flags, folder));
	const certifying = begun === undefined ? await withAuthorities(flags) : flags;
	await makeSideFolder(folder, [ANSWERS_FILE, ...REQUESTS, ...UNFINISHED]);
	await replaceFile(file, `${JSON.stringify(answers, null, "\t")}\n`);
	if (terms !== undefined) await writeIssuerTerms(join(folder, TERMS), terms);
	const side = await sideOf(folder, answers, flags);
	const waiting = await certify(side, certifying);
	if (waiting.length > 0) return sayWaiting(side, waiting, flags.json === true);
	const { sandbox } = flags;
	await completeSide(side, async () => {
		if (sandbox !== undefined && flags.kind === "buyer")
			await creditInSandbox(sandbox, deviceHome(folder, "module"));
	});
	await finish(side, flags.json === true);
}

/** The side is made, and what was kept to go on with is not needed any more. */
async function finish(side: NewSide, json: boolean): Promise<void> {
	// The answers come last: as long as they are there, it goes on.
	for (const name of [...REQUESTS, ANSWERS_FILE])
		await rm(join(side.folder, name), { force: true });
	await sayDone(side, json);
}

/** In a sandbox everything is known. */
async function withSandbox(flags: SetupFlags): Promise<SetupFlags> {
	if (flags.sandbox === undefined) return flags;
	for (const name of ["agency", "bank", "issuer", "issuerAt"] as const)
		if (flags[name] !== undefined)
			throw invalid(
				"--agency, --bank, --issuer and --issuer-at are those of the sandbox; leave them out with --sandbox",
			);
	const { agency, bank, terms, issuerAt } = await sandboxParts(flags.sandbox);
	const [port = 0, operators = 0] = await freePorts(2);
	const at = (free: number) =>
		({ kind: "tcp", host: "127.0.0.1", port: free }) as const;
	return {
		...flags,
		agency: [agency],
		bank: [bank],
		...(flags.kind === "issuer" ? {} : { issuer: terms, issuerAt }),
		...(flags.listen === undefined && flags.kind !== "buyer"
			? { listen: at(port) }
			: {}),
		...(flags.http === undefined ? { http: at(operators) } : {}),
		unsafeUnsealedKey: true,
		unsafeNoOwner: true,
	};
}

async function folderOf({ folder, name, kind }: SetupFlags): Promise<string> {
	const said = folder ?? name;
	if (said !== undefined) return said;
	if (!canAsk()) throw invalid(`say where: tetrad setup ${kind} FOLDER`);
	return askText(
		"where shall it be made",
		(answer) => {
			if (answer === "") throw invalid("name a folder");
			return answer;
		},
		kind,
	);
}

/** Before anybody is asked anything. */
async function requireFree(folder: string): Promise<void> {
	if (!(await isThere(folder))) return;
	if (await isSide(folder))
		throw unusable(
			`there is a side in ${folder}, and it is never made anew; run it with: tetrad up --home ${folder}`,
		);
	const other = (await readdir(folder)).find(
		(name) => name !== `${ANSWERS_FILE}.new`,
	);
	if (other !== undefined)
		throw unusable(
			`${folder} is not empty: ${other} is in it; name a new folder`,
		);
}

/** Throws `invalid-argument` where a secret would have to be asked for and nobody can be. */
function requireSecrets(flags: SetupFlags, begun: Answers | undefined): void {
	if (canAsk()) return;
	const isSealed = (role: DeviceRole) =>
		begun === undefined
			? flags.unsafeUnsealedKey !== true && flags[`${role}Key`] === undefined
			: "file" in begun.keys[role];
	const missing = (["agent", "module"] as const)
		.filter(
			(role) =>
				isSealed(role) &&
				flags[`${role}PassphraseFile`] === undefined &&
				flags[`${role}PassphraseEnv`] === undefined,
		)
		.map((role) => `--${role}-passphrase-file`);
	const hasOwner =
		flags.kind !== "issuer" &&
		(begun?.hasOwner ?? flags.unsafeNoOwner !== true);
	if (
		hasOwner &&
		flags.ownerPassphraseFile === undefined &&
		flags.ownerPassphraseEnv === undefined
	)
		missing.push("--owner-passphrase-file");
	if (missing.length > 0)
		throw invalid(
			`there is no terminal to ask for passphrases; say where they are: ${missing.join(", ")}`,
		);
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}

/** Throws `invalid-argument`, naming all that nobody can be asked for. */
function requireMissing(flags: SetupFlags, begun: Answers | undefined): void {
	if (canAsk() || begun !== undefined) return;
	const missing =
		flags.kind === "issuer"
			? [flags.currency ?? "--currency CODE"]
			: [
					flags.issuer ?? "--issuer FILE",
					flags.issuerAt ?? "--issuer-at ADDRESS",
				];
	const flagged = missing.filter((said) => String(said).startsWith("--"));
	if (flagged.length > 0)
		throw invalid(
			`there is no terminal to ask at; say ${flagged.join(" and ")}, or --sandbox FOLDER`,
		);
}

/** Whose money a buyer or a shop uses. */
async function termsOf(
	{ kind, issuer }: SetupFlags,
	folder: string,
	begun: Answers | undefined,
): Promise<IssuerTerms | undefined> {
	if (kind === "issuer") return undefined;
	if (issuer !== undefined) return readIssuerTerms(issuer);
	if (begun !== undefined) return readIssuerTerms(join(folder, TERMS));
	return askText(
		"issuer.terms.json of the issuer whose money it uses",
		readIssuerTerms,
	);
}

/** A request is written where nobody certifies on this machine. */
async function withAuthorities(flags: SetupFlags): Promise<SetupFlags> {
	const { agency, bank, agentChain, moduleChain } = flags;
	if (
		[agency, bank, agentChain, moduleChain].some((said) => said !== undefined)
	)
		return flags;
	if (!canAsk()) return flags;
	const paths = async (kind: string): Promise<string[]> =>
		askText(
			`the folder of ${kind} on this machine, or nothing to write a request to one elsewhere`,
			async (answer) => {
				if (answer !== "") await readRoots(answer);
				return answer === "" ? [] : [answer];
			},
		);
	const [agencies, banks] = [await paths("an agency"), await paths("a bank")];
	return {
		...flags,
		...(agencies.length === 0 ? {} : { agency: agencies }),
		...(banks.length === 0 ? {} : { bank: banks }),
	};
}

// Making it.

/** What each device is called by its authority, after the name of the side. */
const MODULE_SUFFIX = { buyer: "purse", shop: "till", issuer: "mint" } as const;

async function sideOf(
	folder: string,
	answers: Answers,
	flags: SetupFlags,
): Promise<NewSide> {
	const { algorithm, keys, settings } = answers;
	const { name, kind } = settings;
	const names = { agent: name, module: `${name}-${MODULE_SUFFIX[kind]}` };
	const device = (role: DeviceRole) => ({
		name: names[role],
		key: keys[role],
		secrets: askedOnce(
			secretsOf({
				...defined({
					passphraseFile: flags[`${role}PassphraseFile`],
					passphraseEnv: flags[`${role}PassphraseEnv`],
					pinFile: flags[`${role}PinFile`],
					pinEnv: flags[`${role}PinEnv`],
				}),
			}),
		),
	});
	return {
		folder,
		algorithm,
		devices: { agent: device("agent"), module: device("module") },
		money: await moneyOf(folder, answers, flags),
		settings,
	};
}

/** A key is sealed with a passphrase and opened again in one command. */
function askedOnce(secrets: HomeSecrets): HomeSecrets {
	const { passphrase } = secrets;
	return passphrase === undefined
		? secrets
		: { ...secrets, passphrase: askOnce(passphrase).ask };
}

async function moneyOf(
	folder: string,
	{ currency, hasOwner }: Answers,
	flags: SetupFlags,
): Promise<NewMoney> {
	if (currency !== undefined) {
		const { code, exponent, isPlay } = currency;
		return {
			kind: "issuer",
			parameters: { currency: { code, exponent }, isPlay },
		};
	}
	const home = deviceHome(folder, "module");
	return {
		kind: "purse",
		terms: await readIssuerTerms(join(folder, TERMS)),
		owner: () =>
			hasOwner ? newOwner(ownerSecret({ ...flags, home })) : "unsafe-no-owner",
	};
}

/** A request that its authority has to answer. */
interface Waiting {
	readonly role: DeviceRole;
	readonly file: string;
	readonly sha256: string;
}

/** Certifies each device that is not certified, as far as its authority or its answer is here. */
async function certify(side: NewSide, flags: SetupFlags): Promise<Waiting[]> {
	const { agency: agencies = [], bank: banks = [] } = flags;
	const waiting: Waiting[] = [];
	for (const role of ROLES) {
		if (await isCertified(side.folder, role)) continue;
		const { pem, hash } = await requestDevice(side, role);
		const chain =
			(await chainFrom(flags[`${role}Chain`])) ??
			(await chainOf(role, pem, flags));
		if (chain === undefined) {
			const file = join(side.folder, `${role}.csr`);
			await writeCarried(file, pem);
			waiting.push({ role, file, sha256: hash });
			continue;
		}
		if (agencies.length === 0 || banks.length === 0)
			throw invalid(
				"say whom both devices shall trust: --agency PATH and --bank PATH, each a root.pem or the home of an authority",
			);
		await finishEnrolment(deviceHome(side.folder, role), {
			chain,
			agencies: (await Promise.all(agencies.map(readRoots))).flat(),
			banks: (await Promise.all(banks.map(readRoots))).flat(),
		});
	}
	return waiting;
}

async function chainFrom(
	file: string | undefined,
): Promise<readonly Uint8Array[] | undefined> {
	return file === undefined
		? undefined
		: readCarriedPem(file, 2 * MAX_CHAIN_BYTES, parsePem);
}

/** Of an authority on this machine. */
async function chainOf(
	role: DeviceRole,
	pem: string,
	flags: SetupFlags,
): Promise<readonly Uint8Array[] | undefined> {
	const kind = role === "agent" ? "agency" : "bank";
	const home = (flags[kind] ?? []).find((path) => !path.endsWith(".pem"));
	if (home === undefined) return undefined;
	const secrets = secretsOf(
		defined({
			passphraseFile: flags[`${kind}PassphraseFile`],
			passphraseEnv: flags[`${kind}PassphraseEnv`],
		}),
	);
	await using authority = await Authority.open(home, secrets);
	if (authority.kind !== kind)
		throw invalid(
			`--${kind} names ${authority.kind === "bank" ? "a bank" : "an agency"}`,
		);
	const request = parsePemBlock(pem, "CERTIFICATE REQUEST");
	return (await authority.certify(request, {})).chain;
}

// Saying what came of it.

function sayWaiting(
	{ folder, settings }: NewSide,
	waiting: readonly Waiting[],
	json: boolean,
): void {
	const { kind } = settings;
	const flags = waiting.map(({ role }) => `--${role}-chain FILE`).join(" ");
	const next = `${ourName()} setup ${kind} ${word(folder)} ${flags} --agency ROOT --bank ROOT`;
	if (json)
		return sayJson({
			state: "waiting",
			kind,
			home: folder,
			requests: waiting,
			next,
		});
	say("made the keys; their authorities have to certify them:");
	for (const { role, file, sha256 } of waiting) {
		say(`  ${file}  goes to ${role === "agent" ? "the agency" : "the bank"}`);
		say(`    SHA-256 ${sha256}`);
	}
	say(`then go on with: ${next}`);
}

async function sayDone(side: NewSide, json: boolean): Promise<void> {
	const { folder, settings, devices, money } = side;
	const { kind, name } = settings;
	const deviceId = hex(await moduleIdOf(deviceHome(folder, "module")));
	const next = `${ourName()} up --home ${word(folder)}`;
	const address = settings.agent?.listen;
	if (json)
		return sayJson({
			state: "ready",
			kind,
			name,
			home: folder,
			agent: devices.agent.name,
			module: devices.module.name,
			deviceId,
			...(address === undefined ? {} : { address }),
			next,
		});
	say(
		`${name} is ready in ${folder}: the agent ${devices.agent.name} and the module ${devices.module.name}, paired`,
	);
	if (kind === "shop") say(`what it sells goes into ${join(folder, "goods")}`);
	if (address !== undefined) say(`others will reach it at ${address}`);
	if (kind === "issuer") say(`purses need ${join(folder, TERMS)}`);
	if (money.kind === "purse" && kind === "buyer")
		say(
			`once ${plain(money.terms.name)} has credited ${devices.module.name}, and it runs: ${ourName()} purse withdraw 100 --home ${word(folder)}`,
		);
	if (
		devices.agent.key !== undefined &&
		"unsafeUnsealedFile" in devices.agent.key
	)
		tell("its keys are in clear: this is for trying things");
	say(`run it with: ${next}`);
}

/** An object without its undefined values. */
function defined<Of extends object>(
	values: Of,
): { [Name in keyof Of]?: Exclude<Of[Name], undefined> } {
	return Object.fromEntries(
		Object.entries(values).filter(([, value]) => value !== undefined),
	) as { [Name in keyof Of]?: Exclude<Of[Name], undefined> };
}
