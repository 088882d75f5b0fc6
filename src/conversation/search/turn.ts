/** Lets others have their turn: whatever has arrived meanwhile is handled before this goes on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
