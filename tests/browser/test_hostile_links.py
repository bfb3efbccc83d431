"""Links full of Markdown, HTML and addresses: nothing of them is drawn but text, nothing is fetched."""

from urllib.parse import urlencode, urlsplit

import pytest

from tests.helpers.addresses import HOST, MARKUP, OWN, RATE_CHANGES, WEIGHTS

LINKS = [  # as many bad values as sentences are said
    ("", {"dataset": MARKUP[0], "loss": MARKUP[1], "hidden": MARKUP[2]}),
    ("", {"dataset": f"www.{HOST}", "loss": f" www.{HOST} ", "hidden": f"WWW.{HOST}/", f"www.{HOST}": "1"}),
    (
        "",
        {
            "run": [
                f"schedule~{RATE_CHANGES}{MARKUP[0]} {MARKUP[1]}",
                f"start~{WEIGHTS}{MARKUP[1]}",
                f"lr~x www.{HOST}",
            ]
        },
    ),
    ("watch", {"at": MARKUP[4], "look": MARKUP[1], "model": f" www.{HOST}"}),
    ("sweep", {"x": f" www.{HOST}~1", "y": f"loss~ www.{HOST}", "cell": MARKUP[1]}),
    ("traps", {"view": "momentum", "on": MARKUP[1], "lr": f" www.{HOST}"}),
    ("losses", {"loss": f" www.{HOST}", "over": f" www.{HOST}.{MARKUP[4]}", "target": MARKUP[0]}),
    ("autograd", {"text": "\n".join(["a = tensor(1.0)", f"'{MARKUP[1]}'", *MARKUP]), "root": MARKUP[4]}),
    ("start", {"path": ["losses", MARKUP[1]], "stop": MARKUP[0], "symptom": MARKUP[4]}),
    ("notes", dict.fromkeys(OWN["notes"], MARKUP[4])),
]
FOREIGN = """() => [...document.querySelectorAll('a[href], img[src], iframe[src], script[src], link[href]')]
  .map(one => one.href || one.src)
  .filter(address => !['data:', 'blob:'].includes(new URL(address).protocol))
  .filter(address => new URL(address).hostname !== location.hostname)"""


def at_home(address):
    return urlsplit(address).hostname == "127.0.0.1" or address.startswith(("data:", "blob:"))


NAMES = [f"{path or 'compare'}-{number}" for number, (path, _) in enumerate(LINKS)]


@pytest.mark.parametrize("path, params", LINKS, ids=NAMES)
def test_nothing_of_a_link_leads_away(visit, path, params):
    asked, few = [], {"steps": "2"} if path in ("", "watch", "sweep") else {}
    page = visit(
        f"/{path}?{urlencode(params | few, doseq=True)}",
        before=lambda page: page.on("request", lambda request: asked.append(request.url)),
    )
    page.wait_for_timeout(300)  # for what the page would fetch on its own
    assert page.evaluate(FOREIGN) == []
    assert asked and [address for address in asked if not at_home(address)] == []
    assert page.get_by_test_id("stAlert").locator("a, img, em, strong, del, code, .katex").count() == 0
    assert page.errors == []
