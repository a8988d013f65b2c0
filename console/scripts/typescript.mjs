// Lets Node 20 import the TypeScript and JSON modules that the unit tests cover: `node --import ./scripts/typescript.mjs`.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
