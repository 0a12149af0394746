import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	type Signer,
	validateChain,
} from "../../src/identity/index.ts";
import {
	draftNote,
	draftTransfer,
	type Note,
	type NoteBody,
	type Piece,
	type Transfer,
	type TransferBody,
	type VerifiedNote,
	verifyNote,
} from "../../src/money/index.ts";
import { concat, enc, type SignatureRole, utf8 } from "../../src/wire/index.ts";
import {
	DAY,
	makeAuthority,
	TEST_NOW,
	type TestAuthority,
} from "../support/authority.ts";
import { fixedSigner } from "../support/fixed-crypto.ts";
import { onlyTetradErrors } from "../wire/only-tetrad-errors.ts";

export const ALGORITHMS: readonly SignatureAlgorithm[] = ["P-256", "Ed25519"];

/** So many bytes of one value. */
export function filled(length: number, value: number): Uint8Array {
	return new Uint8Array(length).fill(value);
}

/** A device id of the right form that nobody certified. */
export function idOf(name: string): Uint8Array {
	return enc(filled(32, 0xd0), utf8(name));
}

/** Keys that are the same in every run, for golden bytes. */
export const FIXED: Readonly<
	Record<"issuer" | "holder" | "payee" | "owner", Signer>
> = {
	issuer: fixedSigner("Ed25519", "issuer"),
	holder: fixedSigner("P-256", "holder"),
	payee: fixedSigner("Ed25519", "payee"),
	owner: fixedSigner("P-256", "owner"),
};

export const FIXED_NOTE: NoteBody = {
	issuer: idOf("bank.example"),
	issuerCertificate: filled(32, 0xc1),
	currency: { code: "EUR", exponent: 2 },
	isPlay: true,
	value: 10_000n,
	issued: TEST_NOW,
	expires: TEST_NOW + DAY,
	holder: idOf("alice"),
	holderKey: FIXED.holder,
	serial: filled(32, 0x5e),
};

export const FIXED_TRANSFER: TransferBody = {
	payer: idOf("alice"),
	payee: idOf("bob"),
	issuer: idOf("bank.example"),
	currency: "EUR",
	amount: 1250n,
	contract: filled(32, 0xc0),
	binding: filled(32, 0xb1),
	parties: filled(32, 0xf0),
	pieces: [
		{ noteId: filled(32, 0x11), offset: 0n, amount: 1000n },
		{ noteId: filled(32, 0x22), offset: 9750n, amount: 250n },
	],
	purpose: "payment",
};

/** A certified module and its key. */
export interface Party {
	readonly signer: Signer;
	readonly chain: Uint8Array;
	readonly device: CertifiedDevice;
}

/** A bank with an issuer and two modules, and what they would write. */
export class MoneyWorld {
	readonly bank: TestAuthority;
	readonly issuer: Party;
	readonly payer: Party;
	readonly payee: Party;
	/** Certified as the others are. */
	readonly stranger: Party;
	#serial = 0;

	private constructor(bank: TestAuthority, parties: readonly Party[]) {
		const [issuer, payer, payee, stranger] = parties as [
			Party,
			Party,
			Party,
			Party,
		];
		this.bank = bank;
		this.issuer = issuer;
		this.payer = payer;
		this.payee = payee;
		this.stranger = stranger;
	}

	static async make(algorithm: SignatureAlgorithm): Promise<MoneyWorld> {
		const bank = await makeAuthority("bank", algorithm);
		const names = ["issuer.example", "payer", "payee", "stranger"];
		const parties: Party[] = [];
		for (const name of names) parties.push(await certified(bank, name));
		return new MoneyWorld(bank, parties);
	}

	/** What the issuer says in a note to the payer, unless told otherwise. Each has a serial of its own. */
	noteBody(changes: Partial<NoteBody> = {}): NoteBody {
		const { issuer, payer } = this;
		const serial = new Uint8Array(32);
		new DataView(serial.buffer).setUint32(0, ++this.#serial);
		return {
			issuer: issuer.device.deviceId,
			issuerCertificate: issuer.device.certificateId,
			currency: { code: "EUR", exponent: 2 },
			isPlay: true,
			value: 1000n,
			issued: TEST_NOW,
			expires: TEST_NOW + DAY,
			holder: payer.device.deviceId,
			holderKey: payer.signer,
			serial,
			...changes,
		};
	}

	note(
		changes: Partial<NoteBody> = {},
		signer: Signer = this.issuer.signer,
	): Promise<Note> {
		return signNote(this.noteBody(changes), signer);
	}

	async verified(changes: Partial<NoteBody> = {}): Promise<VerifiedNote> {
		return this.verify(await this.note(changes));
	}

	verify(note: Note): VerifiedNote {
		return verifyNote(nodeCrypto, note, this.issuer.device);
	}

	/** What the payer says when it pays these ranges to the payee, unless told otherwise. */
	transferBody(
		pieces: readonly Piece[],
		changes: Partial<TransferBody> = {},
	): TransferBody {
		return {
			payer: this.payer.device.deviceId,
			payee: this.payee.device.deviceId,
			issuer: this.issuer.device.deviceId,
			currency: "EUR",
			amount: pieces.reduce((sum, { amount }) => sum + amount, 0n),
			contract: filled(32, 1),
			binding: filled(32, 2),
			parties: filled(32, 3),
			pieces,
			purpose: "payment",
			...changes,
		};
	}

	transfer(
		pieces: readonly Piece[],
		changes: Partial<TransferBody> = {},
		signer: Signer = this.payer.signer,
	): Promise<Transfer> {
		return signTransfer(this.transferBody(pieces, changes), signer);
	}
}

export async function certified(
	bank: TestAuthority,
	name: string,
): Promise<Party> {
	const { signer, chain } = await bank.certify(name);
	const device = validateChain(
		nodeCrypto,
		chain,
		"module",
		[bank.anchor],
		TEST_NOW,
	);
	return { signer, chain, device };
}

export async function signNote(body: NoteBody, signer: Signer): Promise<Note> {
	const { toSign, sign } = draftNote(body);
	return sign(nodeCrypto, await signer.sign(toSign));
}

export async function signTransfer(
	body: TransferBody,
	signer: Signer,
): Promise<Transfer> {
	const { toSign, sign } = draftTransfer(body);
	return sign(nodeCrypto, await signer.sign(toSign));
}

/** From `offset` on, `amount` of a note. */
export function piece(
	{ id }: Pick<Note, "id">,
	offset: bigint,
	amount: bigint,
): Piece {
	return { noteId: id, offset, amount };
}

/** What `toSign` is, for a place that it is not for. */
export function inPlaceOf(toSign: Uint8Array, role: SignatureRole): Uint8Array {
	const label = toSign.indexOf(0) + 1;
	return concat(utf8(`tetrad/1 ${role}\0`), toSign.subarray(label));
}

export const ALL_ROLES: readonly SignatureRole[] = [
	...(["A", "B", "X", "Y", "LA", "LM", "PA", "PM", "RC"] as const),
	...(["NO", "TR", "RE", "OW", "OV", "OC", "OE", "LI", "AP"] as const),
];

/** The order of the group of P-256. */
const ORDER = BigInt(
	"0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
);

/** An ECDSA signature as anyone can write it anew: r, n − s. */
export function encodedAnew(document: Uint8Array): Uint8Array {
	const out = new Uint8Array(document);
	const s = out.subarray(out.length - 32);
	const other = ORDER - BigInt(`0x${Buffer.from(s).toString("hex")}`);
	s.set(Buffer.from(other.toString(16).padStart(64, "0"), "hex"));
	return out;
}

/** Every document that differs in one bit. */
export function* bitChanges(document: Uint8Array): Generator<Uint8Array> {
	for (let bit = 0; bit < document.length * 8; bit++) {
		const changed = new Uint8Array(document);
		changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
		yield changed;
	}
}

/** Every beginning of a document, and documents with something after it. */
export function* lengthChanges(document: Uint8Array): Generator<Uint8Array> {
	for (let length = 0; length < document.length; length++)
		yield document.subarray(0, length);
	for (const more of [1, 3, 4, 64]) yield concat(document, filled(more, 0));
	yield concat(document, document);
	yield concat(document, enc(document));
}

/** 10 MB of fields inside fields, each of which is all of the one around it. */
function nested(bytes = 10_000_000): Uint8Array {
	const out = new Uint8Array(bytes);
	const view = new DataView(out.buffer);
	for (let at = 0; at + 4 <= bytes; at += 4) view.setUint32(at, bytes - at - 4);
	return out;
}

/** Throws unless `work` blames the peer. What it yields instead may be too large to show. */
export function refused(work: () => unknown): void {
	if (onlyTetradErrors(work) !== undefined) throw new Error("it was accepted");
}

/** Runs `parse` over 10 MB in a few forms; it has to refuse each, and without working through it. */
export function refusesTenMegabytes(
	parse: (bytes: Uint8Array) => unknown,
): void {
	for (const bytes of TEN_MEGABYTES) {
		const started = performance.now();
		refused(() => parse(bytes));
		// Far more than a refusal takes, and far less than work on each of these bytes.
		const took = performance.now() - started;
		if (took > 1000) throw new Error(`it took ${took} ms`);
	}
}

const DEEP = nested();

const TEN_MEGABYTES: readonly Uint8Array[] = [
	DEEP,
	enc(DEEP, filled(64, 0)),
	enc(enc(DEEP), filled(64, 0)),
	filled(10_000_000, 0),
	filled(10_000_000, 0xff),
];

/** Bytes in hexadecimal; spaces and line ends do not count, nor what follows "#" in a line. */
export function bytesOf(text: string): Uint8Array {
	const digits = text.replaceAll(/#.*$/gm, "").replaceAll(/\s/g, "");
	return new Uint8Array(Buffer.from(digits, "hex"));
}
