"""What a click does to the curves at once, in the browser, which has their numbers.

A pin, a zoom, a hidden run and another scale are signals of the chart that is drawn. A script sets them as
soon as there is a click; the server learns of it afterwards, for the address and the words, and says what the
signals are to be. The chart's spec stays as it was, so that nothing is drawn anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st

from core import charts
from core.compare.looks import READ, SHORTEST_ZOOM
from pages._ui.compare import view

PATIENCE_MS = 3000  # in which the server's word on a signal may be older than the click

# Vega hands its view out with each event that it has seen. A chart that is drawn anew, as in another theme,
# shows what its spec says, and is told what to show. The type of a scale can be no signal, only because Vega
# checks it as it reads a spec: the operator that makes the scale takes another one with each run of the view.
# `_runtime` and `_argval` are no public interface of Vega's: look here first after an update of Streamlit.
_SCRIPT = """
export default function({ data, parentElement, setTriggerValue }) {
  const host = parentElement.host ?? parentElement;
  const page = host.ownerDocument;
  const mine = page.atOnce ??= { set: {}, until: {}, stop: () => {} };
  mine.stop();  // this is called again with each new data
  const chart = () => page.querySelector(".st-key-curves svg.marks");
  const view = () => {
    const event = new PointerEvent("pointermove");
    chart()?.dispatchEvent(event);
    return event.vega?.view();
  };
  const show = (signals) => {
    const drawn = view();
    if (!drawn) return;
    for (const [name, value] of Object.entries(signals))
      if (JSON.stringify(drawn.signal(name)) !== JSON.stringify(value)) drawn.signal(name, value);
    for (const [name, scale] of Object.entries(data.scales)) {
      const made = drawn._runtime.scales[scale], type = drawn.signal(name) ? "log" : "linear";
      if (made._argval.type !== type) {
        made._argval.set("type", -1, type).set("zero", -1, false);
        drawn.touch(made);
      }
    }
    drawn.runAsync();
  };
  const settle = () => {
    for (const [name, value] of Object.entries(mine.told)) {
      if (JSON.stringify(mine.set[name]) === JSON.stringify(value)) delete mine.until[name];
      else if (!(performance.now() < mine.until[name])) mine.set[name] = value;
    }
    show(mine.set);
  };
  const choose = (signals) => {
    for (const name in signals) mine.until[name] = performance.now() + data.patience;
    Object.assign(mine.set, signals);
    show(mine.set);
    setTimeout(settle, data.patience);
  };
  mine.told = data.signals;
  settle();

  const back = { pin: { pinned: null }, zoom: { low: 0, high: data.last } };
  const pressed = (event) => {
    const button = event.target.closest?.("button");
    if (button?.closest("[class*=st-key-view_scale]")) {
      const log = button.innerText === "log";
      Object.assign(mine.set, data.tops[button.innerText]);  // as they are now: a zoom changes them
      return choose({ log_l: log, log_g: log });
    }
    const around = button?.closest("[class*=st-key-back_], [class*=st-key-hide_]");
    const [, key, of] = around?.className.match(/st-key-(back|hide)_(\\w+)/) ?? [];
    if (!key || button.disabled) return;
    if (key === "back") return choose(back[of]);
    const others = mine.set.hidden.filter((place) => place !== of);
    choose({ hidden: mine.set.hidden.includes(of) ? others : [...others, of].sort() });
  };
  const clicked = async (event) => {
    if (!chart()?.contains(event.target) || !event.item?.mark.name?.endsWith("voronoi")) return;
    const drawn = await event.vega.view().runAsync();
    const [step] = drawn.signal("pin").step ?? [];
    if (step === undefined) return;
    choose({ pinned: step });
    setTriggerValue("pinned", step);
  };
  const released = async () => {
    const drawn = view(), [from, to] = (await drawn?.runAsync())?.signal("zoom").step ?? [];
    if (to === undefined) return;
    const inside = (end) => Math.min(Math.max(Math.round(end), 0), data.last);
    const low = inside(Math.min(from, to)), high = inside(Math.max(from, to));
    if (high - low >= data.shortest) {
      choose({ low, high });
      setTriggerValue("zoomed", [low, high]);
    }
    dispatchEvent(new Event(data.cleared));
  };
  const redrawn = new MutationObserver(() => {
    if (chart() && chart() !== mine.chart) { mine.chart = chart(); show(mine.set); }
  });
  const panel = page.querySelector(".st-key-curve_panel");
  if (panel) redrawn.observe(panel, { childList: true, subtree: true });
  page.addEventListener("click", pressed, true);
  addEventListener("click", clicked);
  addEventListener("pointerup", released);
  mine.stop = () => {
    redrawn.disconnect();
    page.removeEventListener("click", pressed, true);
    removeEventListener("click", clicked);
    removeEventListener("pointerup", released);
  };
  return mine.stop;
}
"""


class Look(NamedTuple):
    """Scales and where they end, the steps that are shown, the pinned one, and the places of hidden runs."""

    logs: tuple[bool, bool]
    tops: tuple[float | None, float | None]
    between: tuple[float, float]
    pinned: int | None
    hidden: tuple[int, ...]


def first(look: Look, chart: tuple[Any, ...]) -> Look:
    """The look with which this chart was drawn first. chart: all else that its spec depends on."""
    if st.session_state.get("curves_drawn", (None,))[0] != chart:
        st.session_state.curves_drawn = chart, look
    return st.session_state.curves_drawn[1]


def draw(look: Look, last: int, tops: Mapping[str, Sequence[float | None]]) -> None:
    """The script, which draws nothing. last: the last step that there is. tops: where each of SCALES ends."""
    st.components.v2.component("at_once", js=_SCRIPT)(
        key="at_once",
        data={
            "signals": charts.signals(*look),
            "scales": {f"log_{letter}": name for letter, name in charts.OF_PANEL.items()},
            "tops": {scale: dict(zip(("top_l", "top_g"), ends, strict=True)) for scale, ends in tops.items()},
            "last": last,
            "shortest": SHORTEST_ZOOM,
            "cleared": charts.ZOOMED,
            "patience": PATIENCE_MS,
        },
        on_pinned_change=_pin,
        on_zoomed_change=_zoom,
        height=1,
    )


def _pin() -> None:
    _put("pin", f"{st.session_state['at_once'].get('pinned')}")


def _zoom() -> None:
    ends = st.session_state["at_once"].get("zoomed")
    _put("zoom", "..".join(map(str, ends)) if isinstance(ends, list) else "")


def _put(field: str, text: str) -> None:
    """As an address would; what no browser sends is ignored."""
    try:
        view.put(field, READ[field](text))
    except ValueError:
        return
