export type { Signed, Verified } from "../../wire/index.ts";
export {
	amount,
	type Currency,
	currencyCode,
	formatAmount,
	isCurrencyCode,
	moneyKind,
	parseAmount,
	requireAmount,
	requireCurrency,
	sameCurrency,
	sumAmounts,
} from "./amount.ts";
export {
	BINDING_BYTES,
	BINDING_LABEL,
	exchangeContract,
	type FourIds,
	partiesHash,
} from "./binding.ts";
export {
	conflictOf,
	DoubleSpending,
	type EvidenceParts,
	encodeEvidence,
	MAX_EVIDENCE_BYTES,
	openEvidence,
} from "./evidence.ts";
export {
	encodeHead,
	FIRST_HEAD,
	type Head,
	nextHead,
	parseHead,
} from "./head.ts";
export {
	INVOICE_KEY_BYTES,
	type Invoice,
	isInvoiceFor,
	makeInvoice,
	type PaymentTerms,
} from "./invoice.ts";
export {
	CONTRACT_BYTES,
	DEPOSIT_MARGIN_MS,
	DEVICE_ID,
	FOLD_ROWS,
	FRUITLESS_AGAIN_MS,
	GRACE_DAYS,
	HOLDER_KEY,
	MAX_AGENT_PAYMENTS,
	MAX_AMOUNT,
	MAX_AUDIT_CHAINS,
	MAX_AUDIT_PROBLEMS,
	MAX_CLAIM_BOOKINGS,
	MAX_CLAIM_RANGES,
	MAX_EXPONENT,
	MAX_FRUITLESS,
	MAX_GRACE_DAYS,
	MAX_ISSUER_CHAINS,
	MAX_LIMITED_MODULES,
	MAX_NEW_NOTES,
	MAX_NOTE_BYTES,
	MAX_NOTE_DAYS,
	MAX_OWN_CERTIFICATES,
	MAX_PIECES,
	MAX_REASON_BYTES,
	MAX_REFERENCE_BYTES,
	MAX_REQUESTS,
	MAX_TETRAD_REQUESTS,
	MAX_TRANSFER_BYTES,
	MIN_NOTE_LIFE_MS,
	NOTE_DAYS,
	PAGE_ROWS,
	PAY_WITHIN_MS,
	REQUEST_ID_BYTES,
} from "./limits.ts";
export * as messages from "./messages.ts";
export {
	BETWEEN_MODULES,
	body,
	encodeList,
	type IssuedNotes,
	isNotNow,
	isOfMoney,
	message,
	type NotesWithChains,
	parseList,
	type SaidRefusal,
	type TransferWithNotes,
	WITH_AGENT,
	WITH_ISSUER,
} from "./messages.ts";
export {
	draftNote,
	type HolderKey,
	type Note,
	type NoteBody,
	parseNote,
	readNote,
	sameHolder,
	type VerifiedNote,
	verifyNote,
} from "./note.ts";
export {
	draftOrder,
	draftOverride,
	MAX_ORDER_BYTES,
	type Order,
	type OrderBody,
	type OverrideBody,
	openOrder,
	openOverride,
} from "./order.ts";
export { copyPayment, type Payment, samePayment } from "./payment.ts";
export {
	draftReceipt,
	MAX_RECEIPT_BYTES,
	openReceipt,
	openReceiptUnderChain,
	type Receipt,
	type ReceiptBody,
} from "./receipt.ts";
export {
	MAX_SEVERAL,
	MAX_SEVERAL_BYTES,
	packMessages,
	SEVERAL,
	unpackMessages,
} from "./several.ts";
export { type IssuerTerms, sameMoney } from "./terms.ts";
export {
	draftTransfer,
	overlap,
	type Piece,
	parseTransfer,
	type Transfer,
	type TransferBody,
	type TransferOfNotes,
	type VerifiedTransfer,
	verifyTransfer,
	verifyTransferOfNote,
} from "./transfer.ts";
