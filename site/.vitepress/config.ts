/*
 * The site is made of the documents as they stand in the repository, which are read there, too: a
 * link to a file of the source becomes its name, and one that leads nowhere ends the build.
 */
import { existsSync, globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type MarkdownOptions } from "vitepress";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Pages that stand in the root of the repository. */
const AT_ROOT = ["SECURITY", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"];

/** Whether a file is a page of the site. */
function isPage(path: string): boolean {
	return (
		/^docs\/.*\.md$/.test(path) ||
		[...AT_ROOT, "README"].includes(path.replace(/\.md$/, ""))
	);
}

type Markdown = Parameters<NonNullable<MarkdownOptions["config"]>>[0];

/** Shows what a page says of a file that is no page, without a link. */
function withoutSources(markdown: Markdown): void {
	markdown.core.ruler.push("sources", ({ tokens, env }) => {
		const page = relative(ROOT, String(env.path));
		for (const { children } of tokens) {
			if (children === null) continue;
			let isSource = false;
			for (const token of children) {
				if (token.type === "link_open") {
					const href = token.attrGet("href") ?? "";
					isSource = /^[^#:]+$|^[^#:]+#/.test(href) && isNoPage(page, href);
				}
				if (!isSource) continue;
				if (token.type === "link_open") {
					token.tag = "span";
					token.attrs = null;
				} else if (token.type === "link_close") {
					token.tag = "span";
					isSource = false;
				}
			}
		}
	});
}

function isNoPage(page: string, href: string): boolean {
	const [path = ""] = decodeURI(href).split("#");
	const target = join(dirname(page), path);
	if (!existsSync(join(ROOT, target)))
		throw new Error(`${page} links to ${href}, and there is no such file`);
	return !isPage(target);
}

const title = (path: string): string =>
	path
		.replace(/^.*\//, "")
		.replace(/\.md$/, "")
		.replaceAll("-", " ")
		.replace(/^./, (first) => first.toUpperCase());

/** Entries of the side bar for the pages of a folder. */
const pagesOf = (pattern: string) =>
	globSync(pattern, { cwd: ROOT })
		.sort()
		.filter((path) => !path.endsWith("README.md"))
		.map((path) => ({
			text: title(path),
			link: `/${path.replace(/\.md$/, "")}`,
		}));

/** What a newcomer reads, in this order. */
const FIRST = [
	["What it is", "/"],
	["Why", "/docs/why"],
	["Ten minutes", "/docs/ten-minutes"],
	["Sell files", "/docs/guides/sell-files"],
	["Buy and sell from a program", "/docs/guides/buy-from-a-program"],
	["Give your agent a wallet", "/docs/guides/wallet-for-an-agent"],
	["Get paid for an MCP tool", "/docs/guides/get-paid-for-a-tool"],
	["Get paid for an API", "/docs/guides/get-paid-for-an-api"],
	["Pay with fetch", "/docs/guides/pay-with-fetch"],
	["Run an issuer", "/docs/guides/run-an-issuer"],
	["Threat model", "/docs/threats"],
] as const;

const isFirst = ({ link }: { readonly link: string }): boolean =>
	FIRST.some(([, other]) => other === link);

const VUE = dirname(fileURLToPath(import.meta.resolve("vue/package.json")));

const MEASURED = "docs/{speed,claims}.md";

export default defineConfig({
	title: "Tetrad",
	description:
		"Four devices, one conversation: two agents that trade and two modules that pay.",
	srcDir: "..",
	srcExclude: [
		"{node_modules,bench,dist,src,test,tools,examples,site,stock,.changeset,.git}/**",
	],
	outDir: "dist",
	cacheDir: "node_modules/.cache/vitepress",
	rewrites: { "README.md": "index.md" },
	cleanUrls: true,
	markdown: { config: withoutSources },
	// Pages stand outside of the folder that has the packages.
	vite: {
		esbuild: { tsconfigRaw: "{}" },
		resolve: {
			alias: [{ find: /^vue(?=$|\/server-renderer$)/, replacement: VUE }],
		},
	},
	themeConfig: {
		nav: [
			{ text: "Why", link: "/docs/why" },
			{ text: "Ten minutes", link: "/docs/ten-minutes" },
			{ text: "Threat model", link: "/docs/threats" },
			{ text: "Commands", link: "/docs/reference/commands" },
		],
		search: { provider: "local" },
		outline: [2, 3],
		sidebar: [
			{
				text: "Begin here",
				items: FIRST.map(([text, link]) => ({ text, link })),
			},
			{
				text: "Guides",
				items: pagesOf("docs/guides/*.md").filter((page) => !isFirst(page)),
			},
			{ text: "Reference", items: pagesOf("docs/reference/*.md") },
			{ text: "Entry points", items: pagesOf("docs/api/*.md") },
			{ text: "Measured", items: pagesOf(MEASURED) },
			{
				text: "Byte by byte",
				items: pagesOf("docs/*.md").filter(
					(page) =>
						!isFirst(page) &&
						!pagesOf(MEASURED).some(({ link }) => link === page.link),
				),
			},
			{ text: "Decisions", items: pagesOf("docs/decisions/*.md") },
			{
				text: "The project",
				items: AT_ROOT.map((name) => ({
					text: title(name.toLowerCase()),
					link: `/${name}`,
				})),
			},
		],
	},
});
