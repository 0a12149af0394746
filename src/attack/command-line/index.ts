import type { Attack } from "../attack.ts";
import { HOSTILE_MACHINE } from "./hostile-machine.ts";
import { HOSTILE_TEXTS } from "./hostile-texts.ts";

export const COMMAND_LINE_ATTACKS: readonly Attack[] = [
	...HOSTILE_TEXTS,
	...HOSTILE_MACHINE,
];
