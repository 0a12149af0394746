/* What a rogue's module says to the issuer, in the place of its purse. */
import { nodeCrypto } from "../../crypto/index.ts";
import type { Tetrad } from "../../device/runtime/index.ts";
import {
	FIRST_HEAD,
	messages,
	REQUEST_ID_BYTES,
	unpackMessages,
} from "../../money/index.ts";
import { copy } from "../../wire/index.ts";
import type { Target } from "../target.ts";
import { type Deliver, pays } from "./paying.ts";
import type { Rogue } from "./rogue.ts";

const { BETWEEN_MODULES, WITH_ISSUER } = messages;

/** How long an issuer may take. */
const PATIENCE_MS = 10_000;

/** What names a request. */
export const newRequest = (): Uint8Array => nodeCrypto.random(REQUEST_ID_BYTES);

/** A module that says what it likes to the issuer, one thing after another. */
export class AtIssuer {
	readonly #tetrad: Tetrad;
	readonly #heard: Uint8Array[] = [];

	constructor(tetrad: Tetrad) {
		this.#tetrad = tetrad;
	}

	/** The issuer's answer, or the code of the end of the conversation. */
	async ask<Asked>(
		kind: messages.MessageKind<Asked>,
		asked: Asked,
	): Promise<Uint8Array> {
		await this.#tetrad.module.send(messages.message(kind, asked));
		for (;;) {
			const next = this.#heard.shift();
			if (next !== undefined) return next;
			const signal = AbortSignal.timeout(PATIENCE_MS);
			const bytes = await this.#tetrad.module.receive({ signal });
			if (bytes === undefined) throw new Error("the issuer hung up");
			this.#heard.push(...unpackMessages(bytes));
		}
	}

	async balance(): Promise<bigint> {
		const answer = await this.ask(WITH_ISSUER.balance, {
			request: newRequest(),
		});
		return messages.body(WITH_ISSUER.account, answer).balance;
	}
}

/** Says hello, and then what `act` says. */
export async function atIssuer<Value>(
	rogue: Rogue,
	signal: AbortSignal,
	act: (issuer: AtIssuer) => Promise<Value>,
): Promise<Value> {
	return rogue.atIssuer(async (tetrad) => {
		const issuer = new AtIssuer(tetrad);
		await issuer.ask(WITH_ISSUER.hello, FIRST_HEAD);
		return act(issuer);
	}, signal);
}

/** A payment to the merchant that was taken, as it went. */
export async function takenPayment(
	rogue: Rogue,
	target: Target,
	signal: AbortSignal,
): Promise<Deliver> {
	let bytes: Uint8Array | undefined;
	const answer = await pays(rogue, target, signal, {
		async deliver(deliver) {
			bytes = copy(messages.message(BETWEEN_MODULES.deliver, deliver));
			return deliver;
		},
	});
	if (answer.kind !== "accepted" || bytes === undefined)
		throw new Error("an honest payment was not taken");
	return messages.body(BETWEEN_MODULES.deliver, bytes);
}
