"""What one would write on the official SDK at its best: big reservations, reads and writes in full
batches. It guards nothing, keeps no list of what it reserved and no account of execution time.

Usage: sdk.py CONTROL_URL. Prints how many contacts it changed.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "conformance"))

from stand_in import StandIn  # noqa: E402

FIELDS = ("NAME", "SECOND_NAME", "LAST_NAME")
LIMIT = 1000
PAGE = 50


def corrections(contact):
    """The fields that need other capitals; Python's own title case stands in for a policy."""
    values = ((field, contact[field] or "") for field in FIELDS)
    return {field: value.title() for field, value in values if value != value.title()}


def results(token, methods):
    """The results of any number of commands, as few requests as possible."""
    answer = token.call_batches(methods)["result"]
    if answer["result_error"]:
        raise SystemExit(f"refused: {answer['result_error']}")
    return answer["result"]


def drain(token):
    """Empties the queue and returns how many contacts were changed."""
    changed = 0
    while True:
        get = {"clear": 0, "limit": LIMIT}
        reserved = token.call_method("event.offline.get", get)["result"]
        rows = reserved["events"]
        if not rows:
            return changed
        ids = sorted({int(row["EVENT_DATA"]["FIELDS"]["ID"]) for row in rows})
        pages = results(
            token,
            {
                f"p{at}": (
                    "crm.contact.list",
                    {"select": ["ID", *FIELDS], "filter": {"@ID": ids[at : at + PAGE]}, "start": -1},
                )
                for at in range(0, len(ids), PAGE)
            },
        )
        contacts = [contact for page in pages.values() for contact in page]
        due = {contact["ID"]: corrections(contact) for contact in contacts}
        updates = {
            f"u{number}": ("crm.contact.update", {"id": number, "fields": fields})
            for number, fields in due.items()
            if fields
        }
        if updates:
            results(token, updates)
        changed += len(updates)
        acknowledge = {"process_id": reserved["process_id"], "id": [int(row["ID"]) for row in rows]}
        token.call_method("event.offline.clear", acknowledge)


if __name__ == "__main__":
    print(drain(StandIn(sys.argv[1]).token))
