// Fails when the built console is heavier than promised: gzip sizes of shell, pages, map and charts; raw size of the folder.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const folder = new URL('../../src/quanyu/faces/web/static/', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
const gzip = (file) => gzipSync(readFileSync(join(folder, file)), { level: 9 }).length;

/** Files that a manifest entry needs at once: its own, its styles and everything it imports statically. */
function files(key, seen = new Set()) {
  const entry = manifest[key];
  if (!entry || seen.has(entry.file)) return seen;
  seen.add(entry.file);
  for (const style of entry.css ?? []) seen.add(style);
  for (const other of entry.imports ?? []) files(other, seen);
  return seen;
}

const weigh = (set) => [...set].reduce((sum, file) => sum + gzip(file), 0);
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = new Set([...files(entry), 'index.html']);
const own = (key) => new Set([...files(key)].filter((file) => !shell.has(file)));
const isHeavy = (file) => /maplibre|GlMap|uplot/i.test(file);

const rows = [['shell', weigh(shell), 60]];
for (const key of Object.keys(manifest)) {
  if (!manifest[key].isDynamicEntry || isHeavy(manifest[key].file)) continue;
  rows.push([`page ${manifest[key].name ?? key}`, weigh(new Set([...own(key)].filter((file) => !isHeavy(file)))), 40]);
}
const assets = readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`);
rows.push(['map', weigh(new Set(assets.filter((file) => /maplibre|GlMap/i.test(file)))), 450]);
rows.push(['charts', weigh(new Set(assets.filter((file) => /uplot/i.test(file)))), 200]);

const total = readdirSync(folder, { recursive: true })
  .map((name) => statSync(join(folder, name)))
  .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);

let failed = false;
for (const [name, bytes, limitKb] of rows) {
  const over = bytes > limitKb * 1000;
  failed ||= over || bytes === 0;
  console.log(`${over ? 'OVER' : 'ok  '} ${name.padEnd(28)} ${(bytes / 1000).toFixed(1).padStart(7)} KB gzip, limit ${limitKb}`);
}
const heavy = total > 4_000_000;
console.log(`${heavy ? 'OVER' : 'ok  '} ${'static folder'.padEnd(28)} ${(total / 1e6).toFixed(2).padStart(7)} MB, limit 4`);
if (failed || heavy) process.exit(1);
