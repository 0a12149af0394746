/*
 * An agent of the AI SDK whose model is a script: what it is told on standard input, as JSON, are
 * the tools that it calls, one after another; what came of each call goes to standard output. In
 * an argument, "$quoteId" is the last one that a tool has answered with.
 */
import { createMCPClient } from "@ai-sdk/mcp";
import { StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";

interface Call {
	readonly tool: string;
	readonly asked: Readonly<Record<string, unknown>>;
}

const [command = "", ...args] = process.argv.slice(2);
let told = "";
for await (const chunk of process.stdin.setEncoding("utf8")) told += chunk;
const script: readonly Call[] = JSON.parse(told);

const client = await createMCPClient({
	transport: new StdioMCPTransport({ command, args }),
});
const nothing = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 };
const usage = {
	inputTokens: nothing,
	outputTokens: { total: 0, text: 0, reasoning: 0 },
};
let step = 0;
const model = new MockLanguageModelV4({
	doGenerate: async ({ prompt }) => {
		const call = script[step++];
		if (call === undefined)
			return {
				content: [{ type: "text", text: "done" }],
				finishReason: { unified: "stop", raw: undefined },
				...{ usage, warnings: [] },
			};
		const quoteIds = [
			...JSON.stringify(prompt).matchAll(/quoteId\\*":\\*"([0-9a-f]{32})/g),
		];
		const quoteId = quoteIds.at(-1)?.[1] ?? "";
		return {
			content: [
				{
					type: "tool-call",
					toolCallId: `call-${step}`,
					toolName: call.tool,
					input: JSON.stringify(call.asked).replaceAll("$quoteId", quoteId),
				},
			],
			finishReason: { unified: "tool-calls", raw: undefined },
			...{ usage, warnings: [] },
		};
	},
});
try {
	const { steps } = await generateText({
		model,
		tools: await client.tools(),
		prompt: "Buy what the user wants.",
		stopWhen: isStepCount(script.length + 1),
	});
	for (const { content } of steps)
		for (const part of content)
			if (part.type === "tool-result" || part.type === "tool-error")
				console.log(JSON.stringify(part));
} finally {
	await client.close();
}
