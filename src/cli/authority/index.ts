export { addAuthorityCommands } from "./authority-commands.ts";
