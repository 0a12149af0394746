/* What a device reports, as a person at a terminal reads it. */
import {
	type ProcessEvent,
	type PurseEvent,
	promisesText,
	railText,
	risksText,
} from "../device/process/index.ts";
import { unreachable } from "../errors.ts";
import type { RailName } from "../trade/documents/index.ts";
import { parseRefundText } from "../trade/documents/index.ts";
import { money } from "./money.ts";
import { count, moment, plain } from "./voice.ts";

/** `undefined` for what only programs want to know. */
export function sentence(event: ProcessEvent): string | undefined {
	switch (event.event) {
		case "listening":
			return event.module === undefined
				? `listening on ${event.address}`
				: `listening on ${event.address} for who comes back to ${plain(event.module)}`;
		case "metrics":
			return `says how it is at ${event.url}/metrics and ${event.url}/health`;
		case "answering":
			return `programs of this machine reach it at ${plain(event.socket)}`;
		case "linked":
			return `linked with ${plain(event.peer)}`;
		case "unlinked":
			return event.code === undefined
				? `no longer linked with ${plain(event.peer)}`
				: `no longer linked with ${plain(event.peer)}: ${plain(event.reason ?? "")} (${event.code})`;
		case "bound":
			return `tetrad ${event.tetrad}: bound`;
		case "confirmed": {
			const { A, B, X, Y } = event.devices;
			return [
				`tetrad ${event.tetrad}: confirmed as ${event.place}; ${event.routing}, ${event.root}, ${event.suite}`,
				`  ${A} with ${X}  and  ${B} with ${Y}`,
				`  safety code: ${event.safetyCode}`,
			].join("\n");
		}
		case "message":
			return `tetrad ${event.tetrad}: session ${event.session} says: ${plain(event.text)}`;
		case "unsent":
			return `tetrad ${event.tetrad}: a message of session ${event.session} was not sent: ${plain(event.reason)} (${event.code})`;
		case "progress":
			return undefined;
		case "file-sent":
		case "file-received":
			return `tetrad ${event.tetrad}: ${event.event === "file-sent" ? "sent" : "received"} ${plain(event.name)}, ${count(event.size)} bytes, SHA-256 ${event.sha256}${event.path === undefined ? "" : `, as ${plain(event.path)}`}`;
		case "file-cut-off":
			return `tetrad ${event.tetrad}: ${plain(event.name)} was cut off ${cutAt(event)}`;
		case "ended":
			return event.code === undefined
				? `tetrad ${event.tetrad}: closed in order`
				: `tetrad ${event.tetrad}: ended: ${plain(event.reason ?? "")} (${event.code})`;
		case "refused":
			return `refused ${plain(event.peer)}: ${plain(event.reason)} (${event.code})`;
		case "refused-more":
			return `refused more like that: ${Object.entries(event.codes)
				.map(([code, count]) => `${count} (${code})`)
				.join(", ")}`;
		case "load":
			return `too much to do: of all that came since the start, ${event.admitted} were worked on, ${event.cookies} had to come again with a cookie, and ${event.refused} were refused; ${event.halfOpen} are half open now`;
		case "list-learned":
			return `untrusted list ${event.number} of ${plain(event.authority)}, with ${event.entries} certificates, is in force`;
		case "list-trouble":
			return `trouble with an untrusted list: ${plain(event.reason)} (${event.code})`;
		case "paying":
			return `tetrad ${event.tetrad}: pays ${money(event)}${forWhat(event)}\n  contract ${event.contract}`;
		case "paid":
			return `tetrad ${event.tetrad}: paid ${money(event)}${forWhat(event)}, and the other module has it\n  contract ${event.contract}`;
		case "not-paid":
			return `nothing was paid${event.again ? " now" : ""}: ${money(event)}${forWhat(event)} came to nothing: ${plain(event.reason)} (${event.code})\n  to try again: ${askAgain(event)}`;
		case "received":
			return `tetrad ${event.tetrad}: received ${money(event)}${forWhat(event)}`;
		case "in-doubt":
			return `tetrad ${event.tetrad}: ${money(event)}${forWhat(event)} is in doubt, its outcome is not known: ${plain(event.reason)}\n  ask again, and nothing is paid twice: ${askAgain(event)}`;
		case "settled":
			return `tetrad ${event.tetrad}: ${event.module === undefined ? "" : `${plain(event.module)} has `}settled with ${plain(event.issuer)}`;
		case "not-offered":
			return `not offered: ${plain(event.reason)}`;
		case "selling":
			return `sells ${count(event.items)} ${event.items === 1 ? "item" : "items"} for ${event.currency} of ${plain(event.issuer)}${event.play ? " (play money)" : ""}`;
		case "offered":
			return `tetrad ${event.tetrad}: ${plain(event.buyer)} may buy "${plain(event.item)}" for ${money(event)}\n  contract ${event.contract}`;
		case "sold":
			return `tetrad ${event.tetrad}: sold ${event.item === "" ? "" : `"${plain(event.item)}" `}to ${plain(event.buyer)} for ${money(event)}\n  contract ${event.contract}`;
		case "unavailable":
			return `tetrad ${event.tetrad}: ${plain(event.peer)} did not get what it asked for: ${plain(event.reason)} (${event.code})`;
		case "quoted":
			return quoteSentence(event);
		case "purchase":
			return purchaseSentence(event);
		case "bought":
			return [
				`bought "${plain(event.item)}" of ${plain(event.merchant)} for ${money(event)}${event.fee === undefined ? "" : ` and a fee of ${event.fee} of its mint`}`,
				`  file      ${plain(event.path)}, ${count(event.size)} bytes, verified`,
				`  contract  ${event.contract}`,
				...(event.receipted
					? []
					: ["  receipt   none came: the issuer has said that it was booked"]),
			].join("\n");
		case "purse":
			return purseSentence(event);
		case "issuing":
			return `${plain(event.name)} issues ${event.currency}${event.play ? ", which is play money: nobody exchanges it for anything" : ""}`;
		case "serving":
			return `operators ask ${event.url}`;
		case "request":
			return `tetrad ${event.tetrad}: ${event.asked}${event.sale === undefined ? "" : " of a sale"} by ${plain(event.peer)}: ${event.outcome === "declined" ? `declined: ${plain(event.reason ?? "")} (${event.code})` : `${event.outcome} ${event.amount} ${event.currency}${event.play ? " (play money)" : ""}`}`;
		case "double-spending":
			return `double spending: conflict ${event.conflict} proves it`;
		case "forked":
			return `tetrad ${event.tetrad}: ${plain(event.peer)} told another head ${event.head} before; its purse runs in two copies`;
		case "trouble":
			return `tetrad ${event.tetrad}: ${plain(event.reason)} (${event.code})`;
		case "stopped":
			return "stopped";
	}
}

function cutAt({
	way,
	bytes,
	size,
}: Extract<ProcessEvent, { readonly event: "file-cut-off" }>): string {
	const at = `after ${count(bytes)} of ${count(size)} bytes`;
	if (way === "in") return `${at}, and nothing of it is kept`;
	return bytes < size
		? `${at}; the other agent keeps nothing of it`
		: `${at}; whether the other agent has it is not known`;
}

type Quoted = Extract<ProcessEvent, { readonly event: "quoted" }>;

function quoteSentence(event: Quoted): string {
	const size = event.size === undefined ? "" : `, ${count(event.size)} bytes`;
	return [
		`${plain(event.merchant)} with ${plain(event.module)}, as certified, offers "${plain(event.item)}"${size} for ${money(event)}`,
		...(event.mint === undefined ? [] : [`  ${feeSentence(event)}`]),
		...(event.about === undefined ? [] : [`  ${plain(event.about)}`]),
		...(event.order === undefined
			? []
			: [`  made on order: ${plain(event.order)}`]),
		`  paid with ${plain(railText(event.rail, event))}: ${promisesText(event.promises)}`,
		`  your risk: ${risksText(event.promises)}`,
	].join("\n");
}

function feeSentence({ fee, currency }: Quoted): string {
	if (fee === undefined)
		return "what its mint asks for beside is not known yet; your limits hold price and fee together";
	return /^0(\.0*)?$/.test(fee)
		? "its mint asks for nothing beside"
		: `and a fee of ${fee} ${currency} that its mint asks for beside`;
}

type Purchase = Extract<ProcessEvent, { readonly event: "purchase" }>;

/** What an owner is told of a purchase that is over, or left alone, is true whatever comes. */
function purchaseSentence(event: Purchase): string | undefined {
	const { state, reason, code, contract } = event;
	const of = contract === undefined ? "" : ` ${contract}`;
	const until =
		event.until === undefined ? "" : moment(Date.parse(event.until));
	const why =
		reason === undefined ? "" : `: ${plain(reason)} (${code ?? "internal"})`;
	switch (state) {
		case "paying":
			return event.rail === "cashu"
				? `contract${of}\n  pays, until ${until} at the latest; unless it is bought, what is locked for it comes back after ${moment(Date.parse(event.lockedUntil ?? ""))}`
				: `contract${of}\n  pays, until ${until} at the latest`;
		case "waiting":
			return `waits for the owner of the module, and nothing is paid\n  on its machine, until ${until}: tetrad approvals, then tetrad approve${of}`;
		case "paid":
			return "paid, and the key is here";
		case "fetching":
			return "the goods are fetched again";
		case "bought":
			return `bought: contract${of}${event.path === undefined ? "" : `\n  file  ${plain(event.path)}`}`;
		case "wrong":
			return `paid, and the goods are not what the merchant signed for: contract${of}\n  make the evidence with: tetrad dispute${of}`;
		case "not-bought":
			// It was committed, and is gone.
			if (code === "note-unknown") return `not bought: contract${of}${why}`;
			return `not bought, and nothing paid${contract === undefined ? "" : `: contract${of}`}${why}`;
		case "void":
			return `void and credited: contract${of}${why}`;
		case "in-doubt":
			return `in doubt: contract${of}${why}${until === "" ? "" : `\n  ${doubtEnds(until, event.rail)}`}`;
	}
}

/** Who ends a doubt, and until when, as `moment` says it. */
export function doubtEnds(until: string, rail: RailName | undefined): string {
	return rail === "cashu"
		? `the module asks the mint by itself while it runs, and what nobody has claimed comes back after ${until}`
		: `the issuer says what became of it, until ${until} at the latest: tetrad resolve ISSUER, or an agent with --settle-at`;
}

/** How the same payment is asked for again: a refund says in its text of which sale it is. */
function askAgain({
	amount,
	contract,
	text,
}: Extract<ProcessEvent, { readonly event: "not-paid" | "in-doubt" }>): string {
	const refund = parseRefundText(text);
	return refund === undefined
		? `--pay ${amount} --contract ${contract}`
		: `tetrad refund ${refund.contract.slice(0, 16)} --amount ${amount}`;
}

function forWhat({ text }: { readonly text: string }): string {
	return text === "" ? "" : ` for "${plain(text)}"`;
}

function purseSentence(event: PurseEvent): string {
	const { kind, amount, currency, play, issuer, credited, into } = event;
	const sum =
		amount === undefined ||
		currency === undefined ||
		play === undefined ||
		issuer === undefined
			? "an amount"
			: money({ amount, currency, play });
	const why = `${plain(event.reason ?? "")}${event.code === undefined ? "" : ` (${event.code})`}`;
	const beside =
		event.fee === undefined ? "" : ` and a fee of ${event.fee} of its mint`;
	switch (kind) {
		case "ordered":
			return `purse: the owner ordered ${/^0(\.0*)?$/.test(amount ?? "") ? "all notes back into the account" : `to withdraw ${sum}`}`;
		case "cancelled":
			return event.reason === undefined
				? `purse: the owner cancelled the order to withdraw ${sum}`
				: `purse: the order to withdraw ${sum} could not be cancelled: ${why}`;
		case "paid":
			return `purse: paid ${sum}${beside}`;
		case "in-doubt":
			return `purse: ${sum}${beside} is in doubt: ${why}`;
		case "received":
			return `purse: received ${sum}; it is deposited at the next meeting with its issuer`;
		case "to-book":
			return `purse: took down ${sum}, which is not received before its issuer has booked all of it`;
		case "refused":
			return `purse: refused a payment: ${why}`;
		case "approval-needed":
			return `purse: ${sum}${beside} to ${plain(event.name ?? "")}${event.text === undefined ? "" : ` for "${plain(event.text)}"`} waits for you, because ${why}\n  answer with: tetrad approve ${event.contract?.slice(0, 16)}, or: tetrad deny ${event.contract?.slice(0, 16)}`;
		case "decided":
			return event.reason === undefined
				? `purse: the owner ${event.approved ? "approved" : "denied"} contract ${event.contract}`
				: `purse: nothing was ${event.approved ? "approved" : "denied"}: ${why}`;
		case "limits":
			return event.reason === undefined
				? `purse: limits ${event.number} of the owner are in force`
				: `purse: limits ${event.number} of the owner are not put in force: ${why}`;
		case "deposited":
			return credited === amount
				? `purse: deposited ${sum}`
				: `purse: deposited ${sum}, of which the issuer credited ${credited ?? "less"}: the rest was booked for somebody else before`;
		case "withdrawn":
			return `purse: withdrew ${sum}`;
		case "exchanged":
			return into === "account"
				? `purse: gave ${sum} back to the account`
				: `purse: exchanged ${sum} for new notes`;
		case "claimed":
			return `purse: claimed ${sum} of a note that had expired`;
		case "void":
			return `purse: ${sum} of a payment that was never booked came back; the payment is void${event.fee === undefined ? "" : `, and ${event.fee} of it is gone, which its mint has taken`}`;
		case "lost":
			return `purse: lost ${sum}: ${plain(issuer ?? "its issuer")} does not know the notes, though it signed them, and they are over\n  they are kept, and its operator can credit by hand what they show: contract or note ${event.subject}`;
		case "account":
			return `purse: the account holds ${sum}`;
		case "behind":
			return `purse: pays nobody: ${why}`;
		case "overridden":
			return event.reason === undefined
				? "purse: the owner overrode what a witness knows of it; it pays again"
				: `purse: overrode nothing: ${why}`;
		case "sale":
			return `purse: ${plain(event.what ?? "")}${why === "" ? "" : `: ${why}`}`;
		case "ecash-received":
			return `purse: received ${sum} of ecash`;
		case "ecash-ordered":
			return event.reason === undefined
				? `purse: took down an order of ecash, ${event.request}`
				: `purse: an order of ecash is not carried out: ${why}`;
		case "ecash":
			return `purse: ${ecashSentence(event, sum)}${event.reason === undefined ? "" : `: ${why}`}`;
		case "ecash-refused":
			return `purse: received no ecash: ${why}`;
		case "trouble":
			return `purse: trouble: ${why}`;
	}
}

/** Each with what an owner may have to do about it. */
function ecashSentence(
	{ state = "refused", what, reason }: PurseEvent,
	sum: string,
): string {
	switch (state) {
		case "swapping":
			return `${sum} of ecash is put into a token`;
		case "sent":
			return `a token of ${sum} is made, and nobody has redeemed it`;
		case "redeemed":
			return `a token of ${sum} was redeemed`;
		case "taking-back":
			// Why is there where it was never made.
			if (what === "send")
				return reason === undefined
					? `a token of ${sum} is taken back`
					: `a token of ${sum} was not made, and its ecash is taken back`;
			return `an invoice of ${sum} was not paid, and its ecash is taken back`;
		case "taken-back":
			return `a token of ${sum} was taken back`;
		case "unpaid":
			return `an invoice of ${sum} is to be paid for ecash`;
		case "minting":
			return `an invoice of ${sum} is paid, and its ecash is asked for`;
		case "minted":
			return `${sum} of ecash was minted`;
		case "lapsed":
			return `an invoice of ${sum} was not paid in time; nothing was minted`;
		case "melting":
			return `the mint is asked to pay an invoice of ${sum}`;
		case "paid":
			return `the mint has paid an invoice of ${sum}`;
		case "failed":
			if (what === "restore") return "the mint does not restore ecash";
			return what === "send"
				? `a token of ${sum} was not made, and its ecash is back`
				: `an invoice of ${sum} was not paid, and its ecash is back`;
		case "restoring":
			return "ecash is restored from the seed";
		case "pending":
			return `restored ${sum} of ecash from the seed, and the mint is working on more`;
		case "restored":
			return `restored ${sum} of ecash from the seed`;
		case "declined":
			return `nothing came of ${sum} of ecash: it was spent by another copy of this purse`;
		case "refused":
			return "an order of ecash is not carried out";
		default:
			return unreachable(state);
	}
}
