import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	ChainVerdicts,
	type DeviceRole,
	parseCertificate,
	parseChain,
	requireDemand,
	type Signer,
} from "../../identity/index.ts";
import { chosenCrypto } from "../../provider/index.ts";
import {
	type DeviceContext,
	ListMemory,
	MAX_LIST_MEMORY_BYTES,
	type Policy,
	ResumptionTokens,
} from "../../tetrad/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { type ClockOptions, DeviceClock, requireWithin } from "./clock.ts";
import { type ListEvent, ListKeeper, type ListStore } from "./list-keeper.ts";

/** A device's long-term key and the chain that certifies it. */
export interface DeviceIdentity {
	readonly signer: Signer;
	/** Encoded: enc(leaf, intermediates), without the root. */
	readonly chain: Uint8Array;
}

/** What an agent and a module are made of alike. */
export interface DeviceOptions {
	readonly identity: DeviceIdentity;
	readonly policy: Policy;
	/** The provider of the process unless given: libsodium where it is there, and `nodeCrypto` otherwise. */
	readonly crypto?: CryptoProvider;
	/** How long an establishment or a link may take, in milliseconds; 30 seconds unless given. */
	readonly timeoutMs?: number;
	/** Where untrusted lists are kept; without it they are learned and forgotten with the process. */
	readonly lists?: ListStore;
	/** Hears of every list that is learned, and of trouble with lists, for logs. */
	readonly observeLists?: (event: ListEvent) => void;
	/** The machine's clock, of which nothing is remembered, unless given. */
	readonly clock?: ClockOptions;
	/** Receives every secret by name. It exists for wiretap checks and debuggers. */
	readonly unsafeKeylog?: (label: string, secret: Uint8Array) => void;
}

/** A device that is ready to run. */
export interface Device {
	readonly context: DeviceContext;
	readonly clock: DeviceClock;
	readonly lists: ListKeeper;
}

/** What a device cannot do without, and what each is, for whoever calls this without types. */
const NEEDED: readonly (readonly [
	name: string,
	is: string,
	holds: (options: DeviceOptions) => boolean,
])[] = [
	[
		"identity.signer",
		"the signer of its key",
		({ identity }) => typeof identity?.signer?.sign === "function",
	],
	[
		"identity.chain",
		"its encoded chain, a Uint8Array",
		({ identity }) => identity?.chain instanceof Uint8Array,
	],
	[
		"policy",
		"what it trusts, accepts and demands (makePolicy)",
		({ policy }) =>
			Array.isArray(policy?.agencies) && Array.isArray(policy.banks),
	],
];

/** Throws `invalid-argument`, naming what is missing, for options that no device can be made of. */
export function requireDeviceOptions(of: string, options: DeviceOptions): void {
	for (const [name, is, holds] of NEEDED)
		if (!holds(options ?? {}))
			throw new TetradError(
				"invalid-argument",
				`new ${of}({ … }) needs ${name}: ${is}`,
			);
}

/**
 * Judges the own chain first: a device that its own policy refuses would be refused by everybody.
 * Throws what is wrong with the chain, the lists that were stored, or the clock.
 */
export function makeDevice(role: DeviceRole, options: DeviceOptions): Device {
	const { identity, policy, crypto = chosenCrypto(), unsafeKeylog } = options;
	const clock = new DeviceClock(options.clock);
	const verdicts = new ChainVerdicts(crypto, policy);
	const lists = new ListKeeper({
		lists: verdicts.lists,
		now: clock.now,
		store: options.lists,
		observe: options.observeLists,
	});
	for (const der of parseChain(identity.chain))
		requireWithin(clock.now(), parseCertificate(der));
	// Without the lists that its policy demands it can start, and learn them; it makes no tetrad.
	const own = verdicts.judgeForLink(identity.chain, role, clock.now());
	clock.believable(own, verdicts.lists);
	requireDemand(
		own,
		role === "agent" ? "ownAgent" : "ownModule",
		policy.demands,
	);
	const { signer } = identity;
	if (
		own.algorithm !== signer.algorithm ||
		!sameBytes(own.publicKey, signer.publicKey)
	)
		throw new TetradError(
			"invalid-argument",
			`the certificate of ${own.name} is for another key than the one given`,
		);
	return {
		context: {
			crypto,
			policy,
			verdicts,
			own,
			listMemory: new ListMemory(MAX_LIST_MEMORY_BYTES),
			...(policy.resumption === "yes"
				? { tokens: new ResumptionTokens() }
				: {}),
			...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
		},
		clock,
		lists,
	};
}

/** Takes a list from the owner. Rejects also when it is of no use, because the owner wants to know. */
export async function learnList(
	{ lists }: Device,
	bundle: Uint8Array,
): Promise<void> {
	const learned = await lists.learn(bundle);
	if (learned.kind === "unusable" || learned.kind === "not-stored")
		throw learned.error;
}
