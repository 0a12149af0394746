export {
	encodeListNumbers,
	type ListNumber,
	MAX_LIST_NUMBERS_BYTES,
	parseListNumbers,
} from "./list-numbers.ts";
export {
	authorityId,
	ONLY_REASON,
	openUntrustedList,
	REASON_CODE,
	UNTRUSTED_REASONS,
	type UntrustedEntry,
	UntrustedList,
	type UntrustedReason,
} from "./untrusted-list.ts";
export {
	type Examined,
	encodeBundle,
	MAX_BUNDLE_BYTES,
	type MissingList,
	type Offered,
	UntrustedLists,
} from "./untrusted-lists.ts";
