/* What must hold in every simulated world, whatever goes wrong in it. */
import type { TetradError } from "../../src/errors.ts";
import type { Write } from "../../src/machine/index.ts";
import type { MintChange, MintRequest } from "../../src/mint/index.ts";
import type { Output } from "../../src/money/cashu/index.ts";
import type { IssuerReport, PurseReport } from "../../src/money/index.ts";
import type { ItemDescription } from "../../src/trade/documents/index.ts";
import type { SealWatcher } from "../crypto.ts";
import type { Device } from "../device.ts";
import type { IssuerSide } from "../issuer-side.ts";
import type { SimulatedMint } from "../mint.ts";
import type { OwnerWord } from "../owner.ts";
import type { Side } from "../side.ts";
import type { Tetrad } from "../tetrad.ts";
import type { World } from "../world.ts";

/** One thing that must hold. It looks at what it asks for, and says when it does not. */
export interface Invariant {
	/** Somebody's account was credited before the work began. */
	credited?(issuer: IssuerSide, side: Side, amount: bigint): void;
	/** These rows are durable from now on. */
	durable?(device: Device, writes: readonly Write[]): void;
	/** A device says that to its agent or module, or to the other of its kind, in that tetrad. */
	said?(
		device: Device,
		to: "agent" | "module",
		bytes: Uint8Array,
		tetrad: Tetrad,
	): void;
	/** That has come to a module, from the module at the other end of the tetrad. */
	taken?(device: Device, bytes: Uint8Array, tetrad: Tetrad): void;
	/** A device goes by that time, and remembers to have gone by another one. */
	clockBelieved?(device: Device, now: number, before: number | undefined): void;
	/** A device signs that. */
	signed?(device: Device, content: Uint8Array): void;
	/** A frame is on its way. */
	sent?(from: string, to: string, bytes: Uint8Array): void;
	sealed?: SealWatcher;
	confirmed?(device: Device, tetrad: Tetrad): void;
	reported?(side: Side, report: PurseReport): void;
	issuerReported?(issuer: IssuerSide, report: IssuerReport): void;
	/** An owner has signed that, and its module, which runs, is handed it. */
	ownerSaid?(side: Side, word: OwnerWord): void;
	/** A merchant's agent has made what that contract is for, and has all of it. */
	made?(side: Side, contractId: Uint8Array, item: ItemDescription): void;
	/** Somebody was told why something was not done. */
	heard?(who: string, error: TetradError): void;
	/** A device asks a mint that. */
	asked?(device: Device, mint: SimulatedMint, request: MintRequest): void;
	/** A mint has that on its disk from now on. */
	mintKept?(mint: SimulatedMint, changes: readonly MintChange[]): void;
	/** A mint has signed these for somebody outside of this world, who gives them to an owner in it. */
	minted?(mint: SimulatedMint, outputs: readonly Output[]): void;
	/** Something has happened, after which something was durable. */
	stepped?(): void;
	/** Everything went well for a while. */
	rested?(): void;
}

export type MakeInvariant = (
	world: World,
	fail: (what: string) => void,
) => Invariant;
