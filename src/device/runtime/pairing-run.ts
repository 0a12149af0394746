import type { Carrier } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import {
	type Pairing,
	type PairingEffect,
	PairingMachine,
} from "../../tetrad/index.ts";
import { aborted } from "./channel.ts";
import { Deadline } from "./deadline.ts";
import { type Device, signFor } from "./identity.ts";

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

/** What a pairing made: to be kept durably and in secret, since it holds the pairing key. */
export interface Paired {
	readonly pairing: Pairing;
	readonly peer: CertifiedDevice;
}

/** Runs one end of a pairing on a carrier. Rejects with `pairing-failed` when an owner says no. */
export function runPairing(
	role: "agent" | "module",
	carrier: Carrier,
	{ context: device, clock }: Device,
	signer: Signer,
	options: PairOptions,
): Promise<Paired> {
	const { confirm, signal, timeoutMs = DEFAULT_PAIRING_TIMEOUT_MS } = options;
	const { promise, resolve, reject } = Promise.withResolvers<Paired>();
	const { now } = clock;
	const machine = new PairingMachine(role, {
		device,
		now: now(),
		timeoutMs,
	});
	const fail = (error: TetradError) => apply(machine.abort(error));
	const apply = (effects: readonly PairingEffect[]): void => {
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame":
					carrier.send(effect.bytes);
					break;
				case "sign":
					signFor(
						signer,
						effect.content,
						(signature) => apply(machine.signed(signature)),
						fail,
					);
					break;
				case "compare":
					Promise.resolve()
						.then(() => confirm(effect.code, effect.peer))
						.then((same) =>
							same ? apply(machine.accept()) : fail(ownerRefused()),
						)
						.catch((thrown: unknown) =>
							fail(thrown instanceof TetradError ? thrown : ownerRefused()),
						);
					break;
				case "paired":
					resolve({ pairing: effect.pairing, peer: effect.peer });
					break;
				case "ended":
					signal?.removeEventListener("abort", onAbort);
					carrier.close();
					if (effect.error !== undefined) reject(effect.error);
					break;
			}
		}
		deadline.follow(machine.deadline);
	};
	const deadline = new Deadline(now, (at) => apply(machine.time(at)));
	const onAbort = () => {
		if (signal !== undefined) fail(aborted(signal));
	};
	carrier.receive({
		frame: (bytes) => apply(machine.frame(bytes, now())),
		closed: (error) =>
			fail(
				error ??
					new TetradError(
						"truncated",
						"the other device went away before the pairing was made",
					),
			),
	});
	apply(machine.start());
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
