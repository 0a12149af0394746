import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";
import { message, WITH_AGENT } from "./messages.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import type { ReceiptRow } from "./purse-tables.ts";

/** What other parts of the purse have to hear. */
export interface SettlingPort {
	readonly booked: (row: ReceiptRow) => void;
	readonly lapsed: (contracts: readonly Uint8Array[]) => void;
}

export class Settling {
	readonly #core: PurseCore;

	constructor(core: PurseCore, _port: SettlingPort) {
		this.#core = core;
	}

	readonly deadline: number | undefined = undefined;

	order(_document: Uint8Array): void {}
	giveBack(_request: Uint8Array, _issuer: Uint8Array): void {}
	closed(_tetrad: number): void {}
	time(): void {}

	hear(_meeting: OpenMeeting, _bytes: Uint8Array): void {
		throw new TetradError("unexpected-message", "not yet");
	}

	settle({ tetrad }: OpenMeeting, _bytes: Uint8Array): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.settled, {
				code: utf8("issuer-refused"),
				reason: new Uint8Array(),
			}),
		);
	}
}
