import { type ReachRow, ratioText } from "./reach.ts";

/** In the picture's own units. */
const WIDTH = 980;
const ROW = 28;
const TOP = 92;
const BOTTOM = 58;
const LABELS = 404;
const LEFT = 424;
const RIGHT = 860;

/** The ends of the axis, and where it has lines. */
const FROM = 0.05;
const TO = 20;
const LINES = [0.1, 0.2, 0.5, 1, 2, 5, 10] as const;

const STYLE = `		.ground { fill: #ffffff; }
		.grid { stroke: #d5dae1; stroke-width: 1; }
		.same { stroke: #6b7280; stroke-width: 1.5; }
		.within { fill: #24794a; fill-opacity: 0.13; }
		.reach { stroke: #1c2430; stroke-width: 2.5; }
		.kept { fill: #24794a; }
		.missed { fill: #ffffff; stroke: #b3261e; stroke-width: 2.5; }
		text { fill: #1c2430; }
		.name { font-weight: 600; font-size: 17px; }
		.small { font-size: 12px; fill: #4a5565; }
		.good { fill: #1b6b3f; font-weight: 600; }
		.bad { fill: #b3261e; font-weight: 600; }
		@media (prefers-color-scheme: dark) {
			.ground { fill: #161b22; }
			.grid { stroke: #343c48; }
			.same { stroke: #9aa5b4; }
			.within { fill: #66c08a; fill-opacity: 0.2; }
			.reach { stroke: #e6eaf0; }
			.kept { fill: #66c08a; }
			.missed { fill: #161b22; stroke: #ff8f86; }
			text { fill: #e6eaf0; }
			.small { fill: #aeb8c6; }
			.good { fill: #7fd3a1; }
			.bad { fill: #ff8f86; }
		}`;

/** Rows that are ratios, on one axis whose steps are factors, each with what is wanted of it. */
export function drawReach(rows: readonly ReachRow[]): string {
	const drawn = rows.flatMap((row) =>
		row.reach.kind === "flat" || row.measured === undefined
			? []
			: [{ ...row, reach: row.reach, measured: row.measured }],
	);
	const kept = drawn.filter(({ isKept }) => isKept).length;
	const below = TOP + ROW * drawn.length;
	const height = below + BOTTOM;
	const words = drawn.map(
		({ what, measured, reach }) =>
			`${what} ${ratioText(measured)}, wanted at ${reach.kind === "at-most" ? "most" : "least"} ${ratioText(reach.ratio)}`,
	);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title text" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="14">
	<title id="title">What was to be reached, and what was measured</title>
	<desc id="text">${escaped(words.join("; "))}.</desc>
	<style>
${STYLE}
	</style>
	<rect class="ground" width="${WIDTH}" height="${height}" rx="12"/>
	<text class="name" x="24" y="36">What Tetrad costs against what it is compared with</text>
	<text class="small" x="24" y="58">Ratios, each of one run in turns; ${kept} of ${drawn.length} are where they were wanted</text>
${LINES.map((ratio) => axis(ratio, below)).join("\n")}
${drawn.map((row, at) => drawRow(row, TOP + ROW * (at + 0.5))).join("\n")}
	<text class="small" x="24" y="${below + 40}">Made of bench/results by npm run bench -- reach --save</text>
	<rect class="within" x="${LEFT}" y="${below + 30}" width="22" height="12"/><path class="reach" d="M${LEFT + 22} ${below + 28} v16"/>
	<text class="small" x="${LEFT + 30}" y="${below + 40}">wanted</text>
	<circle class="kept" cx="${LEFT + 100}" cy="${below + 36}" r="6"/>
	<text class="small" x="${LEFT + 112}" y="${below + 40}">kept</text>
	${diamond(LEFT + 162, below + 36)}
	<text class="small" x="${LEFT + 175}" y="${below + 40}">not kept</text>
</svg>
`;
}

/** A ratio as far from the left as its logarithm is; what is beyond an end stands at it. */
function across(ratio: number): number {
	const part = Math.log(ratio / FROM) / Math.log(TO / FROM);
	return tenth(LEFT + Math.min(1, Math.max(0, part)) * (RIGHT - LEFT));
}

function axis(ratio: number, below: number): string {
	const x = across(ratio);
	return `	<path class="${ratio === 1 ? "same" : "grid"}" d="M${x} ${TOP - 6} V${below + 4}"/><text class="small" x="${x}" y="${TOP - 12}" text-anchor="middle">${ratio}</text>`;
}

function drawRow(
	{
		what,
		reach,
		measured,
		isKept,
	}: ReachRow & {
		readonly reach: { readonly kind: string; readonly ratio: number };
		readonly measured: number;
	},
	y: number,
): string {
	const mark = across(reach.ratio);
	const [from, to] = reach.kind === "at-most" ? [LEFT, mark] : [mark, RIGHT];
	const x = across(measured);
	return [
		`	<text x="${LABELS}" y="${y + 5}" text-anchor="end">${escaped(what)}</text>`,
		`	<rect class="within" x="${from}" y="${y - 8}" width="${tenth(to - from)}" height="16"/>`,
		`	<path class="reach" d="M${mark} ${y - 10} v20"/>`,
		isKept
			? `	<circle class="kept" cx="${x}" cy="${y}" r="6"/>`
			: `	${diamond(x, y)}`,
		`	<text class="${isKept ? "good" : "bad"}" x="${RIGHT + 16}" y="${y + 5}">${ratioText(measured)}</text><text class="small" x="${RIGHT + 62}" y="${y + 5}">${reach.kind === "at-most" ? "≤" : "≥"} ${ratioText(reach.ratio)}</text>`,
	].join("\n");
}

function diamond(x: number, y: number): string {
	return `<path class="missed" d="M${tenth(x - 7)} ${y} L${x} ${y - 7} L${tenth(x + 7)} ${y} L${x} ${y + 7} Z"/>`;
}

function tenth(value: number): number {
	return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
	return text
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll(">", "&gt;");
}
