import assert from "node:assert/strict";
import { test } from "node:test";
import {
	calmReport,
	type ProcessEvent,
} from "../../src/device/process/index.ts";

const refused = (code: "busy" | "malformed"): ProcessEvent => ({
	event: "refused",
	peer: "tcp:192.0.2.1:4000",
	code,
	reason: "too many",
});

test("of many refusals the first are reported, and the rest as numbers", () => {
	const events: ProcessEvent[] = [];
	const report = calmReport((event) => events.push(event));
	for (let i = 0; i < 60; i++) report(refused("busy"));
	report({ event: "stopped" });
	for (let i = 0; i < 3; i++) report(refused("malformed"));
	assert.equal(events.length, 51);
	assert.deepEqual(events.at(-1), { event: "stopped" });
	report[Symbol.dispose]();
	assert.deepEqual(events.at(-1), {
		event: "refused-more",
		codes: { busy: 10, malformed: 3 },
	});
	// The next ones are reported one by one again.
	report(refused("busy"));
	assert.deepEqual(events.at(-1), refused("busy"));
	report[Symbol.dispose]();
	assert.deepEqual(events.at(-1), refused("busy"));
});
