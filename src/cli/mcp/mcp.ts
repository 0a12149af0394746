import { join, resolve } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { isThere, makeFolder } from "../../device/home/index.ts";
import { openAgent } from "../../device/service/index.ts";
import { type Side, secretsOfSide } from "../../device/side/index.ts";
import { TetradError } from "../../errors.ts";
import { createSecretFile, readSecretFile } from "../../keys/index.ts";
import {
	AgentDoor,
	serveWalletHttp,
	serveWalletStdio,
	WalletTools,
} from "../../mcp/tools/index.ts";
import { hex } from "../../wire/index.ts";
import type { HttpAddress } from "../flags.ts";
import { ourName } from "../our-name.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { requireSide } from "../side-flags.ts";
import { untilStopped } from "../until-stopped.ts";
import { say, sayJson, tellFailure, tellFitting } from "../voice.ts";

export interface McpFlags extends SecretFlags {
	readonly home?: string;
	readonly folder?: string;
	readonly merchant?: readonly string[];
	readonly http?: HttpAddress;
	readonly tokenFile?: string;
	readonly timeout?: number;
	readonly json?: true;
}

/** Answers models until whoever started it is gone, or a signal. */
export async function mcp(flags: McpFlags): Promise<void> {
	const { http, tokenFile } = flags;
	if (http === undefined && tokenFile !== undefined)
		throw new TetradError(
			"invalid-argument",
			"--token-file is for clients that come over HTTP: say --http, too",
		);
	const side = await requireSide(flags.home);
	const folder = await folderOf(side, flags);
	await untilStopped(async (signal) => {
		await using tools = new WalletTools({
			door: new AgentDoor(() => openShared(side, flags, signal)),
			home: side.path,
			program: ourName(),
			folder,
			merchants: flags.merchant,
		});
		const serving = {
			tools,
			version: packageJson.version,
			trouble: (error: TetradError) => void tellFailure(error),
		};
		if (http === undefined) {
			if (process.stdin.isTTY)
				tellFitting(
					"this speaks to a client of MCP on its standard input, which starts it: tetrad mcp --help says how; Ctrl-C stops it",
				);
			const streams = { input: process.stdin, output: process.stdout };
			await serveWalletStdio(serving, streams, signal);
			// A client that lives on has not closed it.
			process.stdin.destroy();
			return;
		}
		const path = resolve(tokenFile ?? join(side.path, "mcp.token"));
		const token = await tokenIn(path);
		await using served = await serveWalletHttp({ ...serving, ...http, token });
		announce(served.url, path, flags.json === true);
		await aborted(signal);
	});
}

/** While it runs here, it keeps its home from nobody: other programs are answered. */
async function openShared(
	side: Side,
	{ timeout, ...flags }: McpFlags,
	signal: AbortSignal,
): ReturnType<ConstructorParameters<typeof AgentDoor>[0]> {
	const agent = await openAgent(side.path, {
		secrets: secretsOf(flags, secretsOfSide(side, "agent")),
		signal,
		...(timeout === undefined ? {} : { timeoutMs: timeout }),
	});
	return { agent, [Symbol.asyncDispose]: () => agent.close() };
}

/** Throws `invalid-argument` where neither the side nor a flag says where goods go. */
async function folderOf(
	{ buyFolder }: Side,
	{ folder = buyFolder }: McpFlags,
): Promise<string> {
	if (folder === undefined)
		throw new TetradError(
			"invalid-argument",
			"say --folder FOLDER, where all that is bought goes, or buy.folder in tetrad.toml of the side",
		);
	await makeFolder(folder);
	return resolve(folder);
}

/** What clients say, as it stands in a file of its owner's; made where there is none. */
async function tokenIn(path: string): Promise<string> {
	if (!(await isThere(path))) return hex(await createSecretFile(path));
	return hex(await readSecretFile(path));
}

function announce(url: string, tokenFile: string, isJson: boolean): void {
	if (isJson) return sayJson({ event: "answering", url, tokenFile });
	say(`answering at ${url}`);
	say(`  clients say   Authorization: Bearer, and the token in ${tokenFile}`);
}

function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((done) => {
		if (signal.aborted) return done();
		signal.addEventListener("abort", () => done(), { once: true });
	});
}
