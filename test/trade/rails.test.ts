import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { Market } from "./market.ts";
import { MemoryLedger, MemoryRail } from "./memory-rail.ts";
import { railContract } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

railContract("own notes", async (sale) => {
	const market = await Market.make({
		world,
		...(sale === undefined ? {} : { sale }),
	});
	const { town, mint, ann } = market;
	return {
		market,
		balance(module) {
			const { spendable, toDeposit } = town.balance(module, mint);
			const account = town.account(mint, module);
			// What it has learned its selling secret with.
			return spendable + toDeposit + account - (module === ann ? 0n : 1n);
		},
		requireConserved: () => market.requireConserved(),
		async spendBefore() {
			const carl = await town.purse("carl");
			await market.learnsSecret(carl);
			const before = ann.store.copy();
			const first = await market.meet(ann, carl);
			const ofCarl = await market.contract(first, {}, { merchant: carl });
			market.buy(first, ofCarl);
			await market.quiet();
			await town.visit(carl, mint);
			// Nobody has noticed: neither its host nor its agent.
			town.die(ann);
			await market.quiet();
			ann.store = before;
			ann.head = { number: 0n, hash: filled(32, 0) };
			town.restart(ann);
		},
	};
});

railContract("a rail in memory", async (sale) => {
	const ledger = new MemoryLedger();
	const market = await Market.make({
		world,
		...(sale === undefined ? {} : { sale }),
		purse: (parts) => new MemoryRail({ ...parts, ledger }),
		async fund({ ann, bob, mint, town }, desk) {
			ledger.judge = desk;
			ledger.give(ann.device.deviceId, 1000n);
			const whose = { module: bob.device.deviceId, agent: bob.agent.deviceId };
			const seller = desk.seller(whose, 0, town.now);
			const signature = await mint.signer.sign(desk.toSign(seller));
			ledger.secrets.set(hex(bob.device.deviceId), {
				...desk.secret(seller, signature),
				chain: copy(mint.device.encodedChain),
			});
		},
	});
	const { total } = ledger;
	return {
		market,
		balance: ({ device }) => ledger.balance(device.deviceId),
		requireConserved() {
			if (ledger.total !== total) throw new Error("money was made or lost");
		},
		async spendBefore() {
			ledger.isSpentBefore = true;
		},
	};
});
