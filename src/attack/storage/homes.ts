/* The files of a device that does not run, as somebody with a hand on the disk leaves them. */
import {
	cp,
	mkdir,
	readdir,
	readFile,
	rename,
	rm,
	symlink,
	truncate,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { importList, readHome } from "../../device/home/index.ts";
import { TrustedAgent } from "../../device/runtime/index.ts";
import { asTetradError, type ErrorCode } from "../../errors.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { allOf } from "../calls.ts";
import { Linked } from "../links/index.ts";
import type { Target } from "../target.ts";

const group = "storage";

const DAY_MS = 86_400_000;

/** How opening a device ends. */
async function opens(
	home: string,
	now: () => number = Date.now,
): Promise<{ readonly code: ErrorCode | "opened"; readonly reason: string }> {
	try {
		await using read = await readHome(home, "agent", { now });
		const { identity, policy, clock, lists } = read;
		const agent = new TrustedAgent({ identity, policy, clock, lists });
		await agent.close();
		return { code: "opened", reason: "" };
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		return { code, reason: message };
	}
}

/**
 * Has somebody change the home of an agent that was in order, and opens it again. Each time it is
 * a home of its own.
 */
async function changing(
	target: Target,
	change: (home: string) => Promise<void>,
	codes: readonly ErrorCode[],
	now?: () => number,
): Promise<Outcome> {
	const folder = await target.newSide("stored", "buyer");
	const home = join(folder, "agent");
	const before = await opens(home);
	if (before.code !== "opened")
		return broken(`a home that is in order is refused: ${before.reason}`);
	await change(home);
	const { code, reason } = await opens(home, now);
	await rm(folder, { recursive: true, force: true });
	if (code === "opened") return broken("the device starts as if nothing were");
	return codes.includes(code)
		? held(`the device does not start: ${code}`)
		: broken(`the device ended with ${code}: ${reason}`);
}

async function changeJson(
	path: string,
	change: (value: Record<string, unknown>) => unknown,
): Promise<void> {
	const value = JSON.parse(await readFile(path, "utf8"));
	await writeFile(path, JSON.stringify(change(value)));
}

/** A second side, of which something is put into the first. */
async function otherHome(target: Target): Promise<string> {
	return join(await target.newSide("other", "buyer"), "agent");
}

export const HOME_ATTACKS: readonly Attack[] = [
	{
		name: "key-behind-a-link",
		group,
		tried: "the key of a device is a symbolic link, and a folder",
		reference: "docs/keys.md; CWE-59",
		run: (target) =>
			allOf(["link", "folder"] as const, (as) =>
				changing(
					target,
					async (home) => {
						const key = join(home, "key.pem");
						await rename(key, join(home, "elsewhere"));
						if (as === "link") await symlink(join(home, "elsewhere"), key);
						else await mkdir(key);
					},
					["home-unusable"],
				),
			),
	},
	{
		name: "key-of-another-device",
		group,
		tried: "the key, and the chain, of another device are put into a home",
		reference: "docs/keys.md",
		run: (target) =>
			allOf(["key.pem", "chain.pem"], async (file) => {
				const other = await otherHome(target);
				return changing(
					target,
					(home) => cp(join(other, file), join(home, file)),
					["invalid-argument", "home-unusable", "chain-refused"],
				);
			}),
	},
	{
		name: "pairing-of-another-device",
		group,
		tried:
			"an agent is given the pairing of another agent, and calls its own module",
		reference: "docs/protocol.md, Links",
		async run(target) {
			const mallory = await target.hostile();
			const { key } = JSON.parse(
				await readFile(join(mallory.side.agent.home, "pairing.json"), "utf8"),
			) as { key: string };
			await using linked = await Linked.open(
				target,
				target.side("buyer").module.at,
				(pairing) => ({
					...pairing,
					key: new Uint8Array(Buffer.from(key, "hex")),
				}),
			);
			const code = await linked.reach();
			return code === "linked"
				? broken("the module serves it")
				: held(`the module refused it: ${code}`);
		},
	},
	{
		name: "policy-with-other-words",
		group,
		tried:
			"policy.json has a demand that nobody knows, trusts nobody, or is no JSON",
		reference: "docs/identity.md, policy.json",
		run: (target) =>
			allOf<(policy: Record<string, unknown>) => unknown>(
				[
					(policy) => ({ ...policy, demand: {} }),
					(policy) => ({ ...policy, accept: { roots: ["any"] } }),
					() => [],
				],
				(change) =>
					changing(
						target,
						(home) => changeJson(join(home, "policy.json"), change),
						["home-unusable"],
					),
			),
	},
	{
		name: "state-that-is-cut",
		group,
		tried:
			"what a device has seen of time and lists is cut, and replaced by nonsense",
		reference: "docs/stores.md",
		run: (target) =>
			allOf(["cut", "nonsense"] as const, (how) =>
				changing(
					target,
					async (home) => {
						const path = join(home, "state.json");
						// A device that has seen nothing has none.
						if (!(await readdir(home)).includes("state.json"))
							await writeFile(path, '{"version":1}', { mode: 0o600 });
						if (how === "cut") await truncate(path, 7);
						else await writeFile(path, "\0\0\0");
					},
					["home-unusable"],
				),
			),
	},
	{
		name: "lists-put-back",
		group,
		tried:
			"the untrusted lists of a device are put back to those of before, and taken away",
		reference: "docs/identity.md, Untrusted lists",
		async run(target) {
			await using agency = await target.authority("agency");
			const [first, second] = [
				(await agency.publish({})).bundle,
				(await agency.publish({})).bundle,
			];
			return allOf(["older", "none"] as const, (to) =>
				changing(
					target,
					async (home) => {
						const lists = join(home, "lists");
						await importList(home, first);
						await cp(lists, `${lists}.old`, { recursive: true });
						await importList(home, second);
						await rm(lists, { recursive: true });
						if (to === "older") await rename(`${lists}.old`, lists);
					},
					["list-refused", "home-unusable"],
				),
			);
		},
	},
	{
		name: "clock-put-back",
		group,
		tried:
			"the clock of the machine is put back behind what the device has seen",
		reference:
			"docs/identity.md, clocks; RFC 5905 on time that is not authenticated",
		async run(target) {
			await using agency = await target.authority("agency");
			const { bundle } = await agency.publish({});
			return changing(
				target,
				// The device has seen the time at which it took the list.
				(home) => importList(home, bundle).then(() => {}),
				["clock-wrong", "chain-refused"],
				() => Date.now() - 10 * DAY_MS,
			);
		},
	},
];
