/** Groups of environment variables that several vals of one author share. */

import { uuid } from "../lib/crypto.ts";
import { badRequest, HttpError, notFound } from "../lib/http.ts";
import { all, first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { revise } from "./environment.ts";
import type { Val } from "./vals.ts";

export interface Group {
  id: string;
  owner_id: string;
  name: string;
  created_at: number;
}

const GROUP = "SELECT g.id, g.owner_id, g.name, g.created_at FROM env_group g";
const NAME_LENGTH_MAX = 48;
const GROUPS_MAX = 100;

export async function listGroups(town: Town, ownerId: string, wish: { offset: number; limit: number }): Promise<Group[]> {
  const sql = `${GROUP} WHERE g.owner_id = :owner_id ORDER BY g.name LIMIT :limit OFFSET :offset`;
  return all<Group>(town.storage, sql, { owner_id: ownerId, ...wish });
}

/** A group of that author; of another one there is none. */
export async function findGroup(town: Town, ownerId: string, id: string): Promise<Group> {
  const group = await first<Group>(town.storage, `${GROUP} WHERE g.id = :id AND g.owner_id = :owner_id`, { id, owner_id: ownerId });
  if (group === undefined) throw notFound("Group");
  return group;
}

export async function createGroup(town: Town, ownerId: string, name: string): Promise<Group> {
  if (name.trim() === "" || name.length > NAME_LENGTH_MAX) throw badRequest(`A group's name has 1 to ${NAME_LENGTH_MAX} characters`);
  const present = await listGroups(town, ownerId, { offset: 0, limit: GROUPS_MAX });
  if (present.length >= GROUPS_MAX) throw new HttpError(409, "too_many", `An account has at most ${GROUPS_MAX} groups`);
  const group: Group = { id: uuid(), owner_id: ownerId, name, created_at: Date.now() };
  try {
    await town.storage.execute({
      sql: "INSERT INTO env_group (id, owner_id, name, created_at) VALUES (:id, :owner_id, :name, :created_at)", args: { ...group },
    });
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `You already have a group ${name}; that name is taken`);
    throw error;
  }
  return group;
}

export async function deleteGroup(town: Town, group: Group): Promise<void> {
  const args = { id: group.id };
  await town.storage.batch([
    revise(group.id),
    { sql: "DELETE FROM env WHERE scope_id = :id", args },
    { sql: "DELETE FROM env_use WHERE group_id = :id", args },
    { sql: "DELETE FROM env_group WHERE id = :id", args },
  ]);
}

/** The groups whose variables a val has. */
export async function listGroupsOf(town: Town, val: Val): Promise<Group[]> {
  const sql = `${GROUP} JOIN env_use u ON u.group_id = g.id WHERE u.val_id = :val_id ORDER BY g.name`;
  return all<Group>(town.storage, sql, { val_id: val.id });
}

export async function useGroup(town: Town, val: Val, group: Group): Promise<void> {
  const args = { val_id: val.id, group_id: group.id };
  await town.storage.batch([
    { sql: "INSERT OR IGNORE INTO env_use (val_id, group_id) VALUES (:val_id, :group_id)", args }, revise(val.id),
  ]);
}

export async function leaveGroup(town: Town, val: Val, group: Group): Promise<void> {
  const args = { val_id: val.id, group_id: group.id };
  await town.storage.batch([
    { sql: "DELETE FROM env_use WHERE val_id = :val_id AND group_id = :group_id", args }, revise(val.id),
  ]);
}
