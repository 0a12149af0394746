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
	RAIL_CHOICES,
	rootFlag,
	routingFlag,
	SUITE_NAMES,
} from "./flags.ts";
export { HELP } from "./help.ts";
export { interruptible } from "./interruptible.ts";
export { ProgressBar } from "./progress.ts";
export { plainTable } from "./table.ts";
export {
	bad,
	bold,
	count,
	dim,
	EXIT,
	good,
	plain,
	say,
	sayFitting,
	sayJson,
	speakJson,
	tellFailure,
	tellFitting,
	tellTrouble,
} from "./voice.ts";
export { fitting, terminalWidth } from "./wrap.ts";
