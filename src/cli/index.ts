export {
	jsonFlag,
	type KeysFlag,
	keysFlag,
	type LinkFlag,
	linkFlag,
	linkOf,
	type RootFlag,
	rootFlag,
	routingFlag,
	SUITE_NAMES,
} from "./flags.ts";
export { interrupted, interruptible } from "./interruptible.ts";
export { PLAIN_TABLE, plainTable } from "./table.ts";
export { addVerifyCommand } from "./verify-command.ts";
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
	tell,
	tellFailure,
} from "./voice.ts";
