/** Why a mint refuses, in the numbers that the NUTs give it (their list of error codes). */
export const REFUSED = {
	/** No number is given for requests that are none, or quotes that are not there. */
	request: 0,
	proof: 10001,
	spent: 11001,
	pending: 11002,
	signedBefore: 11003,
	outputPending: 11004,
	balance: 11005,
	amount: 11006,
	sameInput: 11007,
	sameOutput: 11008,
	units: 11010,
	unit: 11013,
	manyInputs: 11014,
	manyOutputs: 11015,
	keysetUnknown: 12001,
	keysetInactive: 12002,
	unpaid: 20001,
	issued: 20002,
	payment: 20004,
	quotePending: 20005,
	paid: 20006,
	expired: 20007,
} as const;

/** Ends the work on a request: what a client is told, and never anything of a witness. */
export class Refusal extends Error {
	readonly code: number;

	constructor(why: keyof typeof REFUSED, detail: string) {
		super(detail);
		this.code = REFUSED[why];
	}
}
