import { KEY_BYTES } from "../crypto/index.ts";
import type { Session, Suite } from "../session/index.ts";
import { MAX_RESUMPTION_MS, type Place } from "./parameters.ts";
import type { RootKey } from "./root-key.ts";
import type { Parties, Transcript } from "./transcript.ts";

const LABEL = "tetrad/1 resumption";

/**
 * What one device keeps of a confirmed tetrad, so that the same four can resume it once: a secret
 * of session 1 at an agent and of session 2 at a module, and for whom it is good.
 */
export class ResumptionToken {
	readonly id: Uint8Array;
	/** T of the tetrad that it comes from. */
	readonly transcript: Uint8Array;
	/** In which place this device was, and will be. */
	readonly place: Place;
	readonly parties: Parties;
	readonly suite: Suite;
	/** When all four last signed; milliseconds since the epoch. */
	readonly signedAt: number;
	/** From when on it is of no use: before a certificate expires, and a day after `signedAt`. */
	readonly expiresAt: number;
	/** Where A called. */
	readonly address: string | undefined;
	/** The pre-shared key of the key exchange; 32 bytes. */
	readonly secret: Uint8Array;

	private constructor(
		{ root, transcript, session }: Resumable,
		place: Place,
		signedAt: number,
		address: string | undefined,
	) {
		const { parties, offer } = transcript;
		this.id = root.tokenId();
		this.transcript = root.transcript;
		this.place = place;
		this.parties = parties;
		this.suite = offer.selected;
		this.signedAt = signedAt;
		this.expiresAt = Math.min(
			signedAt + MAX_RESUMPTION_MS,
			...Object.values(parties).map(({ notAfter }) => notAfter),
		);
		this.address = address;
		this.secret = session.export(LABEL, this.transcript, KEY_BYTES);
	}

	/**
	 * The token of a tetrad that is confirmed at `place`. None for one whose K somebody else may
	 * have: root `unsafe-xor`, or an open link.
	 */
	static of(
		tetrad: Resumable,
		place: Place,
		signedAt: number,
		address?: string,
	): ResumptionToken | undefined {
		const { offer, responderLink } = tetrad.transcript;
		const isSafe =
			offer.root === "transcript" &&
			offer.link === "paired" &&
			responderLink === "paired";
		return isSafe
			? new ResumptionToken(tetrad, place, signedAt, address)
			: undefined;
	}

	/** Whether it may be used at `now`; a clock that was put back makes none younger. */
	isFresh(now: number): boolean {
		return now >= this.signedAt && now < this.expiresAt;
	}

	wipe(): void {
		this.secret.fill(0);
	}
}

/** What a token is made of. */
export interface Resumable {
	readonly transcript: Transcript;
	readonly root: RootKey;
	/** Session 1 at an agent, session 2 at a module. */
	readonly session: Session;
}
