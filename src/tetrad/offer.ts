import { TetradError } from "../errors.ts";
import { type Suite, suiteById, suiteByName } from "../session/index.ts";
import {
	bytes,
	copy,
	malformed,
	type Structure,
	structure,
	u8,
} from "../wire/index.ts";
import {
	fromByte,
	LINK_BYTE,
	type LinkMode,
	PROTOCOL_VERSION,
	ROOT_BYTE,
	ROUTING_BYTE,
	type Root,
	type Routing,
	TOKEN_ID_BYTES,
} from "./parameters.ts";
import type { Policy } from "./policy.ts";

const MAX_OFFERED_SUITES = 16;

/** An offer as it is written; what its numbers stand for is judged later. */
interface RawOffer {
	readonly version: number;
	/** Suite ids, in the initiator's order. */
	readonly suites: Uint8Array;
	/** One of them. */
	readonly selected: number;
	readonly routing: number;
	readonly root: number;
	/** The mode of the link A–X. */
	readonly link: number;
}

const OFFER_FIELDS = {
	version: u8,
	suites: bytes(1, MAX_OFFERED_SUITES),
	selected: u8,
	routing: u8,
	root: u8,
	link: u8,
};

const OFFER: Structure<RawOffer> = structure<RawOffer>("offer", OFFER_FIELDS);

interface Resuming {
	/** What names the token. */
	readonly token: Uint8Array;
}

const RESUMING_OFFER: Structure<RawOffer & Resuming> = structure<
	RawOffer & Resuming
>("offer", { ...OFFER_FIELDS, token: bytes(TOKEN_ID_BYTES) });

export const MAX_OFFER_BYTES: number = OFFER.maxBytes;
export const MAX_RESUMING_OFFER_BYTES: number = RESUMING_OFFER.maxBytes;

/** What the initiator asks for. Its raw bytes are the prologue of session 1 and part of the transcript. */
export interface Offer {
	readonly raw: Uint8Array;
	/** Suite ids in the initiator's order; a responder skips those it does not know. */
	readonly suites: Uint8Array;
	readonly selected: Suite;
	readonly routing: Routing;
	readonly root: Root;
	/** The mode of the link A–X. */
	readonly link: LinkMode;
}

export function makeOffer(choice: Omit<Offer, "raw">): Offer {
	return { ...choice, raw: OFFER.encode(rawOf(choice)) };
}

/** An offer to resume, which names the token and otherwise chooses what the earlier tetrad had. */
export interface ResumingOffer extends Offer, Resuming {}

export function makeResumingOffer(
	choice: Omit<ResumingOffer, "raw">,
): ResumingOffer {
	const { token } = choice;
	const raw = RESUMING_OFFER.encode({ ...rawOf(choice), token });
	return { ...choice, raw };
}

function rawOf(choice: Omit<Offer, "raw">): RawOffer {
	return {
		version: PROTOCOL_VERSION,
		suites: choice.suites,
		selected: choice.selected.id,
		routing: ROUTING_BYTE[choice.routing],
		root: ROOT_BYTE[choice.root],
		link: LINK_BYTE[choice.link],
	};
}

/** Whether a raw offer names a token: only then it is longer than one without can be. */
export function isResuming(raw: Uint8Array): boolean {
	return raw.length > MAX_OFFER_BYTES;
}

/** The list of an offer and the id that it selects, before anything else of it is judged. */
export function parseSuites(raw: Uint8Array): {
	readonly suites: Uint8Array;
	readonly selected: number;
} {
	return suitesOf(OFFER.decode(raw));
}

function suitesOf(fields: RawOffer): {
	readonly suites: Uint8Array;
	readonly selected: number;
} {
	if (fields.version !== PROTOCOL_VERSION)
		throw new TetradError(
			"negotiation-failed",
			`the peer speaks version ${fields.version} of the protocol; this device speaks ${PROTOCOL_VERSION}`,
		);
	const { suites, selected } = fields;
	if (new Set(suites).size !== suites.length)
		throw malformed("offer: a suite is named twice");
	if (!suites.includes(selected))
		throw malformed("offer: the selected suite is not in its list");
	return { suites, selected };
}

/** Throws `negotiation-failed` for another version or an unknown choice, `malformed` for anything that no initiator writes. */
export function parseOffer(bytes: Uint8Array): Offer {
	const raw = copy(bytes);
	return offerOf(raw, OFFER.decode(raw));
}

/** As `parseOffer`, for one that names a token. */
export function parseResumingOffer(bytes: Uint8Array): ResumingOffer {
	const raw = copy(bytes);
	const fields = RESUMING_OFFER.decode(raw);
	return { ...offerOf(raw, fields), token: fields.token };
}

function offerOf(raw: Uint8Array, fields: RawOffer): Offer {
	const { suites, selected: selectedId } = suitesOf(fields);
	const selected = suiteById(selectedId);
	const routing = fromByte(ROUTING_BYTE, fields.routing);
	const root = fromByte(ROOT_BYTE, fields.root);
	const link = fromByte(LINK_BYTE, fields.link);
	if (
		selected === undefined ||
		routing === undefined ||
		root === undefined ||
		link === undefined
	)
		throw new TetradError(
			"negotiation-failed",
			"the offer asks for something that this device does not know",
		);
	return { raw, suites, selected, routing, root, link };
}

/** The suite that a policy picks from an offered list: its own first choice that is offered. */
export function pickSuite(
	policy: Policy,
	offered: Uint8Array,
): Suite | undefined {
	return policy.suites
		.map(suiteByName)
		.find((suite) => offered.includes(suite.id));
}

/** Throws `negotiation-failed` unless the policy accepts every choice of the offer but the suite list. */
export function acceptOffer(policy: Policy, offer: Offer): void {
	demand(
		policy.suites.includes(offer.selected.name),
		"suite",
		offer.selected.name,
	);
	demand(policy.routings.includes(offer.routing), "routing", offer.routing);
	demand(policy.roots.includes(offer.root), "root", offer.root);
	demand(policy.links.includes(offer.link), "link", offer.link);
}

/** The mode of the other side's link. Throws `negotiation-failed` for a byte that is none, and unless the policy accepts it. */
export function acceptLink(policy: Policy, byte: number): LinkMode {
	const link = fromByte(LINK_BYTE, byte);
	demand(
		link !== undefined && policy.links.includes(link),
		"link",
		link ?? `0x${byte.toString(16)}`,
	);
	return link;
}

function demand(
	accepted: boolean,
	what: string,
	value: string,
): asserts accepted {
	if (!accepted)
		throw new TetradError(
			"negotiation-failed",
			`this device's policy does not accept the ${what} ${value}`,
		);
}
