/**
 * How a message looks.
 *
 * @module
 */

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
});

/**
 * @param {{ id: number, author: string, text: string, sentAt: string }} message
 * @param {string} user Who looks at it.
 * @param {Element | null} before The message above it.
 */
export function messageItem({ id, author, text, sentAt }, user, before) {
  const item = document.createElement("li");
  item.dataset.id = String(id);
  item.dataset.author = author;
  item.classList.toggle("own", author === user);
  item.classList.toggle("again", before?.dataset.author === author);

  const avatar = document.createElement("span");
  avatar.className = "avatar";
  avatar.ariaHidden = "true";
  avatar.textContent = [...author][0].toUpperCase();
  avatar.style.setProperty("--hue", String(hue(author)));

  const name = document.createElement("strong");
  name.textContent = author;
  const time = document.createElement("time");
  time.dateTime = sentAt;
  time.textContent = TIME.format(new Date(sentAt));
  const head = document.createElement("p");
  head.className = "head";
  head.append(name, " ", time);

  const body = document.createElement("p");
  body.className = "text";
  body.textContent = text;

  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.append(head, body);
  item.append(avatar, bubble);
  return item;
}

/** A colour for a name, in degrees, always the same. */
function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}
