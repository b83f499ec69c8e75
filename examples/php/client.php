<?php
// A farm from PHP: one socket, a line of JSON for every question, a line of JSON for every answer and event.
//
//     php client.php list                      the workers
//     php client.php enable tag=gpu            let workers take tasks: names, globs, states, tags
//     php client.php submit shot-010 echo 1-20 make and start a job, and follow it to its end
//
// The farm is that of $BRENDER_MASTER, else port 6000 of this machine. docs/clients.md explains every step.

declare(strict_types=1);

/** The master said no. Its hint is the next step. */
class Refused extends Exception
{
    public function __construct(array $error)
    {
        $hint = $error['data']['hint'] ?? '';
        parent::__construct(trim("$error[message] $hint"), $error['code']);
    }
}

/** A connection to the master of a farm. Events that come between answers are kept until they are asked for. */
class Brender
{
    private $link;
    private int $number = 0;
    private array $events = [];

    public function __construct(string $master, string $name)
    {
        $place = preg_match('/:\d+$/', $master) ? $master : "$master:6000";
        $link = @stream_socket_client("tcp://$place", $code, $reason, 5.0);
        if ($link === false) {
            throw new RuntimeException("No master answers at $place: $reason. Start one: brender up");
        }
        $this->link = $link;
        stream_set_timeout($link, 60);
        // Speak at once: whoever is silent for 200 ms is taken for a person with telnet.
        $this->ask('session.hello', ['name' => $name]);
    }

    /** The answer to a question. Throws Refused. */
    public function ask(string $method, array $params = []): mixed
    {
        $request = ['jsonrpc' => '2.0', 'id' => ++$this->number, 'method' => $method, 'params' => (object) $params];
        fwrite($this->link, json_encode($request, JSON_THROW_ON_ERROR) . "\n");
        do {
            $message = $this->read();
        } while ($message === null);
        return isset($message['error']) ? throw new Refused($message['error']) : $message['result'];
    }

    /** The next event of what was subscribed to: ['seq', 'topic', 'data']. */
    public function event(): array
    {
        while ($this->events === []) {
            $this->read();
        }
        return array_shift($this->events);
    }

    /** The next answer; null when it was an event, which is kept. */
    private function read(): ?array
    {
        do {
            $line = fgets($this->link); // false after a minute in which nothing happens, and at the end
        } while ($line === false && stream_get_meta_data($this->link)['timed_out']);
        if ($line === false) {
            throw new RuntimeException('The master closed the connection.');
        }
        // If we were slow all the same, a telnet offer stands before the first answer: pass over it.
        $message = json_decode(strstr($line, '{') ?: '', true);
        if ($message === null) {
            throw new RuntimeException('This is no brender master: it says ' . json_encode(trim($line)));
        }
        if (($message['method'] ?? '') === 'event') {
            $this->events[] = $message['params'];
            return null;
        }
        return $message;
    }
}

function listWorkers(Brender $farm): void
{
    foreach ($farm->ask('worker.list', ['limit' => 10000])['workers'] as $worker) {
        printf("%-20s %-9s %-8s %s\n", $worker['name'], $worker['state'], $worker['presence'], $worker['activity']);
    }
}

function enable(Brender $farm, array $selectors): void
{
    $answer = $farm->ask('worker.enable', ['workers' => $selectors]);
    printf("enabled: %s\n", implode(', ', array_column($answer['changed'], 'name')) ?: 'nothing new');
}

function submit(Brender $farm, string $name, string $function, string $frames): int
{
    $farm->ask('farm.subscribe', ['topics' => ['job.*', 'task.error']]); // before the job runs, so that nothing is missed
    $wish = ['name' => $name, 'function' => $function, 'frames' => $frames, 'project' => 'php', 'run' => true];
    $job = $farm->ask('job.create', $wish)['jobs'][0];
    printf("job %d, %d tasks\n", $job['id'], $job['tasks']);
    while (true) {
        $event = $farm->event();
        $about = $event['topic'] === 'task.error' ? $event['data']['job'] : $event['data']['id'] ?? null;
        if ($about !== $job['id'] || $event['topic'] === 'job.changed') {
            continue;
        }
        printf("%d %s %s\n", $event['seq'], $event['topic'], $event['data']['state'] ?? $event['data']['reason'] ?? '');
        if ($event['topic'] === 'job.ended') {
            return $event['data']['state'] === 'success0' ? 0 : 1;
        }
    }
}

try {
    $farm = new Brender(getenv('BRENDER_MASTER') ?: '127.0.0.1:6000', get_current_user());
    [$verb, $words] = [$argv[1] ?? 'list', array_slice($argv, 2)];
    $code = match ($verb) {
        'list' => listWorkers($farm),
        'enable' => enable($farm, $words),
        'submit' => submit($farm, ...$words),
        default => throw new Exception('Say list, enable SELECTOR… or submit NAME FUNCTION FRAMES.'),
    };
    exit($code ?? 0);
} catch (Exception $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit($error instanceof RuntimeException ? 3 : 1);
}
