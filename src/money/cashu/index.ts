export { feeOf, type LockPlan, planLock, splitAmount } from "./amounts.ts";
export { anybodysFrom } from "./bound.ts";
export { type Chosen, chooseProofs, type Spendable } from "./choosing.ts";
export {
	type ClaimKeys,
	claimInputs,
	pointsOf,
	refundInputs,
} from "./claim.ts";
export type { CarriedDleq, Dleq, EcashCrypto } from "./ecash-crypto.ts";
export { invoiceAmount } from "./invoice-amount.ts";
export { encodeKeyset, parseKeyset } from "./kept-keyset.ts";
export {
	lockSeed,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	refundPrivateKey,
} from "./keys.ts";
export {
	deriveKeysetId,
	isSamePlace,
	type Keyset,
	type KeysetNotice,
	KnownKeysets,
	parseKeys,
	parseKeysets,
	placeOf,
} from "./keyset.ts";
export {
	ECASH_SEED_BYTES,
	MAX_INPUTS,
	MAX_KEYSETS,
	MAX_LOCK_PROOFS,
	MAX_MINT_ANSWER_BYTES,
	MAX_OUTPUTS,
	MAX_SECRET_BYTES,
	MAX_TOKEN_LENGTH,
	POINT_BYTES,
	SCALAR,
	SCALAR_BYTES,
	SCHNORR_BYTES,
} from "./limits.ts";
export { type LockTerms, lockDeadline, lockSecret } from "./lock.ts";
export {
	type MintError,
	type MintFailure,
	mintRefused,
	parseMintError,
} from "./mint-error.ts";
export {
	type MethodLimits,
	type MintInfo,
	parseMintInfo,
	requireForPurchases,
} from "./mint-info.ts";
export {
	blankCount,
	inOrder,
	makeBlankOutputs,
	makeLockOutputs,
	makeOutputs,
	type Output,
	type OutputPlace,
} from "./output.ts";
export { paymentHash, whyNoProof } from "./payment-proof.ts";
export {
	encodeLock,
	encodeProofs,
	isProven,
	isSameProof,
	MAX_LOCK_BYTES,
	type Proof,
	type ProvenProof,
	parseLock,
	parseProofs,
	sumOf,
} from "./proof.ts";
export {
	type MeltQuote,
	type MintQuote,
	parseMeltQuote,
	parseMintQuote,
} from "./quote.ts";
export { type ExpectedTerms, refundKeyOf } from "./read-lock.ts";
export {
	INFO_REQUEST,
	type Input,
	KEYS_REQUEST,
	KEYSETS_REQUEST,
	keysRequest,
	type MintRequest,
	meltQuoteRequest,
	meltQuoteStateRequest,
	meltRequest,
	mintQuoteRequest,
	mintQuoteStateRequest,
	mintRequest,
	plainInputs,
	restoreRequest,
	stateRequest,
	swapRequest,
} from "./requests.ts";
export {
	type BlindSignature,
	parseRestored,
	parseSignatures,
	type RestoredSignature,
	unblindAll,
	unblindChange,
	unblindRestored,
} from "./signatures.ts";
export {
	findKey,
	isTakenBackBy,
	type LockState,
	lockState,
	type ProofState,
	parseStates,
} from "./states.ts";
export { parseToken, resolveKeysets, type Token, writeToken } from "./token.ts";
export { type ExpectedLock, VerifiedLock, verifyLock } from "./verify-lock.ts";
