/** One event stream for all tabs of this browser: every tab talks to this shared worker over its port. */
import { Stream, type Link, type Told } from './stream.ts';

export type FromWorker = { link: Link } | { told: Told };

const ports = new Set<MessagePort>();
let link: Link = 'connecting';
let stream: Stream | null = null;

function everyone(message: FromWorker): void {
  for (const port of ports) port.postMessage(message);
}

function start(): void {
  stream ??= new Stream(
    '/events',
    (told) => everyone({ told }),
    (now) => everyone({ link: (link = now) }),
  );
}

function leave(port: MessagePort): void {
  ports.delete(port);
  if (ports.size > 0) return;
  stream?.stop();
  stream = null;
}

(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === 'bye') leave(port);
  };
  port.postMessage({ link } satisfies FromWorker);
  start();
};
