/*
 * What two agents say to each other over session 1 beside texts. The first byte says which; the
 * body is `enc` of the fields below, but for a chunk, which is bytes of the file. docs/protocol.md
 * has them under "Application messages".
 */
import { HASH_BYTES } from "../crypto/index.ts";
import {
	amount,
	CONTRACT_BYTES,
	currencyCode,
	DEVICE_ID,
	MAX_REASON_BYTES,
} from "../money/documents/index.ts";
import {
	bytes,
	FILE_MESSAGE,
	PAYMENT_TALK,
	type Structure,
	structure,
	text,
	u64,
} from "../wire/index.ts";
import { MAX_FILE_NAME_BYTES, MAX_TEXT_BYTES } from "./limits.ts";

/** A message and its fields: the byte that says which it is, and its body. */
interface Message<Values> {
	readonly type: number;
	readonly body: Structure<Values>;
}

/** Sender: this comes next, if you take it. */
interface FileOffer {
	readonly name: string;
	/** In bytes. */
	readonly size: bigint;
}

interface FileDigest {
	readonly sha256: Uint8Array;
}

/** A file that goes from one agent to the other. */
export const FILE: {
	readonly offer: Message<FileOffer>;
	/** Sender: that was all of it. */
	readonly end: Message<FileDigest>;
	/** Receiver: it is here, and durable. */
	readonly acknowledgement: Message<FileDigest>;
} = {
	offer: {
		type: FILE_MESSAGE.fileOffer,
		body: structure("the offer of a file", {
			name: text(1, MAX_FILE_NAME_BYTES),
			size: u64,
		}),
	},
	end: {
		type: FILE_MESSAGE.fileEnd,
		body: structure("the end of a file", { sha256: bytes(HASH_BYTES) }),
	},
	acknowledgement: {
		type: FILE_MESSAGE.fileAcknowledgement,
		body: structure("the acknowledgement of a file", {
			sha256: bytes(HASH_BYTES),
		}),
	},
};

interface Proposal {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** In minor units. */
	readonly amount: bigint;
	/** What it is for, in words. */
	readonly text: string;
}

interface OfContract {
	readonly contract: Uint8Array;
}

interface Unwelcome extends OfContract {
	/** For the other owner. */
	readonly reason: string;
}

/** How two agents agree on a payment, before the one has its module pay and once the other's module will take it. */
export const PAYMENT: {
	/** Buyer: may I have this paid? */
	readonly propose: Message<Proposal>;
	/** Seller: my module will take it. */
	readonly welcome: Message<OfContract>;
	/** Seller: no, and why. */
	readonly unwelcome: Message<Unwelcome>;
} = {
	propose: {
		type: PAYMENT_TALK.proposePayment,
		body: structure("the proposal of a payment", {
			contract: bytes(CONTRACT_BYTES),
			issuer: DEVICE_ID,
			currency: currencyCode,
			amount,
			text: text(0, MAX_TEXT_BYTES),
		}),
	},
	welcome: {
		type: PAYMENT_TALK.paymentWelcome,
		body: structure("the welcome of a payment", {
			contract: bytes(CONTRACT_BYTES),
		}),
	},
	unwelcome: {
		type: PAYMENT_TALK.paymentUnwelcome,
		body: structure("the refusal of a payment", {
			contract: bytes(CONTRACT_BYTES),
			reason: text(0, MAX_REASON_BYTES),
		}),
	},
};
