// What a role may do, as the program's table of rights has it (docs/HTTP.md). Pages hide what would be
// refused; the refusal itself stays the server's. A person has a role in each plant.
import { plant, session } from './session.svelte';
import type { Plant, Role } from './api';
import type { Key } from './words.svelte';

const WRITE: Role[] = ['operator', 'installer', 'manager', 'owner'];
const CONFIGURE: Role[] = ['installer', 'owner'];
const AUDIT: Role[] = ['auditor', 'owner'];
const MANAGE: Role[] = ['manager', 'owner'];
const PLAN: Role[] = ['manager', 'installer', 'owner'];

/** From the one that sees to the one that may do everything. */
export const ROLES: Role[] = ['viewer', 'operator', 'manager', 'installer', 'auditor', 'owner'];
const ROLE_WORDS: Record<Role, Key> = {
  viewer: 'role.viewer',
  operator: 'role.operator',
  manager: 'role.manager',
  owner: 'role.owner',
  installer: 'role.installer',
  auditor: 'role.auditor',
  grantee: 'role.grantee',
};
const ROLE_MEANS: Record<Role, Key> = {
  viewer: 'role.viewer_means',
  operator: 'role.operator_means',
  manager: 'role.manager_means',
  owner: 'role.owner_means',
  installer: 'role.installer_means',
  auditor: 'role.auditor_means',
  grantee: 'role.grantee_means',
};
export const roleWords = (role: string): Key => ROLE_WORDS[role as Role] ?? 'role.viewer';
export const roleMeans = (role: string): Key => ROLE_MEANS[role as Role] ?? 'role.viewer_means';

/** The role in a plant; where the program knows one role a person, that one. */
export function roleIn(one: Plant | null): Role | null {
  return one?.role ?? session.user?.role ?? null;
}

function may(roles: Role[]): boolean {
  const role = session.user === null ? null : roleIn(plant());
  return role !== null && roles.includes(role);
}

// Letting data leave the plant is the owner's alone.
export const mayGrant = (): boolean => may(['owner']);
export const mayWrite = (): boolean => may(WRITE);
export const mayConfigure = (): boolean => may(CONFIGURE);
export const mayAudit = (): boolean => may(AUDIT);
/** Owners name everybody; managers operators and viewers. */
export const mayManage = (): boolean => may(MANAGE);
/** Costs tell what people are paid. */
export const maySeeCosts = (): boolean => may(PLAN);
/** Owners, managers and auditors see what was granted to other organisations. */
export const maySeeGrants = (): boolean => may(['auditor', 'manager', 'owner']);
/** Reads a few tags of the plant by a grant to their organisation, and nothing else of it. */
export const isGrantee = (): boolean => may(['grantee']);
export const isOwner = (): boolean => may(['owner']);
export const isAdmin = (): boolean => session.user?.admin === true;
