/* `npm run fuzz`. What looks into the modules of `src` has to be there before they are loaded. */
import * as blocks from "./blocks.ts";
import "./structures.ts";

const { main } = await import("./command.ts");
process.exitCode = await main(process.argv.slice(2), {
	fresh: blocks.freshBlocks,
	forget: blocks.forgetBlocks,
	reached: blocks.reachedBlocks,
});
