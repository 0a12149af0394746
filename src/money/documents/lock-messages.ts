/* What modules say to each other about a sale that is paid with ecash (docs/cashu.md, "Between the modules"). */
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import { bytes, LOCK_BYTE, structure } from "../../wire/index.ts";
import { amount, currencyCode } from "./amount.ts";
import {
	CONTRACT_BYTES,
	DEVICE_ID,
	GOODS_KEY_BYTES,
	MAX_LOCK_MESSAGE_BYTES,
	MAX_TERMS_BYTES,
} from "./limits.ts";
import type { MessageKind } from "./messages.ts";
import type { Payment } from "./payment.ts";
import { MAX_RECEIPT_BYTES } from "./receipt.ts";

interface Contract {
	/** 32 bytes. */
	readonly contract: Uint8Array;
}

interface LockOffer extends Payment {
	readonly terms: Uint8Array;
}

interface Lock extends LockOffer {
	/** The proofs that are locked, as `encodeLock` has them. */
	readonly lock: Uint8Array;
}

interface LockClaimed extends Contract {
	readonly key: Uint8Array;
	/** Of the payee: for the transfer whose id is the SHA-256 of the lock. */
	readonly receipt: Uint8Array;
	/** Under which it was signed; empty when it is the one that the payee shows in this tetrad. */
	readonly chain: Uint8Array;
}

const contract = bytes(CONTRACT_BYTES);
const OFFER = {
	contract,
	issuer: DEVICE_ID,
	currency: currencyCode,
	amount,
	terms: bytes(1, MAX_TERMS_BYTES),
};

/** Between the two modules, in session 2. Each is answered by one that follows, or by `refused`. */
export const ABOUT_LOCKS: {
	/** Payer: will you sell me this, for ecash that is locked as its contract says? */
	readonly lockOffer: MessageKind<LockOffer>;
	/** Payee: yes. Nothing is durable of it. */
	readonly lockAgreed: MessageKind<Contract>;
	/** Payer: it is locked. Also again, and in a later tetrad of the same four, until it is answered. */
	readonly lock: MessageKind<Lock>;
	/** Payee: it is claimed, and this is the key. */
	readonly lockClaimed: MessageKind<LockClaimed>;
} = {
	lockOffer: {
		type: LOCK_BYTE.lockOffer,
		body: structure<LockOffer>("lockOffer", OFFER),
	},
	lockAgreed: {
		type: LOCK_BYTE.lockAgreed,
		body: structure<Contract>("lockAgreed", { contract }),
	},
	lock: {
		type: LOCK_BYTE.lock,
		body: structure<Lock>("lock", {
			...OFFER,
			lock: bytes(1, MAX_LOCK_MESSAGE_BYTES),
		}),
	},
	lockClaimed: {
		type: LOCK_BYTE.lockClaimed,
		body: structure<LockClaimed>("lockClaimed", {
			contract,
			key: bytes(GOODS_KEY_BYTES),
			receipt: bytes(1, MAX_RECEIPT_BYTES),
			chain: bytes(0, MAX_CHAIN_BYTES),
		}),
	},
};
