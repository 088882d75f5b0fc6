/** An address of the web, up to what would hardly belong to it at the end of a sentence. */
const ADDRESS = /(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/;

/** What somebody wrote: text, never markup. Addresses of the web can be followed. */
export function Text({ text }: { text: string }) {
  // Split by a pattern with a group, every second part is what fits it.
  const parts = text.split(ADDRESS);
  return (
    <p class="text" dir="auto">
      {parts.map((part, index) =>
        index % 2 === 0 || !URL.canParse(part) ? (
          part
        ) : (
          <a href={part} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ),
      )}
    </p>
  );
}
