/** Which lvskeeper this is: package.json's version, which a build takes into the program. */

import manifest from '../../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
