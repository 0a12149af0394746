/* The proofs that a purse can spend, and how far it has derived outputs, in memory as in its store. */
import type { CryptoProvider } from "../../../crypto/index.ts";
import { TetradError } from "../../../errors.ts";
import { put, remove, type Write } from "../../../machine/index.ts";
import { dec, enc, hex, sameBytes, utf8 } from "../../../wire/index.ts";
import {
	type Chosen,
	chooseProofs,
	type Keyset,
	type KnownKeysets,
	type Proof,
	placeOf,
	type Spendable,
} from "../../cashu/index.ts";
import { COUNTERS, PROOFS, type ProofRow } from "../ecash-tables.ts";
import type { TrustedMint } from "./parts.ts";

interface Held {
	/** What stands for the mint, in hexadecimal. */
	readonly mint: string;
	readonly proof: Proof;
}

export class EcashBook {
	readonly #crypto: CryptoProvider;
	readonly #mints: readonly TrustedMint[];
	/** By the id of their rows, in hexadecimal. */
	readonly #held = new Map<string, Held>();
	/** Ids of proofs that a swap is to spend which is not durable yet. */
	readonly #reserved = new Set<string>();
	/** Mints and keysets, in hexadecimal, of which no counter is taken now, and how many want that. */
	readonly #closed = new Map<string, number>();
	/** The next counter of each keyset, and those that it was made with, by what their outputs are derived from. A mint that is named no more may have shown another one of the same. */
	readonly #counters: Map<string, number>;
	readonly #atStart: ReadonlyMap<string, number>;

	constructor(
		crypto: CryptoProvider,
		mints: readonly TrustedMint[],
		proofs: readonly ProofRow[],
		counters: ReadonlyMap<string, number>,
	) {
		this.#crypto = crypto;
		this.#mints = mints;
		this.#counters = byPlace(counters);
		this.#atStart = new Map(this.#counters);
		for (const row of proofs)
			this.#held.set(hex(row.id), { mint: hex(row.mint), proof: proofOf(row) });
	}

	/** Reserves proofs that bring a sum after what spending them costs. Throws as `chooseProofs`. */
	reserve(mint: Uint8Array, keysets: KnownKeysets, sum: bigint): Chosen {
		const chosen = this.choose(mint, keysets, sum);
		for (const proof of chosen.inputs) this.#reserved.add(this.#idOf(proof));
		return chosen;
	}

	/** Those that would be reserved now. */
	choose(mint: Uint8Array, keysets: KnownKeysets, sum: bigint): Chosen {
		const name = hex(mint);
		const spendable: Spendable[] = [];
		for (const [id, { proof, mint: of }] of this.#held) {
			const keyset = keysets.get(proof.keyset);
			// Of a keyset that the mint shows no more, nothing can be said.
			if (of === name && keyset !== undefined && !this.#reserved.has(id))
				spendable.push({ proof, keyset });
		}
		return chooseProofs(spendable, sum);
	}

	/** The swap that was to spend them is not made. */
	release(proofs: readonly Proof[]): void {
		for (const proof of proofs) this.#reserved.delete(this.#idOf(proof));
	}

	/** The swap that spends them is durable. */
	spent(proofs: readonly Proof[]): void {
		for (const proof of proofs) {
			const id = this.#idOf(proof);
			this.#held.delete(id);
			this.#reserved.delete(id);
		}
	}

	/** They are durable. */
	add(mint: Uint8Array, proofs: readonly Proof[]): void {
		for (const proof of proofs)
			this.#held.set(this.#idOf(proof), { mint: hex(mint), proof });
	}

	/** So many counters of a mint's keyset, of which the first is returned: nobody else gets them. Throws `busy` while what was made of it is being restored. */
	take(mint: Uint8Array, keyset: Pick<Keyset, "id">, count: number): number {
		const name = placeOf(hex(keyset.id));
		if (this.#closed.has(closedName(mint, keyset.id)))
			throw new TetradError(
				"busy",
				"the ecash of that mint is being restored; try again in a while",
			);
		const first = this.next(keyset.id);
		this.#counters.set(name, first + count);
		return first;
	}

	/** The first counter of a keyset that is not known to be used. */
	next(keyset: Uint8Array): number {
		return this.#counters.get(placeOf(hex(keyset))) ?? 0;
	}

	/** Whether anything of a keyset is the purse's, or may be: a lock has no counters, and still is of one mint. */
	isUsed(keyset: Uint8Array): boolean {
		return this.#counters.has(placeOf(hex(keyset)));
	}

	/** Something of these is the purse's. */
	use(keysets: readonly Pick<Proof, "keyset">[]): void {
		for (const { keyset } of keysets) this.skip(keyset, 0);
	}

	/** The same as it was when the purse was started. */
	atStart(keyset: Uint8Array): number {
		return this.#atStart.get(placeOf(hex(keyset))) ?? 0;
	}

	/** No counter of these is taken at that mint until they are opened as often as they were closed. */
	close(mint: Uint8Array, keysets: readonly Uint8Array[]): void {
		for (const name of keysets.map((id) => closedName(mint, id)))
			this.#closed.set(name, (this.#closed.get(name) ?? 0) + 1);
	}

	open(mint: Uint8Array, keysets: readonly Uint8Array[]): void {
		for (const name of keysets.map((id) => closedName(mint, id))) {
			const left = (this.#closed.get(name) ?? 0) - 1;
			if (left > 0) this.#closed.set(name, left);
			else this.#closed.delete(name);
		}
	}

	/** The counters before that one have been used, as its mint shows. */
	skip(keyset: Uint8Array, next: number): void {
		const name = placeOf(hex(keyset));
		this.#counters.set(name, Math.max(next, this.next(keyset)));
	}

	/** All that is held of a mint. */
	of(mint: Uint8Array): readonly Proof[] {
		return [...this.#held.values()].flatMap((held) =>
			held.mint === hex(mint) ? [held.proof] : [],
		);
	}

	/** Which of these are held of another mint. */
	elsewhere(mint: Uint8Array, proofs: readonly Proof[]): readonly Proof[] {
		return proofs.filter((proof) => {
			const held = this.#held.get(this.#idOf(proof));
			return held !== undefined && held.mint !== hex(mint);
		});
	}

	// What is written.

	/** That counters of a keyset are used up to now; before anything that was derived from them is sent. */
	counted(keyset: Uint8Array): Write {
		return put(COUNTERS, { keyset, next: BigInt(this.next(keyset)) });
	}

	writeNew(mint: Uint8Array, proofs: readonly Proof[]): Write[] {
		return proofs.map((proof) => put(PROOFS, this.#rowOf(mint, proof)));
	}

	writeSpent(proofs: readonly Proof[]): Write[] {
		return proofs.map((proof) => remove(PROOFS, { id: this.rowId(proof) }));
	}

	/** By which a proof's row is found. */
	rowId({ secret }: Pick<Proof, "secret">): Uint8Array {
		return this.#crypto.sha256(utf8(secret));
	}

	#idOf(proof: Pick<Proof, "secret">): string {
		return hex(this.rowId(proof));
	}

	/** Nobody has proofs of a mint that was never named. */
	#currencyOf(mint: Uint8Array): string {
		const known = this.#mints.find(({ issuer }) => sameBytes(issuer, mint));
		if (known === undefined)
			throw new TetradError("internal", "ecash of no mint that was named");
		return known.currency.code;
	}

	#rowOf(mint: Uint8Array, proof: Proof): ProofRow {
		const { keyset, amount, secret, signature, dleq } = proof;
		return {
			id: this.rowId(proof),
			...{ mint, keyset, amount, secret, signature },
			currency: this.#currencyOf(mint),
			dleq: dleq === undefined ? NO_DLEQ : enc(dleq.e, dleq.s, dleq.r),
		};
	}
}

/** Of keysets in hexadecimal. Where several are derived from the same, none of their counters is used twice. */
function byPlace(counters: ReadonlyMap<string, number>): Map<string, number> {
	const all = new Map<string, number>();
	for (const [keyset, next] of counters) {
		const place = placeOf(keyset);
		all.set(place, Math.max(next, all.get(place) ?? 0));
	}
	return all;
}

function closedName(mint: Uint8Array, keyset: Uint8Array): string {
	return `${hex(mint)} ${hex(keyset)}`;
}

const NO_DLEQ: Uint8Array = new Uint8Array();

function proofOf({
	keyset,
	amount,
	secret,
	signature,
	dleq: encoded,
}: ProofRow): Proof {
	const proof = { keyset, amount, secret, signature };
	if (encoded.length === 0) return { ...proof, dleq: undefined };
	const [e, s, r] = dec(encoded, 3);
	if (e === undefined || s === undefined || r === undefined)
		throw new TetradError("internal", "a proof in the store is broken");
	return { ...proof, dleq: { e, s, r } };
}
