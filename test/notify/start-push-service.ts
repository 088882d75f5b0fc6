import type { TestProject } from "vitest/node";
import { PushService } from "./push-service.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The origin of the push service on loopback. */
    pushService: string;
  }
}

/** Starts the push service beside the runtime in which the tests run. */
export default async function setup(project: TestProject) {
  const service = await PushService.start();
  project.provide("pushService", service.origin);
  return () => service.stop();
}
