/* The world of `tetrad sandbox`, whose issuer runs; its shop and its buyer are for programs to open. */
import { join } from "node:path";
import { freePorts, makeSandbox } from "../../src/device/setup/index.ts";
import { done } from "./commands.ts";
import { temporaryFolder } from "./folders.ts";
import { Command } from "./processes.ts";

export class RunningSandbox implements AsyncDisposable {
	readonly folder: string;
	readonly #stack: AsyncDisposableStack;

	private constructor(folder: string, stack: AsyncDisposableStack) {
		this.folder = folder;
		this.#stack = stack;
	}

	/** The buyer may pay what it has, as often as it likes. */
	static async start(): Promise<RunningSandbox> {
		const stack = new AsyncDisposableStack();
		const { path } = stack.use(await temporaryFolder());
		const folder = join(path, "world");
		const [issuer, shop, operators] = (await freePorts(3)).map(
			(port) => `127.0.0.1:${port}`,
		) as [string, string, string];
		await makeSandbox(folder, { addresses: { issuer, shop, operators } });
		const sandbox = new RunningSandbox(folder, stack);
		const args = ["serve", "--home", sandbox.side("issuer"), "--json"];
		await stack.use(new Command(args)).expect("answering");
		const none = ["--per-day", "none", "--per-payment", "none"];
		await done(["limits", "--home", sandbox.side("buyer"), ...none]);
		return sandbox;
	}

	/** The folder of a side. */
	side(name: "issuer" | "shop" | "buyer"): string {
		return join(this.folder, name);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
