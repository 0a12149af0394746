/*
 * An archive: payments that are over, taken out of a purse's tables. It holds the signed documents
 * as they are, so that whoever has the roots of the banks can verify them without the purse, and
 * it names the archive before it. Its hash stands in the purse's log.
 */
import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	certificateId,
	chainHash,
	MAX_CHAIN_BYTES,
	parseChain,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import {
	bytes,
	copy,
	hex,
	list,
	malformed,
	mapped,
	optional,
	packed,
	type Structure,
	sameBytes,
	structure,
	text,
	u8,
	u64,
	utf8,
} from "../../wire/index.ts";
import {
	DEVICE_ID,
	GOODS_KEY_BYTES,
	MAX_ANSWER_BYTES,
	MAX_ARCHIVED,
	MAX_ISSUER_CHAINS,
	MAX_NOTE_BYTES,
	MAX_PIECES,
	MAX_TERMS_BYTES,
	MAX_TRANSFER_BYTES,
} from "./limits.ts";
import { parseNote, verifyNote } from "./note.ts";
import {
	MAX_RECEIPT_BYTES,
	openReceiptUnderChain,
	type Receipt,
} from "./receipt.ts";
import {
	parseTransfer,
	type VerifiedTransfer,
	verifyTransfer,
} from "./transfer.ts";

const LABEL: Uint8Array = utf8("tetrad/1 archive");

/** One payment that is over. */
export interface ArchivedFields {
	/** Whether the purse was paid or paid; what it gave back to its issuer is paid, too. */
	readonly kind: "received" | "paid";
	/** As the purse calls it. */
	readonly state: string;
	/** What the issuer credited, in minor units, as far as the purse knows. */
	readonly credited: bigint;
	/** Documents. */
	readonly transfer: Uint8Array;
	readonly notes: readonly Uint8Array[];
	/** Hashes of the issuer's chains. */
	readonly chains: readonly Uint8Array[];
	/** Empty when there is none. */
	readonly receipt: Uint8Array;
	/** Hash of the chain under which it was signed; empty when that is not known. */
	readonly receiptChain: Uint8Array;
	/** The issuer's answer, byte for byte; empty when it was not asked. */
	readonly outcome: Uint8Array;
	/** Of a sale; empty for a payment. */
	readonly terms: Uint8Array;
	/** What the sale was paid for, as far as the purse knows it. */
	readonly key: Uint8Array | undefined;
}

/** What an archive holds. */
export interface ArchiveFields {
	/** Device id of the module whose purse it is. */
	readonly purse: Uint8Array;
	/** 1 for the first archive of a purse. */
	readonly number: bigint;
	/** Hash of the archive before it, 32 bytes; zero for the first. */
	readonly previous: Uint8Array;
	/** Encoded chains that the payments name by their hashes. */
	readonly chains: readonly Uint8Array[];
	readonly payments: readonly ArchivedFields[];
}

const KINDS: readonly ArchivedFields["kind"][] = ["received", "paid"];

const PAYMENT: Structure<ArchivedFields> = structure<ArchivedFields>(
	"an archived payment",
	{
		kind: mapped(u8, {
			from(byte) {
				const kind = KINDS[byte - 1];
				if (kind === undefined)
					throw malformed("an archived payment is neither received nor paid");
				return kind;
			},
			to: (kind) => KINDS.indexOf(kind) + 1,
		}),
		state: text(1, 16),
		credited: u64,
		transfer: bytes(1, MAX_TRANSFER_BYTES),
		notes: list(bytes(1, MAX_NOTE_BYTES), 1, MAX_PIECES),
		chains: packed(bytes(HASH_BYTES), 1, MAX_ISSUER_CHAINS),
		receipt: bytes(0, MAX_RECEIPT_BYTES),
		receiptChain: bytes(0, HASH_BYTES),
		outcome: bytes(0, MAX_ANSWER_BYTES),
		terms: bytes(0, MAX_TERMS_BYTES),
		key: optional(bytes(GOODS_KEY_BYTES)),
	},
);

interface Encoded extends Omit<ArchiveFields, "payments"> {
	readonly label: Uint8Array;
	readonly payments: readonly Uint8Array[];
}

const ARCHIVE: Structure<Encoded> = structure<Encoded>("an archive", {
	label: bytes(LABEL.length),
	purse: DEVICE_ID,
	number: u64,
	previous: bytes(HASH_BYTES),
	chains: list(
		bytes(1, MAX_CHAIN_BYTES),
		0,
		MAX_ARCHIVED * (MAX_ISSUER_CHAINS + 1),
	),
	payments: list(bytes(1, PAYMENT.maxBytes), 1, MAX_ARCHIVED),
});

/** The largest archive, in bytes. */
export const MAX_ARCHIVE_BYTES: number = ARCHIVE.maxBytes;

/** Stands for the archive before the first. */
export const NO_ARCHIVE: Uint8Array = new Uint8Array(HASH_BYTES);

/** An archive's bytes: the same for the same payments. */
export function encodeArchive(archive: ArchiveFields): Uint8Array {
	const payments = archive.payments.map((payment) => PAYMENT.encode(payment));
	return copy(ARCHIVE.encode({ ...archive, label: LABEL, payments }));
}

/** SHA-256 over all of its bytes: by this the purse's log names it. */
export function archiveHash(
	crypto: CryptoProvider,
	archive: Uint8Array,
): Uint8Array {
	return crypto.sha256(archive);
}

/** Whether a file begins as an archive does. */
export function isArchive(file: Uint8Array): boolean {
	const start = 4 + LABEL.length;
	return file.length > start && sameBytes(file.subarray(4, start), LABEL);
}

/** A payment in an archive, its signatures verified. */
export interface ArchivedPayment
	extends Pick<
		ArchivedFields,
		"kind" | "state" | "credited" | "terms" | "key"
	> {
	readonly transfer: VerifiedTransfer;
	/** Nothing when the purse never had one, or not the chain under which it was signed. */
	readonly receipt: Receipt | undefined;
}

/** An archive whose signatures hold. Whether it is that purse's, its log says: by `hash`. */
export interface OpenedArchive
	extends Pick<ArchiveFields, "purse" | "number" | "previous"> {
	readonly hash: Uint8Array;
	readonly payments: readonly ArchivedPayment[];
}

/**
 * Reads an archive (copied), and verifies every transfer with its notes and every receipt in it, by
 * `banks` alone: chains as of when a note was issued and a receipt given. Throws `malformed`,
 * `chain-refused`, `authentication-failed`, and `payment-refused` for what does not belong together.
 */
export function openArchive(
	crypto: CryptoProvider,
	archive: Uint8Array,
	banks: readonly TrustAnchor[],
): OpenedArchive {
	if (archive.length > MAX_ARCHIVE_BYTES) throw malformed("it is too long");
	const file = copy(archive);
	const { label, payments, chains, ...head } = ARCHIVE.decode(file);
	if (!sameBytes(label, LABEL)) throw malformed("this is no archive");
	const judge = new ArchiveJudge(crypto, chains, banks);
	const found = payments.map((payment) =>
		judge.verified(head.purse, PAYMENT.decode(payment)),
	);
	const contracts = new Set(
		found.map(
			({ kind, transfer }) =>
				`${kind} ${hex(transfer.value.transfer.contract)}`,
		),
	);
	if (contracts.size !== found.length)
		throw malformed("a payment stands in an archive twice");
	return { ...head, hash: archiveHash(crypto, file), payments: found };
}

/** Why a payment is not to be put into an archive of these fields, or nothing where whoever reads that can verify it under these roots. */
export function refusedFromArchive(
	crypto: CryptoProvider,
	payment: ArchivedFields,
	{ purse, chains }: Pick<ArchiveFields, "purse" | "chains">,
	banks: readonly TrustAnchor[],
): TetradError | undefined {
	try {
		const judge = new ArchiveJudge(crypto, chains, banks);
		judge.verified(purse, PAYMENT.decode(PAYMENT.encode(payment)));
		return undefined;
	} catch (thrown) {
		return asTetradError(thrown);
	}
}

class ArchiveJudge {
	readonly #crypto: CryptoProvider;
	readonly #chains: ReadonlyMap<string, Uint8Array>;
	readonly #banks: readonly TrustAnchor[];

	constructor(
		crypto: CryptoProvider,
		chains: readonly Uint8Array[],
		banks: readonly TrustAnchor[],
	) {
		this.#crypto = crypto;
		this.#chains = new Map(
			chains.map((chain) => [hex(chainHash(crypto, chain)), chain]),
		);
		this.#banks = banks;
	}

	verified(purse: Uint8Array, fields: ArchivedFields): ArchivedPayment {
		const { kind, state, credited, terms, key } = fields;
		const transfer = this.#transfer(fields);
		const { payer, payee, amount } = transfer.value.transfer;
		if (!sameBytes(kind === "received" ? payee : payer, purse))
			throw refused("a payment in the archive is not this purse's");
		if (credited > amount)
			throw refused("a payment in the archive was credited with too much");
		const { purpose } = transfer.value.transfer;
		if ((purpose === "sale") !== terms.length > 0)
			throw refused(
				"a sale in the archive has no terms, or a payment has some",
			);
		const receipt = this.#receipt(fields, transfer);
		return { kind, state, credited, transfer, receipt, terms, key };
	}

	#transfer({ transfer, notes, chains }: ArchivedFields): VerifiedTransfer {
		const crypto = this.#crypto;
		const verified = notes.map((document) => {
			const note = parseNote(crypto, document);
			// Chains of before and after its issuer was certified anew need not have been valid then.
			const chain = chains
				.map((hash) => this.#chain(hash))
				.find((chain) =>
					sameBytes(this.#certificate(chain), note.issuerCertificate),
				);
			if (chain === undefined)
				throw refused("the chain under which a note was signed is missing");
			return verifyNote(crypto, note, this.#certified(chain, note.issued));
		});
		return verifyTransfer(crypto, parseTransfer(crypto, transfer), verified);
	}

	#receipt(
		{ receipt, receiptChain }: ArchivedFields,
		{ value: { transfer } }: VerifiedTransfer,
	): Receipt | undefined {
		if (receipt.length === 0 || receiptChain.length === 0) return undefined;
		const opened = openReceiptUnderChain(
			this.#crypto,
			receipt,
			this.#chain(receiptChain),
			(chain, at) => this.#certified(chain, at),
		);
		const { value } = opened;
		if (
			!sameBytes(value.transfer, transfer.id) ||
			!sameBytes(value.contract, transfer.contract) ||
			!sameBytes(value.payee, transfer.payee) ||
			value.amount !== transfer.amount
		)
			throw refused("a receipt in the archive is for another transfer");
		return opened;
	}

	#chain(hash: Uint8Array): Uint8Array {
		const chain = this.#chains.get(hex(hash));
		if (chain === undefined) throw refused("a chain is missing in the archive");
		return chain;
	}

	/** Id of the certificate that a chain is for. */
	#certificate(chain: Uint8Array): Uint8Array {
		const [leaf = new Uint8Array()] = parseChain(chain);
		return certificateId(this.#crypto, leaf);
	}

	#certified(chain: Uint8Array, at: number): CertifiedDevice {
		return validateChain(this.#crypto, chain, "module", this.#banks, at);
	}
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
