/* A hostile host between an agent and its module, and a copy of the buyer's agent whose link it carries. */
import { cp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { type Address, connect, FrameSplitter } from "../../carrier/index.ts";
import { readHome } from "../../device/home/index.ts";
import { TrustedAgent } from "../../device/runtime/index.ts";
import { type Side, secretsOfSide } from "../../device/side/index.ts";
import { asTetradError, type ErrorCode } from "../../errors.ts";
import type { Pairing, Policy } from "../../tetrad/index.ts";
import { copy } from "../../wire/index.ts";
import type { Target } from "../target.ts";

type End = "agent" | "module";

/** What is done to a frame on its way; they are counted for each direction, from 0. */
export type Carrying = (
	frame: Uint8Array,
	from: End,
	number: number,
) => readonly Uint8Array[];

/** Stands on a link: every frame goes through its hands. */
export class HostileHost implements AsyncDisposable {
	readonly address: Address;
	/** What passed, as it came. */
	readonly frames: { readonly from: End; readonly bytes: Uint8Array }[] = [];
	readonly #close: () => Promise<void>;

	private constructor(path: string, close: () => Promise<void>) {
		this.address = { kind: "unix", path };
		this.#close = close;
	}

	/** Listens at `path`, and carries to where the module waits. */
	static async between(
		path: string,
		module: Address,
		carry: Carrying = (frame) => [frame],
	): Promise<HostileHost> {
		const sockets = new Set<Socket>();
		const server = createServer((agent) => {
			const other =
				module.kind === "unix"
					? createConnection(module.path)
					: createConnection(module.port, module.host);
			const pass = (from: End, source: Socket, sink: Socket) => {
				const splitter = new FrameSplitter();
				let number = 0;
				sockets.add(source);
				source.on("data", (chunk: Buffer) => {
					splitter.push(new Uint8Array(chunk));
					for (;;) {
						const frame = splitter.next();
						if (frame === undefined) break;
						const bytes = copy(frame);
						host.frames.push({ from, bytes });
						for (const out of carry(copy(bytes), from, number++))
							sink.write(out);
					}
				});
				source.on("error", () => sink.destroy());
				source.on("end", () => sink.end());
				source.on("close", () => {
					sockets.delete(source);
					sink.destroy();
				});
			};
			pass("agent", agent, other);
			pass("module", other, agent);
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			server.listen(path, resolve);
		});
		const host = new HostileHost(path, async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		});
		return host;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#close();
	}
}

/** A copy of the buyer's agent, which reaches its module, the real one, where it is told. */
export class Linked implements AsyncDisposable {
	readonly agent: TrustedAgent;
	readonly pairing: Pairing;
	readonly #stack: AsyncDisposableStack;

	private constructor(
		agent: TrustedAgent,
		pairing: Pairing,
		stack: AsyncDisposableStack,
	) {
		this.agent = agent;
		this.pairing = pairing;
		this.#stack = stack;
	}

	/** Throws `NotTried` where nobody has lent the buyer. */
	static async open(
		target: Target,
		at: Address,
		changed: (pairing: Pairing) => Pairing = (pairing) => pairing,
		demanding: (policy: Policy) => Policy = (policy) => policy,
	): Promise<Linked> {
		const side: Side = target.side("buyer");
		const folder = target.newPath("agent");
		await using stack = new AsyncDisposableStack();
		stack.defer(() => rm(folder, { recursive: true, force: true }));
		await cp(side.agent.home, folder, {
			recursive: true,
			filter: (path) => !/lock\.(db|txt)/.test(path),
		});
		const home = stack.use(
			await readHome(folder, "agent", secretsOfSide(side, "agent")),
		);
		const { identity, policy, clock, pairing } = home;
		if (pairing === undefined) throw new Error("the buyer is not paired");
		const agent = stack.use(
			new TrustedAgent({ identity, policy: demanding(policy), clock }),
		);
		agent.useModule({ pairing: changed(pairing), dial: () => connect(at) });
		return new Linked(agent, pairing, stack.move());
	}

	/** How reaching the module ends. */
	async reach(): Promise<ErrorCode | "linked"> {
		try {
			await this.agent.reachModule();
			return "linked";
		} catch (thrown) {
			return asTetradError(thrown).code;
		}
	}

	/** How a call of the merchant over that link ends. */
	async call(target: Target): Promise<ErrorCode | "confirmed"> {
		try {
			const tetrad = await this.agent.connect(
				await connect(target.merchantAt),
				{ timeoutMs: 10_000 },
			);
			await tetrad.close();
			return "confirmed";
		} catch (thrown) {
			return asTetradError(thrown).code;
		}
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
