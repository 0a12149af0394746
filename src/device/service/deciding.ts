import type { SecretSource } from "../../keys/index.ts";
import {
	isTakenDown,
	moduleIdOf,
	openOwner,
	placeApproval,
	readPurseSettings,
} from "../purse/index.ts";
import type { OrderTaken } from "./agent-service.ts";
import { chosenOf, waitingIn } from "./purse-views.ts";

/** Approves or denies, as its owner, the payment that waits in the purse in a home and whose contract begins so. */
export async function decideIn(
	home: string,
	beginning: string,
	isApproved: boolean,
	owner: SecretSource,
): Promise<OrderTaken> {
	const { payment } = chosenOf(await waitingIn(home), beginning);
	const { contract, payee, issuer, amount } = payment;
	const settings = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	const file = await placeApproval(home, key, {
		...{ purse, contract, payee, issuer, amount, isApproved },
		// Later than what was said before, also when the clock is not.
		ordered: Math.max(Date.now(), payment.decided + 1),
	});
	return { inForce: await isTakenDown(home, file) };
}
