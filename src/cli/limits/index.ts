export {
	declareApprovals,
	declareApprove,
	declareDeny,
} from "./approvals-command.ts";
export { declareLimits } from "./limits-command.ts";
