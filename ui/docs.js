// What the page of the API can do with a script, and need not: copy a line, filter the calls, show where you are.
"use strict";

for (const button of document.querySelectorAll(".shell button")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const line = button.parentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(line);
    } catch {
      // Without TLS a browser gives no clipboard; a selection can still be copied.
      const area = document.createElement("textarea");
      area.value = line;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    button.classList.add("done");
    setTimeout(() => {
      button.textContent = "Copy";
      button.classList.remove("done");
    }, 1500);
  });
}

const filter = document.getElementById("filter");
filter.hidden = false;
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const list of document.querySelectorAll(".side ul")) {
    let shown = 0;
    for (const item of list.children) {
      const text = item.dataset.words.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      shown += item.hidden ? 0 : 1;
    }
    list.hidden = shown === 0;
    list.previousElementSibling.hidden = shown === 0;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement === document.body) {
    event.preventDefault();
    filter.focus();
  }
});

// The call at the top of the window is the current one in the list.
const links = new Map([...document.querySelectorAll(".side li a")].map((link) => [link.hash.slice(1), link]));
let current = null;
const observer = new IntersectionObserver(
  (entries) => {
    const entry = entries.find((seen) => seen.isIntersecting);
    const link = entry && links.get(entry.target.id);
    if (!link || link === current) return;
    current?.removeAttribute("aria-current");
    current = link;
    link.setAttribute("aria-current", "location");
    // Scrolls the list only, and only if the link is out of sight there.
    const side = link.closest(".side");
    const { top, bottom } = link.getBoundingClientRect();
    const frame = side.getBoundingClientRect();
    if (top < frame.top || bottom > frame.bottom) side.scrollTop += top - frame.top - frame.height / 3;
  },
  { rootMargin: "0px 0px -75% 0px" },
);
for (const article of document.querySelectorAll("article")) observer.observe(article);
