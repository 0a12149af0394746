/*
 * The purse of a module: what it holds, pays, is paid, and settles with its issuers.
 *
 * Nothing that it has is lost or doubled: at each moment
 *
 *   spendable + toDeposit + inDoubt + toClaim
 *     = what was withdrawn, received and exchanged for − what a payee gave a receipt for
 *       − what an issuer has answered for
 *
 * and each of the four is a sum over rows of its tables (balance-history.ts).
 */
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import { copy } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	parseUint64,
	WITH_AGENT,
	WITH_ISSUER,
} from "../documents/index.ts";
import type { MoneyEffect, MoneyEvent, MoneyMachine } from "../machine.ts";
import { BeingPaid } from "./being-paid.ts";
import { Paying } from "./paying.ts";
import { earliest, PurseCore, type PurseMachineOptions } from "./purse-core.ts";
import type { PurseState } from "./purse-load.ts";
import type { PurseReport } from "./purse-report.ts";
import { Settling } from "./settling.ts";

export type { PurseMachineOptions } from "./purse-core.ts";

/** The machine of a module that holds money. `state` is what `loadPurse` has read from its store. */
export class PurseMachine implements MoneyMachine<PurseReport> {
	readonly #core: PurseCore;
	readonly #paying: Paying;
	readonly #beingPaid: BeingPaid;
	readonly #settling: Settling;

	constructor(options: PurseMachineOptions, state: PurseState) {
		this.#core = new PurseCore(options, state);
		this.#paying = new Paying(this.#core, state.payments);
		this.#beingPaid = new BeingPaid(
			this.#core,
			state.invoiceKey,
			state.undeposited,
		);
		this.#settling = new Settling(this.#core, {
			booked: (row) => this.#beingPaid.booked(row),
			lapsed: (contracts) => this.#paying.lapsed(contracts),
		});
	}

	get deadline(): number | undefined {
		return earliest([
			this.#core.deadline,
			this.#paying.deadline,
			this.#settling.deadline,
		]);
	}

	handle(event: MoneyEvent, now: number): readonly MoneyEffect<PurseReport>[] {
		this.#core.now = now;
		this.#handle(event);
		this.#paying.retry();
		return this.#core.takeEffects();
	}

	#handle(event: MoneyEvent): void {
		switch (event.kind) {
			case "opened": {
				const meeting = this.#core.open(event.meeting);
				this.#beingPaid.opened(meeting);
				return this.#paying.opened(meeting);
			}
			case "closed":
				this.#core.meetings.delete(event.tetrad);
				this.#beingPaid.closed(event.tetrad);
				this.#settling.closed(event.tetrad);
				return this.#paying.closed(event.tetrad);
			case "from-agent":
			case "from-module":
				return this.#hear(event);
			case "order":
				return this.#settling.order(event.document);
			case "give-back":
				return this.#settling.giveBack(event.request, event.issuer);
			case "written":
			case "not-written":
			case "signed":
			case "not-signed":
				return this.#core.finished(event);
			case "time":
				this.#core.time();
				this.#paying.time();
				return this.#settling.time();
			default:
				return unreachable(event);
		}
	}

	/** Whoever sends what is none of the messages that it may send has its tetrad ended. */
	#hear({
		kind,
		tetrad,
		bytes,
	}: Extract<MoneyEvent, { readonly bytes: Uint8Array }>): void {
		if (!this.#core.meetings.has(tetrad)) return;
		try {
			if (kind === "from-agent") this.#hearAgent(tetrad, bytes);
			else this.#hearModule(tetrad, bytes);
		} catch (thrown) {
			this.#core.end(tetrad, asTetradError(thrown));
		}
	}

	#hearAgent(tetrad: number, bytes: Uint8Array): void {
		const meeting = this.#core.meetingOf(tetrad);
		switch (bytes[0]) {
			case WITH_AGENT.witness.type: {
				const { number, hash } = body(WITH_AGENT.witness, bytes);
				const record = { number: parseUint64(number), hash: copy(hash) };
				return this.#core.compare(record, "agent", () =>
					this.#core.witness(tetrad),
				);
			}
			case WITH_AGENT.pay.type:
				return this.#paying.pay(meeting, bytes);
			case WITH_AGENT.expect.type:
				return this.#beingPaid.expect(meeting, bytes);
			case WITH_AGENT.settle.type:
				return this.#settling.settle(meeting, bytes);
			default:
				throw unexpected("the own agent");
		}
	}

	#hearModule(tetrad: number, bytes: Uint8Array): void {
		const meeting = this.#core.meetingOf(tetrad);
		switch (bytes[0]) {
			case BETWEEN_MODULES.prepare.type:
				return this.#beingPaid.prepare(meeting, bytes);
			case BETWEEN_MODULES.prepared.type:
				return this.#paying.prepared(meeting, bytes);
			case BETWEEN_MODULES.deliver.type:
				return this.#beingPaid.deliver(meeting, bytes);
			case BETWEEN_MODULES.accepted.type:
				return this.#paying.accepted(meeting, bytes);
			case BETWEEN_MODULES.refused.type:
				return this.#paying.refused(meeting, bytes);
			case WITH_ISSUER.welcome.type:
			case WITH_ISSUER.issued.type:
			case WITH_ISSUER.booked.type:
			case WITH_ISSUER.account.type:
			case WITH_ISSUER.declined.type:
				return this.#settling.hear(meeting, bytes);
			default:
				throw unexpected("the other module");
		}
	}
}

function unexpected(who: string): TetradError {
	return new TetradError(
		"unexpected-message",
		`${who} sent what is no message to a purse`,
	);
}
