import {
	MoneyModule,
	makePolicy,
	memoryCarriers,
	pairInProcess,
	SoftwareAuthority,
	TrustedAgent,
} from "tetrad";

const agency = await SoftwareAuthority.create("agency", "Example Agency");
const bank = await SoftwareAuthority.create("bank", "Example Bank");
const policy = makePolicy({ agencies: [agency.anchor], banks: [bank.anchor] });

async function makeSide(name: string) {
	const agent = new TrustedAgent({
		identity: await agency.certify(name),
		policy,
	});
	const module = new MoneyModule({
		identity: await bank.certify(`${name}-purse`),
		policy,
	});
	await pairInProcess(agent, module);
	return { agent, module };
}

const [alice, bob] = [await makeSide("alice"), await makeSide("bob")];
const [left, right] = memoryCarriers();
const [a, b] = await Promise.all([
	alice.agent.connect(left),
	bob.agent.accept(right),
]);
const [x, y] = await Promise.all([alice.module.accept(), bob.module.accept()]);
