export {
	encodeListNumbers,
	type ListNumber,
	MAX_LIST_NUMBERS_BYTES,
	parseListNumbers,
} from "./list-numbers.ts";
export {
	REASON_CODE,
	UNTRUSTED_REASONS,
	type UntrustedReason,
} from "./reasons.ts";
export {
	authorityId,
	ONLY_REASON,
	openUntrustedList,
	type UntrustedEntry,
	UntrustedList,
} from "./untrusted-list.ts";
export {
	type Examined,
	encodeBundle,
	MAX_BUNDLE_BYTES,
	type MissingList,
	type Offered,
	UntrustedLists,
} from "./untrusted-lists.ts";
