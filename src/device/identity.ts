import { type CryptoProvider, nodeCrypto } from "../crypto/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import {
	ChainVerdicts,
	type DeviceRole,
	requireDemand,
	type Signer,
} from "../identity/index.ts";
import type { DeviceContext, Policy } from "../tetrad/index.ts";
import { sameBytes } from "../wire/index.ts";

/** A device's long-term key and the chain that certifies it. */
export interface DeviceIdentity {
	readonly signer: Signer;
	/** Encoded: enc(leaf, intermediates), without the root. */
	readonly chain: Uint8Array;
}

export interface DeviceOptions {
	readonly identity: DeviceIdentity;
	readonly policy: Policy;
	/** `nodeCrypto` unless given. */
	readonly crypto?: CryptoProvider;
	/** How long an establishment, a link or a pairing may take, in milliseconds; 30 seconds unless given. */
	readonly timeoutMs?: number;
	/** Receives every secret by name. It exists for wiretap checks and debuggers. */
	readonly unsafeKeylog?: (label: string, secret: Uint8Array) => void;
}

/** Judges the own chain first: a device that its own policy refuses would be refused by everybody. */
export function makeContext(
	role: DeviceRole,
	options: DeviceOptions,
): DeviceContext {
	const { identity, policy, crypto = nodeCrypto, unsafeKeylog } = options;
	const verdicts = new ChainVerdicts(crypto, policy);
	// Without the lists that its policy demands it can start, and learn them; it makes no tetrad.
	const own = verdicts.judgeForLink(identity.chain, role, Date.now());
	requireDemand(
		own,
		role === "agent" ? "ownAgent" : "ownModule",
		policy.demands,
	);
	const { signer } = identity;
	if (
		own.algorithm !== signer.algorithm ||
		!sameBytes(own.publicKey, signer.publicKey)
	)
		throw new TetradError(
			"invalid-argument",
			`the certificate of ${own.name} is for another key than the one given`,
		);
	return {
		crypto,
		policy,
		verdicts,
		own,
		...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
	};
}

/** Signs, and hands the outcome to one of two continuations; a signer's own error becomes `key-store-failed`. */
export function signFor(
	signer: Signer,
	content: Uint8Array,
	signed: (signature: Uint8Array) => void,
	failed: (error: TetradError) => void,
): void {
	signer.sign(content).then(signed, (thrown: unknown) => {
		const error = asTetradError(thrown);
		failed(
			error.code === "internal"
				? new TetradError("key-store-failed", "the device's key did not sign", {
						cause: thrown,
					})
				: error,
		);
	});
}
