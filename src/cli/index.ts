export {
	type KeysFlag,
	type LinkFlag,
	linkOf,
	type RootFlag,
} from "./flag-values.ts";
export {
	jsonFlag,
	keysFlag,
	linkFlag,
	rootFlag,
	routingFlag,
	SUITE_NAMES,
} from "./flags.ts";
export { interrupted, interruptible } from "./interruptible.ts";
export { ProgressBar } from "./progress.ts";
export { PLAIN_TABLE, plainTable } from "./table.ts";
export {
	bad,
	bold,
	count,
	dim,
	EXIT,
	good,
	plain,
	say,
	sayJson,
	speakJson,
	tell,
	tellFailure,
	tellTrouble,
} from "./voice.ts";
