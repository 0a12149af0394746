import {
	type Address,
	connect,
	formatAddress,
	listen,
} from "../../carrier/index.ts";
import {
	type PairedWith,
	pairedInPlace,
	readHome,
	readPairingTries,
	requirePairingNumber,
	writePairing,
	writePairingTries,
} from "../../device/home/index.ts";
import {
	type ModulePairOptions,
	MoneyModule,
	type Paired,
	type PairOptions,
	TrustedAgent,
} from "../../device/runtime/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { MAX_PAIRING_TRIES } from "../../tetrad/index.ts";
import { askYes } from "../ask-yes.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { bold, plain, say, sayJson, tell, tellTrouble } from "../voice.ts";

export interface PairFlags extends SecretFlags {
	readonly home: string;
	readonly listen?: Address;
	readonly connect?: Address;
	readonly yes?: true;
	readonly again?: true;
	readonly number?: number;
	readonly json?: true;
}

export async function pairDevice(flags: PairFlags): Promise<void> {
	if ((flags.listen === undefined) === (flags.connect === undefined))
		throw new TetradError(
			"invalid-argument",
			"say --listen ADDRESS at the module or --connect ADDRESS at the agent",
		);
	if (flags.number !== undefined && flags.connect === undefined)
		throw new TetradError(
			"invalid-argument",
			"--number is for an agent, which may have several modules; a module has one agent",
		);
	const stop = new AbortController();
	const onSignal = () => stop.abort();
	process.once("SIGTERM", onSignal);
	process.once("SIGINT", onSignal);
	try {
		await pair(flags, stop.signal);
	} finally {
		process.off("SIGTERM", onSignal);
		process.off("SIGINT", onSignal);
	}
}

async function pair(flags: PairFlags, signal: AbortSignal): Promise<void> {
	// The question must not outlive the pairing: an open terminal would keep the process waiting.
	const over = new AbortController();
	const asking = AbortSignal.any([signal, over.signal]);
	const number = flags.number ?? 1;
	let before: PairedWith | undefined;
	const options: PairOptions = {
		signal,
		async confirm(code, peer) {
			before = await pairedInPlace(flags.home, peer, number);
			return confirm(code, peer, before, flags, asking);
		},
	};
	const paired =
		flags.connect === undefined
			? pairModule(flags, flags.listen as Address, options)
			: pairAgent(flags, flags.connect, options);
	const { pairing, peer } = await paired.finally(() => over.abort());
	await writePairing(flags.home, pairing, peer.name, number);
	if (flags.listen !== undefined) await writePairingTries(flags.home, 0);
	if (flags.json)
		return sayJson({ event: "paired", peer: peer.name, ...replacing(before) });
	const as = number === 1 ? "" : `, module ${number} of this agent`;
	const instead =
		before === undefined ? "" : `, in the place of ${plain(before.peerName)}`;
	say(
		`paired with ${plain(peer.name)}${as}${instead}; the pairing is kept in ${flags.home}`,
	);
}

async function pairAgent(
	flags: PairFlags,
	at: Address,
	options: PairOptions,
): Promise<Paired> {
	await requirePairingNumber(flags.home, flags.number ?? 1);
	await using read = await readHome(flags.home, "agent", secretsOf(flags));
	await using agent = new TrustedAgent(read);
	const { signal } = options;
	const carrier = await connect(at, signal === undefined ? {} : { signal });
	return await agent.pair(carrier, options);
}

/** Waits for the first agent that calls, for three tries at most. */
async function pairModule(
	flags: PairFlags,
	at: Address,
	options: PairOptions,
): Promise<Paired> {
	await using read = await readHome(flags.home, "module", secretsOf(flags));
	const pairingTries = await triesLeftBehind(flags, options.signal);
	await using module = new MoneyModule({ ...read, pairingTries });
	const { promise, resolve, reject } = Promise.withResolvers<Paired>();
	let asked = false;
	let made = pairingTries;
	const asking: ModulePairOptions = {
		...options,
		confirm(code, peer) {
			asked = true;
			return options.confirm(code, peer);
		},
		async tried(number) {
			made = number;
			await writePairingTries(flags.home, number);
			if (flags.json) sayJson({ event: "try", number, of: MAX_PAIRING_TRIES });
			else
				tell(
					`somebody calls to pair: try ${number} of ${MAX_PAIRING_TRIES}; if it is not you, stop this`,
				);
		},
	};
	await using listener = await listen(
		at,
		(carrier) => {
			module.pair(carrier, asking).then(resolve, (error: unknown) => {
				// Whoever fails before there is a code to compare was a stranger.
				if (asked) return reject(error);
				tellTrouble(`not a pairing: ${plain(asTetradError(error).message)}`);
				if (made >= MAX_PAIRING_TRIES) reject(triedTooOften(flags.home));
			});
		},
		{ maxConnections: 1 },
	);
	const where = formatAddress(listener.address);
	if (flags.json) sayJson({ event: "listening", address: where });
	else tell(`waiting for the agent on ${where}`);
	options.signal?.addEventListener(
		"abort",
		() => reject(new TetradError("aborted", "nobody paired")),
		{ once: true },
	);
	return await promise;
}

/** Tries that an earlier waiting left. After three of them, this one waits for its owner. */
async function triesLeftBehind(
	{ home, again }: PairFlags,
	signal: AbortSignal | undefined,
): Promise<number> {
	const made = await readPairingTries(home);
	if (made < MAX_PAIRING_TRIES) return made;
	if (again !== true) {
		if (!process.stdin.isTTY) throw triedTooOften(home);
		say(
			`${MAX_PAIRING_TRIES} pairings were tried here and none was made. Whoever called may be trying codes. Was it you?`,
		);
		if (!(await askYes("type yes to wait for three more: ", signal)))
			throw triedTooOften(home);
	}
	await writePairingTries(home, 0);
	return 0;
}

function triedTooOften(home: string): TetradError {
	return new TetradError(
		"pairing-failed",
		`${MAX_PAIRING_TRIES} pairings were tried and none was made: whoever called may be trying codes. See who can reach this address; to wait again: tetrad pair --home ${home} --listen … --again`,
	);
}

async function confirm(
	code: string,
	peer: CertifiedDevice,
	before: PairedWith | undefined,
	{ yes, json }: PairFlags,
	signal: AbortSignal,
): Promise<boolean> {
	if (!json && before !== undefined)
		say(
			`${plain(peer.name)} takes the place of ${plain(before.peerName)}, whose link ends with that`,
		);
	if (json)
		sayJson({
			event: "compare",
			code,
			peer: peer.name,
			...replacing(before),
		});
	else say(`${plain(peer.name)} shows the same code?   ${bold(code)}`);
	if (yes) return true;
	if (!process.stdin.isTTY)
		throw new TetradError(
			"invalid-argument",
			"nobody is there to compare the code; use --yes where nobody can be between the two devices",
		);
	return await askYes("type yes if it does: ", signal);
}

/** With whom it was paired before, if that was somebody else. */
function replacing(before: PairedWith | undefined): { replaces?: string } {
	return before === undefined ? {} : { replaces: before.peerName };
}
