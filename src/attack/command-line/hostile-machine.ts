/* Files, folders, variables and processes of a machine that others share. */
import {
	chmod,
	cp,
	readdir,
	readFile,
	stat,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { readOperatorToken } from "../../device/issuer/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import { NotTried } from "../not-tried.ts";
import { runCommand } from "./run-command.ts";

/** Beside these, files of homes are what everybody may know; the folder around them is closed. */
const SECRETS =
	/^(key\.(pem|sealed)|pairing\.json|operator\.token|mcp\.token|selling\.secret|.*\.db)$/;

export const HOSTILE_MACHINE: readonly Attack[] = [
	{
		name: "secrets-where-others-see-them",
		group: "command-line",
		tried:
			"Somebody else on the machine looked for tokens and keys in lists of processes, and in what devices say.",
		reference: "CWE-214, visible process arguments",
		async run(target) {
			const sandbox = target.sandbox("processes that are known");
			const { module } = target.side("issuer");
			const secrets = [await readOperatorToken(module.home)];
			for (const name of ["merchant", "buyer", "issuer"] as const)
				for (const device of ["agent", "module"] as const) {
					const { home } = target.side(name)[device];
					const { key } = JSON.parse(
						await readFile(join(home, "pairing.json"), "utf8"),
					);
					const pem = await readFile(join(home, "key.pem"), "utf8");
					secrets.push(key, pem.split("\n")[1] ?? key);
				}
			const lines = await commandLines();
			const ours = lines.filter((line) => line.includes(sandbox));
			if (ours.length === 0)
				throw new NotTried("there is no list of processes");
			const said = target.heard().map(({ event }) => JSON.stringify(event));
			const seen = [...lines, ...said].join("\n");
			return secrets.some((secret) => seen.includes(secret))
				? broken("one of them is in it")
				: held(
						`none of ${secrets.length} is in ${ours.length} command lines and ${said.length} events`,
					);
		},
	},
	{
		name: "files-that-others-may-read",
		group: "command-line",
		tried: "Another user of the machine read the folders of all sides.",
		reference: "docs/keys.md",
		async run(target) {
			const open: string[] = [];
			let count = 0;
			for (const name of ["merchant", "buyer", "issuer"] as const) {
				const side = target.sides[name];
				if (side === undefined) continue;
				for (const { home } of [side.agent, side.module]) {
					if (((await stat(home)).mode & 0o077) !== 0) open.push(home);
					for (const file of await readdir(home)) {
						count++;
						const { mode } = await stat(join(home, file));
						if (SECRETS.test(file) && (mode & 0o077) !== 0)
							open.push(join(home, file));
					}
				}
			}
			if (count === 0) throw new NotTried("nobody has lent a side");
			return open.length === 0
				? held(`${count} files are in folders for their owner only`)
				: broken(`others may read ${open.join(", ")}`);
		},
	},
	{
		name: "settings-that-others-may-write",
		group: "command-line",
		tried:
			"Others were let write the settings of a side, the folder of it, and of a user; and read the home of a device.",
		reference: "CWE-732, permissions",
		async run(target, signal) {
			const folder = await target.newSide("open-side", "buyer");
			const balance = (environment = {}) =>
				runCommand(["balance", "--home", folder], signal, environment);
			const honest = await balance();
			if (honest.code !== 0) return broken(`an honest side: ${honest.said}`);
			const config = target.newPath("config");
			await cp(folder, join(config, "tetrad"), { recursive: true });
			await writeFile(join(config, "tetrad", "tetrad.toml"), "");
			await chmod(join(config, "tetrad", "tetrad.toml"), 0o666);
			const module = join(folder, "module");
			for (const [path, mode, environment] of [
				[join(folder, "tetrad.toml"), 0o666, {}],
				[folder, 0o777, {}],
				[module, 0o755, {}],
				[
					join(config, "tetrad", "tetrad.toml"),
					0o666,
					{
						XDG_CONFIG_HOME: config,
					},
				],
			] as const) {
				const before = (await stat(path)).mode & 0o777;
				await chmod(path, mode);
				const { code, said } = await balance(environment);
				await chmod(path, before);
				if (code !== 1) return broken(`${path} was believed: ${said}`);
				if (!said.includes("home-unusable"))
					return broken(`refused for another reason: ${said}`);
			}
			return held("each is refused, and the command says how to close it");
		},
	},
	{
		name: "second-process-on-one-home",
		group: "command-line",
		tried: "A second module was started on the home of one that runs.",
		reference: "docs/stores.md",
		async run(target, signal) {
			const { module } = target.side("merchant");
			const { code, said } = await runCommand(
				[
					...["module", "--home", module.home, "--json"],
					...["--listen", `unix:${target.newPath("s")}`],
				],
				signal,
			);
			return code === 1 && said.includes('"busy"')
				? held("refused: busy")
				: broken(`it ended with ${code}: ${said}`);
		},
	},
	{
		name: "receipt-that-was-forged",
		group: "command-line",
		tried:
			"A receipt was shown with another item in it, with a bit flipped, cut, and with bytes behind it.",
		reference: "docs/trade.md, Receipt of a purchase",
		async run(target, signal) {
			const sandbox = target.sandbox("roots of its authorities");
			const { contract } = await target.buyOnce(signal);
			const genuine = await target.withBuyer((agent) =>
				agent.receipt(contract),
			);
			const verify = async (bytes: Uint8Array) => {
				const file = target.newPath("receipt");
				await writeFile(file, bytes);
				return runCommand(
					[
						...["verify", file, "--agency", join(sandbox, "agency")],
						...["--bank", join(sandbox, "bank")],
					],
					signal,
				);
			};
			const honest = await verify(genuine);
			if (honest.code !== 0) return broken(`a genuine one: ${honest.said}`);
			const text = Buffer.from(genuine);
			const at = text.lastIndexOf("capitals");
			const renamed = Uint8Array.from(genuine);
			renamed.set(Buffer.from("mansions"), Math.max(0, at));
			const flipped = Uint8Array.from(genuine);
			const middle = Math.floor(flipped.length / 3);
			flipped[middle] = (flipped[middle] ?? 0) ^ 1;
			for (const forged of [
				renamed,
				flipped,
				genuine.slice(0, -1),
				Uint8Array.of(...genuine, 0),
			]) {
				const { code, said } = await verify(forged);
				if (code !== 1) return broken(`it was believed: ${said}`);
			}
			return held("the genuine one is believed, and none of the others");
		},
	},
];

/** What everybody sees of processes of this machine; nothing where there is no list of them. */
async function commandLines(): Promise<readonly string[]> {
	const ids = await readdir("/proc").catch(() => []);
	const lines: string[] = [];
	for (const id of ids)
		if (/^\d+$/.test(id))
			lines.push(await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => ""));
	return lines;
}
