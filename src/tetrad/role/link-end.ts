import { type ErrorCode, TetradError } from "../../errors.ts";
import { textWithin } from "../../wire/index.ts";
import { END } from "../messages.ts";
import { MAX_END_REASON_BYTES } from "../parameters.ts";

/* How the two devices of a side tell each other over their link that a tetrad is over. */

/** The body of a link message that ends a tetrad: in order, or with an error and its sentence for the owner. */
export function endBody(error?: TetradError): Uint8Array {
	return END.encode({
		code: error?.code ?? "",
		reason: textWithin(error?.message ?? "", MAX_END_REASON_BYTES),
	});
}

/** What the other end of the link said when it ended the tetrad, as our own outcome. */
export function errorFromEnd(body: Uint8Array): TetradError | undefined {
	const { code, reason } = END.decode(body);
	if (code === "") return undefined;
	const known: ErrorCode = isForwarded(code) ? code : "refused-by-peer";
	return new TetradError(
		known,
		`the other device of this side stopped: ${reason}`,
	);
}

/** Outcomes that mean the same to the agent as to its module. Anything else is only "refused". */
const FORWARDED = [
	"authentication-failed",
	"chain-refused",
	"untrusted",
	"recertification-due",
	"list-refused",
	"list-stale",
	"clock-wrong",
	"negotiation-failed",
	"timed-out",
	"carrier-failed",
	"truncated",
	"refused-by-peer",
	"aborted",
	"key-store-failed",
] as const satisfies readonly ErrorCode[];

function isForwarded(name: string): name is (typeof FORWARDED)[number] {
	return (FORWARDED as readonly string[]).includes(name);
}
