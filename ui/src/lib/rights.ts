// What a role may do, as the program's table of rights has it (docs/HTTP.md). Pages hide what would be
// refused; the refusal itself stays the server's.
import { session } from './session.svelte';
import type { Role } from './api';

const WRITE: Role[] = ['operator', 'installer', 'manager', 'owner'];
const CONFIGURE: Role[] = ['installer', 'owner'];

// Letting data leave the plant is the owner's alone.
export function mayGrant(): boolean {
  return session.user?.role === 'owner';
}

export function mayWrite(): boolean {
  return session.user !== null && WRITE.includes(session.user.role);
}

export function mayConfigure(): boolean {
  return session.user !== null && CONFIGURE.includes(session.user.role);
}
