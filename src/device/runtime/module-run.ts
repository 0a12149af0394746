import type {
	ModuleEffect,
	ModuleEvent,
	ModuleMachine,
} from "../../tetrad/index.ts";
import { Driver } from "./driver.ts";
import { RunningTetrad, type RunOptions } from "./running-tetrad.ts";

/** Runs a module's tetrad: its machine and the link, which is the way to both others. Throws as `RunningTetrad`. */
export function runModule(
	machine: ModuleMachine,
	options: RunOptions,
): RunningTetrad {
	const { link, device } = options;
	const running: RunningTetrad = new RunningTetrad(
		machine,
		options,
		{ agent: link, module: link },
		(event) => {
			if (event.kind === "send") driver.feedWhenever(event);
			else driver.feed(event);
			running.wake();
		},
	);
	const driver = new Driver<ModuleEvent, ModuleEffect>({
		machine,
		now: device.clock.now,
		handlers: running.handlers,
		ended: (end) => running.over(end),
		failed: (error) => running.over({ kind: "ended", error }),
	});
	return running;
}
