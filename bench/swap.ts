import {
	constructUnblindedSignature,
	createBlindSignature,
	createDLEQProof,
	createNewMintKeys,
	createRandomRawBlindedMessage,
	pointFromHex,
	type UnblindedSignature,
	verifyUnblindedSignature,
} from "@cashu/cashu-ts";

/** A mint of Cashu with one key, and a wallet that holds one proof of it. */
export class Swap {
	readonly #id: string;
	readonly #privateKey: Uint8Array;
	readonly #publicKey: ReturnType<typeof pointFromHex>;
	#proof: UnblindedSignature;

	constructor() {
		const keys = createNewMintKeys(1);
		const [amount = "1"] = Object.keys(keys.privKeys);
		const privateKey = keys.privKeys[amount];
		const publicKey = keys.pubKeys[amount];
		if (privateKey === undefined || publicKey === undefined)
			throw new Error("the library made no key");
		this.#id = keys.keysetId;
		this.#privateKey = privateKey;
		this.#publicKey = pointFromHex(Buffer.from(publicKey).toString("hex"));
		this.#proof = this.#fresh(false);
	}

	/**
	 * One proof in, one proof out, of the same amount. The mint verifies the proof that comes in and
	 * signs the new output; `withDleq` also proves that it signed with its key, which the library
	 * leaves to the mint to do or not.
	 */
	swap(withDleq = false): void {
		if (!verifyUnblindedSignature(this.#proof, this.#privateKey))
			throw new Error("the mint refuses its own proof");
		this.#proof = this.#fresh(withDleq);
	}

	/** Blinded by the wallet, signed by the mint, unblinded by the wallet. */
	#fresh(withDleq: boolean): UnblindedSignature {
		const { B_, r, secret } = createRandomRawBlindedMessage();
		const signature = createBlindSignature(B_, this.#privateKey, this.#id);
		if (withDleq) createDLEQProof(B_, this.#privateKey);
		return constructUnblindedSignature(signature, r, secret, this.#publicKey);
	}
}
