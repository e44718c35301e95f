/** What is said of a change to the servers at run time that the file, or another change, stands against. */

import type { Family } from '../base/address.ts';
import { quoted } from '../base/option-say.ts';

export const sayChange = {
  // Why a change is none any longer
  noService: () => 'its service is no longer in the config',
  inFile: () => 'the file has it now',
  otherwiseInFile: () => 'the file has it now, with settings of its own',
  goneFromFile: () => 'the file no longer has it',
  contradicts: (message: string) => `the file stands against it: ${message}`,

  // What the file would have told with a line
  nameTaken: (name: string) =>
    `name is ${quoted(name)}, as of another server of the service, expected a name of its own`,
  addressTaken: (address: string) => `server ${address} is in the service already, expected it once`,
  isSorry: (address: string) => `${address} is a sorry_server of the service, expected another address`,
  marksMove: (family: Family) =>
    `the marks of the service would be of IPv${family} from then on, as its first server is, expected fwmark_family in [[service]]`,
} satisfies Record<string, (...details: never[]) => string>;
