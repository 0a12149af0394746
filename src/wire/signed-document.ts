import {
	type CryptoProvider,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import { copy, enc, malformed } from "./encoding.ts";
import { bytes } from "./field.ts";
import { type SignatureRole, signedBytes } from "./signed-bytes.ts";
import { type Structure, structure } from "./structure.ts";

/** A key that signatures are checked with; `publicKey` is raw. */
export interface VerifyingKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

/** A document as it was read: well formed, and not yet verified. */
export type Signed<Body> = Body & {
	/** enc(body, signature). */
	readonly document: Uint8Array;
};

/** The bytes that a signer signs for a new document, and the document that its signature makes of them. */
export interface Draft {
	readonly toSign: Uint8Array;
	readonly sign: (signature: Uint8Array) => Uint8Array;
}

/** What all documents of one kind have in common. */
export interface DocumentKind<Body, Read extends Signed<Body>, Signer, Proved> {
	/** As it appears in refusals: "a receipt". */
	readonly name: string;
	/** No signature in this role fits a document of another kind. */
	readonly role: SignatureRole;
	readonly body: Structure<Body>;
	/** The largest document, in bytes; what its body allows, unless given. */
	readonly maxBytes?: number;
	/** The key that has to have signed, and what that proves. Throws when it is not the signer's to sign. */
	readonly judge: (
		document: Read,
		signer: Signer,
	) => { readonly key: VerifyingKey; readonly proves: Proved };
}

const minted: unique symbol = Symbol();

/** What was judged and signed by whom it names. Only `SignedDocument.verify` makes one. */
export class Verified<Proved> {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly value: Proved;

	constructor(proof: typeof minted, value: Proved) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.value = value;
	}
}

/** One kind of document: enc(body, signature), with a signature in a role of its own. */
export class SignedDocument<
	Body,
	Read extends Signed<Body>,
	Signer,
	Proved = Read,
> {
	/** The largest one, in bytes. */
	readonly maxBytes: number;
	readonly #kind: DocumentKind<Body, Read, Signer, Proved>;
	readonly #parts: Structure<{
		readonly body: Uint8Array;
		readonly signature: Uint8Array;
	}>;

	constructor(kind: DocumentKind<Body, Read, Signer, Proved>) {
		this.#kind = kind;
		this.#parts = structure(kind.name, {
			body: bytes(1, kind.body.maxBytes),
			signature: bytes(SIGNATURE_BYTES),
		});
		this.maxBytes = kind.maxBytes ?? this.#parts.maxBytes;
	}

	/** Throws `invalid-argument`, and `malformed` for a body that nobody would read. */
	draft(body: Body): Draft {
		const encoded = copy(this.#kind.body.encode(body));
		this.#kind.body.decode(encoded);
		return {
			toSign: signedBytes(this.#kind.role, encoded),
			sign: (signature) => enc(encoded, signature),
		};
	}

	/** Reads a document (copied). `encoded` is its body, which a kind may name it by. Throws `malformed`. */
	read(document: Uint8Array): {
		readonly signed: Signed<Body>;
		readonly encoded: Uint8Array;
	} {
		if (document.length > this.maxBytes)
			throw malformed(`${this.#kind.name} is too long`);
		const own = copy(document);
		const { body } = this.#parts.decode(own);
		const signed = { ...this.#kind.body.decode(body), document: own };
		return { signed, encoded: body };
	}

	/** Judges a document that was read. Throws as its kind does, and `authentication-failed` for the signature. */
	verify(
		crypto: CryptoProvider,
		document: Read,
		signer: Signer,
	): Verified<Proved> {
		const { key, proves } = this.#kind.judge(document, signer);
		this.requireSigned(crypto, document, key);
		return new Verified(minted, proves);
	}

	/** Throws `authentication-failed` unless the holder of `key` signed a document that was read. */
	requireSigned(
		crypto: CryptoProvider,
		{ document }: Pick<Read, "document">,
		{ algorithm, publicKey }: VerifyingKey,
	): void {
		const { body, signature } = this.#parts.decode(document);
		const content = signedBytes(this.#kind.role, body);
		if (!crypto.verify(algorithm, publicKey, content, signature))
			throw authenticationFailed();
	}
}
