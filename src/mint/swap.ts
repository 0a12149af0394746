/* NUT-03, 07 and 09: proofs for signatures, what became of proofs, and signatures once more. */
import { Refusal } from "./refusal.ts";
import { fieldsIn, inputsIn, outputsIn, pointsIn } from "./requests.ts";
import {
	type Leniency,
	requireSignable,
	requireSpendable,
	sumOf,
} from "./spending.ts";
import { signatureAnswer, type Vault } from "./vault.ts";

/** `now` is in seconds since the epoch. */
export function swap(
	vault: Vault,
	body: Uint8Array,
	now: number,
	leniency: Leniency,
): object {
	const fields = fieldsIn(body);
	const inputs = inputsIn(fields);
	const outputs = outputsIn(fields);
	const spending = { inputs, outputs };
	const taken = requireSpendable(vault, spending, now, leniency);
	const keysets = requireSignable(vault, outputs, taken.unit);
	if (sumOf(outputs) !== taken.amount)
		throw new Refusal("balance", "inputs, fees and outputs do not balance");
	const signatures = vault.sign(outputs, keysets);
	vault.setProofs(taken.proofs, "SPENT");
	return { signatures };
}

/** What opened a lock is shown once it has, and not while it is only tried. */
export function checkStates(vault: Vault, body: Uint8Array): object {
	const states = pointsIn(fieldsIn(body)).map((Y) => {
		const proof = vault.state.get("proofs", Y.toLowerCase());
		const isSpent = proof?.state === "SPENT";
		return {
			Y,
			state: proof?.state ?? "UNSPENT",
			witness: (isSpent && proof.witness) || null,
		};
	});
	return { states };
}

/** Amounts of what is asked for say nothing: those that were signed are answered. */
export function restore(vault: Vault, body: Uint8Array): object {
	const found = outputsIn(fieldsIn(body)).flatMap((output) => {
		const B_ = output.B_.toLowerCase();
		const signature = vault.state.get("signatures", B_);
		return signature === undefined ? [] : { output, signature };
	});
	return {
		outputs: found.map(({ output }) => output),
		signatures: found.map(({ signature }) => signatureAnswer(signature)),
	};
}
