import { randomInt } from "node:crypto";
import { freePorts } from "../../src/device/setup/index.ts";

/** Below those that systems give to whoever names none, so that no connection and no other test gets one of these before it is listened at. */
const [FIRST, END] = [12_000, 32_000];

/** Free ports, each another one, for whoever listens there later. */
export function portsForLater(count: number): Promise<number[]> {
	const wanted = Array.from({ length: count }, () => randomInt(FIRST, END));
	return freePorts(count, wanted);
}
