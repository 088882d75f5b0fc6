import type { Session } from "./session.ts";

const NONE: ReadonlySet<Session> = new Set();

/** Sessions by socket and by person. */
export class SessionIndex {
  private readonly bySocket = new Map<WebSocket, Session>();
  private readonly byUser = new Map<string, Set<Session>>();

  get size(): number {
    return this.bySocket.size;
  }

  of(socket: WebSocket): Session | undefined {
    return this.bySocket.get(socket);
  }

  ofUser(userId: string): ReadonlySet<Session> {
    return this.byUser.get(userId) ?? NONE;
  }

  values(): Iterable<Session> {
    return this.bySocket.values();
  }

  /** People with a session. */
  userIds(): Iterable<string> {
    return this.byUser.keys();
  }

  add(session: Session): void {
    const { userId } = session.identity;
    this.bySocket.set(session.socket, session);
    const others = this.byUser.get(userId);
    if (others) others.add(session);
    else this.byUser.set(userId, new Set([session]));
  }

  /** False where it was removed before. */
  remove(session: Session): boolean {
    if (!this.bySocket.delete(session.socket)) return false;
    const { userId } = session.identity;
    const others = this.byUser.get(userId);
    others?.delete(session);
    if (others?.size === 0) this.byUser.delete(userId);
    return true;
  }
}
