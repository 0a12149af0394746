import type { ErrorCode } from "../../errors.ts";
import type { PurchaseState } from "./answers.ts";

/** What a model is told to do after a failure. Never that it should try to get around what its user's owner has said. */
export function nextStep(code: ErrorCode): string {
	return STEPS[code] ?? OTHERWISE;
}

const OTHERWISE =
	"Nothing was paid. Tell the user; the owner of the wallet finds out more with: tetrad doctor.";

const UNREACHED =
	"Nothing was paid. It may help to try again later; tetrad_status tells what is not over yet.";

const STEPS: { readonly [Code in ErrorCode]?: string } = {
	"payment-in-doubt":
		"It may be paid, and goes on by itself. Call tetrad_status until it is over. Do not buy the same thing anew.",
	"approval-needed":
		"Nothing was paid. A person has to approve it first: tetrad_status shows the command.",
	"offer-expired":
		"Nothing was paid. Ask for a new price with tetrad_quote, and tell the user if it has changed.",
	"payment-refused":
		"Nothing was paid. Tell the user why. What the wallet may pay is for its owner to change, in a terminal; no tool can, and asking again does not help.",
	"insufficient-funds":
		"Nothing was paid: there is not enough to spend. Tell the user; the owner of the wallet can add money with tetrad purse withdraw, or, where ecash is paid with, tetrad purse mint or tetrad purse receive.",
	"invalid-argument": "Nothing was done. Correct what you asked for.",
	"file-unusable":
		"Nothing was paid. Tell the user that the goods have no place to go.",
	"merchandise-wrong":
		"It is paid, and the goods are not what the merchant signed for. Tell the user: the evidence is kept, and the owner gets it with tetrad dispute. Do not buy it again.",
	"purchase-void":
		"The sale was declared void, and the money is back. A new quote can be asked for.",
	"note-unknown":
		"There are no goods, and the money is lost at its issuer, which has forgotten it. Tell the user: the owner of the wallet can show the issuer what it had signed.",
	"merchandise-changed":
		"Nothing was paid. Ask for a new price with tetrad_quote.",
	"carrier-failed": UNREACHED,
	"timed-out": UNREACHED,
	busy: "Nothing was done. Wait a little, and call again.",
	aborted: "It was stopped. tetrad_status tells whether something was paid.",
	"tetrad-closed": UNREACHED,
	internal:
		"Something is wrong with the wallet's own program. Call tetrad_status before you buy anything else, and tell the user.",
};

/** What a model is told to do about a purchase, its own or an earlier one of the same thing. */
export function nextAfter(
	state: PurchaseState,
	whose: "own" | "earlier",
): string {
	const next = AFTER[state];
	return whose === "own"
		? next
		: `This is an earlier purchase of the same thing, and nothing new is paid. ${next} Only if the user wants another copy, ask tetrad_quote with anotherCopy: true.`;
}

const AFTER: Readonly<Record<PurchaseState, string>> = {
	bought: "It is paid, and the goods are here.",
	"under-way":
		"It goes on by itself. Call tetrad_buy with the same quoteId, or tetrad_status, to see what comes of it.",
	"waiting-for-owner":
		"Nothing is paid yet. Show the user the command in ownerCommand, which only the owner of the wallet can give; then call tetrad_buy with the same quoteId again.",
	"in-doubt":
		"It may be paid. Call tetrad_status until it is over. Do not buy it anew.",
	"not-bought":
		"Nothing was paid, or its reason says that the money is lost at its issuer.",
	void: "The money is back.",
	wrong:
		"It is paid, and the goods are not what the merchant signed for. Tell the user: the owner gets the evidence with tetrad dispute.",
};
