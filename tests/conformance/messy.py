"""What the drains of all clients begin and end with: people's edits, and tidy names."""

import json
import urllib.request


class Messy:
    """A served test portal, reached through its control interface."""

    def __init__(self, control_url):
        self._control_url = control_url.rstrip("/")
        self.overview = self.control("GET", "/")

    def control(self, verb, path, body=None):
        """Speaks to the control interface."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._control_url + path, data=data, method=verb)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def people_edit(self):
        """Edits and new contacts, some of another category; their ids in order."""
        self.control("POST", "/settings", {"burst": 1000.0})
        ids = [1, 2, 3]
        for contact in ids:
            self.control("POST", f"/contacts/{contact}", {"NAME": "zOË", "LAST_NAME": "o'nEIL & sön"})
        for number in range(60):
            new = {"NAME": "jANE #1 [x]", "LAST_NAME": f"dOE {number}", "category": 12 * (number % 2)}
            ids.append(self.control("POST", "/contacts", new)["id"])
        return ids

    def contacts(self, category):
        """How many contacts there are of a category."""
        found = self.control("GET", "/contacts")
        return sum(contact["category"] == category for contact in found)

    @staticmethod
    def tidy(name):
        """The name as it should be; simple rules do here."""
        return name.title()

    def must_be_tidy(self, ids, habits=()):
        """Nothing is queued, every contact has its names, and no promise of ours was broken but for
        habits of the client (beginnings of the referee's words)."""
        assert self.control("GET", "/queue") == []
        for contact in ids:
            found = self.control("GET", f"/contacts/{contact}")
            for field in ("name", "last_name"):
                assert found[field] == self.tidy(found[field]), found
        noted = self.control("GET", "/violations")
        broken = [words for words in noted if not words.startswith(tuple(habits))]
        assert broken == [], broken
