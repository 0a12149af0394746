import type { ErrorCode, TetradError } from "../../errors.ts";
import { type Kind, Steps } from "../../machine/index.ts";
import {
	LINK,
	type LinkMessageType,
	type SignatureRole,
} from "../../wire/index.ts";
import type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
import type { Place } from "../parameters.ts";
import { type Resumable, ResumptionToken } from "../resumption-token.ts";
import { Signing } from "../signing.ts";
import { Judge } from "./judge.ts";
import { endBody } from "./link-end.ts";
import type { MachineOptions, ModuleEffect } from "./role.ts";

/** What every role is composed with: the device, its link, how it judges the others, and its steps. */
export class RoleParts<Effect extends Kind = never> {
	readonly place: Place;
	readonly device: DeviceContext;
	readonly link: LinkContext;
	readonly judge: Judge;
	readonly steps: Steps<Effect | ModuleEffect>;
	readonly signing: Signing = new Signing();
	/** What names the token of this tetrad. */
	#tokenId: Uint8Array | undefined;

	/** `failing` tells the other devices what they must hear about a failure. */
	constructor(
		place: Place,
		{ device, link, now, timeoutMs }: MachineOptions,
		failing: (error: TetradError) => void,
	) {
		this.place = place;
		this.device = device;
		this.link = link;
		this.judge = new Judge(device, link);
		this.steps = new Steps(now + timeoutMs, (error) => {
			if (this.#tokenId !== undefined && isDistrusted(error))
				device.tokens?.forget(place, this.#tokenId);
			failing(error);
		});
		this.steps.ownBytes(link.secret);
	}

	/** Asks for a signature of this device in `role` over the fields of that role. */
	sign(role: SignatureRole, ...fields: readonly Uint8Array[]): void {
		this.steps.emit(this.signing.ask(role, ...fields));
	}

	sendLink(
		type: LinkMessageType,
		body: Uint8Array,
		...chains: readonly NamedChain[]
	): void {
		this.steps.emit({ kind: "send-link", type, body, chains });
	}

	/** Tells the device at the other end of the link that the tetrad is over. It is of the same owner, so it learns why. */
	tellLink(error?: TetradError): void {
		this.sendLink(LINK.end, endBody(error));
	}

	/** Keeps the token of a tetrad that was confirmed at `now`, if this device keeps any. */
	keepToken(
		tetrad: Resumable & { readonly signedAt?: number },
		now: number,
		address?: string,
	): void {
		const { tokens } = this.device;
		// A finds one by where it calls, and by nothing else.
		if (tokens === undefined || (this.place === "A" && address === undefined))
			return;
		const { signedAt = now } = tetrad;
		const token = ResumptionToken.of(tetrad, this.place, signedAt, address);
		if (token === undefined) return;
		this.#tokenId = token.id;
		this.log("TOKEN", token.secret);
		tokens.keep(token);
	}

	readonly log = (label: string, secret: Uint8Array): void => {
		this.device.unsafeKeylog?.(label, secret);
	};
}

/** What may end a tetrad of which nobody has to think ill: a cut wire, an owner who gave up. */
const NO_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
	"aborted",
	"carrier-failed",
	"timed-out",
	"truncated",
]);

/** Whether a tetrad that ended so is not to be resumed. */
function isDistrusted({ code }: TetradError): boolean {
	return !NO_FAULT.has(code);
}
