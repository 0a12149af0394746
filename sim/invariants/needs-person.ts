import { purseTables } from "../../src/money/index.ts";
import type { Device } from "../device.ts";
import type { Side } from "../side.ts";

const { BEHIND_NAME, META } = purseTables;

/** What a person has to do before a side can come to rest; nothing when it needs nobody. */
export function needsPerson({ agent, module }: Side): string | undefined {
	const isBehind = module.disk
		.rows(META)
		.some(({ name }) => name === BEHIND_NAME);
	if (isBehind)
		return `${module.name} is behind: its owner brings the newest copy of its home, or overrides that`;
	if (module.disk.rotten > 0)
		return `${module.name} has a document that is not what was written: its owner brings a backup`;
	const listed = [agent as Device, module as unknown as Device].find(isListed);
	return listed && `${listed.name} is listed: it has to be certified anew`;
}

export function isListed(device: Device): boolean {
	if (!device.isUp) return false;
	try {
		device.context.verdicts.lists.requireTrusted(device.own.path);
		return false;
	} catch {
		return true;
	}
}
