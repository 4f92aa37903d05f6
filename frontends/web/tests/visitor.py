"""A visitor: opens pages, follows links, fills in and sends forms, as a browser without JavaScript does."""

from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin

import httpx


@dataclass
class Form:
    """A form of a page: where it is sent, and what it holds already."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """What a page shows: its words, links and forms."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer, self.status, self.path = answer, answer.status_code, answer.url.path
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.words, self._link, self._in_form, self._hidden = "", "", False, 0
        self.feed(answer.text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told: dict[str, str] = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "noscript"):
            self._hidden += 1
        elif tag == "a":
            self._link = told.get("href", "")
        elif tag == "form":
            self.forms.append(Form(told.get("action", ""), told.get("method", "get").lower()))
            self._in_form = True
        elif self._in_form and tag in ("input", "select", "textarea", "button") and told.get("name"):
            self._control(tag, told)

    def _control(self, tag: str, told: dict[str, str]) -> None:
        form, name, value = self.forms[-1], told["name"], told.get("value", "")
        if tag == "button":
            form.buttons.append((name, value))
        elif told.get("type") not in ("radio", "checkbox") or "checked" in told:
            form.fields[name] = value
        else:
            form.fields.setdefault(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "noscript"):
            self._hidden -= 1
        elif tag == "form":
            self._in_form = False
        elif tag == "a":
            self._link = ""

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.words += f" {data}"
        if self._link and data.strip():
            self.links[" ".join(data.split())] = self._link

    def form(self, action: str) -> Form:
        """The form that is sent to an address which ends so."""
        return next(form for form in self.forms if form.action.endswith(action))


class Visitor:
    """One browser: its cookies, and the page it is on."""

    def __init__(self, address: str, **headers: str) -> None:
        self.http = httpx.Client(base_url=address, follow_redirects=True, timeout=30, headers=headers)
        self.address = address
        self.page: Page

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, path: str) -> Page:
        self.page = Page(self.http.get(path))
        return self.page

    def follow(self, words: str) -> Page:
        """The link with these words."""
        return self.open(self.page.links[words])

    def send(self, action: str, button: tuple[str, str] | None = None, **filled: str) -> Page:
        """The form of this page that is sent there, filled in so."""
        form = self.page.form(action)
        fields: dict[str, Any] = {**form.fields, **filled, **dict([button] if button else [])}
        address = urljoin(str(self.page.answer.url), form.action)
        if form.method == "get":
            self.page = Page(self.http.get(address, params=fields))
        else:
            self.page = Page(self.http.post(address, data=fields))
        return self.page

    def at(self, day: date, clock: str) -> None:
        """The time that holds for this browser on a development node, in WIB."""
        self.open("/")
        self.send("/waktu", waktu=f"{day}T{clock}")

    def sign_in(self, who: str) -> Page:
        """`citizen/Siti Rahmawati`, `officer/7406`, `national-admin`."""
        self.open("/masuk")
        return self.send("/oidc/authorize", ("as", who))
