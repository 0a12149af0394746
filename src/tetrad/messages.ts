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
	message1Overhead,
	RECORD_OVERHEAD,
} from "../session/index.ts";
import { bytes, type Field, structure } from "../wire/index.ts";
import { MAX_OFFER_BYTES } from "./offer.ts";
import { FIN_BYTES, MAX_REASON_BYTES, SHARE_BYTES } from "./parameters.ts";

const share = bytes(SHARE_BYTES);
const fin = bytes(FIN_BYTES);
const hash = bytes(HASH_BYTES);

/** Message 2 of the hybrid pattern without its payload, the larger of the two. */
const MESSAGE_2_TOKENS: number =
	X25519_BYTES + ML_KEM_768.ciphertextBytes + TAG_BYTES;

const SMALLEST_MESSAGE = X25519_BYTES;

const record = (contentBytes: number): Field<Uint8Array> =>
	bytes(RECORD_OVERHEAD, RECORD_OVERHEAD + contentBytes);

// Inside session 2.

export const I2 = {
	direct: structure("I2", { ...CREDENTIAL, r2: share }),
	crossed: structure("I2", { ...CREDENTIAL }),
} as const;

export const I3 = {
	direct: structure("I3", { ...CREDENTIAL, r1: share, finX: fin }),
	crossed: structure("I3", { ...CREDENTIAL, r2: share }),
} as const;

export const I4 = {
	direct: structure("I4", { finY: fin }),
	crossed: structure("I4", { r1: share, finY: fin }),
} as const;

export const I5 = structure("I5", { finX: fin });

const i1 = bytes(message1Overhead("NN"), message1Overhead("NNhfs"));
const i2 = bytes(
	SMALLEST_MESSAGE,
	MESSAGE_2_TOKENS + I2.direct.maxBytes + TAG_BYTES,
);
const i3 = record(I3.direct.maxBytes);
const i4 = record(I4.crossed.maxBytes);
const i5 = record(I5.maxBytes);

// Between the agents.

/** The body of an offer frame; `message1` carries I1 as its payload. */
export const F1 = structure("F1", {
	offer: bytes(1, MAX_OFFER_BYTES),
	message1: bytes(2 * message1Overhead("NN"), 2 * message1Overhead("NNhfs")),
});

/** The payload of message 2 of session 1. */
export const F2 = structure("F2", {
	...CREDENTIAL,
	r2: share,
	i2,
	responderLink: bytes(1),
});

export const F3 = {
	direct: structure("F3", {
		...CREDENTIAL,
		r1: share,
		finA: fin,
		finX: fin,
		i3,
	}),
	crossed: structure("F3", { ...CREDENTIAL, r1: share, finA: fin, i3 }),
} as const;

export const F4 = structure("F4", { finB: fin, finY: fin, i4 });

export const F5 = structure("F5", { finX: fin, i5 });

/** The body of a retry frame: the id of the suite that the responder's policy picks. */
export const RETRY = structure("retry", { suite: bytes(1) });

// About untrusted lists, over a link and over session 1. Each is preceded by its type.

/** `number` and `length` are big-endian. */
export const LIST = structure("list", {
	authority: hash,
	number: bytes(8),
	length: bytes(4),
});

// On a link. Each is preceded by the tetrad's id and a type byte.

const offer = bytes(1, MAX_OFFER_BYTES);

/** A→X: make I1 for this suite. */
export const BEGIN = structure("begin", { suite: bytes(1) });

/** X→A. */
export const PREPARED = structure("prepared", { i1 });

/** A→X: the share is R1 in direct routing and R2 in crossed routing. */
export const BIND_INITIATOR = structure("bind initiator", {
	offer,
	responderLink: bytes(1),
	outerHash: hash,
	ownAgent: hash,
	peerAgent: hash,
	i2,
	share,
});

/** X→A. */
export const INITIATOR_BOUND = {
	direct: structure("initiator bound", {
		i3,
		innerHash: hash,
		ownModule: hash,
		peerModule: hash,
		finX: fin,
	}),
	crossed: structure("initiator bound", {
		i3,
		innerHash: hash,
		ownModule: hash,
		peerModule: hash,
	}),
} as const;

/** A→X, direct routing: A formed K. */
export const AGENT_BOUND = structure("agent bound", { finA: fin });

/** A→X: the other side formed K. */
export const CONFIRM_INITIATOR = {
	direct: structure("confirm initiator", { finB: fin, i4 }),
	crossed: structure("confirm initiator", { finA: fin, finB: fin, i4 }),
} as const;

/** X→A, crossed routing. */
export const INITIATOR_CONFIRMED = structure("initiator confirmed", {
	finX: fin,
	i5,
});

/** B→Y. R2 has 32 bytes in direct routing and none in crossed routing, where it comes in I3. */
export const ANSWER = structure("answer", {
	offer,
	responderLink: bytes(1),
	outerHash: hash,
	ownAgent: hash,
	i1,
	r2: bytes(0, SHARE_BYTES),
});

/** Y→B. */
export const ANSWERED = structure("answered", { i2 });

/** B→Y. */
export const BIND_RESPONDER = {
	direct: structure("bind responder", { peerAgent: hash, i3 }),
	crossed: structure("bind responder", { peerAgent: hash, i3, r1: share }),
} as const;

/** Y→B. */
export const RESPONDER_BOUND = structure("responder bound", {
	innerHash: hash,
	ownModule: hash,
	peerModule: hash,
	finY: fin,
	i4,
});

/** B→Y. */
export const CONFIRM_RESPONDER = {
	direct: structure("confirm responder", { finA: fin, finB: fin }),
	crossed: structure("confirm responder", { finA: fin, finB: fin, i5 }),
} as const;

/** Either way: the tetrad is over. An empty code means in order; else the code and the sentence of the error. */
export const END = structure("end", {
	code: bytes(0, 64),
	reason: bytes(0, MAX_REASON_BYTES),
});
