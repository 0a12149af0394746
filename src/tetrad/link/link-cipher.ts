/*
 * What seals the records of a paired link. The handshake is AES-256-GCM whatever comes of it; inside,
 * the agent names what it accepts (L1), and the module picks its own first choice of that (L2).
 */
import { TetradError } from "../../errors.ts";
import {
	LINK_PROTOCOL,
	type RecordAead,
	suiteByName,
} from "../../session/index.ts";
import { malformed } from "../../wire/index.ts";
import type { Policy } from "../policy.ts";

/** A cipher for the records of a link. */
export interface LinkCipher {
	/** One byte on the wire; never reused for another cipher. */
	readonly id: number;
	readonly records: RecordAead;
}

/** Every cipher, the first choice first: what links carry is short, and long where much waits together. */
export const LINK_CIPHERS: readonly LinkCipher[] = [
	{ id: 0x03, records: "ChaChaPoly+AESGCM" },
	{ id: 0x02, records: "ChaChaPoly" },
	{ id: 0x01, records: "AESGCM" },
];

/** The longest list of ciphers, in bytes. */
export const MAX_OFFERED_CIPHERS = 16;

/** The ciphers that a device accepts, its first choice first: that of the handshake, and those that its policy accepts in a suite, ChaCha20-Poly1305 also by itself where it does with the other. */
export function acceptedCiphers({
	suites,
}: Pick<Policy, "suites">): readonly LinkCipher[] {
	const accepted = new Set<RecordAead>([LINK_PROTOCOL.records]);
	for (const name of suites) {
		const { records } = suiteByName(name).protocol;
		accepted.add(records);
		if (records === "ChaChaPoly+AESGCM") accepted.add("ChaChaPoly");
	}
	return LINK_CIPHERS.filter(({ records }) => accepted.has(records));
}

/** The module's pick of what the agent has named. Ids that it does not know are passed over. Throws `malformed` for a cipher named twice, and `negotiation-failed` when there is none for both. */
export function pickCipher(policy: Policy, offered: Uint8Array): LinkCipher {
	if (new Set(offered).size !== offered.length)
		throw malformed("the other end of the link names a cipher twice");
	return requireCipher(
		acceptedCiphers(policy).find(({ id }) => offered.includes(id)),
	);
}

/** What seals a link between an agent and a module with these policies. */
export function cipherBetween(agent: Policy, module: Policy): LinkCipher {
	const named = acceptedCiphers(agent).map(({ id }) => id);
	return pickCipher(module, Uint8Array.from(named));
}

/** What the module has picked, which has to be one that the agent named. Throws `negotiation-failed` for any other. */
export function followPick(
	named: readonly LinkCipher[],
	picked: Uint8Array,
): LinkCipher {
	return requireCipher(named.find(({ id }) => id === picked[0]));
}

function requireCipher(cipher: LinkCipher | undefined): LinkCipher {
	if (cipher === undefined)
		throw new TetradError(
			"negotiation-failed",
			"the two ends of the link have no cipher in common; let the suites of both policies have one",
		);
	return cipher;
}
