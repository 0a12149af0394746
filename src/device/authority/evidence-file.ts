import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	deviceId,
	parseTrustAnchor,
	type TrustAnchor,
} from "../../identity/index.ts";
import {
	type DoubleSpending,
	MAX_EVIDENCE_BYTES,
	nameInDeviceId,
	openEvidence,
} from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { readCarried } from "../home/index.ts";
import { readRoots } from "./authority-home.ts";

/** Reads evidence and judges it under these roots. Throws `file-unusable`, and as `openEvidence`. */
export async function readEvidence(
	path: string,
	banks: readonly TrustAnchor[],
): Promise<DoubleSpending> {
	const bytes = await readCarried(path, MAX_EVIDENCE_BYTES);
	try {
		return openEvidence(nodeCrypto, bytes, banks);
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		// What is wrong is the file, and not how it was asked for.
		if (code !== "invalid-argument") throw thrown;
		throw new TetradError("file-unusable", message, { cause: thrown });
	}
}

/** Roots of banks, from PEM files or the homes of authorities. Throws as `readRoots`, and `chain-refused`. */
export function readBanks(paths: readonly string[]): Promise<TrustAnchor[]> {
	return readAnchors(paths, "bank");
}

/** Roots of agencies, as `readBanks`. */
export function readAgencies(paths: readonly string[]): Promise<TrustAnchor[]> {
	return readAnchors(paths, "agency");
}

async function readAnchors(
	paths: readonly string[],
	kind: AuthorityKind,
): Promise<TrustAnchor[]> {
	const anchors: TrustAnchor[] = [];
	for (const path of paths)
		for (const der of await readRoots(path)) {
			const anchor = parseTrustAnchor(nodeCrypto, der);
			if (anchor.kind !== kind)
				throw new TetradError(
					"chain-refused",
					kind === "bank"
						? `${path} is the root of an agency; only banks certify modules`
						: `${path} is the root of a bank; only agencies certify agents`,
				);
			anchors.push(anchor);
		}
	return anchors;
}

/** The certified name of whoever did it. Throws `chain-refused` when another bank has to judge it. */
export function accusedBy(
	{ holder }: DoubleSpending,
	bank: TrustAnchor,
): string {
	const name = nameInDeviceId(holder);
	const own = deviceId(nodeCrypto, bank.certificate.spki, name);
	if (!sameBytes(holder, own))
		throw new TetradError(
			"chain-refused",
			`the module ${name} that this evidence is about was certified by another bank; take it there`,
		);
	return name;
}
