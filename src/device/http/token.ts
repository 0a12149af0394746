import { nodeCrypto } from "../../crypto/index.ts";
import { utf8 } from "../../wire/index.ts";

/**
 * Whether an `Authorization` header says that token with the scheme `Bearer`, in whatever case (RFC
 * 9110, section 11.1). Compares hashes of tokens, so that neither a length nor a prefix is told.
 */
export function tokenCheck(
	token: string,
): (header: string | undefined) => boolean {
	const expected = nodeCrypto.sha256(utf8(token));
	return (header) => {
		const said = /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
		return (
			said !== undefined &&
			nodeCrypto.equal(nodeCrypto.sha256(utf8(said)), expected)
		);
	};
}
