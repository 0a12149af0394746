import {
	type CryptoProvider,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../../crypto/index.ts";
import {
	bytes,
	copy,
	enc,
	malformed,
	type SignatureRole,
	type Structure,
	signedBytes,
	structure,
} from "../../wire/index.ts";

/** A key that signatures are checked with; `publicKey` is raw. */
export interface VerifyingKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

/**
 * One kind of document of money: enc(body, signature), with a signature in a role of its own, so
 * that none of one kind fits another.
 */
export class SignedDocument {
	/** The largest one, in bytes. */
	readonly maxBytes: number;
	readonly #what: string;
	readonly #role: SignatureRole;
	readonly #shape: Structure<{ body: Uint8Array; signature: Uint8Array }>;

	/** `what` appears in refusals: "a receipt". `maxBytes` is what its structure allows, unless given. */
	constructor(
		what: string,
		role: SignatureRole,
		maxBodyBytes: number,
		maxBytes?: number,
	) {
		this.#what = what;
		this.#role = role;
		this.#shape = structure(what, {
			body: bytes(1, maxBodyBytes),
			signature: bytes(SIGNATURE_BYTES),
		});
		this.maxBytes = maxBytes ?? this.#shape.maxBytes;
	}

	/** What its signer signs for a body, and the document that a signature makes of it. */
	draft(body: Uint8Array): {
		readonly toSign: Uint8Array;
		readonly sign: (signature: Uint8Array) => Uint8Array;
	} {
		return {
			toSign: signedBytes(this.#role, body),
			sign: (signature) => enc(body, signature),
		};
	}

	/** A copy of the document, and its body within it. Throws `malformed`. */
	read(document: Uint8Array): {
		readonly document: Uint8Array;
		readonly body: Uint8Array;
	} {
		if (document.length > this.maxBytes)
			throw malformed(`${this.#what} is too long`);
		const own = copy(document);
		return { document: own, body: this.#shape.decode(own).body };
	}

	/** Whether the holder of `key` signed a document that was read. */
	isSigned(
		crypto: CryptoProvider,
		document: Uint8Array,
		{ algorithm, publicKey }: VerifyingKey,
	): boolean {
		const { body, signature } = this.#shape.decode(document);
		const content = signedBytes(this.#role, body);
		return crypto.verify(algorithm, publicKey, content, signature);
	}
}
