import type { CryptoProvider } from "../crypto/index.ts";
import { hex } from "../wire/index.ts";
import { chainHash } from "./chain.ts";
import type { TrustPolicy } from "./policy.ts";
import { type DeviceRole, MAX_VERDICTS } from "./profile.ts";
import {
	type CertifiedDevice,
	type TrustAnchor,
	validateChain,
} from "./validate.ts";

/**
 * `validateChain` under one policy, remembering the last `MAX_VERDICTS` chains that it accepted.
 * A refusal is not remembered, so that it costs an attacker's memory and not ours. A new policy
 * needs a new object.
 */
export class ChainVerdicts {
	readonly #crypto: CryptoProvider;
	readonly #anchors: Readonly<Record<DeviceRole, readonly TrustAnchor[]>>;
	readonly #accepted = new Map<string, CertifiedDevice>();

	constructor(crypto: CryptoProvider, policy: TrustPolicy) {
		this.#crypto = crypto;
		// Copies: the verdicts must not outlive the lists that they were reached under.
		this.#anchors = {
			agent: [...policy.agencies],
			module: [...policy.banks],
		};
	}

	/** Like `validateChain` at `now` (milliseconds since the epoch), and with the same errors. */
	judge(
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		const hash = chainHash(this.#crypto, encodedChain);
		return this.judgeNamed(hash, encodedChain, role, now);
	}

	/** As `judge`, for a caller that has computed the chain's hash itself. A hash from a peer is not that. */
	judgeNamed(
		hash: Uint8Array,
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		const key = `${role} ${hex(hash)}`;
		const known = this.#accepted.get(key);
		if (known !== undefined) {
			known.requireValid(now);
			return known;
		}
		const device = validateChain(
			this.#crypto,
			encodedChain,
			role,
			this.#anchors[role],
			now,
		);
		if (this.#accepted.size === MAX_VERDICTS) {
			// A map keeps the order of insertion.
			const [oldest] = this.#accepted.keys();
			this.#accepted.delete(oldest as string);
		}
		this.#accepted.set(key, device);
		return device;
	}
}
