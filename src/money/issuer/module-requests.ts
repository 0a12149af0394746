/* What modules ask of an issuer, as its bytes come. */
import { TetradError } from "../../errors.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	body,
	type Head,
	MAX_AMOUNT,
	REQUEST_ID_BYTES,
	WITH_ISSUER,
} from "../documents/index.ts";

export type RequestKind =
	| "hello"
	| "balance"
	| "inquire"
	| "withdraw"
	| "deposit"
	| "exchange"
	| "claim"
	| "resolve"
	| "secret";

const KINDS: Readonly<Record<number, RequestKind>> = {
	[WITH_ISSUER.hello.type]: "hello",
	[WITH_ISSUER.withdraw.type]: "withdraw",
	[WITH_ISSUER.deposit.type]: "deposit",
	[WITH_ISSUER.exchange.type]: "exchange",
	[WITH_ISSUER.claim.type]: "claim",
	[WITH_ISSUER.balance.type]: "balance",
	[WITH_ISSUER.resolve.type]: "resolve",
	[WITH_ISSUER.inquire.type]: "inquire",
	[WITH_ISSUER.secret.type]: "secret",
};

export function kindOf(bytes: Uint8Array): RequestKind | undefined {
	const [type = 0] = bytes;
	return KINDS[type];
}

/** Whether it only tells what is there, afresh each time. */
export function isQuestion(kind: RequestKind): boolean {
	return kind === "hello" || kind === "balance" || kind === "inquire";
}

/** The first field of every request but `hello`, or nothing when it is not there. */
export function requestIn(bytes: Uint8Array): Uint8Array {
	const start = 1 + 4;
	const isThere =
		bytes.length >= start + REQUEST_ID_BYTES &&
		sameBytes(
			bytes.subarray(1, start),
			Uint8Array.of(0, 0, 0, REQUEST_ID_BYTES),
		);
	return isThere
		? copy(bytes.subarray(start, start + REQUEST_ID_BYTES))
		: new Uint8Array();
}

export function parseHeadOf(bytes: Uint8Array): Head {
	const { number, hash } = body(WITH_ISSUER.hello, bytes);
	if (number > MAX_AMOUNT)
		throw new TetradError("malformed", "no purse has come so far");
	return { number, hash: copy(hash) };
}
