import { type Attack, broken, held } from "../attack.ts";
import { HostileTetrad } from "../hostile/index.ts";

/** Attacks on the two messages of session 1. */
export const HANDSHAKE_ATTACKS: readonly Attack[] = [
	{
		name: "flipped-ephemeral-key",
		group: "handshake",
		tried: "one bit of the caller's ephemeral key is changed on its way",
		reference: "docs/protocol.md, Key exchange",
		async run(target, signal) {
			await using wire = await target.connect(signal);
			const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
				outbound: (frame, number) => {
					if (number === 0) frame[60] = (frame[60] as number) ^ 1;
					return [frame];
				},
			});
			const end = await tetrad.establish();
			const code = tetrad.error("agent")?.code ?? "none";
			return tetrad.saidRecords === 0 && code === "authentication-failed"
				? held("the caller saw that the answer was not to its offer")
				: broken(`the key exchange went on: ${end}`);
		},
	},
];
