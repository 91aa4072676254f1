/** What the page and the API both know of a note. */

export const NOTE_LENGTH_MAX = 500;

export interface Note {
  id: number;
  text: string;
}
