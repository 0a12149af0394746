import type { CryptoProvider } from "../crypto/index.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import { enc, utf8 } from "../wire/index.ts";
import type { Offer } from "./offer.ts";
import {
	LINK_BYTE,
	type LinkMode,
	type Place,
	ROOT_BYTE,
	ROUTING_BYTE,
} from "./parameters.ts";

/** The four devices, each judged by the device that holds this value. */
export type Parties = Readonly<Record<Place, CertifiedDevice>>;

/** Everything that the four devices must agree on. */
export interface Transcript {
	/** h_o and h_i: handshake hashes of sessions 1 and 2 before the payload of message 2. */
	readonly outerHash: Uint8Array;
	readonly innerHash: Uint8Array;
	readonly parties: Parties;
	readonly offer: Offer;
	/** The mode of the link B–Y; that of A–X stands in the offer. */
	readonly responderLink: LinkMode;
	/** T of the tetrad that this one resumes. Absent when all four have signed for this one. */
	readonly resumes?: Uint8Array;
}

const LABEL = utf8("tetrad/1 T");

/** T (docs/protocol.md, "Transcript"), 32 bytes. */
export function transcriptHash(
	crypto: CryptoProvider,
	{ outerHash, innerHash, parties, offer, responderLink, resumes }: Transcript,
): Uint8Array {
	return crypto.sha256(
		enc(
			LABEL,
			outerHash,
			innerHash,
			parties.A.certificateId,
			parties.B.certificateId,
			parties.X.certificateId,
			parties.Y.certificateId,
			offer.raw,
			Uint8Array.of(offer.selected.id),
			Uint8Array.of(ROUTING_BYTE[offer.routing]),
			Uint8Array.of(ROOT_BYTE[offer.root]),
			Uint8Array.of(LINK_BYTE[offer.link]),
			Uint8Array.of(LINK_BYTE[responderLink]),
			...(resumes === undefined ? [] : [resumes]),
		),
	);
}
