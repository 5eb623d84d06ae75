// The real program and its simulated machines, for the browser tests: started, read from, ended. Only
// processes that were started here are ended. MARU_PROGRAM and MARU_SIM name other builds.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openPage, ROOT } from './browser.mjs';

export const PROGRAM = process.env.MARU_PROGRAM ?? join(ROOT, 'build', 'maru');
export const SIM = process.env.MARU_SIM ?? join(PROGRAM, '..', 'maru-sim');
export const START_MS = 30_000;
const LOOK_MS = 50;

const running = new Set();

export function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LANG: 'ko_KR.UTF-8' } });
  running.add(child);
  child.said = '';
  child.stdout.on('data', (bytes) => (child.said += bytes));
  child.stderr.on('data', (bytes) => (child.said += bytes));
  child.ended = new Promise((resolve) => child.on('exit', resolve));
  child.ended.then(() => running.delete(child));
  return child;
}

/** What the pattern's first group matches in what the child printed. */
export async function line(child, pattern) {
  for (const end = Date.now() + START_MS; Date.now() < end; ) {
    const match = pattern.exec(child.said);
    if (match) {
      return match[1];
    }
    if (child.exitCode !== null) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`${pattern} was not printed: ${child.said}`);
}

/** A port that is free now, for a machine that must come back on the same one. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A demo and a desk that is signed in and sees the Floor move. */
export async function openDemo(browser, args = []) {
  const demo = start(PROGRAM, ['demo', '--listen', '127.0.0.1:0', ...args]);
  const url = await line(demo, /^ready (http:\S+)$/m);
  const link = await line(demo, /^setup (http:\S+)$/m);
  const desk = await openPage(browser, { width: 1440, height: 900 });
  await desk.page.goto(link);
  await desk.page.waitForSelector('article.panel .big', { timeout: START_MS });
  return { demo, url, desk };
}

/** Ends all that was started, and waits for it. */
export async function stopAll() {
  for (const child of [...running]) {
    child.kill('SIGTERM');
    await child.ended;
  }
}
