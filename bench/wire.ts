import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import { pairInProcess } from "../src/device/runtime/in-process.ts";
import { MoneyModule } from "../src/device/runtime/money-module.ts";
import type { TetradEvent } from "../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../src/device/runtime/trusted-agent.ts";
import type { SuiteName } from "../src/session/index.ts";
import { makePolicy, type Routing } from "../src/tetrad/index.ts";
import { countedCarriers } from "./four.ts";

/** What is counted, and what is done for it: each with devices of its own, of which the last meeting counts. */
const WAYS: readonly {
	readonly name: string;
	readonly routing: Routing;
	readonly suite: SuiteName;
	readonly meetings: 1 | 2;
}[] = [
	{ name: "direct", routing: "direct", suite: "hybrid-aesgcm", meetings: 1 },
	{ name: "crossed", routing: "crossed", suite: "hybrid-aesgcm", meetings: 1 },
	{ name: "resumed", routing: "direct", suite: "hybrid-aesgcm", meetings: 2 },
	{
		...{ name: "direct, classical", routing: "direct" },
		...{ suite: "classical-aesgcm", meetings: 1 },
	},
	{
		...{ name: "resumed, classical", routing: "direct" },
		...{ suite: "classical-aesgcm", meetings: 2 },
	},
];

/** Flights and bytes between the agents, counted where they are sent. */
export async function measureWire(): Promise<{
	readonly flightsToBound: Readonly<Record<string, number>>;
	readonly flightsToConfirmed: Readonly<Record<string, number>>;
	readonly bytes: Readonly<Record<string, number>>;
}> {
	const flightsToBound: Record<string, number> = {};
	const flightsToConfirmed: Record<string, number> = {};
	const bytes: Record<string, number> = {};
	const agency = await SoftwareAuthority.create("agency", "Agency");
	const bank = await SoftwareAuthority.create("bank", "Bank");
	for (const { name: way, routing, suite, meetings } of WAYS) {
		const policy = makePolicy({
			agencies: [agency.anchor],
			banks: [bank.anchor],
			suites: [suite],
			resumption: meetings === 2 ? "yes" : "no",
		});
		const side = async (name: string) => {
			const agent = new TrustedAgent({
				identity: await agency.certify(name),
				policy,
			});
			const module = new MoneyModule({
				identity: await bank.certify(name),
				policy,
			});
			await pairInProcess(agent, module);
			return { agent, module };
		};
		const [left, right] = [await side("left"), await side("right")];
		for (let meeting = 0; meeting < meetings; meeting++) {
			const { ends, sent } = countedCarriers("unix:bench");
			const flights = () => (sent[0]?.frames ?? 0) + (sent[1]?.frames ?? 0);
			const bound: number[] = [];
			const observe = (event: TetradEvent) => {
				if (event.kind === "bound") bound.push(flights());
			};
			const [a, b] = await Promise.all([
				left.agent.connect(ends[0], { routing, observe }),
				right.agent.accept(ends[1], { observe }),
			]);
			// The effect comes with the flight that A sends because it is bound, so that one is not waited for.
			flightsToBound[way] = Math.min(...bound) - 1;
			flightsToConfirmed[way] = flights();
			bytes[way] = (sent[0]?.bytes ?? 0) + (sent[1]?.bytes ?? 0);
			await a.close();
			await b.closed;
		}
		await left.agent.close();
		await right.agent.close();
	}
	return { flightsToBound, flightsToConfirmed, bytes };
}
