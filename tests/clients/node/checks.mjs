// What both Node programs share: one line of JSON per named check, and the few assertions they need.

export const settings = {
  base: need("CALOTYPE_BASE"),
  privateKey: need("CALOTYPE_PRIVATE_KEY"),
  publicKey: need("CALOTYPE_PUBLIC_KEY"),
  urlEndpoint: need("CALOTYPE_URL_ENDPOINT"),
  // Where the server itself finds its files: it does not share this program's names of hosts.
  sourceEndpoint: need("CALOTYPE_SOURCE_ENDPOINT"),
};

// A picture of 1 x 1, and bytes that no text encoding survives.
export const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
export const BYTES = Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7) % 256));
export const UNKNOWN_ID = "ffffffffffffffffffffffff";
const JOB_MAX_MS = 30_000;

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Runs one check and prints its outcome; the ones after it run whatever it was. */
export async function check(call, work) {
  let problem;
  try {
    await work();
  } catch (error) {
    problem = String(error?.stack ?? JSON.stringify(error)).slice(0, 2000);
  }
  console.log(JSON.stringify({ call, ok: problem === undefined, problem }));
}

export function same(found, expected, what = "value") {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

/** The error that `work` throws. */
export async function failure(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded, and should not have");
}

/** Asks for a job until it is no longer pending, as the documentation tells clients to. */
export async function completed(ask) {
  const deadline = Date.now() + JOB_MAX_MS;
  for (;;) {
    const job = await ask();
    if (job.status !== "Pending") {
      same(job.status, "Completed", "the job's last status");
      return job;
    }
    holds(Date.now() < deadline, "the job does not complete");
    await new Promise((done) => setTimeout(done, 25));
  }
}

export async function fetched(url) {
  const answer = await fetch(url);
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
}

export async function sameBytes(url, expected) {
  const { status, bytes } = await fetched(url);
  holds(status === 200 && bytes.equals(expected), `${url}: status ${status}, ${bytes.length} bytes of ${expected.length}`);
}
