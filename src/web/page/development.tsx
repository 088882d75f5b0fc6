import "./jitless.ts";
import { useEffect, useState } from "preact/hooks";
import * as z from "zod";
import type { Identity, SignIn } from "./model/identity.ts";
import { complain } from "./model/notices.ts";
import { Avatar } from "./parts/avatar.tsx";
import { Welcome } from "./parts/welcome.tsx";
import { start } from "./start.tsx";

/** In development the user picks a person, a different one in every tab if wanted. */

const API = "/api/development";
const REMEMBERED = "parley:person";

const everybodyAnswer = z.object({
  people: z.array(z.object({ id: z.string(), name: z.string(), role: z.string().optional() })),
});
type Person = z.infer<typeof everybodyAnswer>["people"][number];
const tokenAnswer = z.object({ token: z.string() });

const signIn: SignIn = {
  async remembered() {
    const id = sessionStorage.getItem(REMEMBERED);
    const people = id === null ? [] : await everybody();
    const found = people.find((one) => one.id === id);
    return found && identityOf(found, people);
  },
  forget: () => sessionStorage.removeItem(REMEMBERED),
  Form: Picker,
};

function Picker({ onDone }: { onDone: (identity: Identity) => void }) {
  const [people, setPeople] = useState<readonly Person[]>();
  useEffect(() => {
    everybody().then(setPeople, (error: unknown) => {
      setPeople([]);
      complain(error);
    });
  }, []);
  // The card renders together with its people, so that it does not jump.
  if (!people) return null;
  const pick = (one: Person) => {
    sessionStorage.setItem(REMEMBERED, one.id);
    onDone(identityOf(one, people));
  };
  return (
    <Welcome hint="Pick somebody to be. Open a second tab and be somebody else: they can talk.">
      <ul class="people" aria-label="Demonstration people">
        {people.map((one) => (
          <li key={one.id}>
            <button type="button" class="person" onClick={() => pick(one)}>
              <Avatar id={one.id} name={one.name} />
              <span>{one.name}</span>
              {one.role && <span class="faint">Moderator</span>}
            </button>
          </li>
        ))}
      </ul>
    </Welcome>
  );
}

function identityOf({ role, ...one }: Person, people: readonly Person[]): Identity {
  return {
    ...one,
    isStaff: role !== undefined,
    token: () => tokenFor(one.id),
    suggestions: people.filter(({ id }) => id !== one.id),
  };
}

async function everybody(): Promise<readonly Person[]> {
  const response = await fetch(`${API}/people`);
  if (!response.ok) throw new Error(`${response.status}`);
  return everybodyAnswer.parse(await response.json()).people;
}

async function tokenFor(id: string): Promise<string> {
  const response = await fetch(`${API}/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return tokenAnswer.parse(await response.json()).token;
}

start(signIn);
