import { useEffect, useState } from "preact/hooks";
import type { Administration, Job } from "../../../client/administration.ts";
import { isVisible } from "../model/network.ts";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";

/** How many of the newest jobs are shown, and how often it is asked how far they are. */
const SHOWN = 10;
const ASKED_EVERY_MS = 3_000;

/** The newest jobs: how far they are, and what can be done about them. `after`: one was started. */
export function JobsList(props: { administration: Administration; after: number }) {
  const { administration, after } = props;
  const [jobs, setJobs] = useState<readonly Job[]>([]);
  const load = () =>
    administration.jobs({ limit: SHOWN }).then(({ items }) => setJobs(items), complain);
  const isAnyRunning = jobs.some(isRunning);
  useEffect(() => void (isVisible.value && load()), [after, isVisible.value]);
  useEffect(() => {
    if (!isAnyRunning || !isVisible.value) return;
    const timer = setInterval(load, ASKED_EVERY_MS);
    return () => clearInterval(timer);
  }, [isAnyRunning, isVisible.value]);
  const fetchArchive = async ({ id }: Job) => {
    try {
      const { url } = await administration.archive(id);
      location.assign(url);
    } catch (error) {
      complain(error);
    }
  };
  return (
    <section aria-label="Jobs">
      <h3>Jobs</h3>
      <ul class="stack">
        {jobs.map((job) => (
          <li key={job.id} class="stack">
            <p>
              <strong>{job.kind}</strong> {job.target ?? ""}
              <span class="faint">
                {" "}
                {progressOf(job)}, {momentOf(new Date(job.createdAt))}
              </span>
            </p>
            {isRunning(job) && (
              <progress
                aria-label={`Progress of ${job.kind}`}
                {...(job.total !== null && { value: job.done, max: Math.max(job.total, 1) })}
              />
            )}
            {job.state === "running" && (
              <button
                type="button"
                class="link"
                onClick={() => administration.cancelJob(job.id).then(load, complain)}
              >
                Cancel {job.kind}
              </button>
            )}
            {job.state === "done" && job.kind.startsWith("export-") && (
              <button type="button" class="link" onClick={() => void fetchArchive(job)}>
                Download the archive
              </button>
            )}
          </li>
        ))}
      </ul>
      {jobs.length === 0 && <p class="faint">There are none.</p>}
    </section>
  );
}

function isRunning({ state }: Job): boolean {
  return state === "running" || state === "cancelling";
}

function progressOf({ state, done, total, error }: Job): string {
  if (error) return `${state}: ${error}`;
  if (state !== "running") return state;
  return total === null ? `running: ${done}` : `running: ${done} of ${total}`;
}
