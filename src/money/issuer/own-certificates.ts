import { TetradError } from "../../errors.ts";
import {
	type Certificate,
	type CertifiedDevice,
	certificateId,
	parseChain,
	parseTrustAnchor,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { MAX_OWN_CERTIFICATES, type Note } from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";

/**
 * The issuer's own certificates. What it signed under one while that was valid stays good: a note
 * counts only when the ledger has it, and outlives the certificate by the grace.
 */
export class OwnCertificates {
	readonly #context: MoneyContext;
	readonly #anchor: TrustAnchor;
	readonly #known = new Map<string, CertifiedDevice>();

	constructor(context: MoneyContext) {
		const { crypto, own } = context;
		const root = own.path[own.path.length - 1] as Certificate;
		this.#context = context;
		this.#anchor = parseTrustAnchor(crypto, root.der);
	}

	/** The one that signed a note; `chains` came with it. Throws `payment-refused`, and as `validateChain`. */
	of(
		{ issuer, issuerCertificate, issued }: Note,
		chains: readonly Uint8Array[],
	): CertifiedDevice {
		const { own } = this.#context;
		if (!sameBytes(issuer, own.deviceId))
			throw refused("a note of this transfer was issued by somebody else");
		if (sameBytes(issuerCertificate, own.certificateId)) return own;
		const found =
			this.#known.get(hex(issuerCertificate)) ??
			this.#learn(issuerCertificate, chains, issued);
		found.requireValid(issued);
		return found;
	}

	#learn(
		certificate: Uint8Array,
		chains: readonly Uint8Array[],
		issued: number,
	): CertifiedDevice {
		const { crypto, own } = this.#context;
		for (const chain of chains) {
			// Another one that came along need not have been valid then.
			const [leaf] = parseChain(chain);
			if (
				leaf === undefined ||
				!sameBytes(certificateId(crypto, leaf), certificate)
			)
				continue;
			const device = validateChain(
				crypto,
				chain,
				"module",
				[this.#anchor],
				issued,
			);
			if (!sameBytes(device.deviceId, own.deviceId)) continue;
			if (this.#known.size >= MAX_OWN_CERTIFICATES) this.#known.clear();
			this.#known.set(hex(certificate), device);
			return device;
		}
		throw refused(
			"the chain under which a note of this transfer was signed is missing",
		);
	}
}

export function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
