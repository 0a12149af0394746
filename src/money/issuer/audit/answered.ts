import { HASH_BYTES } from "../../../crypto/index.ts";
import { sameBytes, utf8 } from "../../../wire/index.ts";
import { body, parseUint64, WITH_ISSUER } from "../../documents/index.ts";
import { demand } from "./step.ts";

/** Whether an answer fits a transfer; which notes it holds is asked of each note. */
export function saysBooked(answer: Uint8Array, booked: bigint): boolean {
	switch (answer[0]) {
		case WITH_ISSUER.booked.type: {
			const { credited } = body(WITH_ISSUER.booked, answer);
			return parseUint64(credited) === booked;
		}
		case WITH_ISSUER.issued.type:
			return booked > 0n;
		default:
			return booked === 0n;
	}
}

/** Whether an answer says that an earlier transfer was booked before this one. */
export function saysLate(answer: Uint8Array): boolean {
	if (answer[0] !== WITH_ISSUER.declined.type)
		return conflictsIn(answer).length > 0;
	const { code } = body(WITH_ISSUER.declined, answer);
	return sameBytes(code, DOUBLE_SPENT);
}

const DOUBLE_SPENT = utf8("double-spent");

/** Ids of the earlier transfers that an answer names. */
export function conflictsIn(answer: Uint8Array): Uint8Array[] {
	if (answer[0] !== WITH_ISSUER.booked.type) return [];
	const { conflicts } = body(WITH_ISSUER.booked, answer);
	demand(conflicts.length % HASH_BYTES === 0, "its conflicts are no ids");
	return Array.from({ length: conflicts.length / HASH_BYTES }, (_, i) =>
		conflicts.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
	);
}
