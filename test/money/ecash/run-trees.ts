/*
 * Every way that a request to a mint can go, from when it is sent until it is known what became of
 * it, answer by answer: what is asked then, and what comes of it. Nothing in it is random.
 * `npx node test/write-down.ts` writes it into run-trees/….txt.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { standInEcash } from "../../../sim/ecash-crypto.ts";
import { nodeCrypto } from "../../../src/crypto/index.ts";
import {
	deriveKeysetId,
	type Keyset,
	KnownKeysets,
	type LockTerms,
	type MintRequest,
	makeBlankOutputs,
	makeLockOutputs,
	makeOutputs,
	meltRequest,
	mintRequest,
	type Output,
	type Proof,
	parseSignatures,
	plainInputs,
	swapRequest,
	unblindAll,
} from "../../../src/money/cashu/index.ts";
import { MeltingRun } from "../../../src/money/purse/ecash/melting-run.ts";
import type { MintRun } from "../../../src/money/purse/ecash/mint-run.ts";
import { MintingRun } from "../../../src/money/purse/ecash/minting-run.ts";
import {
	makeStored,
	type StoredSwap,
} from "../../../src/money/purse/ecash/stored-swap.ts";
import { SwapRun } from "../../../src/money/purse/ecash/swap-run.ts";
import type { MintAnswer } from "../../../src/money/purse/ecash-part.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { filled } from "../documents.ts";

const { purse: ecash, mint } = standInEcash(nodeCrypto);
const SEED = filled(64, 7);

/** A mint that signs with keys of powers of two, and keeps no books. */
const PRIVATE_KEYS: ReadonlyMap<bigint, Uint8Array> = new Map(
	Array.from({ length: 8 }, (_, at) => [2n ** BigInt(at), filled(32, at + 1)]),
);
const KEYSET: Keyset = (() => {
	const keys = new Map(
		[...PRIVATE_KEYS].map(([amount, key]) => [amount, ecash.publicKey(key)]),
	);
	const of = { unit: "sat", inputFeePpk: 0n, finalExpiry: undefined, keys };
	const said = { ...of, isActive: true };
	const id = deriveKeysetId(nodeCrypto, { ...said, id: Uint8Array.of(1) });
	return { ...said, id };
})();
const KEYSETS = new KnownKeysets([KEYSET]);

/** As requests have it. */
interface Asked {
	readonly outputs?: readonly {
		readonly amount: number;
		readonly id: string;
		readonly B_: string;
	}[];
	readonly Ys?: readonly string[];
}

const json = (value: unknown) => utf8(JSON.stringify(value));
const said = (value: unknown): MintAnswer => ({
	status: 200,
	body: json(value),
});
const refused = (status: number, code: number): MintAnswer => ({
	status,
	body: json({ detail: "no", code }),
});

function signed(
	{ outputs = [] }: Asked,
	ofAmount = (amount: number) => amount,
) {
	return outputs.map(({ amount, id, B_ }) => {
		const of = ofAmount(amount === 0 ? 1 : amount);
		const key = PRIVATE_KEYS.get(BigInt(of));
		assert.ok(key);
		return { id, amount: of, ...mint.sign(B_, key) };
	});
}

function proofsOf(outputs: readonly Output[]): readonly Proof[] {
	const asked = outputs.map(({ amount, blinded }) => ({
		...{ amount: Number(amount), id: hex(KEYSET.id), B_: hex(blinded) },
	}));
	const body = json({ signatures: signed({ outputs: asked }) });
	return unblindAll(ecash, KEYSETS, outputs, parseSignatures(body));
}

const at = (counter: number) => ({ seed: SEED, keyset: KEYSET.id, counter });
const outputs = (counter: number, ...amounts: readonly bigint[]) =>
	makeOutputs(ecash, at(counter), amounts);

const INPUTS = plainInputs(proofsOf(outputs(0, 2n, 4n, 8n)));

const LOCK_TERMS: LockTerms = {
	keyHash: filled(32, 1),
	payee: ecash.publicKey(filled(32, 2)),
	deadline: 1_800_000_000,
	refund: ecash.publicKey(filled(32, 3)),
	contract: filled(32, 4),
	binding: filled(32, 5),
};

type Answers = Readonly<Record<string, MintAnswer | undefined>>;

/** To every request. */
const NO_ANSWER: Answers = {
	"nobody answers": undefined,
	"what is not JSON": { status: 200, body: utf8("<html>") },
	"503": refused(503, 0),
	"429 with 11001": refused(429, 11001),
};

const REFUSALS: Answers = Object.fromEntries(
	[11001, 11002, 11003, 11004, 12002, 20005].map((code) => [
		`400 with ${code}`,
		refused(400, code),
	]),
);

function signing(asked: Asked): Answers {
	const signatures = signed(asked);
	return {
		signed: said({ signatures }),
		"signed but the last": said({ signatures: signatures.slice(0, -1) }),
		"signed for other amounts": said({
			signatures: signed(asked, (amount) => amount * 2),
		}),
		...REFUSALS,
	};
}

function states({ Ys = [] }: Asked): Answers {
	const of = (first: string, others: string) =>
		said({
			states: Ys.map((Y, place) => ({
				...{ Y, state: place === 0 ? first : others, witness: null },
			})),
		});
	return {
		"all unspent": of("UNSPENT", "UNSPENT"),
		"one pending": of("PENDING", "UNSPENT"),
		"one spent": of("SPENT", "UNSPENT"),
		"one spent, others pending": of("SPENT", "PENDING"),
		"all spent": of("SPENT", "SPENT"),
		"of one too few": said({
			states: Ys.slice(1).map((Y) => ({ Y, state: "UNSPENT" })),
		}),
		"400 with 11001": refused(400, 11001),
	};
}

function restored(asked: Asked): Answers {
	const { outputs: all = [] } = asked;
	const of = (signatures: ReturnType<typeof signed>) =>
		said({
			outputs: all.slice(all.length - signatures.length),
			signatures,
		});
	return {
		nothing: of([]),
		all: of(signed(asked)),
		"all but the first": of(signed({ outputs: all.slice(1) })),
		"all for other amounts": of(signed(asked, (amount) => amount * 2)),
		"400 with 11001": refused(400, 11001),
	};
}

const about = {
	...{ quote: "quote", request: "lnbc1", unit: "sat", expiry: 1, amount: 10 },
};

function mintQuote(): Answers {
	return {
		...Object.fromEntries(
			["UNPAID", "PAID", "ISSUED"].map((state) => [
				state,
				said({ ...about, state }),
			]),
		),
		"400 with 20007": refused(400, 20007),
	};
}

function meltQuote({ outputs: blanks = [] }: Asked): Answers {
	const quote = { ...about, fee_reserve: 1 };
	const change = signed({ outputs: blanks.slice(0, 1) }, () => 2);
	return {
		UNPAID: said({ ...quote, state: "UNPAID" }),
		PENDING: said({ ...quote, state: "PENDING" }),
		PAID: said({ ...quote, state: "PAID", payment_preimage: "ab".repeat(32) }),
		...(blanks.length > 0 && {
			"PAID, with change": said({ ...quote, state: "PAID", change }),
			"PAID, with what is no change": said({
				...{ ...quote, state: "PAID" },
				change: change.map((one) => ({ ...one, dleq: undefined, C_: "02" })),
			}),
		}),
		"400 with 20006": refused(400, 20006),
	};
}

/** What there is to answer; `blanks` are those of the request that is asked about. */
function answersTo(
	{ method, path, body }: MintRequest,
	blanks: Asked["outputs"],
): Answers {
	const asked: Asked =
		body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString());
	const answers = () => {
		switch (`${method} ${path}`) {
			case "POST /v1/swap":
			case "POST /v1/mint/bolt11":
				return signing(asked);
			case "POST /v1/melt/bolt11":
				return { ...meltQuote(asked), ...REFUSALS };
			case "POST /v1/checkstate":
				return states(asked);
			case "POST /v1/restore":
				return restored(asked);
			case "GET /v1/mint/quote/bolt11/quote":
				return mintQuote();
			case "GET /v1/melt/quote/bolt11/quote":
				return meltQuote({ ...(blanks && { outputs: blanks }) });
			default:
				return assert.fail(`nothing is known of ${method} ${path}`);
		}
	};
	return { ...answers(), ...NO_ANSWER };
}

/** Two proofs that are to be locked, and change. */
const LOCKING: StoredSwap = (() => {
	const locked = makeLockOutputs(ecash, at(10), [2n, 4n], LOCK_TERMS);
	const all = [...locked, ...outputs(12, 8n)];
	const made = { inputs: INPUTS, outputs: all };
	return makeStored(ecash, swapRequest(INPUTS, all), made);
})();

function swapped(counter: number, before?: StoredSwap): StoredSwap {
	const all = outputs(counter, 2n, 4n, 8n);
	const made = { inputs: INPUTS, outputs: all };
	return makeStored(ecash, swapRequest(INPUTS, all), made, before);
}

function minted(counter: number, before?: StoredSwap): StoredSwap {
	const all = outputs(counter, 2n, 8n);
	const made = { inputs: [], outputs: all };
	return makeStored(ecash, mintRequest("quote", all), made, before);
}

function melted(counter: number, before?: StoredSwap): StoredSwap {
	const all = makeBlankOutputs(ecash, at(counter), 4n);
	const made = { inputs: INPUTS, outputs: all };
	return makeStored(ecash, meltRequest("quote", INPUTS, all), made, before);
}

const MELTED_WHOLE: StoredSwap = (() => {
	const made = { inputs: INPUTS, outputs: [] };
	return makeStored(ecash, meltRequest("quote", INPUTS, []), made);
})();

// Made anew twice, or once.
const SWAPPED = swapped(40, swapped(30, swapped(20)));
const MINTED = minted(40, minted(30, minted(20)));
const MELTED = melted(40, melted(30));

export const RUN_NAMES = [
	"locking",
	"locking-from-store",
	"swapping",
	"minting",
	"minting-from-store",
	"melting",
	"melting-from-store",
	"melting-without-change",
] as const;

export type RunName = (typeof RUN_NAMES)[number];

const RUNS: Readonly<Record<RunName, () => MintRun<unknown>>> = {
	locking: () => new SwapRun(ecash, LOCKING, false),
	"locking-from-store": () => new SwapRun(ecash, LOCKING, true),
	swapping: () => new SwapRun(ecash, SWAPPED, false),
	minting: () => new MintingRun(ecash, "quote", MINTED, false),
	"minting-from-store": () => new MintingRun(ecash, "quote", MINTED, true),
	melting: () => new MeltingRun(ecash, "quote", MELTED, false),
	"melting-from-store": () => new MeltingRun(ecash, "quote", MELTED, true),
	"melting-without-change": () =>
		new MeltingRun(ecash, "quote", MELTED_WHOLE, false),
};

/** Numbers of the counters that outputs and proofs were made of, by their secrets. */
const COUNTERS: ReadonlyMap<string, string> = new Map(
	[
		...outputs(0, ...Array.from({ length: 50 }, () => 1n)),
		...makeLockOutputs(ecash, at(10), [2n, 4n], LOCK_TERMS),
	].map(({ secret, counter }) => [
		secret,
		`${secret.startsWith("[") ? "locked " : ""}${counter}`,
	]),
);

/** Proofs by their amounts and counters. */
function inWords(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(inWords);
	if (typeof value !== "object" || value === null) return value;
	if ("secret" in value && "amount" in value)
		return `${value.amount} of ${COUNTERS.get(String(value.secret))}`;
	if ("code" in value && "detail" in value) return `refused with ${value.code}`;
	if ("y" in value && "kind" in value) return value.kind;
	return Object.fromEntries(
		Object.entries(value).map(([name, one]) => [name, inWords(one)]),
	);
}

const askedIn = ({ method, path, body }: MintRequest) => {
	const { outputs: all, Ys }: Asked =
		body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString());
	const first = all?.[0]?.B_;
	const counter = [...BLINDED].find(([blinded]) => blinded === first)?.[1];
	return [
		`${method} ${path}`,
		...(Ys === undefined ? [] : [`about ${Ys.length}`]),
		...(counter === undefined ? [] : [`from ${counter} on`]),
	].join(" ");
};

const BLINDED: ReadonlyMap<string, string> = new Map(
	[
		...outputs(0, ...Array.from({ length: 50 }, () => 1n)),
		...makeLockOutputs(ecash, at(10), [2n, 4n], LOCK_TERMS),
	].map(({ blinded, secret }) => [hex(blinded), COUNTERS.get(secret) ?? ""]),
);

/** Other refusals go on as this one. */
const GOES_ON = "400 with 11001";

interface Node {
	/** What has come of the last answer. */
	readonly end: "on" | "later" | "over";
	readonly words: string;
	readonly next: MintRequest;
}

/** A run after these answers. */
function after(name: RunName, answers: readonly string[]): Node {
	const run = RUNS[name]();
	const { outputs: blanks }: Asked = JSON.parse(
		Buffer.from(run.next.body).toString(),
	);
	let node: Node = { end: "on", words: "", next: run.next };
	for (const answer of answers) {
		const given = answersTo(run.next, blanks)[answer];
		if (given === undefined) {
			run.unanswered();
			node = { end: "later", words: "later", next: run.next };
			continue;
		}
		const step = run.answered(KEYSETS, given);
		const words =
			step.kind === "over"
				? `over: ${JSON.stringify(inWords(step.outcome))}`
				: step.kind === "later"
					? `later: ${step.error.code}`
					: "on";
		node = { end: step.kind, words, next: run.next };
	}
	return node;
}

/** All of one run, a line for each answer, behind as many tabs as there were answers before. */
export function tellRun(name: RunName): string {
	const { next: begun } = after(name, []);
	const { outputs: blanks }: Asked = JSON.parse(
		Buffer.from(begun.body).toString(),
	);
	const tell = (before: readonly string[], { next: asked }: Node): string[] => {
		/** Answers on which the same follows. */
		const same = new Map<string, string[]>();
		for (const answer of Object.keys(answersTo(asked, blanks))) {
			const answers = [...before, answer];
			const node = after(name, answers);
			const { end, words, next } = node;
			const goesOn =
				end === "on" && (!(answer in REFUSALS) || answer === GOES_ON);
			const then = end === "over" ? "" : `; ${askedIn(next)}`;
			const follows = [
				`${words}${then}`,
				...(goesOn ? tell(answers, node) : []),
			].join("\n");
			same.set(follows, [...(same.get(follows) ?? []), answer]);
		}
		const tabs = "\t".repeat(before.length + 1);
		return [...same].map(
			([follows, answers]) => `${tabs}${answers.join(" | ")}: ${follows}`,
		);
	};
	return `${[askedIn(begun), ...tell([], after(name, []))].join("\n")}\n`;
}

const fileOf = (name: RunName) =>
	new URL(`run-trees/${name}.txt`, import.meta.url);

export const writtenDown = (name: RunName): string =>
	readFileSync(fileOf(name), "utf8");

export async function writeDown(): Promise<void> {
	for (const name of RUN_NAMES) writeFileSync(fileOf(name), tellRun(name));
}
