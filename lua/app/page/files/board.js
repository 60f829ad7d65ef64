// Cards in columns. A card stays the same element for as long as its row lives: it is filled anew and moved, so that a
// reader or a keyboard that is on it stays on it.
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// columns: [{ title, states }]; fill(row) gives { title, text, acts }, acts a list of elements.
export function makeBoard(root, noun, columns, fill) {
  const cards = new Map();
  const lists = new Map();

  root.replaceChildren(
    ...columns.map(({ title, states }) => {
      const list = element("ul", { "aria-label": `${noun}: ${title}` });
      states.forEach((state) => lists.set(state, list));
      return element("div", { class: "column" }, element("h3", {}, title), list);
    }),
  );

  // Most events change few cards. What would look the same is left alone, with the choice that somebody makes in it; of the
  // others the choice and the focus go to what has the same name.
  function draw(card) {
    const { title, text, acts } = fill(card.row);
    const made = [element("h4", {}, title), element("p", {}, text), element("div", { class: "acts" }, ...acts)];
    const there = [...card.at.children];
    if (there.length === made.length && made.every((part, i) => part.isEqualNode(there[i]))) {
      return;
    }
    const focused = card.at.contains(document.activeElement) && document.activeElement;
    const chosen = card.at.querySelector("select")?.value;
    card.at.replaceChildren(...made);
    const select = card.at.querySelector("select");
    if (select && [...select.options].some((option) => option.value === chosen)) {
      select.value = chosen;
    }
    if (focused) {
      const name = focused.getAttribute("aria-label");
      const same = [...card.at.querySelectorAll("button, select")].find((act) => act.getAttribute("aria-label") === name);
      (same ?? card.at).focus();
    }
  }

  function place(card) {
    const list = lists.get(card.row.status);
    if (card.at.parentElement === list) {
      return;
    }
    const focused = card.at.contains(document.activeElement) && document.activeElement;
    const moved = card.at.parentElement !== null;
    list.prepend(card.at);
    card.at.classList.toggle("moved", moved);
    if (focused) {
      focused.focus();
    }
  }

  // Events of one row may come out of order: what is older than what is shown changes nothing.
  function put(row) {
    let card = cards.get(row.id);
    if (card && card.row.updated_at > row.updated_at) {
      return;
    }
    if (!card) {
      card = { at: element("li", { class: "card", tabindex: "-1", "data-id": row.id }) };
      cards.set(row.id, card);
    }
    card.row = { ...card.row, ...row };
    place(card);
    draw(card);
  }

  function remove(id) {
    cards.get(id)?.at.remove();
    cards.delete(id);
  }

  return {
    put,
    remove,
    all: () => [...cards.values()].map((card) => card.row),
    get: (id) => cards.get(id)?.row,
    redraw: () => cards.forEach(draw),
    // What is no longer there goes.
    load(rows) {
      const ids = new Set(rows.map((row) => row.id));
      [...cards.keys()].filter((id) => !ids.has(id)).forEach(remove);
      rows.forEach(put);
    },
  };
}
