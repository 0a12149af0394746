import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import {
	isPurchaseReceipt,
	MAX_PURCHASE_RECEIPT_BYTES,
	openPurchaseReceipt,
	type ProvedPurchase,
} from "../../trade/documents/index.ts";
import {
	isMerchandiseEvidence,
	MAX_MERCHANDISE_EVIDENCE_BYTES,
	openMerchandiseEvidence,
	type WrongChunk,
} from "../../trade/merchandise/index.ts";
import { readCarried } from "../home/index.ts";

/** By whom devices were certified, as whoever judges sees it. */
export interface Authorities {
	readonly agencies: readonly TrustAnchor[];
	readonly banks: readonly TrustAnchor[];
}

/** What a file proves of a purchase. */
export type PurchaseProof =
	| { readonly kind: "receipt"; readonly proved: ProvedPurchase }
	| { readonly kind: "wrong-chunk"; readonly proved: WrongChunk };

/**
 * Reads what proves something of a purchase and judges it under these roots, or `undefined` when
 * the file is none of that. Throws `file-unusable`, `invalid-argument` where roots are missing, and
 * as `openPurchaseReceipt` and `openMerchandiseEvidence`.
 */
export async function readPurchaseProof(
	path: string,
	authorities: Authorities,
): Promise<PurchaseProof | undefined> {
	const longest = Math.max(
		MAX_PURCHASE_RECEIPT_BYTES,
		MAX_MERCHANDISE_EVIDENCE_BYTES,
	);
	const file = await readCarried(path, longest).catch(() => undefined);
	if (file === undefined) return undefined;
	const certified = (chain: Uint8Array, role: DeviceRole, at: number) =>
		certifiedBy(authorities, chain, role, at);
	if (isPurchaseReceipt(file)) {
		requireRoots(authorities, ["agencies", "banks"]);
		const proved = openPurchaseReceipt(nodeCrypto, file, certified);
		return { kind: "receipt", proved };
	}
	if (isMerchandiseEvidence(file)) {
		requireRoots(authorities, ["agencies"]);
		try {
			const proved = openMerchandiseEvidence(nodeCrypto, file, (chain, at) =>
				certified(chain, "agent", at),
			);
			return { kind: "wrong-chunk", proved };
		} catch (thrown) {
			const { code, message } = asTetradError(thrown);
			// What is wrong is the file, and not how it was asked for.
			if (code !== "invalid-argument") throw thrown;
			throw new TetradError("malformed", message, { cause: thrown });
		}
	}
	return undefined;
}

function certifiedBy(
	{ agencies, banks }: Authorities,
	chain: Uint8Array,
	role: DeviceRole,
	at: number,
): CertifiedDevice {
	const anchors = role === "agent" ? agencies : banks;
	return validateChain(nodeCrypto, chain, role, anchors, at);
}

function requireRoots(
	authorities: Authorities,
	kinds: readonly (keyof Authorities)[],
): void {
	for (const kind of kinds)
		if (authorities[kind].length === 0)
			throw new TetradError(
				"invalid-argument",
				kind === "agencies"
					? "say which agency certified the merchant's agent, with --agency"
					: "say which bank certified the merchant's module, with --bank",
			);
}
