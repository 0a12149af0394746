import { type Command, Option } from "commander";
import type { SignatureAlgorithm } from "../crypto/index.ts";
import {
	createAuthorityHome,
	issueDeviceHome,
	readAuthorityHome,
	readRoots,
} from "../device/authority-home.ts";
import type { AuthorityKind } from "../identity/index.ts";
import { jsonFlag } from "./flags.ts";
import { say, sayJson } from "./voice.ts";

const algorithmFlag = () =>
	new Option("--algorithm <algorithm>", "what the key signs with")
		.choices(["P-256", "Ed25519"])
		.default("P-256");

export function addAuthorityCommands(program: Command): void {
	const authority = program
		.command("authority")
		.description(
			"run an agency, which certifies agents, or a bank, which certifies modules",
		)
		.addHelpText(
			"after",
			`
Examples:
  Make both authorities, then an agent and its module:
    tetrad authority init --kind agency --name "Example Agency" --home agency
    tetrad authority init --kind bank --name "Example Bank" --home bank
    tetrad authority issue --home agency --name alice --device alice --trust bank
    tetrad authority issue --home bank --name alice-purse --device alice-purse --trust agency`,
		);

	authority
		.command("init")
		.description("make an authority with a key in software")
		.addOption(
			new Option("--kind <kind>", "what it certifies: agents or modules")
				.choices(["agency", "bank"])
				.makeOptionMandatory(),
		)
		.requiredOption("--name <name>", "the name in its certificate")
		.requiredOption("--home <folder>", "a new folder for its key and its root")
		.addOption(algorithmFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority init --kind agency --name "Example Agency" --home agency`,
		)
		.action(
			async (flags: {
				kind: AuthorityKind;
				name: string;
				home: string;
				algorithm: SignatureAlgorithm;
				json?: true;
			}) => {
				const { home, kind, name, algorithm } = flags;
				await createAuthorityHome(home, kind, name, algorithm);
				if (flags.json) sayJson({ kind, name, home });
				else
					say(
						`made the ${kind} ${name}; devices that trust it need ${home}/root.pem`,
					);
			},
		);

	authority
		.command("issue")
		.description(
			"make a device's home: a key in software, its certificate, and whom it trusts",
		)
		.requiredOption("--home <folder>", "the authority's home")
		.requiredOption(
			"--name <name>",
			"the certified name: letters a to z, digits, dots and dashes",
		)
		.requiredOption("--device <folder>", "a new folder for the device")
		.requiredOption(
			"--trust <path...>",
			"homes or root files of the authorities of the other kind that the device shall trust",
		)
		.addOption(algorithmFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority issue --home agency --name alice --device alice --trust bank`,
		)
		.action(
			async (flags: {
				home: string;
				name: string;
				device: string;
				trust: string[];
				algorithm: SignatureAlgorithm;
				json?: true;
			}) => {
				const { name, device, algorithm } = flags;
				const issuer = await readAuthorityHome(flags.home);
				const trust = (await Promise.all(flags.trust.map(readRoots))).flat();
				await issueDeviceHome(issuer, { home: device, name, algorithm, trust });
				const role = issuer.kind === "agency" ? "agent" : "module";
				if (flags.json) sayJson({ role, name, home: device });
				else say(`certified the ${role} ${name}; its home is ${device}`);
			},
		);
}
