/* Whom an agent asks for what is not over: the issuer, and then each merchant, of whom none holds up another. */
import { asTetradError, type TetradError } from "../../errors.ts";

/** Who may be asked, and how. Addresses are as `formatAddress` writes them. */
interface Asking {
	readonly issuer: string;
	/** Of whom something is missing once the issuer was asked. */
	readonly merchants: () => Promise<readonly string[]>;
	readonly ask: (address: string, isIssuer: boolean) => Promise<void>;
	/** Hears of a merchant who could not be asked, and why. */
	readonly missed: (address: string, why: TetradError) => Promise<void>;
	readonly signal: AbortSignal;
}

/** Asks all of them. Rejects with why the first could not be asked where none could, and with why one could not once the signal says stop. */
export async function askAll({
	issuer,
	merchants,
	ask,
	missed,
	signal,
}: Asking): Promise<void> {
	const failures: unknown[] = [];
	let asked = 0;
	const tryOne = async (address: string, isIssuer: boolean) => {
		try {
			await ask(address, isIssuer);
			asked++;
		} catch (thrown) {
			if (signal.aborted) throw thrown;
			failures.push(thrown);
			if (!isIssuer) await missed(address, asTetradError(thrown));
		}
	};
	await tryOne(issuer, true);
	for (const merchant of await merchants()) await tryOne(merchant, false);
	if (asked === 0) throw failures[0];
}
