"""What is settled with the browser before a visitor's first page is drawn: CSS, the history, a name.

Streamlit loads what applies CSS when it is first needed. Content that came before it would be drawn as
Streamlit has it, and jump.
"""

import streamlit as st

LATE_S = 3  # a browser that has not answered by then gets the page as it is

# An address is an entry of the history only after a choice. Streamlit makes one of each that is written:
# three for one link to another page. On a phone, the button that `style` labels Menu is named so to those who
# listen, too, each time it comes; and the menu closes once a page is chosen, which it would go on covering.
_SCRIPT = """
export default function({ setStateValue }) {
  if (!window.framed) {
    window.framed = true;
    let chosen = false;
    for (const kind of ["pointerdown", "click", "keydown", "change"])
      addEventListener(kind, (event) => { if (event.isTrusted) chosen = true; }, true);
    const push = history.pushState.bind(history);
    history.pushState = (state, title, url) => {
      if (chosen) push(state, title, url); else history.replaceState(state, title, url);
      chosen = false;
    };
    const phone = matchMedia("(max-width: 640px)");
    const name = () => document.querySelector("[data-testid=stExpandSidebarButton]")
      ?.setAttribute("aria-label", phone.matches ? "Menu" : "Expand sidebar");
    addEventListener("click", (event) => {
      if (phone.matches && event.target.closest("[data-testid=stSidebarNavLink]"))
        setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
    });
    const header = document.querySelector("[data-testid=stHeader]");
    if (header) new MutationObserver(name).observe(header, { childList: true, subtree: true });
    addEventListener("resize", name);
    name();
  }
  const wait = setInterval(() => {
    if (!getComputedStyle(document.documentElement).getPropertyValue("--loop-lab")) return;
    clearInterval(wait);
    setStateValue("ready", true);
  }, 10);
  return () => clearInterval(wait);
}
"""


def ready() -> bool:
    """Whether to draw the page; if not, the browser or the clock asks for it soon."""
    if st.session_state.get("framed") or not st.context.url:  # without a browser, nobody would answer
        return True
    st.components.v2.component("frame", js=_SCRIPT)(key="frame", on_ready_change=_take, height=1)
    st.fragment(_late, run_every=LATE_S)()
    return False


def _take() -> None:
    st.session_state.framed = st.session_state.answers = True


def answers() -> bool:
    """Whether there is a browser in which the app's own components run."""
    return bool(st.session_state.get("answers"))


def _late() -> None:
    """Drawn at once, and again once it is late."""
    if st.session_state.get("unanswered"):
        st.session_state.framed = True
        st.rerun()
    st.session_state.unanswered = True
