import {
	type Address,
	type Carrier,
	connect,
	formatAddress,
} from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { isThere } from "../home/index.ts";
import {
	type ModuleRuns,
	makeRunFolder,
	type SecretPlaces,
	type Side,
	secretsAt,
} from "../side/index.ts";
import type { AgentPlace } from "./agent-place.ts";
import { type ModuleHost, startApart, startInside } from "./module-host.ts";

/** A module of an agent, as far as it is known where it is. */
interface StartedModule {
	readonly at: Address;
	readonly home: string | undefined;
	readonly runs: ModuleRuns;
	readonly secrets: SecretPlaces;
}

/** Reaches a module of an agent, and starts it when it does not run and is this agent's to start. */
export class ModuleStarter implements AsyncDisposable {
	readonly #side: Side | undefined;
	readonly #module: StartedModule;
	#host: Promise<ModuleHost> | undefined;
	#isOver = false;

	constructor(side: Side | undefined, module: StartedModule) {
		this.#side = side;
		this.#module = module;
	}

	/** One for each module of a place, for the first one first. */
	static ofPlace({
		side,
		module: at,
		moduleHome: home,
		moduleRuns: runs,
		furtherModules,
	}: AgentPlace): readonly [ModuleStarter, ...ModuleStarter[]] {
		const secrets = side?.secrets.module ?? {};
		return [
			new ModuleStarter(side, { at, home, runs, secrets }),
			...furtherModules.map((one) => new ModuleStarter(side, one)),
		];
	}

	/** A carrier to it. Rejects with why there is none. */
	async dial(signal: AbortSignal): Promise<Carrier> {
		const { at } = this.#module;
		try {
			return await connect(at, { signal });
		} catch (thrown) {
			if (asTetradError(thrown).code !== "carrier-failed") throw thrown;
			if (!(await this.#isOurs())) throw thrown;
		}
		let failed: unknown;
		await this.#start(signal).catch((thrown: unknown) => {
			failed = thrown;
		});
		try {
			return await connect(at, { signal });
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
		const { runs, home, at } = this.#module;
		return (
			!this.#isOver &&
			runs !== "elsewhere" &&
			at.kind === "unix" &&
			home !== undefined &&
			(await isThere(home))
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
		const side = this.#side;
		const { runs, home, at, secrets } = this.#module;
		try {
			await (await before)?.[Symbol.asyncDispose]();
		} catch {
			// It did not start, or died in this process: what is started now does not rely on it.
		}
		if (home === undefined)
			throw new TetradError(
				"carrier-failed",
				`no module answers at ${formatAddress(at)}`,
			);
		if (side !== undefined) await makeRunFolder(side);
		const hosted = {
			...{ home, listen: at, isIssuer: side?.kind === "issuer" },
			http: side?.operate.http,
			secrets: secretsAt(secrets),
			secretPlaces: secrets,
		};
		return runs === "inside-agent"
			? startInside(hosted)
			: startApart(hosted, signal);
	}
}
