export {
	type Admitted,
	NotAnswered,
	type PaidBuyer,
	PaysFirst,
} from "./admitted.ts";
export type { Priced } from "./item-name.ts";
export { MAX_ANSWER_BYTES } from "./limits.ts";
export {
	PaidAnswers,
	type PaidAnswersOptions,
	type Paying,
} from "./paid-answers.ts";
export {
	PaidRequests,
	type PaidRequestsOptions,
	type Payee,
	type RequestPrice,
} from "./paid-requests.ts";
export { isRefusal, type Judged, replyTo, type Sending } from "./replying.ts";
export {
	canonicalJson,
	requestText,
	toolText,
} from "./request-text.ts";
export {
	type PaidMode,
	type PaidTerms,
	parseTerms,
	writeTerms,
} from "./terms.ts";
