/* The homes of an issuer's module and its agent, as their owners would have made them. */
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { writePairing } from "../../src/device/home/pairings.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { moduleIdOf } from "../../src/device/purse/purse-home.ts";
import { encodeChain, validateChain } from "../../src/identity/index.ts";
import type { Homes } from "./homes.ts";

/** An issuer's module and its agent, paired. */
export async function makeMintHomes(homes: Homes): Promise<void> {
	for (const [authority, other, name] of [
		["agency", "bank", "clerk"],
		["bank", "agency", "mint"],
	] as const)
		await issueDeviceHome(await Authority.open(homes.at(authority)), {
			home: homes.at(name),
			name,
			algorithm: "P-256",
			trust: await readRoots(homes.at(other)),
		});
	const { agencies } = await readPolicy(homes.at("clerk"));
	const chain = encodeChain(
		await readCertificates(homes.at("clerk", "chain.pem")),
	);
	const clerk = validateChain(nodeCrypto, chain, "agent", agencies, Date.now());
	const key = nodeCrypto.random(32);
	const mintId = await moduleIdOf(homes.at("mint"));
	await writePairing(homes.at("clerk"), { peerDeviceId: mintId, key }, "mint");
	await writePairing(
		homes.at("mint"),
		{ peerDeviceId: clerk.deviceId, key },
		"clerk",
	);
}
