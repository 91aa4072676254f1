/** Receives email. */
export default function (email: { from: string; subject?: string; text?: string }): void {
  console.log(`${email.from} wrote about ${email.subject ?? "nothing"}:`, email.text);
}
