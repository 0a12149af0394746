import { isLocked } from "../../src/money/purse/ecash/swap-run.ts";
import { hex } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { SimulatedMint } from "../mint.ts";
import { type EcashRow, ecashRow, openCoins, Swaps } from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isAskedLate, isCostly } from "./mint-sins.ts";
import { needsPerson } from "./needs-person.ts";

/** What is known of one proof of a mint. */
interface Coin {
	readonly point: string;
	readonly amount: bigint;
	/** As its mint signed it, if it did. */
	blinded: string | undefined;
	/** So many rows say that it is theirs, or that they may have it. */
	rows: number;
	/** The modules whose purses can spend it, and how often. */
	readonly holders: Map<Device, number>;
	/** In rows of tokens that are out. */
	out: number;
	/** Who has made the output, without a lock on it. */
	maker: Device | undefined;
	/** Its mint was asked for it by nobody of this world. */
	isOfOthers: boolean;
}

/**
 * All that a mint owes is somebody's, and once: each proof that it has signed and not taken back is
 * in a purse, in a lock, or in a swap of which it is not known what became; what a purse can spend
 * was signed, was not spent, and is in no other purse. A purse that was put back has what it had then.
 */
export const ecashCoins: MakeInvariant = (world, fail) => {
	const swaps = new Swaps(world);
	const coins = new Map<SimulatedMint, Map<string, Coin>>();
	const byBlinded = new Map<string, Coin>();
	const changed = new Map<Coin, SimulatedMint>();
	const coinOf = (mint: SimulatedMint, point: string, amount: bigint): Coin => {
		const known = coins.get(mint) ?? new Map<string, Coin>();
		coins.set(mint, known);
		const coin: Coin = known.get(point) ?? {
			...{ point, amount, blinded: undefined, isOfOthers: false },
			...{ rows: 0, holders: new Map(), out: 0, maker: undefined },
		};
		known.set(point, coin);
		changed.set(coin, mint);
		return coin;
	};
	const count = (device: Device, found: EcashRow, sign: 1 | -1) => {
		const mint = world.mints.of(found.row.mint);
		if (mint === undefined) return;
		const { inputs, outputs } = openCoins(swaps, device, found);
		const points = new Set<string>();
		for (const input of inputs) {
			const point = swaps.pointOf(input);
			if (points.has(point)) continue;
			points.add(point);
			const coin = coinOf(mint, point, input.amount);
			coin.rows += sign;
			if (found.kind === "ordered" && found.row.state === "sent")
				coin.out += sign;
			if (found.kind !== "proof") continue;
			const held = (coin.holders.get(device) ?? 0) + sign;
			if (held > 0) coin.holders.set(device, held);
			else coin.holders.delete(device);
		}
		for (const { secret, amount, blinded } of outputs) {
			const point = swaps.pointOf({ secret });
			if (points.has(point)) continue;
			points.add(point);
			const coin = coinOf(mint, point, amount);
			if (!isLocked({ secret })) coin.maker = device;
			coin.blinded = hex(blinded);
			byBlinded.set(`${mint.name} ${coin.blinded}`, coin);
			coin.rows += sign;
		}
	};
	/** What its mint would give for it: the amount that it was signed for, which of change only the mint knows. */
	const owedFor = (mint: SimulatedMint, { blinded, point }: Coin): bigint => {
		const signed = mint.kept.signatures.get(blinded ?? "");
		const isSpent = mint.kept.proofs.get(point)?.state === "SPENT";
		return signed === undefined || isSpent ? 0n : BigInt(signed.amount);
	};
	/** Whoever was put back, and has restored since, has all of its own that is unspent. */
	const requireRestored = (
		mint: SimulatedMint,
		known: ReadonlyMap<string, Coin>,
	) => {
		if (isCostly(mint) || isAskedLate(world)) return;
		for (const coin of known.values()) {
			const side = coin.maker && world.sideOf(coin.maker);
			if (side?.wasRestored !== true || !side.ecash.hasRestored(mint)) continue;
			if (coin.rows === 0 && owedFor(mint, coin) > 0n)
				fail(
					`${side.name} has restored at ${mint.name}, and ${coin.point.slice(2, 10)} is nobody's`,
				);
		}
	};
	/** In how many purses that know what they have. */
	const holdersOf = ({ holders }: Coin): number =>
		[...holders]
			.filter(([device]) => world.sideOf(device)?.wasRestored !== true)
			.reduce((sum, [, count]) => sum + count, 0);
	for (const { module } of world.mints.all.length === 0 ? [] : world.sides)
		module.disk.watchers.push((table, before, after) => {
			const device = module as unknown as Device;
			for (const [row, sign] of [
				[before, -1],
				[after, 1],
			] as const) {
				const found = row && ecashRow(table, row);
				if (found !== undefined) count(device, found, sign);
			}
		});
	return {
		minted(mint, outputs) {
			for (const { secret, amount, blinded } of outputs) {
				const coin = coinOf(mint, swaps.pointOf({ secret }), amount);
				coin.blinded = hex(blinded);
				coin.isOfOthers = true;
				byBlinded.set(`${mint.name} ${coin.blinded}`, coin);
			}
		},
		mintKept(mint, changes) {
			for (const { table, key } of changes) {
				if (table === "proofs") {
					const coin = coins.get(mint)?.get(key);
					if (coin !== undefined) changed.set(coin, mint);
				}
				if (table !== "signatures") continue;
				const coin = byBlinded.get(`${mint.name} ${key}`);
				if (coin === undefined)
					fail(`${mint.name} has signed what nobody has written down`);
				else changed.set(coin, mint);
			}
		},
		stepped() {
			for (const [coin, mint] of changed) {
				const { point, blinded, rows, isOfOthers } = coin;
				if (isCostly(mint)) continue;
				const spendable = holdersOf(coin);
				const isSigned =
					blinded !== undefined && mint.kept.signatures.has(blinded);
				const isSpent = mint.kept.proofs.get(point)?.state === "SPENT";
				const short = point.slice(2, 10);
				if (spendable > 0 && !isSigned)
					fail(`a purse can spend ${short}, which ${mint.name} never signed`);
				if (spendable > 0 && isSpent)
					fail(`a purse can spend ${short}, which is spent at ${mint.name}`);
				if (spendable > 1)
					fail(`${short} of ${mint.name} can be spent by two purses`);
				const isLost = isSigned && !isSpent && rows === 0 && !isOfOthers;
				// What a purse that was put back has had since, it may not know of.
				if (isLost && !world.wasPutBack)
					fail(`${mint.name} owes for ${short}, and nobody has it`);
			}
			changed.clear();
		},
		/** In the end nothing is in a lock or in doubt any more, and what all purses can spend is what all mints owe. A purse that does not start waits with what it has begun. */
		rested() {
			for (const [mint, known] of coins) requireRestored(mint, known);
			if (world.wasPutBack) return;
			const isWaiting = world.sides.some(
				(side) => !side.module.isUp && needsPerson(side) !== undefined,
			);
			for (const [mint, known] of coins) {
				if (isCostly(mint)) continue;
				let [owed, had] = [0n, 0n];
				for (const coin of known.values()) {
					const amount = owedFor(mint, coin);
					const isHad =
						coin.holders.size > 0 ||
						coin.out > 0 ||
						(isWaiting && coin.rows > 0);
					if (isHad) had += amount;
					if (isHad || !coin.isOfOthers) owed += amount;
				}
				if (had !== owed)
					fail(`${mint.name} owes ${owed}, and the purses have ${had} of it`);
			}
		},
	};
};
