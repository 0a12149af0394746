/* What an owner orders of a purse: to withdraw, and to give everything back. It is carried out at the next visit to the issuer. */
import { asTetradError, TetradError } from "../../errors.ts";
import { copy } from "../../wire/index.ts";
import { message, openOrder, WITH_ISSUER } from "../documents/index.ts";
import { newRequest, orderRequest } from "./issuer-requests.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { RequestRow } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";

export class Orders {
	readonly #core: PurseCore;
	readonly #work: PurseWork;

	constructor({ core, work }: PurseParts) {
		this.#core = core;
		this.#work = work;
	}

	order(document: Uint8Array): void {
		const { owner, context } = this.#core.options;
		if (owner === undefined)
			return this.#core.trouble(
				new TetradError(
					"invalid-argument",
					"this purse takes no orders: it does not know its owner's key",
				),
			);
		try {
			const { crypto } = context;
			const { value } = openOrder(crypto, document, this.#core.ownId, owner);
			const { request, issuer, amount } = value;
			this.#orderOnce(
				newRequest({
					request,
					kind: "withdraw",
					issuer,
					amount,
					message: message(WITH_ISSUER.withdraw, {
						request,
						amount,
					}),
				}),
			);
		} catch (thrown) {
			this.#core.trouble(asTetradError(thrown));
		}
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
