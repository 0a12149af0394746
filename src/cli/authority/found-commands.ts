/* Commands that make an authority: a root, or an intermediate below one. */
import { type Command, Option } from "commander";
import { jsonFlag, levels } from "../flags.ts";
import { addKeyFlags, addSecretFlags, algorithmFlag } from "../secret-flags.ts";
import type { InitFlags, InstallFlags, RequestFlags } from "./found.ts";

const kindFlag = () =>
	new Option("--kind <kind>", "what it certifies: agents or modules").choices([
		"agency",
		"bank",
	]);

const ATTESTS_FLAG = [
	"--attests <levels>",
	"levels of tamper resistance that it may attest, with commas; software attests nothing",
] as const;

export function addInitCommand(authority: Command): void {
	const init = authority
		.command("init")
		.description("make a root, whose key can stay offline")
		.addOption(kindFlag().makeOptionMandatory())
		.requiredOption("--name <name>", "the name in its certificate")
		.requiredOption("--home <folder>", "a new folder for the authority")
		.option(...ATTESTS_FLAG, levels)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(init))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A root whose key is sealed with a passphrase, which is asked for:
    tetrad authority init --kind agency --name "Example Agency" --home root
  A root whose key is in a token, and which may attest tokens and TPMs:
    tetrad authority init --kind bank --name "Example Bank" --home root --attests software,token,tpm \\
      --key "pkcs11:token=bank;object=root?module-path=/usr/lib/libsofthsm2.so" --pin-file pin`,
		)
		.action(async (flags: InitFlags) => {
			const { init } = await import("./found.ts");
			await init(flags);
		});
}

export function addRequestCommand(authority: Command): void {
	const request = authority
		.command("request")
		.description(
			"make an intermediate's key, and its request to the authority above it; given again, the request for a renewed certificate",
		)
		.addOption(kindFlag())
		.option("--name <name>", "the name in its certificate")
		.requiredOption("--home <folder>", "the intermediate's folder")
		.requiredOption("--out <file>", "the request, to be carried")
		.option(...ATTESTS_FLAG, levels)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(request))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A new intermediate:
    tetrad authority request --kind agency --name "Example Agency 1" --home agency --out agency.csr
  The certificate of one that is there is to be renewed:
    tetrad authority request --home agency --out agency.csr`,
		)
		.action(async (flags: RequestFlags) => {
			const { request } = await import("./found.ts");
			await request(flags);
		});
}

export function addInstallCommand(authority: Command): void {
	authority
		.command("install")
		.description(
			"install the certificate that answers an intermediate's request",
		)
		.requiredOption("--home <folder>", "the intermediate's folder")
		.requiredOption(
			"--certificate <file>",
			"what the authority above it issued",
		)
		.requiredOption("--root <path>", "root.pem of the root, or its folder")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority install --home agency --certificate agency.pem --root root.pem`,
		)
		.action(async (flags: InstallFlags) => {
			const { install } = await import("./found.ts");
			await install(flags);
		});
}
