import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { MintProcess } from "../../src/device/mint/index.ts";
import { programFile } from "../../src/package-file.ts";
import { temporaryFolder } from "../support/folders.ts";
import { blindFor, isRefused, type Proof, pointOf } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are what the tests look into
type Json = any;

/** What a mint at an address answers, refusals too. Rejects when there is no answer. */
async function say(url: string, path: string, body?: object): Promise<Json> {
	const answer = await fetch(`${url}/v1/${path}`, {
		...(body && { method: "POST", body: JSON.stringify(body) }),
	});
	return answer.json();
}

const keysetAt = async (url: string) => (await say(url, "keys")).keysets[0];

/** So many proofs of 1. */
async function mintAt(url: string, count: number): Promise<Proof[]> {
	const { quote } = await say(url, "mint/quote/bolt11", {
		unit: "sat",
		amount: count,
	});
	const ones = Array.from({ length: count }, () => 1);
	const { outputs, unblind } = blindFor(await keysetAt(url), ones);
	return unblind(await say(url, "mint/bolt11", { quote, outputs }));
}

describe("a play mint in a process of its own", () => {
	test("loses nothing that it answered when it is killed, and does nothing by halves", async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, "mint.db");
		for (const killedAfter of [1, 5, 12]) {
			const mint = await MintProcess.start({ path });
			const { url } = mint;
			const keyset = await keysetAt(url);
			const proofs = await mintAt(url, 16);
			const swaps = proofs.map((proof) => ({
				proof,
				outputs: blindFor(keyset, [1]).outputs,
			}));
			let answers = 0;
			const answered = await Promise.all(
				swaps.map(async ({ proof, outputs }) => {
					try {
						const { signatures } = await say(url, "swap", {
							inputs: [proof],
							outputs,
						});
						if (++answers === killedAfter) await mint.kill();
						return signatures;
					} catch {
						return undefined;
					}
				}),
			);
			await mint.ended;
			assert.ok(answers >= killedAfter);

			await using again = await MintProcess.start({ path });
			assert.deepEqual(await keysetAt(again.url), keyset);
			for (const [at, { proof, outputs }] of swaps.entries()) {
				const { states } = await say(again.url, "checkstate", {
					Ys: [pointOf(proof)],
				});
				const { signatures } = await say(again.url, "restore", { outputs });
				const isSpent = states[0].state === "SPENT";
				assert.equal(signatures.length, isSpent ? 1 : 0);
				if (answered[at] !== undefined)
					assert.deepEqual(signatures, answered[at]);
				const request = { inputs: [proof], outputs };
				const answer = await say(again.url, "swap", request);
				assert.equal(answer.signatures.length, 1);
			}
		}
	});

	test("does what whoever started it asks", async () => {
		await using mint = await MintProcess.start({
			path: ":memory:",
			payment: "by-hand",
			melting: "by-hand",
		});
		const { url } = mint;
		const ask = () => say(url, "mint/quote/bolt11", { unit: "sat", amount: 2 });
		const { quote } = await ask();
		await mint.order({ kind: "pay", quote });
		const before = await keysetAt(url);
		const { outputs, unblind } = blindFor(before, [2]);
		const inputs = unblind(await say(url, "mint/bolt11", { quote, outputs }));
		const melt = await say(url, "melt/quote/bolt11", {
			unit: "sat",
			request: (await say(url, "mint/quote/bolt11", { unit: "sat", amount: 1 }))
				.request,
		});
		const { state } = await say(url, "melt/bolt11", {
			quote: melt.quote,
			inputs,
		});
		assert.equal(state, "PENDING");
		await mint.order({ kind: "settle-melt", quote: melt.quote, isPaid: true });
		const settled = await say(url, `melt/quote/bolt11/${melt.quote}`);
		assert.equal(settled.state, "PAID");
		await mint.order({ kind: "rotate", unit: "sat" });
		assert.notEqual((await keysetAt(url)).id, before.id);
		await mint.order({ kind: "fault", fault: { kind: "down" } });
		await assert.rejects(ask());
		await mint.order({ kind: "clear" });
		assert.ok((await ask()).quote);
		await assert.rejects(mint.order({ kind: "pay", quote: "0" }), {
			code: "invalid-argument",
		});
		await assert.rejects(mint.order({ kind: "dance" } as never), {
			code: "invalid-argument",
		});
	});

	test("keeps what its owner did when it is killed afterwards", async () => {
		await using folder = await temporaryFolder();
		const settings = {
			path: join(folder.path, "mint.db"),
			payment: "by-hand",
		} as const;
		const mint = await MintProcess.start(settings);
		const asked = await say(mint.url, "mint/quote/bolt11", {
			unit: "sat",
			amount: 1,
		});
		await mint.order({ kind: "pay", quote: asked.quote });
		await mint.kill();
		await assert.rejects(mint.order({ kind: "clear" }), {
			code: "carrier-failed",
		});
		await using again = await MintProcess.start(settings);
		const quote = await say(again.url, `mint/quote/bolt11/${asked.quote}`);
		assert.equal(quote.state, "PAID");
	});

	test("is well again when it is told so, also if it was killed while it was not", async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, "mint.db");
		const mint = await MintProcess.start({ path });
		const [proof] = await mintAt(mint.url, 1);
		assert.ok(proof);
		const keyset = await keysetAt(mint.url);
		const { outputs } = blindFor(keyset, [1]);
		await mint.order({ kind: "fault", fault: { kind: "stuck-pending" } });
		isRefused(await say(mint.url, "swap", { inputs: [proof], outputs }), 11002);
		await mint.order({ kind: "fault", fault: { kind: "keys-swapped" } });
		assert.notDeepEqual(await keysetAt(mint.url), keyset);
		await mint.kill();
		await using again = await MintProcess.start({ path });
		await again.order({ kind: "clear" });
		assert.deepEqual(await keysetAt(again.url), keyset);
		const answer = await say(again.url, "swap", { inputs: [proof], outputs });
		assert.equal(answer.signatures.length, 1);
	});

	test("says why it cannot start", async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, "mint.db");
		await using mint = await MintProcess.start({ path });
		await assert.rejects(MintProcess.start({ path }), { code: "busy" });
		const port = Number(new URL(mint.url).port);
		await assert.rejects(MintProcess.start({ path: ":memory:", port }), {
			code: "address-in-use",
		});
	});

	test("says line by line where it is, without a channel, and ends when it is asked to", async () => {
		const program = programFile("device/mint/mint-process");
		const child = spawn(
			process.execPath,
			[program, JSON.stringify({ path: ":memory:" })],
			{ stdio: ["ignore", "pipe", "inherit"] },
		);
		const [line] = await once(createInterface(child.stdout), "line");
		const { kind, url } = JSON.parse(line);
		assert.equal(kind, "ready");
		isRefused(await say(url, "swap", {}), 0);
		child.kill("SIGTERM");
		const [code, signal] = await once(child, "exit");
		assert.deepEqual([code, signal], [0, null]);
	});
});
