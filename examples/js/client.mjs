// A farm from JavaScript (Node 18 or newer, no packages): one socket, a line of JSON for every question, answer and event.
//
//     node client.mjs list                       the workers
//     node client.mjs enable tag=gpu             let workers take tasks: names, globs, states, tags
//     node client.mjs submit shot-010 echo 1-20  make and start a job, and follow it to its end
//
// The farm is that of $BRENDER_MASTER, else port 6000 of this machine. docs/clients.md explains every step.

import net from "node:net";
import { userInfo } from "node:os";

/** The master said no. Its hint is the next step. */
class Refused extends Error {
  constructor({ code, message, data }) {
    super(`${message} ${data?.hint ?? ""}`.trim());
    this.code = code;
  }
}

/** A connection to the master of a farm: `await farm.ask(…)`, and `for await (const event of farm.events(…))`. */
class Brender {
  #socket;
  #number = 0;
  #waiting = new Map(); // id of a question -> what to do with its answer
  #events = []; // what happened and was not asked for yet
  #heard = () => {}; // wakes whoever waits for an event
  #over = null; // why there will be no more answers

  static async connect(master, name) {
    const farm = new Brender();
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(master) ?? [null, master, "6000"];
    farm.#socket = net.connect({ host, port: Number(port), noDelay: true });
    farm.#socket.on("error", (error) => farm.#end(`No master answers at ${master}: ${error.message}. Start one: brender up`));
    farm.#socket.on("close", () => farm.#end("The master closed the connection."));
    let rest = "";
    farm.#socket.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n"); // only there: a \r is no end of a line
      rest = lines.pop();
      lines.forEach((line) => farm.#take(line));
    });
    // Speak at once: whoever is silent for 200 ms is taken for a person with telnet.
    await farm.ask("session.hello", { name });
    return farm;
  }

  /** The answer to a question. Throws Refused. */
  ask(method, params = {}) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }) + "\n");
    });
  }

  /** Subscribes, and gives what happens from then on. Every event has a number, to resume from with `since`. */
  async events(...topics) {
    await this.ask("farm.subscribe", { topics });
    const next = async () => {
      while (!this.#events.length && !this.#over) await new Promise((wake) => (this.#heard = wake));
      if (!this.#events.length) throw this.#over;
      return { value: this.#events.shift(), done: false };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  close() {
    this.#socket.destroy();
  }

  #take(line) {
    let message;
    try {
      // If we were slow all the same, a telnet offer stands before the first answer: pass over it.
      message = JSON.parse(line.replace(/^[^{]*/, ""));
    } catch {
      this.#end(`This is no brender master: it says ${JSON.stringify(line)}`);
      return;
    }
    if (message.method === "event") {
      this.#events.push(message.params);
      this.#heard();
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.id) ?? {};
    this.#waiting.delete(message.id);
    if (message.error) reject?.(new Refused(message.error));
    else resolve?.(message.result);
  }

  #end(why) {
    this.#over ??= new Error(why);
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
    this.#heard();
  }
}

async function list(farm) {
  for (const { name, state, presence, activity } of (await farm.ask("worker.list", { limit: 10000 })).workers) {
    console.log(`${name.padEnd(20)} ${state.padEnd(9)} ${presence.padEnd(8)} ${activity}`);
  }
}

async function enable(farm, ...workers) {
  const { changed } = await farm.ask("worker.enable", { workers });
  console.log(`enabled: ${changed.map((one) => one.name).join(", ") || "nothing new"}`);
}

async function submit(farm, name, func, frames) {
  const events = await farm.events("job.*", "task.error"); // before the job runs, so that nothing is missed
  const wish = { name, function: func, frames, project: "js", run: true };
  const [job] = (await farm.ask("job.create", wish)).jobs;
  console.log(`job ${job.id}, ${job.tasks} tasks`);
  for await (const { seq, topic, data } of events) {
    if ((topic === "task.error" ? data.job : data.id) !== job.id || topic === "job.changed") continue;
    console.log(`${seq} ${topic} ${data.state ?? data.reason ?? ""}`);
    if (topic === "job.ended") return data.state === "success0" ? 0 : 1;
  }
}

const [verb = "list", ...words] = process.argv.slice(2);
const verbs = { list, enable, submit };
try {
  if (!verbs[verb]) throw new Error("Say list, enable SELECTOR… or submit NAME FUNCTION FRAMES.");
  const farm = await Brender.connect(process.env.BRENDER_MASTER || "127.0.0.1:6000", userInfo().username);
  try {
    process.exitCode = (await verbs[verb](farm, ...words)) ?? 0;
  } finally {
    farm.close();
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = error instanceof Refused ? 1 : 3;
}
