import * as tetrad from "tetrad";

const agency = await tetrad.SoftwareAuthority.create("agency", "Agency");
const bank = await tetrad.SoftwareAuthority.create("bank", "Bank");
const roots = { agencies: [agency.anchor], banks: [bank.anchor] };
const policy = tetrad.makePolicy(roots);

const makeSide = async (name: string) => {
	const [forAgent, forModule] = [agency.certify(name), bank.certify(name)];
	const agent = new tetrad.TrustedAgent({ identity: await forAgent, policy });
	const module = new tetrad.MoneyModule({ identity: await forModule, policy });
	await tetrad.pairInProcess(agent, module);
	return { agent, module };
};
const [alice, bob] = [await makeSide("alice"), await makeSide("bob")];
const [left, right] = tetrad.memoryCarriers();
const calling = alice.agent.connect(left);
const b = await bob.agent.accept(right);
const a = await calling;
const [x, y] = [await alice.module.accept(), await bob.module.accept()];

for (const sender of [a.agent, x.module, a.module, b.module])
	await sender.send(new TextEncoder().encode("hello"));
for (const receiver of [b.agent, y.module, x.agent, y.agent])
	console.log(new TextDecoder().decode(await receiver.receive()));

for (let i = 0; i < 1000; i++) await x.module.send(Uint8Array.of(i));
let count = 0;
while (count < 1000) count += (await y.module.receiveMany())?.length ?? 1000;
console.log(count, "messages");
console.log(a.safetyCode, "=", y.safetyCode);
await a.close();
