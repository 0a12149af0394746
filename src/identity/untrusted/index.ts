export {
	encodeListNumbers,
	type ListNumber,
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
	UntrustedLists,
} from "./untrusted-lists.ts";
