import {
	type Approval,
	approvalsInAll,
	homeOfWaiting,
	openModule,
} from "../../device/service/index.ts";
import { amountText, money } from "../money.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import type { ModuleHomes } from "../side-flags.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson } from "../voice.ts";

export interface ApprovalsFlags {
	readonly home: string;
	readonly json?: true;
}

export interface DecideFlags extends ApprovalsFlags, OwnerFlags {}

/** Of each of the modules in these homes. */
export async function showApprovals(
	homes: ModuleHomes,
	{ json }: Pick<ApprovalsFlags, "json">,
): Promise<void> {
	const isOne = homes.length === 1;
	const waiting = await approvalsInAll(homes);
	if (json)
		return sayJson({
			...(isOne ? { home: homes[0] } : { homes }),
			approvals: waiting.map(approvalJson),
		});
	if (waiting.length === 0) return say("no payment waits for you");
	const rows = waiting.map((one) => [
		...(isOne ? [] : [plain(one.module ?? "")]),
		one.contract.slice(0, 16),
		costText(one),
		plain(one.payee),
		plain(one.text),
		one.reason,
		moment(Date.parse(one.asked)),
		one.state,
	]);
	const head = [
		...(isOne ? [] : ["module"]),
		...["contract", "amount", "to", "for", "because", "asked", ""],
	];
	for (const line of plainTable(head, rows)) say(line);
}

/** Approves or denies the payment whose contract begins so, in the one of these homes in which it waits. */
export async function decide(
	beginning: string,
	homes: ModuleHomes,
	flags: Omit<DecideFlags, "home">,
	isApproved: boolean,
): Promise<void> {
	const { json } = flags;
	const home = await homeOfWaiting(homes, beginning);
	await using module = await openModule(home);
	const options = { owner: ownerSecret({ ...flags, home }) };
	const decided = isApproved
		? await module.approve(beginning, options)
		: await module.deny(beginning, options);
	const { inForce, state, payee } = decided;
	if (json) return sayJson({ home, ...approvalJson(decided), inForce });
	say(
		`${state} ${costText(decided)} to ${plain(payee)}${inForce ? "" : `; the module takes that down when it starts (${home}/orders)`}`,
	);
	if (isApproved)
		say(
			inForce
				? "a purchase that waits is paid now; anything else when it is asked for again"
				: "it is paid when it is asked for again",
		);
}

/** The amount, and what a mint asks for beside. */
function costText(approval: Approval): string {
	const { fee = 0n } = approval;
	const text = money(amountText(approval));
	if (fee === 0n) return text;
	return `${text} and a fee of ${amountText({ ...approval, amount: fee }).amount}`;
}

function approvalJson(approval: Approval) {
	const { contract, payee, payeeId, text, because, reason } = approval;
	const { asked, state } = approval;
	return {
		...(approval.module === undefined ? {} : { module: approval.module }),
		contract,
		...amountText(approval),
		...(approval.fee === undefined
			? {}
			: { fee: amountText({ ...approval, amount: approval.fee }).amount }),
		payee: { id: payeeId, name: payee },
		...(text === "" ? {} : { text }),
		...{ because, reason, asked, state },
	};
}
