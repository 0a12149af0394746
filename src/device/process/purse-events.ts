import { unreachable } from "../../errors.ts";
import {
	formatAmount,
	type IssuerTerms,
	nameInDeviceId,
	type PurseReport,
	type WhyApproval,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { moneyText, type PurseEvent } from "./process-events.ts";

/** Why a payment waits for its owner, as an owner reads it. */
export const WHY_APPROVAL: Readonly<Record<WhyApproval, string>> = {
	amount: "it is more than may be paid without the owner",
	"new-merchant": "nothing was ever paid to that module",
	asked: "its agent wants you to be asked",
};

/** What a purse reports, as a process says it. */
export function purseEvent(
	report: PurseReport,
	issuers: readonly IssuerTerms[],
): PurseEvent {
	const { kind } = report;
	const said = { event: "purse", kind } as const;
	// A purse reports of the issuers that it was given, and of no others.
	const termsOf = (issuer: Uint8Array) =>
		issuers.find((known) => sameBytes(known.issuer, issuer));
	const money = (issuer: Uint8Array, amount: bigint) => {
		const terms = termsOf(issuer);
		return terms === undefined ? {} : moneyText(amount, terms);
	};
	const fee = (issuer: Uint8Array, amount: bigint) => {
		const terms = termsOf(issuer);
		return terms === undefined || amount === 0n
			? {}
			: { fee: formatAmount(amount, terms.currency) };
	};
	switch (report.kind) {
		case "ordered":
		case "ecash-received":
		case "withdrawn": {
			const { request, issuer, amount } = report;
			return { ...said, request: hex(request), ...money(issuer, amount) };
		}
		case "paid":
		case "received":
		case "to-book":
		case "in-doubt": {
			const { contract, peer, issuer, amount } = report;
			return {
				...said,
				contract: hex(contract),
				peer: hex(peer),
				...money(issuer, amount),
				...("fee" in report ? fee(issuer, report.fee) : {}),
				...(report.kind === "in-doubt" ? { reason: report.why } : {}),
			};
		}
		case "refused": {
			const { contract, peer, error } = report;
			return {
				...said,
				contract: hex(contract),
				peer: hex(peer),
				code: error.code,
				reason: error.message,
			};
		}
		case "deposited": {
			const { contract, issuer, amount, credited } = report;
			const terms = termsOf(issuer);
			return {
				...said,
				contract: hex(contract),
				...money(issuer, amount),
				...(terms === undefined
					? {}
					: { credited: formatAmount(credited, terms.currency) }),
			};
		}
		case "cancelled": {
			const { request, issuer, amount, isDone } = report;
			return {
				...said,
				request: hex(request),
				...money(issuer, amount),
				...(isDone
					? {}
					: {
							reason:
								"it was sent to its issuer, which may have carried it out, or it is over",
						}),
			};
		}
		case "exchanged":
			return {
				...said,
				into: report.into,
				...money(report.issuer, report.amount),
			};
		case "claimed":
			return { ...said, ...money(report.issuer, report.amount) };
		case "lost":
			return {
				...said,
				subject: hex(report.subject),
				...money(report.issuer, report.amount),
			};
		case "void":
			return {
				...said,
				contract: hex(report.contract),
				...money(report.issuer, report.amount),
				...fee(report.issuer, report.fee),
			};
		case "account":
			return { ...said, ...money(report.issuer, report.balance) };
		case "overridden": {
			const { request, record, isDone } = report;
			return {
				...said,
				request: hex(request),
				...(isDone
					? {}
					: { reason: `it is not behind the head ${record.number}` }),
			};
		}
		case "sale": {
			const { contract, what, error } = report;
			return {
				...said,
				contract: hex(contract),
				what,
				...(error === undefined
					? {}
					: { code: error.code, reason: error.message }),
			};
		}
		case "approval-needed": {
			const { contract, peer, issuer, amount, why, what } = report;
			return {
				...said,
				contract: hex(contract),
				peer: hex(peer),
				name: nameInDeviceId(peer),
				...money(issuer, amount),
				...fee(issuer, report.fee),
				reason: WHY_APPROVAL[why],
				...(what === "" ? {} : { text: what }),
			};
		}
		case "decided": {
			const { request, contract, isApproved, isDone } = report;
			return {
				...said,
				request: hex(request),
				contract: hex(contract),
				approved: isApproved,
				...(isDone
					? {}
					: { reason: "it does not wait, or the owner has said more since" }),
			};
		}
		case "limits": {
			const { request, number, isDone } = report;
			return {
				...said,
				request: hex(request),
				number: String(number),
				...(isDone ? {} : { reason: "there are newer ones in force" }),
			};
		}
		case "ecash-ordered": {
			const { request, error } = report;
			return {
				...{ ...said, request: hex(request) },
				...(error && { code: error.code, reason: error.message }),
			};
		}
		case "ecash": {
			const { request, issuer, amount, what, state, error } = report;
			return {
				...{ ...said, request: hex(request), what, state },
				...money(issuer, amount),
				...(error && { code: error.code, reason: error.message }),
			};
		}
		case "ecash-refused": {
			const { request, error } = report;
			return {
				...said,
				request: hex(request),
				code: error.code,
				reason: error.message,
			};
		}
		case "behind":
		case "trouble":
			return {
				...said,
				code: report.error.code,
				reason: report.error.message,
			};
		default:
			return unreachable(report);
	}
}
