import { setTimeout as wait } from "node:timers/promises";
import { isWaiting } from "../../device/purse/index.ts";

/** A running module looks twice a second; so long a command waits for it, in milliseconds. */
const TAKEN_WITHIN_MS = 1_500;
const LOOK_EVERY_MS = 50;

/** Whether a running module has taken an order down by now. */
export async function isTaken(home: string, file: string): Promise<boolean> {
	for (let waited = 0; waited < TAKEN_WITHIN_MS; waited += LOOK_EVERY_MS) {
		if (!(await isWaiting(home, file))) return true;
		await wait(LOOK_EVERY_MS);
	}
	return !(await isWaiting(home, file));
}
