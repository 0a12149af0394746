import { type Carrier, connect, formatAddress } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { isThere } from "../home/index.ts";
import { makeRunFolder, secretsOfSide } from "../side/index.ts";
import type { AgentPlace } from "./agent-place.ts";
import { type ModuleHost, startApart, startInside } from "./module-host.ts";

/** Reaches the module of an agent, and starts it when it does not run and is this agent's to start. */
export class ModuleStarter implements AsyncDisposable {
	readonly #place: AgentPlace;
	#host: Promise<ModuleHost> | undefined;
	#isOver = false;

	constructor(place: AgentPlace) {
		this.#place = place;
	}

	/** A carrier to it. Rejects with why there is none. */
	async dial(signal: AbortSignal): Promise<Carrier> {
		const { module } = this.#place;
		try {
			return await connect(module, { signal });
		} catch (thrown) {
			if (asTetradError(thrown).code !== "carrier-failed") throw thrown;
			if (!(await this.#isOurs())) throw thrown;
		}
		let failed: unknown;
		await this.#start(signal).catch((thrown: unknown) => {
			failed = thrown;
		});
		try {
			return await connect(module, { signal });
		} catch (thrown) {
			// Somebody else may have started it meanwhile; else why it did not start says more.
			throw failed ?? thrown;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isOver = true;
		const host = await this.#host?.catch(() => undefined);
		await host?.[Symbol.asyncDispose]();
	}

	/** It is on this machine, and nobody else starts it. */
	async #isOurs(): Promise<boolean> {
		const { moduleRuns, moduleHome, module } = this.#place;
		return (
			!this.#isOver &&
			moduleRuns !== "elsewhere" &&
			module.kind === "unix" &&
			moduleHome !== undefined &&
			(await isThere(moduleHome))
		);
	}

	async #start(signal: AbortSignal): Promise<void> {
		const before = this.#host;
		this.#host = this.#startAfter(before, signal);
		await this.#host;
	}

	/** What ran before and cannot be reached is of no use any more. */
	async #startAfter(
		before: Promise<ModuleHost> | undefined,
		signal: AbortSignal,
	): Promise<ModuleHost> {
		const { side, moduleRuns, moduleHome, module } = this.#place;
		const host = await before?.catch(() => undefined);
		await host?.[Symbol.asyncDispose]();
		if (moduleHome === undefined)
			throw new TetradError(
				"carrier-failed",
				`no module answers at ${formatAddress(module)}`,
			);
		if (side !== undefined) await makeRunFolder(side);
		const hosted = {
			home: moduleHome,
			listen: module,
			isIssuer: side?.kind === "issuer",
			http: side?.operate.http,
			secrets: side === undefined ? {} : secretsOfSide(side, "module"),
			secretPlaces: side?.secrets.module ?? {},
		};
		return moduleRuns === "inside-agent"
			? startInside(hosted)
			: startApart(hosted, signal);
	}
}
