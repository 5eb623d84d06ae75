// A file on its way into the plant. It goes in parts, so that one lost on the way is sent again and not
// the whole file, and it goes on when the page is left: the state stands here and not in the page.
import { del, get, Problem, send } from './api';
import { importPath, jobPath, readingQuery, type Job, type Reading } from './tables';

const PART_BYTES = 4 << 20;
const PART_WAIT_MS = 120_000;
const LOST_WAIT_MS = 2_000;
const LOOK_EVERY_MS = 250;

interface Upload {
  plant: string;
  name: string;
  size: number;
  sent: number;
  busy: boolean;
  /** The server does not answer; it is asked again until it does. */
  lost: boolean;
  job: Job | null;
  failed: Problem | null;
}

export const upload = $state<Upload>({ plant: '', name: '', size: 0, sent: 0, busy: false, lost: false, job: null, failed: null });

let given = 0; // Grows with each file; an older one that wakes up sees that it is over.
let line = new AbortController(); // Of the file under way: giving it up ends the part that is on its way.

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const isLost = (error: unknown): boolean => error instanceof Problem && (error.status === 0 || error.status === 429 || error.status === 503);

/** Asks until there is an answer or a refusal. */
async function surely<T>(turn: number, question: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const answer = await question();
      upload.lost = false;
      return answer;
    } catch (error) {
      if (!isLost(error) || turn !== given) {
        throw error;
      }
      upload.lost = true;
      await rest(LOST_WAIT_MS);
    }
  }
}

async function sendParts(turn: number, file: File, begun: Record<string, string>): Promise<Job> {
  const part = (from: number): Blob => file.slice(from, from + PART_BYTES);
  const more = (from: number): Record<string, string> => (from + PART_BYTES < file.size ? { more: '1' } : {});
  // The first part makes the job. Without an answer nobody knows its number, so it is not sent twice.
  const { plant } = upload;
  const { signal } = line;
  let job = await send<Job>(importPath(plant, { ...begun, ...more(0) }), part(0), PART_WAIT_MS, signal);
  if (turn !== given) {
    await del(jobPath(plant, job.id)); // Given up as the answer came: nobody else knows of this job.
    return job;
  }
  upload.job = job;
  while (job.state === 'receiving' && turn === given) {
    const from = job.received_bytes;
    upload.sent = from;
    job = await surely(turn, async () => {
      try {
        return await send<Job>(importPath(plant, { job: job.id, offset: from, ...more(from) }), part(from), PART_WAIT_MS, signal);
      } catch (error) {
        if (error instanceof Problem && (error.status === 0 || error.status === 409)) {
          // It may have come all the same: the job knows how much it has.
          const now = await get<Job>(jobPath(plant, job.id));
          if (now.received_bytes > from || now.state !== 'receiving') {
            return now;
          }
        }
        throw error;
      }
    });
    if (turn === given) {
      upload.job = job;
    }
  }
  if (turn === given) {
    upload.sent = file.size;
  }
  return job;
}

async function follow(turn: number, first: Job): Promise<void> {
  let job = first;
  while (job.state === 'running' && turn === given) {
    await rest(LOOK_EVERY_MS);
    job = await surely(turn, () => get<Job>(jobPath(upload.plant, job.id)));
    if (turn === given) {
      upload.job = job;
    }
  }
}

/** Sends a file and follows its job to the end. */
export async function begin(plant: string, file: File, reading: Reading, partial: boolean): Promise<void> {
  const turn = ++given;
  line = new AbortController();
  Object.assign(upload, { plant, name: file.name, size: file.size, sent: 0, busy: true, lost: false, job: null, failed: null });
  try {
    await follow(turn, await sendParts(turn, file, { ...readingQuery(reading), ...(partial ? { partial: '1' } : {}) }));
  } catch (error) {
    if (turn === given) {
      upload.failed = error instanceof Problem ? error : new Problem(0, String(error), '');
    }
  } finally {
    if (turn === given) {
      upload.busy = false;
    }
  }
}

/** Gives the file up; what the job stored before stays, and its state says so. Without a job nothing was
 * taken yet. */
export async function cancel(): Promise<void> {
  const { plant, job } = upload;
  given++;
  line.abort();
  if (job !== null) {
    try {
      await del(jobPath(plant, job.id));
      let now = await get<Job>(jobPath(plant, job.id));
      while (now.state === 'running') { // It ends at the next row that it looks at.
        await rest(LOOK_EVERY_MS);
        now = await get<Job>(jobPath(plant, job.id));
      }
      upload.job = now;
    } catch (error) {
      upload.failed = error as Problem;
    }
  }
  upload.busy = false;
}

/** Ready for another file. */
export function forget(): void {
  given++;
  Object.assign(upload, { name: '', size: 0, sent: 0, busy: false, lost: false, job: null, failed: null });
}

window.addEventListener('beforeunload', (event) => {
  if (upload.busy && upload.job?.state !== 'running') {
    event.preventDefault(); // Leaving the program loses what is not sent yet.
  }
});
