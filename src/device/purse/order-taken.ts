import { setTimeout as pause } from "node:timers/promises";
import { HomeLock } from "../home/index.ts";
import { isWaiting } from "./purse-orders.ts";

/** A running module looks twice a second, and less often on a busy machine; so long whoever gave an order waits for it, in milliseconds. */
const TAKEN_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Whether a module has taken an order down by now. Nothing is waited for while none runs. */
export async function isTakenDown(
	home: string,
	file: string,
	wait: (ms: number) => Promise<unknown> = pause,
): Promise<boolean> {
	for (let waited = 0; waited < TAKEN_WITHIN_MS; waited += LOOK_EVERY_MS) {
		if (!(await isWaiting(home, file))) return true;
		if ((await HomeLock.holder(home)) === undefined) break;
		await wait(LOOK_EVERY_MS);
	}
	return !(await isWaiting(home, file));
}
