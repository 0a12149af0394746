/* Bugs that the product had, about money or what an owner is told: what mended each is taken out again (planted.ts). */
import type { Planted } from "./planted.ts";

const ECASH = "src/money/purse/ecash";

export const PLANTED_FOR_MENDED: Readonly<Record<string, Planted>> = {
	"requests-counted": {
		what: "after seventeen requests for the same ecash that its mint has refused no further one is made",
		file: `${ECASH}/stored-swap.ts`,
		find: "requireStorable(request, inputs);\n\tconst all",
		replace:
			'requireStorable(request, inputs);\n\tif ((before?.earlier.length ?? 0) >= MAX_EARLIER) throw new TetradError("limit-exceeded", "no further request is made");\n\tconst all',
		also: [
			{
				file: `${ECASH}/conversation.ts`,
				find: 'if (error.code === "insufficient-funds") {',
				replace:
					'if (error.code === "limit-exceeded") this.#next = THE_SAME;\n\t\tif (error.code === "insufficient-funds") {',
			},
		],
	},
	"pending-is-held": {
		what: "a restore leaves what its mint says is pending among what can be spent, where the purse has it",
		file: `${ECASH}/restore-run.ts`,
		find: 'this.#heldPending.push(...of("pending"));',
		replace: "",
	},
	"sold-to-whoever-is-there": {
		what: "a sale is told in whichever tetrad of the agent is there, as bought by whom that is with",
		file: "src/trade/module/seller-module.ts",
		find: "sameBytes(agents.other.deviceId, buyerAgent)",
		replace: "agents.other.deviceId.length > 0",
		also: [
			{
				file: "src/trade/module/seller-module.ts",
				find: 'return place === "Y";',
				replace: 'return place === "Y" || place === "X";',
			},
		],
	},
	"exchange-untold": {
		what: "an agent does not hear of an exchange before it leaves",
		file: "src/money/purse/visit-work.ts",
		find: "if (sent.some(hasTransfer)) this.#witnesses.tell(visit.meeting.tetrad);",
		replace: "void [sent, hasTransfer];",
	},
	"refused-for-ever": {
		what: "a token that its mint never gives the purse is asked for without end",
		file: `${ECASH}/receiving-refusals.ts`,
		find: "switch (why.kind) {",
		replace: "if (now > 0) return undefined;\n\tswitch (why.kind) {",
	},
};
