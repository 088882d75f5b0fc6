interface Props<Key extends string> {
  label: string;
  /** The options in order: what each is called. */
  names: Readonly<Partial<Record<Key, string>>>;
  value: Key;
  onChange: (key: Key) => void;
}

/** A field that takes one of a few values. */
export function Choice<Key extends string>({ label, names, value, onChange }: Props<Key>) {
  return (
    <label class="field">
      {label}
      <select
        value={value}
        onChange={({ currentTarget }) => {
          if (isKey(names, currentTarget.value)) onChange(currentTarget.value);
        }}
      >
        {Object.keys(names).map((key) => (
          <option key={key} value={key}>
            {isKey(names, key) && names[key]}
          </option>
        ))}
      </select>
    </label>
  );
}

function isKey<Names extends object>(names: Names, value: string): value is keyof Names & string {
  return Object.hasOwn(names, value);
}
