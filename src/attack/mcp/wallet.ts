/* The tools of the buyer's wallet, served to whoever has the token, and whoever asks them. */
import { parseAddress, type TcpAddress } from "../../carrier/index.ts";
import { DeviceProcess } from "../../device/supervisor/index.ts";
import { readSecretFile } from "../../keys/index.ts";
import { hex } from "../../wire/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";

/** What `tetrad mcp` says. */
interface Answering {
	readonly event: "answering";
	readonly url: string;
	readonly tokenFile: string;
}

/** What a tool has answered, or the protocol in its place. */
export interface ToolAnswer {
	readonly status: number;
	/** Whether nothing was done. */
	readonly isError: boolean;
	/** Of the tool. */
	readonly data: Readonly<Record<string, unknown>>;
	/** All of it, as it came. */
	readonly text: string;
}

export class Wallet implements AsyncDisposable {
	readonly at: TcpAddress;
	readonly token: string;
	readonly #process: DeviceProcess<Answering>;
	#asked = 0;

	private constructor(
		process: DeviceProcess<Answering>,
		at: TcpAddress,
		token: string,
	) {
		this.#process = process;
		this.at = at;
		this.token = token;
	}

	/** The same process for all attacks of a target. */
	static of(target: Target): Promise<Wallet> {
		return target.shared("wallet", async () => {
			const { path } = target.side("buyer");
			const process = new DeviceProcess<Answering>(
				"the wallet's tools",
				[
					...["mcp", "--home", path, "--http", "127.0.0.1:0"],
					...["--token-file", target.newPath("mcp.token")],
				],
				new AbortController().signal,
			);
			const { url, tokenFile } = await process.expect("answering");
			const at = parseAddress(new URL(url).host);
			if (at.kind !== "tcp") throw new NotTried("the tools answer nowhere");
			return new Wallet(process, at, hex(await readSecretFile(tokenFile)));
		});
	}

	/** Calls a tool as a model does. */
	call(
		name: string,
		args: Readonly<Record<string, unknown>>,
		signal: AbortSignal,
	): Promise<ToolAnswer> {
		return this.say("tools/call", { name, arguments: args }, signal);
	}

	/** Asks anything of the protocol. */
	say(
		method: string,
		params: object,
		signal: AbortSignal,
	): Promise<ToolAnswer> {
		const id = ++this.#asked;
		const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
		return this.post(body, signal);
	}

	/** Sends a body, whatever it is, with the token. */
	async post(body: string, signal: AbortSignal): Promise<ToolAnswer> {
		const { host, port } = this.at;
		const response = await fetch(`http://${host}:${port}/mcp`, {
			method: "POST",
			headers: {
				authorization: `Bearer ${this.token}`,
				accept: "application/json, text/event-stream",
				"content-type": "application/json",
			},
			body,
			signal,
		});
		const text = await response.text();
		return { status: response.status, text, ...readAnswer(text) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#process.stop();
	}
}

/** An answer comes as JSON, or as the last event of a stream. */
function readAnswer(text: string): Pick<ToolAnswer, "isError" | "data"> {
	const json = text.startsWith("{")
		? text
		: (text
				.split("\n")
				.findLast((line) => line.startsWith("data: "))
				?.slice(6) ?? "{}");
	try {
		const { result = {}, error } = JSON.parse(json);
		const { structuredContent = {}, isError = false } = result;
		return { isError: isError || error !== undefined, data: structuredContent };
	} catch {
		return { isError: true, data: {} };
	}
}
