import { resolve } from "node:path";
import { type Address, parseAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import type { Avoided } from "../../trade/agent/index.ts";
import type { RailName } from "../../trade/documents/index.ts";
import type { HomeSecrets } from "../home/index.ts";
import { readIssuerTerms } from "../purse/index.ts";
import {
	agentSocket,
	findSide,
	type ModuleRuns,
	type Side,
	type SideModule,
	secretsOfSide,
} from "../side/index.ts";
import { type Environment, parseTaken, type Taken } from "../trade/index.ts";

/** What `openAgent` is told beside the home. */
export interface OpenAgentOptions {
	/** Where the module listens; a side says it, and the home of an agent does not. */
	readonly module?: string | undefined;
	/** The module's home, where it is on this machine; a side says it. */
	readonly moduleHome?: string | undefined;
	/** Who starts the module; what the side says unless given. `inside-agent` runs it in this process: then whoever owns this process owns the money. */
	readonly moduleRuns?: ModuleRuns | undefined;
	/** Where the agent of the issuer answers whose money is used, and the file with its terms; a side says both. */
	readonly issuer?: string | undefined;
	readonly issuerTerms?: string | undefined;
	/** Where goods go whose buyer names no file; a side of a buyer says it. */
	readonly buyFolder?: string | undefined;
	/** Where the passphrase or the PIN of the agent's key comes from, if it needs one; what the side says unless given. */
	readonly secrets?: HomeSecrets | undefined;
	/** How long an establishment may take, in milliseconds. */
	readonly timeoutMs?: number | undefined;
	/** Gives up opening. */
	readonly signal?: AbortSignal | undefined;
}

/** Where an agent and all that it needs are. Paths are absolute. */
export interface AgentPlace {
	readonly side: Side | undefined;
	readonly home: string;
	readonly secrets: HomeSecrets;
	readonly module: Address;
	readonly moduleHome: string | undefined;
	readonly moduleRuns: ModuleRuns;
	/** At which port of the agent's host it is met with that module, where it has several. */
	readonly modulePort: number | undefined;
	/** Of a merchant's side that has several. */
	readonly furtherModules: readonly SideModule[];
	readonly issuerAt: Address | undefined;
	readonly settleEveryMs: number | undefined;
	readonly terms: IssuerTerms | undefined;
	readonly listen: Address | undefined;
	/** For which money is sold, and how is paid, where a side says so. */
	readonly takes: readonly Taken[] | undefined;
	readonly rails: readonly RailName[] | undefined;
	readonly avoid: readonly Avoided[] | undefined;
	readonly buyFolder: string | undefined;
	/** Where it answers programs of this machine while it runs. */
	readonly socket: string | undefined;
}

/** Finds what a home and options say, of a side or of the home of an agent. Throws `home-unusable`, and `invalid-argument` for what neither says. */
export async function placeOf(
	home: string,
	options: OpenAgentOptions = {},
	environment: Environment = process.env,
): Promise<AgentPlace> {
	const side = await findSide(home, environment);
	const { module = side?.module.at, issuer = side?.issuer?.at } = options;
	if (module === undefined)
		throw new TetradError(
			"invalid-argument",
			`${home} is no side: make one with tetrad setup, or say where the module of the agent listens`,
		);
	const { moduleHome = side?.module.home, buyFolder = side?.buyFolder } =
		options;
	const { issuerTerms = side?.issuer?.termsPath } = options;
	return {
		side,
		home: side?.agent.home ?? resolve(home),
		secrets:
			options.secrets ??
			(side === undefined ? {} : secretsOfSide(side, "agent")),
		module: addressOf(module),
		moduleHome: moduleHome && resolve(moduleHome),
		moduleRuns: options.moduleRuns ?? side?.module.runs ?? "elsewhere",
		modulePort: side?.module.port,
		furtherModules: (side?.furtherModules ?? []).map((one) => ({
			...one,
			runs: options.moduleRuns ?? one.runs,
		})),
		issuerAt: issuer === undefined ? undefined : addressOf(issuer),
		settleEveryMs: side?.issuer?.settleEveryMs,
		terms:
			issuerTerms === undefined
				? undefined
				: await readIssuerTerms(issuerTerms),
		listen: side?.agent.listen,
		takes:
			side?.sell?.take === undefined ? undefined : parseTaken(side.sell.take),
		rails: side?.buyWith.rails,
		avoid: side?.buyWith.avoid,
		buyFolder: buyFolder && resolve(buyFolder),
		socket: side && agentSocket(side),
	};
}

function addressOf(address: Address | string): Address {
	return typeof address === "string" ? parseAddress(address) : address;
}
