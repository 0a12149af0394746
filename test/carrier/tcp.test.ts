import assert from "node:assert/strict";
import { Socket } from "node:net";
import { mock, test } from "node:test";
import { carrierContract, tcpPair } from "./contract.ts";
import { Recorder } from "./support.ts";

carrierContract("tcp", tcpPair);

test("tcp carrier: asks after a long silence whether the other end is there, unless it closed", async () => {
	const asked = mock.method(Socket.prototype, "setKeepAlive", () => {});
	mock.timers.enable({ apis: ["setTimeout"] });
	try {
		await using open = await tcpPair();
		await using closed = await tcpPair();
		const ends = [new Recorder(closed.left), new Recorder(closed.right)];
		closed.left.close();
		closed.right.close();
		for (const end of ends) await end.untilClosed();
		mock.timers.tick(29_999);
		assert.equal(asked.mock.callCount(), 0);
		mock.timers.tick(1);
		assert.equal(asked.mock.callCount(), 2);
		assert.equal(open.left.kind, "tcp");
	} finally {
		mock.timers.reset();
		asked.mock.restore();
	}
});
