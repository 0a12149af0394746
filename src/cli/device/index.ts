export {
	addAgentCommand,
	addModuleCommand,
	runDevice,
} from "./device-commands.ts";
export { addEnrollCommand } from "./enroll-command.ts";
export { addListsCommand } from "./lists-command.ts";
export { addPairCommand } from "./pair-command.ts";
export { addPolicyCommand } from "./policy-command.ts";
export { addRecertifyCommand } from "./recertify-command.ts";
