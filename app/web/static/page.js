// Tells browsers, and what reads pages aloud, in which language the page is: Streamlit says English.

/** Streamlit calls this in every run of the page. */
export default function ({ data }) {
  if (document.documentElement.lang !== data.language) document.documentElement.lang = data.language;
}
