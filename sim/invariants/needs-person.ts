import { purseTables } from "../../src/money/index.ts";
import type { Side } from "../side.ts";

const { BEHIND_NAME, META } = purseTables;

/** What a person has to do before a side can come to rest; nothing when it needs nobody. */
export function needsPerson({ module }: Side): string | undefined {
	const isBehind = module.disk
		.rows(META)
		.some(({ name }) => name === BEHIND_NAME);
	return isBehind
		? `${module.name} is behind: its owner brings the newest copy of its home, or overrides that`
		: undefined;
}
