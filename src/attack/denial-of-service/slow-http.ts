/* Clients of HTTP that hold connections, and say little or nothing. */
import type { TcpAddress } from "../../carrier/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import { statusOf } from "../http/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import { Crowd } from "./crowd.ts";

/** More than a server takes in at once. */
const CROWD = 300;

/** Heads have to come within five seconds, and bodies within ten. */
const CUT_WITHIN_MS = 60_000;

function slow(
	what: Pick<Attack, "name" | "tried">,
	says: (at: TcpAddress) => string,
): Attack {
	return {
		...what,
		group: "denial-of-service",
		reference: "docs/reference/operators-http.md",
		// It goes on alone: who makes room for strangers may cut one who is honest and has not spoken yet.
		async run(target, signal) {
			const at = operatorsAt(target);
			const health = { target: "/v1/health" };
			if ((await statusOf(at, health, signal)) !== 200)
				return broken("it answers nobody");
			using crowd = await Crowd.connect(at, CROWD, signal);
			crowd.say(says(at));
			const status = await statusOf(at, health, signal);
			if (status !== 200) return broken(`an operator is answered ${status}`);
			return (await crowd.allClosed(CUT_WITHIN_MS, signal))
				? held(`an operator is answered meanwhile, and all ${CROWD} were cut`)
				: broken(`${CROWD - crowd.closed} of ${CROWD} were not cut`);
		},
	};
}

function operatorsAt(target: Target): TcpAddress {
	const { http } = target.side("issuer").operate;
	if (http === undefined)
		throw new NotTried("the issuer serves no HTTP: say operate.http");
	return http;
}

export const SLOW_HTTP: readonly Attack[] = [
	slow(
		{
			name: "heads-that-come-slowly",
			tried: `${CROWD} clients sent the beginning of a head to the issuer's operators.`,
		},
		({ host, port }) => `GET /v1/terms HTTP/1.1\r\nHost: ${host}:${port}\r\nX:`,
	),
	slow(
		{
			name: "bodies-that-come-slowly",
			tried: `${CROWD} clients announced a body to the issuer's operators, and sent one byte of it.`,
		},
		({ host, port }) =>
			`POST /v1/accounts/00 HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
	),
];
