/* One purchase with everything in it that docs/trade.md derives, as the code under test makes it. */
import { nodeCrypto } from "../../src/crypto/index.ts";
import { draftTransfer } from "../../src/money/index.ts";
import {
	contentKey,
	draftContract,
	draftSellingCertificate,
	encodeItemDescription,
	encodeTerms,
	exporterHash,
	goodsKey,
	itemHash,
	keyHash,
	saltKey,
	secretHash,
	sellingSecret,
	termsHash,
} from "../../src/trade/documents/index.ts";
import {
	HashTree,
	leafSalt,
	Measuring,
	Sealing,
	sealedLeaf,
} from "../../src/trade/merchandise/index.ts";
import { hex } from "../../src/wire/index.ts";
import { FIXED_TRANSFER, filled, idOf } from "../money/documents.ts";
import { TEST_NOW } from "../support/authority.ts";
import { fixedSigner } from "../support/fixed-crypto.ts";
import { chunksOf } from "./merchandise-reference.ts";
import { content } from "./merchandise-support.ts";

/** Where they lie. */
export const PURCHASE_VECTORS: URL = new URL(
	"../vectors/trade/purchase.json",
	import.meta.url,
);

/** Three chunks, the last one short: a tree with a node that goes up as it is. */
const LENGTH = 2 * 65_536 + 1000;

/** Bytes as hexadecimal, amounts and lengths as decimal text, times as numbers. */
export async function makePurchaseVectors(): Promise<string> {
	const crypto = nodeCrypto;
	const signers = {
		issuer: fixedSigner("Ed25519", "issuer of vectors"),
		agent: fixedSigner("Ed25519", "merchant's agent of vectors"),
	};
	const ids = {
		buyerAgent: idOf("alice"),
		buyerModule: idOf("alice-purse"),
		sellerAgent: idOf("bob"),
		sellerModule: idOf("bob-till"),
		issuer: idOf("mint"),
	};
	const master = filled(32, 0x3a);
	const generation = 688;
	const seller = {
		module: ids.sellerModule,
		agent: ids.sellerAgent,
		generation,
	};
	const secret = sellingSecret(crypto, master, seller);
	const certificateBody = {
		issuer: ids.issuer,
		issuerCertificate: filled(32, 0xc1),
		...seller,
		secretHash: secretHash(crypto, secret),
		issued: TEST_NOW - 1000,
	};
	const certified = draftSellingCertificate(certificateBody);
	const certificate = certified.sign(
		await signers.issuer.sign(certified.toSign),
	);
	const exporter = filled(32, 0xe0);
	const description = {
		name: "harbour.jpg",
		mediaType: "image/jpeg",
		about: "A harbour – in the morning.",
		order: "",
	};
	const itemSalt = filled(32, 0x5b);
	const described = encodeItemDescription(description);
	const id = filled(16, 0x1d);
	const salting = { saltKey: saltKey(crypto, secret), contractId: id };
	const chunks = chunksOf(content(LENGTH));
	const measuring = new Measuring(crypto, salting);
	for (const chunk of chunks) measuring.add(chunk);
	const measured = measuring.finish();
	const terms = {
		id,
		made: TEST_NOW,
		buyerAgent: ids.buyerAgent,
		buyerModule: ids.buyerModule,
		sellerAgent: ids.sellerAgent,
		sellerModule: ids.sellerModule,
		binding: filled(32, 0xb1),
		rail: "own-notes" as const,
		issuer: ids.issuer,
		currency: "EUR",
		amount: 420n,
		item: itemHash(crypto, itemSalt, described),
		...measured,
		exporterHash: exporterHash(crypto, exporter),
		payBy: TEST_NOW + 3_600_000,
		bookBy: TEST_NOW + 30 * 86_400_000,
		certificate,
	};
	const key = goodsKey(crypto, secret, termsHash(crypto, terms));
	const sealing = new Sealing(crypto, { ...salting, key, exporter, measured });
	const plain = new HashTree(crypto, 2);
	const cipher = new HashTree(crypto, 2);
	const leaves = chunks.map((chunk) => {
		const { index, leaf, sealed } = sealing.seal(chunk);
		const ofSealed = sealedLeaf(crypto, id, index, sealed);
		plain.add(leaf);
		cipher.add(ofSealed);
		return {
			index,
			salt: hex(leafSalt(crypto, salting.saltKey, id, index)),
			leaf: hex(leaf),
			sealedSha256: hex(crypto.sha256(sealed)),
			sealedLeaf: hex(ofSealed),
		};
	});
	const ciphertextRoot = sealing.finish();
	plain.root();
	cipher.root();
	const draft = draftContract({
		...terms,
		keyHash: keyHash(crypto, key),
		ciphertextRoot,
	});
	const contract = draft.sign(crypto, await signers.agent.sign(draft.toSign));
	const sale = draftTransfer({
		...FIXED_TRANSFER,
		payer: ids.buyerModule,
		payee: ids.sellerModule,
		issuer: ids.issuer,
		amount: terms.amount,
		contract: contract.hash,
		binding: terms.binding,
		pieces: [{ noteId: filled(32, 0x11), offset: 0n, amount: 420n }],
		purpose: "sale",
	});
	const vectors = {
		comment:
			"One purchase of docs/trade.md. Bytes are hexadecimal; amounts and lengths are decimal; times are milliseconds since 1970. The content has the byte (31·at + floor(at/256) + 7) mod 256 at each place. The device ids are nobody's, and both signers' keys are Ed25519.",
		issuerPublicKey: hex(signers.issuer.publicKey),
		agentPublicKey: hex(signers.agent.publicKey),
		master: hex(master),
		generation,
		sellingSecret: hex(secret),
		secretHash: hex(certificateBody.secretHash),
		saltKey: hex(salting.saltKey),
		certificate: {
			issuerCertificate: hex(certificateBody.issuerCertificate),
			issued: certificateBody.issued,
			document: hex(certificate),
		},
		exporter: hex(exporter),
		exporterHash: hex(terms.exporterHash),
		item: {
			...description,
			salt: hex(itemSalt),
			description: hex(described),
			hash: hex(terms.item),
		},
		contract: {
			id: hex(id),
			made: terms.made,
			buyerAgent: hex(ids.buyerAgent),
			buyerModule: hex(ids.buyerModule),
			sellerAgent: hex(ids.sellerAgent),
			sellerModule: hex(ids.sellerModule),
			binding: hex(terms.binding),
			rail: 1,
			issuer: hex(ids.issuer),
			currency: terms.currency,
			amount: String(terms.amount),
			payBy: terms.payBy,
			bookBy: terms.bookBy,
			terms: hex(encodeTerms(terms)),
			termsHash: hex(contract.termsHash),
			goodsKey: hex(key),
			keyHash: hex(contract.keyHash),
			toSign: hex(draft.toSign),
			document: hex(contract.document),
			hash: hex(contract.hash),
		},
		merchandise: {
			length: String(measured.length),
			contentKey: hex(contentKey(crypto, key, exporter, id)),
			chunks: leaves,
			plaintextRoot: hex(measured.plaintextRoot),
			ciphertextRoot: hex(ciphertextRoot),
			path: {
				index: 2,
				plaintext: plain.path().hashes.map(hex),
				ciphertext: cipher.path().hashes.map(hex),
			},
		},
		transfer: {
			parties: hex(FIXED_TRANSFER.parties),
			noteId: "11".repeat(32),
			toSign: hex(sale.toSign),
		},
	};
	return `${JSON.stringify(vectors, null, "\t")}\n`;
}
