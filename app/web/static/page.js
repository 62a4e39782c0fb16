// What every page does beside showing its content: it tells browsers, and what reads pages aloud, its language (Streamlit says English),
// and follows links to other pages without loading the workbench anew.

let pages = new Set();

/** Streamlit calls this in every run of the page. */
export default function ({ data }) {
  const root = document.documentElement;
  if (root.lang !== data.language) root.lang = data.language;
  root.dataset.run = data.run; // changes with every run: who waits for a page can tell it from the one before
  pages = new Set(data.pages);
  if (root.dataset.follows) return;
  root.dataset.follows = "yes";
  document.addEventListener("click", follow);
}

/** A plain click on a link to a page: Streamlit goes where the address says, in the session that is open. */
function follow(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.('a[href]:not([target="_blank"], [download])');
  if (!link || link.origin !== location.origin || !pages.has(link.pathname) || link.hash) return;
  event.preventDefault();
  if (link.href === location.href) return;
  history.pushState({}, "", link.href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
