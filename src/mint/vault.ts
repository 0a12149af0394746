/* The state of a mint with its keys: what every operation looks at and changes. */
import { TetradError } from "../errors.ts";
import { hex } from "../wire/index.ts";
import { KeyCache, type MintKeyset, sign } from "./keysets.ts";
import type { MintPrimitives } from "./primitives.ts";
import type { Output } from "./requests.ts";
import type { MintRows, MintState, Spendable } from "./state.ts";

type Signature = MintRows["signatures"];

/** The keys under an id were exchanged for others, which a mint must never do. */
const SWAPPED = "/swapped";

export class Vault {
	readonly state: MintState;
	readonly primitives: MintPrimitives;
	readonly #keys: KeyCache;

	/** The state knows its seed. */
	constructor(state: MintState, primitives: MintPrimitives) {
		this.state = state;
		this.primitives = primitives;
		this.#keys = new KeyCache(primitives, this.#mint.seed);
	}

	keyset(id: string): MintKeyset | undefined {
		const row = this.state.get("keysets", id);
		return row && this.#keys.keyset(id, row);
	}

	keysets(): MintKeyset[] {
		return [...this.state.entries("keysets")].map(([id, row]) =>
			this.#keys.keyset(id, row),
		);
	}

	active(unit: string): MintKeyset | undefined {
		return this.keysets().find((one) => one.isActive && one.unit === unit);
	}

	/** From now on outputs of a unit are signed with new keys only. Answers the id of the keyset. */
	rotate(unit: string, inputFeePpk: number): string {
		const rows = [...this.state.entries("keysets")];
		const row = {
			unit,
			inputFeePpk,
			isActive: true,
			label: String(rows.length),
		};
		for (const [id, old] of rows)
			if (old.unit === unit && old.isActive)
				this.state.put("keysets", id, { ...old, isActive: false });
		const { id } = this.#keys.of(row);
		this.state.put("keysets", id, row);
		return id;
	}

	/** Exchanges the keys of all keysets under their old ids, or puts the right ones back. */
	swapKeys(areSwapped: boolean): void {
		for (const [id, row] of this.state.entries("keysets")) {
			const right = row.label.replace(SWAPPED, "");
			const label = areSwapped ? right + SWAPPED : right;
			if (label !== row.label) this.state.put("keysets", id, { ...row, label });
		}
	}

	/** 32 hexadecimal digits that nobody guesses who does not know the seed. */
	newId(): string {
		const quotes = this.#mint.quotes + 1;
		this.state.put("mint", "mint", { ...this.#mint, quotes });
		return this.secretOf(`quote ${quotes}`);
	}

	/** The same for the same text, and unguessable. */
	secretOf(what: string): string {
		const text = `${this.#mint.seed}|${what}`;
		return hex(this.primitives.hash(text)).slice(0, 32);
	}

	/** Throws `Refusal` when there is no key for an amount; signs all, or none. */
	sign(outputs: readonly Output[], keysets: readonly MintKeyset[]): object[] {
		const signatures = outputs.map((output, at) => {
			const keyset = keysets[at];
			if (keyset === undefined)
				throw new TetradError("internal", "an output was not judged");
			return sign(this.primitives, keyset, output);
		});
		for (const [at, signature] of signatures.entries()) {
			const { B_ = "" } = outputs[at] ?? {};
			this.state.put("signatures", B_.toLowerCase(), signature);
		}
		return signatures.map(signatureAnswer);
	}

	setProofs(proofs: readonly Spendable[], state: "SPENT" | "PENDING"): void {
		for (const { Y, ...witness } of proofs)
			this.state.put("proofs", Y, { state, ...witness });
	}

	get #mint(): MintRows["mint"] {
		const mint = this.state.get("mint", "mint");
		if (mint === undefined)
			throw new TetradError("store-failed", "the rows of a mint have no seed");
		return mint;
	}
}

/** A blind signature as clients get it. */
export function signatureAnswer({ amount, ...rest }: Signature): object {
	return { amount: BigInt(amount), ...rest };
}
