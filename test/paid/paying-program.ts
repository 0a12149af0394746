/* A program that pays for one request, with an agent that runs elsewhere, and says how far it is. It takes the answer when it is told to. */
import { once } from "node:events";
import { reachAgent } from "../../src/device/service/index.ts";
import { PaidAnswers, parseTerms } from "../../src/paid/index.ts";

const [home = "", socket = "", said = ""] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const agent = await reachAgent(home, socket);
if (agent === undefined) throw new Error("no agent runs there");
const terms = parseTerms(JSON.parse(said));
const { amount: maximum, currency, request } = terms;
const answers = new PaidAnswers(agent, { maximum, currency });
const paying = await answers.pay(terms, request);
if (paying.mode !== "sealed") throw new Error("a ticket is another test's");
say({ id: paying.id, isToBeSent: paying.isToBeSent });
const { bytes } = await paying.answer;
say({ answer: Buffer.from(bytes).toString("utf8") });
await once(process.stdin, "data");
await paying.taken();
await agent.close();
process.stdin.destroy();
