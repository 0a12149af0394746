import type { ResumingOffer } from "../offer.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import type { Transcript } from "../transcript.ts";

/** What the four agree on when they resume: the same four, with new key exchanges, and the tetrad that was. */
export function resumedTranscript(
	token: ResumptionToken,
	offer: ResumingOffer,
	hashes: Pick<Transcript, "outerHash" | "innerHash">,
): Transcript {
	return {
		...hashes,
		parties: token.parties,
		offer,
		responderLink: "paired",
		resumes: token.transcript,
	};
}
