/* The modules of an agent: where each is, whether it is linked, and when it has met the issuer. */
import { setTimeout as pause } from "node:timers/promises";
import { type Address, formatAddress } from "../../carrier/index.ts";
import type { TetradError } from "../../errors.ts";
import { nameInDeviceId } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import type { FurtherModuleAt } from "../process/index.ts";
import type { TrustedAgent } from "../runtime/index.ts";
import type { AgentStatus, ModuleStatus } from "./agent-service.ts";
import { LINKED_WITHIN_MS } from "./limits.ts";
import type { MetAt } from "./selling.ts";

/** A module beside the first one of an agent. */
export interface FurtherModule extends FurtherModuleAt {
	/** Its home, where it is on this machine. */
	readonly home?: string | undefined;
	/** At which port of the agent's host it is met with this module. */
	readonly port?: number | undefined;
}

/** When a module has met the issuer, and why it could not since. */
type Met = Pick<AgentStatus, "settled" | "trouble">;

/** The first module, and those beside it. */
interface Ways {
	readonly module: Address;
	readonly moduleHome?: string | undefined;
	readonly modulePort?: number | undefined;
	readonly furtherModules?: readonly FurtherModule[] | undefined;
}

export class OwnModules {
	readonly #agent: TrustedAgent;
	readonly #ways: readonly FurtherModule[];
	/** By the module's device id, in hexadecimal. */
	readonly #met = new Map<string, Met>();

	constructor(
		agent: TrustedAgent,
		{ module, moduleHome, modulePort, furtherModules }: Ways,
	) {
		this.#agent = agent;
		const first = { address: module, home: moduleHome, port: modulePort };
		this.#ways = [first, ...(furtherModules ?? [])];
	}

	/** Where buyers who come back meet the agent with each of several modules. */
	metAt(at: Address): readonly MetAt[] {
		if (at.kind !== "tcp") return [];
		const { modules } = this.#agent;
		return this.#ways.flatMap(({ port }, number) => {
			const deviceId = modules[number];
			return port === undefined || deviceId === undefined
				? []
				: [{ deviceId, address: { ...at, port } }];
		});
	}

	/** Homes of modules, those that are known of. */
	homes(): readonly string[] {
		return this.#ways.flatMap(({ home }) => home ?? []);
	}

	/** One that is there and says nothing is not linked. */
	isLinked(module?: Uint8Array): Promise<boolean> {
		const reaching = this.#agent.reachModule(module);
		return Promise.race([
			reaching.then(
				() => true,
				() => false,
			),
			pause(LINKED_WITHIN_MS, false, { ref: false }),
		]);
	}

	/** How each of several modules is. */
	async status(): Promise<Pick<AgentStatus, "modules">> {
		const ways = this.#ways;
		if (ways.length === 1) return {};
		const { modules } = this.#agent;
		return {
			modules: await Promise.all(
				modules.map(async (id, at): Promise<ModuleStatus> => {
					const { address, port } = ways[at] ?? {};
					return {
						...{ name: nameInDeviceId(id), id: hex(id) },
						address: address === undefined ? "" : formatAddress(address),
						...(port === undefined ? {} : { port }),
						isLinked: await this.isLinked(id),
						...this.#met.get(hex(id)),
					};
				}),
			),
		};
	}

	hasMet(came: string | TetradError, module: Uint8Array | undefined): void {
		const time = new Date().toISOString();
		const id = module === undefined ? "" : hex(module);
		if (typeof came === "string")
			return void this.#met.set(id, { settled: { time, issuer: came } });
		const { code, message: reason } = came;
		const trouble = { time, code, reason };
		this.#met.set(id, { ...this.#met.get(id), trouble });
	}

	/** When one of the modules has met the issuer last, and why one of them could not since. */
	met(): Met {
		const all = [...this.#met.values()];
		const settled = all
			.flatMap((one) => one.settled ?? [])
			.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
		const trouble = all.find((one) => one.trouble !== undefined)?.trouble;
		return {
			...(settled === undefined ? {} : { settled }),
			...(trouble === undefined ? {} : { trouble }),
		};
	}
}
