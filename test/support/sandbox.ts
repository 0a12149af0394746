/* The world of `tetrad sandbox`, whose issuer runs; its shop and its buyer are for programs to open. */
import { join } from "node:path";
import { makeSandbox } from "../../src/device/setup/index.ts";
import { done } from "./commands.ts";
import { temporaryFolder } from "./folders.ts";
import { portsForLater } from "./ports.ts";
import { Command } from "./processes.ts";

/** Makes it at ports that are free, and starts nothing. Answers where its shop will be. */
export async function makeWorld(
	folder: string,
): Promise<{ readonly shop: string }> {
	const ports = await portsForLater(3);
	const [issuer = "", shop = "", operators = ""] = ports.map(
		(port) => `127.0.0.1:${port}`,
	);
	await makeSandbox(folder, { addresses: { issuer, shop, operators } });
	return { shop };
}

export class RunningSandbox implements AsyncDisposable {
	/** A folder that goes with it, and has nothing else in it. */
	readonly around: string;
	/** Where its shop answers, once that runs. */
	readonly shopAt: string;
	readonly #stack: AsyncDisposableStack;

	private constructor(
		around: string,
		shopAt: string,
		stack: AsyncDisposableStack,
	) {
		this.around = around;
		this.shopAt = shopAt;
		this.#stack = stack;
	}

	static async start(): Promise<RunningSandbox> {
		await using stack = new AsyncDisposableStack();
		const { path } = stack.use(await temporaryFolder());
		const folder = join(path, "world");
		const { shop } = await makeWorld(folder);
		const args = ["serve", "--home", join(folder, "issuer"), "--json"];
		await stack.use(new Command(args)).expect("answering");
		return new RunningSandbox(path, shop, stack.move());
	}

	/** The sandbox itself. */
	get folder(): string {
		return join(this.around, "world");
	}

	/** The folder of a side. */
	side(name: "issuer" | "shop" | "buyer"): string {
		return join(this.folder, name);
	}

	/** The buyer may pay all that it has. */
	async liftLimits(): Promise<void> {
		const none = ["--per-day", "none", "--per-payment", "none"];
		await done(["limits", "--home", this.side("buyer"), ...none]);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
