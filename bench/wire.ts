import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import { pairInProcess } from "../src/device/runtime/in-process.ts";
import { MoneyModule } from "../src/device/runtime/money-module.ts";
import type { TetradEvent } from "../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../src/device/runtime/trusted-agent.ts";
import { makePolicy, type Routing } from "../src/tetrad/index.ts";
import { countedCarriers } from "./four.ts";

type ByRouting = Record<Routing, number>;

/** Flights and bytes between the agents, counted where they are sent. */
export async function measureWire(): Promise<{
	readonly flightsToBound: ByRouting;
	readonly flightsToConfirmed: ByRouting;
	readonly bytes: Record<string, number>;
}> {
	const flightsToBound: ByRouting = { direct: 0, crossed: 0 };
	const flightsToConfirmed: ByRouting = { direct: 0, crossed: 0 };
	const bytes: Record<string, number> = {};
	const agency = await SoftwareAuthority.create("agency", "Agency");
	const bank = await SoftwareAuthority.create("bank", "Bank");
	const policy = makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
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
	for (const routing of ["direct", "crossed"] as const) {
		const [left, right] = [await side("left"), await side("right")];
		const { ends, sent } = countedCarriers();
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
		flightsToBound[routing] = Math.min(...bound) - 1;
		flightsToConfirmed[routing] = flights();
		bytes[routing] = (sent[0]?.bytes ?? 0) + (sent[1]?.bytes ?? 0);
		await a.close();
		await b.closed;
		await left.agent.close();
		await right.agent.close();
	}
	return { flightsToBound, flightsToConfirmed, bytes };
}
