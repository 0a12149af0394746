import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
	mkdir,
	readdir,
	readFile,
	truncate,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	type Command,
	failureIn,
	type Result,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

before(async () => {
	folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** Every tetrad that a process spoke of has ended. */
function allEnded({ events }: Command): boolean {
	const ended = new Set<number>();
	const begun = new Set<number>();
	for (const event of events) {
		if (!("tetrad" in event)) continue;
		(event.event === "ended" ? ended : begun).add(event.tetrad);
	}
	return [...begun].every((tetrad) => ended.has(tetrad));
}

/** One line that says what went wrong, and no stack. */
function saysWhy(result: Result): void {
	assert.equal(result.stderr.split("\n").length, 2, result.stderr);
	const { code, reason } = failureIn(result);
	assert.notEqual(code, "internal");
	assert.match(reason, /.{10,}/);
}

/** B, X and Y of a set of homes, and what starts one of them again. */
class Servers implements AsyncDisposable {
	readonly homes: Homes;
	readonly #running = new Map<Place, Command>();
	#address = "";

	private constructor(homes: Homes) {
		this.homes = homes;
	}

	static async start(name: string): Promise<Servers> {
		const path = join(folder.path, name);
		await mkdir(path);
		const servers = new Servers(await Homes.make(path));
		try {
			await Promise.all([servers.start("X"), servers.start("Y")]);
			await servers.start("B");
			return servers;
		} catch (thrown) {
			await servers[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	get(place: Place): Command {
		return this.#running.get(place) as Command;
	}

	async start(place: "B" | "X" | "Y"): Promise<void> {
		const { homes } = this;
		const flags = ["--timeout", "10"];
		if (place === "B") {
			const server = await startServer(
				homes,
				"B",
				homes.socket("Y"),
				...["--receive", homes.at("inbox")],
				...flags,
			);
			this.#running.set("B", server.agent);
			this.#address = server.address;
		} else this.#running.set(place, await startModule(homes, place, ...flags));
	}

	/** A, which calls B. */
	call(...flags: string[]): Command {
		const { homes } = this;
		const all = ["--timeout", "10", ...flags];
		return startCaller(homes, "A", homes.socket("X"), this.#address, ...all);
	}

	/** Waits until these have seen the end of every tetrad that they spoke of. */
	async untilAllEnded(...places: readonly Place[]): Promise<void> {
		for (const place of places) {
			const command = this.get(place);
			await command.until(() => allEnded(command), "the tetrad's end");
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const command of this.#running.values())
			await command[Symbol.asyncDispose]();
	}
}

const SERVERS = ["B", "X", "Y"] as const;

describe("SIGTERM", { concurrency: 4 }, () => {
	test("or SIGINT stops an agent and a module that wait, cleanly and with a word", async () => {
		await using servers = await Servers.start("waiting");
		for (const [place, signal] of [
			["B", "SIGTERM"],
			["X", "SIGTERM"],
			["Y", "SIGINT"],
		] as const) {
			servers.get(place).terminate(signal);
			const { stderr } = await servers.get(place).exits(0);
			assert.equal(stderr, "");
			const last = servers.get(place).events.at(-1);
			assert.deepEqual(last, { event: "stopped" });
		}
	});

	for (const stopped of SERVERS)
		test(`to ${stopped} in the middle of a tetrad ends it for all four`, async () => {
			await using servers = await Servers.start(`stopped-${stopped}`);
			// Its module never speaks, so A waits.
			await using caller = servers.call("--greet", "hello");
			await servers.get("X").expect("message");
			await servers.get("Y").expect("confirmed");
			servers.get(stopped).terminate();
			await servers.get(stopped).exits(0);
			assert.equal(servers.get(stopped).all("stopped").length, 1);
			await caller.until(() => caller.gone, "its end");
			await servers.untilAllEnded(...SERVERS);
		});

	test("to an agent that calls stops it with a word, and the other side hears of it", async () => {
		await using servers = await Servers.start("stopped-A");
		await using caller = servers.call("--greet", "hello");
		await caller.expect("confirmed");
		await servers.get("B").expect("confirmed");
		caller.terminate();
		await caller.until(() => caller.gone, "its end");
		assert.equal(caller.events.at(-1)?.event, "stopped");
		await servers.untilAllEnded(...SERVERS);
	});
});

const MOMENTS = {
	linked: "as soon as A has its link",
	bound: "as soon as A is bound",
	confirmed: "as soon as A is confirmed",
	file: "in the middle of a file",
} as const;

describe("kill -9", { concurrency: 4 }, () => {
	for (const victim of PLACES)
		describe(`of ${victim}`, { concurrency: 1 }, () => {
			let servers: Servers;

			before(async () => {
				servers = await Servers.start(`killed-${victim}`);
				const { homes } = servers;
				await writeFile(homes.at("small"), randomBytes(300_000));
				// Still on its way when somebody is killed; it takes no room on the disk.
				await writeFile(homes.at("large"), "");
				await truncate(homes.at("large"), 2 ** 31);
			});
			after(() => servers[Symbol.asyncDispose]());

			for (const [moment, phrase] of Object.entries(MOMENTS))
				test(`${phrase} ends the tetrad for the others, and the next one succeeds`, async () => {
					await killAt(moment as keyof typeof MOMENTS);
					if (victim !== "A") await servers.start(victim);
					await sendSmallFile();
					await leftBehind(moment === "file" && victim === "B");
				});

			async function killAt(moment: keyof typeof MOMENTS): Promise<void> {
				const b = servers.get("B");
				const { length } = b.all("progress");
				const file = ["--send", servers.homes.at("large")];
				// Its module never speaks, so A never ends this by itself.
				await using caller = servers.call(
					...["--greet", "hello", ...(moment === "file" ? file : [])],
				);
				if (moment === "file") await b.expect("progress", length);
				else await caller.expect(moment);
				await (victim === "A" ? caller : servers.get(victim)).kill();
				if (victim !== "A") {
					saysWhy(await caller.exits(1));
					assert.ok(allEnded(caller));
					for (const { code } of caller.all("ended")) assert.ok(code);
				}
				const survivors = SERVERS.filter((place) => place !== victim);
				await servers.untilAllEnded(...survivors);
				const names = b.all("file-received").map(({ name }) => name);
				assert.ok(!names.includes("large"));
			}

			async function sendSmallFile(): Promise<void> {
				const path = servers.homes.at("small");
				const b = servers.get("B");
				const { length } = b.all("file-received");
				await using caller = servers.call("--send", path);
				await caller.exits(0);
				const got = await b.expect("file-received", length);
				const sent = await readFile(path);
				const sha256 = createHash("sha256").update(sent).digest("hex");
				assert.equal(got.sha256, sha256);
				assert.ok((await readFile(got.path ?? "")).equals(sent));
				await servers.untilAllEnded(...SERVERS);
				for (const place of SERVERS) {
					assert.equal(servers.get(place).gone, false);
					assert.equal(servers.get(place).stderr, "");
				}
				for (const { code } of b.all("refused"))
					assert.notEqual(code, "internal");
			}

			/** Only a receiver that was killed itself leaves half a file. */
			async function leftBehind(half: boolean): Promise<void> {
				const names = await readdir(servers.homes.at("inbox"));
				assert.deepEqual(
					names.filter((name) => name.startsWith("large")).sort(),
					half ? ["large", "large.part"] : [],
				);
			}
		});
});
