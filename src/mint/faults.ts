/* What a mint can do wrong, one thing at a time. Several may be wrong at once. */

/** What a request is about. */
export type MintEndpoint =
	| "info"
	| "keys"
	| "keysets"
	| "mint-quote"
	| "mint"
	| "melt-quote"
	| "melt"
	| "swap"
	| "checkstate"
	| "restore";

/** One kind of fault, with what it needs to know. */
export type MintWrong =
	/** No connection is taken: nothing is done and nothing answered. */
	| { readonly kind: "down" }
	/** The work is done, and the connection breaks before the answer. */
	| { readonly kind: "answer-lost" }
	/** The work is done, and the answer comes after `ms` milliseconds. */
	| { readonly kind: "slow"; readonly ms: number }
	/** The request is worked on twice, without NUT-19, and the second answer is sent. */
	| { readonly kind: "handled-twice" }
	/** The body of the answer stands there twice. */
	| { readonly kind: "body-twice" }
	/** A page of a proxy in the place of the answer, though the work was done. */
	| { readonly kind: "not-json"; readonly status?: number }
	/** `bytes` more in the answer, which is JSON nevertheless. */
	| { readonly kind: "huge-answer"; readonly bytes: number }
	/** The clock of the mint is so many `seconds` ahead, or behind if less than zero. */
	| { readonly kind: "clock-skewed"; readonly seconds: number }
	/** NUT-07 says this of every proof that is asked about. */
	| {
			readonly kind: "state-lied";
			readonly state: "UNSPENT" | "PENDING" | "SPENT";
	  }
	/** NUT-07 shows no witness. */
	| { readonly kind: "witness-forgotten" }
	/** NUT-07 shows a witness whose preimage opens nothing, of everything. */
	| { readonly kind: "witness-wrong" }
	/** NUT-07 shows the witness of a claim that failed, too. */
	| { readonly kind: "witness-of-failure-shown" }
	/** NUT-09 restores nothing. */
	| { readonly kind: "signatures-forgotten" }
	/** NUT-19 was only promised: a request that was answered is worked on again. */
	| { readonly kind: "answers-forgotten" }
	/** Proofs that somebody spends become pending, and stay so until the fault is cleared. */
	| { readonly kind: "stuck-pending" }
	/** A claim by preimage is refused while the lock still runs. */
	| { readonly kind: "early-claim-refused" }
	/** Locks bind nobody; NUT-06 says so when `isAnnounced`, and lies otherwise. */
	| { readonly kind: "locks-ignored"; readonly isAnnounced: boolean }
	/** What is spent can be spent again. */
	| { readonly kind: "spent-twice" }
	/** Other keys stand under the same ids, until the fault is cleared. */
	| { readonly kind: "keys-swapped" }
	/** New keys are active by the time a request arrives that wants outputs signed. */
	| { readonly kind: "keyset-rotated" }
	/** Signatures have no DLEQ. */
	| { readonly kind: "dleq-dropped" }
	/** Signatures have a DLEQ that is wrong. */
	| { readonly kind: "dleq-wrong" }
	/** Signatures are points, but not those that were asked for. */
	| { readonly kind: "signature-wrong" }
	/** Signatures say twice the amount that they are for. */
	| { readonly kind: "amount-wrong" }
	/** One signature is missing. */
	| { readonly kind: "signature-missing" };

export type MintFaultKind = MintWrong["kind"];

/** A fault, where it strikes and how often. */
export type MintFault = MintWrong & {
	/** Where; unless given, wherever it can. */
	readonly at?: MintEndpoint;
	/** For so many requests that it concerns; unless given, until it is cleared. */
	readonly times?: number;
};

const SIGNING: readonly MintEndpoint[] = ["mint", "swap", "melt", "restore"];
const SPENDING: readonly MintEndpoint[] = ["swap", "melt"];
const ANY: readonly MintEndpoint[] = [
	"info",
	"keys",
	"keysets",
	"mint-quote",
	"melt-quote",
	"checkstate",
	...SIGNING,
];

/** All faults, and what each of them concerns. */
export const MINT_FAULTS: Readonly<
	Record<MintFaultKind, readonly MintEndpoint[]>
> = {
	down: ANY,
	"answer-lost": ANY,
	slow: ANY,
	"handled-twice": ["mint", ...SPENDING],
	"body-twice": ANY,
	"not-json": ANY,
	"huge-answer": ANY,
	"clock-skewed": ANY,
	"state-lied": ["checkstate"],
	"witness-forgotten": ["checkstate"],
	"witness-wrong": ["checkstate"],
	"witness-of-failure-shown": ["checkstate", ...SPENDING],
	"signatures-forgotten": ["restore"],
	"answers-forgotten": ["mint", ...SPENDING],
	"stuck-pending": SPENDING,
	"early-claim-refused": SPENDING,
	"locks-ignored": ["info", ...SPENDING],
	"spent-twice": SPENDING,
	"keys-swapped": ANY,
	"keyset-rotated": ["mint", ...SPENDING],
	"dleq-dropped": SIGNING,
	"dleq-wrong": SIGNING,
	"signature-wrong": SIGNING,
	"amount-wrong": SIGNING,
	"signature-missing": SIGNING,
};

/** What a request is about, or `undefined` where no mint has anything. */
export function endpointOf(path: string): MintEndpoint | undefined {
	const [, name = ""] = /^\/v1\/([a-z]+(?:\/quote)?)/.exec(path) ?? [];
	const endpoint = name.replace("/", "-");
	return ANY.find((one) => one === endpoint);
}

type WrongOf<Kind extends MintFaultKind> = Extract<
	MintWrong,
	{ readonly kind: Kind }
>;

/** What goes wrong with one request, by kind. */
export class Wrongs {
	readonly #byKind = new Map<MintFaultKind, MintWrong>();

	add(wrong: MintWrong): void {
		this.#byKind.set(wrong.kind, wrong);
	}

	has(kind: MintFaultKind): boolean {
		return this.#byKind.has(kind);
	}

	get<Kind extends MintFaultKind>(kind: Kind): WrongOf<Kind> | undefined {
		return this.#byKind.get(kind) as WrongOf<Kind> | undefined;
	}
}
