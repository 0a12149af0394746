/* The stores of test/fixtures/stores, and what the program that wrote them said of them. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { chmod, copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { runAudit } from "../../src/device/issuer/audit-run.ts";
import {
	parseTrustAnchor,
	type Signer,
	type TrustAnchor,
	validateChain,
} from "../../src/identity/index.ts";
import { SoftwareKey } from "../../src/keys/software.ts";
import type { Store } from "../../src/machine/index.ts";
import type { Head, IssuerTerms } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { TownWorld } from "../money/town.ts";
import { COIN } from "../money/town.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/stores/", import.meta.url));
export const LEDGER_DUMP: string = join(FOLDER, "ledger.sql");

interface Said {
	/** Milliseconds since the epoch. */
	readonly now: number;
	readonly bank: string;
	readonly owner: string;
	readonly modules: Readonly<
		Record<
			string,
			{
				readonly key: string;
				readonly chain: string;
				readonly head: { readonly number: string; readonly hash: string };
			}
		>
	>;
	readonly purse: SaidOfPurse;
	readonly till: SaidOfPurse;
	readonly audit: unknown;
}

interface SaidOfPurse {
	readonly balances: readonly Readonly<Record<string, string>>[];
	readonly notes: readonly unknown[];
	readonly history: readonly { readonly number: string }[];
}

export const SAID: Said = JSON.parse(
	await readFile(join(FOLDER, "said.json"), "utf8"),
) as Said;

/** Puts a copy of one of them into a folder. */
export async function copyOf(
	name: "purse" | "till" | "ledger",
	folder: string,
): Promise<string> {
	const path = join(folder, `${name}.db`);
	await copyFile(join(FOLDER, `${name}.db`), path);
	await chmod(path, 0o600);
	return path;
}

const fromHex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

function keyOf(der: string): Signer {
	return new SoftwareKey(
		createPrivateKey({
			key: Buffer.from(der, "hex"),
			format: "der",
			type: "pkcs8",
		}),
	);
}

function moduleOf(name: string): Said["modules"][string] {
	const module = SAID.modules[name];
	if (module === undefined) throw new Error(`there is no ${name}`);
	return module;
}

export const OWNER: Signer = keyOf(SAID.owner);
const BANKS: readonly TrustAnchor[] = [
	parseTrustAnchor(nodeCrypto, fromHex(SAID.bank)),
];

export const WORLD: TownWorld = {
	now: SAID.now,
	policy: { agencies: [], banks: BANKS },
	async module(name) {
		const { key, chain } = moduleOf(name);
		return { signer: keyOf(key), chain: fromHex(chain), certificates: [] };
	},
};

/** How far the agent of a module knew its purse to be. */
export function headOf(name: string): Head {
	const { number, hash } = moduleOf(name).head;
	return { number: BigInt(number), hash: fromHex(hash) };
}

export function deviceIdOf(name: string): Uint8Array {
	return validateChain(
		nodeCrypto,
		fromHex(moduleOf(name).chain),
		"module",
		BANKS,
		SAID.now,
	).deviceId;
}

export const TERMS: IssuerTerms = {
	issuer: deviceIdOf("mint"),
	name: "mint",
	currency: COIN,
	isPlay: true,
};

/** As it stands in said.json. */
export function asSaid(value: unknown): unknown {
	return JSON.parse(
		JSON.stringify(value, (_, part: unknown) => {
			if (typeof part === "bigint") return String(part);
			return part instanceof Uint8Array ? hex(part) : part;
		}),
	);
}

export async function audited(
	store: Pick<Store, "snapshot">,
): Promise<unknown> {
	const { owed, ...audit } = await runAudit(TERMS, WORLD.policy, store);
	// Nothing was sold then.
	assert.equal(owed, 0n);
	return asSaid(audit);
}
