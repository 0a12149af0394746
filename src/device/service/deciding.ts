import type { SecretSource } from "../../keys/index.ts";
import { hex } from "../../wire/index.ts";
import {
	isTakenDown,
	moduleIdOf,
	openOwner,
	placeApproval,
	readPurseSettings,
} from "../purse/index.ts";
import type { Decision } from "./agent-service.ts";
import { chosen } from "./chosen.ts";
import { approvalOf, waitingIn } from "./purse-views.ts";

/** Approves or denies, as its owner, the payment that waits in the purse in a home and whose contract begins so. */
export async function decideIn(
	home: string,
	beginning: string,
	isApproved: boolean,
	owner: SecretSource,
): Promise<Decision> {
	const waits = chosen(await waitingIn(home), beginning, {
		id: ({ payment }) => hex(payment.contract),
		what: "contract that waits",
		see: `tetrad approvals --home ${home}`,
	});
	const { contract, payee, issuer, decided } = waits.payment;
	const amount = waits.payment.amount + waits.payment.fee;
	const settings = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	const file = await placeApproval(home, key, {
		...{ purse, contract, payee, issuer, amount, isApproved },
		// Later than what was said before, also when the clock is not.
		ordered: Math.max(Date.now(), decided + 1),
	});
	return {
		...approvalOf(waits),
		state: isApproved ? "approved" : "denied",
		inForce: await isTakenDown(home, file),
	};
}
