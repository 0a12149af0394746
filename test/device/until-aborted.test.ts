/* Waiting for one signal that many share and that may live for years. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { suite, test } from "node:test";
import { whenAborted } from "../../src/device/runtime/until-aborted.ts";

suite("who waits for a signal", () => {
	test("shares one listener, of which nothing stays when all have stopped waiting", () => {
		const { signal } = new AbortController();
		const listeners = () => getEventListeners(signal, "abort").length;
		for (let round = 0; round < 3; round++) {
			const stops = Array.from({ length: 50 }, () =>
				whenAborted(signal, () => assert.fail()),
			);
			assert.equal(listeners(), 1);
			for (const stop of stops) stop();
			// Once more changes nothing for those who came after.
			const stop = whenAborted(signal, () => assert.fail());
			for (const again of stops) again();
			assert.equal(listeners(), 1);
			stop();
			assert.equal(listeners(), 0);
		}
	});

	test("is not called when another one that is called stops its waiting", () => {
		const stopping = new AbortController();
		const called: string[] = [];
		const stops: (() => void)[] = [];
		for (const name of ["first", "second", "third"])
			stops.push(
				whenAborted(stopping.signal, () => {
					called.push(name);
					if (name === "first") stops[1]?.();
				}),
			);
		stopping.abort();
		assert.deepEqual(called, ["first", "third"]);
	});

	test("is called once for each time that it waits, though with the same function", () => {
		const stopping = new AbortController();
		let calls = 0;
		const call = () => {
			calls++;
		};
		const stop = whenAborted(stopping.signal, call);
		whenAborted(stopping.signal, call);
		stop();
		stopping.abort();
		assert.equal(calls, 1);
	});
});
