import { createHmac } from "node:crypto";
import type { AeadName } from "../../src/crypto/index.ts";
import type { RecordAead } from "../../src/session/index.ts";

/** Everything that can seal records. */
export const RECORD_AEADS: readonly RecordAead[] = [
	"AESGCM",
	"ChaChaPoly",
	"ChaChaPoly+AESGCM",
];

/** enc("tetrad/1 records", which), written out. */
function info(which: string): Buffer {
	const field = (text: string) => {
		const length = Buffer.alloc(4);
		length.writeUInt32BE(text.length);
		return Buffer.concat([length, Buffer.from(text)]);
	};
	return Buffer.concat([field("tetrad/1 records"), field(which)]);
}

/** Expand(key, info, 32): one block of HKDF. */
function expanded(key: Uint8Array, which: string): Uint8Array {
	return createHmac("sha256", key)
		.update(info(which))
		.update(Uint8Array.of(1))
		.digest();
}

/** The AEAD and the key of a record with such a body, as docs/protocol.md says and the code does not. */
export function keyedAs(
	records: RecordAead,
	key: Uint8Array,
	bodyBytes: number,
): { readonly aead: AeadName; readonly key: Uint8Array } {
	if (records !== "ChaChaPoly+AESGCM") return { aead: records, key };
	return bodyBytes > 8192
		? { aead: "AESGCM", key: expanded(key, "long") }
		: { aead: "ChaChaPoly", key: expanded(key, "short") };
}

/** The key of a direction with two AEADs after 2²⁰ records. */
export function nextKey(key: Uint8Array): Uint8Array {
	return expanded(key, "next");
}
