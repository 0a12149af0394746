import { contractOf, type Module, Town, type TownOptions } from "./town.ts";

export interface Two {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
	readonly tetrad: number;
}

/** Ann has notes of these values, and meets Bob. */
export async function two(
	values: readonly bigint[] = [1000n],
	options: TownOptions = {},
): Promise<Two> {
	const town = await Town.make(options);
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, ...values);
	return { town, mint, ann, bob, tetrad: await town.meet(ann, bob) };
}

/** Both agents agree on it, and everything that follows happens. */
export async function pay(
	{ town, mint, ann, bob, tetrad }: Two,
	contract: number,
	amount: bigint,
): Promise<void> {
	town.expect(bob, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
}
