import type { Row, Table } from "../../src/machine/index.ts";
import {
	type ApprovalBody,
	ecashTables,
	messages,
	purseTables,
	readLimits,
	spendingTables,
} from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	parseContract,
} from "../../src/trade/documents/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

const { LIMITS_NAME, META, PAYMENTS } = purseTables;
const { APPROVALS } = spendingTables;
const { LOCKED } = ecashTables;
const { body } = messages;

type ApprovalRow = Row<typeof APPROVALS.columns>;
type Payment = Pick<
	Row<typeof PAYMENTS.columns>,
	"contract" | "payee" | "issuer" | "amount"
> & {
	/** What its mint asks for beside; notes have none. */
	readonly fee: bigint;
};

/**
 * What its owner has to approve is paid once the owner has said so, once, and for what the owner was
 * asked about: the word of the owner is about that contract, payee, money and amount, with all that
 * a mint asks for beside, was handed in, and was not taken back in a word that was said to count.
 * And an owner is told what waits, and what came of a word.
 */
export const approvalsKept: MakeInvariant = (world, fail) => {
	/** All words that were handed in, by module and contract. */
	const words = new Map<string, ApprovalBody[]>();
	/** By request. */
	const known = new Map<string, ApprovalBody>();
	/** What owners were told of the last word that counts: by module and contract. */
	const counting = new Map<string, ApprovalBody>();
	/** What agents wanted their owners to be asked about. */
	const wanted = new Map<string, boolean>();
	/** What is wrong with a payment that was written, or with a word that was written down. */
	const wrong = new Map<string, string>();
	/** What is written of a contract, or was last, before it was paid or called off. */
	const waits = new Map<string, ApprovalRow>();
	const nameOf = ({ name }: Pick<Device, "name">, contract: Uint8Array) =>
		`${name} ${hex(contract)}`;
	const hasArchives = (side: string) =>
		world.plan.steps.some(
			(step) => step.kind === "archive" && step.side === side,
		);
	for (const side of world.sides) {
		const { module } = side;
		const isArchived = hasArchives(side.name);
		module.disk.watchers.push((table, before, after) => {
			if (table.name === APPROVALS.name && after !== undefined)
				waits.set(
					nameOf(module, after["contract"] as Uint8Array),
					after as ApprovalRow,
				);
			const paid = before === undefined && paymentIn(table, after);
			if (!paid) return;
			if (sameBytes(paid.payee, paid.issuer) || module.lie !== undefined)
				return;
			const id = nameOf(module, paid.contract);
			const why = whyAsked(module, paid, {
				isWanted: wanted.get(id) === true,
				isArchived,
			});
			const problem =
				why &&
				whyNot(paid, waits.get(id), words.get(id) ?? [], counting.get(id));
			if (problem === undefined) wrong.delete(id);
			else
				wrong.set(
					id,
					`${module.name} has paid ${paid.amount + paid.fee} for ${hex(paid.contract).slice(0, 8)}, about which its owner is asked (${why}): ${problem}`,
				);
		});
	}
	return {
		ownerSaid({ module }, word) {
			if (word.kind !== "approval") return;
			const id = nameOf(module, word.body.contract);
			words.set(id, [...(words.get(id) ?? []), word.body]);
			known.set(hex(word.body.request), word.body);
		},
		said(device, to, bytes) {
			if (to !== "module" || device.role !== "agent") return;
			if (bytes[0] !== ABOUT_PURCHASES.buy.type) return;
			const side = world.sideOf(device);
			if (side === undefined) return;
			const { document, askOwner } = body(ABOUT_PURCHASES.buy, bytes);
			const { hash } = parseContract(device.crypto, document);
			const id = nameOf(side.module, hash);
			// What counts is what was said when it was first asked for.
			if (!wanted.has(id)) wanted.set(id, askOwner);
		},
		reported({ module, wasRestored }, report) {
			if (module.lie !== undefined) return;
			if (report.kind === "approval-needed") {
				const row = asked(module, report.contract);
				const isPaid = hasPaid(module, report.contract);
				if (
					row === undefined &&
					!isPaid &&
					!isCalledOff(module, report.contract)
				)
					fail(
						`${module.name} tells its owner that ${hex(report.contract).slice(0, 8)} waits, and it does not`,
					);
				// What its mint asks for may have grown since that was written.
				if (
					row !== undefined &&
					(row.amount !== report.amount || row.fee < report.fee)
				)
					fail(
						`${module.name} asks its owner about ${report.amount} and ${report.fee}, and ${row.amount} and ${row.fee} wait`,
					);
			}
			if (report.kind !== "decided" || !report.isDone) return;
			const said = known.get(hex(report.request));
			const id = nameOf(module, report.contract);
			if (said === undefined || said.isApproved !== report.isApproved)
				return fail(
					`${module.name} does what its owner never said of ${hex(report.contract).slice(0, 8)}`,
				);
			const row = asked(module, report.contract);
			// A no to less than it takes now is one to that as well.
			const isIt =
				row === undefined ||
				isAbout({ ...row, amount: row.amount + row.fee }, said) ||
				(!said.isApproved && isAbout({ ...row, amount: said.amount }, said));
			if (!isIt)
				fail(
					`${module.name} takes for a word on ${hex(report.contract).slice(0, 8)} what is about something else`,
				);
			// A store that was put back does not know what was said since.
			if (wasRestored) return;
			const before = counting.get(id);
			if (before !== undefined && before.ordered >= said.ordered)
				fail(
					`${module.name} does what its owner said of ${hex(report.contract).slice(0, 8)} before it said something else`,
				);
			counting.set(id, said);
		},
		durable(device, writes) {
			for (const write of writes) {
				const paid =
					write.kind === "insert" && paymentIn(write.table, write.row);
				if (!paid) continue;
				const { contract } = paid;
				const id = nameOf(device, contract);
				const why = wrong.get(id);
				if (why !== undefined) fail(why);
				// Also when it was on its way before that.
				if (
					device.lie === undefined &&
					isDenied(words.get(id) ?? [], counting.get(id))
				)
					fail(
						`${device.name} has paid for ${hex(contract).slice(0, 8)}, and its owner was told before that it is denied`,
					);
			}
			// Whoever is asked about it again may say the same again.
			for (const write of writes)
				if (write.kind === "delete" && write.table.name === APPROVALS.name)
					counting.delete(nameOf(device, write.key["contract"] as Uint8Array));
		},
	};
};

type Disk = Pick<Device, "disk">;

function asked({ disk }: Disk, of: Uint8Array) {
	return disk.rows(APPROVALS).find(({ contract }) => sameBytes(contract, of));
}

function hasPaid({ disk }: Disk, of: Uint8Array): boolean {
	return [PAYMENTS, LOCKED].some((table) =>
		disk
			.rows(table as typeof PAYMENTS)
			.some(({ contract }) => sameBytes(contract, of)),
	);
}

function isCalledOff({ disk }: Disk, of: Uint8Array): boolean {
	return disk
		.rows(purseTables.ABORTED)
		.some(({ contract }) => sameBytes(contract, of));
}

/** What is paid by a row, if it is one of a payment. */
function paymentIn(
	{ name }: Pick<Table, "name">,
	row: Row | undefined,
): Payment | undefined {
	if (row === undefined) return undefined;
	if (name === PAYMENTS.name)
		return { ...(row as Omit<Payment, "fee">), fee: 0n };
	if (name !== LOCKED.name) return undefined;
	const { mint, ...paid } = row as Row<typeof LOCKED.columns>;
	return { ...paid, issuer: mint };
}

type About = Pick<ApprovalBody, "payee" | "issuer" | "amount">;

function isAbout(one: About, other: About): boolean {
	return (
		one.amount === other.amount &&
		sameBytes(one.payee, other.payee) &&
		sameBytes(one.issuer, other.issuer)
	);
}

/** Why the owner has to approve what is written, by the limits on that disk; nothing when it need not. */
function whyAsked(
	{ disk }: Disk,
	{ contract, payee, issuer, amount, fee }: Payment,
	{
		isWanted,
		isArchived,
	}: { readonly isWanted: boolean; readonly isArchived: boolean },
): string | undefined {
	if (isWanted) return "its agent wants that";
	const limits = disk
		.rows(META)
		.find(({ name }) => name === LIMITS_NAME)?.value;
	if (limits === undefined) return undefined;
	const { money, approveNewMerchants } = readLimits(limits);
	const above = money.find((one) => sameBytes(one.issuer, issuer));
	const { approvalAbove } = above ?? {};
	if (approvalAbove !== undefined && amount + fee > approvalAbove)
		return `it is more than ${approvalAbove}`;
	// What was archived has no row any more, and was paid all the same.
	if (!approveNewMerchants || isArchived) return undefined;
	const isOther = (row: { readonly payee: Uint8Array; contract: Uint8Array }) =>
		sameBytes(row.payee, payee) && !sameBytes(row.contract, contract);
	const isKnown =
		disk.rows(LOCKED).some(isOther) ||
		disk.rows(PAYMENTS).some((row) => row.state !== "lapsed" && isOther(row));
	return isKnown ? undefined : "nothing was paid to that module before";
}

/** Why what was said does not let it be paid. */
function whyNot(
	paid: Payment,
	row: ApprovalRow | undefined,
	words: readonly ApprovalBody[],
	counts: ApprovalBody | undefined,
): string | undefined {
	if (words.length === 0) return "it has said nothing";
	if (row?.state !== "approved") return "nothing says that it has approved it";
	if (row.fee < paid.fee) return `it was asked about ${row.fee} beside it`;
	const approved = { ...paid, amount: paid.amount + row.fee };
	// A no to less is one to more.
	const ofIt = words.filter(
		(word) =>
			isAbout(word, approved) ||
			(!word.isApproved &&
				isAbout({ ...paid, amount: word.amount }, word) &&
				word.amount <= approved.amount),
	);
	if (!ofIt.some(({ isApproved }) => isApproved))
		return "it has never approved that";
	return isDenied(ofIt, counts) ? "it was told that it is denied" : undefined;
}

/** Whether the last word that was said to count is a no, and none after it may count already. */
function isDenied(
	words: readonly ApprovalBody[],
	counts: ApprovalBody | undefined,
): boolean {
	return (
		counts?.isApproved === false &&
		!words.some(
			({ isApproved, ordered }) => isApproved && ordered > counts.ordered,
		)
	);
}
