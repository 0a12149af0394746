/* One record of a confirmed tetrad is spoilt, and what the merchant then does. */
import {
	type CryptoProvider,
	nodeCrypto,
	TAG_BYTES,
} from "../../crypto/index.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Session } from "../../session/index.ts";
import { safetyWords } from "../../tetrad/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import { CONTENT, FRAME, frameHeader } from "../../wire/index.ts";
import { broken, held, type Outcome } from "../attack.ts";
import { type HostileHooks, HostileTetrad, spoken } from "../hostile/index.ts";
import type { Target } from "../target.ts";

/** A question that is answered by a record. */
export const QUESTION: Uint8Array = spoken(BETWEEN_AGENTS.list, {
	after: undefined,
});

/** How long the merchant may take to end a tetrad, or to answer. */
const WAIT_MS = 10_000;

/** How long the word of a process may be on its way. */
const WORD_MS = 3000;

/** What there is to spoil with. */
export interface Confirmed {
	readonly tetrad: HostileTetrad;
	/** Session 1. */
	readonly outer: Session;
	/** Session 2. */
	readonly inner: Session;
	/** The next record of that session with this plaintext, whatever it is. */
	anything(session: Session, plaintext: Uint8Array): Uint8Array;
}

/** Why the owner of the merchant's agent may be told that it ended. */
const CODES: readonly ErrorCode[] = ["authentication-failed"];

/**
 * In a confirmed tetrad, in which the merchant has answered a question, sends what `spoil` makes,
 * and then the same question again. The merchant has to end the tetrad and to answer nothing.
 */
export async function spoiling(
	target: Target,
	signal: AbortSignal,
	spoil: (confirmed: Confirmed) => readonly Uint8Array[],
	{
		codes = CODES,
		hooks = {},
		mayAnswer = false,
	}: {
		/** Why the merchant's agent may have ended it; without a code in order. */
		readonly codes?: readonly (ErrorCode | "in order")[];
		readonly hooks?: HostileHooks;
		/** Whether the agent, which passes things on, may have answered before its module had judged them. */
		readonly mayAnswer?: boolean;
	} = {},
): Promise<Outcome> {
	const sealing = new Sealing();
	const { crypto } = sealing;
	const from = target.heard().length;
	await using wire = await target.connect(signal);
	const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
		...hooks,
		agent: { crypto },
		module: { crypto },
	});
	const end = await tetrad.establish();
	if (end !== "confirmed") return broken(`an honest call ends ${end}`);
	if ((await tetrad.ask(QUESTION)) === undefined)
		return broken("an honest question is not answered");
	const { outer, root } = tetrad.agent.confirmed();
	const { inner } = tetrad.module.confirmed();
	const code = safetyWords(root.safetyCodeBytes());
	tetrad.sendRaw(
		...spoil({
			tetrad,
			outer,
			inner,
			anything: (session, plaintext) => sealing.seal(session, plaintext),
		}),
		outer.seal(CONTENT.message, QUESTION),
	);
	const rest = await wire.rest(WAIT_MS);
	if (rest.end === "silent") return broken("the merchant goes on with it");
	if (!mayAnswer && rest.frames.some((frame) => isAnswer(outer, frame)))
		return broken("the merchant answers what came after it");
	if (target.kind === "deployment") return held("the merchant hung up");
	const why = await whyEnded(target, from, code);
	return (codes as readonly string[]).includes(why)
		? held(`the merchant ended the tetrad: ${why}`)
		: broken(`the merchant hung up, and told its owner ${why}`);
}

function isAnswer(session: Session, frame: Uint8Array): boolean {
	if (frame[0] !== FRAME.record) return false;
	try {
		return session.open(frame).type === CONTENT.message;
	} catch {
		return false;
	}
}

/** How the merchant's agent says that the tetrad with that safety code ended. */
async function whyEnded(
	target: Target,
	from: number,
	code: string,
): Promise<string> {
	const confirmed = await target.hears(
		({ process, event }) =>
			process === "shop agent" &&
			event.event === "confirmed" &&
			event.safetyCode === code,
		{ from, withinMs: WORD_MS },
	);
	if (confirmed?.event.event !== "confirmed") return "nothing";
	const { tetrad } = confirmed.event;
	const ended = await target.hears(
		({ process, event }) =>
			process === "shop agent" &&
			event.event === "ended" &&
			event.tetrad === tetrad,
		{ from, withinMs: WORD_MS },
	);
	return ended?.event.event === "ended"
		? (ended.event.code ?? "in order")
		: "nothing";
}

/** A provider under which a record can have any plaintext. */
class Sealing {
	#plaintext: Uint8Array | undefined;

	readonly crypto: CryptoProvider = {
		...nodeCrypto,
		aead: (name, key) => {
			const honest = nodeCrypto.aead(name, key);
			return {
				...honest,
				sealRecord: (nonce, header, ...parts) => {
					const plaintext = this.#plaintext;
					if (plaintext === undefined)
						return honest.sealRecord(nonce, header, ...parts);
					this.#plaintext = undefined;
					const length = plaintext.length + TAG_BYTES;
					const other = frameHeader(FRAME.record, length);
					return honest.sealRecord(nonce, other, plaintext);
				},
			};
		},
	};

	seal(session: Session, plaintext: Uint8Array): Uint8Array {
		this.#plaintext = plaintext;
		return session.seal(CONTENT.message, new Uint8Array());
	}
}
