import assert from "node:assert/strict";
import { cp, readFile, rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { connect } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { startInitiator, suiteByName } from "../../src/session/index.ts";
import { enc, encodeFrame, FRAME, utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { Command, failureIn, type PairEvent } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let template: Homes;

before(async () => {
	folder = await temporaryFolder();
	template = await Homes.make(folder.path);
	for (const place of ["A", "X"] as const)
		await rm(`${template.of(place)}/pairing.json`);
});
after(() => folder[Symbol.asyncDispose]());

/** The homes of A and X, not paired, for one test. */
async function unpaired(name: string): Promise<{ A: string; X: string }> {
	const homes = {
		A: template.at(`${name}-alice`),
		X: template.at(`${name}-purse`),
	};
	for (const place of ["A", "X"] as const)
		await cp(template.of(place), homes[place], { recursive: true });
	return homes;
}

const pairing = (home: string, ...flags: string[]) =>
	new Command<PairEvent>(["pair", "--json", "--home", home, ...flags]);

const isPaired = (home: string) =>
	readFile(`${home}/pairing.json`, "utf8").then(
		() => true,
		() => false,
	);

/** Runs the module and the agent, and waits until they are linked. */
async function link(homes: { A: string; X: string }): Promise<void> {
	const at = `${homes.X}.link`;
	await using module = new Command([
		...["module", "--json", "--home", homes.X, "--listen", `unix:${at}`],
	]);
	await module.expect("listening");
	await using agent = new Command([
		...["agent", "--json", "--home", homes.A, "--module", `unix:${at}`],
		...["--listen", "127.0.0.1:0"],
	]);
	await agent.expect("linked");
	await module.expect("linked");
	for (const command of [agent, module]) {
		command.terminate();
		await command.exits(0);
	}
}

test("two processes that pair show the same code, and the pairing survives a restart of both", async () => {
	const homes = await unpaired("both");
	const at = `unix:${homes.X}.pair`;
	await using module = pairing(homes.X, "--listen", at, "--yes");
	assert.equal((await module.expect("listening")).address, at);
	await using agent = pairing(homes.A, "--connect", at, "--yes");
	await Promise.all([agent.exits(0), module.exits(0)]);
	const [atAgent, atModule] = [
		await agent.expect("compare"),
		await module.expect("compare"),
	];
	assert.match(atAgent.code ?? "", /^[a-z]+ [a-z]+ [a-z]+$/);
	assert.equal(atAgent.code, atModule.code);
	assert.equal(atAgent.peer, "alice-purse");
	assert.equal(atModule.peer, "alice");
	const keys = await Promise.all(
		[homes.A, homes.X].map(async (home) => {
			const text = await readFile(`${home}/pairing.json`, "utf8");
			return (JSON.parse(text) as { key: string }).key;
		}),
	);
	assert.equal(keys[0], keys[1]);
	for (const said of [agent.stdout, agent.stderr, module.stdout])
		assert.ok(!said.includes(keys[0] as string), "the key is not shown");
	await link(homes);
	await link(homes);
});

test("without a terminal and without --yes nobody is asked, and neither is paired", async () => {
	for (const asks of ["agent", "module"] as const) {
		const homes = await unpaired(asks);
		const at = `unix:${homes.X}.pair`;
		const yes = (who: string) => (who === asks ? [] : ["--yes"]);
		await using module = pairing(homes.X, "--listen", at, ...yes("module"));
		await module.expect("listening");
		await using agent = pairing(homes.A, "--connect", at, ...yes("agent"));
		const [asking, other] =
			asks === "agent" ? [agent, module] : [module, agent];
		const { stderr } = await asking.exits(2);
		assert.match(stderr, /nobody is there to compare the code; use --yes/);
		const refused = await other.exits(1);
		assert.equal(failureIn(refused).code, "pairing-failed");
		assert.equal(await isPaired(homes.A), false);
		assert.equal(await isPaired(homes.X), false);
	}
});

test("a module that waits for its agent stops when it is asked to, and is not paired", async () => {
	const homes = await unpaired("stopped");
	await using module = pairing(homes.X, "--listen", `unix:${homes.X}.pair`);
	await module.expect("listening");
	module.terminate();
	assert.deepEqual(failureIn(await module.exits(1)), {
		code: "aborted",
		reason: "nobody paired",
	});
	assert.equal(await isPaired(homes.X), false);
});

test("an agent that pairs with nobody there says so", async () => {
	const homes = await unpaired("alone");
	await using agent = pairing(
		homes.A,
		"--connect",
		`unix:${homes.X}.pair`,
		"--yes",
	);
	const { stderr } = await agent.exits(1);
	assert.match(stderr, /start the other device first/);
});

test("a person is asked at a terminal; what the person says decides, and a refusal ends the question at the other", async () => {
	const homes = await unpaired("asked");
	const at = `unix:${homes.X}.pair`;
	for (const answer of ["no", "yes"]) {
		await using module = pairing(homes.X, "--listen", at, "--yes");
		await module.expect("listening");
		await using agent = Command.atTerminal([
			...["pair", "--home", homes.A, "--connect", at],
		]);
		await agent.until(
			() => /type yes if it does/.test(agent.stdout),
			"the question",
		);
		agent.type(`${answer}\r`);
		await agent.exits(answer === "yes" ? 0 : 1);
		await module.exits(answer === "yes" ? 0 : 1);
		assert.equal(await isPaired(homes.A), answer === "yes");
		assert.equal(await isPaired(homes.X), answer === "yes");
	}
});

test("what was typed before the question answers nothing, and what is neither yes nor no is asked again", async () => {
	const homes = await unpaired("early");
	const at = `unix:${homes.X}.pair`;
	for (const answer of ["no", "YES"]) {
		await using module = Command.atTerminal([
			...["pair", "--home", homes.X, "--listen", at],
		]);
		await module.until(() => /waiting for/.test(module.stdout), "ready");
		// A whole line, and one that the Enter at the question would end.
		module.type("yes\ryes");
		await module.until(() => /yes\s+yes/.test(module.stdout), "the echo");
		await using agent = pairing(homes.A, "--connect", at, "--yes");
		const asked = (times: number) =>
			module.until(
				() => module.stdout.split("type yes if it does").length > times,
				`question ${times}`,
			);
		await asked(1);
		for (const [times, other] of ["", "maybe", "y", "yes yes"].entries()) {
			module.type(`${other}\r`);
			await asked(times + 2);
		}
		module.type(`${answer}\r`);
		await module.exits(answer === "no" ? 1 : 0);
		await agent.exits(answer === "no" ? 1 : 0);
		assert.equal(await isPaired(homes.X), answer !== "no");
		assert.equal(await isPaired(homes.A), answer !== "no");
	}
});

test("a question at a terminal ends when the other device goes away", async () => {
	const homes = await unpaired("left");
	const at = `unix:${homes.X}.pair`;
	await using module = Command.atTerminal([
		...["pair", "--home", homes.X, "--listen", at],
	]);
	await module.until(
		() => /waiting for the agent/.test(module.stdout),
		"ready",
	);
	await using agent = Command.atTerminal([
		...["pair", "--home", homes.A, "--connect", at],
	]);
	for (const command of [agent, module])
		await command.until(
			() => /type yes if it does/.test(command.stdout),
			"the question",
		);
	await agent.kill();
	const { stdout } = await module.exits(1);
	assert.match(stdout, /went away|broke|refused/);
	assert.equal(await isPaired(homes.X), false);
});

test("control-C at the question is a no", async () => {
	const homes = await unpaired("interrupted");
	const at = `unix:${homes.X}.pair`;
	await using module = pairing(homes.X, "--listen", at, "--yes");
	await module.expect("listening");
	await using agent = Command.atTerminal([
		...["pair", "--home", homes.A, "--connect", at],
	]);
	await agent.until(
		() => /type yes if it does/.test(agent.stdout),
		"the question",
	);
	agent.type("\u0003");
	const { code } = await agent.exited;
	assert.notEqual(code, 0);
	await module.exits(1);
	assert.equal(await isPaired(homes.A), false);
});

/** Calls as a stranger does that computes the module's code from P2 and breaks off before P3. */
async function callAndBreakOff(at: string): Promise<number> {
	const carrier = await connect(at);
	const answered = Promise.withResolvers<number>();
	carrier.receive({
		frame: (bytes) => answered.resolve(bytes[0] as number),
		closed: () => answered.resolve(0),
	});
	const { message1 } = startInitiator(
		nodeCrypto,
		{
			protocol: suiteByName("hybrid-aesgcm").protocol,
			prologue: enc(utf8("tetrad/1 pairing")),
		},
		enc(nodeCrypto.random(32)),
	);
	carrier.send(encodeFrame(FRAME.pairHello, message1));
	const type = await answered.promise;
	carrier.close();
	return type;
}

/** Waits until `module` has seen that `calls` callers went away: it takes one at a time. */
const breaksOff = (
	module: Pick<Command, "stdout" | "stderr" | "until">,
	calls: number,
) =>
	module.until(
		() =>
			`${module.stdout}${module.stderr}`.split("not a pairing").length > calls,
		"the caller gone",
	);

test("three tries that come to nothing are shown, end the waiting, and the next one waits for the owner", async () => {
	const homes = await unpaired("tried");
	const at = `unix:${homes.X}.pair`;
	const waits = (...flags: string[]) =>
		pairing(homes.X, "--listen", at, "--yes", ...flags);
	{
		await using module = waits();
		await module.expect("listening");
		assert.equal(await callAndBreakOff(at), FRAME.pairAnswer);
		assert.deepEqual(await module.expect("try"), {
			...{ event: "try", number: 1, of: 3 },
		});
		module.terminate();
		await module.exits(1);
	}
	{
		// What was tried before counts, also if the command was stopped between.
		await using module = waits();
		await module.expect("listening");
		for (const number of [2, 3]) {
			assert.equal(await callAndBreakOff(at), FRAME.pairAnswer);
			const shown = `{"event":"try","number":${number},"of":3}\n`;
			await module.until(() => module.stdout.includes(shown), shown);
			await breaksOff(module, number - 1);
		}
		const { code, reason } = failureIn(await module.exits(1));
		assert.equal(code, "pairing-failed");
		assert.match(reason, /3 pairings were tried .*--again$/);
	}
	{
		await using module = waits();
		const { code } = failureIn(await module.exits(1));
		assert.equal(code, "pairing-failed");
		assert.equal(module.stdout, "", "it did not listen");
	}
	await using module = waits("--again");
	await module.expect("listening");
	await using agent = pairing(homes.A, "--connect", at, "--yes");
	await Promise.all([agent.exits(0), module.exits(0)]);
	assert.equal((await module.expect("try")).number, 1);
	await using later = waits();
	await later.expect("listening");
});

test("at a terminal each try is shown, and the owner is asked whether to wait again", async () => {
	const homes = await unpaired("tried-at-terminal");
	const at = `unix:${homes.X}.pair`;
	{
		await using module = Command.atTerminal([
			...["pair", "--home", homes.X, "--listen", at],
		]);
		await module.until(() => /waiting for/.test(module.stdout), "ready");
		for (const number of [1, 2, 3]) {
			assert.equal(await callAndBreakOff(at), FRAME.pairAnswer);
			const shown = `try ${number} of 3`;
			await module.until(() => module.stdout.includes(shown), shown);
			await breaksOff(module, number);
		}
		await module.exits(1);
	}
	for (const answer of ["no", "yes"]) {
		await using module = Command.atTerminal([
			...["pair", "--home", homes.X, "--listen", at],
		]);
		await module.until(() => /wait for three more/.test(module.stdout), "ask");
		module.type(`${answer}\r`);
		if (answer === "no") await module.exits(1);
		else await module.until(() => /waiting for/.test(module.stdout), "ready");
	}
});

/** Pairs an agent with a module that waits, as the agent's number, if one is said. */
async function pairBoth(
	agentHome: string,
	moduleHome: string,
	...flags: string[]
): Promise<readonly [agent: Command<PairEvent>, module: Command<PairEvent>]> {
	const at = `unix:${moduleHome}.pair`;
	await using module = pairing(moduleHome, "--listen", at, "--yes");
	await module.expect("listening");
	await using agent = pairing(
		...([agentHome, "--connect", at, "--yes", ...flags] as const),
	);
	await Promise.all([agent.exited, module.exited]);
	return [agent, module];
}

test("a module that has a number of an agent already is paired with it as no other one, and its link stays as it was", async () => {
	const homes = await unpaired("numbered");
	const second = template.at("numbered-till");
	await cp(template.of("Y"), second, { recursive: true });
	await rm(`${second}/pairing.json`);
	for (const [module, ...flags] of [
		[homes.X],
		[second, "--number", "2"],
	] as const)
		for (const one of await pairBoth(homes.A, module, ...flags))
			assert.equal((await one.exited).code, 0, one.stderr);
	const before = await readFile(`${second}/pairing.json`, "utf8");
	const [agent, module] = await pairBoth(homes.A, second);
	assert.equal((await agent.exited).code, 2);
	assert.match(agent.stderr, /bob-till is module 2 of the agent/);
	assert.equal((await module.exited).code, 1);
	assert.equal(await readFile(`${second}/pairing.json`, "utf8"), before);
	const { peerName } = JSON.parse(
		await readFile(`${homes.A}/pairing.json`, "utf8"),
	);
	assert.equal(peerName, "alice-purse");
});

test("whose place a module takes is said before it is paired, and after", async () => {
	const homes = await unpaired("in-place");
	const other = template.at("in-place-till");
	await cp(template.of("Y"), other, { recursive: true });
	await rm(`${other}/pairing.json`);
	await pairBoth(homes.A, homes.X);
	const [again] = await pairBoth(homes.A, homes.X);
	assert.equal((await again.expect("compare")).replaces, undefined);
	const [agent] = await pairBoth(homes.A, other);
	assert.equal((await agent.expect("compare")).replaces, "alice-purse");
	assert.equal((await agent.expect("paired")).replaces, "alice-purse");
	const at = `unix:${homes.X}.pair`;
	await using module = pairing(homes.X, "--listen", at, "--yes");
	await module.expect("listening");
	await using asked = Command.atTerminal([
		...["pair", "--home", homes.A, "--connect", at],
	]);
	await asked.until(() => /type yes if it does/.test(asked.stdout), "it asks");
	assert.match(asked.stdout, /alice-purse takes the place of bob-till/);
	asked.type("yes\r");
	await asked.exits(0);
	assert.match(
		asked.stdout,
		/paired with alice-purse, in the place of bob-till/,
	);
});
