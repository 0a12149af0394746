export { addPurseCommands } from "./purse-commands.ts";
