// The sections of Settings, each with an address of its own. Who may not use one does not see it.
import type { IconName } from '../parts/Icon.svelte';
import { offers } from './offers.svelte';
import { isAdmin, isGrantee, mayAudit, mayConfigure, mayManage, maySeeGrants } from './rights';
import { plant, session } from './session.svelte';
import { via } from './via';
import type { Key } from './words.svelte';

export interface Section {
  id: string;
  words: Key;
  help: Key;
  icon: IconName;
  shown: () => boolean;
}
export interface Group {
  words: Key;
  sections: Section[];
}

const inPlant = (may: () => boolean) => (): boolean => plant() !== null && may();
// What is for the people of the place alone, not for who looks in from afar.
const atHome = (may: () => boolean) => (): boolean => via === null && may();

export const GROUPS: Group[] = [
  {
    words: 'settings.mine',
    sections: [
      { id: '', words: 'settings.look', help: 'settings.look_words', icon: 'tv', shown: () => true },
      { id: 'me', words: 'settings.account', help: 'settings.account_words', icon: 'user', shown: atHome(() => true) },
    ],
  },
  {
    words: 'shell.plant',
    sections: [
      { id: 'plant', words: 'plant.title', help: 'plant.words', icon: 'floor', shown: inPlant(mayConfigure) },
      { id: 'people', words: 'people.title', help: 'people.words', icon: 'people', shown: inPlant(() => offers('GET', '/plants/{plant}/access') && mayManage()) },
      { id: 'grants', words: 'grant.title', help: 'grant.words', icon: 'share', shown: inPlant(() => offers('GET', '/plants/{plant}/grants') && maySeeGrants()) },
      { id: 'support', words: 'support.title', help: 'support.words', icon: 'share', shown: inPlant(atHome(() => offers('POST', '/plants/{plant}/support') && mayManage())) },
      { id: 'keeping', words: 'retention.title', help: 'retention.words', icon: 'box', shown: inPlant(() => !isGrantee()) },
      { id: 'tokens', words: 'token.title', help: 'token.words', icon: 'key', shown: inPlant(() => offers('GET', '/plants/{plant}/tokens') && mayManage()) },
      { id: 'audit', words: 'audit.title', help: 'audit.words', icon: 'list', shown: inPlant(mayAudit) },
    ],
  },
  {
    words: 'settings.home',
    sections: [
      { id: 'organisation', words: 'organisation.title', help: 'organisation.words', icon: 'building', shown: () => offers('GET', '/organisations') && isAdmin() },
      { id: 'users', words: 'users.title', help: 'users.words', icon: 'people', shown: () => offers('GET', '/users') && isAdmin() },
      { id: 'mail', words: 'mail.title', help: 'mail.words', icon: 'mail', shown: () => offers('GET', '/mail') && isAdmin() },
      { id: 'desk', words: 'desk.title', help: 'desk.words', icon: 'share', shown: atHome(() => offers('GET', '/support/cases') && (isAdmin() || session.plants.some((one) => one.role === 'installer' || one.role === 'owner'))) },
      { id: 'about', words: 'settings.about', help: 'settings.about_words', icon: 'info', shown: () => true },
    ],
  },
];

export const sectionPath = (id: string): string => (id === '' ? '/settings' : `/settings/${id}`);

export function sectionOf(path: string): Section | undefined {
  return GROUPS.flatMap((group) => group.sections).find((one) => sectionPath(one.id) === path);
}
