/* What every store on a disk does for processes beside and after the one that has it open. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertThere, type Contract } from "./contract.ts";
import { Script, STREAM } from "./script.ts";
import { increment, openAt } from "./support.ts";

export function processesContract(
	name: string,
	{ make, skip = false }: Pick<Contract, "make" | "skip">,
): void {
	describe(`${name} store: several processes`, { skip }, () => {
		test("a second opener is told that it is busy, here and in another process, until it is closed", async () => {
			const place = await make();
			const open = `say(await support.openAt(place).then(
				async (store) => { await store[Symbol.asyncDispose](); return "opened"; },
				({ code }) => code));`;
			{
				await using store = await openAt(place);
				await assert.rejects(openAt(place), {
					code: "busy",
					message: /in use/,
				});
				await store.transact(increment("n"));
				await using script = new Script(place, open);
				await script.exited;
				assert.deepEqual(script.lines, ["busy"], script.stderr);
				await store.transact(increment("n"));
			}
			await using script = new Script(place, open);
			await script.exited;
			assert.deepEqual(script.lines, ["opened"], script.stderr);
		});

		test("after SIGKILL in the middle of a stream everything acknowledged is there, and nothing is half there", async () => {
			const place = await make();
			let acknowledged = 0;
			for (const count of [1, 300]) {
				const stream = STREAM.replace("next = 0", `next = ${count * 1000}`);
				await using script = new Script(place, stream);
				await script.said(count);
				await script.kill();
				await using store = await openAt(place);
				acknowledged += script.lines.length;
				await assertThere(store, script.lines);
			}
			assert.ok(acknowledged >= 301);
		});
	});
}
