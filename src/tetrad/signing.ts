import {
	Pending,
	type SignEffect,
	type SignedEvent,
	unexpected,
} from "../machine/index.ts";
import { type SignatureRole, signedBytes } from "../wire/index.ts";

/** The signatures that a machine asks for and goes on without. */
export class Signing {
	/** What is waited for, by what each signature is for. */
	readonly pending: Pending<SignatureRole> = new Pending<SignatureRole>();

	/** Asks for a signature of this device in `role` over the fields of that role. */
	ask(role: SignatureRole, ...fields: readonly Uint8Array[]): SignEffect {
		const id = this.pending.add(role);
		return { kind: "sign", id, content: signedBytes(role, ...fields) };
	}

	/** The signature that came. Throws why there is none, and `unexpected-message` for one that is not waited for. */
	take(event: SignedEvent): Uint8Array {
		if (!this.pending.all.has(event.id)) throw unexpected("a signature");
		this.pending.take(event.id);
		if (event.kind === "not-signed") throw event.error;
		return event.signature;
	}
}
