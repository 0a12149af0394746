/*
 * The worst moment of a purchase: the buyer's module has given the money away, the merchant's has
 * it, and the answer with the key is not out. Nothing in the devices helps to meet it: taps hold
 * back what modules say until their own disks show that it has come.
 */
import { isThere } from "../../device/home/index.ts";
import { stateOf } from "../../device/process/index.ts";
import { viewPurchase } from "../../device/trade/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import { NAMES } from "./names.ts";
import type { Process } from "./scene.ts";
import type { SaleMoney } from "./teller.ts";
import type { Verdict, Wiretap } from "./wiretap.ts";

/** Who is killed: the merchant's module, the issuer's, the buyer's agent, or nobody. */
export type Victim = "module" | "issuer" | "agent" | "none";

/** Who was killed, and how. */
export interface Kill {
	readonly what: Exclude<Victim, "none">;
	/** Of the device. */
	readonly name: string;
	readonly pid: number;
	/** What the process died of, as the system says. */
	readonly signal: string | null;
	/** By the clock of this machine, in UTC. */
	readonly at: string;
}

/** What each had and knew at that moment, read off its disk. Amounts are decimals. */
export interface Doubt {
	readonly killed: Kill | undefined;
	/** What X has given away without an answer, and what it can still spend. */
	readonly buyer: { readonly inDoubt: string; readonly spendable: string };
	/** What Y has taken and not deposited; or of ecash, what it has claimed. */
	readonly merchant:
		| { readonly toDeposit: string }
		| { readonly claimed: string };
	/** How far A's purchase was by its own book, and until when that can last, in UTC. */
	readonly agent: { readonly state: string; readonly until: string };
	/** Whether A had the file under its name. */
	readonly hasGoods: boolean;
	/** Whether the issuer's books had the sale; `undefined` when it was the one that was killed, and of a mint, which has none. */
	readonly isBooked: boolean | undefined;
}

interface Watched {
	readonly teller: SaleMoney;
	readonly kill: Victim;
	readonly onLinkOfA: Wiretap;
	readonly onLinkOfB: Wiretap;
	readonly A: Process;
	readonly Y: Process;
	/** Of A. */
	readonly home: string;
	/** Where the goods appear. */
	readonly target: string;
	/** In hexadecimal, as soon as the buyer's agent has it. */
	readonly contract: Promise<string>;
	/** Told when a module's disk shows it, and before anybody else can know. */
	readonly mark: (moment: "commit" | "accept" | "killed") => void;
}

/** Resolves when the moment has come, somebody was killed or not, and what there is to see was looked at. */
export function awaitDoubt(watched: Watched): Promise<Doubt> {
	const { teller, kill, onLinkOfA, onLinkOfB, A, contract, mark } = watched;
	const { promise, resolve, reject } = Promise.withResolvers<Doubt>();
	let step: "paying" | "committed" | "over" = "paying";
	/** What cannot be looked at is told of, and ends the purchase. */
	const holding = (from: "X" | "Y", gate: () => Promise<Verdict>) =>
		(from === "X" ? onLinkOfA : onLinkOfB).hold(from, () =>
			gate().catch((thrown: unknown) => {
				reject(thrown);
				return "cut";
			}),
		);
	holding("X", async () => {
		if (step === "paying" && (await purseOf(teller, "X")).inDoubt > 0n) {
			await contract;
			step = "committed";
			mark("commit");
		}
		return "pass";
	});
	holding("Y", async () => {
		if (step !== "committed") return "pass";
		if (!(await teller.hasTaken("Y", await contract))) return "pass";
		step = "over";
		mark("accept");
		const killed = await strike(watched);
		if (killed !== undefined) mark("killed");
		resolve(await look(watched, killed));
		return kill === "module" ? "cut" : "pass";
	});
	void A.exited.then(() => {
		if (step !== "over")
			reject(
				new TetradError(
					"carrier-failed",
					`${A.name} paid nothing: ${A.errors}`,
				),
			);
	});
	return promise;
}

async function strike({
	kill,
	teller,
	A,
	Y,
}: Watched): Promise<Kill | undefined> {
	const end = async (
		what: Kill["what"],
		name: string,
		process: Pick<Process, "pid" | "kill">,
	) => {
		const { pid } = process;
		const signal = await process.kill();
		return { what, name, pid, signal, at: new Date().toISOString() };
	};
	switch (kill) {
		case "module":
			return end(kill, NAMES.Y, Y);
		case "issuer":
			return end(kill, teller.maker.name, teller.maker);
		case "agent":
			return end(kill, NAMES.A, A);
		case "none":
			return undefined;
		default:
			return unreachable(kill);
	}
}

async function look(
	{ teller, home, target, contract, kill }: Watched,
	killed: Kill | undefined,
): Promise<Doubt> {
	const buyer = await purseOf(teller, "X");
	const merchant = teller.text(await takenAt(teller, "Y"));
	const purchase = await viewPurchase(home, await contract);
	return {
		killed,
		buyer: {
			inDoubt: teller.text(buyer.inDoubt),
			spendable: teller.text(buyer.spendable),
		},
		merchant:
			teller.rail === "cashu" ? { claimed: merchant } : { toDeposit: merchant },
		agent: {
			state: stateOf(purchase.row),
			until: new Date(purchase.contract.bookBy).toISOString(),
		},
		hasGoods: await isThere(target),
		isBooked:
			kill === "issuer" ? undefined : await teller.hasBooked(await contract),
	};
}

async function purseOf(teller: SaleMoney, place: "X" | "Y") {
	const { inDoubt = 0n, spendable = 0n } = (await teller.purse(place)) ?? {};
	return { inDoubt, spendable };
}

async function takenAt(teller: SaleMoney, place: "X" | "Y"): Promise<bigint> {
	const balance = await teller.purse(place);
	return balance === undefined ? 0n : teller.taken(balance);
}

/** What the merchant's module had taken by then. */
export function takenBy({ merchant }: Doubt): string {
	return "claimed" in merchant ? merchant.claimed : merchant.toDeposit;
}
