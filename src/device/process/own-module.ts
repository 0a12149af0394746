import { parseText, textMessage } from "../../talk/index.ts";
import { Payments, type Witness } from "../purse/index.ts";
import type { Tetrad } from "../runtime/index.ts";
import { answerInTime } from "./answer-in-time.ts";
import type { Report } from "./process-events.ts";

/** The own module of an agent in one tetrad, in which it may have to do with money. */
export type OwnModule = SilentModule | PayingModule;

/** The own module in a tetrad that has nothing to do with money. */
export class SilentModule {
	readonly tetrad: Tetrad;

	constructor(tetrad: Tetrad) {
		this.tetrad = tetrad;
	}

	/** What the module says next. */
	greeting(): Promise<Uint8Array | undefined> {
		return this.tetrad.module.receive();
	}

	async over(): Promise<void> {}
}

/** The own module in a tetrad in which it may pay or be paid. */
export class PayingModule {
	readonly tetrad: Tetrad;
	readonly payments: Payments;
	readonly #greeting = Promise.withResolvers<Uint8Array | undefined>();

	constructor(tetrad: Tetrad, witness: Witness) {
		this.tetrad = tetrad;
		this.payments = new Payments(tetrad, {
			witness,
			other: this.#greeting.resolve,
		});
		void this.payments.over.then(() => this.#greeting.resolve(undefined));
	}

	/** The first thing that the module says beside money. */
	greeting(): Promise<Uint8Array | undefined> {
		return this.#greeting.promise;
	}

	/** Resolves when what the module has said is kept. */
	over(): Promise<void> {
		return this.payments.over;
	}
}

/** Greets the own module, when that was asked for. */
export async function greet(
	{ tetrad }: OwnModule,
	greeting: string | undefined,
): Promise<void> {
	if (greeting !== undefined) await tetrad.module.send(textMessage(greeting));
}

/** Waits until the own module has said something, and reports it when it is a text. Rejects with `timed-out` when that takes longer than `answerMs`. */
export async function hearGreeting(
	own: OwnModule,
	number: number,
	report: Report,
	answerMs: number,
): Promise<void> {
	const message = await answerInTime(
		own.greeting(),
		answerMs,
		"the own module answers the greeting",
	);
	const text = message && parseText(message);
	if (text === undefined) return;
	const session = own.tetrad.place === "A" ? 3 : 4;
	report({ event: "message", tetrad: number, session, text });
}
