/* What runs, and whom it reaches. */
import { formatAddress } from "../../carrier/index.ts";
import { agentStorePlace } from "../purse/index.ts";
import {
	type Check,
	type Finding,
	fine,
	type Machine,
	note,
	wrong,
} from "./check.ts";

export const PROCESSES: Check = {
	name: "processes",
	ofModule: "alone",
	async look({ side, devices, machine }) {
		const found: Finding[] = [];
		for (const { role, home } of devices) {
			const of = role === "agent" ? (side?.agent.processes ?? 1) : 1;
			const holders = await machine.holders(home);
			if (of > 1 || holders.some(({ number }) => number !== undefined)) {
				found.push(...agentProcesses(of, holders));
				continue;
			}
			const process = holders[0]?.process;
			found.push(
				process === undefined
					? note(
							`the ${role} does not run`,
							side === undefined ? undefined : `start the side with: tetrad up`,
						)
					: fine(`the ${role} runs, as process ${process}`),
			);
		}
		return found;
	},
};

/** Of an agent that is to have several. */
function agentProcesses(
	of: number,
	holders: Awaited<ReturnType<Machine["holders"]>>,
): Finding[] {
	const running = new Map(
		holders.map(({ process, number = 1 }) => [number, process]),
	);
	const most = Math.max(of, ...running.keys());
	return Array.from({ length: most }, (_, at) => {
		const process = running.get(at + 1);
		return process === undefined
			? note(
					`process ${at + 1} of the agent does not run`,
					"start the side with: tetrad up",
				)
			: fine(`process ${at + 1} of the agent runs, as process ${process}`);
	});
}

export const SHARED_STORE: Check = {
	name: "store",
	async look({ side }) {
		if (side === undefined || side.agent.processes === 1) return [];
		const place = await agentStorePlace(side.agent.home);
		return [
			place.kind === "postgres"
				? fine(
						`the processes of the agent share ${place.namespace} in PostgreSQL`,
					)
				: wrong(
						"the agent has several processes, and its store is in its home, which one of them has at a time",
						`move it, with: tetrad store --home ${side.path} --database-file FILE`,
					),
		];
	},
};

export const MODULE_REACHED: Check = {
	name: "link",
	ofModule: "alone",
	async look({ side, devices, machine }) {
		const module = devices.find(({ role }) => role === "module");
		if (side === undefined || module === undefined) return [];
		const { at, runs } = side.module;
		if (runs === "inside-agent") return [];
		const where = formatAddress(at);
		const isHere = runs === "apart";
		if (isHere && (await machine.holder(module.home)) === undefined) return [];
		return [
			(await machine.isReached(at))
				? fine(`the module answers at ${where}`)
				: wrong(
						isHere
							? `the module runs, and does not answer at ${where}`
							: `no module answers at ${where}`,
						isHere
							? "stop it, and start the side with: tetrad up"
							: "start it there, and see that nothing is in between",
					),
		];
	},
};

export const ISSUER_REACHED: Check = {
	name: "issuer",
	async look({ side, machine }) {
		if (side === undefined || side.kind === "issuer") return [];
		if (side.issuer === undefined)
			return [
				wrong(
					"the settings do not say where it answers",
					`say at = "HOST:PORT" below [issuer] in ${side.path}/tetrad.toml`,
				),
			];
		const where = formatAddress(side.issuer.at);
		return [
			(await machine.isReached(side.issuer.at))
				? fine(`answers at ${where}`)
				: wrong(
						`nobody answers at ${where}`,
						"see whether that is where it is, and whether it runs; until it answers nothing is withdrawn or deposited",
					),
		];
	},
};

export const LISTENING: Check = {
	name: "address",
	async look({ side }) {
		if (side === undefined || side.kind === "buyer") return [];
		return [
			side.agent.listen === undefined
				? wrong(
						"the settings do not say where its agent answers others",
						`say listen = "HOST:PORT" below [agent] in ${side.path}/tetrad.toml`,
					)
				: fine(`others come to ${formatAddress(side.agent.listen)}`),
		];
	},
};
