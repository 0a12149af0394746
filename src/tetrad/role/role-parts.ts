import type { TetradError } from "../../errors.ts";
import { type Kind, Steps } from "../../machine/index.ts";
import {
	LINK,
	type LinkMessageType,
	type SignatureRole,
} from "../../wire/index.ts";
import type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
import type { Place } from "../parameters.ts";
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
		this.steps = new Steps(now + timeoutMs, failing);
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

	readonly log = (label: string, secret: Uint8Array): void => {
		this.device.unsafeKeylog?.(label, secret);
	};
}
