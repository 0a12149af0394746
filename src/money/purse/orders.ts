/* What an owner orders of a purse: to withdraw and to give everything back, which is carried out at the next visit to the issuer, and to override a witness; to take a withdrawal back that was not sent yet; what it may pay, and what to make of a payment that waits. */
import { asTetradError, TetradError } from "../../errors.ts";
import { copy } from "../../wire/index.ts";
import {
	message,
	type OrderBody,
	openApproval,
	openCancellation,
	openLimits,
	openOrder,
	openOverride,
	WITH_ISSUER,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import type { Approvals } from "./approvals.ts";
import {
	type Cancelled,
	cancelRequest,
	newRequest,
	orderRequest,
} from "./issuer-requests.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { PurseCore, PurseOptions } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { RequestRow } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SpendingLimits } from "./spending-limits.ts";
import type { Witnesses } from "./witnesses.ts";

export class Orders {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #limits: SpendingLimits;
	readonly #approvals: Approvals;

	constructor(
		{ core, work, witnesses }: PurseParts,
		limits: SpendingLimits,
		approvals: Approvals,
	) {
		this.#core = core;
		this.#work = work;
		this.#witnesses = witnesses;
		this.#limits = limits;
		this.#approvals = approvals;
	}

	order(document: Uint8Array): void {
		this.#signed((owner, { crypto }) => {
			const { value } = openOrder(crypto, document, this.#core.ownId, owner);
			this.#orderOnce(withdrawalOf(value));
		});
	}

	cancel(document: Uint8Array): void {
		this.#signed((owner, { crypto }) => {
			const { ownId } = this.#core;
			const { value } = openCancellation(crypto, document, ownId, owner);
			const { request, issuer, amount } = value;
			this.#work.transact(
				{ kind: "cancelling", request, issuer, amount },
				cancelRequest(this.#core, withdrawalOf(value)),
			);
		});
	}

	override(document: Uint8Array): void {
		this.#signed((owner, { crypto }) =>
			this.#witnesses.override(
				openOverride(crypto, document, this.#core.ownId, owner).value,
			),
		);
	}

	limits(document: Uint8Array): void {
		this.#signed((owner, { crypto }) =>
			this.#limits.order(
				openLimits(crypto, document, this.#core.ownId, owner).value,
			),
		);
	}

	approval(document: Uint8Array): void {
		this.#signed((owner, { crypto }) =>
			this.#approvals.decide(
				openApproval(crypto, document, this.#core.ownId, owner).value,
			),
		);
	}

	giveBack(request: Uint8Array, issuer: Uint8Array): void {
		this.#orderOnce(
			newRequest({
				request: copy(request),
				kind: "give-back",
				issuer: copy(issuer),
				amount: 0n,
				message: new Uint8Array(),
			}),
		);
	}

	ordered(
		{ request, issuer, amount }: JobOf<"ordering">,
		{ isNew }: { readonly isNew: boolean },
	): void {
		if (isNew) this.#core.report({ kind: "ordered", request, issuer, amount });
	}

	cancelled(
		{ request, issuer, amount }: JobOf<"cancelling">,
		{ isDone }: Cancelled,
	): void {
		this.#core.report({ kind: "cancelled", request, issuer, amount, isDone });
	}

	/** What only the owner can order; what is not the owner's is troubling. */
	#signed(
		order: (
			owner: NonNullable<PurseOptions["owner"]>,
			context: MoneyContext,
		) => void,
	): void {
		const { owner, context } = this.#core.options;
		if (owner === undefined)
			return this.#core.trouble(
				new TetradError(
					"invalid-argument",
					"this purse takes no orders: it does not know its owner's key",
				),
			);
		try {
			order(owner, context);
		} catch (thrown) {
			this.#core.trouble(asTetradError(thrown));
		}
	}

	#orderOnce(row: RequestRow): void {
		const { request, issuer, amount } = row;
		if (this.#core.termsOf(issuer) === undefined)
			return this.#core.trouble(
				new TetradError(
					"invalid-argument",
					"this purse does not know that issuer: import its terms",
				),
			);
		this.#work.transact(
			{ kind: "ordering", request, issuer, amount },
			orderRequest(this.#core, row),
		);
	}
}

function withdrawalOf({
	request,
	issuer,
	amount,
}: Pick<OrderBody, "request" | "issuer" | "amount">): RequestRow {
	return newRequest({
		request,
		kind: "withdraw",
		issuer,
		amount,
		message: message(WITH_ISSUER.withdraw, { request, amount }),
	});
}
