import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, type TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";
import type { FreshnessLimits, TrustPolicy } from "../policy.ts";
import { UntrustedLists } from "../untrusted/index.ts";
import {
	type CertifiedDevice,
	chainHash,
	type DeviceRole,
	MAX_VERDICTS,
	type TrustAnchor,
	validateChain,
} from "../x509/index.ts";

interface Verdict {
	readonly device: CertifiedDevice;
	/** Of the lists that it was reached under. */
	generation: number;
	/** Until when those lists are fresh enough; milliseconds since the epoch. */
	freshUntil: number;
}

/**
 * `validateChain` under one policy and its untrusted lists, remembering the last `MAX_VERDICTS`
 * chains that it accepted, and as many that it found certified. A refusal is not remembered, so that it costs an attacker's memory
 * and not ours. A remembered verdict is held against the lists again when one has changed, and
 * otherwise costs a comparison. A new policy needs a new object.
 */
export class ChainVerdicts {
	/** The lists that every verdict is held against; they may grow at any time. */
	readonly lists: UntrustedLists;
	readonly #crypto: CryptoProvider;
	readonly #anchors: Readonly<Record<DeviceRole, readonly TrustAnchor[]>>;
	readonly #limits: FreshnessLimits | undefined;
	readonly #accepted = new Map<string, Verdict>();
	/** Whom a trusted root has certified: its signatures need no second look. */
	readonly #certified = new Map<string, CertifiedDevice>();

	/** `lists` are those of the same roots; without them it starts with none. Throws like `UntrustedLists`. */
	constructor(
		crypto: CryptoProvider,
		policy: TrustPolicy,
		lists: UntrustedLists = new UntrustedLists(crypto, policy),
	) {
		this.#crypto = crypto;
		this.lists = lists;
		// Copies: the verdicts must not outlive the lists that they were reached under.
		this.#anchors = {
			agent: [...policy.agencies],
			module: [...policy.banks],
		};
		this.#limits = policy.untrustedLists && { ...policy.untrustedLists };
	}

	/**
	 * Like `validateChain` at `now` (milliseconds since the epoch), and with the same errors.
	 * Throws `untrusted` when a certificate of the path is on its issuer's list,
	 * `recertification-due` when it is older than its issuer asks for, and `list-stale` when the
	 * policy demands a list that is not held or is too old.
	 */
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
		const key = keyOf(role, hash);
		const known = this.#accepted.get(key);
		if (known !== undefined) {
			known.device.requireValid(now);
			this.#requireListed(known, now);
			return known.device;
		}
		const device = this.#certifiedAt(key, encodedChain, role, now);
		const verdict: Verdict = { device, generation: -1, freshUntil: 0 };
		this.#requireListed(verdict, now);
		remember(this.#accepted, key, verdict);
		return device;
	}

	/**
	 * As `judge`, for a device that wants a new certificate: it may be older than its issuer asks
	 * for, and lists that are held count however old they are. Nothing else may rely on it.
	 */
	judgeForRecertification(
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		return this.#trustedAt(encodedChain, role, now);
	}

	/**
	 * Whom a trusted root certified under a chain, whenever that was, and whatever lists say since.
	 * It is no reason to trust anybody: for what was agreed on before, and is to be told apart from
	 * what somebody made up.
	 */
	certified(encodedChain: Uint8Array, role: DeviceRole): CertifiedDevice {
		// Neither time nor lists change the answer.
		const key = keyOf(role, chainHash(this.#crypto, encodedChain));
		const known = this.#certified.get(key);
		if (known !== undefined) return known;
		const device = this.#validate(encodedChain, role, undefined);
		remember(this.#certified, key, device);
		return device;
	}

	/**
	 * As `judgeForRecertification`, for the two ends of a link, who are of one owner and tell each
	 * other of lists over it. Whether a tetrad may be made is asked again, of `judge`.
	 */
	judgeForLink(
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		return this.judgeForRecertification(encodedChain, role, now);
	}

	/**
	 * Whose signature one is that was made at `at`, for what was signed before: the certificate was
	 * valid then, and may have expired since or be older by now than its issuer asks for. Throws
	 * as `judge`; what is on a list by now is `untrusted`, whenever it signed.
	 */
	judgeSigned(
		encodedChain: Uint8Array,
		role: DeviceRole,
		at: number,
	): CertifiedDevice {
		return this.#trustedAt(encodedChain, role, at);
	}

	/**
	 * Why a device that was accepted earlier would be refused now, or `undefined`: it has expired
	 * (`chain-refused`), is on a list by now, needs a new certificate, or the lists about it have
	 * become too old. For whoever keeps tetrads alive and has got a new list.
	 */
	whyNotTrusted(device: CertifiedDevice, now: number): TetradError | undefined {
		try {
			device.requireValid(now);
			this.lists.requireTrusted(device.path);
			this.lists.requireFresh(device.path, this.#limits, now);
			return undefined;
		} catch (thrown) {
			return asTetradError(thrown);
		}
	}

	/** Valid at that time, and on no list that is held, however old it is. */
	#trustedAt(
		encodedChain: Uint8Array,
		role: DeviceRole,
		at: number,
	): CertifiedDevice {
		const key = keyOf(role, chainHash(this.#crypto, encodedChain));
		const device = this.#certifiedAt(key, encodedChain, role, at);
		this.lists.requireTrusted(device.path, true);
		return device;
	}

	/** As `validateChain`, whose signatures are verified once: what they certify is for ever, and only its time is asked again. */
	#certifiedAt(
		key: string,
		encodedChain: Uint8Array,
		role: DeviceRole,
		at: number,
	): CertifiedDevice {
		const known = this.#certified.get(key);
		// At any other time another root may lead to it, or it is to be said why none does.
		if (known !== undefined && at >= known.notBefore && at <= known.notAfter)
			return known;
		const device = this.#validate(encodedChain, role, at);
		remember(this.#certified, key, device);
		return device;
	}

	#validate(
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number | undefined,
	): CertifiedDevice {
		const anchors = this.#anchors[role];
		return validateChain(this.#crypto, encodedChain, role, anchors, now);
	}

	#requireListed(verdict: Verdict, now: number): void {
		const { path } = verdict.device;
		const { generation } = this.lists;
		if (verdict.generation !== generation) {
			this.lists.requireTrusted(path);
			verdict.freshUntil = this.lists.freshUntil(path, this.#limits);
			verdict.generation = generation;
		}
		if (!(now <= verdict.freshUntil))
			this.lists.requireFresh(path, this.#limits, now);
	}
}

function keyOf(role: DeviceRole, hash: Uint8Array): string {
	return `${role} ${hex(hash)}`;
}

/** The oldest of too many goes. */
function remember<Value>(
	known: Map<string, Value>,
	key: string,
	value: Value,
): void {
	if (known.size === MAX_VERDICTS && !known.has(key)) {
		// A map keeps the order of insertion.
		const [oldest] = known.keys();
		known.delete(oldest as string);
	}
	known.set(key, value);
}
