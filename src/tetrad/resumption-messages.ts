/*
 * The bodies of what is said when a tetrad is resumed (docs/protocol.md, Resumption). The layers are
 * those of messages.ts; no chain, no signature and no name of a device is in them.
 */
import {
	HASH_BYTES,
	ML_KEM_768,
	TAG_BYTES,
	X25519_BYTES,
} from "../crypto/index.ts";
import { message1Overhead, RECORD_OVERHEAD } from "../session/index.ts";
import { bytes, type Structure, structure, u8 } from "../wire/index.ts";
import { MAX_RESUMING_OFFER_BYTES } from "./offer.ts";
import { FIN_BYTES, SHARE_BYTES, TOKEN_ID_BYTES } from "./parameters.ts";

const share = bytes(SHARE_BYTES);
const fin = bytes(FIN_BYTES);
const hash = bytes(HASH_BYTES);
const offer = bytes(MAX_RESUMING_OFFER_BYTES - 15, MAX_RESUMING_OFFER_BYTES);

/** Message 2 of each pattern without its payload, and the tag of that. */
const MESSAGE_2 = {
	classical: X25519_BYTES + TAG_BYTES,
	hybrid: X25519_BYTES + ML_KEM_768.ciphertextBytes + 2 * TAG_BYTES,
};

// Inside session 2.

interface ResumedI1 {
	readonly r1: Uint8Array;
}

/** The payload of message 1 of session 2. */
export const RESUMED_I1: Structure<ResumedI1> = structure<ResumedI1>(
	"resumed I1",
	{ r1: share },
);

interface ResumedI2 {
	readonly r2: Uint8Array;
	readonly finY: Uint8Array;
}

/** The payload of message 2 of session 2. */
export const RESUMED_I2: Structure<ResumedI2> = structure<ResumedI2>(
	"resumed I2",
	{ r2: share, finY: fin },
);

interface ResumedI3 {
	readonly finX: Uint8Array;
}

export const RESUMED_I3: Structure<ResumedI3> = structure<ResumedI3>(
	"resumed I3",
	{ finX: fin },
);

const i1 = bytes(
	message1Overhead("NNpsk0") + RESUMED_I1.maxBytes,
	message1Overhead("NNhfs+psk0") + RESUMED_I1.maxBytes,
);
const i2 = bytes(
	MESSAGE_2.classical + RESUMED_I2.maxBytes,
	MESSAGE_2.hybrid + RESUMED_I2.maxBytes,
);
const i3 = bytes(RECORD_OVERHEAD + RESUMED_I3.maxBytes);

// Between the agents.

interface ResumedF1 {
	readonly r1: Uint8Array;
	readonly i1: Uint8Array;
}

/** The payload of message 1 of session 1. */
export const RESUMED_F1: Structure<ResumedF1> = structure<ResumedF1>(
	"resumed F1",
	{ r1: share, i1 },
);

interface ResumedF2 extends ResumedI2 {
	readonly i2: Uint8Array;
	readonly finB: Uint8Array;
}

/** The payload of message 2 of session 1. */
export const RESUMED_F2: Structure<ResumedF2> = structure<ResumedF2>(
	"resumed F2",
	{ r2: share, i2, finB: fin, finY: fin },
);

interface ResumedF3 extends ResumedI3 {
	readonly finA: Uint8Array;
	readonly i3: Uint8Array;
}

export const RESUMED_F3: Structure<ResumedF3> = structure<ResumedF3>(
	"resumed F3",
	{ finA: fin, finX: fin, i3 },
);

// On a link.

interface Resume {
	/** The id of a suite. */
	readonly suite: number;
	readonly token: Uint8Array;
	readonly r1: Uint8Array;
}

/** A→X: make I1 under the token of that name. */
export const RESUME: Structure<Resume> = structure<Resume>("resume", {
	suite: u8,
	token: bytes(TOKEN_ID_BYTES),
	r1: share,
});

interface ResumePrepared {
	readonly i1: Uint8Array;
}

/** X→A. */
export const RESUME_PREPARED: Structure<ResumePrepared> =
	structure<ResumePrepared>("resume prepared", { i1 });

interface ResumeBind {
	/** Raw. */
	readonly offer: Uint8Array;
	/** h_o. */
	readonly outerHash: Uint8Array;
	readonly i2: Uint8Array;
	readonly finB: Uint8Array;
}

/** A→X. */
export const RESUME_BIND: Structure<ResumeBind> = structure<ResumeBind>(
	"resume bind",
	{ offer, outerHash: hash, i2, finB: fin },
);

interface ResumeBound extends ResumedI3 {
	readonly i3: Uint8Array;
	/** h_i. */
	readonly innerHash: Uint8Array;
}

/** X→A. */
export const RESUME_BOUND: Structure<ResumeBound> = structure<ResumeBound>(
	"resume bound",
	{ i3, innerHash: hash, finX: fin },
);

interface ResumeConfirm {
	readonly finA: Uint8Array;
}

/** A→X. */
export const RESUME_CONFIRM: Structure<ResumeConfirm> =
	structure<ResumeConfirm>("resume confirm", { finA: fin });

interface ResumeAnswer {
	/** Raw. */
	readonly offer: Uint8Array;
	/** h_o. */
	readonly outerHash: Uint8Array;
	readonly i1: Uint8Array;
	readonly r2: Uint8Array;
}

/** B→Y. */
export const RESUME_ANSWER: Structure<ResumeAnswer> = structure<ResumeAnswer>(
	"resume answer",
	{ offer, outerHash: hash, i1, r2: share },
);

interface ResumeAnswered {
	readonly i2: Uint8Array;
	/** h_i. */
	readonly innerHash: Uint8Array;
	readonly finY: Uint8Array;
}

/** Y→B. */
export const RESUME_ANSWERED: Structure<ResumeAnswered> =
	structure<ResumeAnswered>("resume answered", {
		i2,
		innerHash: hash,
		finY: fin,
	});

interface ResumeConfirmResponder extends ResumeConfirm {
	readonly finB: Uint8Array;
	readonly i3: Uint8Array;
}

/** B→Y. */
export const RESUME_CONFIRM_RESPONDER: Structure<ResumeConfirmResponder> =
	structure<ResumeConfirmResponder>("resume confirm responder", {
		finA: fin,
		finB: fin,
		i3,
	});
