/** @jsxImportSource https://esm.sh/react@19.2.0 */
import { createRoot } from "https://esm.sh/react-dom@19.2.0/client?deps=react@19.2.0";
import { useEffect, useState } from "https://esm.sh/react@19.2.0";
import { NOTE_LENGTH_MAX, type Note } from "../shared/note.ts";

const API = "api/notes";

function App() {
  const [notes, setNotes] = useState<Note[]>([]);
  const [text, setText] = useState("");
  useEffect(() => {
    fetch(API).then((response) => response.json()).then(setNotes);
  }, []);
  async function add(event: { preventDefault(): void }) {
    event.preventDefault();
    const headers = { "content-type": "application/json" };
    const response = await fetch(API, { method: "POST", headers, body: JSON.stringify({ text }) });
    if (!response.ok) return;
    const note: Note = await response.json();
    setNotes((before) => [note, ...before]);
    setText("");
  }
  return (
    <>
      <h1>Notes</h1>
      <form onSubmit={add}>
        <label>Note <input value={text} maxLength={NOTE_LENGTH_MAX} required onChange={(event) => setText(event.target.value)} /></label>{" "}
        <button>Add</button>
      </form>
      <ul>{notes.map((note) => <li key={note.id}>{note.text}</li>)}</ul>
    </>
  );
}

createRoot(document.getElementById("root")!).render(<App />);
