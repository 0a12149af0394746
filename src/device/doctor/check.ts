import type { Address } from "../../carrier/index.ts";
import type { DeviceRole } from "../../identity/index.ts";
import type { Providing } from "../../provider/index.ts";
import type { Side } from "../side/index.ts";

/** What a check has found: that all is well, what its owner may want to know, or what is wrong. */
export type Finding =
	| { readonly kind: "fine"; readonly what: string }
	| {
			readonly kind: "note" | "wrong";
			readonly what: string;
			/** What to do about it, where `what` does not say so. */
			readonly todo?: string;
	  };

/** The machine under a side, as checks see it. */
export interface Machine {
	/** In milliseconds since the epoch. */
	now(): number;
	readonly node: string;
	/** The provider of cryptography. Throws `invalid-argument` where the one that was asked for cannot be had. */
	providing(): Providing;
	/** Whether the processor has instructions for AES, as far as can be known. */
	hasAes(): boolean;
	/** What is left to write on the disk that has this folder. */
	freeBytes(folder: string): Promise<bigint>;
	/** Whether somebody listens there. */
	isReached(address: Address): Promise<boolean>;
	/** The process that has a home, if one has; of several the first. */
	holder(home: string): Promise<number | undefined>;
	/** All that have it, with their numbers where they are several. */
	holders(
		home: string,
	): Promise<readonly { readonly process: number; readonly number?: number }[]>;
}

/** One device of those that are looked at. */
export interface DeviceAt {
	readonly role: DeviceRole;
	readonly home: string;
}

/** What is looked at: a side, or one device alone. */
export interface Patient {
	readonly side: Side | undefined;
	readonly devices: readonly DeviceAt[];
	readonly machine: Machine;
	/** Which of several modules of the side is looked at, where it is not the first. */
	readonly moduleNumber?: number;
}

/** One thing that is looked after. What does not concern a patient finds nothing; what it throws is wrong. */
export interface Check {
	readonly name: string;
	/** Whether it also looks at each further module of a side, alone or beside the agent. */
	readonly ofModule?: "alone" | "with-agent";
	look(patient: Patient): Promise<readonly Finding[]>;
}

export const fine = (what: string): Finding => ({ kind: "fine", what });

export const note = (what: string, todo?: string): Finding => ({
	kind: "note",
	what,
	...(todo === undefined ? {} : { todo }),
});

export const wrong = (what: string, todo?: string): Finding => ({
	kind: "wrong",
	what,
	...(todo === undefined ? {} : { todo }),
});
