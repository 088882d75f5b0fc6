import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { notice } from "../model/notices.ts";

type Loaded = typeof import("../later.ts");

/** Loads what the page does not need at once; `undefined`, and an error is shown, if that fails. */
export async function loadLater(): Promise<Loaded | undefined> {
  try {
    return await import("../later.ts");
  } catch {
    // Without a network, or after an update of the server.
    notice.value = "This could not be loaded. Reload the page.";
    return undefined;
  }
}

/** Shows something that is loaded only now. */
export function Later({ show, onFail }: { show: (loaded: Loaded) => VNode; onFail?: () => void }) {
  const [loaded, setLoaded] = useState<Loaded>();
  useEffect(() => {
    void loadLater().then((found) => (found ? setLoaded(found) : onFail?.()));
  }, []);
  return loaded ? show(loaded) : null;
}
