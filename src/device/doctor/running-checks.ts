/* What runs, and whom it reaches. */
import { formatAddress } from "../../carrier/index.ts";
import { type Check, type Finding, fine, note, wrong } from "./check.ts";

export const PROCESSES: Check = {
	name: "processes",
	async look({ side, devices, machine }) {
		const found: Finding[] = [];
		for (const { role, home } of devices) {
			const process = await machine.holder(home);
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

export const MODULE_REACHED: Check = {
	name: "link",
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
