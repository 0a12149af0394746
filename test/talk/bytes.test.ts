/* What agents say to each other and to their modules is on the wire as the document says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { AgentPayments, type Head } from "../../src/money/index.ts";
import {
	ModuleGreeting,
	parseText,
	textMessage,
} from "../../src/talk/index.ts";
import { hex } from "../../src/wire/index.ts";
import { CONTRACT, GOLDEN, HELLO_DIGEST, ISSUER } from "./golden.ts";
import {
	answering,
	PAYMENT_OF_650,
	proposing,
	Run,
	receiving,
	sendingOf,
	TERMS,
	unhex,
} from "./support.ts";

const heard = (text: string) =>
	({ kind: "from-agent", bytes: unhex(text) }) as const;

test("a text", () => {
	assert.equal(hex(textMessage("hello")), GOLDEN.text);
	assert.equal(parseText(unhex(GOLDEN.text)), "hello");
});

test("greetings of a module", () => {
	const module = new Run(new ModuleGreeting("hello"));
	assert.deepEqual(module.does({ kind: "begin" }), [
		`to-module ${GOLDEN.text}`,
	]);
	module.does({ kind: "from-agent", bytes: unhex(GOLDEN.text) });
	assert.equal(
		module.does({ kind: "from-module", bytes: unhex(GOLDEN.text) }).at(-1),
		`to-agent ${GOLDEN.text}`,
	);
});

test("a file that is sent", () => {
	const file = sendingOf("a.txt", 5);
	assert.deepEqual(file.does({ kind: "begin" }), [
		`to-agent ${GOLDEN.fileOffer}`,
	]);
	file.does({ kind: "sent" });
	const bytes = new TextEncoder().encode("hello");
	assert.deepEqual(file.does({ kind: "read", bytes }), [
		`to-agent ${GOLDEN.fileChunk}`,
	]);
	file.does({ kind: "sent" });
	assert.deepEqual(file.does({ kind: "read", bytes: new Uint8Array() }), [
		`to-agent ${GOLDEN.fileEnd}`,
	]);
	file.does({ kind: "sent" });
	assert.deepEqual(file.does(heard(GOLDEN.fileAcknowledgement)), [
		`delivered ${HELLO_DIGEST}`,
		"ended: self",
	]);
});

test("a file that is received", () => {
	const file = receiving();
	assert.deepEqual(file.does(heard(GOLDEN.fileOffer)), ["create a.txt"]);
	file.does({ kind: "created" });
	assert.deepEqual(file.does(heard(GOLDEN.fileChunk)), ["write 68656c6c6f"]);
	file.does({ kind: "written" });
	assert.deepEqual(file.does(heard(GOLDEN.fileEnd)), ["keep"]);
	assert.deepEqual(file.does({ kind: "kept", path: "in/a.txt" }), [
		`received a.txt, 5, ${HELLO_DIGEST} at in/a.txt`,
	]);
	assert.deepEqual(file.does({ kind: "acknowledge" }), [
		`to-agent ${GOLDEN.fileAcknowledgement}`,
	]);
});

test("a payment that is proposed", () => {
	const welcome = proposing();
	assert.deepEqual(welcome.does({ kind: "begin" }), [
		`to-agent ${GOLDEN.proposePayment}`,
	]);
	welcome.does({ kind: "sent" });
	assert.deepEqual(welcome.does(heard(GOLDEN.paymentWelcome)), ["pay 650"]);

	const unwelcome = proposing();
	unwelcome.does({ kind: "begin" }, { kind: "sent" });
	const [end, ...more] = unwelcome.machine.handle(
		heard(GOLDEN.paymentUnwelcome),
		0,
	);
	assert.ok(end?.kind === "ended" && more.length === 0);
	assert.equal(end.error?.code, "payment-refused");
	assert.match(end.error?.message ?? "", /: no$/);
});

test("a payment that is welcome, and one that is not", () => {
	const agent = answering({ issuers: [TERMS] });
	agent.does({ kind: "begin" });
	assert.deepEqual(agent.does(heard(GOLDEN.proposePayment)), [
		"expect 650 of mint for tea",
	]);
	assert.deepEqual(agent.does({ kind: "expecting" }), [
		`to-agent ${GOLDEN.paymentWelcome}`,
	]);
	agent.does({ kind: "sent" }, heard(GOLDEN.proposePayment));
	const error = new TetradError("payment-refused", "no");
	assert.deepEqual(agent.does({ kind: "not-expecting", error }), [
		`to-agent ${GOLDEN.paymentUnwelcome}`,
	]);
});

test("what an agent asks of its module", () => {
	const head: Head = { number: 7n, hash: unhex("ab".repeat(32)) };
	const agent = new Run(new AgentPayments());
	const payment = PAYMENT_OF_650;
	const other = { ...payment, contract: unhex("c1".repeat(32)) };
	assert.deepEqual(
		agent.does(
			{ kind: "opened", head },
			{ kind: "pay", ask: 1, payment, text: "a book" },
			{ kind: "expect", ask: 2, payment: other, text: "" },
			{ kind: "settle", ask: 3, issuer: unhex(ISSUER) },
		),
		[
			`to-module ${GOLDEN.witness}`,
			`to-module ${GOLDEN.pay}`,
			`to-module ${GOLDEN.expect.replaceAll(CONTRACT, "c1".repeat(32))}`,
			`to-module ${GOLDEN.settle}`,
		],
	);
});
