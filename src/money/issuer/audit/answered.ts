import { body, WITH_ISSUER } from "../../documents/index.ts";

/** Whether an answer fits a transfer; which notes it holds is asked of each note. */
export function saysBooked(answer: Uint8Array, booked: bigint): boolean {
	switch (answer[0]) {
		case WITH_ISSUER.booked.type: {
			const { credited } = body(WITH_ISSUER.booked, answer);
			return credited === booked;
		}
		case WITH_ISSUER.issued.type:
			return booked > 0n;
		case WITH_ISSUER.outcome.type: {
			const { state, credited } = body(WITH_ISSUER.outcome, answer);
			return booked === (state === 1 ? credited : 0n);
		}
		default:
			return booked === 0n;
	}
}

/** Whether an answer says that an earlier transfer was booked before this one. */
export function saysLate(answer: Uint8Array): boolean {
	if (answer[0] !== WITH_ISSUER.declined.type)
		return conflictsIn(answer).length > 0;
	const { code } = body(WITH_ISSUER.declined, answer);
	return code === "double-spent";
}

/** Ids of the earlier transfers that an answer names. */
export function conflictsIn(answer: Uint8Array): readonly Uint8Array[] {
	return answer[0] === WITH_ISSUER.booked.type
		? body(WITH_ISSUER.booked, answer).conflicts
		: [];
}
