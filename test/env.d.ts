import type { D1Migration } from "cloudflare:test";
import type { Conversation } from "../src/conversation/object.ts";
import type { SocketIoGateway } from "../src/dialects/marketplace/socketio/gateway.ts";
import type { SignalRGateway } from "../src/dialects/unihub/signalr/gateway.ts";
import type { Env as ParleyEnv } from "../src/env.ts";
import type { Inbox } from "../src/inbox/object.ts";
import type worker from "../src/index.ts";

declare global {
  namespace Cloudflare {
    interface Env extends ParleyEnv {
      CONVERSATIONS: DurableObjectNamespace<Conversation>;
      SOCKETIO: DurableObjectNamespace<SocketIoGateway>;
      SIGNALR: DurableObjectNamespace<SignalRGateway>;
      INBOXES: DurableObjectNamespace<Inbox>;
      MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: { default: typeof worker };
    }
  }
}
