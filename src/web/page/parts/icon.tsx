/** Line icons on a grid of 24. */
const PATHS = {
  logo: "M6 5h12a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3h-6l-5 4v-4H6a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3ZM8 9.5h8M8 13h5",
  back: "m14 6-6 6 6 6",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  compose: "M4 20h4L19 9l-4-4L4 16v4ZM13.5 6.5l4 4",
  channel: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  group:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 20c0-3.5 2.5-6 6-6s6 2.5 6 6M16 4.6a3.5 3.5 0 0 1 0 6.3M17.5 14.4c2.2.8 3.5 2.9 3.5 5.6",
  send: "M5 12h13M12 5.5l6.5 6.5-6.5 6.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  attach:
    "m20 11-8.2 8.2a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 4.8 4.8l-8.2 8.2a1.8 1.8 0 0 1-2.5-2.5L14.5 7",
  smile:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8.5 14.5c.8 1.2 2 2 3.5 2s2.7-.8 3.5-2M9 9.5v.5M15 9.5v.5",
  reply: "M10 7 5 12l5 5M5 12h9a5 5 0 0 1 5 5v1",
  edit: "M4 20h4L19 9l-4-4L4 16v4Z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  archive: "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 7.5v.5",
  down: "M12 5v13M6 12.5l6 6 6-6",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  retry: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  leave: "M14 4H6v16h8M11 12h9M17 8.5l3.5 3.5-3.5 3.5",
  more: "M5.5 12.5a.5.5 0 1 0 0-1 .5.5 0 0 0 0 1ZM12 12.5a.5.5 0 1 0 0-1 .5.5 0 0 0 0 1ZM18.5 12.5a.5.5 0 1 0 0-1 .5.5 0 0 0 0 1Z",
  block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM5.7 5.7l12.6 12.6",
  flag: "M6 21V4h12l-2.5 4.5L18 13H6",
  muted: "M8 6a6 6 0 0 1 10 5v5.5M6 11v5.5L4.5 18H18M4 4l16 16",
  bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15L6 16.5ZM10 21h4",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** An icon button; `label` is its accessible name. */
export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  class?: string;
  hasMenu?: boolean;
}) {
  const { icon, label, onClick, hasMenu } = props;
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ""}`}
      aria-label={label}
      title={label}
      aria-haspopup={hasMenu && "menu"}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
