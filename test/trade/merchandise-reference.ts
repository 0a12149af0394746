/*
 * Merchandise as docs/trade.md has it, computed a second time: on `node:crypto` alone, whole and
 * not chunk by chunk, and with trees that are built level by level.
 */
import { createCipheriv, createHash, createHmac, hkdfSync } from "node:crypto";

const CHUNK = 65_536;

export function u32(value: number): Buffer {
	const out = Buffer.alloc(4);
	out.writeUInt32BE(value);
	return out;
}

export function enc(...fields: readonly (Uint8Array | string)[]): Buffer {
	return Buffer.concat(
		fields.flatMap((field) => [
			u32(Buffer.from(field).length),
			Buffer.from(field),
		]),
	);
}

function sha256(bytes: Uint8Array): Buffer {
	return createHash("sha256").update(bytes).digest();
}

/** What one sale of a merchandise is made of. */
export interface ReferenceSale {
	readonly contractId: Uint8Array;
	readonly saltKey: Uint8Array;
	readonly key: Uint8Array;
	readonly exporter: Uint8Array;
}

export function chunksOf(content: Uint8Array): Uint8Array[] {
	const chunks: Uint8Array[] = [];
	for (let at = 0; at < content.length || at === 0; at += CHUNK)
		chunks.push(content.subarray(at, at + CHUNK));
	return chunks;
}

export function salt(sale: ReferenceSale, index: number): Buffer {
	return createHmac("sha256", sale.saltKey)
		.update(enc("tetrad/1 leaf salt", sale.contractId, u32(index)))
		.digest();
}

export function leaf(
	index: number,
	salted: Uint8Array,
	chunk: Uint8Array,
): Buffer {
	return sha256(enc("tetrad/1 leaf", u32(index), salted, chunk));
}

function contentKey(sale: ReferenceSale): Buffer {
	const info = enc("tetrad/1 content key", sale.contractId);
	return Buffer.from(hkdfSync("sha256", sale.key, sale.exporter, info, 32));
}

export function seal(
	sale: ReferenceSale,
	index: number,
	chunk: Uint8Array,
): Buffer {
	const salted = salt(sale, index);
	const nonce = leaf(index, salted, chunk).subarray(0, 12);
	const cipher = createCipheriv("aes-256-gcm", contentKey(sale), nonce);
	cipher.setAAD(u32(index));
	const sealed = cipher.update(Buffer.concat([salted, chunk]));
	return Buffer.concat([sealed, cipher.final(), cipher.getAuthTag()]);
}

export function sealedLeaf(
	contractId: Uint8Array,
	index: number,
	sealed: Uint8Array,
): Buffer {
	return sha256(enc("tetrad/1 sealed leaf", contractId, u32(index), sealed));
}

/** All levels of a tree, from the leaves to its top. */
function levels(leaves: readonly Uint8Array[]): Uint8Array[][] {
	const all = [[...leaves]];
	for (let level = all[0] ?? []; level.length > 1; ) {
		const next: Uint8Array[] = [];
		for (let at = 0; at < level.length; at += 2) {
			const [left, right] = level.slice(at, at + 2) as [
				Uint8Array,
				Uint8Array?,
			];
			next.push(
				right === undefined
					? left
					: sha256(Buffer.concat([Buffer.of(1), left, right])),
			);
		}
		all.push(next);
		level = next;
	}
	return all;
}

export function root(leaves: readonly Uint8Array[]): Buffer {
	const top = levels(leaves).at(-1)?.[0] as Uint8Array;
	return sha256(enc("tetrad/1 root", u32(leaves.length), top));
}

/** What stands beside the way up from one leaf. */
export function path(
	leaves: readonly Uint8Array[],
	index: number,
): Uint8Array[] {
	const hashes: Uint8Array[] = [];
	let at = index;
	for (const level of levels(leaves)) {
		const beside = level[at % 2 === 0 ? at + 1 : at - 1];
		if (beside !== undefined) hashes.push(beside);
		at = Math.floor(at / 2);
	}
	return hashes;
}
