import type { AgentService } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	isRefusal,
	PaidAnswers,
	type PaidAnswersOptions,
	type PaidMode,
	requestText,
} from "../../paid/index.ts";
import { type Chosen, chooseWay } from "../../paid/x402/index.ts";
import { type Outgoing, outgoing } from "./outgoing.ts";
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
	const pay = async (request: Outgoing, chosen: Chosen): Promise<Response> => {
		const { terms } = chosen;
		const { signal } = request;
		const paying = await answers
			.pay(terms, requestText(request), { signal })
			.catch((thrown: unknown) => {
				// What a signal has stopped is what that says, as with any fetch.
				if (asTetradError(thrown).code === "aborted") signal.throwIfAborted();
				throw thrown;
			});
		const field = paymentField(chosen, paying.id);
		let refusal: Response | undefined;
		const refused = (response: Response) => {
			refusal = response;
		};
		const paid = { request, terms, field, paying, refused };
		try {
			return await paidAnswer(fetch, paid);
		} catch (thrown) {
			if (terms.mode !== "sealed" || !isRefusal(thrown)) throw thrown;
			// Who has left an answer unpaid is asked to pay first.
			const other = modes.includes("prepaid")
				? await wayIn(refusal, modes)
				: undefined;
			if (other?.terms.mode !== "prepaid") throw thrown;
			return pay(request, other);
		}
	};
	return async (input, init) => {
		const request = await outgoing(input, init);
		const response = await fetch(request.again());
		const chosen = await wayIn(response, modes);
		if (chosen === undefined) return response;
		await response.body?.cancel();
		return pay(request, chosen);
	};
}

/** How a request can be paid that was answered so, if it is to be. Rejects as `chooseWay`. */
async function wayIn(
	response: Response | undefined,
	modes: readonly PaidMode[],
): Promise<Chosen | undefined> {
	const required = response && (await paymentRequiredIn(response));
	return required && chooseWay(required, modes);
}
