import { TetradError } from "../../errors.ts";

/**
 * So much ecash of a play mint that runs, in `sat`, as a stock wallet of `@cashu/cashu-ts` gets it:
 * the invoice is paid because it is asked about. A token, for whoever is to have it. Throws
 * `carrier-failed` where the mint does not answer as one.
 */
export async function playMoney(url: string, amount: number): Promise<string> {
	// Nobody else needs a wallet, which takes a moment to load.
	const { getEncodedToken, Wallet } = await import("@cashu/cashu-ts");
	const unit = "sat";
	try {
		const wallet = new Wallet(url, { unit });
		await wallet.loadMint();
		const quote = await wallet.createMintQuoteBolt11(amount);
		await wallet.checkMintQuoteBolt11(quote.quote);
		const proofs = await wallet.mintProofsBolt11(amount, quote);
		return getEncodedToken({ mint: url, unit, proofs });
	} catch (cause) {
		throw new TetradError(
			"carrier-failed",
			`the play mint at ${url} gives out no money`,
			{ cause },
		);
	}
}

/** Which of these proofs a mint still takes; `id` is of their keyset, in hexadecimal. */
export async function unspentAt(
	url: string,
	proofs: readonly { readonly id: string; readonly secret: string }[],
): Promise<readonly boolean[]> {
	const { CheckStateEnum, Wallet } = await import("@cashu/cashu-ts");
	const wallet = new Wallet(url, { unit: "sat" });
	await wallet.loadMint();
	const states = await wallet.checkProofsStates([...proofs]);
	return states.map(({ state }) => state === CheckStateEnum.UNSPENT);
}
