/** Closes a socket that may be closed already. */
export function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}

/** Refuses an upgrade: accepts and closes it, because a browser shows no other answer. */
export function refusedUpgrade(code: number, reason: string, frame?: string): Response {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.accept();
  if (frame) server.send(frame);
  server.close(code, reason);
  return new Response(null, { status: 101, webSocket: client });
}
