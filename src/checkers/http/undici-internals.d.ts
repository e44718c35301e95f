/**
 * Two files of the npm package `undici`. The whole of it has fetch, WebSocket, caches and more, which a probe never uses: twice
 * the memory and three times the time of what is here, at each start of the checker process. A test holds that nothing else is loaded.
 */

declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';
  export = Client;
}

declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export = errors;
}
