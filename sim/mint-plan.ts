/* What a plan has of mints: how many, how one gets to them, and what happens to them. */
import type { MintFault } from "../src/mint/index.ts";
import type { Tail } from "./disk.ts";

/** How questions to mints and their answers travel; probabilities are of each question. */
export interface MintConditions {
	/** Milliseconds each way, at least and at most. */
	readonly delay: readonly [number, number];
	/** It never comes there; who asked hears of it when the connection breaks, or when its patience is over. */
	readonly losesQuestion: number;
	/** The mint has done what it was asked, and its answer never comes. */
	readonly losesAnswer: number;
	/** It comes there twice, as whatever stands between may send it again. */
	readonly doubles: number;
	/** It comes there when nobody waits for the answer any more, up to half an hour later. */
	readonly isLate: number;
}

export const QUIET_MINTS: MintConditions = {
	delay: [1, 1],
	losesQuestion: 0,
	losesAnswer: 0,
	doubles: 0,
	isLate: 0,
};

/** What merchants sell for, in their order: the notes of issuers, the ecash of mints, or some things for one and some for the other. */
export type SellsFor = "notes" | "ecash" | "both";

/** The mints of a world. */
export interface MintPlan {
	readonly count: number;
	/** Thousandths of a unit for each proof that is spent. */
	readonly inputFeePpk: number;
	/** So much is put into the purse of each buyer, in tokens of each mint. */
	readonly tokens: readonly number[];
	/** By merchant, again and again. */
	readonly sellsFor: readonly SellsFor[];
	/** How long what is locked can be claimed alone by merchants that sell for nothing else, in milliseconds; the others give as long as they may, since notes are to be booked by then. */
	readonly lockedMs: number;
	readonly network: MintConditions;
	/** They have paid an invoice by the time that they answer; unless given they are paying it for a while, and may fail. */
	readonly areFast?: boolean;
}

/** Whose invoice an owner has a mint pay. */
export type InvoiceOf =
	/** Somebody's who is not in this world. */
	| "outside"
	/** The last of an owner who wants new ecash: its own, or another one's. */
	| "self"
	| "another"
	/** That it had one paid before, which may be paid, or under way. */
	| "again";

/** Something that shall happen to mints, or to what purses have of them. */
export type MintStep =
	| {
			readonly kind: "mint-fault";
			readonly mint: number;
			readonly fault: MintFault;
	  }
	/** It is honest again, and nothing is wrong with it. */
	| { readonly kind: "mint-clear"; readonly mint: number }
	| {
			readonly kind: "mint-down";
			readonly mint: number;
			readonly forMs: number;
	  }
	/** Dies at its `point`th place from then on. */
	| {
			readonly kind: "mint-crash";
			readonly mint: number;
			readonly point: number;
			readonly tail?: Tail;
			readonly downMs: number;
	  }
	| {
			readonly kind: "mint-clock";
			readonly mint: number;
			readonly aheadMs: number;
	  }
	/** New keys, and from then on another fee, if there is one. */
	| {
			readonly kind: "rotate";
			readonly mint: number;
			readonly inputFeePpk?: number;
	  }
	/** The owner of a side puts a token into its purse; when it is shared, somebody else's owner has put the same one into theirs. */
	| {
			readonly kind: "receive";
			readonly side: string;
			readonly mint: number;
			readonly amount: number;
			readonly sharedWith?: string;
			/** Its ecash is locked to somebody else. */
			readonly isLocked?: boolean;
	  }
	/** The owner names these mints, and no others. */
	| {
			readonly kind: "name-mints";
			readonly side: string;
			readonly mints: readonly number[];
	  }
	/** The owner of a side has a token made, and gives it away so long after it has it: to the owner of another side, or to somebody who is not in this world, who may redeem a part of it. To nobody unless given. */
	| {
			readonly kind: "send-ecash";
			readonly side: string;
			readonly mint: number;
			readonly amount: number;
			readonly to?: string;
			readonly isPart?: boolean;
			readonly afterMs: number;
	  }
	/** It takes one back that it has sent, whatever has become of that. */
	| { readonly kind: "take-ecash-back"; readonly side: string }
	/** It has new ecash made for an invoice, which somebody pays so long after; what is paid is on its way for a while. Forgotten unless given. */
	| {
			readonly kind: "mint-ecash";
			readonly side: string;
			readonly mint: number;
			readonly amount: number;
			readonly paidAfterMs?: number;
			readonly onItsWayMs: number;
	  }
	/** It has an invoice paid, which succeeds or fails so long after: at the first try, at the second, and so on, the last one again and again. */
	| {
			readonly kind: "melt-ecash";
			readonly side: string;
			readonly mint: number;
			readonly of: InvoiceOf;
			/** Of an invoice from outside. */
			readonly amount: number;
			readonly maxFee: number;
			readonly tries: readonly boolean[];
			readonly afterMs: number;
	  }
	/** It asks a mint for all that follows from its seed. */
	| {
			readonly kind: "restore-ecash";
			readonly side: string;
			readonly mint: number;
	  }
	/** It hands in again what it has handed in before. */
	| { readonly kind: "order-ecash-again"; readonly side: string }
	/** Of the questions that a device asks from then on, that one is lost, or its answer. */
	| {
			readonly kind: "lose-question";
			readonly device: string;
			readonly question: number;
			readonly isAnswer: boolean;
			/** Whoever asked hears of it at once; unless given, it waits as long as it has patience. */
			readonly breaks?: boolean;
	  };

const MINT_STEPS: ReadonlySet<string> = new Set<MintStep["kind"]>([
	"mint-fault",
	"mint-clear",
	"mint-down",
	"mint-crash",
	"mint-clock",
	"rotate",
	"receive",
	"name-mints",
	"send-ecash",
	"take-ecash-back",
	"mint-ecash",
	"melt-ecash",
	"restore-ecash",
	"order-ecash-again",
	"lose-question",
]);

export function isMintStep<Step extends { readonly kind: string }>(
	step: Step,
): step is Extract<Step, MintStep> {
	return MINT_STEPS.has(step.kind);
}

/** What an owner has done with ecash, beside purchases. */
export type OwnersStep = Extract<
	MintStep,
	{ readonly kind: `${string}-ecash${string}` }
>;

export function isOwnersStep(step: MintStep): step is OwnersStep {
	return step.kind.includes("-ecash");
}
