import {
	type NoiseSetup,
	Session,
	type SessionEnd,
	type SessionSecrets,
	type Suite,
} from "../session/index.ts";
import { enc, malformed, utf8 } from "../wire/index.ts";
import type { DeviceContext } from "./context.ts";
import type { Offer, ResumingOffer } from "./offer.ts";
import { PROTOCOL_VERSION } from "./parameters.ts";
import type { ResumptionToken } from "./resumption-token.ts";

const OUTER = utf8("tetrad/1 s1");
const INNER = utf8("tetrad/1 s2");
const RESUMED_OUTER = utf8("tetrad/1 r1");
const RESUMED_INNER = utf8("tetrad/1 r2");

/** Session 1: the raw offer is in the prologue, so both ends have the same one or none. */
export function outerSetup(device: DeviceContext, offer: Offer): NoiseSetup {
	return {
		...keylogFor(device, "S1"),
		protocol: offer.selected.protocol,
		prologue: enc(OUTER, offer.raw),
	};
}

/** Session 2 uses the suite of session 1. */
export function innerSetup(device: DeviceContext, suite: Suite): NoiseSetup {
	return {
		...keylogFor(device, "S2"),
		protocol: suite.protocol,
		prologue: enc(
			INNER,
			Uint8Array.of(PROTOCOL_VERSION),
			Uint8Array.of(suite.id),
		),
	};
}

/** Session 1 of a resumption: under the agents' token, and bound to the tetrad that it comes from. */
export function resumedOuterSetup(
	device: DeviceContext,
	offer: ResumingOffer,
	token: ResumptionToken,
): NoiseSetup {
	return {
		...keylogFor(device, "S1"),
		protocol: token.suite.resumption,
		prologue: enc(RESUMED_OUTER, offer.raw, token.transcript),
		psk: token.secret,
	};
}

/** Session 2 of a resumption: under the modules' token of the same tetrad, and bound to both. */
export function resumedInnerSetup(
	device: DeviceContext,
	token: ResumptionToken,
): NoiseSetup {
	return {
		...keylogFor(device, "S2"),
		protocol: token.suite.resumption,
		prologue: enc(
			RESUMED_INNER,
			Uint8Array.of(PROTOCOL_VERSION),
			Uint8Array.of(token.suite.id),
			token.id,
			token.transcript,
		),
		psk: token.secret,
	};
}

function keylogFor(
	{ unsafeKeylog }: DeviceContext,
	label: "S1" | "S2",
): Pick<NoiseSetup, "unsafeKeylog"> {
	return unsafeKeylog === undefined
		? {}
		: { unsafeKeylog: (key) => unsafeKeylog(`${label}_HANDSHAKE`, key) };
}

/** A session from its secrets, with the keys in the keylog where one is kept. */
export function openSession(
	device: DeviceContext,
	secrets: SessionSecrets,
	end: SessionEnd,
	label: "S1" | "S2" | "LINK" | "PAIR",
): Session {
	device.unsafeKeylog?.(`${label}_INITIATOR`, secrets.initiatorKey);
	device.unsafeKeylog?.(`${label}_RESPONDER`, secrets.responderKey);
	return new Session(device.crypto, secrets, end);
}

/** A close says nothing more (docs/protocol.md, Closing). Throws `malformed` for one that does. */
export function demandEmptyClose([bytes]: readonly Uint8Array[]): void {
	if (bytes === undefined || bytes.length > 0)
		throw malformed("a close has content");
}
