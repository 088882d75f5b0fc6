/** Closes a socket that may be closed already. */
export function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It was closed before: what was wanted.
  }
}

/** Answers an upgrade that is refused: accepted and closed, because a browser sees nothing else. */
export function refusedUpgrade(code: number, reason: string, frame?: string): Response {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.accept();
  if (frame) server.send(frame);
  server.close(code, reason);
  return new Response(null, { status: 101, webSocket: client });
}
