export { BETWEEN_AGENTS, isOfTrade } from "./agent-messages.ts";
export {
	type Contract,
	type ContractBody,
	type ContractTerms,
	draftContract,
	encodeTerms,
	MAX_CONTRACT_TERMS_BYTES,
	parseContract,
	parseTerms,
	termsHash,
	verifyContract,
} from "./contract.ts";
export {
	contentKey,
	EXPORTER_BYTES,
	EXPORTER_LABEL,
	exporterHash,
	goodsKey,
	keyHash,
	saltKey,
	secretHash,
	sellingSecret,
} from "./goods-key.ts";
export {
	encodeItemDescription,
	ITEM_SALT_BYTES,
	type ItemDescription,
	itemHash,
	MAX_DESCRIPTION_BYTES,
	parseItemDescription,
} from "./item.ts";
export {
	CHUNK_BYTES,
	GENERATION_MS,
	MAX_BOOK_WITHIN_MS,
	MAX_CHUNKS,
	MAX_CONTRACT_BYTES,
	MAX_MERCHANDISE_BYTES,
	MAX_MERCHANT_AGENTS,
	MAX_OFFERS,
	MAX_PAGE_ITEMS,
	MAX_PATH_HASHES,
	MAX_PAY_WITHIN_MS,
	MAX_SEALED_CHUNK_BYTES,
	PAGE_BYTES,
	SALT_BYTES,
	SEALING_BYTES,
	SECRET_BYTES,
} from "./limits.ts";
export {
	encodeMintTerms,
	type MintTerms,
	parseMintTerms,
} from "./mint-terms.ts";
export {
	ABOUT_PURCHASES,
	type AskedPrice,
	type Buy,
	type EcashSaid,
	type HeldMoney,
	isAboutPurchases,
	type NotBoughtOutcome,
	type PurchaseSaid,
	type PurchaseStep,
	type Recalled,
} from "./module-messages.ts";
export {
	copyOffer,
	type ItemKind,
	isConsistent,
	type Listing,
	listingSize,
	type MintOfPrice,
	OFFER_KEY_BYTES,
	OFFER_NONCE_BYTES,
	type Offer,
	offerId,
	railOfPrice,
} from "./offer.ts";
export {
	encodePurchaseReceipt,
	isPurchaseReceipt,
	MAX_PURCHASE_RECEIPT_BYTES,
	openPurchaseReceipt,
	type ProvedPurchase,
	type PurchaseReceipt,
} from "./purchase-receipt.ts";
export {
	encodePurchaseTerms,
	type PurchaseTerms,
	parsePurchaseTerms,
} from "./purchase-terms.ts";
export {
	RAIL_NAMES,
	type RailName,
	type RailPromises,
	railPromises,
} from "./rail.ts";
export {
	parseRefundText,
	refundContract,
	refundText,
} from "./refund.ts";
export {
	type ContractSeller,
	certificateOf,
	parseSeller,
	railOf,
	sellerOf,
} from "./seller.ts";
export {
	draftSellingCertificate,
	parseSellingCertificate,
	type SellingCertificateBody,
	verifySellingCertificate,
} from "./selling-certificate.ts";
