import assert from "node:assert/strict";
import { Socket } from "node:net";
import { mock, test } from "node:test";
import { carrierContract, type Pair, tcpPair } from "./contract.ts";
import { numbered, Recorder, turns } from "./support.ts";

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

/** Timers that were started and neither ran out nor were stopped; none runs out. */
class Timers implements Disposable {
	readonly running = new Set<unknown>();
	readonly #start: { mock: { restore(): void } };
	readonly #stop: { mock: { restore(): void } };

	constructor() {
		this.#start = mock.method(globalThis, "setTimeout", () => {
			const timer = {
				unref: () => timer,
				ref: () => timer,
				refresh: () => timer,
			};
			this.running.add(timer);
			return timer;
		});
		this.#stop = mock.method(globalThis, "clearTimeout", (timer: unknown) => {
			this.running.delete(timer);
		});
	}

	[Symbol.dispose](): void {
		this.#start.mock.restore();
		this.#stop.mock.restore();
	}
}

test("tcp carrier: holds no timer once it is over, however it ended", async () => {
	using timers = new Timers();
	for (const end of [
		({ left }: Pair) => left.close(),
		({ left }: Pair) => left.destroy(),
		({ left, right }: Pair) => {
			left.send(numbered(1));
			right.close(1);
		},
		({ left, right }: Pair) => {
			left.close();
			right.close();
		},
	]) {
		await using made = await tcpPair({ firstFrameMs: 6000 });
		const ends = [new Recorder(made.left), new Recorder(made.right)];
		await turns(2);
		assert.ok(timers.running.size > 0);
		end(made);
		made.right.close();
		for (const heard of ends) await heard.untilClosed();
		// The sockets hear of it after their carriers.
		for (let i = 0; i < 10_000 && timers.running.size > 0; i++) await turns(1);
		assert.equal(timers.running.size, 0);
	}
});
