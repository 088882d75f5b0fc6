/**
 * After a deploy an object may run the version before for about a minute, and is called by, and calls,
 * Workers of the new one. Methods that were renamed therefore answer to their previous names, and callers
 * fall back to them.
 */

/** Previous names by present ones. Remove an entry one release after its rename. */
export const PREVIOUS_CONVERSATION_METHODS = {
  precheck: "foreseen",
  voidClaim: "forfeit",
  subscribe: "listen",
  unsubscribe: "unlisten",
  eventsSince: "missed",
} as const;
export const PREVIOUS_GATEWAY_METHODS = {
  deliverEphemeral: "pass",
  isSubscribed: "holds",
} as const;

type PreviousNames = Readonly<Record<string, string>>;
type Method = (...parameters: unknown[]) => Promise<unknown>;

/**
 * Whether an object does not have a method, because it runs another version. workerd and its test harness
 * word the error differently.
 */
export function lacksMethod(error: unknown, method: string): boolean {
  if (!(error instanceof Error)) return false;
  const { message } = error;
  return message.includes("does not implement") && message.includes(`"${method}"`);
}

/** A stub that calls a method by its previous name where the object does not have the present one. */
export function withPreviousNames<Stub extends object>(stub: Stub, names: PreviousNames): Stub {
  // Each read of a stub's property makes an object of the platform's: each method is read once.
  const known = new Map<string | symbol, Method>();
  return new Proxy(stub, {
    get(target, name) {
      const knownMethod = known.get(name);
      if (knownMethod) return knownMethod;
      const methods = target as Record<string | symbol, Method | undefined>;
      const method = methods[name];
      // A stub has no `then`, or awaiting it would call the object.
      if (typeof method !== "function") return method;
      const previous = typeof name === "string" ? names[name] : undefined;
      const call: Method = (...parameters) => {
        // Stubs are proxies themselves: a method must be called on the stub it was read from.
        const called = Reflect.apply(method, target, parameters);
        if (previous === undefined) return called;
        return called.catch((error: unknown) => {
          if (!lacksMethod(error, String(name))) throw error;
          return methods[previous]?.(...parameters);
        });
      };
      known.set(name, call);
      return call;
    },
  });
}

/** Lets the methods of a class be called by their previous names. */
export function answerPreviousNames(type: { prototype: object }, names: PreviousNames): void {
  for (const [name, previous] of Object.entries(names)) {
    Object.defineProperty(type.prototype, previous, {
      value(this: Record<string, Method>, ...parameters: unknown[]) {
        return this[name]?.(...parameters);
      },
      configurable: true,
    });
  }
}
