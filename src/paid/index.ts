export type { Priced } from "./item-name.ts";
export { PaysFirst } from "./order-book.ts";
export {
	type PaidAnswer,
	PaidAnswers,
	type PaidAnswersOptions,
	type Paying,
} from "./paid-answers.ts";
export {
	type Admitted,
	type PaidBuyer,
	PaidRequests,
	type PaidRequestsOptions,
	type RequestPrice,
} from "./paid-requests.ts";
export {
	canonicalJson,
	requestText,
	type ToolCall,
	toolText,
	type WebRequest,
} from "./request-text.ts";
export {
	type PaidMode,
	type PaidTerms,
	parseTerms,
	writeTerms,
} from "./terms.ts";
