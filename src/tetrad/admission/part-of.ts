import type { LoadLimits } from "../parameters.ts";

/**
 * The limits of one of several processes of an agent that share its address. What one caller may take is taken of all
 * of them together, so each allows its part: whoever finds one full tries again, and may come to another. What one
 * process can work on, and hold in its memory, each has for itself.
 */
export function partOf(limits: LoadLimits, processes: number): LoadLimits {
	const part = (whole: number) => Math.max(1, Math.ceil(whole / processes));
	return {
		...limits,
		halfOpenOfAddress: part(limits.halfOpenOfAddress),
		perSecondOfAddress: part(limits.perSecondOfAddress),
		burstOfAddress: part(limits.burstOfAddress),
		tetradsOfDevice: part(limits.tetradsOfDevice),
		perMinuteOfDevice: part(limits.perMinuteOfDevice),
	};
}
