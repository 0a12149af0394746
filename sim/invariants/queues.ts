import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

/** Far more than any of these worlds asks for, and no more than the limits of the rooms let through. */
const MAX_PENDING = 256;
const MAX_PENDING_PER_SIDE = 8;
const MAX_TETRADS = 256;
const MAX_TETRADS_PER_SIDE = 8;

/** Every queue stays within its limit, and nothing is kept of what is over. */
export const queues: MakeInvariant = (world, fail) => {
	const { sides, issuers } = world;
	const most = Math.max(MAX_TETRADS, MAX_TETRADS_PER_SIDE * sides.length);
	const mostPending = Math.max(
		MAX_PENDING,
		MAX_PENDING_PER_SIDE * sides.length,
	);
	const modules = new Map(
		[...sides, ...issuers].map(({ module }) => [module.name, module] as const),
	);
	const agents = new Map(
		[...sides, ...issuers].map(({ agent }) => [agent.name, agent] as const),
	);
	const look = ({ name }: Device): void => {
		const module = modules.get(name);
		const pending = module?.pending ?? 0;
		if (pending > mostPending) fail(`${name} waits for ${pending} things`);
		const tetrads = (module ?? agents.get(name))?.tetrads ?? 0;
		if (tetrads > most) fail(`${name} is in ${tetrads} tetrads`);
	};
	const asked = ({ name }: Device): void => {
		const questions = world.mints.underWay.get(name) ?? 0;
		if (questions > mostPending)
			fail(`${name} asks ${questions} things at once`);
	};
	return { confirmed: look, durable: look, asked };
};
