import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	ChainVerdicts,
	type Demands,
	type DeviceDemand,
	type SeenPlace,
} from "../../src/identity/index.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { FourDevices, makeDevices } from "../support/four-devices.ts";

/** Which device stands in which place for each of the four. */
const SEEN: Readonly<Record<Place, Partial<Record<SeenPlace, Place>>>> = {
	A: { ownModule: "X", peerAgent: "B", peerModule: "Y" },
	B: { ownModule: "Y", peerAgent: "A", peerModule: "X" },
	X: { ownAgent: "A", peerAgent: "B", peerModule: "Y" },
	Y: { ownAgent: "B", peerAgent: "A", peerModule: "X" },
};

const WORDS: Readonly<Record<SeenPlace, RegExp>> = {
	ownAgent: /the own agent/,
	peerAgent: /the other side's agent/,
	ownModule: /the own module/,
	peerModule: /the other side's module/,
};

/** Four devices of which one demands something, with their links made before it did. */
async function withDemands(
	place: Place,
	demandsOf: (id: (at: Place) => Uint8Array) => Demands,
	routing: "direct" | "crossed" = "direct",
): Promise<FourDevices> {
	const { devices, now } = await makeDevices();
	const four = await FourDevices.from(devices, now, { routing });
	const { context } = devices[place];
	const demands = demandsOf((at) => devices[at].context.own.deviceId);
	Object.assign(context.policy, { demands });
	return four;
}

describe("a demand that is not met ends the tetrad, and its owner is told which:", () => {
	for (const routing of ["direct", "crossed"] as const)
		for (const place of PLACES)
			for (const [as, other] of Object.entries(SEEN[place]) as [
				SeenPlace,
				Place,
			][]) {
				const cases: [
					string,
					(id: (at: Place) => Uint8Array) => DeviceDemand,
					RegExp,
				][] = [
					[
						"a level",
						() => ({ minimum: "token" }),
						/attests .*"software".*demands at least "token"/,
					],
					[
						"a device that is not allowed",
						(id) => ({ allow: [id(place)] }),
						/none of those that the policy allows/,
					],
					[
						"a device that is refused",
						(id) => ({ refuse: [id(other)] }),
						/one that the policy refuses/,
					],
				];
				for (const [what, demand, expected] of cases)
					test(`${what}, of ${place} for ${other} (${routing})`, async () => {
						const four = await withDemands(
							place,
							(id) => ({ [as]: demand(id) }),
							routing,
						);
						await four.establish();
						const error = four.error(place);
						assert.equal(error?.code, "chain-refused");
						assert.match(error?.message ?? "", WORDS[as]);
						assert.match(error?.message ?? "", expected);
						assert.ok(!four.has(place, "confirmed"));
						// The other agent learns that it was refused, and not why.
						const refusals = four.delivered.filter(
							({ wire, bytes }) => wire === "network" && bytes[0] === 0x04,
						);
						for (const { bytes } of refusals)
							assert.deepEqual([...bytes], [4, 0, 0, 0, 1, 0]);
						const far = place === "A" || place === "X" ? "B" : "A";
						const told = four.error(far)?.code;
						assert.ok(
							told === "refused-by-peer" || told === undefined,
							`${far}: ${told}`,
						);
						assert.doesNotMatch(
							four.error(far)?.message ?? "",
							/policy|tamper|token/,
						);
					});
			}

	test("and one that is met does not", async () => {
		for (const place of PLACES) {
			const four = await withDemands(place, (id) =>
				Object.fromEntries(
					Object.entries(SEEN[place]).map(([as, other]) => [
						as,
						{ minimum: "software" as const, allow: [id(other)], refuse: [] },
					]),
				),
			);
			await four.establish();
			for (const at of PLACES) assert.ok(four.has(at, "confirmed"), at);
		}
	});
});

describe("a device that its own policy does not accept", () => {
	for (const place of PLACES)
		test(`makes no tetrad as ${place}, and says so before anything is sent`, async () => {
			const { devices, now } = await makeDevices();
			const { context } = devices[place];
			const policy = { ...context.policy, untrustedLists: { maxAgeMs: 1000 } };
			devices[place] = {
				...devices[place],
				context: {
					...context,
					policy,
					verdicts: new ChainVerdicts(context.crypto, policy),
				},
			};
			// The link is made all the same: lists are learned over it.
			const made = FourDevices.from(devices, now);
			if (place === "A") {
				await assert.rejects(made, { code: "list-stale" });
				return;
			}
			const four = await made;
			await four.establish();
			assert.equal(four.error(place)?.code, "list-stale");
			assert.match(
				four.error(place)?.message ?? "",
				/holds no untrusted list of .*get the list/,
			);
			if (place === "X") assert.equal(four.error("A")?.code, "list-stale");
			else assert.equal(four.error("A")?.code, "refused-by-peer");
		});
});
