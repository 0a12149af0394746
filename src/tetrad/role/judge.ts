import { TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	requireDemand,
	type SeenPlace,
} from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { DeviceContext, LinkContext } from "../context.ts";

const ROLE_OF: Readonly<Record<SeenPlace, DeviceRole>> = {
	ownAgent: "agent",
	peerAgent: "agent",
	ownModule: "module",
	peerModule: "module",
};

/** How one device of a tetrad judges the others: by its own policy, the lists that it holds, and its pairing. */
export class Judge {
	readonly #device: DeviceContext;
	readonly #link: LinkContext;
	/** Every device that was accepted for this tetrad so far. */
	readonly #met: CertifiedDevice[] = [];

	constructor(device: DeviceContext, link: LinkContext) {
		this.#device = device;
		this.#link = link;
	}

	/**
	 * Throws unless this device stands up to its own policy at `now`. It is asked before anything
	 * is sent: whoever lacks lists about itself lacks them about others under the same root.
	 */
	own(now: number): void {
		const { own, verdicts } = this.#device;
		verdicts.judgeNamed(own.chainHash, own.encodedChain, own.role, now);
	}

	/** A chain that the peer itself showed, judged for its place. */
	shown(chain: Uint8Array, as: SeenPlace, now: number): CertifiedDevice {
		const { verdicts } = this.#device;
		return this.#demanded(verdicts.judge(chain, ROLE_OF[as], now), as);
	}

	/** The chain that a link message named, judged for its place. Throws `malformed` when it was never carried. */
	named(hash: Uint8Array, as: SeenPlace, now: number): CertifiedDevice {
		const chain = this.#link.chain(hash);
		if (chain === undefined)
			throw new TetradError(
				"malformed",
				"a link message names a chain that the link has not carried",
			);
		const { verdicts } = this.#device;
		return this.#demanded(
			verdicts.judgeNamed(hash, chain, ROLE_OF[as], now),
			as,
		);
	}

	/** As `named`, for the device that this one is paired with; throws `chain-refused` for any other. */
	paired(
		hash: Uint8Array,
		as: "ownAgent" | "ownModule",
		now: number,
	): CertifiedDevice {
		const device = this.named(hash, as, now);
		if (!sameBytes(device.deviceId, this.#link.peerDeviceId))
			throw new TetradError(
				"chain-refused",
				`the link presented ${device.name}, which is not the ${device.role} that this device is paired with`,
			);
		return device;
	}

	/** Whoever was accepted so far is not of this tetrad after all. */
	forget(): void {
		this.#met.length = 0;
	}

	/** Judges again whoever was accepted. Throws why one of them, or this device itself, is trusted no longer. */
	again(now: number): void {
		const { own, verdicts } = this.#device;
		for (const device of [own, ...this.#met]) {
			const why = verdicts.whyNotTrusted(device, now);
			if (why !== undefined) throw why;
		}
	}

	#demanded(device: CertifiedDevice, as: SeenPlace): CertifiedDevice {
		requireDemand(device, as, this.#device.policy.demands);
		this.#met.push(device);
		return device;
	}
}

/** Throws `chain-refused` when the two devices that must differ are one. */
export function demandTwo(a: CertifiedDevice, b: CertifiedDevice): void {
	if (sameBytes(a.deviceId, b.deviceId))
		throw new TetradError(
			"chain-refused",
			`both sides present the same ${a.role}, ${a.name}`,
		);
	if (a.algorithm === b.algorithm && sameBytes(a.publicKey, b.publicKey))
		throw new TetradError(
			"chain-refused",
			`both sides present the same key under two names, ${a.name} and ${b.name} (${hex(a.certificateId).slice(0, 16)})`,
		);
}
