import { nodeCrypto } from "../../crypto/index.ts";
import { utf8 } from "../../wire/index.ts";

/** Compares hashes, so that neither a length nor a prefix is told. */
export function tokenCheck(
	token: string,
): (header: string | undefined) => boolean {
	const expected = nodeCrypto.sha256(utf8(`Bearer ${token}`));
	return (header) =>
		header !== undefined &&
		nodeCrypto.equal(nodeCrypto.sha256(utf8(header)), expected);
}
