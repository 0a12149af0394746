import assert from "node:assert/strict";
import {
	blindMessage,
	constructUnblindedSignature,
	createHTLCHash,
	createHTLCsecret,
	createP2PKsecret,
	getPubKeyFromPrivKey,
	hashToCurve,
	pointFromHex,
	schnorrSignMessage,
} from "@cashu/cashu-ts";
import { PlayMint, type PlayMintOptions } from "../../src/mint/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";

/** Whatever answers requests at a time. */
export interface Handles {
	handle(
		request: { method: string; path: string; body: Uint8Array },
		now: number,
	): { readonly kind?: string; status?: number; body?: Uint8Array };
}

const START = 1_800_000_000_000;
export const SECONDS: number = START / 1000;

export function playMint(options: PlayMintOptions = {}): PlayMint {
	return PlayMint.create(new Uint8Array(32).fill(7), options);
}

export interface Proof {
	readonly id: string;
	readonly amount: number;
	readonly secret: string;
	readonly C: string;
	readonly witness?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are what the tests look into
type Json = any;

/** Blinded messages with what unblinds them. */
export interface Blinded {
	readonly outputs: { id: string; amount: number; B_: string }[];
	unblind(answer: Json): Proof[];
}

/** Of all clients, so that no two blind the same. */
let drawn = 0;

/** As small a wallet as there can be, so that nothing is between a test and the mint. */
export class Client {
	readonly #mint: Handles;
	now: number = START;

	constructor(mint: Handles) {
		this.#mint = mint;
	}

	/** The answer, refusals too; `undefined` when there was none. */
	say(method: string, path: string, body?: object): Json {
		return this.sayText(method, path, body ? JSON.stringify(body) : "");
	}

	sayText(method: string, path: string, body: string): Json {
		const request = { method, path: `/v1/${path}`, body: utf8(body) };
		const answer = this.#mint.handle(request, this.now);
		return answer.body && JSON.parse(parseUtf8(answer.body));
	}

	get(path: string): Json {
		return this.say("GET", path);
	}

	post(path: string, body: object): Json {
		return this.say("POST", path, body);
	}

	/** The keys that sign now. */
	keyset(unit = "sat"): { id: string; keys: Record<string, string> } {
		return this.get("keys").keysets.find((one: Json) => one.unit === unit);
	}

	/** Blinds secrets, one for each amount; those that are not given are new. */
	blind(
		amounts: readonly number[],
		secrets: readonly string[] = [],
		unit = "sat",
	): Blinded {
		return blindFor(this.keyset(unit), amounts, secrets);
	}

	/** Play money. */
	mint(
		amounts: readonly number[],
		secrets: readonly string[] = [],
		unit = "sat",
	): Proof[] {
		const amount = amounts.reduce((sum, one) => sum + one, 0);
		const { quote } = this.post("mint/quote/bolt11", { amount, unit });
		const { outputs, unblind } = this.blind(amounts, secrets, unit);
		return unblind(this.post("mint/bolt11", { quote, outputs }));
	}

	/** What the mint answers when proofs are swapped for as much as they are. */
	swap(inputs: readonly Proof[], fee = 0): Json {
		const sum = inputs.reduce((all, { amount }) => all + amount, 0);
		const { outputs } = this.blind(powersOf(sum - fee));
		return this.post("swap", { inputs, outputs });
	}

	state(proof: Proof): { state: string; witness: string | null } {
		return this.post("checkstate", { Ys: [pointOf(proof)] }).states[0];
	}
}

/** The same for keys that came from anywhere. */
export function blindFor(
	{ id, keys }: { id: string; keys: Record<string, string> },
	amounts: readonly number[],
	secrets: readonly string[] = [],
): Blinded {
	const blinded = amounts.map((amount, at) => {
		const text = secrets[at] ?? `secret ${++drawn}`;
		return { amount, text, ...blindMessage(utf8(text), 99n) };
	});
	return {
		outputs: blinded.map(({ amount, B_ }) => ({
			id,
			amount,
			B_: B_.toHex(true),
		})),
		unblind: ({ signatures }) =>
			blinded.map(({ amount, r, secret, text }, at) => {
				const C_ = pointFromHex(signatures[at].C_);
				const key = pointFromHex(keys[amount] ?? "");
				const { C } = constructUnblindedSignature({ id, C_ }, r, secret, key);
				return { id, amount, secret: text, C: C.toHex(true) };
			}),
	};
}

export function pointOf({ secret }: Proof): string {
	return hashToCurve(utf8(secret)).toHex(true);
}

function powersOf(sum: number): number[] {
	const amounts = [];
	for (let bit = 1; bit <= sum; bit *= 2) if (sum & bit) amounts.push(bit);
	return amounts;
}

/** Somebody who can sign. */
export class Holder {
	readonly #key: Uint8Array;
	readonly publicKey: string;
	readonly privateKey: string;

	constructor(name: number) {
		this.#key = new Uint8Array(32).fill(name);
		this.privateKey = hex(this.#key);
		this.publicKey = hex(getPubKeyFromPrivKey(this.#key));
	}

	sign(message: string): string {
		return schnorrSignMessage(message, this.#key);
	}
}

export const PAYEE: Holder = new Holder(1);
export const PAYER: Holder = new Holder(2);
export const OTHER: Holder = new Holder(3);

export const PREIMAGE: string = "ab".repeat(32);
export const HASH: string = createHTLCHash(PREIMAGE).hash;

/** The lock of a purchase: the payee with the preimage, or the payer after the deadline. */
export function purchaseLock(deadline: number = SECONDS + 100): string {
	return createHTLCsecret(HASH, [
		["pubkeys", PAYEE.publicKey],
		["locktime", String(deadline)],
		["refund", PAYER.publicKey],
	]);
}

export function keyLock(tags: string[][] = []): string {
	return createP2PKsecret(PAYEE.publicKey, tags);
}

/** A proof with signatures of its secret, and a preimage if one is given. */
export function signed(
	proof: Proof,
	holders: readonly Holder[],
	preimage?: string,
): Proof {
	const signatures = holders.map((one) => one.sign(proof.secret));
	const witness = { ...(preimage && { preimage }), signatures };
	return { ...proof, witness: JSON.stringify(witness) };
}

/** An answer is a refusal with this number of the NUTs. */
export function isRefused(answer: Json, code: number): void {
	assert.equal(answer.code, code, JSON.stringify(answer));
	assert.equal(typeof answer.detail, "string");
}
