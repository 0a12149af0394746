/*
 * A side is made in steps, each of which does nothing when it is done already: whatever is
 * interrupted goes on when it is asked for again.
 *
 *   agent/, module/      keys and requests, then certificates (device/authority)
 *   pairing.json         in both homes
 *   module/purse.json    or, of an issuer, module/issuer.json
 *   issuer.terms.json    and folders for goods
 *   tetrad.toml          last: a folder without it is no side
 */
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import type { DeviceRole } from "../../identity/index.ts";
import { parsePemBlock } from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import type { IssuerParameters, IssuerTerms } from "../../money/index.ts";
import {
	type Authority,
	beginEnrolment,
	type CarriedRequest,
	finishEnrolment,
} from "../authority/index.ts";
import {
	type DatabaseLocation,
	type HomeSecrets,
	isThere,
	makePrivateFolder,
	unusable,
} from "../home/index.ts";
import { makeIssuer, readIssuerSettings, termsOf } from "../issuer/index.ts";
import {
	createPurse,
	defaultUndeposited,
	hasPurse,
	type Owner,
	type PurseMint,
	writeIssuerTerms,
} from "../purse/index.ts";
import {
	isSide,
	makeRunFolder,
	type SideFile,
	writeSide,
} from "../side/index.ts";
import { pairHomes } from "./pair-homes.ts";

/** One of the two devices of a side that is to be made. */
interface NewSideDevice {
	/** The name to certify. */
	readonly name: string;
	readonly key: KeyLocation;
	readonly secrets: HomeSecrets;
}

/** What the module is to have. */
export type NewMoney =
	| {
			readonly kind: "purse";
			readonly terms: IssuerTerms;
			/** Whose ecash it takes; nobody's unless given. */
			readonly mints?: readonly PurseMint[];
			/** Asked once everything else is there. */
			readonly owner: () => Owner | Promise<Owner>;
	  }
	| {
			readonly kind: "issuer";
			readonly parameters: IssuerParameters & {
				readonly database?: DatabaseLocation;
			};
	  };

/** What a side is to be. */
export interface NewSide {
	readonly folder: string;
	readonly algorithm: SignatureAlgorithm;
	readonly devices: Readonly<Record<DeviceRole, NewSideDevice>>;
	readonly money: NewMoney;
	/** What its tetrad.toml says. */
	readonly settings: SideFile;
}

/** Who certifies both devices, on this machine. */
export interface Certifiers {
	readonly agency: Authority;
	readonly bank: Authority;
}

/** Where a device of a side has its home. */
export function deviceHome(folder: string, role: DeviceRole): string {
	return join(folder, role);
}

/** Whether a device of a side has its certificate. */
export function isCertified(
	folder: string,
	role: DeviceRole,
): Promise<boolean> {
	return isThere(join(deviceHome(folder, role), "device.json"));
}

/**
 * Makes the folder of a side, for its owner only. Throws `home-unusable` where there is a side
 * already, or anything else than one of the files that are named.
 */
export async function makeSideFolder(
	folder: string,
	known: readonly string[],
): Promise<void> {
	if (await isSide(folder))
		throw unusable(
			`there is a side in ${folder}, and it is never made anew; run it with: tetrad up --home ${folder}`,
		);
	if (await isThere(folder)) {
		const others = (await readdir(folder)).filter(
			(name) => !known.includes(name.replace(DRAFT, "")),
		);
		if (others.length > 0)
			throw unusable(
				`${folder} is not empty: ${others[0]} is in it; name a new folder`,
			);
		await chmod(folder, 0o700);
	}
	await makePrivateFolder(folder);
}

/** How a file ends that a process was writing when it was killed. */
const DRAFT = /(\.[0-9a-f]{16})?\.new$/;

/** What is in the folder of a side before it is one. */
export const UNFINISHED: readonly string[] = [
	"agent",
	"module",
	"inbox",
	"goods",
	"run",
	"issuer.terms.json",
	"tetrad.toml",
];

/** Makes the key of a device, and the request for its certificate. Throws as `beginEnrolment` does. */
export function requestDevice(
	{ folder, devices, algorithm }: NewSide,
	role: DeviceRole,
): Promise<CarriedRequest> {
	const { name, key, secrets } = devices[role];
	const device = { role, name, algorithm, key };
	return beginEnrolment(deviceHome(folder, role), device, secrets);
}

/** Has both devices certified on this machine, and makes all else of the side. */
export async function makeSide(
	side: NewSide,
	certifiers: Certifiers,
): Promise<void> {
	const { agency, bank } = certifiers;
	const of = { agent: agency, module: bank };
	const agencies = [agency.anchor.certificate.der];
	const banks = [bank.anchor.certificate.der];
	for (const role of ["agent", "module"] as const) {
		if (await isCertified(side.folder, role)) continue;
		const { pem } = await requestDevice(side, role);
		const request = parsePemBlock(pem, "CERTIFICATE REQUEST");
		const { chain } = await of[role].certify(request, {});
		const home = deviceHome(side.folder, role);
		await finishEnrolment(home, { chain, agencies, banks });
	}
	await completeSide(side);
}

/** Makes all of a side that comes after its certificates; what is given is done before the folder says that it is one. */
export async function completeSide(
	side: NewSide,
	beforeItIsOne: () => Promise<void> = async () => {},
): Promise<void> {
	const { folder, devices, settings } = side;
	const [agent, module] = [
		deviceHome(folder, "agent"),
		deviceHome(folder, "module"),
	];
	if (!(await isThere(join(module, "pairing.json"))))
		await pairHomes(agent, module, {
			agent: devices.agent.secrets,
			module: devices.module.secrets,
		});
	const terms = await makeMoney(module, side.money);
	await writeIssuerTerms(join(folder, "issuer.terms.json"), terms);
	for (const path of [settings.buy?.folder, settings.sell?.folder])
		if (path !== undefined)
			await mkdir(join(folder, path), { mode: 0o700, recursive: true });
	await makeRunFolder({ path: folder });
	await beforeItIsOne();
	await writeSide(folder, settings);
}

async function makeMoney(home: string, money: NewMoney): Promise<IssuerTerms> {
	switch (money.kind) {
		case "purse": {
			const { terms, owner, mints = [] } = money;
			const undeposited = defaultUndeposited(terms);
			if (!(await hasPurse(home)))
				await createPurse(home, [{ terms, undeposited }], owner, { mints });
			return terms;
		}
		case "issuer":
			return (await isThere(join(home, "issuer.json")))
				? termsOf(home, await readIssuerSettings(home))
				: makeIssuer(home, money.parameters);
	}
}
