import { TetradError } from "../../errors.ts";

/** How long an answer to a file or to a greeting is waited for, in milliseconds, unless told otherwise: five minutes. */
export const DEFAULT_ANSWER_MS = 300_000;

/** What `answer` comes to. Rejects with `timed-out` when it takes longer than `ms`; `waitingFor` ends a sentence. */
export async function answerInTime<Value>(
	answer: Promise<Value>,
	ms: number,
	waitingFor: string,
): Promise<Value> {
	const late = Promise.withResolvers<never>();
	const timer = setTimeout(
		() =>
			late.reject(
				new TetradError(
					"timed-out",
					`no answer within ${ms / 1000} s while ${waitingFor}; --answer-timeout says how long to wait`,
				),
			),
		ms,
	);
	try {
		return await Promise.race([answer, late.promise]);
	} finally {
		clearTimeout(timer);
	}
}
