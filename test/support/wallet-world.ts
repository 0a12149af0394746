/* A sandbox whose buyer has a wallet for models: issuer, shop and the buyer's module run, and the buyer's agent is whoever opens it. */
import { fileURLToPath } from "node:url";
import { done } from "./commands.ts";
import { Command } from "./processes.ts";
import { RunningSandbox } from "./sandbox.ts";

export class WalletWorld implements AsyncDisposable {
	readonly shop: Command;
	readonly #sandbox: RunningSandbox;
	readonly #running: AsyncDisposableStack;

	private constructor(
		sandbox: RunningSandbox,
		shop: Command,
		running: AsyncDisposableStack,
	) {
		this.#sandbox = sandbox;
		this.shop = shop;
		this.#running = running;
	}

	/** With 100.00 in the buyer's purse. */
	static async open(): Promise<WalletWorld> {
		await using open = new AsyncDisposableStack();
		const sandbox = open.use(await RunningSandbox.start());
		const start = (what: string, side: "shop" | "buyer") =>
			open.use(new Command([what, "--home", sandbox.side(side), "--json"]));
		const shop = start("serve", "shop");
		await shop.expect("settled");
		// It goes on whatever becomes of who asks it.
		await start("module", "buyer").expect("listening");
		await done(["settle", "--home", sandbox.side("buyer")]);
		return new WalletWorld(sandbox, shop, open.move());
	}

	/** Around the sandbox. */
	get folder(): string {
		return this.#sandbox.around;
	}

	/** Where the shop answers: it sells harbour.svg, licence and capitals. */
	get shopAt(): string {
		return this.#sandbox.shopAt;
	}

	get buyer(): string {
		return this.#sandbox.side("buyer");
	}

	/** The command that a client of the tools starts. */
	command(...more: readonly string[]): readonly [string, ...string[]] {
		const program = fileURLToPath(
			new URL("../../bin/tetrad.js", import.meta.url),
		);
		return [process.execPath, program, "mcp", "--home", this.buyer, ...more];
	}

	/** Disposed of before the rest. */
	use<Of extends AsyncDisposable>(one: Of): Of {
		return this.#running.use(one);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#running.disposeAsync();
	}
}
