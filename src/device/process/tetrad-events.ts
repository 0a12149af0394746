import { asTetradError, type TetradError } from "../../errors.ts";
import type { Tetrad, TetradEvent } from "../runtime/index.ts";
import type { TransferProgress } from "./outgoing-file.ts";
import type { Report } from "./process-events.ts";

/** Reports what becomes of one tetrad. */
export function observer(
	tetrad: number,
	report: Report,
): (event: TetradEvent) => void {
	return (event) => {
		switch (event.kind) {
			case "bound":
				return report({ event: "bound", tetrad });
			case "confirmed": {
				const { parties, transcript, safetyCode, place } = event.tetrad;
				const { A, B, X, Y } = parties;
				return report({
					event: "confirmed",
					tetrad,
					place,
					safetyCode,
					routing: transcript.offer.routing,
					root: transcript.offer.root,
					suite: transcript.offer.selected.name,
					devices: { A: A.name, B: B.name, X: X.name, Y: Y.name },
				});
			}
			case "ended":
				return report({
					event: "ended",
					tetrad,
					...(event.error === undefined
						? { by: event.by }
						: { code: event.error.code, reason: event.error.message }),
				});
		}
	};
}

/** Reports each new percent of a file. */
export function progressOf(
	tetrad: number,
	report: Report,
): (progress: TransferProgress) => void {
	let reported = -1;
	return ({ bytes, size }) => {
		const percent = Math.floor((bytes / size) * 100);
		if (percent === reported) return;
		reported = percent;
		report({ event: "progress", tetrad, bytes, size });
	};
}

/** Reports how a link that was ready ended. */
export function reportUnlinked(
	peer: string,
	error: TetradError | undefined,
	report: Report,
): void {
	report({
		event: "unlinked",
		peer,
		...(error === undefined ? {} : { code: error.code, reason: error.message }),
	});
}

/** Reports what could not be sent because the tetrad was over. Throws `thrown` when it was not. */
export function reportUnsent(
	{ ended }: Tetrad,
	number: number,
	session: 1 | 2 | 3 | 4,
	thrown: unknown,
	report: Report,
): void {
	if (!ended) throw thrown;
	const { code, message } = asTetradError(thrown);
	report({ event: "unsent", tetrad: number, session, code, reason: message });
}

/** Reports a connection, a link or a tetrad that came to nothing. */
export function reportRefused(
	peer: string,
	thrown: unknown,
	report: Report,
): void {
	const { code, message } = asTetradError(thrown);
	report({ event: "refused", peer, code, reason: message });
}
