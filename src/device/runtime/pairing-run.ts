import type { Carrier } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import {
	type Pairing,
	type PairingEffect,
	type PairingEnd,
	type PairingEvent,
	PairingMachine,
} from "../../tetrad/index.ts";
import { aborted } from "./channel.ts";
import { Driver } from "./driver.ts";
import type { Device } from "./identity.ts";
import { signFor } from "./signing.ts";

/** How long a pairing may take, the comparing included, in milliseconds: five minutes. */
const DEFAULT_PAIRING_TIMEOUT_MS = 300_000;

/** How one end of a pairing is run. */
export interface PairOptions {
	/** Shows the code and the peer, asks the owner whether the other device shows the same, and answers. */
	readonly confirm: (
		code: string,
		peer: CertifiedDevice,
	) => boolean | Promise<boolean>;
	/** Gives up with `aborted`. */
	readonly signal?: AbortSignal;
	/** How long the pairing may take, the owner's answer with it, in milliseconds; 5 minutes unless given. */
	readonly timeoutMs?: number;
}

/** How the module's end of a pairing is run. */
export interface ModulePairOptions extends PairOptions {
	/**
	 * Tells the owner of each try, by its number from 1: whoever called can compute this module's
	 * code from then on, and break off unseen. After three without a pairing the module answers
	 * nobody (`limit-exceeded`) until `allowPairing`. What this throws ends the try. Who starts
	 * modules anew keeps the number, durably, for `pairingTries`.
	 */
	readonly tried: (number: number) => void | Promise<void>;
}

/** What a pairing made: to be kept durably and in secret, since it holds the pairing key. */
export interface Paired {
	readonly pairing: Pairing;
	readonly peer: CertifiedDevice;
}

/** Runs one end of a pairing on a carrier. Rejects with `pairing-failed` when an owner says no. */
export function runPairing(
	end: PairingEnd,
	carrier: Carrier,
	{ context: device, clock }: Device,
	signer: Signer,
	options: PairOptions & Partial<ModulePairOptions>,
): Promise<Paired> {
	const {
		confirm,
		tried,
		signal,
		timeoutMs = DEFAULT_PAIRING_TIMEOUT_MS,
	} = options;
	const { promise, resolve, reject } = Promise.withResolvers<Paired>();
	const { now } = clock;
	const feed = (event: PairingEvent) => driver.feed(event);
	const fail = (error: TetradError) => feed({ kind: "abort", error });
	const onAbort = () => {
		if (signal !== undefined) fail(aborted(signal));
	};
	const over = (error: TetradError | undefined) => {
		signal?.removeEventListener("abort", onAbort);
		carrier.close();
		if (error !== undefined) reject(error);
	};
	const driver = new Driver<PairingEvent, PairingEffect>({
		machine: new PairingMachine(end, { device, now: now(), timeoutMs }),
		now,
		handlers: {
			"send-frame": ({ bytes }) => void carrier.send(bytes),
			sign: (effect) => signFor(signer, effect, feed),
			try: ({ number }) =>
				void Promise.resolve()
					.then(() => tried?.(number))
					.then(() => feed({ kind: "told" }))
					.catch((thrown: unknown) => fail(asTetradError(thrown))),
			compare: ({ code, peer }) =>
				void Promise.resolve()
					.then(() => confirm(code, peer))
					.then((same) =>
						same ? feed({ kind: "accept" }) : fail(ownerRefused()),
					)
					.catch((thrown: unknown) =>
						fail(thrown instanceof TetradError ? thrown : ownerRefused()),
					),
			paired: ({ pairing, peer }) => resolve({ pairing, peer }),
		},
		ended: ({ error }) => over(error),
		failed: over,
	});
	carrier.receive({
		frame: (bytes) => feed({ kind: "frame", bytes }),
		closed: (error) =>
			fail(
				error ??
					new TetradError(
						"truncated",
						"the other device went away before the pairing was made",
					),
			),
	});
	feed({ kind: "start" });
	if (signal?.aborted) onAbort();
	else signal?.addEventListener("abort", onAbort, { once: true });
	return promise;
}

function ownerRefused(): TetradError {
	return new TetradError(
		"pairing-failed",
		"the owner did not confirm the code",
	);
}
