import type { ErrorCode } from "../../errors.ts";
import type { Report } from "./process-events.ts";

/** So many refusals are reported one by one in a period. */
const MOST = 50;
const PERIOD_MS = 10_000;

/**
 * Reports as `report` does, but for refusals when there are many: whoever floods a device fills
 * neither its log nor its time. The rest of a period is reported as one, at its end.
 */
export function calmReport(report: Report): Report & Disposable {
	let reported = 0;
	let more: { [Code in ErrorCode]?: number } | undefined;
	let timer: NodeJS.Timeout | undefined;
	const flush = (): void => {
		const codes = more;
		clearTimeout(timer);
		timer = undefined;
		reported = 0;
		more = undefined;
		if (codes !== undefined) report({ event: "refused-more", codes });
	};
	const calm: Report = (event) => {
		if (event.event !== "refused") return report(event);
		timer ??= setTimeout(flush, PERIOD_MS).unref();
		if (++reported <= MOST) return report(event);
		more ??= {};
		more[event.code] = (more[event.code] ?? 0) + 1;
	};
	return Object.assign(calm, { [Symbol.dispose]: flush });
}
