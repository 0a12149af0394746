import { once } from "node:events";
import { TetradError } from "../../errors.ts";
import { MAKE_WITHIN_MS } from "./limits.ts";
import type { MakeOnOrder } from "./made-goods.ts";

/** Variables of an environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes what is ordered by a command of the merchant's, which a shell runs: the order comes on its
 * standard input, and what it writes on its standard output is the merchandise. The name of the
 * item is in TETRAD_ITEM, and that of the buyer's agent in TETRAD_BUYER; whatever else is in its
 * environment is in `environment`, which should have no secrets: the command works on a stranger's
 * text. It runs in `folder`, or in the working folder unless given. Nothing that a buyer says becomes a part of the command. A command that fails, writes nothing, or takes longer than ten
 * minutes, has made nothing, and is killed with all that it started when nobody waits for it any more.
 */
export function commandMaker(
	command: string,
	environment: Environment,
	folder?: string,
): MakeOnOrder {
	return async function* make({ item, buyer }, signal) {
		// Few agents make anything on order, and no others can start a process.
		const { spawn } = process.getBuiltinModule("node:child_process");
		const until = AbortSignal.any([
			signal,
			AbortSignal.timeout(MAKE_WITHIN_MS),
		]);
		const child = spawn("/bin/sh", ["-c", command], {
			stdio: ["pipe", "pipe", "inherit"],
			...(folder === undefined ? {} : { cwd: folder }),
			env: {
				...environment,
				TETRAD_ITEM: item.name,
				TETRAD_BUYER: buyer.name,
			},
			// A group of its own, so that what the shell has started ends with it.
			detached: true,
		});
		const end = () => {
			killGroup(child.pid);
			child.stdout.destroy();
		};
		const ended = once(child, "close");
		ended.catch(() => {});
		// Whoever does not read its order may go without it.
		child.stdin.on("error", () => {});
		child.stdin.end(item.order);
		until.addEventListener("abort", end, { once: true });
		if (until.aborted) end();
		let isEmpty = true;
		let isOver = false;
		try {
			for await (const piece of child.stdout as AsyncIterable<Uint8Array>) {
				isEmpty = false;
				yield piece;
			}
			const [code] = (await ended) as [number | null];
			isOver = true;
			if (code !== 0 || isEmpty) throw failed(command, undefined);
		} catch (thrown) {
			throw thrown instanceof TetradError ? thrown : failed(command, thrown);
		} finally {
			until.removeEventListener("abort", end);
			if (!isOver) end();
		}
	};
}

function killGroup(leader: number | undefined): void {
	if (leader === undefined) return;
	try {
		process.kill(-leader, "SIGKILL");
	} catch {
		// All of it has ended by itself.
	}
}

function failed(command: string, cause: unknown): TetradError {
	return new TetradError(
		"file-unusable",
		`the command for what is made on order has made nothing: ${command}`,
		{ cause },
	);
}
