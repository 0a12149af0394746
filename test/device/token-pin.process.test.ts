/* A home whose key is in a token, opened with a PIN that is not the token's. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import {
	createHome,
	createHomeKey,
	readHome,
} from "../../src/device/home/home.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { parseChain } from "../../src/identity/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { PIN, SoftHsm, skipUnless } from "../support/tokens.ts";

const pin = (text: string) => async () => utf8(text);

describe("a wrong PIN", { skip: skipUnless("softhsm") }, () => {
	test("is refused in words, is tried once however often the home is opened, and nothing is lost", async () => {
		await using folder = await temporaryFolder();
		await using hsm = await SoftHsm.make("keys");
		const home = join(folder.path, "alice");
		const agency = await SoftwareAuthority.create("agency", "Agency");
		const bank = await SoftwareAuthority.create("bank", "Bank");
		const uri = hsm.uri({ token: "keys", pin: false });
		const key = { pkcs11: uri.replace("?", ";object=alice?") };
		const certificates = await createHomeKey(
			home,
			key,
			"P-256",
			async (made) => parseChain(await agency.issue("alice", made)),
			{ pin: pin(PIN) },
		);
		await createHome(home, {
			role: "agent",
			name: "alice",
			key,
			certificates,
			agencies: [agency.anchor.certificate.der],
			banks: [bank.anchor.certificate.der],
		});
		const before = await readFile(join(home, "device.json"), "utf8");
		for (let i = 0; i < 4; i++)
			await assert.rejects(
				readHome(home, "agent", { pin: pin("0000-wrong") }),
				({ code, message }: { code: string; message: string }) => {
					assert.equal(code, "key-store-failed");
					assert.match(message, /PIN/);
					assert.ok(!message.includes("0000-wrong"));
					return true;
				},
			);
		assert.equal(await readFile(join(home, "device.json"), "utf8"), before);
		await using read = await readHome(home, "agent", { pin: pin(PIN) });
		await using agent = new TrustedAgent(read);
		assert.equal(agent.device.name, "alice");
	});
});
