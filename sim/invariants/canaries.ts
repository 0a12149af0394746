import { CANARY } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";

/** What is secret is on no wire: the goods, and what all keys of an issuer's sales follow from. */
export const canaries: MakeInvariant = (world, fail) => {
	const secrets = [CANARY, ...world.issuers.map(({ master }) => master)].map(
		(secret) => Buffer.from(secret),
	);
	return {
		sent(from, to, bytes) {
			const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
			if (secrets.some((secret) => frame.includes(secret)))
				fail(`${from} sends ${to} a secret in clear`);
		},
	};
};
