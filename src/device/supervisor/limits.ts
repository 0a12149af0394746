/** How a process that ended unasked is started again, and how long one may take to stop. */
export interface SupervisorLimits {
	/** Before the first start after an end; each further wait is twice as long. */
	readonly firstWaitMs: number;
	readonly longestWaitMs: number;
	/** A process that was ready for so long begins with the first wait again. */
	readonly steadyMs: number;
	/** How often a process is started that dies of a signal before it has ever been ready. */
	readonly triesToStart: number;
	/** A process that was asked to stop and has not by then is made to. */
	readonly stopMs: number;
}

export const SUPERVISOR_LIMITS: SupervisorLimits = {
	firstWaitMs: 250,
	longestWaitMs: 30_000,
	steadyMs: 60_000,
	triesToStart: 3,
	stopMs: 5000,
};

/**
 * What Node is told of each process, before what its owner says in the same variable. By itself, on
 * a machine with 16 GB, it lets garbage grow to four times of what is in use before it collects it,
 * and new objects to 48 MB: it would take hundreds of megabytes from a machine for a flood that
 * leaves nothing behind. No device comes near so much heap; bytes that wait are not in it.
 */
export const DEVICE_NODE_OPTIONS =
	"--max-old-space-size=1024 --max-semi-space-size=8";
