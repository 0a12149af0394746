/* A sandbox whose buyer has a wallet for models: issuer, shop and the buyer's module run, and the buyer's agent is whoever opens it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts, makeSandbox } from "../../src/device/setup/index.ts";
import { done } from "./commands.ts";
import { temporaryFolder } from "./folders.ts";
import { Command } from "./processes.ts";

export class WalletWorld implements AsyncDisposable {
	readonly folder: string;
	/** Where the shop answers: it sells harbour.svg, licence and capitals. */
	readonly shopAt: string;
	readonly shop: Command;
	readonly #running: AsyncDisposableStack;

	private constructor(
		folder: string,
		shopAt: string,
		shop: Command,
		running: AsyncDisposableStack,
	) {
		this.folder = folder;
		this.shopAt = shopAt;
		this.shop = shop;
		this.#running = running;
	}

	/** With 100.00 in the buyer's purse. */
	static async open(): Promise<WalletWorld> {
		await using open = new AsyncDisposableStack();
		const { path } = open.use(await temporaryFolder());
		const [issuer, port, operators] = await freePorts(3);
		const shopAt = `127.0.0.1:${port}`;
		const world = join(path, "world");
		await makeSandbox(world, {
			addresses: {
				issuer: `127.0.0.1:${issuer}`,
				shop: shopAt,
				operators: `127.0.0.1:${operators}`,
			},
		});
		const start = (what: string, side: string) =>
			open.use(new Command([what, "--home", join(world, side), "--json"]));
		await start("serve", "issuer").expect("answering");
		const shop = start("serve", "shop");
		await shop.expect("settled");
		// It goes on whatever becomes of who asks it.
		await start("module", "buyer").expect("listening");
		await done(["settle", "--home", join(world, "buyer")]);
		return new WalletWorld(path, shopAt, shop, open.move());
	}

	get buyer(): string {
		return join(this.folder, "world", "buyer");
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
