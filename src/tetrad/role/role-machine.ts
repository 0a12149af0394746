import {
	authenticationFailed,
	type ErrorCode,
	TetradError,
} from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	requireDemand,
	type SeenPlace,
} from "../../identity/index.ts";
import { type Ended, OldMachine } from "../../machine/index.ts";

import {
	CONTENT,
	hex,
	LINK,
	type LinkMessageType,
	sameBytes,
	textWithin,
} from "../../wire/index.ts";
import type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
import { END } from "../messages.ts";
import {
	demandSize,
	MAX_MODULE_MESSAGE_BYTES,
	MAX_REASON_BYTES,
	type Place,
} from "../parameters.ts";
import type { LocalSession, RootKey } from "../root-key.ts";
import type { Transcript } from "../transcript.ts";

const ROLE_OF: Readonly<Record<SeenPlace, DeviceRole>> = {
	ownAgent: "agent",
	peerAgent: "agent",
	ownModule: "module",
	peerModule: "module",
};

/** What a machine asks its driver to do, in this order. */
export type Effect =
	/** A whole frame for the other agent. */
	| { readonly kind: "send-frame"; readonly bytes: Uint8Array }
	/** A message for the own link; each chain must have been carried to the other end before it. */
	| {
			readonly kind: "send-link";
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
			readonly chains: readonly NamedChain[];
	  }
	/** Sign with the own long-term key and come back with `signed`. Asked once. */
	| { readonly kind: "sign"; readonly content: Uint8Array }
	/** This device has authenticated its peer and formed K. */
	| { readonly kind: "bound" }
	/** The other three formed the same K. */
	| { readonly kind: "confirmed" }
	/** A message for the application, from session 1, 2, 3 or 4. */
	| {
			readonly kind: "message";
			readonly session: 1 | 2 | 3 | 4;
			readonly bytes: Uint8Array;
	  }
	/** A bundle of an untrusted list came, whole. Come back with `listDealt`; the next one waits for that. */
	| { readonly kind: "list"; readonly bundle: Uint8Array }
	/** The last effect. */
	| Ended;

/** What every machine of a tetrad is given when it is made. */
export interface MachineOptions {
	readonly device: DeviceContext;
	readonly link: LinkContext;
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** How long the establishment may take, in milliseconds. */
	readonly timeoutMs: number;
}

/** What the two kinds of confirmed device both have. */
export interface ConfirmedDevice {
	readonly transcript: Transcript;
	readonly root: RootKey;
	/** Session 3 or 4. */
	readonly local: LocalSession;
}

/** The part that all four roles share: the device, its link, how it judges the others, and what it holds once confirmed. */
export abstract class RoleMachine<
	Confirmed extends ConfirmedDevice,
> extends OldMachine<Effect> {
	abstract readonly place: Place;
	protected readonly device: DeviceContext;
	protected readonly link: LinkContext;
	#confirmed: Confirmed | undefined;
	/** Every device that was accepted for this tetrad so far. */
	readonly #met: CertifiedDevice[] = [];

	constructor({ device, link, now, timeoutMs }: MachineOptions) {
		super(now + timeoutMs);
		this.device = device;
		this.link = link;
		this.ownBytes(link.secret);
	}

	/** The signature that a `sign` effect asked for. */
	signed(signature: Uint8Array): Effect[] {
		return this.step(() => this.handshakeSigned(signature));
	}

	/**
	 * This device has got a new untrusted list. Whoever was accepted for this tetrad is judged
	 * again, whether it is confirmed or not, and one who would be refused now ends it.
	 */
	listsChanged(now: number): Effect[] {
		return this.step(() => {
			const { own, verdicts } = this.device;
			for (const device of [own, ...this.#met]) {
				const why = verdicts.whyNotTrusted(device, now);
				if (why !== undefined) throw why;
			}
		});
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` once it closes or has ended. */
	confirmed(): Confirmed {
		if (this.ended || this.isClosing)
			throw new TetradError("tetrad-closed", "this tetrad is over");
		if (this.#confirmed === undefined)
			throw new TetradError(
				"not-confirmed",
				"this tetrad is not confirmed yet; wait for all four devices",
			);
		return this.#confirmed;
	}

	/** The confirmed tetrad if there is one, also while it closes. */
	protected get held(): Confirmed | undefined {
		return this.#confirmed;
	}

	/** As `held`; throws `aborted` when there is nothing yet that could be closed in order. */
	protected heldToClose(): Confirmed {
		if (this.#confirmed === undefined)
			throw new TetradError(
				"aborted",
				"the tetrad was closed before it was confirmed",
			);
		return this.#confirmed;
	}

	protected get isClosing(): boolean {
		return false;
	}

	protected abstract handshakeLink(
		type: LinkMessageType,
		body: Uint8Array,
		now: number,
	): void;
	protected abstract handshakeSigned(signature: Uint8Array): void;

	/** Seals a message for the other device of this side, over session 3 or 4. */
	protected sendLocal(message: Uint8Array): Effect[] {
		const { local } = this.confirmed();
		demandSize(message, MAX_MODULE_MESSAGE_BYTES);
		const bytes = local.sealer.seal(CONTENT.message, message);
		return this.step(() => this.sendLink(LINK.local, bytes));
	}

	/** Opens a record of session 3 or 4. */
	protected takeLocal({ local }: ConfirmedDevice, record: Uint8Array): void {
		const content = local.opener.open(record);
		if (content.type !== CONTENT.message) throw authenticationFailed();
		const session = this.place === "A" || this.place === "X" ? 3 : 4;
		if (!this.isClosing)
			this.emit({ kind: "message", session, bytes: content.bytes });
	}

	protected sendLink(
		type: LinkMessageType,
		body: Uint8Array,
		...chains: readonly NamedChain[]
	): void {
		this.emit({ kind: "send-link", type, body, chains });
	}

	/** The establishment is over and has no deadline any more. */
	protected enterConfirmed(confirmed: Confirmed): void {
		this.#confirmed = confirmed;
		this.setDeadline(undefined);
		this.emit({ kind: "confirmed" });
	}

	/** Tells the device at the other end of the link that the tetrad is over. It is of the same owner, so it learns why. */
	protected tellLink(error?: TetradError): void {
		this.sendLink(LINK.end, endBody(error));
	}

	/**
	 * Throws unless this device stands up to its own policy at `now`. It is asked before anything
	 * is sent: whoever lacks lists about itself lacks them about others under the same root.
	 */
	protected judgeOwn(now: number): void {
		const { own, verdicts } = this.device;
		verdicts.judgeNamed(own.chainHash, own.encodedChain, own.role, now);
	}

	/** The chain that a link message named, judged for its place. Throws `malformed` when it was never carried. */
	protected judgeFromLink(
		hash: Uint8Array,
		as: SeenPlace,
		now: number,
	): CertifiedDevice {
		const chain = this.link.chain(hash);
		if (chain === undefined)
			throw new TetradError(
				"malformed",
				"a link message names a chain that the link has not carried",
			);
		const { verdicts } = this.device;
		return this.#demanded(
			verdicts.judgeNamed(hash, chain, ROLE_OF[as], now),
			as,
		);
	}

	/** A chain that the peer itself showed, judged for its place. */
	protected judge(
		chain: Uint8Array,
		as: SeenPlace,
		now: number,
	): CertifiedDevice {
		const { verdicts } = this.device;
		return this.#demanded(verdicts.judge(chain, ROLE_OF[as], now), as);
	}

	/** Throws `chain-refused` unless `device` is the one that this device is paired with. */
	protected demandPaired(device: CertifiedDevice): void {
		if (!sameBytes(device.deviceId, this.link.peerDeviceId))
			throw new TetradError(
				"chain-refused",
				`the link presented ${device.name}, which is not the ${device.role} that this device is paired with`,
			);
	}

	#demanded(device: CertifiedDevice, as: SeenPlace): CertifiedDevice {
		requireDemand(device, as, this.device.policy.demands);
		this.#met.push(device);
		return device;
	}

	protected readonly log = (label: string, secret: Uint8Array): void => {
		this.device.unsafeKeylog?.(label, secret);
	};
}

/** The body of a link message that ends a tetrad: in order, or with an error and its sentence for the owner. */
export function endBody(error?: TetradError): Uint8Array {
	return END.encode({
		code: error?.code ?? "",
		reason: textWithin(error?.message ?? "", MAX_REASON_BYTES),
	});
}

/** What the other end of the link said when it ended the tetrad, as our own outcome. */
export function errorFromEnd(body: Uint8Array): TetradError | undefined {
	const { code, reason } = END.decode(body);
	if (code === "") return undefined;
	const known: ErrorCode = isForwarded(code) ? code : "refused-by-peer";
	return new TetradError(
		known,
		`the other device of this side stopped: ${reason}`,
	);
}

/** Outcomes that mean the same to the agent as to its module. Anything else is only "refused". */
const FORWARDED = [
	"authentication-failed",
	"chain-refused",
	"untrusted",
	"recertification-due",
	"list-refused",
	"list-stale",
	"clock-wrong",
	"negotiation-failed",
	"timed-out",
	"carrier-failed",
	"truncated",
	"refused-by-peer",
	"aborted",
	"key-store-failed",
] as const satisfies readonly ErrorCode[];

function isForwarded(name: string): name is (typeof FORWARDED)[number] {
	return (FORWARDED as readonly string[]).includes(name);
}

/** Throws `chain-refused` when the two devices that must differ are one. */
export function demandTwo(a: CertifiedDevice, b: CertifiedDevice): void {
	if (sameBytes(a.deviceId, b.deviceId))
		throw new TetradError(
			"chain-refused",
			`both sides present the same ${a.role}, ${a.name}`,
		);
	if (a.algorithm === b.algorithm && sameBytes(a.publicKey, b.publicKey))
		throw new TetradError(
			"chain-refused",
			`both sides present the same key under two names, ${a.name} and ${b.name} (${hex(a.certificateId).slice(0, 16)})`,
		);
}
