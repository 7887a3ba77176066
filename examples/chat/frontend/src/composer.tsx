import { type KeyboardEvent, useRef, useState } from "react";
import type { Room } from "./api.ts";

interface Props {
  room: Room;
  /** Ends when the message has been taken; throws what to tell the user. */
  onSend: (text: string) => Promise<void>;
}

/** Where a message is written. The text stays until the backend has taken it. */
export function Composer({ room, onSend }: Props) {
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);

  async function send() {
    if (isSending || text.trim() === "") return;
    setSending(true);
    setError(null);
    try {
      await onSend(text.trim());
      setText("");
      // The button that was pressed is disabled now.
      field.current?.focus();
    } catch (error) {
      setError((error as Error).message);
    } finally {
      setSending(false);
    }
  }

  function sendOnEnter(event: KeyboardEvent) {
    // With Shift it is a new line; an input method uses it for itself.
    if (event.key !== "Enter" || event.shiftKey) return;
    if (event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  }

  return (
    <form
      className="composer"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {error && <p className="error" role="alert">Not sent: {error}</p>}
      <textarea
        ref={field}
        data-testid="message-input"
        aria-label={`Message to ${room.name}`}
        placeholder={`Message to ${room.name}`}
        rows={1}
        maxLength={2000}
        autoFocus={matchMedia("(pointer: fine)").matches}
        readOnly={isSending}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={sendOnEnter}
      />
      <button
        type="submit"
        data-testid="send-button"
        disabled={isSending || text.trim() === ""}
      >
        Send
      </button>
    </form>
  );
}
