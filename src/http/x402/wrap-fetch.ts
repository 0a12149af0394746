import type { AgentService } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	PaidAnswers,
	type PaidAnswersOptions,
	type PaidMode,
	requestText,
} from "../../paid/index.ts";
import { chooseWay } from "../../paid/x402/index.ts";
import { outgoing } from "./outgoing.ts";
import { paidAnswer } from "./paid-answer.ts";
import { type Fetch, paymentField } from "./paying.ts";
import { paymentRequiredIn } from "./reading.ts";

/** How a program pays for what it fetches. */
export interface TetradFetchOptions extends PaidAnswersOptions {
	/** Pays, within the limits of the owner of its module. */
	readonly agent: AgentService;
}

/**
 * A `fetch` that pays where a server asks for it: an answer of status 402 that can be paid with the
 * agent is paid, and all others are what they are. The answer is what was bought, so that one that
 * is lost or changed on its way costs nothing; the same request made again goes on with a purchase
 * that is not over, and pays nothing new. It has no `url`.
 *
 * Rejects as `fetch` does, and with a `TetradError`: `payment-refused` for what is not to be paid,
 * being another request than was made, above `maximum` or of another mode; `malformed` for terms
 * that are none; `message-too-large` for a body of more than 1 MiB; and with what `buy` of the
 * agent rejects with. Only after `payment-in-doubt`, `merchandise-wrong` and `purchase-void` may
 * anything be paid.
 *
 * @example
 * ```ts
 * import { wrapFetchWithTetrad } from "tetrad/x402";
 *
 * const options = { agent: buyer, maximum: 5n, currency: "EUR" };
 * const fetch = wrapFetchWithTetrad(globalThis.fetch, options);
 * const response = await fetch("https://api.example/weather");
 * ```
 */
export function wrapFetchWithTetrad(
	fetch: Fetch,
	{ agent, ...options }: TetradFetchOptions,
): Fetch {
	const answers = new PaidAnswers(agent, options);
	const modes: readonly PaidMode[] = options.modes ?? ["sealed"];
	return async (input, init) => {
		const request = await outgoing(input, init);
		const response = await fetch(request.again());
		const required = await paymentRequiredIn(response);
		const chosen = required && chooseWay(required, modes);
		if (chosen === undefined) return response;
		await response.body?.cancel();
		const { signal } = request;
		const paying = await answers
			.pay(chosen.terms, requestText(request), { signal })
			.catch((thrown: unknown) => {
				// What a signal has stopped is what that says, as with any fetch.
				if (asTetradError(thrown).code === "aborted") signal.throwIfAborted();
				throw thrown;
			});
		const field = paymentField(chosen, paying.id);
		return paidAnswer(fetch, { request, terms: chosen.terms, field, paying });
	};
}
