/* Answers of a mint, as faults change them. */
import { concat, utf8 } from "../wire/index.ts";
import type { Wrongs } from "./faults.ts";
import type { MintAnswer } from "./play-mint.ts";

interface Signature {
	readonly amount: number | bigint;
	readonly C_: string;
	readonly dleq?: { readonly e: string; readonly s: string };
}

interface State {
	readonly Y: string;
	readonly state: string;
	readonly witness: string | null;
}

/** The parts of answers that faults concern; no answer has all. */
interface Answer {
	readonly nuts?: Readonly<Record<string, unknown>>;
	readonly states?: readonly State[];
	readonly outputs?: readonly unknown[];
	readonly signatures?: readonly Signature[];
	readonly change?: readonly Signature[];
}

/** The NUTs of locks. */
const LOCKS: readonly string[] = ["10", "11", "14"];

const WRONG_WITNESS = JSON.stringify({
	preimage: "00".repeat(32),
	signatures: [],
});

/** What is said in the place of an answer. `failed` has the witnesses of claims that failed. */
export function altered(
	answer: Answer,
	wrongs: Wrongs,
	failed: ReadonlyMap<string, string>,
): Answer {
	if (wrongs.has("signatures-forgotten"))
		return { outputs: [], signatures: [] };
	const { nuts, states, signatures, change } = answer;
	const announced = wrongs.get("locks-ignored")?.isAnnounced ? LOCKS : [];
	return {
		...answer,
		...(nuts && {
			nuts: Object.fromEntries(
				Object.entries(nuts).filter(([nut]) => !announced.includes(nut)),
			),
		}),
		...(states && {
			states: states.map((state) => alteredState(state, wrongs, failed)),
		}),
		...(signatures && { signatures: alteredSignatures(signatures, wrongs) }),
		...(change && { change: alteredSignatures(change, wrongs) }),
	};
}

/** The bytes of an answer, where they are no longer what the mint meant. */
export function disfigured(answer: MintAnswer, wrongs: Wrongs): MintAnswer {
	const page = wrongs.get("not-json");
	if (page !== undefined)
		return {
			status: page.status ?? 200,
			body: utf8("<html><body>502 Bad Gateway</body></html>"),
		};
	let { body } = answer;
	const huge = wrongs.get("huge-answer");
	// White space after JSON is JSON still.
	if (huge !== undefined)
		body = concat(body, new Uint8Array(huge.bytes).fill(0x20));
	if (wrongs.has("body-twice")) body = concat(body, body);
	return { ...answer, body };
}

function alteredState(
	{ Y, state, witness }: State,
	wrongs: Wrongs,
	failed: ReadonlyMap<string, string>,
): State {
	let shown = witness;
	if (wrongs.has("witness-of-failure-shown"))
		shown ??= failed.get(Y.toLowerCase()) ?? null;
	if (wrongs.has("witness-wrong")) shown = WRONG_WITNESS;
	if (wrongs.has("witness-forgotten")) shown = null;
	return {
		Y,
		state: wrongs.get("state-lied")?.state ?? state,
		witness: shown,
	};
}

function alteredSignatures(
	signatures: readonly Signature[],
	wrongs: Wrongs,
): Signature[] {
	const kept = wrongs.has("signature-missing")
		? signatures.slice(0, -1)
		: signatures;
	return kept.map((signature) => alteredSignature(signature, wrongs));
}

function alteredSignature(
	{ dleq, ...signature }: Signature,
	wrongs: Wrongs,
): Signature {
	const { amount, C_ } = signature;
	const isKept = dleq !== undefined && !wrongs.has("dleq-dropped");
	return {
		...signature,
		amount: wrongs.has("amount-wrong") ? BigInt(amount) * 2n : amount,
		C_: wrongs.has("signature-wrong") ? opposite(C_) : C_,
		...(isKept && {
			// Its halves in each other's place are scalars all the same.
			dleq: wrongs.has("dleq-wrong") ? { e: dleq.s, s: dleq.e } : dleq,
		}),
	};
}

/** The other point with the same x. */
function opposite(point: string): string {
	return (point.startsWith("02") ? "03" : "02") + point.slice(2);
}
