import { Icon, type IconName } from "./icon.tsx";

/** Number of avatar colours in the style sheet. */
const COLOURS = 8;

/** A person's initials; decorative beside the name. */
export function Avatar(props: {
  id: string;
  name: string;
  isOnline?: boolean;
  size?: "small";
  icon?: IconName;
}) {
  const { id, name, isOnline, size, icon } = props;
  return (
    <span class={`avatar colour-${colourOf(id)} ${size ?? ""}`} aria-hidden="true">
      {icon ? <Icon name={icon} /> : initialsOf(name)}
      {isOnline && <span class="online-dot" />}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}

/** Stable for a person, for every viewer. */
export function colourOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return sum % COLOURS;
}
