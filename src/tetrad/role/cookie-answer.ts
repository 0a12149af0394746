import { unexpected } from "../../machine/index.ts";
import { encodeFrame, FRAME } from "../../wire/index.ts";
import { COOKIE, COOKIE_OFFER } from "../messages.ts";

/** How A answers a cookie, once in an establishment. */
export class CookieAnswer {
	#isGiven = false;

	/**
	 * The same bytes again, so that the other agent need not remember them, with its cookie, which
	 * is nothing of the transcript: whoever forges one gains a repeated offer.
	 */
	frameFor(
		cookieBody: Uint8Array,
		offer: Uint8Array,
		message1: Uint8Array,
	): Uint8Array {
		const { cookie } = COOKIE.decode(cookieBody);
		if (this.#isGiven) throw unexpected("a second cookie of the other agent");
		this.#isGiven = true;
		const body = COOKIE_OFFER.encode({ cookie, offer, message1 });
		return encodeFrame(FRAME.cookieOffer, body);
	}
}
