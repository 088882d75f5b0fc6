/** A web address, without punctuation that ends the sentence. */
const ADDRESS = /(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/;

/** Message text: never markup. Web addresses become links. */
export function Text({ text }: { text: string }) {
  // With a capturing group, every second part of the split is a match.
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
