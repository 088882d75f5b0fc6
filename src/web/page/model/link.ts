/** The part of the page's address that opens a conversation. */
export function linkTo(id: string): string {
  return `#/c/${id}`;
}
