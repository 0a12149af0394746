import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const README = fileURLToPath(new URL("../../README.md", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../bin/tetrad.js", import.meta.url));

/** The lines of each shell block, as words. */
async function shellBlocks(): Promise<string[][][]> {
	const text = await readFile(README, "utf8");
	return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) =>
		(block ?? "")
			.trim()
			.split("\n")
			.map((line) =>
				[...line.matchAll(/"([^"]*)"|(\S+)/g)].map(
					([, quoted, plain]) => quoted ?? plain ?? "",
				),
			),
	);
}

async function freePort(): Promise<string> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	await once(server, "close");
	assert.ok(address !== null && typeof address === "object");
	return String(address.port);
}

/** One command of the README as a process of its own. */
class Command {
	readonly #words: readonly string[];
	readonly #child: ChildProcess;
	readonly #exited: Promise<number>;
	#said = "";

	constructor(words: readonly string[], cwd: string) {
		const [program, ...args] = words;
		assert.equal(program, "tetrad");
		this.#words = words;
		this.#child = spawn(process.execPath, [PROGRAM, ...args], {
			cwd,
			stdio: ["ignore", "pipe", "pipe"],
		});
		for (const stream of [this.#child.stdout, this.#child.stderr])
			stream?.on("data", (chunk: Buffer) => {
				this.#said += chunk.toString();
				this.#child.emit("said");
			});
		this.#exited = once(this.#child, "close").then(([code]) => code as number);
	}

	async says(expected: RegExp): Promise<void> {
		const gone = this.#exited.then(() => true);
		for (let isGone = false; !expected.test(this.#said); ) {
			assert.ok(!isGone, `${this.#words.join(" ")} said only: ${this.#said}`);
			const said = once(this.#child, "said").then(() => false);
			isGone = await Promise.race([gone, said]);
		}
	}

	async succeeds(): Promise<void> {
		assert.equal(await this.#exited, 0, this.#said);
	}

	stop(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}
}

test("the README's commands, word for word, set up two sides, send a file, pay, sell and buy", async () => {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-readme-"));
	const commands: Command[] = [];
	const start = (words: readonly string[] = [], ...more: string[]) => {
		const command = new Command([...words, ...more], folder);
		commands.push(command);
		return command;
	};
	try {
		const ports = new Map<string, string>();
		for (const port of ["7000", "7100", "7180"])
			ports.set(port, await freePort());
		const blocks = (await shellBlocks()).map((block) =>
			block.map((words) =>
				words.map((word) =>
					word.replace(/:(7\d\d0)$/, (_, port) => `:${ports.get(port)}`),
				),
			),
		);
		const [setup = [], pairs = [], runs = [], ...money] = blocks;
		const [mint = [], services = [], business = [], shop = [], shopping = []] =
			money;
		assert.deepEqual(
			blocks.map(({ length }) => length),
			[6, 4, 4, 7, 5, 5, 1, 5],
		);
		const prepare = async (block: readonly (readonly string[])[]) => {
			let waiting: Command | undefined;
			for (const words of block) {
				const [, command] = words;
				// Nobody is there to compare the words, or to type a passphrase.
				const more =
					command === "pair"
						? ["--yes"]
						: command === "purse"
							? ["--owner-passphrase-file", "owner"]
							: [];
				const running = start(words, ...more);
				if (command === "pair" && waiting === undefined) {
					await running.says(/waiting for the agent/);
					waiting = running;
					continue;
				}
				await running.succeeds();
				await waiting?.succeeds();
				waiting = undefined;
			}
		};
		const serve = async (block: readonly (readonly string[])[]) => {
			const servers: Command[] = [];
			for (const words of block) {
				const server = start(words);
				await server.says(/listening on/);
				servers.push(server);
			}
			return servers;
		};
		const stop = async (servers: readonly Command[]) => {
			for (const server of servers.toReversed()) {
				server.stop("SIGTERM");
				await server.succeeds();
			}
		};
		await prepare(setup);
		await prepare(pairs);
		await writeFile(join(folder, "order.pdf"), "one of these, please\n");
		let servers = await serve(runs.slice(0, -1));
		await start(runs.at(-1)).succeeds();
		assert.equal(
			await readFile(join(folder, "inbox", "order.pdf"), "utf8"),
			"one of these, please\n",
		);
		await stop(servers);

		await writeFile(join(folder, "owner"), "correct horse\n", { mode: 0o600 });
		await prepare(mint);
		servers = await serve(services);
		const [credit, withdraw, pay, balance, audit] = business;
		await start(credit).succeeds();
		await start(withdraw, "--owner-passphrase-file", "owner").succeeds();
		await start(pay).succeeds();
		const looked = start(balance);
		await looked.succeeds();
		await looked.says(/12\.50/);
		const audited = start(audit);
		await audited.succeeds();
		await audited.says(/it balances/);

		await stop(servers.splice(-1));
		await mkdir(join(folder, "goods"));
		await writeFile(join(folder, "goods", "photo.jpg"), "a harbour\n");
		servers.push(...(await serve(shop)));
		const [catalogue, buy, verify, purchases, sales] = shopping;
		const shown = start(catalogue);
		await shown.succeeds();
		await shown.says(/photo\.jpg/);
		await start(buy).succeeds();
		assert.equal(
			await readFile(join(folder, "bought.jpg"), "utf8"),
			"a harbour\n",
		);
		const proved = start(verify);
		await proved.succeeds();
		await proved.says(/bob sold "photo\.jpg" to alice for 420/);
		for (const words of [purchases, sales]) {
			const table = start(words);
			await table.succeeds();
			await table.says(/photo\.jpg/);
		}
		await stop(servers);
	} finally {
		for (const command of commands) command.stop("SIGKILL");
		await rm(folder, { recursive: true, force: true });
	}
});
