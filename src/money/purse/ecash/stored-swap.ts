/* A swap as it is kept, from before it is sent until it is known what became of it; and, in the same form, what mints new ecash and what pays an invoice with it. */
import { TetradError } from "../../../errors.ts";
import {
	bytes,
	copy,
	type Field,
	list,
	mapped,
	type Structure,
	structure,
	text,
	twoForms,
	u32,
	utf8,
} from "../../../wire/index.ts";
import {
	type EcashCrypto,
	encodeProofs,
	type Input,
	MAX_INPUTS,
	MAX_OUTPUTS,
	MAX_SECRET_BYTES,
	type MintRequest,
	type Output,
	parseProofs,
	pointsOf,
	SCALAR,
	swapRequest,
} from "../../cashu/index.ts";
import { amount } from "../../documents/index.ts";
import type { Swap } from "./swap-run.ts";

/** A swap with all that its purse knows of it. */
export interface StoredSwap extends Swap {
	/** What it spends: the purse's again when the mint never does it. */
	readonly spends: readonly Input[];
}

/** What its mint has refused, and says that it has not done. */
export type RefusedSwap = Pick<StoredSwap, "outputs" | "spends">;

/** Where an output was made that has a counter of the purse's. */
export type MadeOutput = Pick<Output, "keyset" | "counter">;

/** Of what an output is made again. */
interface PlannedOutput {
	readonly keyset: Uint8Array;
	readonly amount: bigint;
	readonly counter: number;
	readonly secret: string;
	/** Of one that a lock has counted; the blinding of others follows from the purse's seed. Locks once had counters of the purse's. */
	readonly factor?: Uint8Array;
}

/** No more than a body with as many inputs and outputs as there may be, and what it spends, in bytes. */
const MAX_BODY_BYTES: number = 2 ** 20;
const MAX_SPENDS_BYTES: number = 2 ** 19;
const MAX_WITNESS_BYTES = 1024;

/** Swaps of the same inputs whose outputs are kept beside the last one: the mint may have carried out any of them, whatever it has said. */
const MAX_EARLIER = 16;

const COUNTED = {
	keyset: bytes(8, 33),
	amount,
	counter: u32,
	secret: text(1, 1024),
} as const;

const PLANNED: Structure<PlannedOutput> = twoForms(
	structure("an output of a swap", COUNTED) as Structure<PlannedOutput>,
	structure("an output of a swap", {
		...COUNTED,
		factor: SCALAR,
	}) as Structure<PlannedOutput>,
	({ factor }) => factor !== undefined,
);

const PLANNED_FIELD: Field<PlannedOutput> = mapped(bytes(1, PLANNED.maxBytes), {
	from: PLANNED.decode,
	to: (planned) => copy(PLANNED.encode(planned)),
});

const SWAP: Structure<{
	readonly body: Uint8Array;
	readonly spends: Uint8Array;
	/** Of each of them; empty where no lock is on it. */
	readonly witnesses: readonly string[];
	readonly outputs: readonly PlannedOutput[];
	readonly earlier: readonly (readonly PlannedOutput[])[];
}> = structure("a swap", {
	body: bytes(1, MAX_BODY_BYTES),
	spends: bytes(0, MAX_SPENDS_BYTES),
	witnesses: list(text(0, MAX_WITNESS_BYTES), 0, MAX_INPUTS),
	outputs: list(PLANNED_FIELD, 0, MAX_OUTPUTS),
	earlier: list(list(PLANNED_FIELD, 0, MAX_OUTPUTS), 0, MAX_EARLIER),
});

/** A swap that has not been sent; `before` is the last one of the same inputs. Throws `limit-exceeded` for more inputs or outputs than a mint takes. */
export function makeSwap(
	ecash: EcashCrypto,
	inputs: readonly Input[],
	outputs: readonly Output[],
	before?: StoredSwap,
): StoredSwap {
	const request = swapRequest(inputs, outputs);
	return makeStored(ecash, request, { inputs, outputs }, before);
}

/** The same for a request that mints or melts. Throws `limit-exceeded`, too, for inputs that could not be kept: whoever made a token has written them. */
export function makeStored(
	ecash: EcashCrypto,
	request: MintRequest,
	{
		inputs,
		outputs,
	}: { readonly inputs: readonly Input[]; readonly outputs: readonly Output[] },
	before?: StoredSwap,
): StoredSwap {
	requireStorable(request, inputs);
	const all = before === undefined ? [] : [before.outputs, ...before.earlier];
	// The first stays, and the last ones; what was made between them has counters that a restore comes to.
	const earlier =
		all.length > MAX_EARLIER ? [...all.slice(0, -2), ...all.slice(-1)] : all;
	return {
		request,
		inputs: pointsOf(ecash, inputs),
		outputs,
		spends: inputs,
		earlier,
	};
}

function requireStorable(
	{ body }: MintRequest,
	inputs: readonly Input[],
): void {
	const isLong = (written: string, max: number) => utf8(written).length > max;
	if (
		body.length > MAX_BODY_BYTES ||
		inputs.some(
			({ secret, witness = "" }) =>
				isLong(secret, MAX_SECRET_BYTES) || isLong(witness, MAX_WITNESS_BYTES),
		)
	)
		throw new TetradError(
			"limit-exceeded",
			"some of this ecash has a longer secret than any mint takes, or more is on it than a request may have",
		);
}

/** As it stands in a row. Secret: its proofs are money until the mint has taken them. */
export function encodeSwap({
	request,
	spends,
	outputs,
	earlier,
}: StoredSwap): Uint8Array {
	return copy(
		SWAP.encode({
			body: request.body,
			spends: spends.length === 0 ? new Uint8Array() : encodeProofs(spends),
			witnesses: spends.map(({ witness = "" }) => witness),
			outputs: outputs.map(plannedOf),
			earlier: earlier.map((one) => one.map(plannedOf)),
		}),
	);
}

function plannedOf(output: Output): PlannedOutput {
	const { keyset, amount, counter, secret, factor, countedBy } = output;
	const planned = { keyset, amount, counter, secret };
	return countedBy === "lock" ? { ...planned, factor } : planned;
}

/** Throws `malformed` for what `encodeSwap` has not written. `seed` is the purse's; `like` is any request to the same path, of a swap unless given. */
export function parseSwap(
	ecash: EcashCrypto,
	seed: Uint8Array,
	encoded: Uint8Array,
	{ method, path }: Pick<MintRequest, "method" | "path"> = swapRequest([], []),
): StoredSwap {
	const {
		body,
		spends: proofs,
		witnesses,
		outputs,
		earlier,
	} = SWAP.decode(encoded);
	const spends = spentIn(proofs, witnesses);
	const madeAgain = (planned: PlannedOutput): Output => {
		const { keyset, counter, secret } = planned;
		const countedBy = planned.factor === undefined ? "purse" : "lock";
		const factor = planned.factor ?? ecash.derive(seed, keyset, counter).factor;
		const blinded = ecash.blind(utf8(secret), factor);
		return { ...planned, countedBy, factor, blinded };
	};
	return {
		request: { method, path, body },
		inputs: pointsOf(ecash, spends),
		outputs: outputs.map(madeAgain),
		spends,
		earlier: earlier.map((one) => one.map(madeAgain)),
	};
}

function spentIn(
	proofs: Uint8Array,
	witnesses: readonly string[],
): readonly Input[] {
	if (proofs.length === 0) return [];
	return parseProofs(proofs).map((proof, at) => ({
		...proof,
		witness: witnesses[at] || undefined,
	}));
}

/** Which outputs were made for the same before those of a stored one, without their blinding. Throws as `parseSwap`. */
export function madeBefore(encoded: Uint8Array): readonly MadeOutput[] {
	if (encoded.length === 0) return [];
	return SWAP.decode(encoded).earlier.flat().filter(isCounted);
}

/** The same with its own. */
export function allMade(encoded: Uint8Array): readonly MadeOutput[] {
	if (encoded.length === 0) return [];
	const { outputs, earlier } = SWAP.decode(encoded);
	return [...outputs, ...earlier.flat()].filter(isCounted);
}

function isCounted({ factor }: PlannedOutput): boolean {
	return factor === undefined;
}

/** Those of them that have counters of the purse's. */
export function countedOf(outputs: readonly Output[]): readonly MadeOutput[] {
	return outputs.filter(({ countedBy }) => countedBy === "purse");
}

/** The secrets of all that a stored one spends and makes. Throws as `parseSwap`. */
export function secretsIn(encoded: Uint8Array): readonly string[] {
	const { spends, outputs, earlier } = SWAP.decode(encoded);
	return [...spentIn(spends, []), ...outputs, ...earlier.flat()].map(
		({ secret }) => secret,
	);
}
