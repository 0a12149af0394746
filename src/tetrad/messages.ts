/*
 * The bodies of every flight, of every message inside session 2, and of every message on a link.
 * Names are those of the diagrams in docs/protocol.md. R1, R2 and the fins have 32 bytes; a
 * chain on a link is its hash, after a link message has carried it once.
 */
import {
	HASH_BYTES,
	ML_KEM_768,
	TAG_BYTES,
	X25519_BYTES,
} from "../crypto/index.ts";
import {
	CREDENTIAL,
	type Credential,
	message1Overhead,
	RECORD_OVERHEAD,
} from "../session/index.ts";
import {
	bytes,
	type Field,
	optional,
	type Structure,
	structure,
	text,
	u8,
	u32,
	u64,
} from "../wire/index.ts";
import { MAX_OFFER_BYTES, MAX_RESUMING_OFFER_BYTES } from "./offer.ts";
import {
	FIN_BYTES,
	MAX_COOKIE_BYTES,
	MAX_END_REASON_BYTES,
	SHARE_BYTES,
} from "./parameters.ts";
import { RESUMED_F1 } from "./resumption-messages.ts";

export * from "./resumption-messages.ts";

const share: Field<Uint8Array> = bytes(SHARE_BYTES);
const fin: Field<Uint8Array> = bytes(FIN_BYTES);
const hash: Field<Uint8Array> = bytes(HASH_BYTES);

/** Message 2 of the hybrid pattern without its payload, the larger of the two. */
const MESSAGE_2_TOKENS: number =
	X25519_BYTES + ML_KEM_768.ciphertextBytes + TAG_BYTES;

const SMALLEST_MESSAGE: number = X25519_BYTES;

function record(contentBytes: number): Field<Uint8Array> {
	return bytes(RECORD_OVERHEAD, RECORD_OVERHEAD + contentBytes);
}

/** A message that has other fields in the two routings. */
interface ByRouting<Direct, Crossed> {
	readonly direct: Structure<Direct>;
	readonly crossed: Structure<Crossed>;
}

interface WithR1 {
	readonly r1: Uint8Array;
}

interface WithR2 {
	readonly r2: Uint8Array;
}

interface FinA {
	readonly finA: Uint8Array;
}

interface FinX {
	readonly finX: Uint8Array;
}

interface FinY {
	readonly finY: Uint8Array;
}

// Inside session 2.

export const I2: ByRouting<Credential & WithR2, Credential> = {
	direct: structure("I2", { ...CREDENTIAL, r2: share }),
	crossed: structure("I2", CREDENTIAL),
};

export const I3: ByRouting<Credential & WithR1 & FinX, Credential & WithR2> = {
	direct: structure("I3", { ...CREDENTIAL, r1: share, finX: fin }),
	crossed: structure("I3", { ...CREDENTIAL, r2: share }),
};

export const I4: ByRouting<FinY, WithR1 & FinY> = {
	direct: structure<FinY>("I4", { finY: fin }),
	crossed: structure("I4", { r1: share, finY: fin }),
};

export const I5: Structure<FinX> = structure<FinX>("I5", { finX: fin });

const i1: Field<Uint8Array> = bytes(
	message1Overhead("NN"),
	message1Overhead("NNhfs"),
);
const i2: Field<Uint8Array> = bytes(
	SMALLEST_MESSAGE,
	MESSAGE_2_TOKENS + I2.direct.maxBytes + TAG_BYTES,
);
const i3: Field<Uint8Array> = record(I3.direct.maxBytes);
const i4: Field<Uint8Array> = record(I4.crossed.maxBytes);
const i5: Field<Uint8Array> = record(I5.maxBytes);

// Between the agents.

interface FirstFlight {
	/** Raw. */
	readonly offer: Uint8Array;
	/** Message 1 of session 1; it carries I1 as its payload. */
	readonly message1: Uint8Array;
}

/** Also for an offer that names a token. */
const F1_FIELDS = {
	offer: bytes(1, MAX_RESUMING_OFFER_BYTES),
	message1: bytes(
		2 * message1Overhead("NN"),
		message1Overhead("NNhfs+psk0") + RESUMED_F1.maxBytes,
	),
};

/** The body of an offer frame. */
export const F1: Structure<FirstFlight> = structure("F1", F1_FIELDS);

interface Cookie {
	/** Whoever gets it sends it back as it is. */
	readonly cookie: Uint8Array;
}

const cookie: Field<Uint8Array> = bytes(1, MAX_COOKIE_BYTES);

/** The body of a cookie frame. */
export const COOKIE: Structure<Cookie> = structure<Cookie>("cookie", {
	cookie,
});

/** The body of a cookieOffer frame: a cookie, and F1 as it was sent before. */
export const COOKIE_OFFER: Structure<Cookie & FirstFlight> = structure<
	Cookie & FirstFlight
>("cookieOffer", { cookie, ...F1_FIELDS });

interface SecondFlight extends Credential, WithR2 {
	readonly i2: Uint8Array;
	/** The mode of the link B–Y, as `LINK_BYTE` has it. */
	readonly responderLink: number;
}

/** The payload of message 2 of session 1. */
export const F2: Structure<SecondFlight> = structure<SecondFlight>("F2", {
	...CREDENTIAL,
	r2: share,
	i2,
	responderLink: u8,
});

interface ThirdFlight extends Credential, WithR1, FinA {
	readonly i3: Uint8Array;
}

export const F3: ByRouting<ThirdFlight & FinX, ThirdFlight> = {
	direct: structure("F3", {
		...CREDENTIAL,
		r1: share,
		finA: fin,
		finX: fin,
		i3,
	}),
	crossed: structure("F3", { ...CREDENTIAL, r1: share, finA: fin, i3 }),
};

interface FourthFlight extends FinY {
	readonly finB: Uint8Array;
	readonly i4: Uint8Array;
}

export const F4: Structure<FourthFlight> = structure<FourthFlight>("F4", {
	finB: fin,
	finY: fin,
	i4,
});

interface FifthFlight extends FinX {
	readonly i5: Uint8Array;
}

export const F5: Structure<FifthFlight> = structure<FifthFlight>("F5", {
	finX: fin,
	i5,
});

interface NamedSuite {
	/** The id of a suite. */
	readonly suite: number;
}

/** The body of a retry frame: the suite that the responder's policy picks. */
export const RETRY: Structure<NamedSuite> = structure<NamedSuite>("retry", {
	suite: u8,
});

// About untrusted lists, over a link and over session 1. Each is preceded by its type.

interface AnnouncedList {
	/** `authorityId`. */
	readonly authority: Uint8Array;
	readonly number: bigint;
	/** Bytes of the bundle that follows in parts. */
	readonly length: number;
}

/** A bundle of an untrusted list begins. */
export const LIST: Structure<AnnouncedList> = structure<AnnouncedList>("list", {
	authority: hash,
	number: u64,
	length: u32,
});

// On a link. Each is preceded by the tetrad's id and a type byte.

const offer: Field<Uint8Array> = bytes(1, MAX_OFFER_BYTES);

/** A→X: make I1 for this suite. */
export const BEGIN: Structure<NamedSuite> = structure<NamedSuite>("begin", {
	suite: u8,
});

interface Prepared {
	readonly i1: Uint8Array;
}

/** X→A. */
export const PREPARED: Structure<Prepared> = structure<Prepared>("prepared", {
	i1,
});

interface BindInitiator {
	/** Raw. */
	readonly offer: Uint8Array;
	/** The mode of the link B–Y, as `LINK_BYTE` has it. */
	readonly responderLink: number;
	/** h_o. */
	readonly outerHash: Uint8Array;
	/** Chain hashes of A and B. */
	readonly ownAgent: Uint8Array;
	readonly peerAgent: Uint8Array;
	readonly i2: Uint8Array;
	/** R1 in direct routing and R2 in crossed routing. */
	readonly share: Uint8Array;
}

/** A→X. */
export const BIND_INITIATOR: Structure<BindInitiator> =
	structure<BindInitiator>("bind initiator", {
		offer,
		responderLink: u8,
		outerHash: hash,
		ownAgent: hash,
		peerAgent: hash,
		i2,
		share,
	});

interface InitiatorBound {
	readonly i3: Uint8Array;
	/** h_i. */
	readonly innerHash: Uint8Array;
	/** Chain hashes of X and Y. */
	readonly ownModule: Uint8Array;
	readonly peerModule: Uint8Array;
}

/** X→A. */
export const INITIATOR_BOUND: ByRouting<InitiatorBound & FinX, InitiatorBound> =
	{
		direct: structure("initiator bound", {
			i3,
			innerHash: hash,
			ownModule: hash,
			peerModule: hash,
			finX: fin,
		}),
		crossed: structure<InitiatorBound>("initiator bound", {
			i3,
			innerHash: hash,
			ownModule: hash,
			peerModule: hash,
		}),
	};

/** A→X, direct routing: A formed K. */
export const AGENT_BOUND: Structure<FinA> = structure<FinA>("agent bound", {
	finA: fin,
});

interface ConfirmInitiator {
	readonly finB: Uint8Array;
	readonly i4: Uint8Array;
}

/** A→X: the other side formed K. */
export const CONFIRM_INITIATOR: ByRouting<
	ConfirmInitiator,
	ConfirmInitiator & FinA
> = {
	direct: structure<ConfirmInitiator>("confirm initiator", { finB: fin, i4 }),
	crossed: structure("confirm initiator", { finA: fin, finB: fin, i4 }),
};

/** X→A, crossed routing. */
export const INITIATOR_CONFIRMED: Structure<FifthFlight> =
	structure<FifthFlight>("initiator confirmed", { finX: fin, i5 });

interface Answer {
	/** Raw. */
	readonly offer: Uint8Array;
	/** The mode of this link, as `LINK_BYTE` has it. */
	readonly responderLink: number;
	/** h_o. */
	readonly outerHash: Uint8Array;
	/** Chain hash of B. */
	readonly ownAgent: Uint8Array;
	readonly i1: Uint8Array;
	/** In direct routing; in crossed routing it comes in I3. */
	readonly r2: Uint8Array | undefined;
}

/** B→Y. */
export const ANSWER: Structure<Answer> = structure<Answer>("answer", {
	offer,
	responderLink: u8,
	outerHash: hash,
	ownAgent: hash,
	i1,
	r2: optional(share),
});

interface Answered {
	readonly i2: Uint8Array;
}

/** Y→B. */
export const ANSWERED: Structure<Answered> = structure<Answered>("answered", {
	i2,
});

interface BindResponder {
	/** Chain hash of A. */
	readonly peerAgent: Uint8Array;
	readonly i3: Uint8Array;
}

/** B→Y. */
export const BIND_RESPONDER: ByRouting<BindResponder, BindResponder & WithR1> =
	{
		direct: structure<BindResponder>("bind responder", {
			peerAgent: hash,
			i3,
		}),
		crossed: structure("bind responder", { peerAgent: hash, i3, r1: share }),
	};

interface ResponderBound extends FinY {
	/** h_i. */
	readonly innerHash: Uint8Array;
	/** Chain hashes of Y and X. */
	readonly ownModule: Uint8Array;
	readonly peerModule: Uint8Array;
	readonly i4: Uint8Array;
}

/** Y→B. */
export const RESPONDER_BOUND: Structure<ResponderBound> =
	structure<ResponderBound>("responder bound", {
		innerHash: hash,
		ownModule: hash,
		peerModule: hash,
		finY: fin,
		i4,
	});

interface ConfirmResponder extends FinA {
	readonly finB: Uint8Array;
}

/** B→Y. */
export const CONFIRM_RESPONDER: ByRouting<
	ConfirmResponder,
	ConfirmResponder & { readonly i5: Uint8Array }
> = {
	direct: structure<ConfirmResponder>("confirm responder", {
		finA: fin,
		finB: fin,
	}),
	crossed: structure("confirm responder", { finA: fin, finB: fin, i5 }),
};

interface End {
	/** Of an error, or empty when the tetrad is over in order. */
	readonly code: string;
	/** The sentence of that error. */
	readonly reason: string;
}

/** Either way: the tetrad is over. */
export const END: Structure<End> = structure<End>("end", {
	code: text(0, 64),
	reason: text(0, MAX_END_REASON_BYTES),
});
