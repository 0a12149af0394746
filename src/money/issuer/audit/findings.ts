import type { CryptoProvider } from "../../../crypto/index.ts";
import { asTetradError } from "../../../errors.ts";
import { sameBytes } from "../../../wire/index.ts";
import { type IssuerTerms, MAX_AUDIT_PROBLEMS } from "../../documents/index.ts";
import type { SYSTEM } from "../ledger-entries.ts";
import { requestTransaction } from "../ledger-ids.ts";

/** What all steps of one audit have found so far. Amounts are in minor units. */
export class Findings {
	readonly crypto: CryptoProvider;
	readonly terms: IssuerTerms;
	readonly problems: string[] = [];
	/** By the documents. */
	readonly sums: Record<"issued" | "returned" | "expired", bigint> = {
		issued: 0n,
		returned: 0n,
		expired: 0n,
	};
	/** By the entries. */
	readonly entered: Record<keyof typeof SYSTEM, bigint> = {
		issued: 0n,
		returned: 0n,
		expired: 0n,
		owed: 0n,
		backing: 0n,
	};
	/** What the sales say is void, and was not credited to its payer yet. */
	owed: bigint = 0n;
	/** What answers credited for claims, and for what is void: no document says who claimed. */
	claimed: bigint = 0n;
	/** Transfers that came after another, by the transfers and by the answers to them. */
	readonly late: Record<"transfers" | "answers", number> = {
		transfers: 0,
		answers: 0,
	};
	#isSound = true;

	constructor(crypto: CryptoProvider, terms: IssuerTerms) {
		this.crypto = crypto;
		this.terms = terms;
	}

	/** Whether there is no problem at all. */
	get isSound(): boolean {
		return this.#isSound;
	}

	transaction(device: Uint8Array, request: Uint8Array): Uint8Array {
		return requestTransaction(this.crypto, device, request);
	}

	isOwn(device: Uint8Array): boolean {
		return sameBytes(device, this.terms.issuer);
	}

	/** What is thrown is a problem of that row. */
	try<Value>(row: string, look: () => Value): Value | undefined {
		try {
			return look();
		} catch (thrown) {
			this.problem(`${row}: ${asTetradError(thrown).message}`);
			return undefined;
		}
	}

	/** Beyond `MAX_AUDIT_PROBLEMS` they are not kept. */
	problem(what: string): void {
		this.#isSound = false;
		if (this.problems.length < MAX_AUDIT_PROBLEMS) this.problems.push(what);
	}
}
