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
	structure,
	text,
	u64,
} from "../wire/index.ts";
import { MAX_FILE_NAME_BYTES, MAX_TEXT_BYTES } from "./limits.ts";

/** A file that goes from one agent to the other. */
export const FILE = {
	/** Sender: this comes next, if you take it. */
	offer: {
		type: FILE_MESSAGE.fileOffer,
		body: structure("the offer of a file", {
			name: text(1, MAX_FILE_NAME_BYTES),
			/** In bytes. */
			size: u64,
		}),
	},
	/** Sender: that was all of it. */
	end: {
		type: FILE_MESSAGE.fileEnd,
		body: structure("the end of a file", { sha256: bytes(HASH_BYTES) }),
	},
	/** Receiver: it is here, and durable. */
	acknowledgement: {
		type: FILE_MESSAGE.fileAcknowledgement,
		body: structure("the acknowledgement of a file", {
			sha256: bytes(HASH_BYTES),
		}),
	},
} as const;

/** How two agents agree on a payment, before the one has its module pay and once the other's module will take it. */
export const PAYMENT = {
	/** Buyer: may I have this paid? */
	propose: {
		type: PAYMENT_TALK.proposePayment,
		body: structure("the proposal of a payment", {
			contract: bytes(CONTRACT_BYTES),
			issuer: DEVICE_ID,
			currency: currencyCode,
			amount,
			/** What it is for, in words. */
			text: text(0, MAX_TEXT_BYTES),
		}),
	},
	/** Seller: my module will take it. */
	welcome: {
		type: PAYMENT_TALK.paymentWelcome,
		body: structure("the welcome of a payment", {
			contract: bytes(CONTRACT_BYTES),
		}),
	},
	/** Seller: no, and why, for the other owner. */
	unwelcome: {
		type: PAYMENT_TALK.paymentUnwelcome,
		body: structure("the refusal of a payment", {
			contract: bytes(CONTRACT_BYTES),
			reason: text(0, MAX_REASON_BYTES),
		}),
	},
} as const;
